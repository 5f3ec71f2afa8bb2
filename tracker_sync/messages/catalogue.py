"""The catalogue of events: every kind of message with an example of what it says.

The examples are made by the code that makes the real ones, so they cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.messages.kinds import SPECS, About, Spec, problem_of
from tracker_sync.messages.message import Message, order_subject, parcel_subject, unique_id
from tracker_sync.messages.properties import Brand, Occasion, Wording, properties
from tracker_sync.model import (
    Detail,
    Direction,
    Estimate,
    Item,
    Kind,
    Order,
    Pickup,
    Problem,
    Shipment,
    State,
    Status,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of message, as the catalogue shows it."""

    kind: Kind
    spec: Spec
    sent: str  # "on", "off", or "if set up" under follow_ups
    example: Mapping[str, Any]  # the properties


@dataclass(frozen=True, slots=True)
class _Case:
    """Where the parcel of an example stands."""

    status: Status | None
    previous: Status | None = None
    detail: Detail | None = None


_ANNOUNCED_AT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
_REACHED: Mapping[Status | None, timedelta] = {
    Status.DISPATCHED: timedelta(hours=4),
    Status.IN_TRANSIT: timedelta(hours=13),
    Status.OUT_FOR_DELIVERY: timedelta(days=3, hours=16, minutes=30),
    Status.DELIVERY_FAILED: timedelta(days=3, hours=21),
    Status.READY_FOR_PICKUP: timedelta(days=4, hours=1, minutes=40),
    Status.DELIVERED: timedelta(days=3, hours=21, minutes=42),
    Status.RETURNING: timedelta(days=12),
    Status.RETURNED: timedelta(days=15),
    Status.LOST: timedelta(days=20),
}
_ON_THE_WAY = _Case(Status.IN_TRANSIT, Status.DISPATCHED)
_DELIVERED = _Case(Status.DELIVERED, Status.OUT_FOR_DELIVERY, Detail.NEIGHBOUR)
_WAITING = _Case(Status.READY_FOR_PICKUP, Status.OUT_FOR_DELIVERY)
_CASES: Mapping[Kind, _Case] = {
    Kind.ANNOUNCED: _Case(Status.ANNOUNCED),
    Kind.DISPATCHED: _Case(Status.DISPATCHED, Status.ANNOUNCED),
    Kind.OUT_FOR_DELIVERY: _Case(Status.OUT_FOR_DELIVERY, Status.IN_TRANSIT),
    Kind.DELIVERY_FAILED: _Case(Status.DELIVERY_FAILED, Status.OUT_FOR_DELIVERY),
    Kind.READY_FOR_PICKUP: _WAITING,
    Kind.DELIVERED: _DELIVERED,
    Kind.RETURNING: _Case(Status.RETURNING, Status.READY_FOR_PICKUP),
    Kind.RETURNED: _Case(Status.RETURNED, Status.RETURNING),
    Kind.LOST: _Case(Status.LOST, Status.IN_TRANSIT),
    Kind.CANCELLED: _Case(Status.CANCELLED, Status.ANNOUNCED),
    Kind.DELAYED: _Case(Status.IN_TRANSIT, Status.DISPATCHED, Detail.STALLED),
    Kind.REFUSED: _Case(Status.DELIVERY_FAILED, Status.OUT_FOR_DELIVERY),
    Kind.RETURN_REQUESTED: _Case(None),
    Kind.RETURN_APPROVED: _Case(None),
    Kind.RETURN_DECLINED: _Case(None),
    Kind.RETURN_LABEL_CREATED: _Case(Status.ANNOUNCED),
    Kind.RETURN_IN_TRANSIT: _Case(Status.DISPATCHED, Status.ANNOUNCED),
    Kind.RETURN_ARRIVED: _Case(Status.DELIVERED, Status.OUT_FOR_DELIVERY),
    Kind.RETURN_REFUNDED: _Case(Status.DELIVERED, Status.OUT_FOR_DELIVERY),
    Kind.ORDER_DISPATCHED: _Case(Status.DISPATCHED, Status.ANNOUNCED),
    Kind.ORDER_DELIVERED: _DELIVERED,
    Kind.REVIEW_REQUEST: _DELIVERED,
    Kind.PICKUP_REMINDER: _WAITING,
}
_FOLLOW_UPS = (Kind.REVIEW_REQUEST, Kind.PICKUP_REMINDER)
_LATER = timedelta(days=3)
_FORECAST = date(2026, 11, 24), date(2026, 11, 26)
_BRAND = Brand("dhl", "DHL", "https://www.dhl.de/de/privatkunden.html?piececode={number}")
_NUMBER = "00340434161094000017"
_ORDER = Order(id=1, reference="1001", subject=order_subject("1001"), order_id="4711")
_ZONE = "Europe/Berlin"
_WORDING = Wording(
    zone=ZoneInfo(_ZONE),
    review_link="https://shop.example/review/{order_number}",
    tracking_page_link="https://shop.example/track/{tracking_number}",
)


def catalogue() -> tuple[Entry, ...]:
    """Every kind of message, in the order of the parcel's way."""
    return tuple(Entry(kind, spec, _sent(kind), example(kind)) for kind, spec in SPECS.items())


def example(kind: Kind) -> dict[str, Any]:
    """The properties of an example message of that kind."""
    return properties(_occasion(kind), _WORDING)


def where_used(entries: Sequence[Entry]) -> Iterator[tuple[str, Any, tuple[Kind, ...]]]:
    """Each property with one example value and the kinds that carry it; common ones first."""
    names = dict.fromkeys(name for entry in entries for name in entry.example)
    for name in sorted(names, key=lambda name: -sum(name in e.example for e in entries)):
        carrying = [entry for entry in entries if name in entry.example]
        yield name, carrying[0].example[name], tuple(entry.kind for entry in carrying)


def _sent(kind: Kind) -> str:
    """A review request is advertising: it goes only where its legal basis is stated."""
    if kind is Kind.REVIEW_REQUEST:
        return "if set up"
    return "on" if SPECS[kind].on else "off"


def _occasion(kind: Kind) -> Occasion:
    case = _CASES.get(kind, _ON_THE_WAY)
    shipment, problem = _shipment(kind, case), problem_of(kind)
    return Occasion(
        message=_message(kind, case),
        shipment=shipment,
        brand=_BRAND,
        status=case.status,
        previous=case.previous,
        problem=problem,
        detail=case.detail if problem or kind is Kind.DELIVERED else None,
        parcel_number=0 if SPECS[kind].about is About.ORDER else 1,
        basis="existing_customer" if kind is Kind.REVIEW_REQUEST else "",
        correctable=problem is Problem.ADDRESS,
        forecast=_FORECAST if kind is Kind.IN_TRANSIT else None,
    )


def _message(kind: Kind, case: _Case) -> Message:
    whole = SPECS[kind].about is About.ORDER
    subject = _ORDER.subject if whole else parcel_subject("dhl", _NUMBER, 1)
    at = _at(case.status) + (_LATER if kind in _FOLLOW_UPS else timedelta(0))
    return Message(
        id=unique_id("muster-shop", subject, kind, 1),
        kind=kind,
        subject=subject,
        shipment_id=1,
        order_id=_ORDER.id if whole else None,
        occurred_at=at,
        due_at=at,
    )


def _shipment(kind: Kind, case: _Case) -> Shipment:
    back = kind.value.startswith("return_")
    waits = Pickup("locker", "Packstation 145", until=_at(case.status) + timedelta(days=7))
    return Shipment(
        id=1,
        brand="dhl",
        zone=_ZONE,
        number=_NUMBER,
        first_number=_NUMBER,
        numbers=(_NUMBER,),
        direction=Direction.RETURN if back else Direction.OUTBOUND,
        taken_at=_ANNOUNCED_AT,
        active_from=_ANNOUNCED_AT,
        state=_state(case, problem_of(kind)),
        estimate=None if back or kind is Kind.IN_TRANSIT else Estimate(_FORECAST[0]),
        pickup=waits if case.status is Status.READY_FOR_PICKUP else None,
        service="DHL Paket",
        language="en",
        destination_country="DE",
        items=(Item("Espresso cups", 2), Item("Coffee beans 500 g")),
        orders=(_ORDER,),
    )


def _state(case: _Case, problem: Problem | None) -> State:
    moving = case.status in _REACHED
    return State(
        status=case.status,
        status_at=_at(case.status),
        detail=case.detail,
        problems=frozenset({problem} if problem else ()),
        first_scan_at=_at(Status.DISPATCHED) if moving else None,
        delivered_at=_at(case.status) if case.status is Status.DELIVERED else None,
    )


def _at(status: Status | None) -> datetime:
    return _ANNOUNCED_AT + _REACHED.get(status, timedelta(0))
