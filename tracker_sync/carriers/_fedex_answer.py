"""How a FedEx answer is built: faults, numbers and their results, moments, promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from tracker_sync.model import INFO, Estimate, Pickup, Reading, Scan, Status

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def word(block: Any, key: str) -> str:
    """Return one field as text; "" where block or field is absent."""
    return str((block or {}).get(key) or "").strip()


def parcels(payload: Any, asked: Sequence[str]) -> Iterator[tuple[str | None, list[Any]]]:
    """Give each number as it was asked, with all that FedEx has under it."""
    forms = {_bare(number): number for number in asked}
    groups: dict[str, list[Any]] = {}
    for entry in payload["output"]["completeTrackResults"]:
        for result in entry["trackResults"]:
            inner = word(result.get("trackingNumberInfo"), "trackingNumber")
            groups.setdefault(word(entry, "trackingNumber") or inner, []).append(result)
    if asked and list(groups) == [""]:  # nameless: meant only if it is the only one
        groups = {asked[0]: groups[""]} if len(asked) == 1 else {}
    for name, results in groups.items():
        if not asked or _bare(name) in forms:
            yield forms.get(_bare(name), name or None), results


def _bare(number: str) -> str:
    return re.sub(r"[\s.-]", "", number).upper()


def tells(result: Any) -> bool:
    """Tell whether *result* says anything: an error may stand beside data."""
    return bool(result.get("scanEvents") or word(result.get("latestStatusDetail"), "code"))


def stamp(result: Any, kind: str) -> str:
    """Return one of the dates beside the scans, such as SHIP or ACTUAL_DELIVERY."""
    dates = {
        word(each, "type"): word(each, "dateTime") for each in result.get("dateAndTimes") or ()
    }
    return dates.get(kind, "")


def shipped(result: Any, reading: Reading, when: Callable[[str], datetime]) -> datetime | None:
    """Return when a parcel was shipped, or first scanned; None where FedEx does not say."""
    told = stamp(result, "SHIP")
    first = next((scan.at for scan in reading.scans), None)
    return when(told) if told else first


def promises(result: Any, scans: Sequence[Scan]) -> dict[str, Any]:
    """Return the fields of a reading that are no scans."""
    told = next((scan.status for scan in reversed(scans) if scan.meaning != INFO), None)
    return {
        "estimate": None if stamp(result, "ACTUAL_DELIVERY") else estimate(result),
        "pickup": pickup(result) if told is Status.READY_FOR_PICKUP else None,
        "service": word(result.get("serviceDetail"), "description"),
    }


def estimate(result: Any) -> Estimate | None:
    """Return FedEx's forecast; the standard transit time is none, it ignores this parcel."""
    window = (result.get("estimatedDeliveryTimeWindow") or {}).get("window")
    begins, ends = word(window, "begins"), word(window, "ends")
    day = DAY.match(ends or begins or stamp(result, "ESTIMATED_DELIVERY"))
    if not day:
        return None
    hours = [datetime.fromisoformat(each) for each in (begins, ends) if each]
    known = [each.astimezone(UTC) for each in hours if each.tzinfo and str(each.date()) == day[0]]
    return Estimate(date.fromisoformat(day[0]), *(known if len(known) > 1 else ()))


def pickup(result: Any) -> Pickup:
    """Return where the parcel waits; the deadline stands in a sentence only."""
    place = (result.get("holdAtLocation") or {}).get("locationContactAndAddress") or {}
    address = place.get("address") or {}
    lines = [str(line).strip() for line in address.get("streetLines") or ()]
    lines += [f"{word(address, 'postalCode')} {word(address, 'city')}".strip()]
    lines += [word(address, "countryCode")]
    company = word(place.get("contact"), "companyName")
    return Pickup(name=company, address=", ".join(filter(None, lines)))
