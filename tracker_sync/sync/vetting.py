"""Before a bundle is taken in: does the whole of it look wrong? Then it changes nothing.

A bundle that is held stays where it is and is told once; `tracker-sync sync --accept SOURCE` takes
it. What is missing from a list is only told: absence says nothing.
"""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from tracker_sync.carriers.brands import brand_called
from tracker_sync.lifecycle.doubts import Told, disputed, doubt, shrunk
from tracker_sync.lifecycle.intake import RECYCLED_AFTER
from tracker_sync.model import Advice
from tracker_sync.sources import Bundle, Reject, Source
from tracker_sync.store.rows import recipient
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_EACH = 20  # parcels missing from a list that are named one by one
_DISPUTED = "the number stands in rows of different orders and customers; whose is it?"


class Vetting:
    """Looks at the bundles of one source, before and after they are taken."""

    def __init__(self, house: House, report: Report, source: Source, now: datetime) -> None:
        self._house, self._report, self._source, self._now = house, report, source, now
        self._held: set[str] = set()

    # -- before --------------------------------------------------------------

    def holds(self, bundle: Bundle) -> bool:
        """Whether none of a bundle can be trusted; then a person is told."""
        why = self._doubt(bundle.advices)
        if not why or self._source.name in self._house.accepted:
            return False
        name = self._source.name
        key = f"held:{name}:{'' if self._source.lists_all else bundle.name}"
        self._held.add(key)
        self._report.count("held", 1)
        self._report.finding(
            key,
            f"{bundle.name or name} is not taken in: {why}. Has a column slipped? Correct or remove"
            f" it; if all is right: tracker-sync sync --accept {shlex.quote(name)}",
        )
        return True

    def _doubt(self, rows: tuple[Advice, ...]) -> str:
        """What is wrong with the whole of *rows*, if anything."""
        if not rows:
            return ""
        since = self._now - RECYCLED_AFTER
        announced = self._house.store.announced
        numbers = {number for row in rows for number in (row.number, row.replaces) if number}
        parcels = _by(announced.parcels(numbers, since), "number")
        references = {row.order for row in rows if row.order and row.number not in parcels}
        orders = _by(announced.orders(references, since), "reference")
        return doubt(rows, [self._told(row, parcels, orders) for row in rows])

    def _told(
        self,
        row: Advice,
        parcels: dict[str, list[sqlite3.Row]],
        orders: dict[str, list[sqlite3.Row]],
    ) -> Told | None:
        """What was told before of the parcel of *row*, else of its order."""
        brand = brand_called(row.courier)
        known = [*parcels.get(row.replaces, ()), *parcels.get(row.number, ())]
        mine = [found for found in known if brand in (None, found["brand"])]
        if mine:
            return self._as_told(mine[-1], frozenset(json.loads(mine[-1]["orders"])))
        others = orders.get(row.order, [])
        return self._as_told(others[-1], frozenset({row.order})) if others else None

    def _as_told(self, row: sqlite3.Row, references: frozenset[str]) -> Told:
        names = [source.name for source in self._house.sources]
        first, ours = row["source"], names.index(self._source.name)
        firm = first not in names or ours <= names.index(first)
        return Told(recipient(row), references, own=first == self._source.name, firm=firm)

    def disputed(self, bundle: Bundle) -> tuple[Bundle, tuple[Reject, ...]]:
        """Split off rows that give one unknown parcel to different customers."""
        keys = disputed(bundle.advices)
        if not keys:
            return bundle, ()
        since = self._now - RECYCLED_AFTER
        numbers = {number for _, number in keys}
        known = {row["number"] for row in self._house.store.announced.parcels(numbers, since)}
        # Where the parcel is known, the row that agrees with what we know is the right one.
        out = {key for key in keys if key[1] not in known}
        left = [row for row in bundle.advices if (row.courier, row.number) not in out]
        refused = [row for row in bundle.advices if (row.courier, row.number) in out]
        kept = replace(bundle, advices=tuple(left))
        return kept, tuple(Reject(row.where, _DISPUTED) for row in refused)

    # -- after ---------------------------------------------------------------

    def taken(self, bundle: Bundle) -> None:
        """Tell what looks odd about a bundle that was taken in, and remember its size."""
        for number, text in enumerate(bundle.doubts):
            self._report.finding(f"doubt:{self._key(bundle)}:{number}", text)
        announced, name = self._house.store.announced, self._source.name
        rows = len(bundle.advices) + len(bundle.rejects)
        before = announced.sizes(name)
        short = shrunk(rows, before, self._now, lists_all=self._source.lists_all)
        announced.size(name, rows, self._now)
        if short:
            text = (
                f"{bundle.name or name} is suddenly short: {short}. What is missing stays as it was"
            )
            self._report.finding(f"short:{self._key(bundle)}", text)
        elif self._source.lists_all:
            self._report.over(f"short:{self._key(bundle)}")
        if self._source.lists_all and not bundle.rejects:
            self._missing({row.number for row in bundle.advices}, told=not short)

    def _key(self, bundle: Bundle) -> str:
        """One finding for a list that is read again and again, one for each file of news."""
        each = "" if self._source.lists_all else bundle.fingerprint[:12]
        return f"{self._source.name}:{each}"

    def _missing(self, numbers: set[str], *, told: bool) -> None:
        """Tell of parcels under way that a list of everything no longer names."""
        begins = f"gone:{self._source.name}:"
        gone = self._house.store.announced.unlisted(self._source.name, numbers) if told else []
        texts = {f"{begins}{row['id']}": f"…{row['number'][-6:]}" for row in gone}
        if len(gone) > _EACH:
            texts = {begins: f"{len(gone)} parcels"}
        for key, which in texts.items():
            text = f"{self._source.name} no longer lists {which}, though under way: deleted orders?"
            self._report.finding(key, f"{text} Nothing changes until the carrier says so")
        for key in self._house.store.journal.open_keys(begins):
            if told and key not in texts:
                self._report.over(key)

    def over(self) -> None:
        """End the notices about what was held and is not there any more."""
        for key in self._house.store.journal.open_keys(f"held:{self._source.name}:"):
            if key not in self._held:
                self._report.over(key)


def _by(rows: Iterable[sqlite3.Row], column: str) -> dict[str, list[sqlite3.Row]]:
    grouped: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        grouped.setdefault(row[column], []).append(row)
    return grouped
