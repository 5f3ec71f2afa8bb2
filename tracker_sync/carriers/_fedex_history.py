"""What FedEx's scans mean, and when the latest status knows better."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from tracker_sync.carriers._fedex_answer import stamp, word
from tracker_sync.carriers._text import shown
from tracker_sync.model import INFO, Meaning, Scan, Status

REFINED = frozenset({"DE", "SE"})  # "exception" says little without its reason
BACK = re.compile(r"\breturn(ed|ing)?\b.*\b(shipper|sender)\b")
ELSEWHERE = re.compile(
    r"\b(return\w*|locker|held|hold|pick-? ?up|onsite|attempt\w*|unable|not delivered|customs"
    r"|to (the |an? )?(local |us )?(agent|broker|usps|postal|post|fedex)|at (a )?fedex)\b"
)
Look = Callable[[str], Meaning | None]


def history(result: Any, look: Look, when: Callable[[str], datetime]) -> list[Scan]:
    """Return the scans oldest first, the newest one corrected by the latest status."""
    events = [event for event in result.get("scanEvents") or () if word(event, "date")]
    latest = _latest(result)
    back = _sent_back(result, latest)
    if events and word(events[0], "eventType") == latest["eventType"]:
        newest = latest | {name: value for name, value in events[0].items() if value}
        # An entry may be listed twice: then both are the newest one.
        events = [newest if event == events[0] else event for event in events]
    scans: list[Scan] = []
    for event in reversed(events):
        code = key(event, look, back=back and event == events[0])
        scans.append(_scan(event, _at(word(event, "date"), scans, when), look, code))
    code, told = key(latest, look, back=back), stamp(result, "ACTUAL_DELIVERY")
    scanned = {word(event, "eventType") for event in events}
    if told and latest["eventType"] == "DL" and "DL" not in scanned:
        # There is no scan to date it by; a delivery is never older than what was scanned.
        scans.append(_scan(latest, max([when(told), *(s.at for s in scans)]), look, code))
    return _doubted(scans, code, look)


def key(event: Any, look: Look, *, back: bool) -> str:
    """Return the key that decides; an unlisted reason of an exception is the key to map."""
    code, text = word(event, "eventType"), _text(event).lower()
    if code == "DL" and (doubt := _doubt(text, back=back)):
        return f"DL/{doubt}"
    reason = _reason(word(event, "exceptionCode"), text)
    pair = f"{code}/{reason}" if reason else code
    broad = f"reason/{reason}" if code in REFINED else code
    return next(filter(look, (pair, broad)), pair if code in REFINED else code)


def _doubt(text: str, *, back: bool) -> str:
    """Say what else a delivery may be: FedEx books returns and hand-overs as one, too."""
    if back or BACK.search(text):
        return "returned"
    taken = re.search(r"\b(to|by) (the )?recipient\b", text)
    return "elsewhere" if ELSEWHERE.search(text) and not taken else ""


def _reason(code: str, text: str) -> str:
    """Write a reason in one way ("08" as "008"); 060* is the way back, words tell a refusal."""
    if re.search(r"\brefus", text):
        return "refused"
    digits = re.fullmatch(r"0*(\d{1,4})([A-Z]?)", code.upper())
    spelt = f"{int(digits[1]):03d}{digits[2]}" if digits else code.upper()
    return "060" if spelt.startswith("060") else spelt


def _latest(result: Any) -> dict[str, str]:
    """Return the latest status in the form of a scan event. Its derivedCode is too coarse."""
    latest = result.get("latestStatusDetail")
    why = next(iter((latest or {}).get("ancillaryDetails") or ()), None)
    return {
        "eventType": word(latest, "code"),
        "eventDescription": word(latest, "description") or word(latest, "statusByLocale"),
        "exceptionCode": word(why, "reason"),
        "exceptionDescription": word(why, "reasonDescription"),
    }


def _sent_back(result: Any, latest: dict[str, str]) -> bool:
    """Tell whether FedEx shows that the parcel turned: then "delivered" is to the shipper."""
    info, detail = result.get("additionalTrackingInfo") or {}, result.get("returnDetail") or {}
    types = {word(each, "type") for each in info.get("packageIdentifiers") or ()}
    text = _text(latest).lower()
    turned = _reason(latest["exceptionCode"], text) == "060" or BACK.search(text)
    return bool(turned) or any(detail.values()) or "RETURNED_TO_SHIPPER_TRACKING_NUMBER" in types


def _at(written: str, before: list[Scan], when: Callable[[str], datetime]) -> datetime:
    """Read a stamp; midnight stands for a day, and the list knows where in it."""
    at, vague = when(written), datetime.fromisoformat(written).time() == time()
    older = before[-1].at if before and vague else at
    return older if timedelta() < older - at < timedelta(days=1) else at


def _scan(event: Any, at: datetime, look: Look, key: str) -> Scan:
    """Make a scan; of the place only town and country, the lines may be somebody's address."""
    parts = (word(event.get("scanLocation"), name) for name in ("city", "countryCode"))
    return Scan(at, key, look(key), shown(_text(event)), ", ".join(filter(None, parts)))


def _text(event: Any) -> str:
    texts = (word(event, "eventDescription"), word(event, "exceptionDescription"))
    return " - ".join(filter(None, texts))


def _doubted(scans: list[Scan], latest: str, look: Look) -> list[Scan]:
    """Believe that the newest scan delivers only if the latest status does not deny it."""
    last = next((scan for scan in reversed(scans) if scan.meaning != INFO), None)
    meaning = look(latest) if latest else INFO
    agreed = meaning and (meaning == INFO or meaning.status is Status.DELIVERED)
    if last is None or last.status is not Status.DELIVERED or agreed:
        return scans
    return [replace(scan, code=latest, meaning=meaning) if scan == last else scan for scan in scans]
