"""Open the database file, keep it ours, and run transactions that hold the write lock."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from tracker_sync.errors import StoreError
from tracker_sync.model import utc
from tracker_sync.schema import APPLICATION_ID, migrations

_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_MAGIC = b"SQLite format 3\x00"
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
_BROKEN = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


def stamp(moment: datetime) -> str:
    """The one spelling of time in the database; sorts as text."""
    return utc(moment).strftime(_STAMP)


def unstamp(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)


def maybe_stamp(moment: datetime | None) -> str | None:
    """`stamp`, where there may be nothing to spell."""
    return stamp(moment) if moment else None


def maybe_unstamp(text: str | None) -> datetime | None:
    """`unstamp`, where the column may be NULL."""
    return unstamp(text) if text else None


class Connection:
    """One connection to one database file; bound to the thread that opened it."""

    def __init__(self, path: Path, *, shop: str) -> None:
        self.path = path
        _refuse_foreign(path)
        with self._explained():
            fresh = _make_file(path)
            self.raw = sqlite3.connect(path, timeout=5, isolation_level=None)
            self.raw.row_factory = sqlite3.Row
            self._prepare(fresh=fresh)
            self.salt = self._own(shop)

    def _prepare(self, *, fresh: bool) -> None:
        if fresh:
            self.raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.raw.execute("PRAGMA journal_mode = WAL")
        self.raw.execute("PRAGMA synchronous = NORMAL")
        self.raw.execute("PRAGMA foreign_keys = ON")
        self.raw.execute("PRAGMA secure_delete = ON")
        if not self._is_current():
            with self.transaction():
                migrations.apply(Database(self.raw))

    def _is_current(self) -> bool:
        known = self.raw.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'"
        ).fetchone()[0]
        return bool(known) and not migrations.pending(Database(self.raw))

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
        with self._explained():
            self.raw.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self.raw.in_transaction:
                    self.raw.rollback()
                raise
            self.raw.execute("COMMIT")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One item inside a transaction: if it fails, only its own writes are undone."""
        self.raw.execute("SAVEPOINT item")
        try:
            yield
        except BaseException:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK TO item")
                self.raw.execute("RELEASE item")
            raise
        self.raw.execute("RELEASE item")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's own words into what happened and what to do."""
        try:
            yield
        except sqlite3.Error as exc:
            raise StoreError(_explanation(self.path, exc)) from exc
        except OSError as exc:
            raise StoreError(f"{self.path} cannot be opened: {exc.strerror}") from exc

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a question."""
        with self._explained():
            return self.raw.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a question, None if there is none."""
        with self._explained():
            found: sqlite3.Row | None = self.raw.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, None if there is none."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """One statement that writes."""
        with self._explained():
            return self.raw.execute(sql, values)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the database, readable for its owner alone."""
        with self._explained():
            _make_file(path)
            copy = sqlite3.connect(path)
            try:
                self.raw.backup(copy)
            finally:
                copy.close()

    def close(self) -> None:
        """Close the file."""
        self.raw.close()


def _refuse_foreign(path: Path) -> None:
    """Look at the file's header without opening it as a database: a foreign one stays untouched."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise StoreError(f"{path} cannot be read: {exc.strerror}") from exc
    if not header:
        return
    if not header.startswith(_MAGIC):
        raise StoreError(f"{path} is not a SQLite database; name another file under `database:`")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(
            f"{path} is another program's SQLite database and was not touched; "
            "name another file under `database:`"
        )


def _make_file(path: Path) -> bool:
    """Make the file readable for its owner alone; whether it is new."""
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} does not exist; make the folder or change `database:`")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return path.stat().st_size == 0


def _explanation(path: Path, exc: sqlite3.Error) -> str:
    name = getattr(exc, "sqlite_errorname", "")
    if name in _FULL:
        return f"{path}: the disk is full; nothing was lost, free some space and run again"
    if name.startswith("SQLITE_BUSY"):
        return f"{path}: another program holds the database; close it and run again"
    if name.startswith("SQLITE_READONLY") or name == "SQLITE_CANTOPEN":
        return f"{path}: cannot be written; check owner and rights of the file and its folder"
    if name in _BROKEN:
        return f"{path}: the database is damaged; restore it from a backup"
    return f"{path}: {exc}"
