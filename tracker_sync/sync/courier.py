"""Which brand moves a parcel: what the feed says first, then the number's own form."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tracker_sync.carriers.brands import brand_called
from tracker_sync.model import Advice
from tracker_sync.numbers import detect


@dataclass(frozen=True, slots=True)
class Choice:
    """The brand of a parcel, or the brands its number fits alike."""

    brand: str | None
    rivals: tuple[str, ...] = ()
    unknown: bool = False  # the feed names a courier nobody here is called


def brand_of(advice: Advice, asked: Collection[str], *, usual: str = "") -> Choice:
    """Whose parcel it is; a number is matched among the *asked* brands only.

    *usual*: the brand the source names for rows without one. It decides between equals and for
    numbers that fit nobody, never against a better match.
    """
    if advice.courier.strip():
        brand = brand_called(advice.courier)
        return Choice(brand, unknown=brand is None)
    among = {*asked, usual} - {""}
    found = detect(advice.number, among, usual)
    if found.brand is None and not found.rivals and usual:
        return Choice(usual)
    return Choice(found.brand, found.rivals)
