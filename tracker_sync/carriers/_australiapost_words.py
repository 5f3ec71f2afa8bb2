"""What the words of an Australia Post article mean: those of its events, and its status.

A wording is looked up as a whole, in one spelling; a town it names is cut off where it is known to
be one. What is not listed means nothing, whatever it sounds like. The status beside the events has
no time of its own, so it only ever explains the newest event, and only if that one is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import httpx

from tracker_sync.carriers._text import LONGEST, doubtful, plain, shown, spellings
from tracker_sync.errors import Rejected, Throttled
from tracker_sync.model import Meaning, Problem, Reading, Scan, Status

Lookup = Callable[[str], Meaning | None]

ABSENT, _TOO_OFTEN, _TOO_MANY = "ESB-10001", "API_002", "51101"
RETURNED = "delivered after a return"  # its key: not listed, for nobody says to whom

_TOWARDS = re.compile(r"(in transit to next facility) in [^.,;:!?]{1,60}")
_RETURN = re.compile(r"\breturn(?:ed|ing)? to (?:the )?sender\b|\bsent back to (?:the )?sender\b")
_PERHAPS = re.compile(r"\b(?:will|may|might|can|if|unless|or|not)\b")
_ONCE_A_DAY = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Problem.ADDRESS})


def text_of(block: Mapping[str, Any], key: str) -> str:
    """Return one field as text, "" where it is absent."""
    value = block.get(key)
    return "" if value is None else str(value).strip()


def faults_in(block: Mapping[str, Any]) -> set[str]:
    """Return the codes of the errors in an answer or a result; the gateway calls them otherwise."""
    errors = block.get("errors") or ()
    return {text_of(error, "code") or text_of(error, "error_code") for error in errors}


def faults_of(response: httpx.Response) -> set[str]:
    """Return the error codes of an answer; none where it is not one of theirs."""
    try:
        return faults_in(response.json())
    except (TypeError, ValueError, AttributeError, RecursionError):
        return set()


def complain(key: str, faults: set[str], wait: float | None = None) -> None:
    """Raise for the faults that are about the call, not about a number."""
    if _TOO_OFTEN in faults:
        raise Throttled(key, wait)
    if _TOO_MANY in faults:
        raise Rejected(key, f"more numbers than a call may ask about ({_TOO_MANY})", status=400)


def worded(event: Mapping[str, Any], meaning: Lookup) -> tuple[str, str, str]:
    """Return the key an event goes by, its text without names, and its place."""
    text, place = shown(text_of(event, "description")), text_of(event, "location")
    # "Delivered at Kew Post Office" must not become "delivered".
    ways = [way for way, _ in spellings(text, "" if doubtful(place) else place)][:2]
    listed = (way for way in map(_shortened, ways) if meaning(way))
    return next(listed, _shortened(ways[0])), text, place


def _shortened(wording: str) -> str:
    towards = _TOWARDS.fullmatch(wording)
    wording = f"{towards[1]} in…" if towards else wording
    return wording if len(wording) <= LONGEST else wording[: LONGEST - 1] + "…"


def after_returns(scans: Sequence[Scan], meaning: Lookup) -> list[Scan]:
    """Doubt each delivery that follows a return to the sender; newest first."""
    homeward = [scan.at for scan in scans if _turned(scan)]
    return [_doubted(scan, min(homeward, default=None), meaning) for scan in scans]


def _turned(scan: Scan) -> bool:
    if scan.meaning:  # who lists it, or maps it, knows better
        return False
    text = plain(scan.text)
    return _RETURN.search(text) is not None and not _PERHAPS.search(text)


def _doubted(scan: Scan, turned: datetime | None, meaning: Lookup) -> Scan:
    if turned is None or scan.status is not Status.DELIVERED or scan.at < turned:
        return scan
    return replace(scan, code=RETURNED, meaning=meaning(RETURNED))


def with_status(scans: Sequence[Scan], statuses: Iterable[str], meaning: Lookup) -> list[Scan]:
    """Let the first status that is listed explain the newest event; newest first."""
    ordered = sorted(scans, key=lambda scan: scan.at, reverse=True)
    dark = list(takewhile(lambda scan: scan.meaning is None, ordered))
    listed = ((code, meaning(code)) for code in map(plain, statuses))
    code, says = next(((code, says) for code, says in listed if says), ("", None))
    if not dark or not says or not _believed(says, dark, turned=any(map(_turned, scans))):
        return list(scans)
    return [Scan(dark[0].at, code, says, place=dark[0].place), *scans]


def _believed(says: Meaning, dark: Sequence[Scan], *, turned: bool) -> bool:
    """Whether a status may explain the newest of the *dark* events, which are not listed."""
    if says.status is Status.DELIVERED:
        return not turned and not any(doubtful(scan.text) for scan in dark)
    # With more of them nobody knows the day, and each day would be another attempt.
    return len(dark) == 1 or not _ONCE_A_DAY & {says.status, says.problem}


def age(reading: Reading) -> tuple[bool, datetime]:
    """Return what makes one reading newer than another of the same number."""
    last = reading.scans[-1].at if reading.scans else datetime.min.replace(tzinfo=UTC)
    return not reading.not_found and not reading.unanswered, last
