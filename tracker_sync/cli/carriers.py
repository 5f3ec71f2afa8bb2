"""`tracker-sync carriers`: the carriers we can ask, how to get keys, and how they do.

Floor 4. Needs no configuration; where there is one it also tells how the configured ones do.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import click

from tracker_sync import carriers as carrier_files
from tracker_sync.carriers import Carrier
from tracker_sync.cli import common, offers
from tracker_sync.cli.moments import ago, when
from tracker_sync.errors import UserError
from tracker_sync.model import Problem, Status
from tracker_sync.settings import Settings, find
from tracker_sync.store import Store, unstamp
from tracker_sync.store.connection import maybe_unstamp
from tracker_sync.sync.house import budget


@dataclass(frozen=True, slots=True)
class CarrierHealth:
    """How a configured carrier does."""

    key: str
    brand: str
    answered_at: datetime | None
    blocked_until: datetime | None
    failed_at: datetime | None
    failure: str  # blank after a good answer
    used: int  # calls, on the carrier's own day
    per_day: int | None
    quota_left: int | None = None  # registrations; None: it needs none, or has not told yet
    quota_at: datetime | None = None
    wanted: int | None = None  # calls that will be wanted until the carrier's midnight


@dataclass(frozen=True, slots=True)
class Unknown:
    """A code no table lists."""

    carrier: str
    code: str
    text: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Ours:
    """What the shop's own database says about carriers."""

    at: datetime
    settings: Settings
    carriers: tuple[CarrierHealth, ...]
    unknown_codes: tuple[Unknown, ...]


@common.command("carriers")
@click.option("--markdown", is_flag=True, help="Print it as a table for a README.")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, markdown: bool, as_json: bool) -> None:
    """List all carriers, how to get their keys, and how the configured ones do."""
    if markdown and not as_json:
        click.echo("\n".join(offers.in_markdown(carrier_files.discover().values())))
        return
    ours = _ours(ctx)
    if as_json:
        common.print_json(facts(ours))
    else:
        common.show(*screen(ours))
        for line in how_to_map(ours.unknown_codes if ours else ()):
            common.say(line)  # not wrapped: it is to be copied


def _ours(ctx: click.Context) -> Ours | None:
    """What the shop knows; None without a configuration or before the first pass."""
    named = common.shop(ctx).config
    try:
        find(named)
    except UserError:
        if named:
            raise
        return None
    try:
        wishes = common.settings(ctx)
    except UserError:
        click.echo("the configuration has problems: run `tracker-sync check`", err=True)
        return None
    now = common.now(ctx)
    if not wishes.database.exists():
        return None
    store = common.store(ctx)
    return Ours(now, wishes, health(store, opened(wishes), now), unknown_codes(store))


def facts(ours: Ours | None) -> list[dict[str, Any]]:
    """Every carrier for a program; `ours` and `unknown_codes` only where there is a shop."""
    listed = [offers.facts(cls) for cls in carrier_files.discover().values()]
    for entry in listed if ours else ():
        mine = [one for one in ours.carriers if one.key == entry["key"]] if ours else []
        entry["ours"] = asdict(mine[0]) if mine else None
        codes = ours.unknown_codes if ours else ()
        entry["unknown_codes"] = [asdict(u) for u in codes if u.carrier == entry["key"]]
    return listed


def screen(ours: Ours | None) -> Iterator[Any]:
    """All carriers; then how the configured ones do."""
    yield from offers.screen(carrier_files.discover().values())
    if ours:
        yield from _configured(ours)


def _configured(ours: Ours) -> Iterator[Any]:
    if not ours.carriers:
        yield "No carrier is configured: nobody is asked about any parcel."
        return
    yield table(ours.carriers, ours.at, ours.settings.shop.zone)


def table(carriers: Sequence[CarrierHealth], at: datetime, zone: tzinfo) -> Any:
    """The configured carriers: when they answered, their calls today, their last failure.

    The registrations an aggregator has left stand beside them where one has told.
    """
    rows = []
    forecasts = any(one.wanted is not None for one in carriers)
    quotas = any(one.quota_left is not None for one in carriers)
    for one in carriers:
        left = "no limit" if one.per_day is None else max(0, one.per_day - one.used)
        trouble = one.failure
        if one.blocked_until:
            until = when(one.blocked_until, at, zone)
            trouble = f"not asked before {until}. {trouble}".strip()
        answered = ago(one.answered_at, at) if one.answered_at else "never"
        quota = [_registrations(one, at)] if quotas else []
        wanted = [one.wanted] if forecasts else []
        rows.append([one.key, answered, one.used, left, *wanted, *quota, trouble])
    column = [*(["still wanted"] if forecasts else []), *(["registrations left"] if quotas else [])]
    return common.table(
        ["configured", "last answer", "used today", "left", *column, "trouble"], rows
    )


def _registrations(one: CarrierHealth, at: datetime) -> str:
    """What is left of an aggregator's plan, and how old that is."""
    if one.quota_left is None or one.quota_at is None:
        return ""
    return f"{one.quota_left} ({ago(one.quota_at, at)})"


def how_to_map(codes: Sequence[Unknown]) -> Iterator[str]:
    """The unknown codes as the YAML that gives them a meaning."""
    if not codes:
        return
    yield "Codes we do not know. To give them a meaning, write one behind each that matters:\n"
    yield "carriers:"
    for carrier, group in groupby(sorted(codes, key=lambda u: u.carrier), lambda u: u.carrier):
        yield f"  {carrier}:\n    codes:"
        for unknown in group:
            words = " ".join(unknown.text.split())
            code = json.dumps(unknown.code, ensure_ascii=False)
            yield f"      {code}:   # scans so far: {unknown.count}  {words}".rstrip()
    yield f"\nMeanings: {', '.join(Status)};"
    yield f"problems: {', '.join(Problem)}"


def opened(settings: Settings) -> list[Carrier]:
    """The configured carriers."""
    classes = carrier_files.discover()
    return [classes[key](config) for key, config in settings.carriers.items()]


def health(store: Store, asked: list[Carrier], now: datetime) -> tuple[CarrierHealth, ...]:
    """How the configured carriers do, and what is left of their calls today."""
    days = {c.key: now.astimezone(ZoneInfo(c.budget_zone)).date().isoformat() for c in asked}
    rows, used = store.glance.carriers(), store.glance.used(days)
    return tuple(_health(c, rows.get(c.key), used[c.key], now) for c in asked)


def _health(carrier: Carrier, row: sqlite3.Row | None, used: int, now: datetime) -> CarrierHealth:
    per_day = budget(carrier)[0]
    if row is None:
        return CarrierHealth(carrier.key, carrier.brand, None, None, None, "", used, per_day)
    blocked = maybe_unstamp(row["blocked_until"])
    return CarrierHealth(
        key=carrier.key,
        brand=carrier.brand,
        answered_at=maybe_unstamp(row["answered_at"]),
        blocked_until=blocked if blocked and blocked > now else None,
        failed_at=maybe_unstamp(row["failed_at"]),
        failure=row["failure"],
        used=used,
        per_day=per_day,
        quota_left=row["quota_left"],
        quota_at=maybe_unstamp(row["quota_at"]),
    )


def unknown_codes(store: Store) -> tuple[Unknown, ...]:
    """Codes no table lists, the most frequent first."""
    return tuple(
        Unknown(row["carrier"], row["code"], row["text"], row["count"], unstamp(row["last_at"]))
        for row in store.journal.unknown_codes()
    )
