"""The database file: whose it is, who may read it, and what to do when it cannot be used."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tracker_sync.errors import StoreError
from tracker_sync.schema import APPLICATION_ID, SCRIPTS

_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
_BROKEN = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR_SHORT_READ")
_NO_ROOM = "the disk is full; nothing was lost, free some space and run again"
_RIGHTS = "check owner and rights of the file and its folder"
_DAMAGED = "the database is damaged; restore it from a backup"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What the file is to blame for; the kinds below these are faults of ours, or of one bad item.
_FILE = (sqlite3.DatabaseError, sqlite3.OperationalError)


@contextmanager
def explained(path: Path, *, room: Path | None = None) -> Iterator[None]:
    """Turn SQLite's own words into what happened and what to do.

    *room*: what is written, and wants space, where that is not *path* itself.
    """
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if type(exc) not in _FILE:
            raise
        raise StoreError(_explanation(path, exc, room or path)) from exc
    except OSError as exc:
        if exc.errno in _NO_SPACE:
            raise StoreError(f"{room or path}: {_NO_ROOM}") from exc
        raise StoreError(f"{path} cannot be opened: {exc.strerror}; {_RIGHTS}") from exc


def _explanation(path: Path, exc: sqlite3.Error, room: Path) -> str:
    name = getattr(exc, "sqlite_errorname", "")
    if name in _FULL:
        return f"{room}: {_NO_ROOM}"
    if name.startswith("SQLITE_BUSY"):
        return f"{path}: another program holds the database; close it and run again"
    if name.startswith("SQLITE_READONLY") or name == "SQLITE_CANTOPEN":
        return f"{path}: cannot be read or written; {_RIGHTS}"
    if name.startswith(_BROKEN):
        return f"{path}: {_DAMAGED}"
    return f"{path}: {exc}"


def inspected(path: Path) -> frozenset[str]:
    """Refuse what is not ours or too new for us; else the migrations it has had, none if new.

    What is refused stays as it is: no byte, no time, no right; its log is not moved into it.
    """
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return frozenset()
    if not path.is_file():
        raise StoreError(f"{path} is not a file; name a file under `database:`")
    try:
        with closing(_look(path, "&immutable=1")) as file:
            _refuse_foreign(path, file)
            if not has_log(path):
                return refuse_newer(path, migrated(file))
    except sqlite3.DatabaseError as exc:
        # Killed while the log was moved into the file: only both together make sense.
        if exc.sqlite_errorcode != sqlite3.SQLITE_CORRUPT or not has_log(path):
            raise
    with closing(_look(path)) as file:
        _refuse_foreign(path, file)
        return refuse_newer(path, migrated(file))


def migrated(file: sqlite3.Connection) -> frozenset[str]:
    """The migrations a database has had."""
    known = file.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'"
    ).fetchone()[0]
    rows = file.execute("SELECT name FROM _sqlite_migrations") if known else ()
    return frozenset(row[0] for row in rows)


def refuse_newer(path: Path, applied: frozenset[str]) -> frozenset[str]:
    """Give *applied* back, where this program knows all of them."""
    if applied - {*SCRIPTS}:
        raise StoreError(f"{path} was written by a newer version; update tracker-sync")
    return applied


def made(path: Path) -> bool:
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


def harden(path: Path) -> None:
    """Wait until all of a file, or all names of a folder, are on the disk itself.

    Not for the database: closing it like this would drop this process's locks on it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def log_of(path: Path) -> Path:
    """The write-ahead log beside a database."""
    return path.with_name(f"{path.name}-wal")


def has_log(path: Path) -> bool:
    """Whether a part of the database stands in its log: of a program that runs, or was killed."""
    log = log_of(path)
    return log.exists() and log.stat().st_size > 0


def _look(path: Path, more: str = "") -> sqlite3.Connection:
    """Read it through SQLite: closing a file in any other way drops this process's locks on it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{more}", uri=True)


def _refuse_foreign(path: Path, file: sqlite3.Connection) -> None:
    try:
        found = file.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorname", "") != "SQLITE_NOTADB":
            raise
        raise StoreError(
            f"{path} is not a SQLite database; name another file under `database:`"
        ) from None
    if found != APPLICATION_ID:
        raise StoreError(
            f"{path} is another program's SQLite database and was not touched; "
            "name another file under `database:`"
        )
