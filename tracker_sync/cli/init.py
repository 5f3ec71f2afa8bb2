"""`tracker-sync init`: a commented configuration to start from, and the folders it names."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError

_USUAL = Path("config/tracker-sync.yaml")

_NEXT = """\
{path} is written, readable for you alone. Next:
  1. edit it: every put-your-…-here
  2. {program} check --online       what is still missing, and whether the keys work
  3. put a CSV file into {inbox}, then
     {program} sync --dry-run       what customers would be told
  4. {program} sync                 from cron or a systemd timer, every five minutes"""


@common.command("init")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Write a commented configuration, and the folder for CSV files beside it.

    It goes to config/tracker-sync.yaml, or where --config says. A file that exists is left alone.
    """
    named = common.shop(ctx).config
    path = named or _USUAL
    inbox = path.parent / "inbox"
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        inbox.mkdir(mode=0o700, exist_ok=True)
        _write(path)
    except FileExistsError:
        raise UserError(
            f"{path} exists and was not touched; move it away, or name another"
        ) from None
    except OSError as exc:
        raise UserError(f"{path} cannot be written: {exc.strerror}") from exc
    program = f"tracker-sync --config {shlex.quote(str(path))}" if named else "tracker-sync"
    click.echo(_NEXT.format(path=path, inbox=f"{inbox}/", program=program))


def _write(path: Path) -> None:
    """Write the example; secrets will stand in it, so nobody else may ever read it."""
    from tracker_sync.settings import example

    text = example()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
