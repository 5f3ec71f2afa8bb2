"""`tracker-sync codes`: what the meanings a merchant wrote would change in what is stored.

Floor 4. A preview on a copy of the database; `--apply` does it.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from typing import Any

import click

from tracker_sync.cli import common, script
from tracker_sync.errors import UserError
from tracker_sync.sync import recode
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report


@common.command("codes")
@click.option("--apply", "do_it", is_flag=True, help="Read the stored scans anew; asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, do_it: bool, yes: bool, as_json: bool) -> None:
    """Show what `carriers.<key>.codes` would change in stored scans; --apply changes it.

    New scans are read by your meanings at once. Those that are stored already are read anew only
    here: forward only, and what is too old to be told is not told.
    """
    if as_json and do_it and not yes:
        raise UserError("--json cannot ask; add --yes")
    now = common.now(ctx)
    house = common.house(ctx, now)
    found = recode.outstanding(house)
    parts, changes = _previewed(house, now)
    if as_json:
        common.print_json({"codes": facts(found), "transitions": changes, "messages": parts})
    else:
        _show(found, parts, changes)
    if do_it and found and (yes or click.confirm("Read them anew?")):
        report = Report(house.store.journal, now)
        with common.alone(ctx):
            recode.apply(house, report, now)
        if not as_json:
            common.show(f"Done: {report.counts['transitions']} changes.")


def facts(found: list[recode.Recoded]) -> list[dict[str, Any]]:
    """The codes for a program."""
    return [
        {
            "carrier": each.carrier,
            "code": each.code,
            "meaning": each.meaning.status or each.meaning.problem,
            "scans": each.scans,
            "shipments": len(each.shipments),
        }
        for each in found
    ]


def _previewed(house: House, now: datetime) -> tuple[list[dict[str, Any]], int]:
    """What would be told, and how many changes there would be, tried on a copy."""
    from tracker_sync.cli.rehearsal import rehearse

    with ExitStack() as stack:
        copy, _takes = rehearse(house, stack)
        report = Report(copy.store.journal, now)
        with script.written(copy.store, now) as parts:
            recode.apply(copy, report, now)
        return parts, report.counts["transitions"]


def _show(found: list[recode.Recoded], parts: list[dict[str, Any]], changes: int) -> None:
    if not found:
        common.show("Every stored scan is understood as your configuration says.")
        return
    rows = [list(each.values()) for each in facts(found)]
    common.show(common.table(["carrier", "code", "your meaning", "scans", "parcels"], rows))
    script.show(parts)
    common.show(f"Changes: {changes}. Messages that wait go with the next `tracker-sync sync`.")
