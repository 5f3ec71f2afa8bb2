"""The XML of bpost: an item with its states, or one of two exceptions; namespaces vary.

Floor 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from xml.etree.ElementTree import Element, ParseError
from zoneinfo import ZoneInfo

from defusedxml.ElementTree import fromstring

from tracker_sync.model import Estimate, Pickup, Status

ITEM = "itemTracking"
DOWN = "systemException"  # "try again in a few moments"
UNKNOWN = "businessException"  # bpost has nothing to tell about the number
# Then `deliveryTime` is when it happened, or nothing that will.
PASSED = frozenset(
    {Status.DELIVERED, Status.RETURNING, Status.RETURNED, Status.CANCELLED, Status.LOST}
)


def tree(body: bytes) -> Element:
    """Parse an answer without DTD, entities or external references; ValueError for the rest."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as exc:
        raise ValueError("not XML") from exc
    if kind(root) not in {ITEM, DOWN, UNKNOWN}:
        raise ValueError("not an answer of bpost")
    return root


def fault(body: bytes) -> str:
    """Name the exception an error answer holds; blank for a page of somebody else."""
    try:
        found = kind(tree(body))
    except (ValueError, LookupError, RecursionError):
        return ""
    return "" if found == ITEM else found


def kind(element: Element) -> str:
    """Return the name of *element* without its namespace."""
    return element.tag.rpartition("}")[2]


def said(element: Element | None, name: str) -> str:
    """Return the text of the first child *name*; blank where there is none."""
    child = _child(element, name)
    return " ".join((child.text or "").split()) if child is not None else ""


def states(item: Element) -> Iterator[Element]:
    """Give the dated states, as listed; one without code and text says nothing."""
    for state in item:
        telling = said(state, "stateCode") or said(state, "stateDescription")
        if kind(state) == "stateInfo" and said(state, "time") and telling:
            yield state


def pickup(item: Element) -> Pickup | None:
    """Return the pickup point; every item names one, so ask only while a parcel waits there."""
    point = _child(item, "pickupPoint")
    names = ("name", "streetName", "houseNumber", "postalCode", "city")
    name, street, house, postcode, city = (said(point, each) for each in names)
    lines = (f"{street} {house}".strip(), f"{postcode} {city}".strip())
    address = ", ".join(filter(None, lines))
    return Pickup(name=name, address=address) if name or address else None


def estimate(item: Element, when: Callable[[str], datetime], zone: str) -> Estimate | None:
    """Return the forecast, with its window where it has one; what cannot be read is none."""
    window = _child(item, "deliveryTimeWindow")
    names = ("plannedDeliveryDateWindowStart", "plannedDeliveryDateWindowEnd")
    begins, until = (_moment(said(window, name), when) for name in names)
    moment = _moment(said(item, "deliveryTime"), when)
    if begins and until and begins <= until:
        return Estimate(_day(begins, zone), begins, until)
    return Estimate(_day(moment, zone)) if moment else None


def _moment(stamp: str, when: Callable[[str], datetime]) -> datetime | None:
    try:
        return when(stamp) if "T" in stamp else None
    except (ValueError, OverflowError):
        return None


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _child(element: Element | None, name: str) -> Element | None:
    children = () if element is None else element
    return next((child for child in children if kind(child) == name), None)
