"""The tables, as migrations. Append only: never edit one that shipped.

Every moment is text such as `2026-11-22T10:00:00Z` (UTC, sorts as text). A comment says what NULL
means. Read it in Datasette: the views `open_shipments`, `outbox` and `transit_times` come first.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database, Migrations

from tracker_sync.schema import errands, first, learning

APPLICATION_ID = 0x74726B73  # "trks"

migrations = Migrations("tracker_sync")


@migrations(name="0001_initial")
def _initial(db: Any) -> None:
    _run(db, first.TABLES)


@migrations(name="0002_errands")
def _errands(db: Any) -> None:
    _run(db, errands.TABLES)


@migrations(name="0003_learning")
def _learning(db: Any) -> None:
    _run(db, learning.TABLES)


def _run(db: Any, script: str) -> None:
    """Run statement by statement: sqlite3's own scripts would commit in between."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


def newer(db: Database) -> bool:
    """Whether a database has migrations that this version does not know."""
    ours = {each.name for each in migrations.pending(Database(memory=True))}
    return any(row["name"] not in ours for row in db["_sqlite_migrations"].rows)
