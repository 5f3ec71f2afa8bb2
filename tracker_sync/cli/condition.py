"""How the shop's parcels, messages and carriers do, and what of it is not well.

Floor 4. Asks the database a fixed number of questions; `status` shows the answers.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tracker_sync.cli.carriers import CarrierHealth, Unknown, health, opened, unknown_codes
from tracker_sync.cli.moments import span
from tracker_sync.settings import Settings
from tracker_sync.store import Store, unstamp
from tracker_sync.store.connection import maybe_unstamp
from tracker_sync.sync import reconcile
from tracker_sync.sync.backlog import Waiting, waiting

_MISSED = 3  # intervals without a pass
_LOOKED_BACK, _ENOUGH = 21, 6  # passes, to see how often one runs
_STANDING = ("carrier:", "silent:", "source:", "held:", "klaviyo", "surge:")  # end by themselves
_COUNTED = ("set_aside:", "late:")  # findings the outbox itself tells better
_NOTICED = timedelta(days=1)  # how long a monitor is told of one that does not end
_SHOWN = timedelta(days=7)  # and how long a person is


@dataclass(frozen=True, slots=True)
class Open:
    """Open shipments of one brand in one status; None = the carrier does not know them yet."""

    brand: str
    status: str | None
    count: int
    troubled: int  # of them with an open problem


@dataclass(frozen=True, slots=True)
class Arrived:
    """The last comparison of what Klaviyo accepted with what it has."""

    at: datetime
    accepted: int
    missing: int
    why: str  # why nothing could be compared; blank where it was


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What a source gave."""

    name: str
    bundles: int
    taken_at: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person should know."""

    text: str
    since: datetime
    last_at: datetime
    standing: bool  # ends by itself when the cause is gone


@dataclass(frozen=True, slots=True)
class Pass:
    """One run; `ended_at` None: it runs just now, or it died."""

    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Everything `status` tells."""

    shop: str
    at: datetime
    every: timedelta
    klaviyo: str  # what keeps messages from triggering flows; blank: nothing does
    open: tuple[Open, ...]
    without_carrier: tuple[str, ...]  # brands with open parcels nobody is asked about
    arrived: Arrived | None  # None: nobody has looked yet
    waiting: tuple[Waiting, ...]
    set_aside: int
    set_aside_since: datetime | None
    carriers: tuple[CarrierHealth, ...]
    sources: tuple[SourceHealth, ...]
    pauses: Mapping[str, datetime]
    unknown_codes: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    last_pass: Pass | None
    last_good_pass: Pass | None

    def wrong(self) -> list[str]:
        """What is not well, for a monitor; empty = all is well."""
        return [*self._late(), *self._stuck(), *self._set_aside(), *self._found()]

    def _late(self) -> Iterator[str]:
        good = self.last_good_pass
        if good is None:
            yield "no pass has come to its end yet"
        elif self.at - good.started_at > _MISSED * self.every:
            yield f"the last good pass was {span(self.at - good.started_at)} ago"

    def _stuck(self) -> Iterator[str]:
        yield from (said for group in self.waiting if (said := group.late(self.at)))

    def _set_aside(self) -> Iterator[str]:
        if self.set_aside:
            many = _many(self.set_aside, "message")
            yield f"Klaviyo refused {many}; see `tracker-sync messages list`"

    def _found(self) -> Iterator[str]:
        for finding in self.findings:
            if finding.standing or self.at - finding.last_at <= _NOTICED:
                yield finding.text


def look(store: Store, settings: Settings, now: datetime) -> Condition:
    """Ask the database how everything does."""
    glance, asked = store.glance, opened(settings)
    spoken_for = {*settings.brands, *(carrier.brand for carrier in asked)}
    found = tuple(Open(**dict(row)) for row in glance.open_shipments())
    aside = glance.set_aside()
    pauses = {row["kind"]: unstamp(row["since"]) for row in store.journal.pauses()}
    return Condition(
        shop=settings.shop.name or settings.shop.id,
        at=now,
        every=_every(store, settings.polling.every),
        klaviyo=_klaviyo(settings),
        open=found,
        without_carrier=tuple(sorted({o.brand for o in found} - spoken_for)),
        arrived=_arrived(store),
        waiting=tuple(waiting(glance.outbox(now), pauses)),
        set_aside=aside["count"] if aside else 0,
        set_aside_since=maybe_unstamp(aside["oldest"]) if aside else None,
        carriers=health(store, asked, now),
        sources=tuple(map(_source, glance.sources())),
        pauses=pauses,
        unknown_codes=unknown_codes(store),
        findings=tuple(_findings(store, now)),
        last_pass=_pass(glance.last_pass()),
        last_good_pass=_pass(glance.last_good_pass()),
    )


def _klaviyo(settings: Settings) -> str:
    if settings.klaviyo is None:
        return "not configured, so nothing is sent"
    if settings.klaviyo.mode == "shadow":
        return "shadow mode, so what is sent triggers no flow"
    pilots = len(settings.klaviyo.only_to)
    return f"only pilots get anything (only_to: {pilots})" if pilots else ""


def _every(store: Store, stated: timedelta) -> timedelta:
    """How far passes are apart: as they were lately, where that is more than the YAML says.

    Cron and systemd have clocks of their own, and `polling.every` does not know them.
    """
    began = store.journal.began(_LOOKED_BACK)
    gaps = [later - earlier for later, earlier in pairwise(began)]
    return max(stated, statistics.median_high(gaps)) if len(began) >= _ENOUGH else stated


def _arrived(store: Store) -> Arrived | None:
    """What the last comparison with Klaviyo's own counts came to."""
    text = store.journal.noted(reconcile.NOTE)
    if not text:
        return None
    facts = json.loads(text)
    return Arrived(unstamp(facts["at"]), facts["accepted"], facts["missing"], facts["why"])


def _findings(store: Store, now: datetime) -> Iterator[Finding]:
    for row in store.journal.findings():
        standing, last = row["key"].startswith(_STANDING), unstamp(row["last_at"])
        if not row["key"].startswith(_COUNTED) and (standing or now - last <= _SHOWN):
            yield Finding(row["text"], unstamp(row["first_at"]), last, standing)


def _source(row: sqlite3.Row) -> SourceHealth:
    taken = maybe_unstamp(row["taken_at"])
    return SourceHealth(row["name"], row["bundles"], taken, unstamp(row["since"]))


def _pass(row: sqlite3.Row | None) -> Pass | None:
    if row is None:
        return None
    ended, counts = maybe_unstamp(row["ended_at"]), json.loads(row["counts"])
    return Pass(unstamp(row["started_at"]), ended, row["exit_code"], counts)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
