"""`tracker-sync backup`: a copy of the database, at any time."""

from __future__ import annotations

from pathlib import Path

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError


@common.command("backup")
@click.argument("target", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, target: Path | None, as_json: bool) -> None:
    """Write a copy of the database to FILE, while passes run.

    FILE must not exist; it may be a folder. Without it the copy lies beside the database and is
    named by its schema and the time. Only its owner may read it. The tokens of carriers are not in
    it, customers are.
    """
    from tracker_sync.store import backup

    database, at = common.settings(ctx).database, common.now(ctx)
    if not database.exists():
        raise UserError(f"no database at {database} yet; run `tracker-sync sync` first")
    usual = backup.place(database, at)
    if target is None:
        target = usual
    elif target.is_dir():
        target = target / usual.name
    backup.write(database, target)
    schema, size = backup.schema(target), target.stat().st_size
    if as_json:
        common.print_json({"file": target, "schema": schema, "bytes": size, "at": at})
        return
    common.say(f"{target}: {size / 1_000_000:.1f} MB, schema {schema}")
