"""What is known of a few parcels: read together, and written together.

A pass takes in answers by the hundred. Instead of a dozen questions for each parcel, the rows of
all of them are read with one question a table, and served from here; what is written waits until
somebody asks the database itself, so that a hundred like changes become one statement.

Nothing here is ever stale. Whatever is asked of the database is asked after what waits was
written, and a statement that changes one of these tables by another way empties the memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from tracker_sync.model import Order, Scan, Shipment

Row = dict[str, Any]
Values = tuple[Any, ...]
_LAST = 1 << 62  # after every row of the database
Told = tuple[str | None, str | None]  # status and problem of a scan

_OURS = re.compile(
    r"\s*(?:(?:INSERT|REPLACE)(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+"
    r"(?:shipments|numbers|orders|shipment_orders|scans|transitions|activations)\b"
)
# Columns that are no part of a `Shipment`.
_BESIDES = frozenset(
    {"calls_day", "calls_made", "carrier", "failures", "learned_until", "mark", "next_poll_at"}
    | {"unknown_to", "watch_at"}
)


class Entry(NamedTuple):
    """Where a stored scan stands; entries sort as a history does."""

    at: str
    position: int  # the carrier's own order, where stamps are equal
    row: int  # or how many rows there were before it
    scan: Scan


Same = tuple[str, str, str]  # carrier, stamp and code: what makes it the same scan


class History:
    """Everything that happened to one parcel."""

    def __init__(self, entries: dict[Same, Entry], told: set[tuple[str, str]]) -> None:
        self.entries = entries
        self.told = told  # transitions: word and attempt
        self._ordered: list[Scan] | None = None

    def add(self, same: Same, position: int, scan: Scan) -> None:
        """Keep a scan; one that is known is only understood anew."""
        if before := self.entries.get(same):
            self._keep(same, before._replace(scan=replace(before.scan, meaning=scan.meaning)))
            return
        if scan.at.microsecond:  # as it is stored
            scan = replace(scan, at=scan.at.replace(microsecond=0))
        self._keep(same, Entry(same[1], position, _LAST + len(self.entries), scan))

    def place(self, same: Same, position: int) -> None:
        """Move a scan among those of its moment."""
        self._keep(same, self.entries[same]._replace(position=position))

    def scans(self) -> list[Scan]:
        """Oldest first, the carrier's own order where stamps are equal."""
        if self._ordered is None:
            ordered = sorted(self.entries.values(), key=lambda entry: entry[:3])
            self._ordered = [entry.scan for entry in ordered]
        return self._ordered

    def _keep(self, same: Same, entry: Entry) -> None:
        self.entries[same] = entry
        self._ordered = None


class Memory:
    """Rows of some parcels, as they are or are about to be in the database."""

    def __init__(self) -> None:
        self.parcels: dict[int, Row] = {}
        self.values: dict[int, Shipment] = {}  # made of those rows
        self.numbers: dict[int, list[str]] = {}
        self.orders: dict[int, Order] = {}
        self.completed: dict[int, str | None] = {}  # orders
        self.orders_of: dict[int, list[int]] = {}
        self.parcels_of: dict[int, list[int]] = {}  # of orders
        self.scans: dict[int, list[sqlite3.Row]] = {}
        self.told: dict[int, set[tuple[str, str]]] = {}
        self.messages: set[str] = set()  # ids of what was owed about these parcels and orders
        self.histories: dict[int, History] = {}
        self._changed: dict[int, Row] = {}
        self._waiting: dict[str, list[Values]] = {}

    def understood(self, shipment_id: int, carrier: str) -> dict[tuple[str, str], Told] | None:
        """How a carrier's scans are understood, by stamp and code; None where it is not known."""
        if made := self.histories.get(shipment_id):
            ours = ((same, e.scan) for same, e in made.entries.items() if same[0] == carrier)
            return {(at, code): (scan.status, scan.problem) for (_, at, code), scan in ours}
        found = self.scans.get(shipment_id)
        return None if found is None else understood(found, carrier)

    def forget(self) -> None:
        """Serve nothing any more; what was to be written is lost."""
        self.__init__()  # type: ignore[misc]  # as new

    # -- writing -------------------------------------------------------------

    def change(self, shipment_id: int, columns: Mapping[str, Any]) -> bool:
        """Keep new values of a parcel's columns; False where it is not known here."""
        row = self.parcels.get(shipment_id)
        if row is None:
            return False
        row.update(columns)
        self._changed.setdefault(shipment_id, {}).update(columns)
        if not columns.keys() <= _BESIDES:
            self.values.pop(shipment_id, None)
        return True

    def later(self, sql: str, values: Values) -> bool:
        """Keep a statement for later; False where nothing is known, so nothing waits."""
        if not self.parcels:
            return False
        self._waiting.setdefault(sql, []).append(values)
        return True

    @property
    def waits(self) -> bool:
        """Whether something is to be written."""
        return bool(self._waiting or self._changed)

    def settled(self) -> Iterator[tuple[str, Sequence[Values]]]:
        """What is to be written, like statements together in the order of their first ones.

        Messages come last, as they name the transitions that owe them.
        """
        waiting, changed = self._waiting, self._changed
        self._waiting, self._changed = {}, {}
        for sql in sorted(waiting, key=lambda sql: "INTO messages" in sql):
            yield sql, waiting[sql]
        alike: dict[Values, list[Values]] = {}
        for shipment_id, columns in changed.items():
            alike.setdefault(tuple(columns), []).append((*columns.values(), shipment_id))
        for names, values in alike.items():
            yield update(names), values


def understood(found: Iterable[sqlite3.Row], carrier: str) -> dict[tuple[str, str], Told]:
    """How a carrier's stored scans are understood, by stamp and code."""
    return {
        (row["at"], row["code"]): (row["status"], row["problem"])
        for row in found
        if row["carrier"] == carrier
    }


@cache
def update(names: Sequence[str]) -> str:
    """Write the statement that sets some columns of a shipment."""
    columns = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE shipments SET {columns} WHERE id = ?"  # noqa: S608  our own names


@cache
def passes_by(sql: str) -> bool:
    """Whether a statement changes what is remembered here by another way."""
    return _OURS.match(sql) is not None
