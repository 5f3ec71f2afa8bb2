"""What the status of a GLS parcel says beside its events, and when it is not believed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from tracker_sync.model import INFO, Meaning, Pickup, Scan, Status

# A status this close to an event is about that event, not about something that came after it.
AT_ONCE = timedelta(minutes=10)
_SHOP = frozenset({"DELIVEREDPS", "DELIVD.PARCELSHOP"})
_WAITS = re.compile(r"parcel ?(shop|locker|box)|\bPS\b", re.IGNORECASE)
_BACK = re.compile(r"\breturn\w*\b.*\b(sender|shipper|consignor)\b", re.IGNORECASE)
_PERHAPS = re.compile(r"\b(if|unless)\b", re.IGNORECASE)


def news(
    status: str, at: datetime, scans: Sequence[Scan], meaning: Callable[[str], Meaning | None]
) -> list[Scan]:
    """Return the status as a scan, none where the events (newest first) say as much.

    A status that closes the history says nothing; one that is not listed is kept, to be reported.
    """
    meant = meaning(status)
    if meant == INFO:
        return []
    past = [scan for scan in scans if scan.at <= at]
    before = max(past, key=_at, default=None)
    if meant and meant.status and (_delivered(past) or (before and before.status is meant.status)):
        return []
    doubt = _doubt(at, scans, before) if meant and meant.status is Status.DELIVERED else ""
    code = f"{status}/{doubt}" if doubt else status
    return [Scan(at, code, meaning(code))]


def _doubt(at: datetime, scans: Sequence[Scan], before: Scan | None) -> str:
    """Say what speaks against "delivered": GLS has no status for a parcel that came back."""
    if any(_BACK.search(scan.text) and not _PERHAPS.search(scan.text) for scan in scans):
        return "return"
    if before is None or at - before.at > AT_ONCE or not before.code.startswith("DELIVD."):
        return ""
    return "parcelshop" if _WAITS.search(f"{before.code} {before.text}") else ""


def pickup(scans: Iterable[Scan]) -> Pickup | None:
    """Return where the parcel waits, if it waits (*scans* newest first); GLS names no shop here."""
    last = _telling(scans)
    return Pickup("shop") if last and last.code in _SHOP else None


def _delivered(scans: Iterable[Scan]) -> bool:
    """Tell whether the events end with a delivery: the status alone never takes that back."""
    last = _telling(scans)
    return last is not None and last.status is Status.DELIVERED


def _telling(scans: Iterable[Scan]) -> Scan | None:
    return max((scan for scan in scans if scan.status), key=_at, default=None)


def _at(scan: Scan) -> datetime:
    return scan.at
