"""The parts of an answer of DHL's unified API: its events, what it promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.model import Estimate, Pickup, Scan, Status

Clock = Callable[[str], datetime]


def problem_number(problem: dict[str, Any], asked: Sequence[str]) -> str | None:
    """Return the number a "not found" is about, None where nothing names it."""
    named = re.fullmatch(r"/shipments?/(\w+)", str(problem.get("instance")))
    return asked[0] if asked else named and named[1]


def dated(shipment: dict[str, Any], when: Clock) -> list[dict[str, Any]]:
    """Return the events that have a date, the status in front where it is news beside them."""
    events = [event for event in shipment.get("events") or () if event.get("timestamp")]
    status = shipment.get("status") or {} if events else shipment["status"]
    newest = max((when(event["timestamp"]) for event in events), default=None)
    if status.get("timestamp") and (newest is None or when(status["timestamp"]) > newest):
        return [status, *events]
    return events


def besides(
    shipment: dict[str, Any], pairs: Iterable[tuple[Scan, dict[str, Any]]], when: Clock, zone: str
) -> dict[str, Any]:
    """Return the fields of a reading that are no scans."""
    return {
        "estimate": estimate(shipment, when, zone),
        "pickup": pickup(pairs),
        "service": str(shipment.get("service") or ""),
        "reroute_url": str(shipment.get("rerouteUrl") or ""),
    }


def estimate(shipment: dict[str, Any], when: Clock, zone: str) -> Estimate | None:
    """Return the forecast; one that cannot be read is none."""
    frame = shipment.get("estimatedDeliveryTimeFrame") or {}
    stamps = (frame.get("estimatedFrom"), frame.get("estimatedThrough"))
    try:
        begins, ends = (when(stamp) if stamp else None for stamp in stamps)
        point = shipment.get("estimatedTimeOfDelivery")
        day = when(point) if point else ends or begins
    except (ValueError, TypeError, AttributeError):
        return None
    return Estimate(day.astimezone(ZoneInfo(zone)).date(), begins, ends) if day else None


def pickup(pairs: Iterable[tuple[Scan, dict[str, Any]]]) -> Pickup | None:
    """Return the service point of the newest scan that says the parcel waits there."""
    waiting = [(s.at, e["location"]) for s, e in pairs if _waits(s) and e.get("location")]
    if not waiting:
        return None
    at = max(at for at, _ in waiting)
    location = next(location for moment, location in waiting if moment == at)
    name = str((location.get("servicePoint") or {}).get("label") or "")
    address = location.get("address") or {}
    lines = (
        str(address.get("streetAddress") or ""),
        f"{address.get('postalCode') or ''} {address.get('addressLocality') or ''}".strip(),
    )
    return Pickup(_kind(name), name, ", ".join(filter(None, lines))) if name else None


def _waits(scan: Scan) -> bool:
    return scan.status is Status.READY_FOR_PICKUP


def _kind(name: str) -> str:
    """Tell lockers, branches and shops apart by the words DHL puts on them."""
    words = {
        "locker": r"packstation|locker|poststation",
        "branch": r"filiale|post ?office|postamt",
        "shop": r"shop|service ?point",
    }
    named = (kind for kind, word in words.items() if re.search(word, name, re.IGNORECASE))
    return next(named, "")
