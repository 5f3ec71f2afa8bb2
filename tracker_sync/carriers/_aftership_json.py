"""How an AfterShip answer is built: envelope, trackings, couriers, promises.

The date versions and v4 (2020 to 2023) share tags and subtags and differ in the envelope.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tracker_sync.carriers._text import shown
from tracker_sync.carriers.errands import Window
from tracker_sync.model import Estimate, Pickup

PAGE = 200
_KEPT = timedelta(days=119)  # AfterShip keeps 120, and lists fewer unless it is told
_EXISTS = 4003
_WHY = {4004: "AfterShip does not know it", 4012: "AfterShip cannot tell the courier: name it"}
_MOMENT = re.compile(r"[0-9]{10}")  # seconds since 1970; a shorter figure would be a pause


def changed(window: Window) -> dict[str, Any]:
    """Return the question for what changed in *window*."""
    query = {"updated_at_min": window.since, "updated_at_max": window.until}
    query["created_at_min"] = window.until - _KEPT
    stamps = {name: at.isoformat() for name, at in query.items()}
    return {**stamps, "limit": PAGE, **({"cursor": window.page} if window.page else {})}


def code(payload: Any) -> int:
    """Return what AfterShip says of the call itself; KeyError where it says nothing."""
    return int(payload["meta"]["code"])


def refused(payload: Any) -> str:
    """Return why a number is not watched; blank where it is."""
    said = code(payload)
    return "" if said in (200, 201, _EXISTS) else _WHY.get(said, f"AfterShip answers {said}")


def trackings(payload: Any) -> list[Any]:
    """Return the trackings of an answer: a list, or one alone in two envelopes."""
    data = payload["data"]
    found = data["trackings"] if "trackings" in data else [data.get("tracking") or data]
    named = [each for each in found if isinstance(each.get("tracking_number"), str)]
    if found and not named:
        raise ValueError("trackings without a number")
    return named


def next_cursor(payload: Any) -> str:
    """Return where the next page begins; blank = there is none."""
    pages = payload["data"].get("pagination") or {}
    return str(pages.get("next_cursor") or "") if pages.get("has_next_page") else ""


def plain(number: str) -> str:
    """Return *number* in one spelling."""
    return re.sub(r"[\W_]", "", number).upper()


def checkpoints(tracking: Any) -> list[Any]:
    """Return the dated entries, oldest first; v4 may send the newest one alone."""
    found = tracking.get("checkpoints") or [tracking.get("checkpoint") or {}]
    return [each for each in found if each.get("checkpoint_time")]


def promises(tracking: Any) -> dict[str, Any]:
    """Return the fields of a reading that are no scans."""
    names = ("pickup_location", "shipment_type", "courier_redirect_link")
    point, service, link = (shown(word(tracking, name)) for name in names)
    return {
        "estimate": _estimate(tracking),
        "pickup": Pickup(address=point) if point else None,
        "service": service,
        "reroute_url": link if link.startswith("https://") else "",
    }


def place(checkpoint: Any) -> str:
    """Return where a scan was made."""
    parts = (word(checkpoint, name) for name in ("city", "state", "country_region_name"))
    return shown(word(checkpoint, "location") or ", ".join(filter(None, parts)))


def word(block: Any, key: str) -> str:
    """Return one field of *block* as text; "" where it is absent or null."""
    return str(block.get(key) or "").strip()


def _estimate(tracking: Any) -> Estimate | None:
    """Return the last day of the latest forecast.

    It is told in the recipient's zone, also where it ends in "Z": its hours prove nothing.
    """
    told = tracking.get("latest_estimated_delivery") or {}
    day = word(told, "datetime_max") or word(told, "datetime")
    day = day or word(tracking, "expected_delivery")  # as v4 says it
    return Estimate(date.fromisoformat(day[:10])) if day else None


def pause(response: httpx.Response) -> float | None:
    """Return the seconds until calls are counted anew; None where nobody says."""
    reset, date_of = (response.headers.get(name, "") for name in ("x-ratelimit-reset", "date"))
    try:
        said = parsedate_to_datetime(date_of).timestamp()
    except ValueError:
        return None
    return max(0.0, float(reset) - said) if _MOMENT.fullmatch(reset) else None
