"""What the planner's thinking costs: `python tests/benchmarks/thinking.py [--json]`.

Seven weeks of pretended parcels, 40 a day. Microseconds for a decision where the next one of a
thousand different parcels follows, and for learning from an answer with news; what all that was
learned weighs as rows; and which share of a pass learning takes, if a pass needs as long for an
answer as `--poll` says (as `throughput.py` measures it: 650 where nothing is new, 1900 for news).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

from polling_adapter import Planner, moment
from pretend_lives import DAY, Life, lives

from tracker_sync.model import Status
from tracker_sync.polling import Look, plan

BERLIN = ZoneInfo("Europe/Berlin")
WEEKS = 7


def microseconds(work: Sequence[Callable[[], object]]) -> dict[str, float]:
    """Median, mean and worst in a hundred; of three tries the fastest, for a busy machine."""
    best = [float("inf")] * len(work)
    for _ in range(3):
        for place, each in enumerate(work):
            begun = time.perf_counter_ns()
            each()
            best[place] = min(best[place], (time.perf_counter_ns() - begun) / 1000)
    cuts = quantiles(best, n=100)
    return {"median": cuts[49], "mean": sum(best) / len(best), "p99": cuts[98]}


def looks(parcels: Sequence[Life], seed: int) -> list[tuple[Look, datetime]]:
    """Parcels as they stand at some hour of the last week."""
    found = []
    for place, life in enumerate(parcels):
        now = (WEEKS * 7 - 7) * DAY + (place * 7919 + seed) % (7 * DAY)
        known = [step for step in life.steps if step[0] <= now]
        if known and len(known) < len(life.steps):
            at, word, _ = known[-1]
            look = Look(
                status=Status.IN_TRANSIT if word == "problem" else Status(word),
                problem=word == "problem",
                since=moment(at),
                zone=BERLIN,
                jitter=0.3,
                brand=life.brand,
            )
            found.append((look, moment(now)))
    return found


def measure(seed: int) -> dict[str, Any]:
    """Learn for seven weeks, answer by answer, then decide."""
    planner, learning, answers = Planner(10), [], 0
    parcels = lives(seed, per_day=40, days=WEEKS * 7)
    for i, life in enumerate(parcels):
        for known in range(2, len(life.steps) + 1):
            begun = time.process_time_ns()  # summed up: what other processes take is not ours
            now = life.steps[known - 1][0]
            planner.observe(i, life.brand, life.events[:known], now, final=False)
            learning.append((time.process_time_ns() - begun) / 1000)
            answers += 1
    begun = time.process_time_ns()
    written = planner.habits.changed()
    spelled = (time.process_time_ns() - begun) / 1000
    open_now = [pair for n in range(60) for pair in looks(parcels[-400:], n * 97)]
    prices = [planner.price.times(factor) for factor in (0.4, 1, 4)]
    work = [
        lambda look=look, now=now, price=price: plan(planner.habits, look, price, now)
        for n, (look, now) in enumerate(open_now)
        for price in (prices[n % 3],)
    ]
    cuts = quantiles(learning, n=100)
    return {
        "decision_us": microseconds(work),
        "decisions": len(work),
        "learning_us": {"median": cuts[49], "mean": sum(learning) / answers, "p99": cuts[98]},
        "answers": answers,
        "rows": len(written),
        "bytes": sum(len("".join(row).encode()) for row in written),
        "spelling_us_a_row": spelled / max(1, len(written)),
    }


def main() -> None:
    """Print the figures."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--poll", type=float, default=1150, help="microseconds of a pass an answer")
    ask.add_argument("--news", type=float, default=0.4, help="share of answers with new scans")
    ask.add_argument("--json", action="store_true")
    wish = ask.parse_args()
    facts = measure(wish.seed)
    facts["share_of_a_pass"] = wish.news * facts["learning_us"]["mean"] / wish.poll
    lines = [json.dumps(facts)] if wish.json else [f"{k}: {v}" for k, v in facts.items()]
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
