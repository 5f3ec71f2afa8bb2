"""Whom to ask about what: shipments that are due, and how often they were asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from tracker_sync.model import Direction, Status
from tracker_sync.store.connection import Connection, maybe_unstamp, stamp, unstamp
from tracker_sync.store.memory import Row

_COLUMNS = (
    "id, brand, number, status, failures, calls_day, calls_made, carrier, unknown_to, mark,"
    " found_at, taken_at, shipped_at, status_at, problems, last_scan_at, checked_at, estimate_day,"
    " next_poll_at, direction"
)
_CHUNK = 500  # values in one statement


@dataclass(frozen=True, slots=True)
class Due:
    """A shipment that is to be asked about, as little of it as the carrier needs."""

    id: int
    number: str
    failures: int
    calls_today: int
    unknown_to: frozenset[str]  # carriers that did not know it when last asked
    found: bool  # some carrier knows it
    taken_at: datetime
    delivered: bool = False  # asked once more, before a follow-up goes
    brand: str = ""
    carrier: str = ""  # who last knew it
    mark: str = ""  # what that carrier says at a glance while nothing new has happened
    shipped_at: datetime | None = None
    status: str | None = None
    since: datetime | None = None  # when that status was reached
    problem: bool = False  # whether one is open
    scanned: datetime | None = None  # the newest scan
    asked: datetime | None = None  # the last answer
    estimate: date | None = None  # the carrier's delivery day
    returns: bool = False  # it goes back to the shop
    due_at: datetime | None = None  # when this look became due; None: it is not looked at any more


class Looks:
    """Looks at the carriers, past and to come."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def due(self, brand: str, now: datetime, limit: int, today: str) -> list[Due]:
        """Open shipments of a brand whose next look is due, longest waiting first."""
        found = self._db.rows(
            f"SELECT {_COLUMNS} FROM shipments WHERE brand = ? AND next_poll_at <= ?"  # noqa: S608
            " ORDER BY next_poll_at LIMIT ?",
            *(brand, stamp(now), limit),
        )
        return [_due(row, today) for row in found]

    def nearly(self, brand: str, now: datetime, until: datetime, today: str) -> list[Due]:
        """Some that are due before *until*, the nearest first, without those that failed."""
        found = self._db.rows(
            f"SELECT {_COLUMNS} FROM shipments"  # noqa: S608  our own names
            " WHERE brand = ? AND next_poll_at > ? AND next_poll_at <= ?"
            " ORDER BY next_poll_at LIMIT ?",
            *(brand, stamp(now), stamp(until), _CHUNK),
        )
        return [_due(row, today) for row in found if not row["failures"]]

    def of(self, shipment_id: int, today: str) -> Due:
        """How a shipment was asked about so far, calls of *today* counted."""
        row = self._db.memory.parcels.get(shipment_id) or self._db.row(
            f"SELECT {_COLUMNS} FROM shipments WHERE id = ?",  # noqa: S608
            shipment_id,
        )
        if row is None:
            raise KeyError(shipment_id)
        return _due(row, today)

    def named(self, brands: Collection[str], numbers: Iterable[str], today: str) -> list[Due]:
        """The latest leg of each of *numbers* that is known under one of *brands*."""
        found: dict[tuple[str, str], Due] = {}
        for brand in brands:
            for chunk in _chunks(numbers):
                for row in self._named(brand, chunk):
                    found[brand, row["number"]] = _due(row, today)
        return list(found.values())

    def _named(self, brand: str, numbers: list[str]) -> list[sqlite3.Row]:
        marks = ", ".join("?" * len(numbers))
        return self._db.rows(
            f"SELECT {_COLUMNS} FROM shipments WHERE id IN (SELECT shipment_id FROM numbers"  # noqa: S608
            f" WHERE brand = ? AND number IN ({marks})) ORDER BY leg",
            *(brand, *numbers),
        )

    def wake(self, shipment_ids: Iterable[int], now: datetime) -> None:
        """Let shipments be asked about now."""
        for shipment_id in shipment_ids:
            self._db.run(
                "UPDATE shipments SET next_poll_at = ?1 WHERE id = ?2"
                " AND (next_poll_at IS NULL OR next_poll_at > ?1) AND closed_reason <> 'expired'",
                *(stamp(now), shipment_id),
            )

    def wake_all(self, brand: str, carrier: str, now: datetime) -> int:
        """Let open shipments that *carrier* knows, and did not answer about now, be; how many."""
        return self._db.run(
            "UPDATE shipments SET next_poll_at = ?1"
            " WHERE brand = ?2 AND next_poll_at > ?1 AND carrier = ?3 AND closed_at IS NULL"
            " AND checked_at < ?1",
            *(stamp(now), brand, carrier),
        ).rowcount

    def known_to(self, shipment_id: int, carrier: str, *, known: bool) -> None:
        """Remember whether a carrier knew the parcel when it was asked."""
        row = self._db.memory.parcels.get(shipment_id) or self._db.row(
            "SELECT unknown_to FROM shipments WHERE id = ?", shipment_id
        )
        before = set(row["unknown_to"].split()) if row else set()
        now = before - {carrier} if known else before | {carrier}
        if now != before:
            self._db.change(shipment_id, {"unknown_to": " ".join(sorted(now))})


def _due(row: sqlite3.Row | Row, today: str) -> Due:
    """A due shipment; calls of another day than *today* do not count."""
    return Due(
        row["id"],
        row["number"],
        row["failures"],
        row["calls_made"] if row["calls_day"] == today else 0,
        frozenset(row["unknown_to"].split()),
        row["found_at"] is not None,
        unstamp(row["taken_at"]),
        delivered=row["status"] == Status.DELIVERED,
        brand=row["brand"],
        carrier=row["carrier"],
        mark=row["mark"],
        shipped_at=maybe_unstamp(row["shipped_at"]),
        status=row["status"],
        since=maybe_unstamp(row["status_at"]),
        problem=bool(row["problems"]),
        scanned=maybe_unstamp(row["last_scan_at"]),
        asked=maybe_unstamp(row["checked_at"]),
        estimate=date.fromisoformat(row["estimate_day"]) if row["estimate_day"] else None,
        returns=row["direction"] == Direction.RETURN,
        due_at=maybe_unstamp(row["next_poll_at"]),
    )


def _chunks(numbers: Iterable[str]) -> Iterable[list[str]]:
    listed = list(numbers)
    return (listed[i : i + _CHUNK] for i in range(0, len(listed), _CHUNK))
