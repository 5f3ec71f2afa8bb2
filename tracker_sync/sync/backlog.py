"""Messages that wait, put together by what they wait for, and since when none of our rules does."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker_sync.messages.follow_ups import ONCE_MORE
from tracker_sync.messages.surge import TOO_MANY
from tracker_sync.messages.verdict import NO_RECIPIENT
from tracker_sync.store import unstamp

TOO_LONG = timedelta(hours=1)  # for a message that could go and does not
_CROWDED = "messages in 24 h to one recipient"
_RULES = ("quiet hours", "not due yet", "paused", NO_RECIPIENT, ONCE_MORE, TOO_MANY)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages that wait for the same reason."""

    why: str
    count: int
    oldest: datetime  # when the oldest of them happened
    next: datetime  # when the first of them is judged
    stuck_since: datetime | None = None  # None: a rule holds them, all is well

    def late(self, now: datetime) -> str:
        """What to say of them where they wait for too long, else blank."""
        if self.stuck_since is None or now - self.stuck_since <= TOO_LONG:
            return ""
        many = "1 message" if self.count == 1 else f"{self.count} messages"
        return f"{many} waiting for {_span(now - self.stuck_since)}: {self.why}"


def waiting(rows: Iterable[sqlite3.Row], paused: Collection[str]) -> Iterator[Waiting]:
    """Put together what waits for the same reason, though it is of several kinds."""
    groups: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault(_why(row, paused), []).append(row)
    for why, found in groups.items():
        stuck = [moment for row in found if (moment := _stuck_since(row, why))]
        yield Waiting(
            why,
            sum(row["count"] for row in found),
            min(unstamp(row["oldest"]) for row in found),
            min(unstamp(row["due_at"]) for row in found),
            min(stuck, default=None),
        )


def _why(row: sqlite3.Row, paused: Collection[str]) -> str:
    if "*" in paused or row["kind"] in paused:
        return "paused"
    if row["reason"].endswith(_CROWDED):
        return "too many messages to one recipient"
    return row["reason"] or ("to be sent" if row["due"] else "not due yet")


def _stuck_since(row: sqlite3.Row, why: str) -> datetime | None:
    """Since when nothing but a failure keeps them; None where a rule does."""
    if why in _RULES or row["reason"].endswith(_CROWDED):
        return None
    return unstamp(row["tried_at"] or (row["owed_at"] if row["reason"] else row["due_at"]))


def _span(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
