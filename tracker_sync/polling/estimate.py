"""Our own delivery estimate, where the carrier gives none: what became of parcels like this."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import accumulate

from tracker_sync.polling.habits import Habits

_ENOUGH = 20  # parcels; with fewer nothing is said


def estimate(
    habits: Habits, brand: str, status: str, since: date, *, today: date
) -> tuple[date, date] | None:
    """The day by which half of such parcels were delivered, and nine in ten; None: unknown.

    *since* is the local day on which the status was reached; parcels that would have been
    delivered before *today* are not like this one any more.
    """
    days = habits.days_until_delivered(brand, status, since.weekday())
    left = {day: seen for day, seen in days.items() if since + timedelta(days=day) >= today}
    if sum(left.values()) < _ENOUGH:
        return None
    return since + _quantile(left.items(), 0.5), since + _quantile(left.items(), 0.9)


def _quantile(days: Iterable[tuple[int, float]], share: float) -> timedelta:
    ordered = sorted(days)
    passed = accumulate(seen for _, seen in ordered)
    wanted = share * sum(seen for _, seen in ordered)
    reached = (day for (day, _), so_far in zip(ordered, passed, strict=True) if so_far >= wanted)
    return timedelta(days=next(reached, ordered[-1][0]))
