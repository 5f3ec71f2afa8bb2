"""Open the database file, keep it ours, and run transactions that hold the write lock."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from tracker_sync.errors import StoreError
from tracker_sync.model import utc
from tracker_sync.schema import APPLICATION_ID, SCRIPTS, migrations
from tracker_sync.store.file import (
    explained,
    harden,
    inspected,
    log_of,
    made,
    migrated,
    refuse_newer,
)
from tracker_sync.store.memory import Memory, passes_by, update

_STARTS = 20  # tries to switch a new file to its log while others start on it


@lru_cache(4096)
def stamp(moment: datetime) -> str:
    """The one spelling of time in the database; sorts as text."""
    return utc(moment).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


@lru_cache(4096)
def unstamp(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


def maybe_stamp(moment: datetime | None) -> str | None:
    """`stamp`, where there may be nothing to spell."""
    return stamp(moment) if moment else None


def maybe_unstamp(text: str | None) -> datetime | None:
    """`unstamp`, where the column may be NULL."""
    return unstamp(text) if text else None


class Connection:
    """One connection to one database file; bound to the thread that opened it."""

    def __init__(self, path: Path, *, shop: str, patience: float = 5.0) -> None:
        """*patience*: seconds to wait for another program that writes just now."""
        self.path = path
        self.memory = Memory()
        with explained(path):
            current = inspected(path) == {*SCRIPTS}
            fresh = made(path)
            self.raw = sqlite3.connect(path, timeout=patience, isolation_level=None)
            try:
                self.raw.row_factory = sqlite3.Row
                self._prepare(fresh=fresh, current=current)
                self.salt = self._own(shop)
            except BaseException:
                self.raw.close()
                raise

    def _prepare(self, *, fresh: bool, current: bool) -> None:
        if fresh:
            self.raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._keep_log()
        self.raw.execute("PRAGMA synchronous = NORMAL")
        self.raw.execute("PRAGMA foreign_keys = ON")
        self.raw.execute("PRAGMA secure_delete = ON")
        if not current:
            self._migrate()

    def _migrate(self) -> None:
        """Bring a new or older database up to date; what an older one was is kept beside it."""
        from sqlite_utils import Database  # a tenth of a second, once a version

        with self.transaction():  # whoever starts at the same time waits, and finds it done
            applied = refuse_newer(self.path, migrated(self.raw))
            if applied == {*SCRIPTS}:
                return
            if applied:
                from tracker_sync.store import backup

                backup.before_migration(self.path)
            migrations().apply(Database(self.raw))

    def _keep_log(self) -> None:
        """Switch to a write-ahead log, for which SQLite does not wait by itself."""
        for tries_left in reversed(range(_STARTS)):
            try:
                self.raw.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as exc:
                if not tries_left or exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            self.raw.execute("BEGIN IMMEDIATE")  # waits until the other one is through
            self.raw.execute("COMMIT")

    def _own(self, shop: str) -> bytes:
        """Write the shop's name into a new file, or make sure it is the same shop."""
        row = self.row("SELECT value FROM meta WHERE name = 'shop'")
        if row is None:
            with self.transaction():
                self.run("INSERT OR IGNORE INTO meta VALUES ('shop', ?)", shop)
                self.run("INSERT OR IGNORE INTO meta VALUES ('salt', ?)", secrets.token_hex(32))
            return self._own(shop)
        if row["value"] != shop:
            raise StoreError(
                f"{self.path} belongs to shop {row['value']!r}, the configuration says {shop!r}; "
                "set shop.id back, or name another database for the new shop"
            )
        salt = self.row("SELECT value FROM meta WHERE name = 'salt'")
        return bytes.fromhex(salt["value"]) if salt else b""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock from the start; all or nothing. A nested one joins the outer."""
        if self.raw.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")  # where a full disk shows
        except BaseException:
            if self.raw.in_transaction:
                self.raw.rollback()
            raise
        finally:
            self.memory.forget()  # from here on others may write

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One item inside a transaction: if it fails, only its own writes are undone."""
        self.settle()
        self.raw.execute("SAVEPOINT item")
        try:
            yield
            self.settle()
        except BaseException:
            self.memory.forget()
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK TO item")
                self.raw.execute("RELEASE item")
            raise
        self.raw.execute("RELEASE item")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a question."""
        self.settle()
        with explained(self.path):
            return self.raw.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a question, None if there is none."""
        self.settle()
        with explained(self.path):
            found: sqlite3.Row | None = self.raw.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, None if there is none."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """One statement that writes."""
        self._past_memory(sql)
        with explained(self.path):
            return self.raw.execute(sql, values)

    def run_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """One statement that writes, for each of several rows."""
        self._past_memory(sql)
        with explained(self.path):
            self.raw.executemany(sql, values)

    def _past_memory(self, sql: str) -> None:
        """Write what waits, and forget what *sql* may change."""
        self.settle()
        if self.memory.parcels and passes_by(sql):
            self.memory.forget()

    def change(self, shipment_id: int, columns: Mapping[str, Any]) -> None:
        """Set some columns of a parcel, in the memory where it is known there."""
        if columns and not self.memory.change(shipment_id, columns):
            self.run(update(tuple(columns)), *columns.values(), shipment_id)

    def later(self, sql: str, *values: Any) -> None:
        """One statement that writes and may wait, as the memory knows what it changes."""
        if not self.memory.later(sql, values):
            self.run(sql, *values)

    def settle(self) -> None:
        """Write what waits."""
        if self.memory.waits:
            with explained(self.path):
                for sql, values in self.memory.settled():
                    self.raw.executemany(sql, values)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the database, readable for its owner alone."""
        with explained(path):
            inspected(path)
            if not made(path) and path.samefile(self.path):
                raise StoreError(f"{path} is the database itself; name another file for the copy")
            with closing(sqlite3.connect(path)) as copy:
                self.raw.backup(copy)

    def checkpoint(self) -> None:
        """Move everything into the file itself, so that nothing erased is left beside it."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def on_disk(self) -> None:
        """Make what was committed outlive a power cut, before the world outside relies on it.

        SQLite leaves that to the system, as fast transactions want it.
        """
        with explained(self.path), suppress(FileNotFoundError):
            harden(log_of(self.path))

    def close(self) -> None:
        """Close the file."""
        self.raw.close()
