"""Polling policies against pretended parcels: calls made, and how late the news was seen.

A call reveals the whole history of a parcel up to now. Calls happen on the ticks of a cron job.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, log
from statistics import quantiles
from typing import Any, Protocol

from pretend_lives import DAY, Life

from tracker_sync.polling.news import ENDS, QUIET, QUIET_WEIGHT, WEIGHTS, events

SHOWN = frozenset(
    {"out_for_delivery", "ready_for_pickup", "delivered", "problem", "delivery_failed"}
)
# Told to the customer too, but lateness and lost steps are counted as if it never happened.
OVERTAKES = frozenset(WEIGHTS) - {QUIET}
GIVE_UP = 40 * DAY


class Policy(Protocol):
    """Who says when to ask next."""

    name: str

    def next(self, parcel: int, life: Life, known: int, now: int) -> int: ...

    def observe(self, parcel: int, life: Life, known: int, now: int) -> None: ...


@dataclass
class Rival:
    """A policy that learns nothing: status, its beginning and now give the next minute."""

    name: str
    rule: Callable[[str, int, int], int]

    def next(self, parcel: int, life: Life, known: int, now: int) -> int:
        at, word, _ = life.steps[known - 1]
        return self.rule(word, at, now)

    def observe(self, parcel: int, life: Life, known: int, now: int) -> None:
        """It learns nothing."""


@dataclass
class Score:
    """What a policy cost and what it brought, over the counted parcels."""

    name: str
    parcels: int = 0
    calls: int = 0
    late: list[int] = field(default_factory=list)
    superseded: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)

    def see(self, history: Sequence[tuple[int, str]], before: int, now: int) -> None:
        """Count the news that one answer brought; *before* steps of the history were known."""
        told = events(history, {**WEIGHTS, QUIET: QUIET_WEIGHT})
        for place, (at, word, weight) in enumerate(told[before:], before + 1):
            if word not in SHOWN and not (word == QUIET and weight):
                continue
            self.shown[word] = self.shown.get(word, 0) + 1
            gone = any(later in OVERTAKES for _, later in history[place:])
            self.superseded[word] = self.superseded.get(word, 0) + gone
            if word in SHOWN:
                self.late.append(now - at)

    @property
    def lost(self) -> float:
        """Share of shown news that was old news when it was seen."""
        return sum(self.superseded.get(w, 0) for w in SHOWN) / max(1, len(self.late))

    def _weighted(self) -> float:
        """Share of what was shown that was withheld, each kind by how much it is waited for."""
        weights = {**WEIGHTS, QUIET: QUIET_WEIGHT}
        whole = sum(weights[w] * n for w, n in self.shown.items())
        return sum(weights[w] * n for w, n in self.superseded.items()) / max(1.0, whole)

    def facts(self) -> dict[str, Any]:
        late = self.late or [0]
        withheld = {w: round(self.superseded[w] / n, 4) for w, n in sorted(self.shown.items())}
        return {
            "policy": self.name,
            "parcels": self.parcels,
            "calls_per_parcel": self.calls / max(1, self.parcels),
            "mean_late": sum(late) / len(late),
            "p95_late": quantiles(late, n=20)[-1] if len(late) > 1 else late[0],
            "superseded": self.lost,
            "withheld_by_kind": withheld,
            "withheld_weighted": self._weighted(),
        }


def run(
    lives: Sequence[Life], policy: Policy, counted: tuple[int, int], *, tick: int = 5
) -> dict[str, Any]:
    """Drive a policy; parcels announced within *counted* days are scored."""
    score = Score(policy.name)
    heap: list[tuple[int, int, int]] = [(life.steps[0][0], i, 0) for i, life in enumerate(lives)]
    heapq.heapify(heap)
    while heap:
        now, i, known = heapq.heappop(heap)
        life = lives[i]
        scored = counted[0] * DAY <= life.steps[0][0] < counted[1] * DAY
        if known == 0:
            known = 1  # the shop announces it: no call
            score.parcels += scored
        else:
            known = _ask(policy, score if scored else None, (i, life, known), now)
            if life.steps[known - 1][1] in ENDS or now - life.steps[0][0] > GIVE_UP:
                continue
        when = policy.next(i, life, known, now)
        heapq.heappush(heap, (max(now // tick * tick + tick, -(-when // tick) * tick), i, known))
    return score.facts()


def _ask(policy: Policy, score: Score | None, parcel: tuple[int, Life, int], now: int) -> int:
    i, life, before = parcel
    known = before
    while known < len(life.steps) and life.steps[known][0] <= now:
        known += 1
    if score:
        score.calls += 1
        score.see(life.events[:known], before, now)
    policy.observe(i, life, known, now)
    return known


def at_calls(rows: Sequence[dict[str, Any]], calls: float, key: str = "mean_late") -> float | None:
    """A family's figure at equal calls, between two of its members; None out of its range."""
    return _between(sorted((r["calls_per_parcel"], r[key]) for r in rows), calls)


def at_lateness(rows: Sequence[dict[str, Any]], late: float) -> float | None:
    """Calls that a family needs for a mean lateness."""
    return _between(sorted((r["mean_late"], r["calls_per_parcel"]) for r in rows), late)


def _between(points: list[tuple[float, float]], x: float) -> float | None:
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= x <= x1 and x1 > x0 and y0 > 0 and y1 > 0:
            return exp(log(y0) + (log(x) - log(x0)) / (log(x1) - log(x0)) * (log(y1) - log(y0)))
    return None


def fixed(minutes: int) -> Rival:
    """Every so many minutes, day and night: what most tools do."""
    return Rival(f"fixed {minutes} min", lambda word, since, now: now + minutes)


_TIMES = {
    "announced": (660, 960, 1080, 1230),
    "ready_for_pickup": (540, 720, 900, 1080, 1230),
    "problem": (480, 540, 600, 780, 960, 1140),
    "returning": (540, 1080),
}
_ROAD = (450, 510, 570, 630, 780, 1140)


def by_clock(minutes: int, every: int = 1) -> Rival:
    """A careful person's clock times per status; the van every so many minutes by day."""

    def rule(word: str, since: int, now: int) -> int:
        if word == "out_for_delivery":
            return _by_day(now + minutes)
        day = now // DAY
        times = _TIMES.get(word, _ROAD)[::every]
        ahead = (d * DAY + t for d in range(day, day + 4) if d % 7 != 6 for t in times)
        return next(at for at in ahead if at > now)

    return Rival(f"by clock {minutes} min, every {every}", rule)


def _by_day(at: int) -> int:
    day, minute = divmod(at, DAY)
    if minute >= 21 * 60:
        day, minute = day + 1, 0
    if day % 7 == 6:
        day, minute = day + 1, 0
    return day * DAY + max(minute, 480)
