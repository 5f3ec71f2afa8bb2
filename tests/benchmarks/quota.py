"""One carrier with a daily quota: how late, and never one call over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contest import GIVE_UP, Score
from polling_adapter import UTC, Planner, moment
from pretend_lives import DAY, Life

from tracker_sync.polling import Needs, value
from tracker_sync.polling.news import ENDS
from tracker_sync.store import Due
from tracker_sync.sync.demand import begins, wanted

TICK = 15  # minutes from pass to pass


class Account:
    """A shop's parcels and what the carrier allows."""

    def __init__(self, lives: Sequence[Life], planner: Planner, quota: int) -> None:
        self._lives, self._planner, self._quota = lives, planner, quota
        self._needs = Needs("account", UTC)
        self._open: dict[int, tuple[int, int, int]] = {}  # parcel: next, known, asked
        self.used: dict[int, int] = {}

    def announce(self, i: int, now: int) -> None:
        self._open[i] = (self._next(i, 1, now), 1, now)

    def tick(self, now: int, scores: dict[int, Score]) -> None:
        """One pass: the most valuable calls first, as many as are left."""
        used = self.used.setdefault(now // DAY, 0)
        parcels, at = len(self._open), moment(now)
        price = self._needs.price(parcels, quota=self._quota, used=used, now=at)
        self._planner.price = price
        due = [i for i, (when, _, _) in self._open.items() if when <= now]
        looks = wanted([self._due(i) for i in due], begins([moment(now - TICK)], at), at)
        due.sort(key=lambda i: -self._worth(i, now))
        for i in due[: self._quota - used]:
            self._ask(i, now, scores.get(i))
        self.used[now // DAY] += min(len(due), self._quota - used)
        self._needs.spent(looks, price=price.today, parcels=parcels, now=at)

    def _due(self, i: int) -> Due:
        """A parcel whose look is due, as the database gives it."""
        when, _, asked = self._open[i]
        return Due(
            id=i,
            number="",
            failures=0,
            calls_today=0,
            unknown_to=frozenset(),
            found=True,
            taken_at=moment(asked),
            asked=moment(asked),
            due_at=moment(when),
        )

    def _worth(self, i: int, now: int) -> float:
        _, known, asked = self._open[i]
        at, word, _ = self._lives[i].steps[known - 1]
        look = self._planner.look(self._lives[i].brand, word, at, asked=asked)
        return value(self._planner.habits, look, moment(now))

    def _ask(self, i: int, now: int, score: Score | None) -> None:
        life = self._lives[i]
        before = known = self._open[i][1]
        while known < len(life.steps) and life.steps[known][0] <= now:
            known += 1
        if score:
            score.calls += 1
            score.see(life.events[:known], before, now)
        ended = life.steps[known - 1][1] in ENDS
        self._planner.observe(i, life.brand, life.events[:known], now, ended)
        if ended or now - life.steps[0][0] > GIVE_UP:
            del self._open[i]
        else:
            self._open[i] = (self._next(i, known, now), known, now)

    def _next(self, i: int, known: int, now: int) -> int:
        at, word, _ = self._lives[i].steps[known - 1]
        return self._planner.next(self._lives[i].brand, word, at, now)


def under_quota(
    lives: Sequence[Life], planner: Planner, quota: int, *, counted: tuple[int, int]
) -> dict[str, Any]:
    """Days of a shop whose carrier allows so many calls a day."""
    score = Score(f"planner, {quota} a day")
    account = Account(lives, planner, quota)
    scores = {
        i: score
        for i, life in enumerate(lives)
        if counted[0] * DAY <= life.steps[0][0] < counted[1] * DAY
    }
    score.parcels = len(scores)
    waiting = sorted(range(len(lives)), key=lambda i: -lives[i].steps[0][0])
    for now in range(0, (counted[1] + 14) * DAY, TICK):
        while waiting and lives[waiting[-1]].steps[0][0] <= now:
            account.announce(waiting.pop(), now)
        account.tick(now, scores)
    most = max(account.used.values())
    return score.facts() | {"quota": quota, "most_calls_a_day": most}
