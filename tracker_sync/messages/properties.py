"""What a message says: flat PascalCase properties, blanks left out.

The names are the ones merchants put into their templates; `tracker-sync events` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote

from tracker_sync.messages.arrival import Days, expected, transit_days
from tracker_sync.messages.message import Message
from tracker_sync.messages.texts import status_text
from tracker_sync.messages.verdict import known_kind
from tracker_sync.model import Detail, Item, Kind, Problem, Shipment, Status

_GOODS = ("ItemNames", "Items")
_KLAVIYOS = ("value", "$value")  # once an event had it, all later ones without it count as 0


@dataclass(frozen=True, slots=True)
class Brand:
    """How a brand shows itself to customers."""

    key: str
    title: str
    tracking_url: str = ""  # with {number}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The merchant's wishes about what is said."""

    zone: tzinfo
    language: str = "en"
    items: str = "names"  # or "off", "full"
    also_as: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    review_link: str = ""
    tracking_page_link: str = ""
    reroute_link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One message and what surrounds it."""

    message: Message
    shipment: Shipment
    brand: Brand
    status: Status | None = None
    previous: Status | None = None
    problem: Problem | None = None
    detail: Detail | None = None
    parcel_number: int = 1
    parcel_count: int = 1
    basis: str = ""
    correctable: bool = False
    forecast: Days | None = None  # our own, where the carrier gives none


def properties(occasion: Occasion, wording: Wording) -> dict[str, Any]:
    """Build the properties of one message: the merchant's own, the feed's, then ours on top."""
    shipment = occasion.shipment
    known = {
        **_parcel(occasion, wording),
        **_progress(occasion, wording),
        **_places(occasion, wording),
        **_links(occasion, wording),
        **_goods(shipment.items, wording.items),
    }
    ours = dict(_filled(known))
    aliases = {alias: ours[name] for name, alias in wording.also_as.items() if name in ours}
    theirs = _filled({**wording.properties, **dict(_filled(shipment.properties)), **aliases})
    taken = {*known, *_GOODS, *_KLAVIYOS}  # ours stays ours, also where we leave it out
    return {**{name: value for name, value in theirs if name not in taken}, **ours}


def _parcel(occasion: Occasion, wording: Wording) -> dict[str, Any]:
    shipment, brand = occasion.shipment, occasion.brand
    references = [order.reference for order in shipment.orders if order.reference]
    return {
        "TrackingNumber": shipment.number,
        "TrackingURL": brand.tracking_url.replace("{number}", quote(shipment.number, safe="")),
        "Carrier": brand.key,
        "CarrierName": brand.title,
        "Service": shipment.service,
        "Direction": shipment.direction.value,
        "OrderNumber": references[0] if references else "",
        "OrderNumbers": references if len(references) > 1 else [],
        "OrderID": next((order.order_id for order in shipment.orders if order.order_id), ""),
        "ParcelNumber": occasion.parcel_number,
        "ParcelCount": occasion.parcel_count,
        "Language": shipment.language or wording.language,
        "DestinationCountry": shipment.destination_country,
        "ConsentBasis": occasion.basis,
    }


def _progress(occasion: Occasion, wording: Wording) -> dict[str, Any]:
    shipment, message = occasion.shipment, occasion.message
    state = shipment.state
    return {
        "Status": occasion.status.value if occasion.status else "",
        "PreviousStatus": occasion.previous.value if occasion.previous else "",
        "StatusText": status_text(known_kind(message.kind), shipment.language or wording.language),
        "Detail": occasion.detail.value if occasion.detail else "",
        "Problem": occasion.problem.value if occasion.problem else "",
        "Correctable": occasion.correctable,
        "OccurredAt": spelled(message.occurred_at, wording.zone),
        "DeliveredAt": spelled(state.delivered_at, wording.zone),
        "TransitDays": transit_days(shipment),
    }


def _places(occasion: Occasion, wording: Wording) -> dict[str, Any]:
    shipment = occasion.shipment
    pickup = shipment.pickup
    waiting = pickup if shipment.state.status is Status.READY_FOR_PICKUP else None
    return {
        **expected(shipment, occasion.forecast),
        "PickupType": waiting.type if waiting else "",
        "PickupName": waiting.name if waiting else "",
        "PickupAddress": waiting.address if waiting else "",
        "PickupUntil": spelled(waiting.until, wording.zone) if waiting else "",
    }


def _links(occasion: Occasion, wording: Wording) -> dict[str, Any]:
    shipment = occasion.shipment
    wants_review = occasion.message.kind == Kind.REVIEW_REQUEST
    return {
        "TrackingPageURL": _link(wording.tracking_page_link, shipment),
        "ReviewURL": _link(wording.review_link, shipment) if wants_review else "",
        "RerouteURL": shipment.reroute_url or _link(wording.reroute_link, shipment),
    }


def _link(template: str, shipment: Shipment) -> str:
    """Fill a link; blank where the order it needs is not known."""
    order = shipment.orders[0] if shipment.orders else None
    values = {
        "tracking_number": shipment.number,
        "order_number": order.reference if order else "",
        "order_id": order.order_id if order else "",
    }
    if any("{" + name + "}" in template and not value for name, value in values.items()):
        return ""
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


def _goods(items: tuple[Item, ...], wish: str) -> dict[str, Any]:
    if wish == "off":
        return {}
    names: dict[str, Any] = {"ItemNames": [item.name for item in items if item.name]}
    return names if wish == "names" else {**names, "Items": [_item(item) for item in items]}


def _item(item: Item) -> dict[str, Any]:
    fields = {
        "ProductID": item.product_id,
        "SKU": item.sku,
        "ProductName": item.name,
        "Quantity": item.quantity,
        "ItemPrice": item.price,
        "ProductURL": item.product_url,
        "ImageURL": item.image_url,
        "Categories": list(item.categories),
    }
    return dict(_filled(fields))


def spelled(moment: datetime | None, zone: tzinfo) -> str:
    """A moment as ISO 8601 with the shop's offset; blank for None."""
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else ""


def _filled(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Leave out nulls, zeros and blanks: Klaviyo ignores them, and a mail would print them."""
    return ((name, value) for name, value in values.items() if value)
