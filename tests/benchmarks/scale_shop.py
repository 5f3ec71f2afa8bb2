"""A shop with many parcels, written into a real database in one go.

Every parcel has what hangs on one: an order, a number, a few scans, two transitions, a message
that was sent and one that was withheld. A fifth more are closed already; of the last three days'
each waits for its review request. Nothing is due.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tracker_sync.cli.assembly import open_store
from tracker_sync.settings import Settings
from tracker_sync.store import stamp

NOW = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = 1000  # parcels that a pass asks about, the same ones in a shop of any size
ASKED, OTHERS = "00340435", "00340434"  # how numbers begin
BRANDS = {"dhl": 12, "gls": 5, "ups": 3}  # of twenty parcels
# Hours ago, and what DHL says; the last one is news where `moves` says so.
HISTORY = (
    (50, "The shipment was announced electronically", "announced"),
    (40, "The shipment has been picked up", "dispatched"),
    (30, "The shipment has been processed in the parcel center of origin", "in_transit"),
    (21, "The shipment has been processed in the parcel center", "in_transit"),
    (9, "The shipment has been processed in the destination parcel center", "in_transit"),
    (1, "The shipment has been loaded onto the delivery vehicle", "out_for_delivery"),
)
BODY = '{"data":{"type":"event","attributes":{"properties":{' + ",".join(
    f'"Property{n:02}":"what is told of a parcel {n:06}"' for n in range(16)
) + "}}}}"  # fmt: skip

Rows = Iterator[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel; `kind` decides what it is like, `closed` how many days ago it was delivered."""

    id: int
    kind: int
    brand: str
    number: str
    closed: int = 0
    due: bool = False

    @property
    def scans(self) -> tuple[tuple[int, str, str], ...]:
        """What is stored of its history: three to five scans."""
        return HISTORY[: 3 + self.kind % 3]


def told(number: str) -> tuple[tuple[int, str, str], ...]:
    """What DHL answers: all but the last scan, and one parcel in ten has moved on."""
    return HISTORY if number.endswith("0") else HISTORY[:-1]


def due(many: int, wanted: int = DUE) -> dict[int, int]:
    """The parcels that are asked about, by id: spread over all of a shop of so many."""
    return {1 + k * (many // wanted): k for k in range(wanted)}


def parcels(many: int, wanted: int) -> Iterator[Parcel]:
    """All parcels of a shop with so many open ones."""
    chosen, spread = due(many, wanted), [b for b, n in BRANDS.items() for _ in range(n)]
    for i in range(1, many + 1):
        if i in chosen:
            yield chosen_one(i, chosen[i])
        else:
            yield Parcel(i, i, spread[i % len(spread)], f"{OTHERS}{i:012}")
    for i in range(many + 1, many + many // 5 + 1):
        yield Parcel(i, i, spread[i % len(spread)], f"{OTHERS}{i:012}", closed=1 + i % 50)


def chosen_one(i: int, k: int, *, asked: bool = False) -> Parcel:
    """The parcel with the row id *i* that is, in any shop, number *k* of those asked about."""
    return Parcel(i, k, "dhl", f"{ASKED}{k:012}", due=asked)


def fill(settings: Settings, many: int, wanted: int) -> None:
    """Make the database, with nothing due."""
    open_store(settings).close()
    with closing(sqlite3.connect(settings.database, isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        for name, brand in (("dhl_unified", "dhl"), ("gls", "gls"), ("ups", "ups"), ("csv", "")):
            what = "carrier" if brand else "source"
            row = (what, name, brand, stamp(NOW - 90 * DAY))
            db.execute("INSERT INTO activations VALUES (?, ?, ?, ?)", row)
        _insert(db, lambda: parcels(many, wanted))
        db.execute("COMMIT")


def renew(path: Path, many: int, wanted: int) -> None:
    """Let the chosen parcels be as they were at first, and due."""
    mine = due(many, wanted)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys = ON")
        for i in mine:
            db.execute("DELETE FROM messages WHERE shipment_id = ?", (i,))
            db.execute("DELETE FROM shipments WHERE id = ?", (i,))
            db.execute("DELETE FROM orders WHERE id = ?", (i,))
        db.execute("DELETE FROM learned")
        db.execute("UPDATE carriers SET parcels_at = NULL")
        _insert(db, lambda: (chosen_one(i, k, asked=True) for i, k in mine.items()))


def _insert(db: sqlite3.Connection, all_of_them: Any) -> None:
    for sql, rows in (
        (_SHIPMENT, _shipments),
        ("INSERT INTO numbers VALUES (?, ?, ?)", _numbers),
        ("INSERT INTO orders (id, reference, subject) VALUES (?, ?, ?)", _orders),
        ("INSERT INTO shipment_orders VALUES (?, ?)", _links),
        (_SCAN, _scans),
        (_TRANSITION, _transitions),
        (_MESSAGE, _messages),
    ):
        db.executemany(sql, rows(all_of_them()))


def _values(table: str, columns: str) -> str:
    marks = ", ".join("?" * len(columns.split(", ")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"


_SHIPMENT = _values(
    "shipments",
    "id, brand, number, first_number, leg, direction, requested, source, taken_at, active_from,"
    " shipped_at, status, status_at, first_scan_at, last_scan_at, delivered_at, service, email,"
    " language, country, items, carrier, found_at, checked_at, calls_day, calls_made,"
    " next_poll_at, watch_at, closed_at, closed_reason",
)
_SCAN = _values(
    "scans",
    "shipment_id, at, position, carrier, origin, code, listed, status, text, place, seen_at",
)
_TRANSITION = _values(
    "transitions", "shipment_id, word, attempt, ordinal, at, previous, recorded_at"
)
_MESSAGE = _values(
    "messages",
    "id, kind, ordinal, subject, shipment_id, order_id, occurred_at, due_at, state, reason,"
    " recipient, metric, body, attempts, attempted_at, decided_at, created_at",
)


def _shipments(found: Iterable[Parcel]) -> Rows:
    for p in found:
        over = p.closed and stamp(NOW - p.closed * DAY)
        begun, last = _at(p, p.scans[1][0]), _at(p, p.scans[-1][0])
        look = NOW - HOUR if p.due else NOW + HOUR + p.kind % 1400 * timedelta(minutes=1)
        watch = NOW + (1 + p.kind % 50) * DAY
        yield (
            *(p.id, p.brand, p.number, p.number, 1, "outbound", 1, "csv"),
            *(_at(p, 49), stamp(NOW - 90 * DAY), _at(p, 49)),
            *("delivered" if over else "in_transit", over or last, begun, last, over or None),
            *("parcel-de", f"kunde-{p.id}@shop.invalid", "de", "DE"),
            '[{"name": "Artikel", "quantity": 1}]',
            *("dhl_unified", begun, _at(p, 5), str(NOW.date()), p.kind % 4),
            *(None if over else stamp(look), None if over else stamp(watch)),
            *(over or None, "delivered" if over else ""),
        )


def _numbers(found: Iterable[Parcel]) -> Rows:
    return ((p.brand, p.number, p.id) for p in found)


def _orders(found: Iterable[Parcel]) -> Rows:
    return ((p.id, f"R{p.id}", f"order:R{p.id}") for p in found)


def _links(found: Iterable[Parcel]) -> Rows:
    return ((p.id, p.id) for p in found)


def _scans(found: Iterable[Parcel]) -> Rows:
    for p in found:
        for position, (hours, text, status) in enumerate(p.scans):
            code = f"parcel-de|{text.lower()}"
            yield (
                *(p.id, _at(p, hours), position, "dhl_unified", "carrier", code, 1, status),
                *(text, f"Depot {position}", _at(p, hours)),
            )


def _transitions(found: Iterable[Parcel]) -> Rows:
    for p in found:
        yield p.id, "dispatched", "", 1, _at(p, 40), "announced", _at(p, 39)
        yield p.id, "in_transit", "", 1, _at(p, 30), "dispatched", _at(p, 29)


def _messages(found: Iterable[Parcel]) -> Rows:
    for p in found:
        subject, told_at = f"parcel:{p.brand}:{p.number}:1", _at(p, 39)
        yield (
            *(_id(p, 1), "dispatched", 1, subject, p.id, None, _at(p, 40), told_at, "accepted"),
            *("", _id(p, 4), "Shipment Dispatched", BODY, 1, told_at),
            *(told_at, told_at),
        )
        yield (
            *(_id(p, 2), "in_transit", 1, subject, p.id, None, _at(p, 30), told_at, "withheld"),
            *("not enabled", None, None, None, 0, None, _at(p, 29), _at(p, 29)),
        )
        if 0 < p.closed <= 3:
            when = stamp(NOW + HOUR + (3 - p.closed) * DAY)
            yield (
                *(_id(p, 3), "review_request", 1, subject, p.id, p.id, when, when, "owed"),
                *("", None, None, None, 0, None, _at(p, 0), _at(p, 0)),
            )


def _at(p: Parcel, hours: int) -> str:
    """So many hours ago, or before its delivery; the same minute for no two neighbours."""
    return _moment(p.closed, hours, 0 if p.number.startswith(ASKED) else p.kind % 59)


@cache
def _moment(days: int, hours: int, minutes: int) -> str:
    return stamp(NOW - timedelta(days=days, hours=hours, minutes=minutes))


def _id(p: Parcel, nth: int) -> str:
    """As scattered as the real ones are."""
    digest = hashlib.blake2b(f"{p.number} {nth}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=5))
