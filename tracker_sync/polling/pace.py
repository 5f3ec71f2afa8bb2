"""The plain pace: fixed pauses by status, for failures, unknown numbers and ends.

A parcel in the van is asked every half hour, one on the road every few hours, one that waits for
its customer twice a day, and nobody is asked at night. A number the carrier does not know yet is
asked ever more rarely. A failed call is repeated after a growing pause. The carrier's own rules
(smallest gap, calls a parcel a day) are kept whatever the rest says.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from tracker_sync.model import Status
from tracker_sync.polling.look import Look

_PAUSES = {
    Status.ANNOUNCED: timedelta(hours=3),
    Status.DISPATCHED: timedelta(hours=3),
    Status.IN_TRANSIT: timedelta(hours=3),
    Status.OUT_FOR_DELIVERY: timedelta(minutes=30),
    Status.DELIVERY_FAILED: timedelta(hours=2),
    Status.READY_FOR_PICKUP: timedelta(hours=6),
    Status.RETURNING: timedelta(hours=12),
    Status.LOST: timedelta(days=1),
    Status.CANCELLED: timedelta(days=1),
}
_NOT_ASKED = frozenset({Status.DELIVERED, Status.RETURNED})
_END_KEPT = timedelta(days=7)  # lost and cancelled parcels may turn up again
_FIRST_HOURS = timedelta(hours=2)
_RARELY = timedelta(days=1)
_ON_DELIVERY_DAY, _ON_OTHER_DAYS = 5.0, 4.5
_FAILED = timedelta(minutes=5)
_FAILED_MOST = timedelta(hours=6)
_MORNING, _NIGHT = time(6), time(22)


def next_look(look: Look, now: datetime) -> datetime | None:
    """When to ask next; None = no more."""
    pause = _after_failures(look.failures) if look.failures else _pause(look, now)
    if pause is None:
        return None
    when = _by_day(now + _spread(max(pause, look.min_gap), look.jitter), look)
    if look.max_per_day is not None and look.calls_today >= look.max_per_day:
        return max(when, _morning(now.astimezone(look.zone).date() + timedelta(days=1), look))
    return when


def _pause(look: Look, now: datetime) -> timedelta | None:
    if look.status in _NOT_ASKED:
        return None
    if look.status is None:
        return min(max(_FIRST_HOURS, (now - look.since) / 8), _RARELY)
    if look.status in (Status.LOST, Status.CANCELLED) and now - look.since > _END_KEPT:
        return None
    return _PAUSES[look.status]


def _after_failures(failures: int) -> timedelta:
    return min(_FAILED * (1 << min(failures - 1, 10)), _FAILED_MOST)


def _spread(pause: timedelta, jitter: float) -> timedelta:
    """Up to a tenth longer."""
    return pause * (1 + jitter / 10)


def _by_day(when: datetime, look: Look) -> datetime:
    """No news comes at night: wait for the morning."""
    local = when.astimezone(look.zone)
    if _MORNING <= local.time() < _NIGHT:
        return when
    day = local.date() + timedelta(days=1 if local.time() >= _NIGHT else 0)
    return _morning(day, look)


def _morning(day: date, look: Look) -> datetime:
    """Not everybody at the same minute."""
    morning = datetime.combine(day, _MORNING, tzinfo=look.zone).astimezone(UTC)
    return morning + look.jitter * timedelta(minutes=30)


def calls_a_parcel(days: float = 3.0) -> float:
    """Looks one parcel costs over its life where calls are plenty, for forecasts.

    Measured near the cheapest price: about 18.5 for a parcel that is on its way for three days.
    """
    return _ON_DELIVERY_DAY + _ON_OTHER_DAYS * days
