"""How a UPS answer is built: faults, parcels and their numbers, moments, places."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from tracker_sync.errors import Rejected, Throttled

ABSENT = frozenset({"TW0001", "TV1002"})  # not found; not a UPS number
RENEW = frozenset({"250002", "250003", "251004"})  # the token, or the client behind it

Names = list[str | None]


def faults(payload: Any) -> set[str]:
    """Return the codes of an error body; none for an answer about parcels."""
    match payload:
        case {"response": {"errors": [*errors]}}:
            return {str(error.get("code")) for error in errors if isinstance(error, dict)}
    return set()


def faults_of(response: httpx.Response) -> set[str]:
    """Return the codes of an error answer; none where a gateway answers in HTML."""
    try:
        return set() if response.is_success else faults(response.json())
    except (ValueError, RecursionError):
        return set()


def complain(peer: str, codes: set[str], wait: float | None = None) -> None:
    """Raise for the codes that are about us and not about a number."""
    if codes & RENEW:
        text = "token or client refused: check client_id, client_secret"
        raise Rejected(peer, text, status=401)
    if "10429" in codes:
        raise Throttled(peer, wait)


def word(block: Any, key: str) -> str:
    """Return one field without the blanks UPS pads it with; "" where block or field is absent."""
    return str((block or {}).get(key) or "").strip()


def parcels(payload: Any) -> Iterator[tuple[Names, Any]]:
    """Give each package with the numbers it answers to; {} stands for one UPS does not know."""
    if "activity" in payload:  # one package cut out of an answer
        yield [None], payload
        return
    for shipment in payload["trackResponse"]["shipment"]:
        asked = word(shipment, "inquiryNumber")
        packages: list[Any] = shipment.get("package") or [{}]
        for package in packages:
            names = [word(package, "trackingNumber")]
            names += [word(also, "number") for also in package.get("alternateTrackingNumber") or ()]
            names += [asked] if len(packages) < 2 else []
            yield [name for name in names if name] or [None], package


def named(number: str | None, among: list[tuple[Names, Any]]) -> list[Any]:
    """Pick the packages of *number*: a nameless one is meant only if it is the only one."""
    if [names for names, _ in among] == [[None]]:
        return [among[0][1]]
    return [package for names, package in among if number in names]


def at(activity: Any) -> datetime:
    """Return the moment of one activity; naive if the answer has neither gmt fields nor offset."""
    day, clock = word(activity, "gmtDate"), word(activity, "gmtTime")
    if day and clock:
        return moment(day, clock, "+00:00")
    return moment(activity["date"], activity["time"], word(activity, "gmtOffset"))


def place(activity: Any) -> str:
    """Return town and country; the lines above them may be somebody's address."""
    address = (activity.get("location") or {}).get("address")
    return ", ".join(filter(None, (word(address, "city"), word(address, "countryCode"))))


def moment(day: str, clock: str, offset: str) -> datetime:
    """Read "20261211", "094100" or "09:41:00", and "-06:00" or nothing."""
    return datetime.fromisoformat(f"{day}T{clock}{offset}")
