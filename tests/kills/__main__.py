"""Kill hundreds of passes: `python tests/kills --kills 500 --parcels 300 --seed 1`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@click.command()
@click.option("--kills", default=500, show_default=True, help="Processes killed with SIGKILL.")
@click.option("--parcels", default=300, show_default=True, help="That live meanwhile.")
@click.option("--seed", default=0, show_default=True, help="The same lives and the same dice.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(kills: int, parcels: int, seed: int, as_json: bool) -> None:
    """Kill real passes at random moments; exit 1 if a message is lost, doubled or false."""
    from kills.trial import Plan, trial

    structlog.configure(logger_factory=lambda *_: structlog.testing.ReturnLogger())
    console = Console(stderr=True)
    with (
        TemporaryDirectory(prefix="tracker-sync-kills-") as folder,
        Progress(console=console) as bar,
    ):
        task = bar.add_task("kills", total=kills)
        verdict = trial(
            Plan(kills, parcels, seed),
            Path(folder),
            lambda done, _of: bar.update(task, completed=done),
        )
    told = verdict.told()
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        table = Table("what", "count")
        for name, value in told.items():
            for key, count in value.items() if isinstance(value, dict) else ((name, value),):
                table.add_row(str(key), str(count))
        Console().print(table)
    sys.exit(not verdict.good)


if __name__ == "__main__":
    main()
