"""One pass at a time: a kernel lock beside the database, gone with the process that held it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from tracker_sync.errors import Busy, StoreError
from tracker_sync.store import stamp, unstamp


@contextmanager
def only_pass(database: Path, clock: datetime) -> Iterator[None]:
    """Hold the database's lock; Busy where another pass holds it. *clock* is the real time."""
    if not database.parent.is_dir():  # FileLock would make it, wherever a typing error led
        raise StoreError(f"{database.parent} does not exist; make the folder or change `database:`")
    lock = FileLock(f"{database}.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
        _name_holder(database, clock)
    except Timeout:
        raise Busy(f"another pass is running on {database}") from None
    except OSError as exc:
        lock.release()
        raise StoreError(f"{database}.lock cannot be made: {exc.strerror}") from exc
    try:
        yield
    finally:
        lock.release()


def overdue(database: Path, clock: datetime, pass_limit: timedelta) -> bool:
    """Whether the pass that holds the lock is older than twice its limit."""
    try:
        since = unstamp(json.loads(_holder(database).read_text(encoding="utf-8"))["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return clock - since > 2 * pass_limit


def _name_holder(database: Path, clock: datetime) -> None:
    """Say who holds the lock since when; atomically, for whoever waits outside."""
    draft = database.with_name(database.name + ".holder.new")
    text = json.dumps({"pid": os.getpid(), "since": stamp(clock)})
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(_holder(database))


def _holder(database: Path) -> Path:
    return database.with_name(database.name + ".holder")
