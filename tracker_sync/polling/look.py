"""What decides about the next look at one parcel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from tracker_sync.model import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What decides about the next look at one parcel."""

    status: Status | None  # None: the carrier does not know it yet
    since: datetime  # when the status was reached; when it was announced to us, if not found
    zone: tzinfo  # the brand's
    jitter: float  # 0 to 1, fixed for a parcel: neighbours do not move in step
    failures: int = 0  # calls in a row that failed
    min_gap: timedelta = timedelta(minutes=5)
    calls_today: int = 0
    max_per_day: int | None = None
    brand: str = ""
    problem: bool = False  # whether one is open
    scanned: datetime | None = None  # the newest scan of any kind; None: `since`
    asked: datetime | None = None  # the last answer; None: just now
    estimate: date | None = None  # the carrier's delivery day
    deadline: datetime | None = None  # the answer must be no older by then: a follow-up goes


def word(status: str, *, problem: bool = False) -> str:
    """What a parcel is learned under: its status, or that something is wrong on its way."""
    return "problem" if problem and status in _ON_ITS_WAY else status


_ON_ITS_WAY = frozenset({Status.ANNOUNCED, Status.DISPATCHED, Status.IN_TRANSIT})
