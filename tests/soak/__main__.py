"""Two weeks of a shop under every fault at once: `python tests/soak --seed N`."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from soak.shop import Soaked

COLUMNS = ("expected", "accepted", "withheld", "missing", "doubled", "wrong")
_SHOWN = 20


@click.command()
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same lives.")
@click.option("--days", default=14, show_default=True, help="Pretended days with faults.")
@click.option("--parcels", default=2000, show_default=True)
@click.option("--every", default=30, show_default=True, help="Minutes between two passes.")
@click.option("--share", default=0.15, show_default=True, help="Share of requests that go wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(*, seed: int, days: int, parcels: int, every: int, share: float, as_json: bool) -> None:
    """Let a shop live under every fault at once; exit 1 if more than late happened."""
    from soak.shop import Plan, soak

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    plan = Plan(seed, days, parcels, timedelta(minutes=every), share)
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="tracker-sync-soak-") as folder,
        Progress(console=console, transient=True) as bar,
    ):
        task = bar.add_task("two weeks pass", total=None)
        soaked = soak(
            Path(folder), plan, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        click.echo(json.dumps(told(soaked), indent=2))
    else:
        show(soaked, Console())
    sys.exit(not soaked.good)


def told(soaked: Soaked) -> dict[str, Any]:
    """Everything that was counted."""
    outcome = soaked.outcome
    return {
        "good": soaked.good,
        "messages": {name: dict(getattr(outcome, name)) for name in COLUMNS},
        "totals": {name: getattr(outcome, name).total() for name in COLUMNS},
        "late_hours": {name: round(hours, 2) for name, hours in outcome.late.items()},
        "faults": {service: dict(counts) for service, counts in soaked.faults.items()},
        "repeats": soaked.repeats,
        "repeats_that_differ": soaked.changed,
        "out_of_order": soaked.out_of_order,
        "complaints": outcome.complaints,
        "findings": soaked.findings,
        "passes": soaked.passes,
        "calls": soaked.calls,
        "asked": soaked.asked,
        "seconds": round(soaked.seconds, 1),
    }


def show(soaked: Soaked, console: Console) -> None:
    """Print two tables and what there is to complain about."""
    outcome = soaked.outcome
    faults = Table("fault", *soaked.faults, title="Faults injected")
    for name in sorted({name for counts in soaked.faults.values() for name in counts}):
        faults.add_row(name, *(str(counts[name] or "") for counts in soaked.faults.values()))
    totals = (str(counts.total()) for counts in soaked.faults.values())
    faults.add_row("all", *totals, style="bold")
    messages = Table("kind", *COLUMNS, title="Messages")
    for kind in sorted({kind for name in COLUMNS for kind in getattr(outcome, name)}):
        messages.add_row(kind, *(str(getattr(outcome, name)[kind] or "") for name in COLUMNS))
    sums = (str(getattr(outcome, name).total()) for name in COLUMNS)
    messages.add_row("all", *sums, style="bold")
    console.print(faults, messages)
    late = ", ".join(f"{name} {hours:.1f} h" for name, hours in outcome.late.items())
    console.print(f"Late: {late}.", highlight=False)
    console.print(
        f"{soaked.passes} passes, {soaked.calls} calls to carriers about {soaked.asked} numbers,"
        f" {soaked.repeats} events sent again ({soaked.changed} of them changed),"
        f" {len(soaked.out_of_order)} parcels out of order, {soaked.seconds:.0f} s.",
        highlight=False,
        soft_wrap=True,
    )
    complaints = [*outcome.complaints, *soaked.out_of_order]
    for text in complaints[:_SHOWN]:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
