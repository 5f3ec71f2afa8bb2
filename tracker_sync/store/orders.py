"""Questions about orders: which parcel belongs to which, and when all have arrived."""

from __future__ import annotations

from datetime import datetime

from tracker_sync.messages.message import order_subject
from tracker_sync.model import Order
from tracker_sync.store import rows
from tracker_sync.store.connection import Connection, maybe_stamp, maybe_unstamp

_COMPLETE = "UPDATE orders SET completed_at = ? WHERE id = ?"


class Orders:
    """Orders, many to many with shipments."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, order_id: int) -> Order:
        """One order; KeyError if there is none."""
        row = self._db.row("SELECT * FROM orders WHERE id = ?", order_id)
        if row is None:
            raise KeyError(order_id)
        return rows.order(row)

    def find(self, reference: str) -> Order | None:
        """The order with that reference."""
        row = self._db.row(
            # The second condition is what lets SQLite use the index.
            "SELECT * FROM orders WHERE reference = ? AND reference <> ''",
            reference,
        )
        return rows.order(row) if row else None

    def add(self, reference: str, subject: str = "") -> Order:
        """Add an order; one without reference takes the parcel's subject."""
        cursor = self._db.run(
            "INSERT INTO orders (reference, subject) VALUES (?, ?)",
            reference,
            subject or order_subject(reference),
        )
        return self.get(int(cursor.lastrowid or 0))

    def name(self, order_id: int, reference: str) -> None:
        """Give an order the reference that arrived later; its subject, so its ids, stay."""
        self._db.run("UPDATE orders SET reference = ? WHERE id = ?", reference, order_id)

    def describe(self, order_id: int, *, shop_id: str, parcel_count: int | None) -> None:
        """Keep what a source says about the order; blank erases nothing."""
        self._db.run(
            "UPDATE orders SET order_id = CASE WHEN ? <> '' THEN ? ELSE order_id END,"
            " parcel_count = CASE WHEN ? IS NULL THEN parcel_count"
            " ELSE max(coalesce(parcel_count, 0), ?) END WHERE id = ?",
            shop_id,
            shop_id,
            parcel_count,
            parcel_count,
            order_id,
        )

    def link(self, shipment_id: int, order_id: int) -> bool:
        """Say that a parcel holds goods of an order; whether that is news."""
        cursor = self._db.run(
            "INSERT OR IGNORE INTO shipment_orders VALUES (?, ?)", shipment_id, order_id
        )
        return cursor.rowcount == 1

    def dissolve(self, old_id: int, into_id: int) -> None:
        """Move the parcels of a nameless order to the order they turned out to belong to."""
        self._db.run(
            "INSERT OR IGNORE INTO shipment_orders SELECT shipment_id, ? FROM shipment_orders"
            " WHERE order_id = ?",
            into_id,
            old_id,
        )
        self._db.run("UPDATE messages SET order_id = ? WHERE order_id = ?", into_id, old_id)
        self._db.run("DELETE FROM orders WHERE id = ?", old_id)

    def completed_at(self, order_id: int) -> datetime | None:
        """When the last parcel arrived, as last recorded; None while incomplete."""
        known = self._db.memory.completed
        if order_id in known:
            return maybe_unstamp(known[order_id])
        text = self._db.value("SELECT completed_at FROM orders WHERE id = ?", order_id)
        return maybe_unstamp(text)

    def complete(self, order_id: int, at: datetime | None) -> None:
        """Keep when the last parcel arrived; None = something is still to come."""
        self._db.later(_COMPLETE, maybe_stamp(at), order_id)
        if order_id in self._db.memory.completed:
            self._db.memory.completed[order_id] = maybe_stamp(at)
