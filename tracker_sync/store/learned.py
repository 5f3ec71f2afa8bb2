"""What the planner remembers: when news comes, what accounts need, how many parcels there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from tracker_sync.store.connection import Connection, maybe_unstamp, stamp, unstamp

_COUNT_EVERY = timedelta(hours=1)
_PAGE = 500

Row = tuple[str, str, str]  # carrier, cell, value


class Learned:
    """Rows the planner reads and writes; what they mean is its own affair."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def rows(self, carrier: str) -> list[Row]:
        """Everything learned about a brand, or of an account."""
        found = self._db.rows("SELECT * FROM learned WHERE carrier = ?", carrier)
        return [tuple(row) for row in found]

    def keep(self, rows: Sequence[Row]) -> None:
        """Write cells that changed."""
        self._db.run_many(
            "INSERT INTO learned VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            rows,
        )

    def forget(self) -> None:
        """Forget what parcels taught; every history is to be learned from anew."""
        self._db.run("DELETE FROM learned WHERE cell NOT LIKE 'need/%'")
        self._db.run("UPDATE shipments SET learned_until = NULL WHERE learned_until IS NOT NULL")

    def until(self, shipment_id: int) -> datetime | None:
        """Up to when a parcel's history was learned from."""
        known = self._db.memory.parcels.get(shipment_id)
        if known is not None:
            return maybe_unstamp(known["learned_until"])
        return maybe_unstamp(
            self._db.value("SELECT learned_until FROM shipments WHERE id = ?", shipment_id)
        )

    def learned(self, until: Mapping[int, datetime]) -> None:
        """Histories of parcels were learned from, each up to a moment."""
        self._db.run_many(
            "UPDATE shipments SET learned_until = ? WHERE id = ?",
            [(stamp(moment), shipment_id) for shipment_id, moment in until.items()],
        )

    def scanned(self) -> Iterator[int]:
        """Every parcel with a history, oldest first."""
        last = 0
        while found := self._page(last):
            yield from (row["id"] for row in found)
            last = found[-1]["id"]

    def _page(self, last: int) -> list[sqlite3.Row]:
        return self._db.rows(
            "SELECT id FROM shipments WHERE id > ? AND first_scan_at IS NOT NULL"
            " ORDER BY id LIMIT ?",
            *(last, _PAGE),
        )

    def counted(self, carrier: str, now: datetime) -> int | None:
        """Open parcels of a carrier as counted last; None where that is over an hour ago."""
        row = self._db.row("SELECT parcels, parcels_at FROM carriers WHERE carrier = ?", carrier)
        if row and row["parcels_at"] and now - unstamp(row["parcels_at"]) < _COUNT_EVERY:
            return int(row["parcels"])
        return None

    def count(self, brands: Iterable[str]) -> int:
        """Count the open parcels of some brands."""
        return sum(self._open(brand) for brand in brands)

    def keep_count(self, carrier: str, count: int, now: datetime) -> None:
        """Remember how many open parcels a carrier has."""
        self._db.run(
            "INSERT INTO carriers (carrier, parcels, parcels_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET parcels = excluded.parcels,"
            " parcels_at = excluded.parcels_at",
            *(carrier, count, stamp(now)),
        )

    def _open(self, brand: str) -> int:
        return int(
            self._db.value(
                "SELECT count(*) FROM shipments INDEXED BY shipments_due"
                " WHERE brand = ? AND next_poll_at IS NOT NULL",
                brand,
            )
        )
