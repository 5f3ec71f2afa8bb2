"""What a single parcel's odds do not hold: `python tests/benchmarks/extended.py [--json]`.

The pretended lives of this folder, seeds 1 to 5, with what real answers tell besides: the delivery
day (right in 85 of 100), raw codes, neighbours (parcels of one brand and status whose last scan
was at the same place within the hour) and riders (numbers that a batch call takes along). Each
is tried alone and all together; the measure is calls a parcel at equal lateness, compared with the
planner that knows nothing of it. A batch call counts once, so riders are compared among batches.
The product keeps delivery days and riders; raw codes and neighbours do not pay at 40 parcels a day.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contest import GIVE_UP, Score, at_lateness
from polling_adapter import Planner
from pretend_lives import BRANDS, DAY, Life, lives

from tracker_sync.polling import Price
from tracker_sync.polling.news import ENDS, QUIET, QUIET_WEIGHT, WEIGHTS, events

TICK, HOUR = 5, 60
PRICES = (7, 13, 18)
DAYS, COUNTED = 42, (21, 35)
LATENESS = 45
PATIENCE = 2  # looks that are left to a neighbour, as that one may be the odd one out
LOOSE = 0.7  # neighbours that move together more rarely tell nothing
NEARLY = 2 * HOUR  # a free place is taken by what is due so soon
BATCH = 20


@dataclass(frozen=True)
class Uses:
    """What a planner makes use of."""

    days: bool = False
    codes: bool = False
    neighbours: bool = False
    riders: bool = False
    batch: int = 1


VARIANTS = {
    "as it is": Uses(),
    "delivery days": Uses(days=True),
    "raw codes": Uses(codes=True),
    "neighbours": Uses(neighbours=True),
    "batches": Uses(batch=BATCH),
    "batches with riders": Uses(batch=BATCH, riders=True),
    "days and neighbours": Uses(days=True, neighbours=True),
    "batches, days and riders": Uses(batch=BATCH, days=True, riders=True),
    "all together, in batches": Uses(
        days=True, codes=True, neighbours=True, riders=True, batch=BATCH
    ),
}
AGAINST = dict.fromkeys(
    ("batches with riders", "batches, days and riders", "all together, in batches"), "batches"
)
Group = tuple[str, str, str]


class Shop:
    """All parcels of a seed, driven by one planner."""

    def __init__(self, parcels: Sequence[Life], price: float, uses: Uses) -> None:
        self.parcels, self.price, self.uses = parcels, price, uses
        self.planner = Planner(price)
        self.known = [0] * len(parcels)
        self.next: dict[int, int] = {i: life.steps[0][0] for i, life in enumerate(parcels)}
        self.heap = [(at, i) for i, at in self.next.items()]
        self.groups: dict[Group, set[int]] = {}
        self.together: dict[tuple[str, ...], tuple[int, int]] = {}
        self.told: dict[int, int] = {}  # when a neighbour moved
        self.waited: dict[int, int] = {}  # looks left to a neighbour since the last of its own
        self.asked = [0] * len(parcels)
        self.calls = 0.0
        heapq.heapify(self.heap)

    def run(self, counted: tuple[int, int]) -> dict[str, Any]:
        """Pass after pass until every parcel has ended."""
        score = Score(f"price {self.price:g}")
        scored = {
            i
            for i, life in enumerate(self.parcels)
            if counted[0] * DAY <= life.steps[0][0] < counted[1] * DAY
        }
        score.parcels = len(scored)
        while self.heap:
            now = self.heap[0][0]
            due = self._due(now)
            for brand in BRANDS:
                mine = [i for i in due if self.parcels[i].brand == brand and self.known[i]]
                if mine and self.uses.riders:
                    mine += self._riders(brand, now, -len(mine) % self.uses.batch, set(mine))
                self._call(mine, now, score, scored)
            for i in due:
                if not self.known[i]:
                    self.known[i] = 1
                    self._join(i)
                    self._plan(i, now)
        return score.facts() | {"calls_per_parcel": self.calls / len(scored)}

    def _call(self, mine: list[int], now: int, score: Score, scored: set[int]) -> None:
        """Ask one after the other, who is still due; or all in as few calls as possible."""
        batch = self.uses.batch
        share = -(-len(mine) // batch) / max(1, len(mine))
        for i in sorted(mine, key=lambda i: self.asked[i]):
            if batch > 1 or self.next[i] <= now:
                self.calls += share * (i in scored)
                self._ask(i, now, score if i in scored else None)

    def _due(self, now: int) -> list[int]:
        found = []
        while self.heap and self.heap[0][0] <= now:
            at, i = heapq.heappop(self.heap)
            if self.next.get(i) == at and i not in found:
                found.append(i)
        return found

    def _riders(self, brand: str, now: int, room: int, asked: set[int]) -> list[int]:
        near = sorted(
            (at, i)
            for i, at in self.next.items()
            if now < at <= now + NEARLY
            and self.known[i]
            and self.parcels[i].brand == brand
            and i not in asked
        )
        return [i for _, i in near[:room]]

    # -- one parcel ------------------------------------------------------------

    def _ask(self, i: int, now: int, score: Score | None) -> None:
        life, before, self.asked[i] = self.parcels[i], self.known[i], now
        self.waited.pop(i, None)
        known = before
        while known < len(life.steps) and life.steps[known][0] <= now:
            known += 1
        if score:
            score.see(life.events[:known], before, now)
        self.planner.observe(i, self._brand(i), life.events[:known], now, False, due=self._day(i))
        news = self._news(life, before, known)
        self._count(i, news, now)
        others = self._leave(i)
        self.known[i] = known
        if life.steps[known - 1][1] in ENDS or now - life.steps[0][0] > GIVE_UP:
            del self.next[i]
        else:
            self._join(i)
            self._plan(i, now)
        if self.uses.neighbours and others:
            self._tell(others, now, news)

    def _plan(self, i: int, now: int, *, many: float = 1.0) -> None:
        life = self.parcels[i]
        at, word, _ = life.steps[self.known[i] - 1]
        when = self._worth(self.price / many).next(self._brand(i), word, at, now, due=self._day(i))
        self._set(i, max(now // TICK * TICK + TICK, -(-when // TICK) * TICK))

    def _worth(self, price: float) -> Planner:
        self.planner.price = Price(price)
        return self.planner

    def _set(self, i: int, at: int) -> None:
        self.next[i] = at
        heapq.heappush(self.heap, (at, i))

    def _day(self, i: int) -> int | None:
        return self.parcels[i].promised if self.uses.days and self.known[i] > 1 else None

    def _brand(self, i: int) -> str:
        """Raw codes: where it is scanned makes another code, learned as if it were a brand."""
        life = self.parcels[i]
        if not self.uses.codes:
            return life.brand
        place = life.steps[max(0, self.known[i] - 1)][2]
        return f"{life.brand} {'depot' if place.isdigit() else place}"

    # -- neighbours ------------------------------------------------------------

    def _group(self, i: int) -> Group:
        _, word, place = self.parcels[i].steps[self.known[i] - 1]
        return self.parcels[i].brand, word, place

    def _join(self, i: int) -> None:
        self.groups.setdefault(self._group(i), set()).add(i)

    def _leave(self, i: int) -> list[int]:
        group = self.groups[self._group(i)]
        group.discard(i)
        scanned = self.parcels[i].steps[self.known[i] - 1][0]
        return sorted(
            j for j in group if abs(self.parcels[j].steps[self.known[j] - 1][0] - scanned) <= HOUR
        )

    def _news(self, life: Life, before: int, known: int) -> tuple[int, float] | None:
        """When a parcel moved on, and how much that is waited for."""
        told = events(life.events[:known], {**WEIGHTS, QUIET: QUIET_WEIGHT})[before:]
        return next(((at, weight) for at, _, weight in told if weight), None)

    def _tell(self, others: list[int], now: int, news: tuple[int, float] | None) -> None:
        """One answer tells about all: they moved then, too, or they wait as if asked themselves."""
        if news:
            self.told.update((j, news[0]) for j in others if j not in self.told)
        bound = self._bound(others[0])
        if bound < LOOSE:
            return
        many = 1 + bound * (len(others) - 1)
        for j in others:
            if news:
                late = int(news[0] + self.price / (bound * news[1]))
                self._set(j, min(self.next[j], max(now + TICK, -(-late // TICK) * TICK)))
            elif self.waited.get(j, 0) < min(PATIENCE, len(others)):
                self.waited[j] = self.waited.get(j, 0) + 1
                self._plan(j, now, many=many)

    def _bound(self, i: int) -> float:
        """How often a parcel moved within the hour in which a neighbour did."""
        moved, asked = self.together.get(self._group(i), (0, 0))
        return moved / (asked + 4)

    def _count(self, i: int, news: tuple[int, float] | None, now: int) -> None:
        if i not in self.told or (news is None and now - self.told[i] < HOUR):
            return
        moved = news is not None and abs(news[0] - self.told.pop(i)) <= HOUR
        self.told.pop(i, None)
        had, asked = self.together.get(self._group(i), (0, 0))
        self.together[self._group(i)] = had + moved, asked + 1


def compare(seeds: Sequence[int], names: Sequence[str], *, per_day: float) -> dict[str, Any]:
    """Calls at equal lateness over all seeds, and what each variant saves of them."""
    parcels = {seed: lives(seed, per_day=per_day, days=DAYS) for seed in seeds}
    rows = {
        name: [
            [Shop(each, price, VARIANTS[name]).run(COUNTED) for each in parcels.values()]
            for price in PRICES
        ]
        for name in names
    }
    calls = {name: at_lateness([mean(each) for each in rows[name]], LATENESS) for name in names}
    facts: dict[str, Any] = {}
    for name in names:
        before, needed = calls.get(AGAINST.get(name, names[0])), calls[name]
        saved = 1 - needed / before if needed and before else None
        facts[name] = {"calls": needed, "saved": saved, "prices": [mean(r) for r in rows[name]]}
    return facts


def mean(scores: Sequence[dict[str, Any]]) -> dict[str, float]:
    """One score for all seeds."""
    keys = ("calls_per_parcel", "mean_late", "superseded")
    return {key: sum(score[key] for score in scores) / len(scores) for key in keys}


def main() -> None:
    """Print what each saves, or everything as JSON."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seeds", default="1,2,3,4,5")
    ask.add_argument("--per-day", type=float, default=40)
    ask.add_argument("--only", help="variants, separated by commas; the first is compared with")
    ask.add_argument("--json", action="store_true")
    wish = ask.parse_args()
    names = wish.only.split(",") if wish.only else list(VARIANTS)
    seeds = [int(seed) for seed in wish.seeds.split(",")]
    found = compare(seeds, names, per_day=wish.per_day)
    if wish.json:
        sys.stdout.write(json.dumps({"lateness": LATENESS, "variants": found}) + "\n")
        return
    sys.stdout.write(f"calls a parcel for a mean lateness of {LATENESS} min, seeds {wish.seeds}\n")
    for name, fact in found.items():
        calls = "-" if fact["calls"] is None else f"{fact['calls']:.2f}"
        saved = "-" if fact["saved"] is None else f"{fact['saved']:.1%}"
        sys.stdout.write(f"{name:24s} {calls:>6s}  saved {saved}\n")


if __name__ == "__main__":
    main()
