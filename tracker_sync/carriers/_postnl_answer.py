"""What a PostNL answer is built of: leftovers of XML, whose parcel it is, forecast, changes.

The JSON was XML once: nothing is written {}, and a list of one is the one thing itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx

from tracker_sync.carriers._whose import stranger
from tracker_sync.carriers.errands import Feed, Window
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.model import Estimate, Reading

_TOO_FAST = re.compile(rb"requests?\s*(?:/|per)\s*second|rate limit", re.IGNORECASE)
# PostNL takes two hours and keeps two days. Where clocks are changed a window is an hour longer
# than it looks, and a call may start minutes after its pass.
_MINUTE = timedelta(minutes=1)
FEED = Feed(every=10 * _MINUTE, window=60 * _MINUTE, reach=2865 * _MINUTE, overlap=5 * _MINUTE)


class Entry(NamedTuple):
    """A status or an event: when by the clocks of Amsterdam, which code, in which words."""

    at: datetime
    code: str
    words: str


def many(node: Any) -> list[Any]:
    """Return a list, whether there is one, one thing alone, or {} for nothing."""
    if isinstance(node, list):
        return [thing for thing in node if thing]
    return [node] if node else []


def text(node: Any, key: str) -> str:
    """Return what *node* says under *key*; "" for {} and for nothing."""
    return str(said).strip() if isinstance(said := node.get(key), str | int) else ""


def shipments(payload: Any) -> list[Any]:
    """Return the parcels of an answer, whichever of its two names it goes by."""
    for name in ("CompleteStatus", "CurrentStatus"):
        if name in payload:
            return many((payload[name] or {}).get("Shipment"))
    if absent(payload):
        return []
    raise KeyError("CompleteStatus")


def absent(payload: Any) -> bool:
    """Tell whether PostNL says that it knows nothing: warning 2."""
    told = payload.get("Warnings")
    warnings = many(told.get("Warning", told) if isinstance(told, dict) else told)
    return any(text(warning, "Code") == "2" for warning in warnings)


def nothing(payload: Any, asked: Sequence[str]) -> list[Reading]:
    """Read an answer without a parcel: not found where PostNL says so, else no answer at all."""
    known = absent(payload)
    return [Reading(n, not_found=known, unanswered=not known) for n in asked or (None,)]


def too_fast(response: httpx.Response) -> bool:
    """Tell a bad request that is one too many from a bad number."""
    return response.status_code == 400 and _TOO_FAST.search(response.content) is not None


def meant(number: str, parcels: list[Any]) -> list[Any]:
    """Pick the parcels *number* was asked for: of an order's several those that bear it."""
    names = [text(parcel, name) for parcel in parcels for name in ("Barcode", "MainBarcode")]
    if len(parcels) == 1 and not stranger(names, number):
        return parcels
    return [parcel for parcel in parcels if text(parcel, "Barcode").upper() == number.upper()]


def estimate(parcel: Any, when: Callable[[str], datetime]) -> Estimate | None:
    """Return the forecast, a day by the clocks it is written in; an unreadable one is none."""
    try:
        begins, ends = (parcel["Expectation"][edge] for edge in ("ETAFrom", "ETATo"))
        return Estimate(datetime.fromisoformat(begins).date(), when(begins), when(ends))
    except SHAPE:
        return None


def bounds(window: Window, zone: str) -> list[tuple[str, str]]:
    """Return *window* by wall clocks; each bound by the one that catches more if they change."""
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in (window.since, window.until)]
    shifts = [offset or timedelta(0) for offset in offsets]
    edges = window.since + min(shifts), window.until + max(shifts)
    return [("period", f"{edge:%Y-%m-%dT%H:%M:%S}") for edge in edges]


def changes(payload: Any, plain: Collection[str]) -> tuple[dict[str, list[Entry]], tuple[str, ...]]:
    """Return parcels with all that happened, and the numbers that need a look-up for it."""
    if isinstance(payload, dict) and payload and "Barcode" not in payload and not absent(payload):
        raise KeyError("Barcode")
    known: dict[str, list[Entry]] = {}
    listed = [change for change in many(payload) if text(change, "Barcode")]
    for change in listed:
        known.setdefault(text(change, "Barcode"), []).extend(_plain(change, plain))
    moved = {text(change, "Barcode") for change in listed if not _plain(change, plain)}
    return {n: told for n, told in known.items() if n not in moved}, tuple(sorted(moved))


def _plain(change: Any, plain: Collection[str]) -> list[Entry]:
    """What a change says by itself; nothing for a status that is not plain, or not dated."""
    try:
        status, at = change["Status"], datetime.fromisoformat(change["Status"]["Timestamp"])
        entry = Entry(at, text(status, "StatusCode"), text(status, "StatusDescription"))
    except SHAPE:
        return []
    return [entry] if entry.code in plain else []
