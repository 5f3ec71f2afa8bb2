"""`tracker-sync messages list|retry|release|drop`: the outbox, and what a person decides."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError
from tracker_sync.messages.surge import TOO_MANY
from tracker_sync.model import Kind
from tracker_sync.store import Store, unstamp
from tracker_sync.sync.watch import LATE

STATES = ("owed", "set_aside", "accepted", "withheld", "dropped")
OPEN = ("owed", "set_aside")
_SHOWN = 8  # characters of an id in tables; more where they would not tell two apart


@click.group("messages")
@common.options
def command() -> None:
    """List messages; try a refused one again, let held ones go, or give them up."""


@command.add_command
@common.command("list")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Default: open.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@common.as_json
@click.pass_context
def _list(ctx: click.Context, *, states: Sequence[str], limit: int, as_json: bool) -> None:
    """List messages, those decided about last first."""
    store = common.store(ctx, existing=True)
    rows = store.outbox.listed(list(states or OPEN), limit)
    found = [_part(store, row) for row in rows]
    if as_json:
        common.print_json(found)
        return
    if not found:
        common.show("No messages.")
        return
    zone = common.settings(ctx).shop.zone
    common.show(_table(found, zone))
    if len(found) == limit:
        common.show(f"These are the newest {limit}; --limit shows more.")


@command.add_command
@common.command("retry")
@click.argument("message_id", metavar="ID")
@click.pass_context
def _retry(ctx: click.Context, message_id: str) -> None:
    """Send a message again that Klaviyo refused. ID may be the beginning of one."""
    store, now = common.store(ctx, existing=True), common.now(ctx)
    with store.transaction():
        row = _found(store, message_id, ("set_aside",))
        store.outbox.retry(row["id"], now)
        _settled(store, row["id"], now)
    click.echo(f"{row['id']} ({row['kind']}) goes again with the next pass.")


@command.add_command
@common.command("release")
@click.argument("which", metavar="[KIND|ID]", default="")
@click.pass_context
def _release(ctx: click.Context, which: str) -> None:
    """Let messages go that are held because there were unusually many.

    All of them, those of one KIND, or one by its ID. The next pass judges them again: only what is
    still true is sent, and no old news.
    """
    store, now = common.store(ctx, existing=True), common.now(ctx)
    with store.transaction():
        kind = which if _is_kind(ctx, which) else ""
        only = _found(store, which, ("owed",))["id"] if which and not kind else ""
        count = store.tempo.release(TOO_MANY, kind, only, now)
        _nothing_held(store, now)
    if not count:
        raise UserError(f"no message is held for that{f': {which}' if which else ''}")
    click.echo(f"{count} {_messages(count)} with the next pass, as far as they are still true.")


@command.add_command
@common.command("drop")
@click.argument("which", metavar="ID|KIND")
@click.pass_context
def _drop(ctx: click.Context, which: str) -> None:
    """Give a message up for good. ID may be the beginning of one.

    KIND instead gives up all messages of that kind that are held because there were too many.
    """
    store, now = common.store(ctx, existing=True), common.now(ctx)
    if _is_kind(ctx, which):
        with store.transaction():
            count = store.tempo.drop(TOO_MANY, which, now)
            _nothing_held(store, now)
        if not count:
            raise UserError(f"no message of kind {which} is held")
        click.echo(f"{count} of kind {which} {'is' if count == 1 else 'are'} dropped.")
        return
    with store.transaction():
        row = _found(store, which, OPEN)
        store.outbox.drop(row["id"], now)
        _settled(store, row["id"], now)
        _nothing_held(store, now)
    click.echo(f"{row['id']} ({row['kind']}) is dropped.")


def _settled(store: Store, message_id: str, now: datetime) -> None:
    """A person has looked at it, so it is no finding any more."""
    store.journal.resolve(f"set_aside:{message_id}", now)


def _nothing_held(store: Store, now: datetime) -> None:
    """Take off the list what no longer holds: the next surge, or delay, is news again."""
    held = store.tempo.held(TOO_MANY)
    for key in store.journal.open_keys("surge:"):
        if key.removeprefix("surge:") not in held:
            store.journal.resolve(key, now)
    if store.outbox.next_due() is None:
        store.journal.resolve(LATE, now)


def _is_kind(ctx: click.Context, word: str) -> bool:
    return word in (*Kind, *common.settings(ctx).follow_ups)


def _messages(count: int) -> str:
    return "message goes" if count == 1 else "messages go"


def _found(store: Store, start: str, states: Sequence[str]) -> sqlite3.Row:
    """The one message in *states* whose id begins with *start*."""
    start = start.rstrip("…").lower()
    exact = store.outbox.get(start)
    if exact and exact["state"] not in states:
        raise UserError(f"{start} is {exact['state']}, not {' or '.join(states)}")
    if not start:
        raise UserError("an id is missing; `tracker-sync messages list` shows them")
    rows = [row for row in store.glance.messages(start) if row["state"] in states]
    if not rows:
        wanted = " or ".join(states)
        raise UserError(f"no message {start} is {wanted}; `tracker-sync messages list` shows them")
    if len(rows) > 1:
        raise UserError(f"{start} could be {len(rows)} messages; write more of the id")
    return rows[0]


def _part(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    """One message without anything personal."""
    known = row["shipment_id"] is not None
    shipment = store.shipments.get(row["shipment_id"]) if known else None
    orders = shipment.orders if shipment else ()
    return {
        "id": row["id"],
        "kind": row["kind"],
        "state": row["state"],
        "reason": row["reason"],
        "due_at": row["due_at"],
        "occurred_at": row["occurred_at"],
        "decided_at": row["decided_at"],
        "attempts": row["attempts"],
        "order": ", ".join(order.reference for order in orders if order.reference),
        "number": common.tail(shipment.number) if shipment else "",
    }


def _table(found: Sequence[dict[str, Any]], zone: ZoneInfo) -> Any:
    """Lay them out, times as the shop's clock has them, ids as short as they stay clear."""
    names = ("id", "due", "kind", "order", "number", "state", "reason")
    short = _length([part["id"] for part in found])
    rows = [
        {**part, "id": part["id"][:short], "due": f"{_local(part['due_at'], zone):%Y-%m-%d %H:%M}"}
        for part in found
    ]
    return common.table(names, ([row[name] for name in names] for row in rows))


def _local(text: str, zone: ZoneInfo) -> datetime:
    return unstamp(text).astimezone(zone)


def _length(ids: Sequence[str]) -> int:
    """How much of an id is needed to tell these apart."""
    return next(n for n in range(_SHOWN, 100) if len({i[:n] for i in ids}) == len(set(ids)))
