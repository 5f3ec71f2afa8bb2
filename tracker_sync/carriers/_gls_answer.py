"""How a GLS answer is built: the gateway's faults, parcels and what was requested, places."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tracker_sync.errors import Rejected, Throttled

_THROTTLED = re.compile(r"ratelimit|QuotaViolation|SpikeArrest")
_REFUSED = re.compile(r"steps\.(jwt|oauth)|oauth\.v2|keymanagement")
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


def complain(peer: str, code: str, wait: float | None = None) -> None:
    """Raise for the gateway's codes that are about us."""
    if _THROTTLED.search(code):
        raise Throttled(peer, wait)
    if _REFUSED.search(code):
        text = "token or app refused: check client_id, client_secret"
        raise Rejected(peer, text, status=401)


def parcels(payload: Any) -> list[Any]:
    """Return the entries of an answer; none for one that says "not found" to all of it."""
    if "parcels" in payload:
        return list(payload["parcels"])
    if broken(payload):
        return [payload]
    if payload.get("status") == httpx.codes.NOT_FOUND or absent(payload):
        return []
    return list(payload["parcels"])


def absent(entry: Any) -> bool:
    """Tell whether an entry is an error about one number, which says nothing about the others."""
    return str(entry.get("errorCode") or "").startswith("E_4")


def broken(entry: Any) -> bool:
    """Tell whether GLS failed, rather than the number; so does an error that nobody knows."""
    return bool(entry.get("errorCode")) and not absent(entry)


def requested(entry: Any) -> str:
    """Return the number as it was asked; `unitno` lacks the check digit, so it is another one."""
    return str(entry["requested"])


def named(number: str | None, among: list[Any]) -> list[Any]:
    """Pick the parcels of *number*: what bears it counts before what only refers to it."""
    hits = [e for e in among if _spelt(requested(e)) == _spelt(number) and not absent(e)]
    return [entry for entry in hits if _bears(entry, _spelt(number))] or hits


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
