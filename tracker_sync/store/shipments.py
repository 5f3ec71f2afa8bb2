"""Questions about shipments, their scans and their transitions."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tracker_sync.model import Order, Problem, Scan, Shipment, Transition
from tracker_sync.store import rows
from tracker_sync.store.connection import Connection, stamp, unstamp

_SELECT = """
    SELECT s.*, (SELECT min(a.at) FROM activations a
                 WHERE a.what = 'carrier' AND a.brand = s.brand) AS brand_from
    FROM shipments s
"""


class Shipments:
    """The parcels and what is known of each."""

    def __init__(self, connection: Connection, zones: Mapping[str, str]) -> None:
        self._db = connection
        self._zones = zones

    # -- reading -------------------------------------------------------------

    def get(self, shipment_id: int) -> Shipment:
        """One shipment; KeyError if there is none."""
        row = self._db.row(_SELECT + "WHERE s.id = ?", shipment_id)
        if row is None:
            raise KeyError(shipment_id)
        return self._shipment(row)

    def find(self, brand: str, number: str) -> Shipment | None:
        """The latest leg known by that number."""
        row = self._db.row(
            _SELECT + "JOIN numbers n ON n.shipment_id = s.id "
            "WHERE n.brand = ? AND n.number = ? ORDER BY s.leg DESC LIMIT 1",
            brand,
            number,
        )
        return self._shipment(row) if row else None

    def by_number(self, number: str) -> list[Shipment]:
        """Every shipment of any brand known by that number."""
        found = self._db.rows(
            _SELECT + "JOIN numbers n ON n.shipment_id = s.id WHERE n.number = ? ORDER BY s.id",
            number,
        )
        return [self._shipment(row) for row in found]

    def of_order(self, order_id: int) -> tuple[Shipment, ...]:
        """The parcels of an order, in the order they were announced."""
        found = self._db.rows(
            _SELECT + "JOIN shipment_orders o ON o.shipment_id = s.id "
            "WHERE o.order_id = ? ORDER BY s.id",
            order_id,
        )
        return tuple(map(self._shipment, found))

    def source(self, shipment_id: int) -> str:
        """The name of the source that gave it first."""
        return str(self._db.value("SELECT source FROM shipments WHERE id = ?", shipment_id))

    def filled(self, shipment_id: int, column: str) -> bool:
        """Whether a fact of the feed is known already."""
        sql = f"SELECT {column} FROM shipments WHERE id = ?"  # noqa: S608  our own names
        value = self._db.value(sql, shipment_id)
        return value not in (None, "", "[]", "{}")

    def watched(self, now: datetime, limit: int) -> list[int]:
        """Shipments for which the passing of time alone changes something now."""
        found = self._db.rows(
            "SELECT id FROM shipments WHERE watch_at <= ? ORDER BY watch_at LIMIT ?",
            stamp(now),
            limit,
        )
        return [row["id"] for row in found]

    def scans(self, shipment_id: int) -> list[Scan]:
        """The stored history, oldest first, the carrier's own order where stamps are equal."""
        found = self._db.rows(
            "SELECT * FROM scans WHERE shipment_id = ? ORDER BY at, position, id", shipment_id
        )
        return list(map(rows.scan, found))

    def told(self, shipment_id: int) -> set[tuple[str, str]]:
        """The keys of the transitions already recorded."""
        found = self._db.rows(
            "SELECT word, attempt FROM transitions WHERE shipment_id = ?", shipment_id
        )
        return {(row["word"], row["attempt"]) for row in found}

    def opened_at(self, shipment_id: int, problem: Problem) -> datetime | None:
        """When a problem opened last; None where it never did."""
        text = self._db.value(
            "SELECT max(at) FROM transitions WHERE shipment_id = ? AND word = ?",
            *(shipment_id, problem),
        )
        return unstamp(text) if text else None

    def transition(self, row_id: int | None) -> sqlite3.Row | None:
        """One recorded transition."""
        return self._db.row("SELECT * FROM transitions WHERE id = ?", row_id)

    # -- writing -------------------------------------------------------------

    def insert(self, columns: Mapping[str, Any]) -> int:
        """Add a shipment row and its number; return the new id."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        cursor = self._db.run(
            f"INSERT INTO shipments ({names}) VALUES ({marks})",  # noqa: S608  our own names
            *columns.values(),
        )
        shipment_id = int(cursor.lastrowid or 0)
        self.add_number(shipment_id, columns["brand"], columns["number"])
        return shipment_id

    def rest(self, order_id: int) -> None:
        """Ask no more about the delivered parcels of an order: nothing waits for it."""
        self._db.run(
            "UPDATE shipments SET next_poll_at = NULL WHERE status = 'delivered' AND id IN"
            " (SELECT shipment_id FROM shipment_orders WHERE order_id = ?)",
            order_id,
        )

    def add_number(self, shipment_id: int, brand: str, number: str) -> None:
        """Let a shipment be known by a further number."""
        self._db.run("INSERT OR IGNORE INTO numbers VALUES (?, ?, ?)", brand, number, shipment_id)

    def update(self, shipment_id: int, columns: Mapping[str, Any]) -> None:
        """Overwrite some columns of a shipment."""
        if not columns:
            return
        names = ", ".join(f"{name} = ?" for name in columns)
        self._db.run(
            f"UPDATE shipments SET {names} WHERE id = ?",  # noqa: S608  our own names
            *columns.values(),
            shipment_id,
        )

    def add_scans(
        self,
        shipment_id: int,
        carrier: str,
        scans: Sequence[Scan],
        now: datetime,
        *,
        settled: Collection[str] = (),
    ) -> list[Scan]:
        """Keep the scans not seen before, or explained anew; return those.

        A stored scan with a *settled* code stays as it was understood.
        """
        whose, placed = (shipment_id, carrier), list(enumerate(scans))
        stored = self._stored(shipment_id, carrier)
        new = [(i, s) for i, s in placed if rows.differs(s, stored.get((stamp(s.at), s.code)))]
        fresh = [
            s
            for i, s in new
            if self._add_scan(whose, rows.scan_values(s, i), now, settled=s.code in settled)
        ]
        moments = {scan.at for scan in fresh}
        for position, scan in placed:  # what shares a stamp with a new one is put in its place
            if scan.at in moments:
                self._db.run(
                    "UPDATE scans SET position = ?"
                    " WHERE shipment_id = ? AND carrier = ? AND at = ? AND code = ?",
                    *(position, *whose, stamp(scan.at), scan.code),
                )
        return fresh

    def _stored(self, shipment_id: int, carrier: str) -> dict[tuple[str, str], sqlite3.Row]:
        found = self._db.rows(
            "SELECT at, code, status, problem FROM scans WHERE shipment_id = ? AND carrier = ?",
            *(shipment_id, carrier),
        )
        return {(row["at"], row["code"]): row for row in found}

    def _add_scan(
        self, whose: tuple[int, str], values: tuple[Any, ...], now: datetime, *, settled: bool
    ) -> bool:
        cursor = self._db.run(
            "INSERT INTO scans (shipment_id, carrier, at, position, origin, code, listed,"
            " status, problem, detail, revokes, text, place, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            # The carrier may explain an entry later ("delivered" was the return): then it is
            # understood anew. What it no longer explains stays as it was understood.
            " ON CONFLICT DO UPDATE SET listed = 1, status = excluded.status,"
            " problem = excluded.problem, detail = excluded.detail, revokes = excluded.revokes"
            " WHERE NOT ? AND excluded.listed AND excluded.status IS NOT NULL"
            " AND (status, problem) IS NOT (excluded.status, excluded.problem)"
            " RETURNING id",
            *whose,
            *values,
            stamp(now),
            settled,
        )
        return cursor.fetchone() is not None

    def add_transition(
        self, shipment_id: int, transition: Transition, now: datetime
    ) -> tuple[int, int]:
        """Record a transition; return its row id and its ordinal among those of the same word."""
        ordinal = 1 + self._db.value(
            "SELECT count(*) FROM transitions WHERE shipment_id = ? AND word = ?",
            shipment_id,
            transition.word,
        )
        cursor = self._db.run(
            "INSERT INTO transitions (shipment_id, word, attempt, ordinal, at, detail, previous,"
            " recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            shipment_id,
            transition.word,
            transition.attempt,
            ordinal,
            stamp(transition.at),
            transition.detail,
            transition.previous,
            stamp(now),
        )
        return int(cursor.lastrowid or 0), ordinal

    # -- making values -------------------------------------------------------

    def _shipment(self, row: sqlite3.Row) -> Shipment:
        numbers = self._db.rows(
            "SELECT number FROM numbers WHERE shipment_id = ? ORDER BY number", row["id"]
        )
        return rows.shipment(
            row,
            zone=self._zones.get(row["brand"], "UTC"),
            numbers=[number["number"] for number in numbers],
            orders=self._orders(row["id"]),
        )

    def _orders(self, shipment_id: int) -> Iterable[Order]:
        found = self._db.rows(
            "SELECT o.* FROM orders o JOIN shipment_orders s ON s.order_id = o.id "
            "WHERE s.shipment_id = ? ORDER BY o.id",
            shipment_id,
        )
        return map(rows.order, found)
