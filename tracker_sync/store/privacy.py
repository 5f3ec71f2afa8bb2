"""Forgetting: keyed hashes instead of people, retention, erasure."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from tracker_sync.model import Recipient
from tracker_sync.store.connection import Connection, stamp

_BLANK = "email = '', phone = '', external_id = '', consent = NULL"


class Privacy:
    """Everything about people that must end."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def hash(self, text: str) -> str:
        """A keyed hash: the same text gives the same hash in this database only."""
        return hmac.new(self._db.salt, text.casefold().encode(), hashlib.sha256).hexdigest()

    def recipient_key(self, recipient: Recipient) -> str:
        """The hash of whatever identifies a recipient."""
        return self.hash(recipient.email or recipient.phone or f"id:{recipient.external_id}")

    def is_erased(self, recipient: Recipient) -> bool:
        """Whether this person asked to be forgotten."""
        known = [value for value in (recipient.email, recipient.phone) if value]
        return any(
            self._db.value("SELECT 1 FROM erased WHERE hash = ?", self.hash(value))
            for value in known
        )

    def is_purged(self, brand: str, number: str) -> bool:
        """Whether this number was purged, so its rows are ignored; not while a later leg lives."""
        found = self._db.value(
            "SELECT 1 FROM purged WHERE hash = ?"
            " AND NOT EXISTS (SELECT 1 FROM numbers WHERE brand = ? AND number = ?)",
            *(self.hash(f"{brand}{number}"), brand, number),
        )
        return bool(found)

    def forget(self, address: str, now: datetime) -> dict[str, int]:
        """Erase a person by e-mail address or phone number; count what was touched."""
        address = address.strip().lower()  # NOCASE below knows the letters A to Z only
        column = "email" if "@" in address else "phone"
        with self._db.transaction():
            self._db.run(
                "INSERT OR IGNORE INTO erased VALUES (?, ?)", self.hash(address), stamp(now)
            )
            ids = self._db.rows(
                f"SELECT id FROM shipments WHERE {column} = ? COLLATE NOCASE",  # noqa: S608
                address,
            )
            for row in ids:
                self._db.run(
                    f"UPDATE shipments SET {_BLANK}, items = '[]', properties = '{{}}',"  # noqa: S608
                    " order_url = '', pickup = NULL WHERE id = ?",
                    row["id"],
                )
                self._db.run(
                    "UPDATE messages SET state = 'withheld', reason = 'forgotten', decided_at = ?"
                    " WHERE shipment_id = ? AND state = 'owed' AND attempts = 0",
                    *(stamp(now), row["id"]),
                )
            messages = self._forget_messages(address, now)
            self._db.run(
                "DELETE FROM waiting WHERE ?1 IN (lower(json_extract(advice,"
                " '$.recipient.email')), json_extract(advice, '$.recipient.phone'))",
                address,
            )
        self._db.checkpoint()
        return {"shipments": len(ids), "messages": messages}

    def _forget_messages(self, address: str, now: datetime) -> int:
        """Blank the bodies; what is still owed to nobody is withheld."""
        key = self.hash(address)
        self._db.run(
            "UPDATE messages SET state = 'withheld', reason = 'forgotten', decided_at = ?"
            " WHERE recipient = ? AND state IN ('owed', 'set_aside')",
            stamp(now),
            key,
        )
        return self._db.run("UPDATE messages SET body = NULL WHERE recipient = ?", key).rowcount

    def expire_recipients(self, before: datetime) -> int:
        """Blank who was told, for shipments closed before that moment, and accepted bodies."""
        count = self._db.run(
            f"UPDATE shipments INDEXED BY shipments_told SET {_BLANK}"  # noqa: S608  a constant
            " WHERE closed_at < ? AND (email <> '' OR phone <> '' OR external_id <> '')",
            stamp(before),
        ).rowcount
        self._db.run("DELETE FROM waiting WHERE since < ?", stamp(before))
        self._db.run(
            "UPDATE messages INDEXED BY messages_told SET body = NULL"
            " WHERE body IS NOT NULL AND state <> 'owed' AND decided_at < ?",
            stamp(before),
        )
        return count

    def purge_shipments(self, before: datetime, now: datetime, limit: int) -> int:
        """Delete shipments closed before that moment; a keyed hash of their numbers stays."""
        old = self._db.rows(
            "SELECT id FROM shipments WHERE closed_at < ? LIMIT ?", stamp(before), limit
        )
        for row in old:
            for number in self._db.rows(
                "SELECT brand, number FROM numbers WHERE shipment_id = ?", row["id"]
            ):
                digest = self.hash(f"{number['brand']}{number['number']}")
                self._db.run("INSERT OR IGNORE INTO purged VALUES (?, ?)", digest, stamp(now))
            self._delete(row["id"])
        return len(old)

    def _delete(self, shipment_id: int) -> None:
        """Delete a parcel, its messages, and the orders that have no other parcel."""
        orders = self._db.rows(
            "SELECT order_id FROM shipment_orders WHERE shipment_id = ?", shipment_id
        )
        self._db.run("DELETE FROM messages WHERE shipment_id = ?", shipment_id)
        self._db.run("DELETE FROM shipments WHERE id = ?", shipment_id)
        for order in orders:
            self._db.run(
                "DELETE FROM orders WHERE id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM shipment_orders WHERE order_id = ?1)",
                order["order_id"],
            )
