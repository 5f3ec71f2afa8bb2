"""The parts of one parcel in a Hermes answer: codes, order of scans, forecast, ParcelShop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.model import Estimate, Pickup, Scan, Status

ZONE = "Europe/Berlin"

_LONG = re.compile(r"(\d{1,3})-(\d{1,3})-(\d{1,3})", re.ASCII)
_SHORT = re.compile(r"(\d{1,2})-(\d{1,2})", re.ASCII)
_WAITS_IN_SHOP = ("3410", "055001")
_SHOP = re.compile(r"collection from the Hermes ParcelShop ([^#]+)")
_SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def spelt(code: object) -> str:
    """Return *code* as the table writes it: four digits, or nine.

    A bare JSON number may have lost its zeros (3000 is 3000 or 000003000, two different events),
    so it gets a key of its own, which is not listed.
    """
    if not isinstance(code, str):
        return "" if code is None else f"number {code}"
    code = code.strip()
    for form, width in ((_LONG, 3), (_SHORT, 2)):
        if parts := form.fullmatch(code):
            return "".join(part.zfill(width) for part in parts.groups())
    return code


def newest_first(scans: Iterable[Scan]) -> list[Scan]:
    """Turn the list if its stamps rise: Hermes does not say which way it sorts."""
    listed = list(scans)
    steps = [(later.at > one.at) - (later.at < one.at) for one, later in pairwise(listed)]
    return listed[::-1] if sum(steps) > 0 else listed


def estimate(forecast: Any) -> Estimate | None:
    """Return the forecast; one that cannot be read is none, a broken window leaves the day."""
    try:
        day = date.fromisoformat(forecast["date"])
    except _SHAPE:
        return None
    try:
        slot = forecast["timeSlot"]
        begins, ends = (_moment(day, slot[edge]) for edge in ("from", "to"))
    except _SHAPE:
        return Estimate(day)
    return Estimate(day, begins, ends)


def pickup(scans: Sequence[Scan]) -> Pickup | None:
    """Return the ParcelShop of the newest scan that says the parcel waits in one."""
    waiting = [scan for scan in scans if scan.status is Status.READY_FOR_PICKUP]
    if not waiting or not waiting[-1].code.startswith(_WAITS_IN_SHOP):
        return None
    shop = _SHOP.search(waiting[-1].text)
    return Pickup("shop", shop[1].rstrip(" .") if shop else "")


def place(event: Any) -> str:
    """Return town and country of the scan."""
    unit = event.get("scanningUnit") or {}
    return ", ".join(str(unit[key]) for key in ("city", "countryCode") if unit.get(key))


def _moment(day: date, clock: str) -> datetime:
    moment = datetime.fromisoformat(f"{day}T{clock}")
    return moment.replace(tzinfo=moment.tzinfo or ZoneInfo(ZONE)).astimezone(UTC)
