"""Read the rows of many parcels with one question a table, into the memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

from tracker_sync.store import rows
from tracker_sync.store.connection import Connection

_AMONG = "IN (SELECT value FROM json_each(?))"


def recall(
    db: Connection, select: str, shipment_ids: Iterable[int], *, histories: Collection[int]
) -> None:
    """Remember some parcels, the parcels they share orders with, and the histories of a few.

    *select*: how a parcel's row is read, as `s`.
    """
    asked = set(shipment_ids)
    db.settle()
    memory = db.memory
    memory.forget()
    parcels_of = _together(
        db,
        "SELECT DISTINCT o.order_id, o.shipment_id FROM shipment_orders o"
        " JOIN shipment_orders a ON a.order_id = o.order_id WHERE a.shipment_id {among}"
        " ORDER BY o.shipment_id",
        asked,
    )
    known = sorted(asked.union(*parcels_of.values()))
    memory.orders_of = {shipment_id: [] for shipment_id in known} | _together(
        db,
        "SELECT shipment_id, order_id FROM shipment_orders WHERE shipment_id {among}"
        " ORDER BY order_id",
        known,
    )
    memory.numbers = _together(
        db,
        "SELECT shipment_id, number FROM numbers WHERE shipment_id {among} ORDER BY number",
        known,
    )
    _orders(db, {order_id for ids in memory.orders_of.values() for order_id in ids})
    if histories:
        memory.scans, memory.told = _scans(db, histories), _told(db, histories)
        memory.messages = _messages(db, histories)
    memory.parcels_of = parcels_of
    found = db.rows(f"{select} WHERE s.id {_AMONG}", _list(known))
    memory.parcels = {row["id"]: dict(row) for row in found}


def _together(db: Connection, sql: str, ids: Iterable[int]) -> dict[int, list[Any]]:
    """The second column of a question about many, by the first."""
    groups: dict[int, list[Any]] = {}
    for key, value in db.rows(sql.format(among=_AMONG), _list(ids)):
        groups.setdefault(key, []).append(value)
    return groups


def _orders(db: Connection, ids: Iterable[int]) -> None:
    for row in db.rows(f"SELECT * FROM orders WHERE id {_AMONG}", _list(ids)):  # noqa: S608
        db.memory.orders[row["id"]] = rows.order(row)
        db.memory.completed[row["id"]] = row["completed_at"]


def _scans(db: Connection, asked: Iterable[int]) -> dict[int, list[sqlite3.Row]]:
    found = db.rows(
        f"SELECT * FROM scans WHERE shipment_id {_AMONG} ORDER BY at, position, id",  # noqa: S608
        _list(asked),
    )
    scans: dict[int, list[sqlite3.Row]] = {shipment_id: [] for shipment_id in asked}
    for row in found:
        scans[row["shipment_id"]].append(row)
    return scans


def _told(db: Connection, asked: Iterable[int]) -> dict[int, set[tuple[str, str]]]:
    found = db.rows(
        "SELECT shipment_id, word, attempt FROM transitions"  # noqa: S608  a constant
        f" WHERE shipment_id {_AMONG}",
        _list(asked),
    )
    told: dict[int, set[tuple[str, str]]] = {shipment_id: set() for shipment_id in asked}
    for row in found:
        told[row["shipment_id"]].add((row["word"], row["attempt"]))
    return told


def _messages(db: Connection, asked: Iterable[int]) -> set[str]:
    """The ids of what was ever owed about some parcels and their orders."""
    found = db.rows(
        f"SELECT id FROM messages WHERE shipment_id {_AMONG} UNION ALL"  # noqa: S608  a constant
        " SELECT id FROM messages WHERE order_id IN"
        f" (SELECT order_id FROM shipment_orders WHERE shipment_id {_AMONG})",
        *(_list(asked), _list(asked)),
    )
    return {row["id"] for row in found}


def _list(ids: Iterable[int]) -> str:
    return json.dumps(sorted(ids))
