"""Parcels, messages and wishes of a pretended shop, with what a test does not care about filled in.

Times are Berlin's: `at("Tue 14:00")` in the week of Monday 2 November 2026, or an ISO date.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from pure.histories import BERLIN, MONDAY
from tracker_sync.lifecycle import RANK
from tracker_sync.messages.follow_ups import OrderView
from tracker_sync.messages.message import Message, order_subject, parcel_subject, unique_id
from tracker_sync.messages.verdict import Action, Policy, Verdict
from tracker_sync.model import Direction, Kind, Order, Problem, Recipient, Shipment, State, Status

CUSTOMER = Recipient(email="kunde-1@shop.invalid")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = "00340434161094000017"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def at(text: str) -> datetime:
    """The moment meant by `Tue 14:00`, `2026-10-25 02:30` or an ISO date with its offset."""
    day, _, clock = text.partition(" ")
    if day not in DAYS:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).astimezone(UTC)
    date = MONDAY.date() + timedelta(days=DAYS.index(day))
    return datetime.combine(date, time.fromisoformat(clock), BERLIN).astimezone(UTC)


def day(text: str) -> str:
    """The attempt of a weekday: its date."""
    return at(f"{text} 12:00").date().isoformat()


def state(status: str = "", since: str = "Tue 12:00", *problems: str, **changes: Any) -> State:
    """A parcel that reached *status* then, after a first scan on Monday evening."""
    reached = Status(status) if status else None
    moving = reached in RANK and reached is not Status.ANNOUNCED
    facts = {
        "status": reached,
        "status_at": at(since) if reached else None,
        "problems": frozenset(map(Problem, problems)),
        "first_scan_at": at("Mon 18:00") if moving else None,
        "delivered_at": at(since) if reached is Status.DELIVERED else None,
        "turned": reached in (Status.RETURNING, Status.RETURNED),
    }
    return State(**{**facts, **changes})


def shipment(
    status: str = "", since: str = "Tue 12:00", *problems: str, **changes: Any
) -> Shipment:
    """A parcel to a known customer in Germany, taken in by a shop that runs for long."""
    facts = {
        "id": 1,
        "brand": "dhl",
        "zone": "Europe/Berlin",
        "number": NUMBER,
        "first_number": NUMBER,
        "numbers": (NUMBER,),
        "taken_at": at("Mon 08:00"),
        "active_from": LONG_AGO,
        "state": state(status, since, *problems),
        "recipient": CUSTOMER,
        "orders": (order(),),
    }
    return Shipment(**{**facts, **changes})


def return_parcel(status: str = "", *, requested: bool = True) -> Shipment:
    """A parcel on its way back from the customer."""
    return shipment(status, id=9, direction=Direction.RETURN, requested=requested)


def order(reference: str = "1001", **changes: Any) -> Order:
    """An order of the shop."""
    facts = {"id": 7, "reference": reference, "subject": order_subject(reference)}
    return Order(**{**facts, **changes})


def view(*parcels: Shipment, count: int | None = None, **changes: Any) -> OrderView:
    """An order with its parcels; *count* = how many the source says there are."""
    return OrderView(order=order(parcel_count=count), parcels=parcels, **changes)


def message(kind: str, occurred: str = "Tue 12:00", attempt: str = "", **changes: Any) -> Message:
    """A message about the parcel, due when it happened; *attempt* is a weekday."""
    subject = parcel_subject("dhl", NUMBER, 1)
    facts = {
        "id": unique_id("muster-shop", subject, kind, 1),
        "kind": kind,
        "subject": subject,
        "shipment_id": 1,
        "occurred_at": at(occurred),
        "due_at": at(occurred),
        "attempt": day(attempt) if attempt in DAYS else attempt,
    }
    return Message(**{**facts, **changes})


def policy(**changes: Any) -> Policy:
    """The wishes of a merchant in Berlin who wants every kind of message."""
    facts = {"zone": BERLIN, "sent": frozenset(kind.value for kind in Kind)}
    return Policy(**{**facts, **changes})


def spell(verdict: Verdict | None) -> str:
    """Spell a verdict: `go`, `withhold: not enabled`, `hold: quiet hours until Wed 07:00`."""
    if verdict is None:
        return "free"
    words = [verdict.action.value]
    if verdict.action is Action.GO and verdict.backfill:
        words = ["go as backfill"]
    reason = f": {verdict.reason}" if verdict.reason else ""
    until = f" until {local(verdict.until)}" if verdict.until else ""
    return words[0] + reason + until


def local(moment: datetime | None) -> str:
    """Spell a moment in Berlin: `Wed 07:00`."""
    return f"{moment.astimezone(BERLIN):%a %H:%M}" if moment else "never"
