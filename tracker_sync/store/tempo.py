"""How many messages arise in an hour, which are held for that, and what arrived at Klaviyo."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from tracker_sync.store.connection import Connection, maybe_unstamp, stamp

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Tempo:
    """What is usual, and what is not."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def gone(
        self, kinds: Iterable[str], hours: Collection[datetime]
    ) -> dict[tuple[str, datetime], int]:
        """How many messages of each kind arose in each hour and went, history aside."""
        named = list(kinds)
        marks = ", ".join("(?)" for _ in named)
        spans = ", ".join("(?, ?)" for _ in hours)
        values = [stamp(moment) for hour in hours for moment in (hour, hour + _HOUR)]
        found = self._db.rows(
            f"WITH kinds (kind) AS (VALUES {marks}), hours (begins, ends) AS (VALUES {spans})"  # noqa: S608  only marks
            " SELECT m.kind, begins, count(*) AS count FROM kinds CROSS JOIN hours"
            " CROSS JOIN messages m INDEXED BY messages_gone ON m.kind = kinds.kind"
            " AND m.created_at >= begins AND m.created_at < ends"
            " WHERE m.attempts > 0 AND m.backfill = 0 GROUP BY m.kind, begins",
            *(*named, *values),
        )
        by_text = {stamp(hour): hour for hour in hours}
        return {(row["kind"], by_text[row["begins"]]): row["count"] for row in found}

    def busiest(self, kind: str, since: datetime, before: datetime) -> int:
        """The most of a kind that arose in one hour of that time and went."""
        found = self._db.value(
            "SELECT max(count) FROM (SELECT count(*) AS count FROM messages"
            " WHERE kind = ? AND created_at >= ? AND created_at < ?"
            " AND attempts > 0 AND backfill = 0 GROUP BY substr(created_at, 1, 13))",
            *(kind, stamp(since), stamp(before)),
        )
        return int(found or 0)

    def first(self, kind: str) -> datetime | None:
        """When the first message of a kind arose that went."""
        text = self._db.value(
            "SELECT min(created_at) FROM messages WHERE kind = ? AND attempts > 0 AND backfill = 0",
            kind,
        )
        return maybe_unstamp(text)

    def parcels(self, now: datetime) -> int:
        """Shipments on their way now, or until a day ago."""
        return int(
            self._db.value(
                "SELECT (SELECT count(*) FROM shipments WHERE closed_at IS NULL)"
                " + (SELECT count(*) FROM shipments WHERE closed_at > ?)",
                stamp(now - _DAY),
            )
        )

    # -- held ----------------------------------------------------------------

    def held(self, reason: str) -> dict[str, int]:
        """How many messages of each kind wait for that reason."""
        found = self._db.rows(
            "SELECT kind, count(*) AS count FROM messages INDEXED BY messages_owed"
            " WHERE state = 'owed' AND attempts = 0 AND reason = ? GROUP BY kind",
            reason,
        )
        return {row["kind"]: row["count"] for row in found}

    def release(self, reason: str, kind: str, message_id: str, now: datetime) -> int:
        """Judge held messages now, past the guard; blank = of any kind, any id; how many."""
        return self._db.run(
            "UPDATE messages SET released_at = ?1, due_at = ?1, reason = ''"
            " WHERE state = 'owed' AND attempts = 0 AND reason = ?2"
            " AND ?3 IN ('', kind) AND ?4 IN ('', id)",
            *(stamp(now), reason, kind, message_id),
        ).rowcount

    def drop(self, reason: str, kind: str, now: datetime) -> int:
        """Give up the held messages of a kind; how many."""
        return self._db.run(
            "UPDATE messages SET state = 'dropped', reason = 'dropped by hand', decided_at = ?"
            " WHERE state = 'owed' AND attempts = 0 AND reason = ? AND kind = ?",
            *(stamp(now), reason, kind),
        ).rowcount

    # -- arrived -------------------------------------------------------------

    def accepted(
        self, since: datetime, until: datetime, before: datetime
    ) -> dict[tuple[str, str], int]:
        """Messages accepted *before*, by metric and UTC day of what they tell."""
        found = self._db.rows(
            "SELECT metric, substr(occurred_at, 1, 10) AS day, count(*) AS count FROM messages"
            " INDEXED BY messages_arrived WHERE state = 'accepted' AND metric IS NOT NULL"
            " AND occurred_at >= ? AND occurred_at < ? AND decided_at <= ? GROUP BY metric, day",
            *(stamp(since), stamp(until), stamp(before)),
        )
        return {(row["metric"], row["day"]): row["count"] for row in found}
