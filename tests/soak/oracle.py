"""What an observer who sees every scan at once would send: the promises once more, in small.

Written from the promises and not from the program: it knows scripted lives, never an answer of a
carrier, a database or a rule of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import groupby

from soak.scripts import Script
from tracker_sync.sandbox.lives import ZONE

MEANS: Mapping[str, str] = {
    "label": "announced",
    "dropped off": "dispatched",
    "origin": "in_transit",
    "destination": "in_transit",
    "arrived": "in_transit",
    "van": "out_for_delivery",
    "not home": "delivery_failed",
    "in locker": "ready_for_pickup",
    "in shop": "ready_for_pickup",
    "from locker": "delivered",
    "from shop": "delivered",
    "delivered": "delivered",
    "goes back": "returning",
    "home again": "returned",
    "lost": "lost",
    "bad address": "!address_problem",
    "misrouted": "!delayed",
}
ORDER = ("announced", "dispatched", "in_transit", "*", "delivered", "returning", "returned")
SAME_RANK = ("out_for_delivery", "delivery_failed", "ready_for_pickup")
UNTOLD = frozenset({"announced", "returned", "lost"})  # off unless enabled
QUIET = frozenset({"dispatched", "in_transit", "delayed", "review_request", "pickup_reminder"})
SETTLE = timedelta(hours=2)
THREE_DAYS = timedelta(days=3)


@dataclass(frozen=True)
class Owed:
    """One message a perfect observer owes, how long it is true, and what ends it."""

    about: str  # the number, or the order of a review
    email: str
    kind: str
    at: datetime  # what the event must say it happened
    due: datetime  # when it may go at the earliest
    until: datetime | None = None
    also_at: tuple[datetime, ...] = ()  # other moments that are as true
    later: frozenset[str] = frozenset()  # statuses that can overtake it
    concluded: bool = False  # from silence: whoever hears late, hears that there is none

    @property
    def moments(self) -> tuple[datetime, ...]:
        """Every time it may bear."""
        return (self.at, *self.also_at)


@dataclass
class _Life:
    """A parcel as a perfect observer sees it, entry after entry."""

    script: Script
    status: str = ""
    since: datetime | None = None
    first_scan: datetime | None = None
    turned: bool = False
    silent_since: datetime | None = None
    problems: set[str] = field(default_factory=set)
    steps: list[tuple[datetime, str, str]] = field(default_factory=list)  # with the day
    history: list[tuple[datetime, str]] = field(default_factory=list)
    ended: dict[tuple[datetime, str], datetime] = field(default_factory=dict)

    def live(self, until: datetime) -> _Life:
        """Let everything happen up to a moment, silences that become long included."""
        for at, word in [*self.script.told, (until, "")]:
            late = self._late()
            if late and late < min(at, until):
                self._open(late, "delayed")
            if at > until or not word:
                break
            self._take(at, MEANS[self._spoken(word)])
            self.silent_since = at
        return self

    def _spoken(self, word: str) -> str:
        return "dropped off" if (self.script.brand, word) == ("ups", "origin") else word

    def _take(self, at: datetime, means: str) -> None:
        if means.startswith("!"):
            if self.status not in ("delivered", "returned"):
                self._open(at, means[1:])
        elif status := self._reached(at, means):
            if means != "announced" and self.first_scan is None:
                self.first_scan = at
            self._step(at, status)
        elif means != "announced" and self.first_scan is None:
            self.first_scan = at

    def _reached(self, at: datetime, means: str) -> str:
        """The status an entry leads to, blank for none."""
        if self.turned:
            home = means in ("delivered", "returned") and self.status != "returned"
            return "returned" if home else ""
        if means in ("dispatched", "in_transit") and self.first_scan is None:
            means = "dispatched"
        if not self.status or self.status == "lost":
            return means
        if means == "lost":
            return "" if self.status == "delivered" else means
        if means in SAME_RANK and self.status in (*SAME_RANK, "delivered"):
            return "" if means == self.status and self._told(at, means) else means
        return means if _rank(means) > _rank(self.status) else ""

    def _told(self, at: datetime, means: str) -> bool:
        """Whether this attempt, a calendar day, is known already."""
        days = {day for _, status, day in self.steps if status == means}
        return means == "ready_for_pickup" or _day(at) in days

    def _step(self, at: datetime, status: str) -> None:
        day = _day(at) if status in ("out_for_delivery", "delivery_failed") else ""
        if (status, day) not in {(name, when) for _, name, when in self.steps}:
            self.steps.append((at, status, day))
        self.turned = self.turned or status in ("returning", "returned")
        self._move(at, status)

    def _move(self, at: datetime, status: str) -> None:
        """Another status: whatever was true before ends, problems included."""
        if self.since is not None:
            self.ended[self.since, self.status] = at
        for opened, problem, _ in self.steps:
            if problem in self.problems:
                self.ended.setdefault((opened, problem), at)
        self.problems.clear()
        self.status, self.since = status, at
        self.history.append((at, status))

    def _open(self, at: datetime, problem: str) -> None:
        day = _day(at) if problem == "address_problem" else ""
        if (problem, day) in {(name, when) for _, name, when in self.steps}:
            return
        self.steps.append((at, problem, day))
        self.problems.add(problem)

    def _late(self) -> datetime | None:
        """When silence becomes a delay: nine o'clock after so many working days."""
        known = any(name == "delayed" for _, name, _ in self.steps)
        over = ("delivered", "returned", "lost", "ready_for_pickup", "")
        if known or self.turned or self.status in over or self.silent_since is None:
            return None
        days, day = 2 if self.status == "announced" else 5, self.silent_since.astimezone(ZONE)
        if self.status == "announced" and self.since:
            day = self.since.astimezone(ZONE)
        date = day.date()
        for _ in range(days + 1):
            date += timedelta(days=1)
            while date.weekday() > 4:
                date += timedelta(days=1)
        return datetime.combine(date, time(9), tzinfo=ZONE)


def expected(scripts: Sequence[Script], until: datetime) -> list[Owed]:
    """Everything a perfect observer would have found to say up to a moment."""
    found: list[Owed] = []
    for _, group in groupby(scripts, key=lambda script: script.order):
        lives = [_Life(script).live(until) for script in group]
        for life in lives:
            found += _of_parcel(life)
        found += _reviews(lives)
    return [owed for owed in found if owed.due <= until]


def _of_parcel(life: _Life) -> Iterator[Owed]:
    for at, kind, day in life.steps:
        if kind in UNTOLD:
            continue
        owed = Owed(life.script.number, life.script.email, kind, at, at, _until(life, at, kind))
        later = frozenset(status for when, status in life.history if when >= at)
        if kind == "delivery_failed":
            owed = replace(owed, due=at + SETTLE)
        if kind == "delivered":
            again = (when for when, status in life.history if status == kind and when > at)
            owed = replace(owed, also_at=tuple(again))
        if day and kind == "out_for_delivery":
            owed = replace(owed, until=min(owed.until or _midnight(at), _midnight(at)))
        silent = kind == "delayed" and at not in {told for told, _ in life.script.told}
        yield replace(owed, later=later, concluded=silent)
        if kind == "ready_for_pickup":
            after = at + THREE_DAYS
            if owed.until is None or owed.until > after:
                remind = Owed(
                    life.script.number, life.script.email, "pickup_reminder", after, after
                )
                yield replace(remind, until=owed.until, later=later)


def _until(life: _Life, at: datetime, kind: str) -> datetime | None:
    """When it stops being so."""
    if kind in ("out_for_delivery", "delivery_failed"):
        # The same attempt may come back the same day: then it is so once more.
        again = (when for when, status in life.history if status == kind and _day(when) == _day(at))
        return life.ended.get((max(again), kind))
    if kind != "dispatched":
        return life.ended.get((at, kind))
    left = (when for when, status in life.history if status not in ("dispatched", "in_transit"))
    return next((when for when in left if when > at), None)


def _reviews(lives: Sequence[_Life]) -> Iterator[Owed]:
    """One a complete order, three days after its last delivery."""
    good = all(life.status == "delivered" and not life.turned for life in lives)
    if good and len(lives) == lives[0].script.parcels:
        last = max(life.since for life in lives if life.since)
        due = last + THREE_DAYS
        yield Owed(lives[0].script.order, lives[0].script.email, "review_request", due, due)


def _rank(status: str) -> int:
    return ORDER.index("*" if status in SAME_RANK else status)


def _day(at: datetime) -> str:
    return at.astimezone(ZONE).date().isoformat()


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(ZONE).date() + timedelta(days=1), time(), tzinfo=ZONE)
