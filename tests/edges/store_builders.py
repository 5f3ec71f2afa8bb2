"""Small stores, parcels and messages for the tests of the store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tracker_sync.messages.message import Message, unique_id
from tracker_sync.model import Meaning, Problem, Scan, Status
from tracker_sync.store import Frozen, Store, stamp

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SHOP = "muster-shop"
ZONES = {"dhl": "Europe/Berlin"}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REPOSITORY = Path(__file__).resolve().parents[2]


def opened(path: Path, shop: str = SHOP) -> Store:
    return Store(path, shop=shop, zones=ZONES)


def raw(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """Another program that looks into the file; in autocommit."""
    return sqlite3.connect(path, timeout=timeout, isolation_level=None)


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What another program reads there."""
    with closing(raw(path)) as other:
        return other.execute(sql).fetchall()


def number(serial: int) -> str:
    return f"00340434{serial:012d}"


def parcel(store: Store, serial: int = 1, **columns: Any) -> int:
    """Add a parcel; return its id."""
    return store.shipments.insert(
        {
            "brand": "dhl",
            "number": number(serial),
            "first_number": number(serial),
            "leg": 1,
            "direction": "outbound",
            "requested": 1,
            "source": "csv",
            "taken_at": stamp(NOW),
            "active_from": stamp(NOW - 30 * DAY),
            "next_poll_at": stamp(NOW),
            **columns,
        }
    )


def owing(shipment_id: int | None, kind: str = "delivered", **fields: Any) -> Message:
    """A message about a parcel, due now."""
    subject = f"parcel:dhl:{shipment_id}:1"
    values: dict[str, Any] = {
        "id": unique_id(SHOP, subject, kind, fields.get("ordinal", 1)),
        "subject": subject,
        "occurred_at": NOW,
        "due_at": NOW,
        **fields,
    }
    return Message(kind=kind, shipment_id=shipment_id, **values)


def attempted(store: Store, message: Message, recipient: str, when: datetime = NOW) -> Frozen:
    """Owe a message and freeze it, as if it was just tried."""
    store.outbox.owe(message, NOW)
    frozen = Frozen(message.id, message.kind, recipient, "{}", False, 1, message.occurred_at)
    store.outbox.freeze(frozen, "Shipment Delivered", when)
    return frozen


def state_of(store: Store, message_id: str) -> str:
    row = store.outbox.get(message_id)
    assert row is not None
    return str(row["state"])


def scanned(
    minutes: int, status: Status | None = Status.IN_TRANSIT, code: str = "", **fields: Any
) -> Scan:
    """A scan some minutes after nine whose code, unless given, is its status."""
    problem: Problem | None = fields.pop("problem", None)
    meaning = fields.pop("meaning", Meaning(status, problem))
    return Scan(NOW + minutes * MINUTE, code or str(status), meaning, **fields)


def python(script: str, *arguments: object, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Another process that runs *script*; it finds this module and the package."""
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests"), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=cwd,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def together(starts: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until each of them says "ready", then let all go on."""
    for each in starts:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in starts:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()


def outcome(process: subprocess.Popen[str]) -> str:
    """What a process that ended well printed."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()
