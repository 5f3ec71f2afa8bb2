"""The tables, as migrations. Append only: never edit one that shipped.

Every moment is text such as `2026-11-22T10:00:00Z` (UTC, sorts as text). A comment says what NULL
means. Read it in Datasette: the views `open_shipments`, `outbox` and `transit_times` come first.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tracker_sync.schema import errands, first, learning, reach, sizes, standing

if TYPE_CHECKING:
    from sqlite_utils import Migrations

APPLICATION_ID = 0x74726B73  # "trks"
SCRIPTS = {
    "0001_initial": first.TABLES,
    "0002_errands": errands.TABLES,
    "0003_learning": learning.TABLES,
    "0004_reach": reach.TABLES,
    "0005_standing": standing.TABLES,
    "0006_sizes": sizes.TABLES,
}


@cache
def migrations() -> Migrations:
    """The library's list of them; imported here, since most databases are up to date."""
    from sqlite_utils import Migrations

    made = Migrations("tracker_sync")
    for name, script in SCRIPTS.items():
        made(name=name)(_runs(script))
    return made


def _runs(script: str) -> Any:
    """Run statement by statement: sqlite3's own scripts would commit in between."""

    def run(db: Any) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                db.conn.execute(statement)

    return run
