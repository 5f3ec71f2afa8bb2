"""`tracker-sync explain NUMBER`: what happened to a parcel, what was decided, and by which rule.

Floor 4. The recipient is masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

import click

from tracker_sync import carriers
from tracker_sync.cli import common
from tracker_sync.cli.moments import local, when
from tracker_sync.cli.story import OFF, Story, Told, rule, story
from tracker_sync.model import Direction, Order, Shipment, Status
from tracker_sync.sources.columns import normalised
from tracker_sync.store import Store

_MOST = 5  # numbers suggested


@common.command("explain")
@click.argument("number")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, number: str, as_json: bool) -> None:
    """Tell the whole story of one parcel: scans, decisions and the rules behind them."""
    wishes, now = common.settings(ctx), common.now(ctx)
    store = common.store(ctx, existing=True)
    wanted = _wanted(number)
    found = store.shipments.by_number(wanted)
    if not found:
        common.fail(unheard_of(store, number, wanted))
    stories = [story(store, shipment, now) for shipment in found]
    if as_json:
        common.print_json([facts(one) for one in stories])
        return
    brands = {cls.brand for key, cls in carriers.discover().items() if key in wishes.carriers}
    for one in stories:
        common.show(*screen(one, brands, now, wishes.shop.zone))


def _wanted(number: str) -> str:
    """The number as the database has it; what cannot be one is looked for as it is."""
    try:
        return normalised(number)
    except ValueError:
        return number.strip().upper()


def unheard_of(store: Store, number: str, wanted: str) -> str:
    """What to do about a number nobody announced: the numbers that may be meant."""
    order = store.orders.find(number.strip())
    if order:
        parcels = [shipment.number for shipment in store.shipments.of_order(order.id)]
        return f"{number} is an order; its parcels are {', '.join(parcels)}"
    near = [f"{row['number']} ({row['brand']})" for row in store.glance.near(wanted, _MOST)]
    if near:
        return f"no parcel is known by {number}; do you mean {' or '.join(near)}?"
    return (
        f"no parcel is known by {number}: compare the number with the label. If it is right, no "
        "source has given it yet; `tracker-sync status` shows when each last gave something, "
        "`tracker-sync add` takes it in by hand"
    )


def facts(one: Story) -> dict[str, Any]:
    """Everything for a program; what tells who the customer is stays out."""
    shipment = one.shipment
    known = asdict(one)
    hidden = ("recipient", "items", "properties", "order_url", "reroute_url", "pickup", "id")
    known["shipment"] = {k: v for k, v in known["shipment"].items() if k not in hidden}
    known["shipment"]["recipient"] = common.masked(shipment.recipient)
    known["shipment"]["orders"] = list(map(_order, shipment.orders))
    known["shipment"]["state"]["problems"] = sorted(shipment.state.problems)
    return known


def screen(one: Story, brands: Collection[str], now: datetime, zone: tzinfo) -> Iterator[Any]:
    """What a person reads, from who it is to what comes next."""
    yield f"{one.shipment.brand} {one.shipment.number}: {standing(one.shipment, now, zone)}"
    known = common.table(("", ""), _facts(one, now, zone))
    known.show_header = False
    yield known
    yield _scans(one, zone)
    if one.steps:
        yield f"News: {' → '.join(f'{s.word} {local(s.at, zone)}' for s in one.steps)}\n"
    yield from _messages(one, now, zone)
    yield f"Next look: {next_look(one, brands, now, zone)}."
    if one.watch_at:
        yield f"If nothing is heard until {local(one.watch_at, zone)}, the silence is judged."
    yield ""


def standing(shipment: Shipment, now: datetime, zone: tzinfo) -> str:
    """Where the parcel stands, in a line."""
    state = shipment.state
    if state.status is None:
        return "no carrier knows it yet" if shipment.found_at is None else "nothing known yet"
    detail = f" ({state.detail})" if state.detail else ""
    problems = f", open problem: {', '.join(sorted(state.problems))}" if state.problems else ""
    closed = f", closed: {shipment.closed_reason}" if shipment.closed_reason == "expired" else ""
    return f"{state.status}{detail} since {when(state.status_at, now, zone)}{problems}{closed}"


def _facts(one: Story, now: datetime, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """What the shop and the carrier told about it; blanks are left out."""
    shipment = one.shipment
    lines = {
        "orders": ", ".join(map(_order, shipment.orders)),
        "recipient": common.masked(shipment.recipient) or "not known: nobody can be told",
        "direction": _direction(shipment),
        "also known as": ", ".join(n for n in shipment.numbers if n != shipment.number),
        "leg": f"{shipment.leg}: the number was used before" if shipment.leg > 1 else "",
        "taken in": f"{when(shipment.taken_at, now, zone)} from {one.source}",
        "news counts from": local(shipment.active_from, zone),
        "shipped": local(shipment.shipped_at, zone) if shipment.shipped_at else "",
        "expected": _expected(one),
        "last asked": when(shipment.checked_at, now, zone),
        "known to": one.carrier or "no carrier yet",
        "service": shipment.service,
    }
    return ((name, text) for name, text in lines.items() if text)


def _expected(one: Story) -> str:
    """The carrier's word, else what became of parcels like this one."""
    if one.shipment.estimate:
        return one.shipment.estimate.day.isoformat()
    if one.forecast is None:
        return ""
    likely, latest = one.forecast
    return f"{likely}, nine in ten by {latest} (by your own parcels; the carrier does not say)"


def _direction(shipment: Shipment) -> str:
    if shipment.direction is Direction.OUTBOUND:
        return "to the customer"
    dormant = "" if shipment.requested else ", label enclosed: dormant until scanned"
    return f"return{dormant}"


def _order(order: Order) -> str:
    expected = f" of {order.parcel_count} parcels" if order.parcel_count else ""
    return f"{order.reference or 'its own (no reference)'}{expected}"


def _scans(one: Story, zone: tzinfo) -> Any:
    if not one.scans:
        return "No scans yet.\n"
    rows = [
        [local(s.at, zone), s.by, f"{s.code}\n{s.text}".strip(), s.reading, s.did]
        for s in one.scans
    ]
    return common.table(("scan", "by", "its words", "we read", "what it did"), rows)


def _messages(one: Story, now: datetime, zone: tzinfo) -> Iterator[Any]:
    shown = [m for m in one.messages if m.reason != OFF]
    off = [m.kind for m in one.messages if m.reason == OFF]
    if shown:
        rows = [[local(m.occurred_at, zone), m.kind, _fate(m, now, zone), m.rule] for m in shown]
        yield common.table(("message", "kind", "what became of it", "the rule"), rows)
    else:
        yield "No messages.\n"
    if off:
        yield f"Not sent, because {rule(OFF)}: {', '.join(off)}.\n"


def _fate(message: Told, now: datetime, zone: tzinfo) -> str:
    """What became of a message, in a line."""
    if message.state == "accepted":
        history = ", as history: triggers no flow" if message.backfill else ""
        return f"sent {local(message.decided_at, zone)}{history}"
    if message.due_at:
        later = message.due_at > now
        waits = message.reason or ("not due yet" if later else "to be sent")
        return f"waits: {waits}" + (f", until {local(message.due_at, zone)}" if later else "")
    if message.state == "set_aside":
        return f"set aside: {message.reason}; `tracker-sync messages retry {message.id}`"
    return f"{message.state}: {message.reason}"


def next_look(one: Story, brands: Collection[str], now: datetime, zone: tzinfo) -> str:
    """When the carrier is asked next, and why then."""
    shipment, status = one.shipment, one.shipment.state.status
    if one.next_poll_at is None:
        return f"not asked any more ({_no_more(shipment)})"
    if shipment.brand not in brands:
        return f"nobody is asked: no carrier for {shipment.brand} is configured"
    later = one.next_poll_at > now
    moment = when(one.next_poll_at, now, zone) if later else "in the next pass"
    if one.failures:
        return f"{moment}; calls that failed in a row: {one.failures}, so the pauses grow"
    if status is None:
        return f"{moment}; the carrier does not know it yet and is asked ever more rarely"
    if status is Status.DELIVERED:
        return f"{moment}, once more before the waiting follow-up goes"
    return f"{moment}, at the pace of parcels that are {status}"


def _no_more(shipment: Shipment) -> str:
    if shipment.closed_reason:
        return shipment.closed_reason
    return "the number was used again for another parcel"
