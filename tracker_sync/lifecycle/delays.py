"""Delays nobody scanned: silence, a label never used, an estimate that passed or slipped.

A delay is concluded as a scan of origin `clock`, dated at the moment it became true, so the walk
opens and closes it like any other and it does not matter when somebody looked. Whoever concludes
it has asked the carrier after that moment: silence is heard, not assumed.

Days begin and 9:00 strikes in the shop's zone, as for quiet hours. Working days are those of the
country the parcel goes to, and of the shop's country for the hand-over. A country's holidays
are those all of it has: which region a parcel goes to is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias

from tracker_sync.lifecycle.walk import SETTLED, silence
from tracker_sync.model import (
    Detail,
    Estimate,
    Meaning,
    Origin,
    Problem,
    Scan,
    State,
    Status,
)

STALLED_AFTER = 5  # business days without a scan
NOT_HANDED_OVER_AFTER = 2  # business days since the label was made
_SOONEST = timedelta(days=2)  # no silence is a delay before that, whatever the calendar
_SLACK = timedelta(days=1)  # a forecast may move by that without being late
_MORNING = time(9)


Workday: TypeAlias = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days where the parcel goes, and the zone they are counted in."""

    zone: tzinfo
    workday: Workday
    sender: Workday | None = None  # where it comes from; None: the same

    @property
    def of_sender(self) -> Calendar:
        """The working days of whoever hands the parcel over."""
        return replace(self, workday=self.sender or self.workday)

    def day(self, moment: datetime) -> date:
        """The calendar day of *moment*."""
        return moment.astimezone(self.zone).date()

    def after(self, day: date, working_days: int) -> date:
        """The working day *working_days* after *day*."""
        for _ in range(working_days):
            day = self._next(day)
        return day

    def morning_after(self, day: date) -> datetime:
        """9:00 on the first working day after *day*."""
        local = datetime.combine(self._next(day), _MORNING, tzinfo=self.zone)
        return local.astimezone(UTC)

    def _next(self, day: date) -> date:
        days = (day + timedelta(days=step) for step in range(1, 60))
        return next(filter(self.workday, days))


def next_delay(state: State, estimate: Estimate | None, calendar: Calendar) -> Scan | None:
    """The delay that becomes true first if nothing more is heard; it may lie in the past."""
    if state.status in SETTLED or state.turned or Problem.DELAYED in state.problems:
        return None
    return min(_delays(state, estimate, calendar), key=lambda scan: scan.at, default=None)


def overdue(
    state: State, estimate: Estimate | None, calendar: Calendar, now: datetime
) -> Scan | None:
    """The delay that is true at *now* unless there is news; None in most cases, and at once."""
    since = state.status_at if state.status is Status.ANNOUNCED else state.last_scan_at
    quiet = since is None or now - since > _SOONEST
    late = estimate and (estimate.slipped_at or estimate.day <= now.date())
    if not (quiet or late):
        return None  # no need to know the holidays
    delay = next_delay(state, estimate, calendar)
    return delay if delay and delay.at <= now else None


def _delays(state: State, estimate: Estimate | None, calendar: Calendar) -> Iterator[Scan]:
    if state.status is Status.ANNOUNCED and state.status_at:
        shop = calendar.of_sender
        used_by = shop.after(shop.day(state.status_at), NOT_HANDED_OVER_AFTER)
        yield _delay(shop, used_by, Detail.NOT_HANDED_OVER, "label never used")
        return
    if state.last_scan_at:
        heard_by = calendar.after(calendar.day(state.last_scan_at), STALLED_AFTER)
        yield _delay(calendar, heard_by, Detail.STALLED, silence(state.last_scan_at))
    if estimate:
        code = f"estimate {estimate.day} passed"
        yield _delay(calendar, estimate.day, Detail.ESTIMATE_PASSED, code)
    if estimate and estimate.slipped_at:
        code = f"estimate slipped to {estimate.day}"
        yield _delay(calendar, calendar.day(estimate.slipped_at), Detail.ESTIMATE_SLIPPED, code)


def slipped(before: Estimate | None, told: Estimate, now: datetime) -> Estimate:
    """Return the forecast *told* with what it promised at first, and since when it is later."""
    first = min(told.day, before.first or told.day) if before else told.day
    if told.day - first <= _SLACK:
        return replace(told, first=first)
    since = before.slipped_at if before and before.slipped_at else now
    return replace(told, first=first, slipped_at=since)


def _delay(calendar: Calendar, last_good_day: date, detail: Detail, code: str) -> Scan:
    meaning = Meaning(problem=Problem.DELAYED, detail=detail)
    return Scan(calendar.morning_after(last_good_day), code, meaning, origin=Origin.CLOCK)
