"""17TRACK's events: codes, times and the forecast.

Floor 2. An event's code is its `sub_status`, else its `stage`; both in one, with a slash, where
they disagree about a delivery. A stamp without zone is read as UTC, which is an assumption; the
list order and the moment of 17TRACK's own look then keep it in its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tracker_sync.carriers import Carrier
from tracker_sync.carriers._text import shown
from tracker_sync.model import Estimate, Meaning, Reading, Scan, Status, utc

_UNSTATED = "Unstated"  # the code of an event with neither sub-status nor stage
_OFFSET = re.compile(r"[+-]\d\d:\d\d|Z")
_NOON = "12:00:00"  # a day without time: noon is that day almost everywhere
_GUESS = ("", "17track")
_OVER = (Status.DELIVERED, Status.RETURNING, Status.RETURNED, Status.CANCELLED, Status.LOST)
_TIMES = ("time_iso", "time_utc", "time_raw", "description")


def placed(provider: Any) -> list[tuple[Any, datetime]]:
    """Each dated event with its moment, newest first as they come."""
    found = [(event, *told) for event in provider.get("events") or () if (told := _moment(event))]
    latest = _synced(provider)
    capped: list[tuple[Any, datetime, bool]] = []
    for event, at, sure in found:
        at = min(at, latest) if latest and not sure else at
        latest = min(at, latest) if latest else at
        capped.append((event, at, sure))
    rising: list[tuple[Any, datetime]] = []
    for event, at, sure in reversed(capped):
        earliest = rising[-1][1] if rising else at
        rising.append((event, at if sure else max(at, earliest)))
    return rising[::-1]


def _synced(provider: Any) -> datetime | None:
    """When 17TRACK looked: nothing it saw is later."""
    stamp = provider.get("latest_sync_time")
    moment = datetime.fromisoformat(stamp) if stamp else None
    return utc(moment) if moment and moment.tzinfo else None


def _moment(event: Any) -> tuple[datetime, bool] | None:
    """When an event happened, and whether that is sure; None where it has no date."""
    if stamp := event.get("time_utc"):
        return _aware(datetime.fromisoformat(stamp)), True
    if stamp := event.get("time_iso"):
        at = datetime.fromisoformat(stamp)
        return _aware(at), at.tzinfo is not None
    raw = event.get("time_raw") or {}
    if not raw.get("date"):
        return None
    zone = raw.get("timezone") or ""
    sure = bool(raw.get("time")) and _OFFSET.fullmatch(zone) is not None
    at = datetime.fromisoformat(f"{raw['date']}T{raw.get('time') or _NOON}{zone if sure else ''}")
    return _aware(at), sure


def _aware(at: datetime) -> datetime:
    return utc(at if at.tzinfo else at.replace(tzinfo=UTC))


def _code(event: Any, codes: Mapping[str, Meaning], info: Any) -> str:
    """The event's code; `latest_status` speaks for the latest event and for no other."""
    sub, stage = event.get("sub_status"), event.get("stage")
    both = [codes[word] for word in (sub, stage) if word in codes]
    if len(both) > 1 and sum(each.status is Status.DELIVERED for each in both) == 1:
        return f"{stage}/{sub}"
    latest = info.get("latest_event") or {}
    if not (sub or stage) and all(event.get(name) == latest.get(name) for name in _TIMES):
        status = info.get("latest_status") or {}
        sub, stage = status.get("sub_status"), status.get("status")
    return str(sub or stage or _UNSTATED)


def _place(event: Any) -> str:
    """Where it happened."""
    address = event.get("address") or {}
    parts = (address.get("city"), address.get("country"))
    return event.get("location") or ", ".join(part for part in parts if part)


def _forecast(reading: Reading, info: Any) -> Reading:
    """Add the carrier's forecast, the last day of it; 17TRACK's own guess is none."""
    told = (info.get("time_metrics") or {}).get("estimated_delivery_date") or {}
    source, last = told.get("source") or "", told.get("to") or told.get("from")
    current = next((scan.status for scan in reversed(reading.scans) if scan.status), None)
    if not last or current in _OVER or source.casefold() in _GUESS:
        return reading
    return replace(reading, estimate=Estimate(date.fromisoformat(last[:10])))


def reading(carrier: Carrier, number: str, info: Any, provider: Any) -> Reading:
    """One carrier's history."""
    scans = (_scan(carrier, event, at, info) for event, at in placed(provider))
    service = str(provider.get("service_type") or "")
    return _forecast(carrier.reading(number, scans, service=service), info)


def _scan(carrier: Carrier, event: Any, at: datetime, info: Any) -> Scan:
    text = shown(event.get("description") or "")
    return carrier.scan(at, _code(event, carrier.codes, info), text, _place(event))
