"""What the scans of a Royal Mail history mean beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracker_sync.model import INFO, Scan, Status

# They tell of an attempt that failed before: what the customer booked, what the office prepared.
ECHOES = frozenset({"EVNAR", "EVNSR", "RFRXS", "RNRXS", "RORXS", "RPRXS", "RSRXS"})
_EARLY = frozenset({None, Status.ANNOUNCED, Status.DISPATCHED, Status.IN_TRANSIT})


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


def without_echoes(scans: Sequence[Scan], mine: frozenset[str]) -> tuple[Scan, ...]:
    """Let a redelivery tell of a failed attempt only if nothing else did; *mine* stay as they are.

    It is dated when it was booked: on another day it would count as another attempt.
    """
    latest: Status | None = None
    kept = []
    for scan in scans:
        echo = scan.code in ECHOES - mine and latest not in (None, Status.OUT_FOR_DELIVERY)
        kept.append(replace(scan, meaning=INFO) if echo else scan)
        latest = latest if kept[-1].status in _EARLY else kept[-1].status
    return tuple(kept)
