"""Histories in pretended time: a few words a scan, counted from a Monday 00:00 in Berlin.

`history("announced 0h", "delivery_failed+refused 1d10h", "source dispatched 2h")`: statuses and
problems joined by `+`, a detail after `/`, `revoked`, `info` or `unknown`, then the time passed
since the start. `Memory` keeps what a database would keep between two polls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tracker_sync.lifecycle import Trace, changes, trace
from tracker_sync.lifecycle.delays import Calendar
from tracker_sync.model import (
    Detail,
    Direction,
    Meaning,
    Origin,
    Problem,
    Scan,
    State,
    Status,
    Transition,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 2, tzinfo=BERLIN)

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def moment(offset: str, start: datetime = MONDAY) -> datetime:
    """The moment *offset* (`1d8h`, `90m`) after *start*, in time that really passed."""
    parts = re.findall(r"(\d+)([dhms])", offset)
    if "".join(map("".join, parts)) != offset:
        raise ValueError(f"not an offset like 1d8h: {offset!r}")
    passed = timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})
    return start.astimezone(UTC) + passed


def meaning(words: str) -> Meaning | None:
    """What `delivery_failed+refused`, `delivered/neighbour` and the like mean."""
    if words == "unknown":
        return None
    words, _, detail = words.partition("/")
    names = set(words.split("+")) - {"info"}
    found = Meaning(
        status=next((s for s in Status if s.value in names), None),
        problem=next((p for p in Problem if p.value in names), None),
        detail=Detail(detail) if detail else None,
        revokes="revoked" in names,
    )
    if left := names - {"revoked", found.status, found.problem}:
        raise ValueError(f"no such words: {left}")
    return found


def history(*lines: str, start: datetime = MONDAY) -> tuple[Scan, ...]:
    """One scan a line: `[source] words offset`."""
    return tuple(_scan(line, start) for line in lines)


def _scan(line: str, start: datetime) -> Scan:
    *origin, words, offset = line.split()
    by = Origin(origin[0]) if origin else Origin.CARRIER
    return Scan(moment(offset, start), words, meaning(words), origin=by)


def walked(
    scans: Iterable[Scan],
    *,
    zone: ZoneInfo = BERLIN,
    direction: Direction = Direction.OUTBOUND,
    first_scan_rule: bool = True,
) -> Trace:
    """Trace *scans* in Berlin, unless said otherwise."""
    return trace(scans, zone=zone, direction=direction, first_scan_rule=first_scan_rule)


def steps(transitions: Iterable[Transition]) -> str:
    """Spell transitions: `dispatched, out_for_delivery Tue`, the weekday where attempts count."""
    return ", ".join(f"{t.word}{_weekday(t.attempt)}" for t in transitions)


def _weekday(attempt: str) -> str:
    return f" {date.fromisoformat(attempt):%a}" if attempt else ""


def stands(state: State) -> str:
    """Spell a state: `delivery_failed + address + refused`."""
    words = [state.status.value if state.status else "nothing", *sorted(state.problems)]
    return " + ".join(words)


@dataclass
class Memory:
    """What is kept between polls: every scan ever read, the key of every transition told."""

    direction: Direction = Direction.OUTBOUND
    scans: list[Scan] = field(default_factory=list)
    known: list[tuple[str, str]] = field(default_factory=list)

    def poll(self, *scans: Scan) -> tuple[Transition, ...]:
        """Take what a poll brought; return what it changed."""
        before = self.traced.state
        self.scans += [scan for scan in scans if scan not in self.scans]
        told = changes(self.traced, self.known, before)
        self.known += [t.key for t in told]
        return told

    @property
    def traced(self) -> Trace:
        """The walk through everything known."""
        return walked(self.scans, direction=self.direction)


def sentences(names: str, *rows: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Run a test over *rows*; the first column says when, the others are the arguments *names*."""
    return pytest.mark.parametrize(names, [row[1:] for row in rows], ids=[row[0] for row in rows])


def working_week(*holidays: date) -> Calendar:
    """Monday to Friday in Berlin, without *holidays*."""
    return Calendar(BERLIN, lambda day: day.weekday() < 5 and day not in holidays)
