"""Carriers that are asked and give no good answer, and for how long that is usual."""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker_sync.store.connection import Connection, stamp

_LOOKED_BACK = timedelta(days=28)
_NOTHING = timedelta(minutes=10)  # a pass or two without an answer


class Vigil:
    """Who is silent."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def silent(self, carrier: str, now: datetime) -> None:
        """A carrier was asked and gave no good answer, for the first time since it did."""
        self._db.run(
            "UPDATE carriers SET silent_since = ? WHERE carrier = ? AND silent_since IS NULL",
            *(stamp(now), carrier),
        )

    def heard(self, carrier: str, since: datetime, now: datetime) -> None:
        """It answers again, after a silence *since* then, which is remembered for four weeks."""
        self._db.run("UPDATE carriers SET silent_since = NULL WHERE carrier = ?", carrier)
        if now - since < _NOTHING:
            return
        self._db.run(
            "INSERT INTO silences VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET seconds = max(seconds, excluded.seconds)",
            *(carrier, stamp(now)[:10], int((now - since).total_seconds())),
        )
        day = stamp(now - _LOOKED_BACK)[:10]
        self._db.run("DELETE FROM silences WHERE carrier = ? AND day < ?", carrier, day)

    def usual(self, carrier: str, now: datetime) -> timedelta:
        """The longest silence that happened on two days at least of the last four weeks.

        A single long one is a breakdown; a nightly or weekly one is how this carrier is.
        """
        seconds = self._db.value(
            "SELECT seconds FROM silences WHERE carrier = ? AND day >= ?"
            " ORDER BY seconds DESC LIMIT 1 OFFSET 1",
            *(carrier, stamp(now - _LOOKED_BACK)[:10]),
        )
        return timedelta(seconds=seconds or 0)
