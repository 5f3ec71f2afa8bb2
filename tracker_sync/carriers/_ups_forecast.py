"""What UPS promises about one package: the day, the hours, how long it waits."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from tracker_sync.carriers._ups_json import moment, word
from tracker_sync.model import Estimate, Pickup

WINDOWS = frozenset({"CMT", "EDW", "CDW", "IDW"})  # hours are meant; EOD means the whole day
DAY = re.compile(r"\d{8}")
CLOCK = re.compile(r"\d{6}")


def promises(package: Any) -> dict[str, Any]:
    """Return the fields of a reading that are no scans."""
    activities = package.get("activity") or [{}]
    return {
        "estimate": estimate(package, activities[0]),
        "pickup": pickup(package, activities[0]),
        "service": word(package.get("service"), "description"),
    }


def estimate(package: Any, newest: Any) -> Estimate | None:
    """Return the forecast: a rescheduled day beats the scheduled one, DEL is no forecast."""
    days = {word(entry, "type"): word(entry, "date") for entry in package.get("deliveryDate") or ()}
    day = days.get("RDD") or days.get("SDD") or ""
    if "DEL" in days or not DAY.fullmatch(day):
        return None
    hours = package.get("deliveryTime") if _at_home(package, newest) else None
    if word(hours, "type") not in WINDOWS:
        return Estimate(date.fromisoformat(day))
    begins, ends = (_local(day, word(hours, key), newest) for key in ("startTime", "endTime"))
    return Estimate(date.fromisoformat(day), begins, ends)


def pickup(package: Any, newest: Any) -> Pickup | None:
    """Return until when the parcel waits: the end of that day where it was scanned last."""
    point = package.get("accessPointInformation")
    return Pickup(until=_local(word(point, "pickupByDate"), "235959", newest)) if point else None


def _local(day: str, clock: str, newest: Any) -> datetime | None:
    """Use the clock of the *newest* scan; None without its offset, or for a placeholder."""
    offset = word(newest, "gmtOffset")
    known = offset and DAY.fullmatch(day) and CLOCK.fullmatch(clock)
    return moment(day, clock, offset).astimezone(UTC) if known else None


def _at_home(package: Any, newest: Any) -> bool:
    """Tell whether the newest scan was made in the state it is delivered in: same clock."""
    here = (newest.get("location") or {}).get("address")
    return any(
        word(place, "type") == "DESTINATION"
        and word(place.get("address"), "countryCode") == word(here, "countryCode") != ""
        and word(place.get("address"), "stateProvince") == word(here, "stateProvince")
        for place in package.get("packageAddress") or ()
    )
