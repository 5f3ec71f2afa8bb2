"""What an answer may say: no status that no listed code in it stands for.

A scan is justified where the unchanged answer says the same status with the same code, or where
the code table gives some key that status whose words all stand in the answer as it is now. So a
field may be changed at will: a status that comes out of it needs its listed words in the answer.

That a parcel turned is often said by a flag beside the codes. So an answer that said so before may
say it in other places, and a flag is a word of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from zoneinfo import ZoneInfo

from contract.samples import CARRIERS, make
from tracker_sync.carriers import Carrier
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.errors import CallError
from tracker_sync.lifecycle import trace
from tracker_sync.model import LAST_MILE, Meaning, Reading, Scan, Status

_WORDS = re.compile(r"[^\W_]+")
# What a table writes before a key to say which field it is about.
_FIELD = re.compile(r"^\w+[:=]")
_HOMEWARD = {Status.RETURNING, Status.RETURNED}
# The word that says that a parcel turned, in a field of its own beside the codes.
_FLAG = {
    "aftership": "forward",  # of `forward_shipment`, as of FedEx's: anything in there says it
    "canadapost": "returned",
    "dhl_parcel_de": "true",
    "dhl_unified": "returnflag",
    "fedex": "returndetail",
}
# Carriers whose events speak without the status they are listed under, deliveries excepted.
_EVENTS_ALONE = {"postnl"}
# Codes that stand for a history without entries; they say no more than "announced".
_BY_SILENCE = {"dhl_express": "no event yet"}


@cache
def carrier(key: str) -> Carrier:
    """A carrier with pretended keys, made once."""
    return make(key)


def attempt(key: str, body: bytes, asked: Sequence[str] = ()) -> list[Reading] | CallError:
    """Read *body*; the one kind of exception a carrier may raise becomes a value."""
    try:
        return carrier(key).decode_body(body, asked)
    except CallError as error:
        return error


def said(outcome: list[Reading] | CallError) -> frozenset[tuple[str, Meaning | None]]:
    """Every code with what it was taken for."""
    readings = outcome if isinstance(outcome, list) else []
    return frozenset((scan.code, scan.meaning) for reading in readings for scan in reading.scans)


def unjustified(
    key: str, body: bytes, before: list[Reading] | CallError, after: list[Reading] | CallError
) -> list[Scan]:
    """The scans of *after* (what *body* reads as) whose status nothing justifies."""
    known = said(before)
    turned = any(meaning and meaning.status in _HOMEWARD for _, meaning in known)
    fresh = [
        scan
        for reading in (after if isinstance(after, list) else [])
        for scan in reading.scans
        if scan.status
        and (scan.code, scan.meaning) not in known
        and not (reading.scans == (scan,) and scan.code == _BY_SILENCE.get(key))
        and not _belittled(key, scan)
    ]
    standing = words(key, body) if fresh else set()
    return [s for s in fresh if s.status and not stands(key, s.status, standing, turned=turned)]


def _belittled(key: str, scan: Scan) -> bool:
    """Whether a carrier takes a listed code for no more than a sign of life: its time is off."""
    listed = CARRIERS[key].codes.get(scan.code)
    return scan.status is Status.IN_TRANSIT and bool(listed and listed.status in LAST_MILE)


def stands(key: str, status: Status, standing: set[str], *, turned: bool) -> bool:
    """Whether some listed key with this status stands in the answer, word for word."""
    if status in _HOMEWARD and (turned or _FLAG.get(key) in standing):
        return True
    return any(wanted <= standing for wanted in _listed(key).get(status, ()))


@cache
def _listed(key: str) -> dict[Status, list[set[str]]]:
    found: dict[Status, list[set[str]]] = {}
    for code, meaning in CARRIERS[key].codes.items():
        if meaning.status:
            ways = found.setdefault(meaning.status, [])
            ways.append(split(_FIELD.sub("", code)))
            if key in _EVENTS_ALONE and meaning.status is not Status.DELIVERED:
                ways.append(split(code.rpartition("/")[2]))
    return found


def words(key: str, body: bytes) -> set[str]:
    """Every word of an answer as it was decoded."""
    try:
        payload = carrier(key).parse(body)
    except SHAPE:
        return set()
    text = payload if isinstance(payload, str | dict | list) else _texts(payload)
    return split(str(text))


def _texts(element: object) -> list[str]:
    parts: list[str] = []
    for each in element.iter():  # type: ignore[attr-defined]
        parts += [each.tag, each.text or "", *each.attrib.values()]
    return parts


def split(text: str) -> set[str]:
    """Return the words of *text*; "3.120" are two, and "0174" is "174"."""
    return {word.lstrip("0") or "0" for word in _WORDS.findall(text.casefold())}


def walk(key: str, readings: Sequence[Reading]) -> None:
    """Let every history be walked, as a pass would."""
    for reading in readings:
        trace(reading.scans, zone=ZoneInfo(CARRIERS[key].zone))
