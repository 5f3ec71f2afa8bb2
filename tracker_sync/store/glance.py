"""What an operator wants to see at a glance: few questions, each answered from an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from tracker_sync.store.connection import Connection, stamp

_NEAR = 6  # characters two numbers have in common at their end, as logs show it
_ALIKE = 10  # … or at their start


class Glance:
    """Looks at everything and changes nothing."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # -- the shop --------------------------------------------------------------

    def open_shipments(self) -> list[sqlite3.Row]:
        """Open shipments by brand and status: how many, and how many have a problem."""
        return self._db.rows(
            "SELECT brand, status, count(*) AS count, sum(problems <> '') AS troubled"
            " FROM shipments INDEXED BY shipments_standing WHERE closed_at IS NULL"
            " GROUP BY brand, status"
        )

    def outbox(self, now: datetime) -> list[sqlite3.Row]:
        """Messages owed, by kind, by the reason they wait for, and by whether they are due.

        `owed_at` is when they could go at the earliest, `tried_at` when they were first tried.
        """
        return self._db.rows(
            "SELECT kind, reason, due_at <= ? AS due, count(*) AS count,"
            " min(occurred_at) AS oldest, min(due_at) AS due_at, min(attempted_at) AS tried_at,"
            " min(max(created_at, occurred_at)) AS owed_at"
            " FROM messages INDEXED BY messages_owed WHERE state = 'owed'"
            " GROUP BY kind, reason, due ORDER BY kind, reason, due",
            stamp(now),
        )

    def set_aside(self) -> sqlite3.Row | None:
        """How many messages Klaviyo refused, and since when the oldest waits for a person."""
        return self._db.row(
            "SELECT count(*) AS count, min(decided_at) AS oldest FROM messages"
            " INDEXED BY messages_set_aside WHERE state = 'set_aside'"
        )

    def messages(self, start: str) -> list[sqlite3.Row]:
        """Every message whose id begins with *start*."""
        return self._db.rows(
            "SELECT * FROM messages WHERE id >= ?1 AND id < ?1 || char(1114111)", start
        )

    def carriers(self) -> dict[str, sqlite3.Row]:
        """How each carrier that was ever asked does; never its token."""
        found = self._db.rows(
            "SELECT carrier, answered_at, failed_at, failure, throttled, blocked_until,"
            " quota_left, quota_at FROM carriers"
        )
        return {row["carrier"]: row for row in found}

    def used(self, days: Mapping[str, str]) -> dict[str, int]:
        """Calls reserved by each account on its own day."""
        if not days:
            return {}
        pairs = [value for pair in days.items() for value in pair]
        marks = ", ".join("(?, ?)" for _ in days)
        found = self._db.rows(
            f"SELECT account, used FROM budgets WHERE (account, day) IN (VALUES {marks})",  # noqa: S608
            *pairs,
        )
        return dict.fromkeys(days, 0) | {row["account"]: row["used"] for row in found}

    def sources(self) -> list[sqlite3.Row]:
        """Since when each source is known, how many bundles it gave, and when the last one."""
        return self._db.rows(
            "SELECT name, at AS since, (SELECT max(t.at) FROM taken t WHERE t.source = a.name)"
            " AS taken_at, (SELECT count(*) FROM taken t WHERE t.source = a.name) AS bundles"
            " FROM activations a WHERE what = 'source' ORDER BY name"
        )

    def last_pass(self) -> sqlite3.Row | None:
        """The newest pass, running or dead ones included."""
        return self._db.row("SELECT * FROM passes ORDER BY id DESC LIMIT 1")

    def last_good_pass(self) -> sqlite3.Row | None:
        """The newest pass that came to its end."""
        return self._db.row(
            "SELECT * FROM passes WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1"
        )

    # -- one parcel ------------------------------------------------------------

    def parcel(self, shipment_id: int) -> sqlite3.Row | None:
        """What the database keeps about a parcel besides the shipment itself."""
        return self._db.row(
            "SELECT source, carrier, unknown_to, failures, calls_day, calls_made, next_poll_at,"
            " watch_at FROM shipments WHERE id = ?",
            shipment_id,
        )

    def scans(self, shipment_id: int) -> list[sqlite3.Row]:
        """Who gave each scan and when it was first seen, in the order of the history."""
        return self._db.rows(
            "SELECT carrier, seen_at FROM scans WHERE shipment_id = ? ORDER BY at, position, id",
            shipment_id,
        )

    def transitions(self, shipment_id: int) -> list[sqlite3.Row]:
        """What was recorded as news, in the order it was recorded."""
        return self._db.rows(
            "SELECT * FROM transitions WHERE shipment_id = ? ORDER BY recorded_at, at, id",
            shipment_id,
        )

    def near(self, number: str, limit: int) -> list[sqlite3.Row]:
        """Known numbers that end or begin like *number*."""
        return self._db.rows(
            "SELECT DISTINCT brand, number FROM numbers"
            " WHERE substr(number, ?) = ? OR substr(number, 1, ?) = ? ORDER BY number LIMIT ?",
            -_NEAR,
            number[-_NEAR:],
            _ALIKE,
            number[:_ALIKE],
            limit,
        )
