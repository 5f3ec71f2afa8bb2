"""Which of a UPS scan's own statements counts, and when the current status knows better."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from typing import Any

from tracker_sync.carriers._ups_json import word
from tracker_sync.model import INFO, Meaning, Problem, Reading, Scan, Status

TURNED = frozenset({Status.RETURNING, Status.RETURNED})
DIGITS = re.compile(r"\d{3}")
BACK = re.compile(r"returned to (the )?(original )?(sender|shipper)")


def keys(status: Any) -> tuple[str, str, str]:
    """Return "D/2Q", "statusCode:161" and "D", each blank where *status* does not say it."""
    kind, code, digits = (word(status, name) for name in ("type", "code", "statusCode"))
    if DIGITS.fullmatch(code):  # currentStatus writes the digits as its code
        code, digits = "", digits or code
    pair = f"{kind}/{code}" if kind and code else ""
    return pair, f"statusCode:{digits}" if digits else "", kind


def outranks(broad: Meaning | None, exact: Meaning | None) -> bool:
    """Tell whether the three digits know better than the pair.

    They do where the pair is not listed; where they say "on its way back" or deny a delivery; and
    where customs let go (X/RZ is booked both when clearance begins and when it ends).
    """
    if broad is None or exact is None:
        return broad is not None
    if broad == INFO:
        return exact.problem is Problem.CUSTOMS
    turned = broad.status in TURNED and exact.status not in TURNED
    return turned or _denied(exact, broad)


def checked(kind: str, status: Any, meaning: Meaning | None) -> Meaning | None:
    """Check a delivery, or an unlisted code that may be one, against the text.

    A return is booked as a delivery with date and signer; only the words tell.
    """
    if kind not in ("D", "") or not (meaning is None or _delivered(meaning)):
        return meaning
    text = word(status, "description").lower()
    if BACK.search(text):
        return Meaning(Status.RETURNED)
    if "return" in text:
        return None
    plain = meaning is None and text.strip(".") == "delivered"
    return Meaning(Status.DELIVERED) if plain else meaning


def corrected(reading: Reading, current: Meaning | None, *, mine: Container[str]) -> Reading:
    """Let the current status correct the newest scan that says anything; *mine* stay as they are.

    It has no time of its own, so it can only say what that scan must have meant.
    """
    last = next((scan for scan in reversed(reading.scans) if scan.meaning != INFO), None)
    if last is None or last.code in mine:
        return reading
    right = replace(last, meaning=_corrected(last, current))
    # An entry may be listed twice: then both are the newest one.
    return replace(reading, scans=tuple(right if scan == last else scan for scan in reading.scans))


def _corrected(scan: Scan, current: Meaning | None) -> Meaning | None:
    """Believe "delivered" only if the current status, where there is one, says so too."""
    if current == INFO:
        return scan.meaning
    status = current.status if current else None
    if current and status in TURNED and scan.status not in TURNED:
        return replace(current, problem=current.problem or scan.problem)
    if _denied(scan.meaning, current):
        return current
    arrived = status is Status.DELIVERED and "return" not in scan.text.lower()
    return current if scan.meaning is None and arrived else scan.meaning


def _denied(one: Meaning | None, other: Meaning | None) -> bool:
    return _delivered(one) and not _delivered(other)


def _delivered(meaning: Meaning | None) -> bool:
    return meaning is not None and meaning.status is Status.DELIVERED
