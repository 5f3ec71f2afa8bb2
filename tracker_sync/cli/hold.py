"""`tracker-sync pause` and `resume`: hold a kind of message back, or everything."""

from __future__ import annotations

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError
from tracker_sync.model import Kind
from tracker_sync.settings import Settings
from tracker_sync.settings.words import suggestion

ALL = "*"


@common.command("pause")
@click.argument("kind", default=ALL)
@click.pass_context
def pause(ctx: click.Context, kind: str) -> None:
    """Hold back messages of one KIND, or all of them.

    Parcels are followed on. What is held is judged again when it may go: old news is not sent.
    """
    _check(kind, common.settings(ctx))
    common.store(ctx).journal.pause(kind, common.now(ctx))
    click.echo(f"{_named(kind)} are held back; `tracker-sync resume{_word(kind)}` lets them go.")


@common.command("resume")
@click.argument("kind", default=ALL)
@click.pass_context
def resume(ctx: click.Context, kind: str) -> None:
    """Let messages of one KIND go again; without KIND everything that is held."""
    _check(kind, common.settings(ctx))
    journal = common.store(ctx).journal
    if not journal.resume(kind):
        click.echo(f"{_named(kind)} were not held back.")
        return
    click.echo(f"{_named(kind)} go again with the next pass.")
    if any(row["kind"] == ALL for row in journal.pauses()):
        click.echo("All messages are still held back: `tracker-sync resume` lets them go.")


def _check(kind: str, settings: Settings) -> None:
    known = [*(each.value for each in Kind), *settings.follow_ups]
    if kind != ALL and kind not in known:
        hint = suggestion(kind, known) or "; `tracker-sync events` lists them"
        raise UserError(f"{kind} is no kind of message{hint}")


def _named(kind: str) -> str:
    return "All messages" if kind == ALL else f"Messages of kind {kind}"


def _word(kind: str) -> str:
    return "" if kind == ALL else f" {kind}"
