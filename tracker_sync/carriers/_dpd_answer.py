"""How an answer of the DPD Cloud is built: faults, statuses and their stamps, the forecast."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tracker_sync.carriers._text import LONGEST, shown
from tracker_sync.model import Estimate, utc

THROTTLED = re.compile(r"^2027\b|CALL_?LIMIT")
REFUSED = re.compile(r"^2000\b|CREDENTIALS")  # 2000: a login header is missing or misspelt
ABSENT = re.compile(r"NOT_?FOUND|\b(not|nicht|kein\w*)\b.{0,40}\b(found|gefunden)\b", re.IGNORECASE)
MILESTONES = ("Start", "OnTheRoad", "DeliveryDepot", "CarLoad", "Delivered")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*", re.ASCII)
_NEVER = "0001-01-01"  # how .NET, which is behind the service, writes "no date"
_PRINTED = re.compile(r"([0-9]{14})[0-9A-Z]")  # with its check character
_BARCODE = re.compile(r"[0-9A-Z]{7}([0-9]{14})[0-9]{6}[0-9A-Z]")  # zip, number, service, country


@dataclass(frozen=True, slots=True)
class Step:
    """A status that is reached: a milestone, or (without a name) what the answer calls the last."""

    name: str
    word: str  # the free-form StatusID
    at: datetime | None
    text: str


def order(payload: Any) -> Any:
    """Return the order of an answer, which may be wrapped as in the SOAP twin."""
    return payload.get("OrderStatus") or payload


def word(block: Any, key: str) -> str:
    """Return one field as text in one line; "" where block or field is absent."""
    value = (block or {}).get(key)
    return "" if value is None else " ".join(str(value).split())


def said(block: Any, key: str) -> bool | None:
    """Return a yes or no, None where the answer has neither."""
    return {"true": True, "1": True, "": None}.get(word(block, key).lower(), False)


def faults(payload: Any) -> list[str]:
    """Return the errors of an answer: number, code and texts of each in one line."""
    keys = ("ErrorID", "ErrorCode", "ErrorMsgShort", "ErrorMsgLong")
    listed = payload.get("ErrorDataList") or ()
    return [" ".join(word(fault, key) for key in keys) for fault in listed]


def faults_of(response: httpx.Response) -> list[str]:
    """Return the errors of an error answer; none where something else answers, in HTML."""
    try:
        return [] if response.is_success else faults(response.json())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []


def parcel_no(number: str) -> str:
    """Return the 14 digits DPD asks for where *number* is what a label or its barcode says."""
    label = _PRINTED.fullmatch(number) or _BARCODE.fullmatch(number)
    return label[1] if label and _sound(number) else number


def _sound(number: str) -> bool:
    """Check the last character by ISO 7064, mod 37/36."""
    rest = 36
    for sign in number[:-1]:
        rest = ((rest + int(sign, 36)) % 36 or 36) * 2 % 37
    return (37 - rest) % 36 == int(number[-1], 36)


def steps(status: Any, zone: str) -> Iterator[Step]:
    """Give the milestones that are reached, then the last status; some have no date."""
    before: datetime | None = None
    listed = status["StatusInfoContainer"] or {}
    for name in MILESTONES:
        if said(listed.get(name), "StatusReached"):
            yield (step := _step(name, listed[name], _moment(listed[name], zone, before)))
            before = max(filter(None, (before, step.at)), default=None)
    last = status.get("LastStatusInfo")
    if last and said(last, "StatusReached") is not False:
        yield _step("", last, _moment(last, zone, before))


def _step(name: str, info: Any, at: datetime | None) -> Step:
    parts = (shown(word(info, key)).rstrip(". ") for key in ("Headline", "Description"))
    text = ". ".join(dict.fromkeys(filter(None, parts)))
    return Step(name, word(info, "StatusID")[:LONGEST], at, text)


def _moment(info: Any, zone: str, after: datetime | None) -> datetime | None:
    """Read a stamp; of an hour that comes twice, the second if the first is before *after*."""
    stamp = word(info, "StatusDate")
    if not stamp or stamp.startswith(_NEVER):
        return None
    if not _STAMP.fullmatch(stamp):
        raise ValueError("a stamp in another form, or without a time of day")
    local = datetime.fromisoformat(stamp)
    home = local.tzinfo or ZoneInfo(zone)
    rounds = [utc(local.replace(tzinfo=home, fold=fold)) for fold in (0, 1)]
    return next((at for at in rounds if after and at >= after), rounds[0])


def estimate(info: Any) -> Estimate | None:
    """Return the day of the forecast; one that cannot be read is none."""
    stamp = word(info, "EstimatedDeliveryTime")
    try:
        return None if stamp.startswith(_NEVER) else Estimate(date.fromisoformat(stamp[:10]))
    except ValueError:
        return None
