"""`tracker-sync add`: one parcel by hand, as if a source had announced it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError
from tracker_sync.lifecycle.intake import Decision, Intake
from tracker_sync.model import Advice, Direction, Recipient
from tracker_sync.settings import Settings
from tracker_sync.settings.words import suggestion
from tracker_sync.sources import columns, contact, words
from tracker_sync.sync.courier import brand_of
from tracker_sync.sync.house import House
from tracker_sync.sync.intake import Intaker, Refused, Undecided

SOURCE = "cli"
PATIENCE = 30.0  # seconds a running pass is waited for
_DONE = {
    Intake.NEW: "taken in",
    Intake.UPDATE: "known already; what was missing is filled in",
    Intake.NEW_LEG: "taken in as a new parcel with a number used before",
}

T = TypeVar("T")


@common.command("add")
@click.argument("number")
@click.option("--courier", default="", help="Who moves it: dhl, ups, gls …")
@click.option("--email", default="", help='Who is told; "-" reads it from standard input.')
@click.option("--order", default="", help="The order's number, as the customer knows it.")
@click.option("--language", default="", help="Of this customer: de, en …")
@click.option("--shipped-at", default="", metavar="T", help="2026-11-22, or with a time.")
@click.option("--direction", type=click.Choice(list(Direction)), default=Direction.OUTBOUND)
@click.pass_context
def command(ctx: click.Context, /, number: str, **cells: str) -> None:
    """Take the parcel NUMBER in; the next pass asks its carrier.

    What a source says about the same parcel counts more than what is said here.
    """
    advice = _advice(number, cells, common.settings(ctx))
    with common.alone(ctx, patience=PATIENCE):
        house = common.house(ctx, common.now(ctx))
        brand = _brand(advice, house)
        took = _take(house, advice, ctx)
    common.say(f"{common.tail(advice.number)} ({brand}) is {_DONE[took.intake]}.")
    if took.reason:
        common.say(f"{common.tail(advice.number)} {took.reason}.", err=True)
    if not any(carrier.brand == brand for carrier in house.carriers.values()):
        common.say(f"No carrier is configured for {brand}: it waits until there is one.", err=True)


def _advice(number: str, cells: dict[str, str], settings: Settings) -> Advice:
    shipped, when = cells["shipped_at"], partial(columns.moment, zone=settings.shop.timezone)
    return Advice(
        number=_read("NUMBER", columns.normalised, number),
        courier=cells["courier"],
        direction=Direction(cells["direction"]),
        order=columns.text(cells["order"]),
        recipient=_recipient(cells["email"], settings),
        language=_read("--language", words.language, cells["language"])
        if cells["language"]
        else "",
        shipped_at=_read("--shipped-at", when, shipped) if shipped else None,
        where="command line",
    )


def _read(name: str, read: Callable[[str], T], cell: str) -> T:
    try:
        return read(cell)
    except ValueError as exc:
        raise UserError(f"{name}: {exc}") from None


def _recipient(email: str, settings: Settings) -> Recipient:
    if email == "-":
        email = sys.stdin.readline().strip()
    recipient, notes = contact.recipient(email=email, country=settings.shop.country or "")
    if notes:
        raise UserError("--email: " + "; ".join(notes))
    return recipient


def _brand(advice: Advice, house: House) -> str:
    """Who moves it; said in words of the command line where nobody can tell."""
    brand = brand_of(advice, house.asked_brands).brand
    if brand:
        return brand
    if not advice.courier:
        raise UserError("the number does not say who moves the parcel; add --courier, as in dhl")
    known = sorted({*house.brands, *house.carriers})
    hint = suggestion(advice.courier, known) or f"; known are {', '.join(known)}"
    raise UserError(f"--courier {advice.courier} is nobody we know{hint}")


def _take(house: House, advice: Advice, ctx: click.Context) -> Decision:
    now = common.now(ctx)
    try:
        with house.store.transaction():
            active = house.store.ledger.activate("source", SOURCE, now)
            intake = Intaker(house, SOURCE, len(house.sources), active_from=active, now=now)
            return intake.take(advice)
    except (Refused, Undecided) as exc:
        raise UserError(f"not taken in: {exc}") from None
