"""What a USPS event says beside its code, and when the answer's head knows better."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any

from tracker_sync.carriers._text import LONGEST, doubtful, plain, shown
from tracker_sync.carriers._usps_json import word
from tracker_sync.model import Meaning, Reading, Scan, Status

DELIVERED = frozenset({"01", "DL"})
ARRIVED = Meaning(Status.DELIVERED)
SAID = "delivered"

Meant = Callable[[str, str], Meaning | None]


def key(code: str, text: str) -> str:
    """Return "OF", "01|to agent" for what is booked as delivered, or the text without a code."""
    if code not in DELIVERED:
        return code or plain(text)[:LONGEST]
    where = plain(text).removeprefix(SAID).lstrip(" ,:-")
    return f"01|{where}"[:LONGEST] if where else code


def delivery(code: str, text: str) -> Meaning | None:
    """Believe a delivery at an unlisted place, unless that may be an agent, a counter, the sender.

    The code itself is listed as delivered; the text has to say so, too.
    """
    booked = code.startswith("01|") and _says(text)
    return ARRIVED if booked and not doubtful(text) else None


def corrected(reading: Reading, payload: Any, meant: Meant, *, mine: Container[str]) -> Reading:
    """Let the head of the answer correct the newest scan; *mine* stay as they are."""
    if not reading.scans or reading.scans[-1].code in mine:
        return reading
    last = reading.scans[-1]
    right = replace(last, meaning=checked(last, payload, meant))
    # An entry may be listed twice: then both are the newest one.
    return replace(reading, scans=tuple(right if scan == last else scan for scan in reading.scans))


def checked(newest: Scan, payload: Any, meant: Meant) -> Meaning | None:
    """Check the newest scan against the head of the answer.

    The head may deny a delivery, or explain a delivery under an unlisted code. Nothing else: it
    also moves with reminders and forecasts, which are no scans.
    """
    category = plain(word(payload, "statusCategory"))
    state = meant(f"category:{category}", "") if category else None
    if newest.meaning is None and _delivered(state) and _says(newest.text):
        return meant(key("01", newest.text), newest.text)
    if not _delivered(newest.meaning):
        return newest.meaning
    head = shown(word(payload, "status"))
    told = meant(key("01", head), head) if _says(head) else newest.meaning
    if not _delivered(told):
        return told
    return state if category and not _delivered(state) else newest.meaning


def _says(text: str) -> bool:
    return plain(text).startswith(SAID)


def _delivered(meaning: Meaning | None) -> bool:
    return meaning is not None and meaning.status is Status.DELIVERED
