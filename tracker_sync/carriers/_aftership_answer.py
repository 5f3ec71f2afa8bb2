"""What an answer says of whom: two couriers may use one number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import httpx

from tracker_sync.carriers import Carrier, Parcel
from tracker_sync.carriers._aftership_json import (
    checkpoints,
    code,
    place,
    plain,
    promises,
    trackings,
    word,
)
from tracker_sync.carriers._aftership_scans import SILENT, codes, moments
from tracker_sync.carriers._text import shown
from tracker_sync.carriers.errands import Changes, Window
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.model import Reading

Rival: TypeAlias = tuple[set[str], Reading]  # the couriers of a tracking, and what it says


def couriers(tracking: Any) -> set[str]:
    """Return every courier AfterShip names for a parcel, partners of both ends included."""
    miles = (tracking.get("first_mile") or {}, tracking.get("last_mile") or {})
    return {str(block.get("slug")) for block in (tracking, *miles, *checkpoints(tracking))}


def told(carrier: Carrier, payload: Any) -> list[Rival]:
    """Read every tracking; one of no sense spoils only itself, unless all of them are."""
    if (said := code(payload)) >= 400:
        carrier.refusal(httpx.Response(said if said < 600 else 400))
    found: list[Rival] = []
    broken: Exception | None = None
    for tracking in trackings(payload):
        try:
            found.append((couriers(tracking), _reading(carrier, tracking)))
        except SHAPE as exc:
            broken = exc
            found.append((set(), Reading(tracking["tracking_number"], unanswered=True)))
    if broken and all(reading.unanswered for _, reading in found):
        raise broken
    return found


def _reading(carrier: Carrier, tracking: Any) -> Reading:
    entries, more = checkpoints(tracking), promises(tracking)
    texts = [(shown(word(entry, "message")), place(entry)) for entry in entries]
    dated = zip(moments(tracking, entries), codes(tracking, entries), strict=True)
    scans = [carrier.scan(*one, *other) for one, other in zip(dated, texts, strict=True)]
    silent = not scans and word(tracking, "tag") in SILENT
    return carrier.reading(tracking["tracking_number"], scans, not_found=silent, **more)


def chosen(parcel: Parcel, among: Sequence[Rival]) -> Reading:
    """Return the reading of *parcel* among those with its number.

    Two carriers may use one number. The courier the merchant names decides, then the day of
    shipping; what has no news yet says nothing against what has.
    """
    left = [each for names, each in among if not parcel.hint or parcel.hint in names]
    left = [each for each in left if each.scans or each.unanswered] or left
    if len(left) != 1 and parcel.shipped_at:
        since = parcel.shipped_at - timedelta(days=2)  # what is older belongs to another parcel
        pool = left or [each for _, each in among]
        left = [each for each in pool if each.scans and each.scans[-1].at >= since]
    return left[0] if len(left) == 1 else Reading(parcel.number, ambiguous=True)


def answers(found: Sequence[Rival], parcels: Sequence[Parcel], *, more: bool) -> Iterator[Reading]:
    """Give one reading a parcel; with *more* to come, one that is missing may be on a later page.

    Where nobody says what was asked, it is one a number.
    """
    by_number: dict[str, list[Rival]] = {}
    for each in found:
        by_number.setdefault(plain(str(each[1].number)), []).append(each)
    for parcel in parcels or [Parcel(str(each[0][1].number)) for each in by_number.values()]:
        if among := by_number.get(plain(parcel.number)):
            yield replace(chosen(parcel, among), number=parcel.number)
        else:
            yield Reading(parcel.number, unregistered=not more, unanswered=more)


def changes(found: Sequence[Rival], page: str, window: Window) -> Changes:
    """Take what a page says for certain; what has no news yet is left out.

    A number that stands there twice, or without sense, is worth a call of its own.
    """
    if page and page == window.page:
        raise ValueError("the list does not end")
    news = [reading for _, reading in found if not reading.not_found]
    times = Counter(reading.number for reading in news)
    certain = [each for each in news if times[each.number] == 1 and not each.unanswered]
    moved = {str(each.number) for each in news if each not in certain}
    return Changes(tuple(certain), tuple(sorted(moved)), page)
