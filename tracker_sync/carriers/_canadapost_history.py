"""What Canada Post's events say beside their codes: when, back to whom, in which order.

A stamp of 11:59:59 is made up: it stands for "that day". Sorted by it, the card that was left
comes after the collection, and takes a delivery back that nobody took back. So it decides no order
within its day; there, what usually comes first is taken to have come first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from tracker_sync.carriers._canadapost_xml import postponed, word
from tracker_sync.carriers._text import LONGEST, plain
from tracker_sync.model import Pickup, Scan, Status, utc

_MADE_UP = "11:59:59"
_ZONES = (
    "NST-03:30 NDT-02:30 AST-04:00 ADT-03:00 EST-05:00 EDT-04:00 CST-06:00 CDT-05:00 "
    "MST-07:00 MDT-06:00 PST-08:00 PDT-07:00 UTC+00:00 GMT+00:00"
)
_OFFSETS = {zone[:3]: zone[3:] for zone in _ZONES.split()}
_STOPPED = ("171", "179", "1412", "1483", "1493", "2412", "4650")
_UPDATED = ("1200", "1203")
_SENDER = re.compile(r"\b(?:sender|shipper|exp[ée]diteur)\b")
_BACK = re.compile(r"\b(?:return|retour|renvoy)\w*|\bsent back\b")
_NOT_YET = re.compile(r"\b(?:if|unless|may|might|will|shall|to be|si|sauf|sera|peut|pourrait)\b")
_USUAL = {
    Status.OUT_FOR_DELIVERY: 1,
    Status.DELIVERY_FAILED: 2,
    Status.READY_FOR_PICKUP: 3,
    Status.DELIVERED: 4,
    Status.RETURNED: 4,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event: our scan of it, its own day, and what else orders it or says where it is."""

    scan: Scan
    day: str
    made_up: bool
    outlet: str


def told(scan: Scan, event: Element) -> Told:
    """Put a scan beside what its event says besides; without a time of day it is made up, too."""
    made_up = word(event, "event-time") in ("", _MADE_UP)
    return Told(scan, word(event, "event-date"), made_up, word(event, "event-retail-name"))


def moment(event: Element, zone: str, after: datetime | None) -> datetime | None:
    """Return when an event was, by its own zone; None where it names no day.

    *zone* is for an event that names none we know: in the hour that comes twice the first round,
    unless that would be earlier than *after*, the event before it.
    """
    if summed := word(event, "event-date-time"):
        local = datetime.strptime(summed, "%Y%m%d:%H%M%S")  # noqa: DTZ007
    elif day := word(event, "event-date"):
        offset = _OFFSETS.get(word(event, "event-time-zone").upper(), "")
        local = datetime.fromisoformat(f"{day}T{word(event, 'event-time') or _MADE_UP}{offset}")
    else:
        return None
    if local.tzinfo:
        return utc(local)
    rounds = [utc(local.replace(tzinfo=ZoneInfo(zone), fold=fold)) for fold in (0, 1)]
    return max(rounds) if after and rounds[0] < after else rounds[0]


def key(event: Element, part: Element, delivered: Collection[str]) -> str:
    """Return the key of an event: its code, and what the text or the forecast adds to it.

    Some codes of a delivery (*delivered*) also stand for one to the sender, some of "cannot be
    delivered" for the way back. Nothing else is read from texts.
    """
    code = word(event, "event-identifier").lstrip("0")
    text = plain(word(event, "event-description"))
    to_sender, back, not_yet = (said.search(text) for said in (_SENDER, _BACK, _NOT_YET))
    if code in delivered and (to_sender or back):
        return f"{code}|{text}"[:LONGEST] if not_yet else "delivered|to sender"
    if code in _STOPPED and to_sender and back and not not_yet:
        return "undeliverable|to sender"
    if code in _UPDATED and not postponed(part):
        return f"{code}|not later"
    return code or text[:LONGEST]


def untangled(events: Iterable[Told]) -> Iterator[Told]:
    """Give the events by time; what a made-up stamp puts behind its own outcome is a mere scan.

    The stamps stay, since they identify the scans.
    """
    highest: dict[tuple[str, bool], int] = {}
    for each in sorted(events, key=lambda each: each.scan.at):
        place = _USUAL.get(each.scan.status, 0) if each.scan.status else 0
        doubtful = (True, False) if each.made_up else (True,)
        if each.scan.meaning and 0 < place < max(highest.get((each.day, x), 0) for x in doubtful):
            moved = replace(each.scan.meaning, status=Status.IN_TRANSIT)
            yield replace(each, scan=replace(each.scan, meaning=moved))
            continue
        mine = (each.day, each.made_up)
        highest[mine] = max(place, highest.get(mine, 0))
        yield each


def pickup(events: Sequence[Told]) -> Pickup | None:
    """Return where the parcel waits, if it does."""
    spoken = [e for e in events if e.scan.status in _USUAL or e.scan.status is Status.RETURNING]
    waiting = [each for each in spoken if each.scan.status is Status.READY_FOR_PICKUP]
    if not waiting or waiting[-1] is not spoken[-1]:
        return None
    last = next((each for each in reversed(waiting) if each.outlet), waiting[-1])
    kind = "locker" if last.scan.code == "1405" else "branch"
    return Pickup(kind, last.outlet, last.scan.place)
