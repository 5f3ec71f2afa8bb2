"""What Klaviyo has, beside what a perfect observer would have sent."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles

from soak.oracle import QUIET, Owed
from tracker_sync.messages.kinds import SPECS
from tracker_sync.sandbox.klaviyo import Event

METRICS = {spec.metric: kind.value for kind, spec in SPECS.items()}
PATIENCE = timedelta(hours=30)  # how late a message may be: hardly anybody asks on a Sunday
NIGHT = timedelta(hours=10)  # quiet hours
_ORDERS = ("review_request",)
_REFUTED = "the problem is over"
_WAITING = QUIET | {"delivery_failed"}  # others may pass them by while they wait for their hour


@dataclass(frozen=True)
class Fate:
    """What our database says of a message, and of its parcel: when each change was learned."""

    state: str
    reason: str
    attempts: int
    learned: Mapping[datetime, datetime]

    def known_over(self, one: Owed, at: datetime) -> bool:
        """Whether it went at its first attempt, when its end was known already."""
        learned = self.learned.get(one.until) if one.until and not one.also_at else None
        return self.attempts == 1 and learned is not None and learned <= at


@dataclass
class Outcome:
    """The count by kind, and whatever was not as it should be, in words."""

    expected: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # hours between due and arrived

    @property
    def good(self) -> bool:
        """Whether late was all that happened."""
        return not (self.missing or self.doubled or self.wrong)

    @property
    def late(self) -> dict[str, float]:
        """How late messages came, in hours."""
        ranks = quantiles(self.delays, n=100) if len(self.delays) > 1 else [0.0] * 99
        worst = max(self.delays, default=0.0)
        return {"median": ranks[49], "95 %": ranks[94], "99 %": ranks[98], "worst": worst}

    def complain(self, counter: Counter[str], kind: str, text: str) -> None:
        """Count something that should not be, and say it."""
        counter[kind] += 1
        self.complaints.append(f"{kind}: {text}")


@dataclass(frozen=True)
class Bounds:
    """Until when everything counts, and how late a message may be."""

    end: datetime
    patience: timedelta = PATIENCE


Arrived = Sequence[tuple[Event, datetime]]
Key = tuple[str, str]  # about, kind


def compare(
    owed: Sequence[Owed],
    arrived: Arrived,
    fates: Mapping[tuple[Key, datetime], Fate],
    bounds: Bounds,
) -> Outcome:
    """Compare what was expected with what arrived; what is due at the very end is left open."""
    outcome = Outcome()
    got: defaultdict[Key, list[tuple[Event, datetime]]] = defaultdict(list)
    for event, at in arrived:
        got[_key(event)].append((event, at))
    for one in owed:
        mine = [pair for pair in got[one.about, one.kind] if pair[0].time in one.moments]
        for pair in mine:
            got[one.about, one.kind].remove(pair)
        if one.due <= bounds.end:
            outcome.expected[one.kind] += 1
        _judge(outcome, one, mine, _fate(one, fates), bounds)
    for (about, kind), rest in got.items():
        for event, at in rest:
            text = f"{about[-6:]} says {event.time:%d %H:%M}, arrived {at:%d %H:%M}: never so"
            outcome.complain(outcome.wrong, kind, text)
    return outcome


def _judge(
    outcome: Outcome,
    one: Owed,
    mine: Arrived,
    fate: Fate | None,
    bounds: Bounds,
) -> None:
    if mine:
        outcome.accepted[one.kind] += one.due <= bounds.end
        _first(outcome, one, mine[0], bounds.patience)
        if fate and fate.known_over(one, mine[0][1]):
            text = f"{one.about[-6:]} of {one.at:%d %H:%M}: told though known to be over"
            outcome.complain(outcome.wrong, one.kind, text)
        for _ in mine[1:]:
            outcome.complain(outcome.doubled, one.kind, f"{one.about[-6:]} at {one.at:%d %H:%M}")
        return
    if one.due > bounds.end:
        return
    why = f"{fate.state} {fate.reason}" if fate else "never owed"
    reason = fate.reason if fate and fate.state == "withheld" else ""
    refuted = one.concluded and fate is None
    if (reason or refuted) and _agreed(one, reason or _REFUTED, bounds.patience):
        outcome.withheld[one.kind] += 1
        return
    span = f"true {one.due:%d %H:%M} to " + (f"{one.until:%d %H:%M}" if one.until else "the end")
    outcome.complain(outcome.missing, one.kind, f"{one.about[-6:]} {span}: {why}")


def _first(outcome: Outcome, one: Owed, came: tuple[Event, datetime], patience: timedelta) -> None:
    """An event that is expected: whose it is, and whether it came while it was so."""
    event, at = came
    due = max(one.due, event.time or one.due)
    outcome.delays.append((at - due) / timedelta(hours=1))
    where = f"{one.about[-6:]} of {one.at:%d %H:%M}, arrived {at:%d %H:%M}"
    if event.email != one.email:
        outcome.complain(outcome.wrong, one.kind, f"{where}: to somebody else")
    over = one.until and not one.also_at and at > one.until + patience
    if over or at < one.due - timedelta(minutes=1):
        outcome.complain(outcome.wrong, one.kind, f"{where}: over by then, or not due")


def _agreed(one: Owed, reason: str, patience: timedelta) -> bool:
    """Whether being late explains it: true for a short time only, and overtaken by what came."""
    if one.until is None:
        return False
    patience += NIGHT if one.kind in QUIET else timedelta(0)
    if one.until - one.due > patience:
        return False
    what, _, status = reason.partition("overtaken: ")
    if status:
        return status in one.later
    return what in (_REFUTED, "ready_for_pickup is over")


def _key(event: Event) -> Key:
    kind = METRICS.get(event.metric, event.metric)
    about = "OrderNumber" if kind in _ORDERS else "TrackingNumber"
    return str(event.properties.get(about, "")), kind


def _fate(one: Owed, fates: Mapping[tuple[Key, datetime], Fate]) -> Fate | None:
    found = (fates.get(((one.about, one.kind), moment)) for moment in one.moments)
    return next(filter(None, found), None)


def fates(db: sqlite3.Connection) -> Iterator[tuple[tuple[Key, datetime], Fate]]:
    """Read what became of every message."""
    learned: defaultdict[str, dict[datetime, datetime]] = defaultdict(dict)
    for number, *stamps in db.execute(
        "SELECT s.number, t.at, t.recorded_at FROM transitions t"
        " JOIN shipments s ON s.id = t.shipment_id ORDER BY t.recorded_at DESC"
    ):
        at, recorded = map(datetime.fromisoformat, stamps)
        learned[number][at] = recorded
    rows = db.execute(
        "SELECT m.kind, m.occurred_at, m.state, m.reason, m.attempts, s.number, o.reference"
        " FROM messages m LEFT JOIN shipments s ON s.id = m.shipment_id"
        " LEFT JOIN orders o ON o.id = m.order_id"
    )
    for kind, at, state, reason, attempts, number, reference in rows:
        about = reference if kind in _ORDERS else number
        fate = Fate(state, reason, attempts, learned[number])
        yield ((about, kind), datetime.fromisoformat(at)), fate


def out_of_order(arrived: Arrived) -> list[str]:
    """Parcels whose messages came in another order than things happened."""
    by_parcel: defaultdict[str, list[Event]] = defaultdict(list)
    for event, _ in arrived:
        if _key(event)[1] not in _WAITING:
            by_parcel[_key(event)[0]].append(event)
    found = []
    for number, events in by_parcel.items():
        times = [event.time for event in events if event.time]
        if times != sorted(times):
            told = ", ".join(f"{_key(event)[1]} {event.time:%d %H:%M}" for event in events)
            found.append(f"{number[-6:]}: {told}")
    return found
