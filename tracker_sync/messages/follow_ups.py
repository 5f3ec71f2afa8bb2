"""Messages that become due later: the review request, the pickup reminder, the merchant's own.

Pure. A follow-up is armed when its trigger happens, and checked again before it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker_sync.messages.message import Message
from tracker_sync.messages.verdict import (
    Action,
    Policy,
    Verdict,
    deliverable,
    holds,
    hours,
)
from tracker_sync.model import FINAL, Direction, Kind, Order, Problem, Shipment, Status

ONCE_MORE = "asking the carrier once more"
LAPSES_AFTER = timedelta(days=7)
WAITS_FOR_A_FRESH_LOOK = timedelta(hours=24)
_BEFORE_THE_END = timedelta(hours=36)
_TOO_LATE = timedelta(hours=12)
_LOOK_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """One entry of `follow_ups:`."""

    name: str
    after: Kind
    delay: timedelta
    metric: str = ""
    basis: str = ""  # "consent", "existing_customer" or "none"; blank where it is no advertising
    at_most_every: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order with all its parcels, as far as they are known."""

    order: Order
    parcels: tuple[Shipment, ...]
    nothing_left: bool = True  # the source has nothing left to ship
    refunded: bool = False


def due(rule: FollowUp, since: datetime, shipment: Shipment) -> datetime:
    """When the follow-up is due, if its trigger happened at *since*."""
    when = since + rule.delay
    until = shipment.pickup.until if shipment.pickup else None
    if rule.after is Kind.READY_FOR_PICKUP and until:
        return max(since, min(when, until - _BEFORE_THE_END))
    return when


def completed_at(view: OrderView) -> datetime | None:
    """The last delivery of a complete order; None while something is still to come."""
    parcels = [p for p in view.parcels if p.direction is Direction.OUTBOUND and _counts(p)]
    arrived = [p.state.delivered_at for p in parcels if p.state.delivered_at]
    enough = len(arrived) >= (view.order.parcel_count or 1)
    if len(arrived) < len(parcels) or not enough or not view.nothing_left:
        return None
    return max(arrived)


def _counts(parcel: Shipment) -> bool:
    """A cancelled, never used or expired parcel does not."""
    unused = parcel.state.status in (None, Status.ANNOUNCED, Status.CANCELLED)
    return not unused and parcel.closed_reason != "expired"


def spoiled(view: OrderView) -> str:
    """Why nobody should be asked how he liked it; blank if nothing went wrong."""
    for parcel in view.parcels:
        if parcel.direction is Direction.RETURN and (parcel.requested or _counts(parcel)):
            return "the customer returns something"
        if parcel.state.turned:
            return "a parcel turned back"
        if parcel.state.status is Status.LOST:
            return "a parcel is lost"
        if Problem.DAMAGED in parcel.state.problems:
            return "a parcel is damaged"
        # A label never used is "delayed" for ever; that spoils nothing.
        if parcel.direction is Direction.OUTBOUND and parcel.state.problems and _counts(parcel):
            return "a parcel has an open problem"
    return "the order is refunded" if view.refunded else ""


def judge_order(
    message: Message, rule: FollowUp, view: OrderView, policy: Policy, *, now: datetime
) -> Verdict:
    """Decide about a follow-up of a whole order, such as the review request."""
    last = view.parcels[-1]
    shipment = next((p for p in view.parcels if p.id == message.shipment_id), last)
    wrong = _lapsed(message, now) or spoiled(view) or _incomplete(view) or _refused(rule, shipment)
    if message.kind not in policy.sent:
        wrong = "not enabled"
    if wrong:
        return Verdict(Action.WITHHOLD, wrong)
    return deliverable(message, shipment, policy, now)


def judge_parcel(
    message: Message, rule: FollowUp, shipment: Shipment, policy: Policy, *, now: datetime
) -> Verdict:
    """Decide about a follow-up of one parcel: it goes only while its trigger is current."""
    until = shipment.pickup.until if shipment.pickup else None
    too_late = rule.after is Kind.READY_FOR_PICKUP and until and until - now < _TOO_LATE
    wrong = _lapsed(message, now) or ("too late to collect it" if too_late else "")
    if not holds(rule.after, message, shipment, now):
        wrong = f"{rule.after.value} is over"
    if message.kind not in policy.sent:
        wrong = "not enabled"
    if wrong:
        return Verdict(Action.WITHHOLD, wrong)
    return deliverable(message, shipment, policy, now)


def unchecked(
    message: Message, view: OrderView, now: datetime, *, askable: frozenset[str]
) -> Verdict | None:
    """Hold while a parcel was not asked again since the due time; *askable* = brands that can be.

    After 24 hours the last known state decides.
    """
    if now >= message.occurred_at + WAITS_FOR_A_FRESH_LOOK:
        return None
    old = [
        parcel
        for parcel in view.parcels
        if parcel.brand in askable and parcel.direction is Direction.OUTBOUND and _counts(parcel)
        if parcel.checked_at is None or parcel.checked_at < message.occurred_at
    ]
    return Verdict(Action.HOLD, ONCE_MORE, until=now + _LOOK_AGAIN) if old else None


def unseen(message: Message, parcel: Shipment, now: datetime) -> Verdict | None:
    """Hold what is said of a parcel under way alike: it may have been collected meanwhile."""
    late = now >= message.occurred_at + WAITS_FOR_A_FRESH_LOOK
    asked = parcel.checked_at is not None and parcel.checked_at >= message.occurred_at
    if late or asked or parcel.state.status in FINAL:
        return None
    return Verdict(Action.HOLD, ONCE_MORE, until=now + _LOOK_AGAIN)


def too_often(last: datetime | None, rule: FollowUp, now: datetime) -> Verdict | None:
    """At most one in `at_most_every` to one recipient; *last* = when he last got one."""
    if last is None or now - last >= rule.at_most_every:
        return None
    return Verdict(Action.WITHHOLD, f"asked less than {hours(rule.at_most_every)} ago")


def _lapsed(message: Message, now: datetime) -> str:
    return "lapsed" if now > message.occurred_at + LAPSES_AFTER else ""


def _incomplete(view: OrderView) -> str:
    return "" if completed_at(view) else "the order is not complete"


def _refused(rule: FollowUp, shipment: Shipment) -> str:
    agreed = rule.basis != "consent" or shipment.recipient.consent is True
    return "" if agreed else "no consent"


def is_order_rule(rule: FollowUp) -> bool:
    """Whether the follow-up speaks of the whole order."""
    return rule.after is Kind.ORDER_DELIVERED
