"""How a GLS answer is built: the gateway's faults, parcels and what was requested, places."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from tracker_sync.model import Reading

THROTTLED = re.compile(r"ratelimit|QuotaViolation|SpikeArrest")
REFUSED = re.compile(r"steps\.(jwt|oauth)|oauth\.v2|keymanagement")
_CHECK_DIGIT = 1  # `unitno` has one digit less than the number on the label


def fault(payload: Any) -> str:
    """Return the gateway's own error code, "" for an answer of the service behind it."""
    match payload:
        case {"fault": {"detail": {"errorcode": str(code)}}}:
            return code
        case {"fault": _}:
            return "fault"
    return ""


def fault_of(response: httpx.Response) -> str:
    """Return the fault of an error answer; none where something else answers, in HTML."""
    try:
        return fault(response.json())
    except (ValueError, RecursionError):
        return ""


def parcels(payload: Any) -> list[Any]:
    """Return the entries of an answer; none for one that says "not found" to all of it."""
    if "parcels" in payload:
        return list(payload["parcels"])
    if payload.get("status") == httpx.codes.NOT_FOUND or absent(payload):
        return []
    return list(payload["parcels"])


def absent(entry: Any) -> bool:
    """Tell whether an entry is an error about one number, which says nothing about the others."""
    return bool(entry.get("errorCode"))


def broken(entry: Any) -> bool:
    """Tell whether GLS failed, rather than the number."""
    return str(entry.get("errorCode")).startswith("E_5")


def requested(entry: Any) -> str:
    """Return the number as it was asked; `unitno` lacks the check digit, so it is another one."""
    return str(entry["requested"])


def named(number: str | None, among: list[Any]) -> list[Any]:
    """Pick the parcels of *number*: what bears it counts before what only refers to it."""
    hits = [e for e in among if _spelt(requested(e)) == _spelt(number) and not absent(e)]
    return [entry for entry in hits if _bears(entry, _spelt(number))] or hits


def newest(reading: Reading) -> datetime:
    """Return when anything was scanned last: GLS uses its numbers again."""
    return reading.scans[-1].at if reading.scans else datetime.min.replace(tzinfo=UTC)


def dated(parcel: Any) -> list[Any]:
    """Return the events that say when they happened."""
    return [event for event in parcel.get("events") or () if event.get("eventDateTime")]


def place(event: Any) -> str:
    """Return town and country."""
    return ", ".join(filter(None, (str(event.get(key) or "") for key in ("city", "country"))))


def _bears(entry: Any, number: str) -> bool:
    printed = _spelt(entry.get("unitno"))
    return printed in (number, number[:-_CHECK_DIGIT])


def _spelt(number: object) -> str:
    return str(number).strip().upper()
