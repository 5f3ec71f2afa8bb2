"""When to ask next: as soon as the lateness to be expected since the last look is worth a call."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from itertools import accumulate
from math import sqrt
from operator import add

from tracker_sync.model import Status
from tracker_sync.polling import clock
from tracker_sync.polling.cells import day_number
from tracker_sync.polling.habits import Habits
from tracker_sync.polling.look import Look, word
from tracker_sync.polling.pace import next_look
from tracker_sync.polling.tally import BIN

LONGEST = timedelta(days=2)
LEAST = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_SURE = 0.03  # share of parcels that is never believed to be gone from an hour's curve
_SILENT = timedelta(days=7)  # without a scan; from then on the pauses grow
_SHARE_OF_SILENCE = 12
_SPREAD = 0.05  # of the pause, earlier or later
_PLENTY = 8.0  # minutes; at a higher price no call is spent on quiet news
_RARE = 1 / 100  # minutes of lateness a minute, where nothing is learned
_PLAIN = frozenset({Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED})


def plan(habits: Habits, look: Look, price: float, now: datetime) -> datetime | None:
    """When to ask next if *price* minutes of lateness are worth a call; None = no more."""
    if look.failures or look.status is None or look.status in _PLAIN:
        return _in_time(look, now, next_look(look, now))
    start = clock.minute(now, look.zone)
    odds = _odds(habits, look, start)
    if price <= _PLENTY:
        quiet = habits.quiet_curve(look.brand, look.status, start)
        odds = list(map(add, odds, quiet)) if quiet else odds
    worthwhile = _reached(odds, start, price)
    when = _kept_apart(look, now, clock.moment(int(worthwhile), look.zone))
    when = max(_in_time(look, now, when) or when, now + max(LEAST, look.min_gap))
    return _another_day(look, now, when)


def value(habits: Habits, look: Look, now: datetime) -> float:
    """Minutes of lateness to be expected since the last answer: what a call now is good for."""
    asked = min(look.asked or look.since, now)
    if look.status is None or look.status in _PLAIN:
        return (now - asked) / _MINUTE * _RARE
    start = clock.minute(asked, look.zone)
    return _late(_odds(habits, look, start), start, clock.minute(now, look.zone))


def _odds(habits: Habits, look: Look, start: int) -> list[float]:
    scanned = clock.minute(look.scanned or look.since, look.zone)
    due = day_number(look.estimate) if look.estimate else None
    learned_as = word(str(look.status), problem=look.problem)
    return habits.curve(look.brand, learned_as, start, scanned, due=due)


def _reached(odds: list[float], start: int, price: float) -> float:
    """The minute when so much lateness has piled up; the end of the curve if it never does."""
    levels, piled, left, believed = _pile_up(odds, start)
    wanted = price * 2 / BIN * believed
    place = bisect_left(piled, wanted)
    if place == len(piled):
        return start + left + BIN * (place - 2)
    span = left if place == 1 else BIN
    missing = (wanted - piled[place - 1]) * BIN / 2
    level, rise = levels[place - 1], levels[place] - levels[place - 1]
    # missing = level * t + rise / span * t**2 / 2, solved for t
    passed = 2 * missing / (level + sqrt(level * level + 2 * rise / span * missing))
    return start + left + BIN * (place - 1) - span + passed


def _late(odds: list[float], start: int, until: int) -> float:
    """How much lateness has piled up by then; after the end of the curve it goes on as it was."""
    levels, piled, left, believed = _pile_up(odds, start)
    place = min(max(0, -((start + left - until) // BIN)) + 1, len(piled))
    span = left if place == 1 else BIN
    passed = until - (start + left + BIN * (place - 1) - span)
    rise = levels[place] - levels[place - 1] if place < len(piled) else 0.0
    late = piled[place - 1] * BIN / 2 + passed * (levels[place - 1] + rise / span * passed / 2)
    return late / believed


def _pile_up(odds: list[float], start: int) -> tuple[list[float], list[float], int, float]:
    """Let lateness pile up along a curve: the chance that there is news, and the lateness so far.

    Both from *start* on at the end of every half hour, of which the first has begun and is *left*
    minutes long; lateness in quarters of an hour, and everything to be divided by the share of
    parcels without news before *start*. Summed as a whole: most of a decision's time goes here.
    """
    first, begun = divmod(start % clock.HOUR, BIN)
    left = BIN - begun
    gone = sum(odds[:first]) + odds[first] * begun / BIN  # that did not happen, as we know
    rest = odds[first] * left / BIN
    levels = list(accumulate([rest, *odds[first + 1 :]], initial=0.0))
    areas = [rest * left / BIN, *map(add, levels[1:], levels[2:])]
    return levels, list(accumulate(areas, initial=0.0)), left, max(_SURE, 1 - gone)


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
