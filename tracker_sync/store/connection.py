"""Open the database file, keep it ours, and run transactions that hold the write lock."""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tracker_sync.errors import StoreError
from tracker_sync.model import utc
from tracker_sync.schema import APPLICATION_ID, SCRIPTS, migrations

_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
_BROKEN = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR_SHORT_READ")
_NO_ROOM = "the disk is full; nothing was lost, free some space and run again"
_RIGHTS = "check owner and rights of the file and its folder"
_DAMAGED = "the database is damaged; restore it from a backup"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What the file is to blame for; the kinds below these are faults of ours, or of one bad item.
_FILE = (sqlite3.DatabaseError, sqlite3.OperationalError)
_STARTS = 20  # tries to switch a new file to its log while others start on it


def stamp(moment: datetime) -> str:
    """The one spelling of time in the database; sorts as text."""
    return utc(moment).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


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
        with _explained(path):
            _refuse_foreign(path)
            fresh = _make_file(path)
            self.raw = sqlite3.connect(path, timeout=patience, isolation_level=None)
            try:
                self.raw.row_factory = sqlite3.Row
                self._prepare(fresh=fresh)
                self.salt = self._own(shop)
            except BaseException:
                self.raw.close()
                raise

    def _prepare(self, *, fresh: bool) -> None:
        if fresh:
            self.raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._keep_log()
        self.raw.execute("PRAGMA synchronous = NORMAL")
        self.raw.execute("PRAGMA foreign_keys = ON")
        self.raw.execute("PRAGMA secure_delete = ON")
        if not self._is_current():
            from sqlite_utils import Database  # a tenth of a second, once a version

            with self.transaction():
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

    def _is_current(self) -> bool:
        known = self.raw.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'"
        ).fetchone()[0]
        rows = self.raw.execute("SELECT name FROM _sqlite_migrations") if known else ()
        applied = {row["name"] for row in rows}
        if applied - {*SCRIPTS}:
            raise StoreError(f"{self.path} was written by a newer version; update tracker-sync")
        return applied == {*SCRIPTS}

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

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a question."""
        with _explained(self.path):
            return self.raw.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a question, None if there is none."""
        with _explained(self.path):
            found: sqlite3.Row | None = self.raw.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, None if there is none."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """One statement that writes."""
        with _explained(self.path):
            return self.raw.execute(sql, values)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the database, readable for its owner alone."""
        with _explained(path):
            _refuse_foreign(path)
            if not _make_file(path) and path.samefile(self.path):
                raise StoreError(f"{path} is the database itself; name another file for the copy")
            with closing(sqlite3.connect(path)) as copy:
                self.raw.backup(copy)

    def checkpoint(self) -> None:
        """Move everything into the file itself, so that nothing erased is left beside it."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self.raw.close()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's own words into what happened and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if type(exc) not in _FILE:
            raise
        raise StoreError(_explanation(path, exc)) from exc
    except OSError as exc:
        if exc.errno in _NO_SPACE:
            raise StoreError(f"{path}: {_NO_ROOM}") from exc
        raise StoreError(f"{path} cannot be opened: {exc.strerror}; {_RIGHTS}") from exc


def _refuse_foreign(path: Path) -> None:
    """Refuse what is not ours, and leave it as it is: no byte, no time, no file beside it."""
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return
    if not path.is_file():
        raise StoreError(f"{path} is not a file; name a file under `database:`")
    if _application_id(path) != APPLICATION_ID:
        raise StoreError(
            f"{path} is another program's SQLite database and was not touched; "
            "name another file under `database:`"
        )


def _application_id(path: Path) -> int:
    """Read it through SQLite: closing a file in any other way drops this process's locks on it."""
    where = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(where, uri=True)) as file:
        try:
            return int(file.execute("PRAGMA application_id").fetchone()[0])
        except sqlite3.DatabaseError as exc:
            if getattr(exc, "sqlite_errorname", "") != "SQLITE_NOTADB":
                raise
    raise StoreError(f"{path} is not a SQLite database; name another file under `database:`")


def _make_file(path: Path) -> bool:
    """Make the file readable for its owner alone; whether it is new."""
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} does not exist; make the folder or change `database:`")
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)  # whatever the umask was
    found = path.stat()
    if found.st_mode & 0o077:
        with suppress(PermissionError):  # somebody else's file: theirs to protect
            path.chmod(found.st_mode & 0o700)
    return found.st_size == 0


def _explanation(path: Path, exc: sqlite3.Error) -> str:
    name = getattr(exc, "sqlite_errorname", "")
    if name in _FULL:
        return f"{path}: {_NO_ROOM}"
    if name.startswith("SQLITE_BUSY"):
        return f"{path}: another program holds the database; close it and run again"
    if name.startswith("SQLITE_READONLY") or name == "SQLITE_CANTOPEN":
        return f"{path}: cannot be read or written; {_RIGHTS}"
    if name.startswith(_BROKEN):
        return f"{path}: {_DAMAGED}"
    return f"{path}: {exc}"
