"""The runaway guard: more messages of a kind than is usual wait for a person.

An idle pass asks nothing; one with messages asks one grouped question for each hour they arose in.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import datetime, timedelta

from tracker_sync.messages.surge import TOO_MANY, WEEKS, Past, hour_of, most, same_hours
from tracker_sync.messages.verdict import Action, Verdict, hours
from tracker_sync.store import unstamp
from tracker_sync.sync.house import House

_LOOKED_BACK = timedelta(weeks=WEEKS)


class Surge:
    """What went in the hours that matter to this pass, and how much more may."""

    def __init__(self, house: House, now: datetime) -> None:
        self._house = house
        self._now = now
        self._past: dict[datetime, dict[tuple[str, datetime], int]] = {}
        self._most: dict[tuple[str, datetime], int] = {}
        self.held: Counter[str] = Counter()  # by kind, newly in this pass
        self.usual: dict[str, int] = {}  # what would have been usual, where more are held

    def hold(self, row: sqlite3.Row) -> Verdict | None:
        """None where a message may go; nobody's word lets it go after its time."""
        if not self._house.guarded or row["released_at"]:
            return None
        kind, hour = row["kind"], hour_of(unstamp(row["created_at"]))
        if self._gone(kind, hour) < self._allowed(kind, hour):
            return None
        age, held = self._house.policy.max_age, row["reason"] == TOO_MANY
        if held and self._now - unstamp(row["created_at"]) > age:
            reason = f"{TOO_MANY}, and nobody released it within {hours(age)}"
            return Verdict(Action.WITHHOLD, reason)
        self.usual[kind] = self._allowed(kind, hour)
        self.held[kind] += not held
        return Verdict(Action.HOLD, TOO_MANY)

    def went(self, row: sqlite3.Row) -> None:
        """A message goes."""
        hour = hour_of(unstamp(row["created_at"]))
        if hour in self._past:
            key = (row["kind"], hour)
            self._past[hour][key] = self._past[hour].get(key, 0) + 1

    def _gone(self, kind: str, hour: datetime) -> int:
        if hour not in self._past:
            weeks = (hour, *same_hours(hour, self._house.policy.zone))
            self._past[hour] = self._house.store.tempo.gone(self._house.policy.sent, weeks)
        return self._past[hour].get((kind, hour), 0)

    def _allowed(self, kind: str, hour: datetime) -> int:
        """How many are usual; what costs a look at all the weeks is asked near the limit only."""
        if (kind, hour) in self._most:
            return self._most[kind, hour]
        counts, tempo = self._past[hour], self._house.store.tempo
        peak = max(counts.get((kind, h), 0) for h in same_hours(hour, self._house.policy.zone))
        plain = most(Past(peak, 0, datetime.min.replace(tzinfo=hour.tzinfo), 0), self._now)
        if self._gone(kind, hour) < plain:
            return plain
        busiest = tempo.busiest(kind, hour - _LOOKED_BACK, hour)
        past = Past(peak, busiest, tempo.first(kind), tempo.parcels(self._now))
        self._most[kind, hour] = most(past, self._now)
        return self._most[kind, hour]
