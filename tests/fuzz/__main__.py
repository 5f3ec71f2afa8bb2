"""Thousands of mutated answers for every carrier: `python tests/fuzz` or `-m tests.fuzz`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

COLUMNS = ("read", "Unreadable", "Unavailable", "Throttled", "Rejected", "crash", "false status")


@click.command()
@click.option("--carrier", "keys", multiple=True, help="Only this one; may be repeated.")
@click.option("--count", default=20_000, show_default=True, help="Mutated answers a carrier.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same answers.")
def main(keys: tuple[str, ...], count: int, seed: int) -> None:
    """Mutate the samples of carriers; exit 1 after a crash or a false status."""
    from contract.samples import CARRIERS
    from fuzz.trial import Outcome, trial

    if unknown := set(keys) - CARRIERS.keys():
        raise click.UsageError(f"no carrier of ours: {', '.join(sorted(unknown))}")
    outcomes = [Outcome(key) for key in keys or sorted(CARRIERS)]
    console = Console()
    with Progress(console=console) as progress:
        for outcome in outcomes:
            tried = trial(outcome.key, count, seed, outcome)
            for _ in progress.track(tried, total=count, description=outcome.key):
                pass
    table = Table("carrier", *COLUMNS)
    for outcome in outcomes:
        table.add_row(outcome.key, *(str(outcome.counts[name] or "") for name in COLUMNS))
        for what, body in outcome.failures:
            console.print(f"{outcome.key}: {what}\n  {body!r}", markup=False, soft_wrap=True)
    console.print(table)
    sys.exit(any(outcome.failures for outcome in outcomes))


if __name__ == "__main__":
    main()
