"""`tracker-sync forget`: erase a person."""

from __future__ import annotations

import sys

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError
from tracker_sync.settings import Settings
from tracker_sync.sources import contact


@common.command("forget")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Erase the person whose e-mail address or phone number stands on standard input.

    It is not taken from the command line: other users see that in the list of processes, and
    shells keep it in their history. The parcels stay, without anything that says whose they were,
    and the address is not taken in again.
    """
    settings = common.settings(ctx)
    address = _normalised(_typed(), settings)
    done = common.store(ctx).privacy.forget(address, common.now(ctx))
    if as_json:
        common.print_json(done)
        return
    found = any(done.values())
    what = f"erased from {done['shipments']} parcels and {done['messages']} messages"
    click.echo(what if found else "nothing found; it will not be taken in from now on either")
    if found and settings.sources:
        days = settings.retention.files.days
        click.echo(
            "Files taken from a source lie in its done/ and rejected/ for "
            f"{days} days; erase the person there by hand. Klaviyo keeps its own profile."
        )


def _typed() -> str:
    if sys.stdin.isatty():
        click.echo("E-mail address or phone number: ", nl=False, err=True)
    return sys.stdin.readline().strip()


def _normalised(address: str, settings: Settings) -> str:
    """In the form the database has it."""
    if not address:
        raise UserError("write the e-mail address or phone number to standard input")
    try:
        if "@" in address:
            return contact.email(address)
        return contact.phone(address, settings.shop.country or "")
    except ValueError as exc:
        raise UserError(str(exc)) from None
