"""FedEx uses its numbers again: what is asked about one, and which of its parcels is meant.

Floor 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tracker_sync.carriers import Parcel
from tracker_sync.carriers._fedex_answer import word
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._reuse import meant, window
from tracker_sync.model import Reading

Life = tuple[str, datetime | None, Reading]  # FedEx's own id, when it was shipped, its history


def question(parcel: Parcel) -> dict[str, Any]:
    """Ask for a parcel; with the day it was shipped, for no other life of its number."""
    asked: dict[str, Any] = {"trackingNumberInfo": {"trackingNumber": parcel.number}}
    if parcel.shipped_at is None:
        return asked
    first, last = (day.isoformat() for day in window(parcel.shipped_at))
    return {**asked, "shipDateBegin": first, "shipDateEnd": last}


def identity(result: Any) -> str:
    """Return what tells one parcel of a number from another; blank where nothing does."""
    return word(result.get("trackingNumberInfo"), "trackingNumberUniqueId")


def believed(number: str | None, lives: Iterable[Life], shipped_at: datetime | None) -> Reading:
    """Return the history that is meant: none fits, or several do, and then none is believed."""
    kept: list[Life] = []
    for life in lives:
        twin = next((other for other in kept if life[0] and other[0] == life[0]), None)
        if twin is None:
            kept.append(life)
        elif age(life[2]) > age(twin[2]):
            kept[kept.index(twin)] = life
    chosen = meant([(shipped, reading) for _, shipped, reading in kept], shipped_at)
    if len(chosen) == 1:
        return chosen[0]
    return Reading(number, not_found=not chosen, ambiguous=bool(chosen))
