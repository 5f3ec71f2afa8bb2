"""What sources told before: whose a parcel or an order is, how long their lists are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta

from tracker_sync.lifecycle.doubts import Size
from tracker_sync.store.connection import Connection, stamp, unstamp

_KEPT = timedelta(days=14)
_WHO = "s.email, s.phone, s.external_id, s.source, s.consent"


class Announced:
    """What is known before a bundle is taken in."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def parcels(self, numbers: Collection[str], since: datetime) -> list[sqlite3.Row]:
        """The parcels known by these numbers that are open or closed after *since*, last leg last.

        `orders` holds their references, a JSON list.
        """
        return self._db.rows(
            f"SELECT n.number, s.brand, {_WHO}, (SELECT json_group_array(o.reference)"  # noqa: S608  a constant
            " FROM shipment_orders l JOIN orders o ON o.id = l.order_id"
            " WHERE l.shipment_id = s.id AND o.reference <> '') AS orders"
            " FROM json_each(?) told JOIN numbers n ON n.number = told.value"
            " JOIN shipments s ON s.id = n.shipment_id"
            " WHERE s.closed_at IS NULL OR s.closed_at > ? ORDER BY s.leg",
            *(json.dumps(list(numbers)), stamp(since)),
        )

    def orders(self, references: Collection[str], since: datetime) -> list[sqlite3.Row]:
        """Who gets the parcels of these orders, of those open or closed after *since*."""
        return self._db.rows(
            f"SELECT o.reference, {_WHO} FROM json_each(?) told"  # noqa: S608  a constant
            " JOIN orders o ON o.reference = told.value AND o.reference <> ''"
            " JOIN shipment_orders l ON l.order_id = o.id JOIN shipments s ON s.id = l.shipment_id"
            " WHERE (s.closed_at IS NULL OR s.closed_at > ?)"
            " AND (s.email <> '' OR s.phone <> '' OR s.external_id <> '')",
            *(json.dumps(list(references)), stamp(since)),
        )

    def unlisted(self, source: str, numbers: Collection[str]) -> list[sqlite3.Row]:
        """Parcels of a source that are under way and known by none of these numbers."""
        return self._db.rows(
            "SELECT id, number FROM shipments s WHERE source = ? AND closed_at IS NULL"
            " AND next_poll_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM numbers n"
            " WHERE n.shipment_id = s.id AND n.number IN (SELECT value FROM json_each(?)))"
            " ORDER BY id",
            *(source, json.dumps(list(numbers))),
        )

    def sizes(self, source: str) -> list[Size]:
        """How many rows its bundles of the last weeks had, oldest first."""
        found = self._db.rows("SELECT at, rows FROM sizes WHERE source = ? ORDER BY at, id", source)
        return [Size(unstamp(row["at"]), row["rows"]) for row in found]

    def size(self, source: str, rows: int, now: datetime) -> None:
        """Keep how many rows a bundle had, and forget what is some weeks old."""
        self._db.run(
            "INSERT INTO sizes (source, at, rows) VALUES (?, ?, ?)", source, stamp(now), rows
        )
        self._db.run("DELETE FROM sizes WHERE source = ? AND at < ?", *(source, stamp(now - _KEPT)))
