"""Calls reserved before they are made, tokens, activations, and how each carrier does."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from tracker_sync.store.connection import Connection, maybe_unstamp, stamp, unstamp
from tracker_sync.store.journal import Journal


class Ledger:
    """What carriers cost and how they do."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._book = Journal(connection)

    def reserve(
        self,
        account: str,
        day: str,
        wanted: int,
        per_day: int | None,
        *,
        also: Collection[str] = (),
    ) -> int:
        """Reserve up to *wanted* calls of *day*; return how many were granted.

        *also*: further days a call may be counted on; it needs room in each and is charged to each.
        """
        days = (day, *also)
        with self._durable(limited=per_day is not None), self._db.transaction():
            used = max(self.used(account, each) for each in days)
            granted = max(0, wanted if per_day is None else min(wanted, per_day - used))
            for each in days if granted else ():
                self._charge(account, each, granted)
        return granted

    def _charge(self, account: str, day: str, calls: int) -> None:
        self._db.run(
            "INSERT INTO budgets VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET used = used + excluded.used",
            *(account, day, calls),
        )

    @contextmanager
    def _durable(self, *, limited: bool) -> Iterator[None]:
        """Let calls that are limited outlast a power cut, too: they are on the disk before any."""
        if not limited or self._db.raw.in_transaction:
            yield
            return
        self._db.run("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.run("PRAGMA synchronous = NORMAL")

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

    def used_up(self, account: str, day: str, made: int, per_day: int | None) -> None:
        """The carrier says that the calls of *day* are used up, after so many of ours.

        Nothing it says makes us believe that there are more calls left than we counted.
        """
        with self._db.transaction():
            self._db.run(
                "INSERT INTO budgets VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET used = max(used, excluded.used)",
                *(account, day, per_day or made),
            )
            if per_day is None or made < per_day:
                self._book.note(f"gave {account}", f"{day} {made}")
            # The first call of a new day is no "again".
            self._db.run("UPDATE carriers SET throttled = 1 WHERE carrier = ?", account)

    def gave(self, account: str, since: str) -> int | None:
        """Calls after which the carrier stopped us; None: not since that day, or disproved."""
        day, _, made = self._book.noted(f"gave {account}").partition(" ")
        if not day or day < since:
            return None
        later = "SELECT max(used) FROM budgets WHERE account = ? AND day > ?"
        return None if (self._db.value(later, account, day) or 0) > int(made) else int(made)

    def turn(self, account: str, ticks: float, gap: float) -> float:
        """Take the next turn of a slow carrier; return 0, or the seconds until it comes.

        *ticks*: the machine's monotonic clock, which its processes share. It starts anew with the
        machine, so a turn further off than *gap* is one from before.
        """
        with self._db.transaction():
            wait = float(self._book.noted(f"turn {account}") or 0) - ticks
            if 0 < wait <= gap:
                return wait
            self._book.note(f"turn {account}", f"{ticks + gap:.3f}")
        return 0.0

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
