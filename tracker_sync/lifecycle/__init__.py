"""Decide where a shipment stands and what changed. Pure: no clock, network, database, logging.

Floor 1. A shipment's whole believed history is walked oldest first, every time, so the result
depends on what happened and never on when somebody looked (promise P3 of the design). What was
already told is then left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from tracker_sync.lifecycle.walk import RANK, Walk
from tracker_sync.model import Direction, Scan, Shipment, State, Status, Transition

__all__ = [
    "RANK",
    "Trace",
    "ahead",
    "believed",
    "birth",
    "changes",
    "trace",
]

_RECYCLED = timedelta(days=2)
_UNKNOWN_BIRTH = timedelta(days=30)
_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a history ends, and every transition on the way there, each once."""

    state: State
    transitions: tuple[Transition, ...]


def trace(
    scans: Iterable[Scan],
    *,
    zone: tzinfo,
    direction: Direction = Direction.OUTBOUND,
    first_scan_rule: bool = True,
) -> Trace:
    """Walk *scans* (in the carrier's order where stamps are equal); *zone* gives calendar days.

    For a return parcel, home is where it is going: "returned" means it arrived.
    """
    walk = Walk(zone, direction is Direction.RETURN, first_scan_rule)
    for scan in sorted(scans, key=lambda scan: scan.at):
        walk.take(scan)
    return Trace(walk.state(), tuple(walk.steps.values()))


def changes(
    traced: Trace, known: Collection[tuple[str, str]], before: State
) -> tuple[Transition, ...]:
    """Return the transitions of *traced* that are new beside the *known* keys, and not late.

    *before* is where the shipment stood when the known keys were told.
    """
    statuses = [t for t in traced.transitions if isinstance(t.word, Status)]
    told = [place for place, t in enumerate(statuses) if t.key in known]
    passed = statuses[: told[-1]] if told else []
    return tuple(
        t
        for t in traced.transitions
        if t.key not in known and t not in passed and not _late(t, traced, before)
    )


def _late(t: Transition, traced: Trace, before: State) -> bool:
    """Older than where the shipment stood, and neither higher in rank nor still open."""
    if before.status is None or before.status_at is None or t.at >= before.status_at:
        return False
    if isinstance(t.word, Status):
        return RANK.get(t.word, -1) <= RANK.get(before.status, -1)
    newest = [step for step in traced.transitions if step.word is t.word][-1]
    return t is not newest or t.word not in traced.state.problems


def believed(scans: Iterable[Scan], shipment: Shipment, now: datetime) -> tuple[Scan, ...]:
    """Drop scans of another parcel with a recycled number, and those still ahead of *now*."""
    earliest = birth(shipment)
    return tuple(scan for scan in scans if earliest <= scan.at <= now + _AHEAD)


def birth(shipment: Shipment) -> datetime:
    """The moment before which a scan cannot be about this parcel."""
    if shipment.shipped_at is None:
        return shipment.taken_at - _UNKNOWN_BIRTH
    return shipment.shipped_at - _RECYCLED


def ahead(scans: Iterable[Scan], now: datetime) -> datetime | None:
    """When the next scan that lies in the future may be counted."""
    return min((s.at - _AHEAD for s in scans if s.at > now + _AHEAD), default=None)
