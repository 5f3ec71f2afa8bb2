"""Questions about shipments."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from tracker_sync.model import Order, Shipment
from tracker_sync.store import rows
from tracker_sync.store.connection import Connection, stamp
from tracker_sync.store.histories import Histories
from tracker_sync.store.memory import Row
from tracker_sync.store.recall import recall

_SELECT = """
    SELECT s.*, (SELECT min(a.at) FROM activations a
                 WHERE a.what = 'carrier' AND a.brand = s.brand) AS brand_from
    FROM shipments s
"""


class Shipments(Histories):
    """The parcels and what is known of each."""

    def __init__(self, connection: Connection, zones: Mapping[str, str]) -> None:
        super().__init__(connection)
        self._zones = zones

    # -- reading -------------------------------------------------------------

    def get(self, shipment_id: int) -> Shipment:
        """One shipment; KeyError if there is none."""
        memory = self._db.memory
        if shipment_id in memory.values:
            return memory.values[shipment_id]
        if known := memory.parcels.get(shipment_id):
            made = memory.values[shipment_id] = self._shipment(known)
            return made
        row = self._db.row(_SELECT + "WHERE s.id = ?", shipment_id)
        if row is None:
            raise KeyError(shipment_id)
        return self._shipment(row)

    def remember(self, shipment_ids: Collection[int], *, histories: Collection[int]) -> None:
        """Read some parcels at once, and the *histories* of a few: questions are free then."""
        recall(self._db, _SELECT, shipment_ids, histories=histories)

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
        known = self._db.memory.parcels_of.get(order_id)
        if known is not None:
            return tuple(map(self.get, known))
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
        self._db.change(shipment_id, columns)

    # -- making values -------------------------------------------------------

    def _shipment(self, row: sqlite3.Row | Row) -> Shipment:
        return rows.shipment(
            row,
            zone=self._zones.get(row["brand"], "UTC"),
            numbers=self._numbers(row["id"]),
            orders=self._orders(row["id"]),
        )

    def _numbers(self, shipment_id: int) -> list[str]:
        known = self._db.memory.numbers.get(shipment_id)
        if known is not None:
            return known
        found = self._db.rows(
            "SELECT number FROM numbers WHERE shipment_id = ? ORDER BY number", shipment_id
        )
        return [row["number"] for row in found]

    def _orders(self, shipment_id: int) -> Iterable[Order]:
        memory = self._db.memory
        if shipment_id in memory.orders_of:
            return [memory.orders[order_id] for order_id in memory.orders_of[shipment_id]]
        found = self._db.rows(
            "SELECT o.* FROM orders o JOIN shipment_orders s ON s.order_id = o.id "
            "WHERE s.shipment_id = ? ORDER BY o.id",
            shipment_id,
        )
        return map(rows.order, found)
