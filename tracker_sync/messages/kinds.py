"""Every kind of message: its default metric, when it goes, and how long it stays true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tracker_sync.model import Direction, Kind, Problem, Status, Transition


class About(StrEnum):
    """Whose story a kind tells; part of its id."""

    PARCEL = "parcel"
    ORDER = "order"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Spec:
    """What is fixed about one kind."""

    metric: str
    says: str  # for the catalogue of events
    on: bool = True  # sent unless muted; False = only if enabled
    quiet: bool = False  # waits for the end of quiet hours
    lasts: bool = False  # does not die of age while it is still true
    about: About = About.PARCEL


_ORDER, _RETURN = About.ORDER, About.RETURN

SPECS: Mapping[Kind, Spec] = MappingProxyType(
    {
        Kind.ANNOUNCED: Spec("Shipment Announced", "label data reached the carrier", on=False),
        Kind.DISPATCHED: Spec(
            "Shipment Dispatched", "left the warehouse: the carrier's first scan", quiet=True
        ),
        Kind.IN_TRANSIT: Spec("Shipment In Transit", "on its way: a later scan", quiet=True),
        Kind.OUT_FOR_DELIVERY: Spec("Shipment Out for Delivery", "in the van today"),
        Kind.DELIVERY_FAILED: Spec("Shipment Delivery Failed", "nobody was met; waits two hours"),
        Kind.READY_FOR_PICKUP: Spec(
            "Shipment Ready for Pickup", "waiting in a shop, branch or locker", lasts=True
        ),
        Kind.DELIVERED: Spec("Shipment Delivered", "handed over; Detail says to whom or where"),
        Kind.RETURNING: Spec("Shipment Returning to Sender", "undeliverable, on its way back"),
        Kind.RETURNED: Spec("Shipment Returned to Sender", "back at the sender", on=False),
        Kind.LOST: Spec("Shipment Lost", "the carrier gave it up", on=False),
        Kind.CANCELLED: Spec("Shipment Cancelled", "the label was cancelled", on=False),
        Kind.ADDRESS_PROBLEM: Spec(
            "Shipment Address Correction Required", "the address is wrong or incomplete", lasts=True
        ),
        Kind.DELAYED: Spec("Shipment Delayed", "late, stalled or never handed over", quiet=True),
        Kind.DAMAGED: Spec("Shipment Damaged", "damaged on the way", on=False),
        Kind.CUSTOMS: Spec("Shipment Held at Customs", "held at customs", on=False),
        Kind.REFUSED: Spec("Shipment Refused", "the recipient refused it", on=False),
        Kind.PROBLEM: Spec("Shipment Problem", "another problem", on=False),
        Kind.ESTIMATE_CHANGED: Spec(
            "Shipment Estimate Changed", "the carrier now names another day", on=False
        ),
        Kind.RETURN_REQUESTED: Spec("Return Requested", "a return was asked for", about=_RETURN),
        Kind.RETURN_APPROVED: Spec("Return Approved", "a return was approved", about=_RETURN),
        Kind.RETURN_DECLINED: Spec("Return Declined", "a return was declined", about=_RETURN),
        Kind.RETURN_LABEL_CREATED: Spec("Return Label Created", "a label for a requested return"),
        Kind.RETURN_IN_TRANSIT: Spec("Return In Transit", "first scan of a return parcel"),
        Kind.RETURN_ARRIVED: Spec("Return Arrived", "the return parcel reached the shop"),
        Kind.RETURN_REFUNDED: Spec("Return Refunded", "the money is on its way", about=_RETURN),
        Kind.ORDER_DISPATCHED: Spec(
            "Order Dispatched", "first parcel of the order left", on=False, about=_ORDER
        ),
        Kind.ORDER_DELIVERED: Spec(
            "Order Delivered", "all parcels of the order arrived", on=False, about=_ORDER
        ),
        Kind.REVIEW_REQUEST: Spec(
            "Review Requested", "three days after the last delivery", quiet=True, about=_ORDER
        ),
        Kind.PICKUP_REMINDER: Spec(
            "Shipment Pickup Reminder", "still waiting for pickup", quiet=True
        ),
    }
)

_PROBLEMS = {
    Problem.ADDRESS: Kind.ADDRESS_PROBLEM,
    Problem.DELAYED: Kind.DELAYED,
    Problem.DAMAGED: Kind.DAMAGED,
    Problem.CUSTOMS: Kind.CUSTOMS,
    Problem.REFUSED: Kind.REFUSED,
    Problem.OTHER: Kind.PROBLEM,
}
_RETURNS = {
    Status.DISPATCHED: Kind.RETURN_IN_TRANSIT,
    Status.OUT_FOR_DELIVERY: Kind.RETURN_IN_TRANSIT,
    Status.DELIVERY_FAILED: Kind.RETURN_IN_TRANSIT,
    Status.READY_FOR_PICKUP: Kind.RETURN_IN_TRANSIT,
    Status.DELIVERED: Kind.RETURN_ARRIVED,
}


def kind_of(transition: Transition, direction: Direction) -> Kind | None:
    """The message a transition owes; None where it is only recorded."""
    word = transition.word
    if direction is Direction.RETURN:
        return _RETURNS.get(word) if isinstance(word, Status) else None
    return Kind(word.value) if isinstance(word, Status) else _PROBLEMS[word]


def problem_of(kind: str) -> Problem | None:
    """The problem a kind tells of, if it tells of one."""
    return next((problem for problem, told in _PROBLEMS.items() if told == kind), None)
