"""`tracker-sync sync`: one pass, for real or rehearsed."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from threading import Event
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import click

from tracker_sync.cli import common
from tracker_sync.errors import UserError
from tracker_sync.settings import Settings
from tracker_sync.store import Store, stamp, unstamp
from tracker_sync.sync import run_pass
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LABELS = {
    "new": "parcels taken in",
    "rejected": "rows rejected",
    "asked": "parcels asked about",
    "not_found": "not known to the carrier yet",
    "failed": "parcels that could not be asked",
    "left": "parcels left for the next pass",
    "transitions": "news",
    "accepted": "messages Klaviyo took",
    "withheld": "messages withheld",
    "postponed": "messages to be tried again",
    "set_aside": "messages Klaviyo refused",
    "expired": "parcels given up",
}
_ACTIONS = {"accepted": "send", "owed": "wait", "withheld": "withhold", "set_aside": "withhold"}
_PAGE = 500


def _moment(_ctx: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901  as wrong as one without offset
    if moment.tzinfo is None:
        raise click.BadParameter("write a moment with its offset, as 2026-11-22T10:00:00+01:00")
    return moment.astimezone(UTC).replace(microsecond=0)


@common.command("sync")
@click.option("--dry-run", is_flag=True, help="Ask for real, tell nobody, print what would go.")
@click.option("--now", "moment", metavar="T", callback=_moment, help="Rehearse another time.")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, dry_run: bool, moment: datetime | None, as_json: bool) -> None:
    """Run one pass: take parcels in, ask carriers, send what changed to Klaviyo.

    --now needs --dry-run, or Klaviyo's base_url on this machine: at a pretended time no real
    customer is told anything.
    """
    if moment and not dry_run and not on_loopback(common.settings(ctx)):
        raise UserError("--now needs --dry-run, or klaviyo.base_url on this machine (127.0.0.1)")
    common.shop(ctx).moment = moment
    now, stop = common.now(ctx), Event()
    with common.alone(ctx), _asked_to_stop(stop), _followed() as step:
        house = common.house(ctx, now, step=step)
        report, parts = _rehearse(house, now, stop) if dry_run else (run_pass(house, now, stop), [])
    if as_json:
        common.print_json({**facts(report), **({"messages": parts} if dry_run else {})})
    elif dry_run:
        _show_script(parts, facts(report)["calls"])
    if common.watched() and not as_json:
        _summarise(report)
    ctx.exit(report.exit_code)


def on_loopback(settings: Settings) -> bool:
    """Whether Klaviyo is a pretended one on this machine."""
    url = settings.klaviyo.base_url if settings.klaviyo else None
    host = urlsplit(url or "").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _asked_to_stop(stop: Event) -> Iterator[None]:
    """The first SIGTERM or Ctrl-C ends the pass cleanly; who asks twice does not want to wait."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        stop.set()

    before = {each: signal.signal(each, ask) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _followed() -> Iterator[Callable[[str], None]]:
    """Where a person watches, show how the pass gets on; gone when it ends."""
    if not (common.watched() and sys.stderr.isatty()):
        yield lambda _name: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    seen: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=common.console(stderr=True), transient=True) as bar:
        task = bar.add_task("a pass begins", total=None)

        def step(name: str) -> None:
            seen[name] += 1
            bar.update(task, description=f"{seen['asked']} calls, {seen['sent']} sends")

        yield step


def facts(report: Report) -> dict[str, Any]:
    """What a pass did, for programs."""
    counts = {key: count for key, count in sorted(report.counts.items()) if count}
    calls = {key.removeprefix("calls."): n for key, n in counts.items() if key.startswith("calls.")}
    plain = {key: count for key, count in counts.items() if not key.startswith("calls.")}
    found = list(report.new_findings)
    return {"exit_code": report.exit_code, "counts": plain, "calls": calls, "new_findings": found}


def _summarise(report: Report) -> None:
    """Tell a person at the terminal what the pass did."""
    rows = [(says, report.counts[key]) for key, says in _LABELS.items() if report.counts[key]]
    common.show(common.table(("this pass", ""), rows) if rows else "Nothing new.")
    for text in report.new_findings:
        common.show(f"! {text}")


# -- a dry run -----------------------------------------------------------------------


def _rehearse(house: House, now: datetime, stop: Event) -> tuple[Report, list[dict[str, Any]]]:
    """Run the pass on a copy; return what it decided about each message."""
    from tracker_sync.cli.rehearsal import rehearse

    with ExitStack() as stack:
        copy, _bodies = rehearse(house, stack)
        before = {row["id"] for row in _decided(copy.store, now)}
        report = run_pass(copy, now, stop)
        new = [row for row in _decided(copy.store, now) if row["id"] not in before]
        new.sort(key=lambda row: (row["occurred_at"], row["id"]))
        return report, [_part(copy.store, row) for row in new]


def _decided(store: Store, now: datetime) -> list[sqlite3.Row]:
    """The messages that were decided about, or owed, at *now*; the newest come first."""
    limit = _PAGE
    while True:
        rows = store.outbox.listed(list(_ACTIONS), limit)
        if len(rows) < limit or unstamp(rows[-1]["decided_at"]) < now:
            return [row for row in rows if row["decided_at"] == stamp(now)]
        limit *= 4


def _part(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    """One message: what becomes of it, and why; nobody can be recognised."""
    known = row["shipment_id"] is not None
    shipment = store.shipments.get(row["shipment_id"]) if known else None
    orders = shipment.orders if shipment else ()
    waits = row["state"] == "owed" and not row["attempts"]
    return {
        "action": _ACTIONS[row["state"]] if waits or row["state"] != "owed" else "send",
        "kind": row["kind"],
        "metric": row["metric"],
        "number": common.tail(shipment.number) if shipment else "",
        "order": ", ".join(order.reference for order in orders if order.reference),
        "recipient": common.masked(shipment.recipient) if shipment else "",
        "occurred_at": row["occurred_at"],
        "due_at": row["due_at"] if waits else None,
        "reason": row["reason"],
    }


def _show_script(parts: list[dict[str, Any]], calls: dict[str, int]) -> None:
    """Print what would be sent, what would not and why, and what finding out has cost."""
    names = ("action", "kind", "number", "order", "recipient", "occurred_at", "due_at", "reason")
    if parts:
        rows = ([part[name] for name in names] for part in parts)
        common.show(common.table([name.replace("_at", "") for name in names], rows))
    sent = sum(part["action"] == "send" for part in parts)
    made = ", ".join(f"{count} to {name}" for name, count in calls.items()) or "none"
    common.show(f"{sent} would be sent; nothing was. Calls made to carriers: {made}.")
