"""What a rehearsal would have told whom: the messages it decided about, and why.

Floor 4.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tracker_sync.cli import common
from tracker_sync.store import Store, stamp, unstamp

_ACTIONS = {"accepted": "send", "owed": "wait", "withheld": "withhold", "set_aside": "withhold"}
_PAGE = 500


@contextmanager
def written(store: Store, now: datetime) -> Iterator[list[dict[str, Any]]]:
    """Note what is decided meanwhile; the list is filled at the end."""
    before = {row["id"] for row in _decided(store, now)}
    parts: list[dict[str, Any]] = []
    yield parts
    new = [row for row in _decided(store, now) if row["id"] not in before]
    new.sort(key=lambda row: (row["occurred_at"], row["id"]))
    parts.extend(_part(store, row) for row in new)


def show(parts: list[dict[str, Any]]) -> None:
    """Print what would be sent, what would not, and why."""
    names = ("action", "kind", "number", "order", "recipient", "occurred_at", "due_at", "reason")
    if parts:
        rows = ([part[name] for name in names] for part in parts)
        common.show(common.table([name.replace("_at", "") for name in names], rows))
    sent = sum(part["action"] == "send" for part in parts)
    common.show(f"{sent} would be sent; nothing was.")


def _decided(store: Store, now: datetime) -> list[sqlite3.Row]:
    """The messages that were decided about, or owed, at *now*; the newest come first."""
    limit = _PAGE
    while True:
        rows = store.outbox.listed(list(_ACTIONS), limit)
        if len(rows) < limit or unstamp(rows[-1]["decided_at"]) < now:
            return [row for row in rows if row["decided_at"] == stamp(now)]
        limit *= 4


def _part(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    """One message: what becomes of it, and why; nobody can be recognised."""
    known = row["shipment_id"] is not None
    shipment = store.shipments.get(row["shipment_id"]) if known else None
    orders = shipment.orders if shipment else ()
    waits = row["state"] == "owed" and not row["attempts"]
    return {
        "action": _ACTIONS[row["state"]] if waits or row["state"] != "owed" else "send",
        "kind": row["kind"],
        "metric": row["metric"],
        "number": common.tail(shipment.number) if shipment else "",
        "order": ", ".join(order.reference for order in orders if order.reference),
        "recipient": common.masked(shipment.recipient) if shipment else "",
        "occurred_at": row["occurred_at"],
        "due_at": row["due_at"] if waits else None,
        "reason": row["reason"],
    }
