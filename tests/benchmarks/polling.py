"""Compare the planner with fixed intervals and clock times: `python tests/benchmarks/polling.py`.

Every policy drives the same parcels; calls are compared at equal lateness and lateness at equal
calls. Parcels come from the generator beside the repository where there is one (and numpy),
else, or with --own, from the one in this folder. `--extended` gives the planner the delivery
day that the carrier announces; `--quota` is one brand, 250 calls a day and a pass every 15 min.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

import pretend_lives
from contest import Policy, at_calls, at_lateness, by_clock, fixed, run
from polling_adapter import Planner, make
from pretend_lives import Life
from quota import under_quota

SHARED = Path(__file__).parents[3] / "shared" / "bench" / "polling"
PRICES = (3, 6, 10, 15, 22)
Facts = dict[str, Any]


class Learner:
    """The planner as a policy of the contest."""

    def __init__(self, price: float, *, days: bool = False) -> None:
        self._planner, self._days = Planner(price), days
        self.name = f"planner, price {price:g}"

    def next(self, parcel: int, life: Life, known: int, now: int) -> int:
        at, word, _ = life.steps[known - 1]
        return self._planner.next(life.brand, word, at, now, due=self._due(life, known))

    def observe(self, parcel: int, life: Life, known: int, now: int) -> None:
        due = self._due(life, known)
        self._planner.observe(parcel, life.brand, life.events[:known], now, final=False, due=due)

    def _due(self, life: Life, known: int) -> int | None:
        """The promised day; carriers tell it once they have the parcel."""
        return life.promised if self._days and known > 1 else None


def shared_lives(seed: int, per_day: float, brands: Sequence[str]) -> list[Life] | None:
    """The parcels of the generator beside the repository, in our words."""
    if not SHARED.exists() or not importlib.util.find_spec("numpy"):
        return None
    sys.path.insert(0, str(SHARED))
    generator, words = importlib.import_module("lives"), importlib.import_module("simulate").WORDS
    carriers = {b: c for b, c in generator.CARRIERS.items() if not brands or b in brands}
    found = generator.generate(seed, per_day, 70, carriers=carriers)
    return [Life(b, tuple((at, words[x], "") for at, x in steps), None) for b, steps in found]


def families(*, extended: bool) -> dict[str, list[Callable[[], Policy]]]:
    """Each family from many calls to few."""
    clock = ((30, 1), (60, 1), (120, 1), (120, 2), (240, 3))
    found: dict[str, list[Callable[[], Policy]]] = {
        "fixed": [lambda m=m: fixed(m) for m in (120, 240, 480, 720)],
        "clock": [lambda a=a: by_clock(*a) for a in clock],
        "planner": [lambda p=p: Learner(p) for p in PRICES],
    }
    if extended:
        found["planner with days"] = [lambda p=p: Learner(p, days=True) for p in PRICES]
    return found


def mean(values: Sequence[float | None]) -> float | None:
    """The geometric mean; None where a value is out of range."""
    if None in values or not values:
        return None
    return round(exp(sum(log(v) for v in values if v) / len(values)), 3)


def compare(
    seeds: Sequence[int], lives: Callable[[int], list[Life]], ask: argparse.Namespace
) -> Facts:
    """All families over all seeds; ratios are geometric means over the seeds."""
    counted = (ask.from_day, ask.to_day)
    rows: dict[str, list[list[Facts]]] = {}
    for seed in seeds:
        parcels = lives(seed)
        for family, members in families(extended=ask.extended).items():
            scores = [run(parcels, member(), counted) for member in members]
            rows.setdefault(family, []).append(scores)
    ours = "planner with days" if ask.extended else "planner"
    facts: Facts = {"policies": rows}
    for calls in (12, 18):
        late = {f: [at_calls(scores, calls) for scores in each] for f, each in rows.items()}
        facts[f"mean lateness at {calls} calls"] = {f: mean(each) for f, each in late.items()}
        facts[f"lateness at {calls} calls, ratio to"] = {
            f: mean([a / b if a and b else None for a, b in zip(late[ours], each, strict=True)])
            for f, each in late.items()
            if f != ours
        }
    lost = [at_calls(scores, 12, "superseded") for scores in rows[ours]]
    facts["superseded at 12 calls"] = mean(lost)
    needed = {f: mean([at_lateness(scores, 45) for scores in each]) for f, each in rows.items()}
    facts["calls for a mean lateness of 45 min"] = needed
    return facts


def main() -> None:
    """Print the ratios, or everything as JSON."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seeds", default="101,102,103,104,105")
    ask.add_argument("--per-day", type=float, help="parcels a day; 40, or 31 with --quota")
    ask.add_argument("--from-day", type=int, default=42, help="0: the first week counts too")
    ask.add_argument("--to-day", type=int, default=63)
    ask.add_argument("--own", action="store_true", help="the generator of this folder")
    ask.add_argument("--extended", action="store_true", help="delivery days; implies --own")
    ask.add_argument("--evening", action="store_true", help="evening tours and Sundays; own lives")
    ask.add_argument("--quota", type=int, nargs="?", const=250)
    ask.add_argument("--json", action="store_true")
    wish = ask.parse_args()
    seeds = [int(seed) for seed in wish.seeds.split(",")]
    per_day = wish.per_day or (31 if wish.quota else 40)
    own = wish.own or wish.extended or wish.evening

    def lives(seed: int) -> list[Life]:
        shared = None if own else shared_lives(seed, per_day, ["dhl"] if wish.quota else [])
        brands = ("north",) if wish.quota else pretend_lives.BRANDS
        return shared or pretend_lives.lives(
            seed, per_day=per_day, brands=brands, evening=wish.evening
        )

    if wish.quota:
        counted = (wish.from_day, wish.to_day)
        facts: Facts = {
            str(seed): under_quota(lives(seed), make(10), wish.quota, counted=counted)
            for seed in seeds
        }
    else:
        facts = compare(seeds, lives, wish)
    if not wish.json:
        facts.pop("policies", None)
    lines = [json.dumps(facts)] if wish.json else [f"{k}: {v}" for k, v in facts.items()]
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
