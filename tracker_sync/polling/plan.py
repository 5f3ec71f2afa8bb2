"""When to ask next: as soon as the lateness to be expected since the last look is worth a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf, sqrt

from tracker_sync.model import Status
from tracker_sync.polling import clock
from tracker_sync.polling.cells import day_number
from tracker_sync.polling.habits import Habits
from tracker_sync.polling.look import Look, word
from tracker_sync.polling.pace import next_look
from tracker_sync.polling.tally import BIN, BINS

LONGEST = timedelta(days=2)
LEAST = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_SOON = 34  # half hours; most decisions need to look no further
_SURE = 0.03  # share of parcels that is never believed to be gone from an hour's curve
_SILENT = timedelta(days=7)  # without a scan; from then on the pauses grow
_SHARE_OF_SILENCE = 12
_SPREAD = 0.05  # of the pause, earlier or later
_RARE = 1 / 100  # minutes of lateness a minute, where nothing is learned
_PLAIN = frozenset({Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED})


def plan(habits: Habits, look: Look, price: float, now: datetime) -> datetime | None:
    """When to ask next if *price* minutes of lateness are worth a call; None = no more."""
    if look.failures or look.status is None or look.status in _PLAIN:
        return _in_time(look, now, next_look(look, now))
    start = clock.minute(now, look.zone)
    worthwhile, late = _pile_up(_odds(habits, look, start, bins=_SOON), start, price=price)
    if late < price:
        worthwhile, _ = _pile_up(_odds(habits, look, start), start, price=price)
    when = _kept_apart(look, now, clock.moment(int(worthwhile), look.zone))
    when = max(_in_time(look, now, when) or when, now + max(LEAST, look.min_gap))
    return _another_day(look, now, when)


def value(habits: Habits, look: Look, now: datetime) -> float:
    """Minutes of lateness to be expected since the last answer: what a call now is good for."""
    asked = min(look.asked or look.since, now)
    if look.status is None or look.status in _PLAIN:
        return (now - asked) / _MINUTE * _RARE
    start = clock.minute(asked, look.zone)
    until = clock.minute(now, look.zone)
    return _pile_up(_odds(habits, look, start), start, until=until)[1]


def _odds(habits: Habits, look: Look, start: int, *, bins: int = BINS) -> list[float]:
    scanned = clock.minute(look.scanned or look.since, look.zone)
    due = day_number(look.estimate) if look.estimate else None
    learned_as = word(str(look.status), problem=look.problem)
    return habits.curve(look.brand, learned_as, start, scanned, due=due, bins=bins)


def _pile_up(
    odds: list[float], start: int, *, price: float = inf, until: float = inf
) -> tuple[float, float]:
    """Let lateness pile up along the curve; returns the minute when it ends, and how much."""
    first, begun = divmod(start % clock.HOUR, BIN)
    gone = sum(odds[:first]) + odds[first] * begun / BIN  # that did not happen, as we know
    scale = 1 / max(_SURE, 1 - gone) / BIN
    level = late = 0.0
    at, left = float(start), float(BIN - begun)
    for chance in odds[first:]:
        left = min(left, until - at)
        rise = chance * scale * left
        area = left * (level + rise / 2)
        if late + area >= price:
            missing = price - late  # level * t + rise / left * t**2 / 2, solved for t
            root = sqrt(level * level + 2 * rise / left * missing)
            return at + 2 * missing / (level + root), price
        late, level, at = late + area, level + rise, at + left
        if at >= until:
            return at, late
        left = BIN
    return at, late + (level * (until - at) if until < inf else 0.0)


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
