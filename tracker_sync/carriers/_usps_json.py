"""How a USPS answer is built: errors, events, moments, places, promises."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import httpx

from tracker_sync.carriers._text import shown
from tracker_sync.model import Estimate

ABSENT = re.compile(r"1500\d\d")  # not yet, not any more, not shown, not a USPS number
DAYS = ("predictedDeliveryTimeStamp", "expectedDeliveryTimeStamp", "guaranteedDeliveryTimeStamp")
NEWER_DAYS = ("predictedDeliveryDate", "expectedDeliveryDate", "guaranteedDeliveryDate")  # v3r2
UNAUTHORIZED = 401
SHORTEST = 20  # digits of a domestic number; longer spellings put a ZIP or a prefix before it


def word(block: Any, key: str) -> str:
    """Return one field of *block* as text; "" where it is absent or null."""
    return str(block.get(key) or "").strip()


def failed(payload: Any) -> bool:
    """Tell whether the answer is an error; one that has events beside it is not."""
    return bool(payload.get("error")) and not payload.get("trackingEvents")


def absent(payload: Any) -> bool:
    """Tell whether an error is about this number alone."""
    match payload:
        case {"error": {"errors": [*errors]}}:
            codes = (str(error.get("code")) for error in errors if isinstance(error, dict))
            return any(ABSENT.fullmatch(code) for code in codes)
    return False


def absent_in(response: httpx.Response) -> bool:
    """Tell the same of a 400; a gateway may answer in HTML."""
    try:
        return response.status_code == httpx.codes.BAD_REQUEST and absent(response.json())
    except (ValueError, RecursionError):
        return False


def status_of(payload: Any) -> int:
    """Return the HTTP status an error stands for; ValueError where it names none.

    The token endpoint names no status, only a word: it refuses the app.
    """
    error = payload["error"]
    status = UNAUTHORIZED if isinstance(error, str) else int(error["code"])
    if not 400 <= status < 600:
        raise ValueError("an error without status")
    return status


def number(payload: Any) -> str | None:
    """Return the number the answer is about, None where it names none."""
    return word(payload, "trackingNumber") or _summarised(payload)


def _summarised(payload: Any) -> str | None:
    """Return the number of a SUMMARY: a sentence that names no code and no moment."""
    match payload:
        case {"TrackResults": {"TrackInfo": {"@ID": str(name)}}}:
            return name
    return None


def same(asked: str | None, named: str | None) -> bool:
    """Tell whether two spellings are one number: USPS drops "420" + ZIP, and adds "91"."""
    if asked is None or named is None or asked == named:
        return True
    one, other = (re.sub(r"\W", "", name).upper() for name in (asked, named))
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= SHORTEST and long.endswith(short))


def events(payload: Any) -> list[Any]:
    """Return the events that have a date, newest first."""
    if _summarised(payload):
        return []
    return [event for event in payload["trackingEvents"] or () if word(event, "eventTimestamp")]


def at(event: Any) -> datetime:
    """Return the moment of an event; naive where it has no offset."""
    moment = datetime.fromisoformat(word(event, "eventTimestamp").removesuffix("Z"))
    offset = word(event, "GMTOffset")
    if moment.tzinfo or not offset:
        return moment
    return datetime.fromisoformat(moment.isoformat() + offset)


def place(event: Any) -> str:
    """Return town, state and foreign country; firm and name may be a person's."""
    return ", ".join(filter(None, (word(event, f"event{x}") for x in ("City", "State", "Country"))))


def promises(payload: Any) -> dict[str, Any]:
    """Return the fields of a reading that are no scans."""
    newer = payload.get("deliveryDateExpectation") or {}
    stamps = [word(payload, name) for name in DAYS] + [word(newer, name) for name in NEWER_DAYS]
    days = filter(None, map(_day, stamps))
    service = re.sub(r"[™®]", "", shown(word(payload, "mailClass")))
    return {"estimate": next(map(Estimate, days), None), "service": " ".join(service.split())}


def _day(stamp: str) -> date | None:
    """Return the day at the door: a stamp is midnight or the clock there, without a zone."""
    try:
        return date.fromisoformat(stamp[:10])
    except ValueError:
        return None
