"""Calls reserved before they are made, tokens, activations, and how each carrier does."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from tracker_sync.store.connection import Connection, maybe_unstamp, stamp, unstamp


class Ledger:
    """What carriers cost and how they do."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def reserve(self, account: str, day: str, wanted: int, per_day: int | None) -> int:
        """Reserve up to *wanted* calls of *day*; return how many were granted."""
        with self._db.transaction():
            left = wanted if per_day is None else per_day - self.used(account, day)
            granted = max(0, min(wanted, left))
            if granted:
                self._db.run(
                    "INSERT INTO budgets VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET used = used + excluded.used",
                    account,
                    day,
                    granted,
                )
        return granted

    def give_back(self, account: str, day: str, unused: int) -> None:
        """Return calls that were reserved and certainly not made."""
        self._db.run(
            "UPDATE budgets SET used = max(0, used - ?) WHERE account = ? AND day = ?",
            *(unused, account, day),
        )

    def used(self, account: str, day: str) -> int:
        """Calls reserved on that day."""
        return int(
            self._db.value("SELECT used FROM budgets WHERE account = ? AND day = ?", account, day)
            or 0
        )

    def activate(self, what: str, name: str, now: datetime, *, brand: str = "") -> datetime:
        """The moment a source or carrier was first used; sets it the first time."""
        self._db.run(
            "INSERT OR IGNORE INTO activations VALUES (?, ?, ?, ?)", what, name, brand, stamp(now)
        )
        return unstamp(
            self._db.value("SELECT at FROM activations WHERE what = ? AND name = ?", what, name)
        )

    def carrier(self, key: str) -> sqlite3.Row:
        """How a carrier does; a fresh row if it was never asked."""
        self._db.run("INSERT OR IGNORE INTO carriers (carrier) VALUES (?)", key)
        row = self._db.row("SELECT * FROM carriers WHERE carrier = ?", key)
        if row is None:
            raise KeyError(key)
        return row

    def blocked_until(self, key: str) -> datetime | None:
        """Until when a carrier must not be asked."""
        return maybe_unstamp(self.carrier(key)["blocked_until"])

    def answered(self, key: str, now: datetime) -> None:
        """A good answer came."""
        self.carrier(key)
        self._db.run(
            "UPDATE carriers SET answered_at = ?, throttled = 0, failure = '' WHERE carrier = ?",
            stamp(now),
            key,
        )

    def failed(self, key: str, failure: str, now: datetime) -> None:
        """A call failed."""
        self.carrier(key)
        self._db.run(
            "UPDATE carriers SET failed_at = ?, failure = ? WHERE carrier = ?",
            stamp(now),
            failure,
            key,
        )

    def throttled(self, key: str) -> int:
        """Count one more 429 in a row; return how many."""
        self.carrier(key)
        self._db.run("UPDATE carriers SET throttled = throttled + 1 WHERE carrier = ?", key)
        return int(self.carrier(key)["throttled"])

    def block(self, key: str, until: datetime | None) -> None:
        """Do not ask a carrier before *until*; None lifts it."""
        self.carrier(key)
        self._db.run(
            "UPDATE carriers SET blocked_until = ? WHERE carrier = ?",
            stamp(until) if until else None,
            key,
        )

    def token(self, key: str, now: datetime) -> str | None:
        """The cached token, unless it ran out."""
        row = self.carrier(key)
        good = row["token"] and row["token_until"] and unstamp(row["token_until"]) > now
        return row["token"] if good else None

    def keep_token(self, key: str, token: str | None, until: datetime) -> None:
        """Cache a token, or forget it."""
        self.carrier(key)
        self._db.run(
            "UPDATE carriers SET token = ?, token_until = ? WHERE carrier = ?",
            token,
            stamp(until),
            key,
        )

    def feed_at(self, key: str) -> datetime | None:
        """Up to when the changes of the whole account are known; None: the feed is not read."""
        return maybe_unstamp(self.carrier(key)["feed_at"])

    def feed_read(self, key: str, until: datetime) -> None:
        """The changes of the whole account are known up to *until*."""
        self.carrier(key)
        self._db.run("UPDATE carriers SET feed_at = ? WHERE carrier = ?", stamp(until), key)

    def quota(self, key: str) -> tuple[int | None, datetime | None]:
        """Registrations left, and when that was told."""
        row = self.carrier(key)
        return row["quota_left"], maybe_unstamp(row["quota_at"])

    def keep_quota(self, key: str, left: int, now: datetime) -> None:
        """Remember how many registrations are left."""
        self.carrier(key)
        self._db.run(
            "UPDATE carriers SET quota_left = ?, quota_at = ? WHERE carrier = ?",
            *(left, stamp(now), key),
        )
