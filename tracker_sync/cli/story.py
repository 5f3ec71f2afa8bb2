"""The story of one parcel: its scans with what each one did, its messages with the rule behind.

Floor 4. Nothing is decided here: the history is walked again, and what was recorded is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker_sync import lifecycle
from tracker_sync.lifecycle import Trace
from tracker_sync.messages.arrival import Days
from tracker_sync.model import Origin, Scan, Shipment, Status
from tracker_sync.store import Store, unstamp
from tracker_sync.store.connection import maybe_unstamp
from tracker_sync.sync.occasion import forecast
from tracker_sync.sync.planning import Planner

OFF = "not enabled"

# Why a message waits or was withheld begins (or ends, with a leading *) like this.
_RULES = {
    "overtaken": "P6: only what is still true is told",
    "the problem is over": "P6: a problem is told only while it is open",
    "older than": "P7: old news is not told (messages.max_age)",
    "happened before": "P7: what was before the start is taken in silently (messages.onboarding)",
    OFF: "this kind is off (messages.enable, messages.mute, follow_ups)",
    "recipient is not a pilot": "only pilots are told (klaviyo.only_to)",
    "no recipient": "goes when a source names the customer, unless it is too old by then",
    "quiet hours": "nobody is woken (messages.quiet_hours)",
    "*messages in 24 h to one recipient": "nobody is flooded (messages.max_per_recipient)",
    "far more at once": "messages.guard: a person decides (`tracker-sync messages release|drop`)",
    "asking the carrier": "a follow-up is checked against fresh news first",
    "lapsed": "a follow-up dies 7 days after its time",
    "asked less than": "nobody is asked too often (at_most_every of the follow-up)",
    "no consent": "goes only where the feed says so (basis: consent)",
    "withdrawn": "a follow-up is taken back when its ground is gone",
    "the order is not complete": "goes after the last parcel of the order only",
    "a parcel ": "a review is asked for only where all went well",
    "the customer returns": "a review is asked for only where all went well",
    "the order is refunded": "a review is asked for only where all went well",
    "too late to collect": "a reminder needs time to act on it",
    "* is over": "a follow-up goes only while what it follows is current",
    "forgotten": "the person was erased at an operator's wish",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One scan: who gave it, how we read it, and what it did."""

    at: datetime
    seen_at: datetime
    by: str
    code: str
    text: str
    place: str
    reading: str
    did: str


@dataclass(frozen=True, slots=True)
class Step:
    """One transition, as it was recorded."""

    at: datetime
    word: str
    previous: str | None
    detail: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One message: what became of it, and the rule behind it."""

    kind: str
    occurred_at: datetime
    state: str
    reason: str
    rule: str
    due_at: datetime | None  # None: decided for good
    decided_at: datetime
    backfill: bool
    id: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known about one parcel."""

    shipment: Shipment
    source: str
    carrier: str  # who last knew it; blank: nobody yet
    scans: tuple[Seen, ...]
    steps: tuple[Step, ...]
    messages: tuple[Told, ...]
    failures: int
    next_poll_at: datetime | None
    watch_at: datetime | None
    forecast: Days | None = None  # our own delivery days: likely, and at the latest


def story(store: Store, shipment: Shipment, now: datetime) -> Story:
    """Collect what is known about *shipment*."""
    row = store.glance.parcel(shipment.id)
    if row is None:
        raise KeyError(shipment.id)
    return Story(
        shipment=shipment,
        source=row["source"],
        carrier=row["carrier"],
        scans=tuple(_scans(store, shipment, now)),
        steps=tuple(map(_step, store.glance.transitions(shipment.id))),
        messages=tuple(map(_told, store.outbox.of_shipment(shipment.id))),
        failures=row["failures"],
        next_poll_at=maybe_unstamp(row["next_poll_at"]),
        watch_at=maybe_unstamp(row["watch_at"]),
        forecast=forecast(Planner(), store, shipment, now),
    )


def _scans(store: Store, shipment: Shipment, now: datetime) -> Iterator[Seen]:
    """Each scan with what it did, found by walking the history up to it."""
    scans, told = store.shipments.scans(shipment.id), store.shipments.told(shipment.id)
    good, walked = lifecycle.believed(scans, shipment, now), list[Scan]()
    before = _trace(walked, shipment)
    for scan, row in zip(scans, store.glance.scans(shipment.id), strict=True):
        did = _unbelieved(scan, shipment)
        if scan in good:
            walked.append(scan)
            after = _trace(walked, shipment)
            did = _did(scan, before, after, told)
            before = after
        seen = unstamp(row["seen_at"])
        by = "silence" if scan.origin is Origin.CLOCK else row["carrier"]
        yield Seen(scan.at, seen, by, scan.code, scan.text, scan.place, _reading(scan), did)


def _trace(scans: list[Scan], shipment: Shipment) -> Trace:
    return lifecycle.trace(scans, zone=ZoneInfo(shipment.zone), direction=shipment.direction)


def _reading(scan: Scan) -> str:
    """Our word for a scan."""
    if scan.meaning is None:
        return "unknown"
    if scan.meaning.revokes:
        return "delivery revoked"
    words = (scan.status, scan.problem and f"problem: {scan.problem}", scan.meaning.detail)
    return ", ".join(filter(None, words)) or "no progress"


def _unbelieved(scan: Scan, shipment: Shipment) -> str:
    if scan.at < lifecycle.birth(shipment):
        return "not believed: older than this parcel, so another's with the same number (P7)"
    return "still ahead: counted when its time comes"


def _did(scan: Scan, before: Trace, after: Trace, told: set[tuple[str, str]]) -> str:
    """What one believed scan changed."""
    if scan.meaning is None:
        return "nothing: the code is not listed (P5)"
    new = [t for t in after.transitions if t not in before.transitions]
    if new:
        words = ", ".join(t.word for t in new)
        late = all(t.key not in told for t in new)
        return f"too late to be told: {words} (P3)" if late else f"→ {words}"
    if after.state.status is not before.state.status:
        return f"→ {after.state.status or 'nothing known'} again"
    if scan.status or scan.problem:
        return f"nothing: {_standing(after.state.status)} already (P3)"
    return "nothing"


def _standing(status: Status | None) -> str:
    return status or "told"


def _step(row: sqlite3.Row) -> Step:
    at, recorded = unstamp(row["at"]), unstamp(row["recorded_at"])
    return Step(at, row["word"], row["previous"], row["detail"], recorded)


def _told(row: sqlite3.Row) -> Told:
    return Told(
        kind=row["kind"],
        occurred_at=unstamp(row["occurred_at"]),
        state=row["state"],
        reason=row["reason"],
        rule=rule(row["reason"]),
        due_at=unstamp(row["due_at"]) if row["state"] == "owed" else None,
        decided_at=unstamp(row["decided_at"]),
        backfill=bool(row["backfill"]),
        id=row["id"],
    )


def rule(reason: str) -> str:
    """The rule behind a reason, in words; blank where the reason says it all."""
    for start, words in _RULES.items():
        fits = reason.endswith(start[1:]) if start[0] == "*" else reason.startswith(start)
        if fits:
            return words
    return ""
