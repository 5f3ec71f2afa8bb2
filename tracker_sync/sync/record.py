"""Where a history ends, into the database: state, transitions and what they owe, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from tracker_sync import lifecycle
from tracker_sync.lifecycle.delays import next_delay, overdue
from tracker_sync.messages.kinds import kind_of
from tracker_sync.messages.message import Message
from tracker_sync.messages.verdict import judge
from tracker_sync.model import (
    FINAL,
    Kind,
    Problem,
    Scan,
    Shipment,
    State,
    Status,
    Transition,
)
from tracker_sync.store import stamp
from tracker_sync.store.connection import maybe_stamp
from tracker_sync.store.rows import state_columns
from tracker_sync.sync import follow
from tracker_sync.sync.house import House
from tracker_sync.sync.owing import judged, parcel_message, withheld

log = structlog.get_logger()

_ONCE = (Problem.DELAYED.value, "")


def refresh(
    house: House,
    known: Shipment,
    now: datetime,
    columns: Mapping[str, Any] | None = None,
    *,
    heard: bool = False,
) -> int:
    """Walk the stored history anew and record what changed; return the number of transitions.

    *heard*: a carrier that knows the parcel has just answered, so its silence means something.
    """
    store = house.store
    store.shipments.update(known.id, columns or {})
    told = store.shipments.told(known.id)
    traced, watch_at = _walk(house, known, told, now, heard=heard)
    news = lifecycle.changes(traced, told, known.state)
    store.shipments.update(known.id, {**state_columns(traced.state), **_end(known, traced.state)})
    shipment = store.shipments.get(known.id)
    store.shipments.update(known.id, {"watch_at": _earliest(watch_at, expiry(house, shipment))})
    for transition in news:
        _tell(house, shipment, transition, now)
    if not any(transition.word is Status.DELIVERED for transition in news):
        _tell_again(house, known, shipment, now)
    _tell_estimate(house, known, shipment, now)
    follow.after(house, shipment, now)
    return len(news)


def _walk(
    house: House, known: Shipment, told: set[tuple[str, str]], now: datetime, *, heard: bool
) -> tuple[lifecycle.Trace, datetime | None]:
    """The trace of the believed history, conclusions from silence included, and when to look."""
    shipments = house.store.shipments
    scans = shipments.scans(known.id)
    traced = _trace(scans, known, now)
    shipment = shipments.get(known.id)
    delay = next_delay(traced.state, shipment.estimate, house.calendar(shipment))
    if delay and _ONCE not in told and _ONCE not in {t.key for t in traced.transitions}:
        if delay.at > now or not heard:
            return traced, _first(delay.at, lifecycle.ahead(scans, now))
        shipments.add_scans(known.id, "clock", [delay], now)
        scans = sorted([*scans, delay], key=lambda scan: scan.at)
        traced = _trace(scans, known, now)
    return traced, lifecycle.ahead(scans, now)


def silence(house: House, shipment: Shipment, now: datetime) -> datetime | None:
    """Since when a parcel is late, unless the carrier knows better; None: it is not, or told."""
    delay = overdue(shipment.state, shipment.estimate, house.calendar(shipment), now)
    if delay is None or _ONCE in house.store.shipments.told(shipment.id):
        return None
    return delay.at


def _trace(scans: list[Scan], known: Shipment, now: datetime) -> lifecycle.Trace:
    good = lifecycle.believed(scans, known, now)
    return lifecycle.trace(good, zone=ZoneInfo(known.zone), direction=known.direction)


def _earliest(*moments: datetime | None) -> str | None:
    return maybe_stamp(_first(*moments))


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def expiry(house: House, shipment: Shipment) -> datetime | None:
    """When a parcel that stays unknown or silent is given up; None for one that is closed."""
    if shipment.closed_at is not None:
        return None
    wishes = house.bounds
    if shipment.found_at is None:
        return shipment.taken_at + wishes.give_up
    return max(shipment.state.last_scan_at or shipment.found_at, shipment.taken_at) + wishes.silent


def _end(known: Shipment, state: State) -> dict[str, Any]:
    """Close a shipment that reached an end, open one that left it."""
    if state.status in FINAL:
        return {"closed_at": maybe_stamp(state.status_at), "closed_reason": state.status}
    if known.closed_reason == "expired" and state == known.state:
        return {}
    return {"closed_at": None, "closed_reason": ""}


def _tell(house: House, shipment: Shipment, transition: Transition, now: datetime) -> None:
    """Record a transition and owe its message."""
    ordinal = house.store.shipments.add_transition(shipment.id, transition, now)
    log.info(
        "shipment.changed",
        brand=shipment.brand,
        number=shipment.number[-6:],
        to=transition.word.value,
        at=stamp(transition.at),
    )
    kind = kind_of(transition, shipment.direction)
    if kind is None:
        return
    if kind is Kind.RETURN_IN_TRANSIT:
        ordinal = 1
    message = parcel_message(house, shipment, kind, transition.at, ordinal=ordinal)
    owe(house, shipment, _settled(house, message, transition, now), now, transition=transition)


def _settled(house: House, message: Message, transition: Transition, now: datetime) -> Message:
    """A failed attempt waits a little: often a better status follows."""
    wait = house.policy.settle if message.kind == Kind.DELIVERY_FAILED else timedelta(0)
    return replace(message, due_at=max(now, message.occurred_at + wait), attempt=transition.attempt)


def owe(
    house: House,
    shipment: Shipment,
    message: Message,
    now: datetime,
    *,
    transition: Transition | None = None,
) -> None:
    """Owe a message and judge it at once: what cannot go any more is recorded as withheld."""
    verdict = judge(message, shipment, house.policy, now)
    house.store.outbox.owe(message, now, transition=transition, withheld=withheld(verdict))


def _tell_again(house: House, known: Shipment, shipment: Shipment, now: datetime) -> None:
    """A delivery that was taken back and came again is told once, at its last time."""
    delivered = shipment.state.delivered_at
    if delivered is None or delivered == known.state.delivered_at:
        return
    kind = kind_of(Transition(Status.DELIVERED, delivered), shipment.direction)
    if kind is None:
        return
    message = parcel_message(house, shipment, kind, delivered)
    if house.store.outbox.owe_again(message, now):
        judged(house, message, judge(message, shipment, house.policy, now), now)


def _tell_estimate(house: House, known: Shipment, shipment: Shipment, now: datetime) -> None:
    old, new = known.estimate, shipment.estimate
    if old is None or new is None or old.day == new.day or shipment.state.status is None:
        return
    ordinal = 1 + house.store.outbox.count(shipment.id, Kind.ESTIMATE_CHANGED)
    message = parcel_message(house, shipment, Kind.ESTIMATE_CHANGED, now, ordinal=ordinal)
    owe(house, shipment, replace(message, attempt=new.day.isoformat()), now)
