"""When to ask next: as soon as the lateness to be expected since the last look is worth a call."""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker_sync.model import Status
from tracker_sync.polling import clock
from tracker_sync.polling.cells import day_number
from tracker_sync.polling.curve import Curve, Part
from tracker_sync.polling.habits import Habits
from tracker_sync.polling.look import Look, word
from tracker_sync.polling.pace import next_look
from tracker_sync.polling.price import Price

LONGEST = timedelta(days=2)
LEAST = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_SILENT = timedelta(days=7)  # without a scan; from then on the pauses grow
_SHARE_OF_SILENCE = 12
_SPREAD = 0.05  # of the pause, earlier or later
_PLENTY, _SCARCE = 6.0, 20.0  # prices between which ever less is spent on quiet news
_RARE = 1 / 100  # minutes of lateness a minute, where nothing is learned
_PLAIN = frozenset({Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED})


def plan(habits: Habits, look: Look, price: Price, now: datetime) -> datetime | None:
    """When to ask next if calls are worth so much; None = no more."""
    if look.failures or look.status is None or look.status in _PLAIN:
        return _in_time(look, now, next_look(look, now))
    when = _kept_apart(look, now, _worthwhile(habits, look, price, now))
    when = max(_in_time(look, now, when) or when, now + max(LEAST, look.min_gap))
    return _another_day(look, now, when)


def value(habits: Habits, look: Look, now: datetime) -> float:
    """Minutes of lateness to be expected since the last answer: what a call now is good for."""
    asked = min(look.asked or look.since, now)
    if look.status is None or look.status in _PLAIN:
        return (now - asked) / _MINUTE * _RARE
    start = clock.minute(asked, look.zone)
    return Curve(_loud(habits, look, start), start).late(clock.minute(now, look.zone))


def _worthwhile(habits: Habits, look: Look, price: Price, now: datetime) -> datetime:
    """When the lateness has piled up to the price, which may be another one after midnight."""
    start = clock.minute(now, look.zone)
    loud = _loud(habits, look, start)
    quiet = habits.quiet(look.brand, str(look.status), start)
    when = _reached(loud, quiet, price.today, start)
    if price.midnight is None or price.tomorrow == price.today:
        return clock.moment(when, look.zone)
    midnight = clock.minute(price.midnight, look.zone)
    if when > midnight:
        when = max(midnight, _reached(loud, quiet, price.tomorrow, start))
    return clock.moment(when, look.zone)


def _reached(loud: list[Part], quiet: list[Part], price: float, start: int) -> int:
    plenty = min(1.0, max(0.0, (_SCARCE - price) / (_SCARCE - _PLENTY))) if quiet else 0.0
    heard = [(curve, share * plenty) for curve, share in quiet] if plenty else []
    return int(Curve(loud + heard, start).reached(price))


def _loud(habits: Habits, look: Look, start: int) -> list[Part]:
    scanned = clock.minute(look.scanned or look.since, look.zone)
    due = day_number(look.estimate) if look.estimate else None
    learned_as = word(str(look.status), problem=look.problem)
    return habits.curve(look.brand, learned_as, start, scanned, due=due)


def _kept_apart(look: Look, now: datetime, when: datetime) -> datetime:
    """Neighbours not in step, silent parcels ever more rarely, two days at most."""
    pause = (when - now) * (1 + _SPREAD * (2 * look.jitter - 1))
    silent = now - (look.scanned or look.since) - _SILENT
    return now + min(LONGEST, max(pause, silent / _SHARE_OF_SILENCE))


def _in_time(look: Look, now: datetime, when: datetime | None) -> datetime | None:
    """Never later than the answer is needed."""
    if look.deadline is None or look.deadline <= now:
        return when
    return min(when, look.deadline) if when else look.deadline


def _another_day(look: Look, now: datetime, when: datetime) -> datetime:
    """Keep to the calls that a carrier allows for a parcel and day."""
    if look.max_per_day is None or look.calls_today < look.max_per_day:
        return when
    tomorrow = (clock.minute(now, look.zone) // clock.DAY + 1) * clock.DAY
    return max(when, clock.moment(tomorrow + look.jitter * clock.HOUR, look.zone))
