"""Copies of the database: one before every migration, and whenever somebody wants one.

A copy is consistent while passes run, readable for its owner alone, all there or not there, and
without the tokens of carriers: those open accounts, and are fetched anew.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp

from tracker_sync.errors import StoreError
from tracker_sync.store.file import explained, harden, has_log, log_of, migrated


def write(database: Path, target: Path) -> None:
    """Copy *database*, of whatever version, to the new file *target*."""
    if target.exists():
        raise StoreError(_exists(target))
    if not target.parent.is_dir():
        raise StoreError(f"{target.parent} does not exist; make the folder or name another file")
    with explained(target):
        handle, name = mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        draft = Path(name)
    try:
        with explained(database, room=target):
            with closing(_opened(database)) as file:
                file.execute("VACUUM INTO ?", (name,))
            _without_tokens(database, draft)
        with explained(target):
            _published(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def place(database: Path, at: datetime) -> Path:
    """Where a copy lies if nobody names a place: beside the database, by schema and time."""
    return database.with_name(f"{database.name}.backup-{schema(database)}-{at:%Y%m%dT%H%M%SZ}")


def before_migration(database: Path) -> None:
    """Keep an older database as it is, named by the time of its last change.

    A migration that fails and is tried again finds its copy there, and makes no second one.
    """
    files = [database, log_of(database)] if has_log(database) else [database]
    changed = max(each.stat().st_mtime for each in files)
    target = place(database, datetime.fromtimestamp(changed, UTC))
    if not target.exists():
        write(database, target)


def schema(database: Path) -> str:
    """The number of the newest migration a database has had."""
    with explained(database), closing(_opened(database)) as file:
        return max(migrated(file), default="0000")[:4]


def _opened(database: Path) -> sqlite3.Connection:
    """Open an existing database, without migrating it; `rw`, or an old log could not be read."""
    where = f"{database.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(where, uri=True, isolation_level=None)


def _without_tokens(database: Path, draft: Path) -> None:
    with closing(sqlite3.connect(draft, isolation_level=None)) as file:
        if not migrated(file):
            raise StoreError(f"{database} holds nothing yet; run `tracker-sync sync` first")
        file.execute("PRAGMA journal_mode = MEMORY")  # no second file that holds them
        file.execute("PRAGMA secure_delete = ON")
        file.execute("UPDATE carriers SET token = NULL, token_until = NULL")


def _published(draft: Path, target: Path) -> None:
    """Give the complete draft its name, unless somebody else was faster."""
    harden(draft)
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise StoreError(_exists(target)) from None
    except OSError:  # a file system without links
        if target.exists():
            raise StoreError(_exists(target)) from None
        draft.rename(target)
    harden(target.parent)


def _exists(target: Path) -> str:
    return f"{target} exists and was not touched; name another file"
