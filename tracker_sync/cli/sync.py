"""`tracker-sync sync`: one pass, for real or rehearsed."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from types import FrameType
from typing import Any

import click

from tracker_sync import wire
from tracker_sync.cli import common, cost, pulse, script
from tracker_sync.errors import UserError
from tracker_sync.settings import Settings
from tracker_sync.settings.words import suggestion
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
    "too_many": "messages held: unusually many",
    "expired": "parcels given up",
}


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
@click.option(
    "--dry-run", is_flag=True, help="Ask for real, tell nobody, print what would go, and the cost."
)
@click.option("--now", "moment", metavar="T", callback=_moment, help="Rehearse another time.")
@click.option("--accept", multiple=True, metavar="SOURCE", help="Take what this source gives.")
@common.as_json
@click.pass_context
def command(
    ctx: click.Context,
    *,
    dry_run: bool,
    moment: datetime | None,
    accept: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run one pass: take parcels in, ask carriers, send what changed to Klaviyo.

    --now needs --dry-run, or Klaviyo's base_url on this machine: at a pretended time no real
    customer is told anything.
    """
    if moment and not dry_run and not on_loopback(common.settings(ctx)):
        raise UserError("--now needs --dry-run, or klaviyo.base_url on this machine (127.0.0.1)")
    common.shop(ctx).moment = moment
    now, stop = common.now(ctx), Event()
    with common.alone(ctx), _asked_to_stop(stop), _followed() as step:
        if dry_run:
            house = accepting(common.house(ctx, now, step=step), accept)
            report, told = _rehearse(house, now, stop)
        else:
            report, told = _passed(ctx, now, stop, step=step, accept=accept), {}
    if as_json:
        common.print_json({**facts(report), **told})
    elif dry_run:
        script.show(told["messages"])
        cost.show(told["cost"])
    if common.watched() and not as_json:
        _summarise(report)
    ctx.exit(report.exit_code)


def _passed(
    ctx: click.Context,
    now: datetime,
    stop: Event,
    *,
    step: Callable[[str], None],
    accept: tuple[str, ...],
) -> Report:
    """Run the pass, and tell the monitor how it went."""
    with pulse.around(common.settings(ctx)) as beat:
        house = accepting(common.house(ctx, now, step=step), accept)
        report = run_pass(house, now, stop)
        beat.ended(report, house.store, now)
    return report


def on_loopback(settings: Settings) -> bool:
    """Whether Klaviyo is a pretended one on this machine."""
    return wire.on_loopback(settings.klaviyo.base_url if settings.klaviyo else None)


def accepting(house: House, names: tuple[str, ...]) -> House:
    """Let a house take what the sources of these names give, however odd it looks."""
    known = [source.name for source in house.sources]
    for name in names:
        if name not in known:
            hint = suggestion(name, known) or f"; the sources are: {', '.join(known) or 'none'}"
            raise UserError(f"--accept {name} is no source of the configuration{hint}")
    return replace(house, accepted=frozenset(names))


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


def _rehearse(house: House, now: datetime, stop: Event) -> tuple[Report, dict[str, Any]]:
    """Run the pass on a copy; return what it decided about each message, and what it cost."""
    from tracker_sync.cli.rehearsal import rehearse

    with ExitStack() as stack:
        copy, _bodies = rehearse(house, stack)
        with script.written(copy.store, now) as parts:
            report = run_pass(copy, now, stop)
        return report, {"messages": parts, "cost": cost.costs(copy, report, now)}
