"""What the scans of a Royal Mail history mean beside each other."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tracker_sync.carriers import _royalmail_answer as answer
from tracker_sync.model import INFO, Scan, Status

# They tell of an attempt that failed before: what the customer booked, what the office prepared.
ECHOES = frozenset({"EVNAR", "EVNSR", "RFRXS", "RNRXS", "RORXS", "RPRXS", "RSRXS"})
_EARLY = frozenset({None, Status.ANNOUNCED, Status.DISPATCHED, Status.IN_TRANSIT})


def scans(
    piece: dict[str, Any], scan: Callable[..., Scan], when: Callable[[str], datetime]
) -> list[Scan]:
    """Return the scans of a piece, newest first; *scan* and *when* are the carrier's."""

    def made(events: Sequence[Any]) -> Iterator[Scan]:
        for event in answer.dated(events):
            at, code = when(answer.word(event, "eventDateTime")), answer.code_of(event)
            name, place = (answer.word(event, key) for key in ("eventName", "locationName"))
            yield scan(at, code, name, place)

    return joined([*made([answer.last_event(piece)])], [*made(piece.get("events") or ())])


def joined(last: Sequence[Scan], listed: Sequence[Scan]) -> list[Scan]:
    """Put the summary's newest scan in front, where the list lags behind it."""
    newest = max((scan.at for scan in listed), default=None)
    known = {(scan.at, scan.code) for scan in listed}
    ahead = [
        scan
        for scan in last
        if newest is None or (scan.at >= newest and (scan.at, scan.code) not in known)
    ]
    return [*ahead, *listed]


def without_echoes(scans: Sequence[Scan], mine: Container[str]) -> tuple[Scan, ...]:
    """Let a redelivery tell of a failed attempt only if nothing else did; *mine* stay as they are.

    It is dated when it was booked: on another day it would count as another attempt.
    """
    latest: Status | None = None
    kept = []
    for scan in scans:
        booked = scan.code in ECHOES and scan.code not in mine
        echo = booked and latest not in (None, Status.OUT_FOR_DELIVERY)
        kept.append(replace(scan, meaning=INFO) if echo else scan)
        latest = latest if kept[-1].status in _EARLY else kept[-1].status
    return tuple(kept)
