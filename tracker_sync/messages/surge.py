"""How many messages of one kind may arise in an hour before a person must look at them.

Pure. What counts is when a message arose, not when it goes: after a night, or an outage of Klaviyo,
many go at once and nothing is wrong. A code read wrongly makes hundreds arise in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

TOO_MANY = "far more at once than usual"
WEEKS = 8  # that are looked back on
_KNOWN_AFTER = timedelta(weeks=4)
_TIMES = 3  # the most so far
_LEAST_AT_FIRST = 200
_LEAST = 20  # fewer are no surge, however quiet the hour was


@dataclass(frozen=True, slots=True)
class Past:
    """What a shop knows of one kind of message, at one hour of the week."""

    peak: int  # the most at this hour of the week
    busiest: int  # the most at any hour of these weeks
    since: datetime | None  # the first one; None: never
    parcels: int  # on their way today


def most(past: Past, now: datetime) -> int:
    """How many are usual in this hour.

    What some hour of these weeks had already is usual at any other: labels are printed on a
    Saturday for once.
    """
    usual = max(_TIMES * past.peak, past.busiest)
    if past.since is None or now - past.since < _KNOWN_AFTER:
        return max(usual, _LEAST_AT_FIRST, 2 * past.parcels)
    return max(usual, _LEAST)


def hour_of(moment: datetime) -> datetime:
    """The hour *moment* lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def same_hours(hour: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The same hour of the week by the shop's clock, in each of the weeks before."""
    local = hour.astimezone(zone)
    return tuple(hour_of(local - timedelta(weeks=week)) for week in range(1, WEEKS + 1))
