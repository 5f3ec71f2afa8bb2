"""Between rows and values: shipments, scans, messages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from tracker_sync.messages.message import Message
from tracker_sync.model import (
    Detail,
    Direction,
    Estimate,
    Item,
    Meaning,
    Order,
    Origin,
    Pickup,
    Problem,
    Reading,
    Recipient,
    Scan,
    Shipment,
    State,
    Status,
)
from tracker_sync.store.connection import maybe_stamp, maybe_unstamp, stamp, unstamp
from tracker_sync.store.memory import Told


def shipment(
    row: sqlite3.Row | Mapping[str, Any],
    *,
    zone: str,
    numbers: Iterable[str],
    orders: Iterable[Order],
) -> Shipment:
    """A shipment from its row and what hangs on it."""
    return Shipment(
        id=row["id"],
        brand=row["brand"],
        zone=zone,
        number=row["number"],
        first_number=row["first_number"],
        numbers=tuple(numbers),
        leg=row["leg"],
        direction=Direction(row["direction"]),
        requested=bool(row["requested"]),
        taken_at=unstamp(row["taken_at"]),
        shipped_at=maybe_unstamp(row["shipped_at"]),
        active_from=unstamp(max(row["active_from"], row["brand_from"] or "")),
        closed_at=maybe_unstamp(row["closed_at"]),
        closed_reason=row["closed_reason"],
        state=state(row),
        estimate=_estimate(row),
        pickup=_pickup(row["pickup"]),
        service=row["service"],
        reroute_url=row["reroute_url"],
        recipient=recipient(row),
        language=row["language"],
        destination_country=row["country"],
        order_url=row["order_url"],
        items=tuple(
            Item(**{**i, "categories": tuple(i.get("categories", ()))})
            for i in json.loads(row["items"])
        ),
        properties=json.loads(row["properties"]),
        orders=tuple(orders),
        checked_at=maybe_unstamp(row["checked_at"]),
        found_at=maybe_unstamp(row["found_at"]),
    )


def state(row: sqlite3.Row | Mapping[str, Any]) -> State:
    """The state as last recorded."""
    return State(
        status=Status(row["status"]) if row["status"] else None,
        status_at=maybe_unstamp(row["status_at"]),
        detail=Detail(row["detail"]) if row["detail"] else None,
        problems=frozenset(map(Problem, row["problems"].split())),
        first_scan_at=maybe_unstamp(row["first_scan_at"]),
        last_scan_at=maybe_unstamp(row["last_scan_at"]),
        delivered_at=maybe_unstamp(row["delivered_at"]),
        turned=bool(row["turned"]),
    )


def state_columns(state: State) -> dict[str, Any]:
    """The columns a state is kept in."""
    return {
        "status": state.status,
        "status_at": maybe_stamp(state.status_at),
        "detail": state.detail,
        "problems": " ".join(sorted(state.problems)),
        "turned": int(state.turned),
        "first_scan_at": maybe_stamp(state.first_scan_at),
        "last_scan_at": maybe_stamp(state.last_scan_at),
        "delivered_at": maybe_stamp(state.delivered_at),
    }


def reading_columns(reading: Reading) -> dict[str, Any]:
    """What else an answer says; blank where it says nothing, which erases nothing."""
    columns: dict[str, Any] = {"service": reading.service, "reroute_url": reading.reroute_url}
    if reading.estimate:
        columns["estimate_day"] = reading.estimate.day.isoformat()
        columns["estimate_from"] = maybe_stamp(reading.estimate.begins)
        columns["estimate_to"] = maybe_stamp(reading.estimate.ends)
        first, slipped_at = reading.estimate.first, reading.estimate.slipped_at
        columns["estimate_first"] = first.isoformat() if first else None
        columns["estimate_slipped_at"] = maybe_stamp(slipped_at)
    if reading.pickup:
        p = reading.pickup
        columns["pickup"] = json.dumps(
            {"type": p.type, "name": p.name, "address": p.address, "until": maybe_stamp(p.until)},
            ensure_ascii=False,
        )
    kept = {"estimate_from", "estimate_to", "estimate_slipped_at"} & {*columns}  # may be taken back
    return {n: value for n, value in columns.items() if n in kept or value not in ("", None)}


def recipient(row: sqlite3.Row | Mapping[str, Any]) -> Recipient:
    """Who is told."""
    consent = None if row["consent"] is None else bool(row["consent"])
    return Recipient(row["email"], row["phone"], row["external_id"], consent)


def order(row: sqlite3.Row) -> Order:
    """An order from its row."""
    return Order(
        id=row["id"],
        reference=row["reference"],
        subject=row["subject"],
        order_id=row["order_id"],
        parcel_count=row["parcel_count"],
    )


def scan(row: sqlite3.Row) -> Scan:
    """A scan as it was understood when it was first seen."""
    meaning = Meaning(
        status=Status(row["status"]) if row["status"] else None,
        problem=Problem(row["problem"]) if row["problem"] else None,
        detail=Detail(row["detail"]) if row["detail"] else None,
        revokes=bool(row["revokes"]),
    )
    return Scan(
        unstamp(row["at"]),
        row["code"],
        meaning if row["listed"] else None,
        row["text"],
        row["place"],
        Origin(row["origin"]),
    )


def differs(scan: Scan, stored: Told) -> bool:
    """Whether a scan is explained otherwise than it is stored."""
    return scan.status is not None and (scan.status, scan.problem) != stored


def scan_values(scan: Scan, position: int) -> tuple[Any, ...]:
    """The columns of a scan from `at` to `place`, without the carrier."""
    meaning = scan.meaning or Meaning()
    return (
        stamp(scan.at),
        position,
        scan.origin,
        scan.code,
        int(scan.meaning is not None),
        meaning.status,
        meaning.problem,
        meaning.detail,
        int(meaning.revokes),
        scan.text,
        scan.place,
    )


def message_values(message: Message) -> tuple[Any, ...]:
    """The columns of a message from `id` to `backfill`, as it is when first owed."""
    return (
        message.id,
        message.kind,
        message.ordinal,
        message.subject,
        message.shipment_id,
        message.order_id,
        message.attempt,
        stamp(message.occurred_at),
        stamp(message.due_at),
        int(message.backfill),
    )


def message(row: sqlite3.Row) -> Message:
    """A message from its row."""
    return Message(
        id=row["id"],
        kind=row["kind"],
        subject=row["subject"],
        ordinal=row["ordinal"],
        shipment_id=row["shipment_id"],
        order_id=row["order_id"],
        occurred_at=unstamp(row["occurred_at"]),
        due_at=unstamp(row["due_at"]),
        attempt=row["attempt"],
        backfill=bool(row["backfill"]),
        attempts=row["attempts"],
    )


def _estimate(row: sqlite3.Row | Mapping[str, Any]) -> Estimate | None:
    if row["estimate_day"] is None:
        return None
    return Estimate(
        date.fromisoformat(row["estimate_day"]),
        maybe_unstamp(row["estimate_from"]),
        maybe_unstamp(row["estimate_to"]),
        date.fromisoformat(row["estimate_first"]) if row["estimate_first"] else None,
        maybe_unstamp(row["estimate_slipped_at"]),
    )


def _pickup(text: str | None) -> Pickup | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Pickup(fields["type"], fields["name"], fields["address"], maybe_unstamp(fields["until"]))
