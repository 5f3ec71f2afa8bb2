"""Announcements that wait for their brand: neither the feed nor the number names a single one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from tracker_sync.model import Advice
from tracker_sync.store.connection import Connection, stamp

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@cache
def _adapter() -> TypeAdapter[Advice]:
    """How an announcement is written down; made when the first one waits."""
    from pydantic import TypeAdapter

    return TypeAdapter(Advice)


class Waiting:
    """What was announced and belongs to no brand yet."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def keep(
        self, source: str, advice: Advice, rivals: Sequence[str], *, tried: str, now: datetime
    ) -> bool:
        """Keep an announcement until its brand is known; whether it is new."""
        number, text = advice.number, _adapter().dump_json(advice).decode()
        new = not self._db.value(
            "SELECT count(*) FROM waiting WHERE source = ? AND number = ?", source, number
        )
        self._db.run(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " advice = excluded.advice, rivals = excluded.rivals, tried = excluded.tried",
            *(source, number, text, " ".join(rivals), tried, stamp(now)),
        )
        return new

    def untried(self, source: str, tried: str, limit: int) -> list[Advice]:
        """Announcements of a source that were not tried with these brands yet."""
        found = self._db.rows(
            "SELECT advice FROM waiting WHERE source = ? AND tried <> ? ORDER BY number LIMIT ?",
            *(source, tried, limit),
        )
        return [_adapter().validate_json(row["advice"]) for row in found]

    def over(self, source: str, number: str) -> None:
        """The brand is known now, or the announcement is refused."""
        self._db.run("DELETE FROM waiting WHERE source = ? AND number = ?", source, number)

    def groups(self) -> list[sqlite3.Row]:
        """How many wait since when, by the brands their numbers fit; a few numbers' ends."""
        return self._db.rows(
            "SELECT rivals, count(*) AS count, min(since) AS since,"
            " group_concat(DISTINCT substr(number, -6)) AS ends FROM waiting"
            " GROUP BY rivals ORDER BY count(*) DESC, rivals"
        )
