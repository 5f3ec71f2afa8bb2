"""Write the prior that is shipped: `python tests/benchmarks/make_prior.py`.

Learned from pretended shops whose seeds (from 9001 on) no test and no benchmark uses: every
shop has other carriers with other habits, so that the prior knows what is common to carriers.
"""

from __future__ import annotations

import csv

from polling_adapter import PRIOR, UTC, moment
from pretend_lives import lives

from tracker_sync.polling import Habits
from tracker_sync.polling.cells import SHOP
from tracker_sync.polling.tally import Tally

SEEDS = range(9001, 9013)
ENOUGH = 25  # sightings; rarer cells are left to the coarser ones
LONG_LIFE = 60 * 24 * 60


def learned(seeds: range = SEEDS) -> list[tuple[str, str]]:
    """Cells and values, without carriers."""
    habits = Habits()
    for seed in seeds:
        for life in lives(seed, per_day=25, days=35):
            history = [(word, moment(at)) for at, word in life.events]
            habits.observe("any", history, moment(life.steps[-1][0] + LONG_LIFE), zone=UTC)
    rows = ((carrier, cell, Tally.of(value)) for carrier, cell, value in habits.rows())
    kept = [
        (cell, tally)
        for carrier, cell, tally in rows
        if tally.seen >= ENOUGH
        and not (carrier != SHOP and cell.endswith("/quiet"))
        and (carrier == SHOP or cell.endswith(("h", "3d")))
    ]
    return sorted((cell, short(tally)) for cell, tally in kept)


def short(tally: Tally) -> str:
    """Spell a tally for 100 sightings at most, rounded: a prior is a hint."""
    scale = min(1.0, 100 / tally.seen)
    bins = " ".join(f"{i}:{x * scale:.2g}" for i, x in enumerate(tally.bins) if x * scale >= 0.05)
    return f"0;{tally.seen * scale:.4g};{bins}"


if __name__ == "__main__":
    with PRIOR.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(learned())
