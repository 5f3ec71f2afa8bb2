"""Which brand moves a parcel: what the feed says first, then the number's own form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from tracker_sync.carriers import Carrier, discover
from tracker_sync.model import Advice

# What shops write and no carrier's file lists, brands without a file of their own included.
_ALIASES = {
    "dhlde": "dhl",
    "deutschepost": "dhl",
    "deutschepostdhl": "dhl",
    "dhlecommerce": "dhl",
    "dpd": "dpd",
    "postnl": "postnl",
    "canadapost": "canadapost",
    "australiapost": "australiapost",
    "bpost": "bpost",
}


def brand_of(advice: Advice, configured: Iterable[Carrier]) -> str | None:
    """The brand of a parcel; None where neither the feed nor the number tells."""
    word = _letters(advice.courier)
    if word:
        return _spellings().get(word)
    return _detected(advice.number, configured)


@cache
def _spellings() -> dict[str, str]:
    """Every spelling we know, and the brand it means; carriers' own before the common ones."""
    found = dict(_ALIASES)
    for cls in discover().values():
        for name in (cls.key, cls.brand, cls.title, *cls.aliases):
            found[_letters(name)] = cls.brand
    return found


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _detected(number: str, configured: Iterable[Carrier]) -> str | None:
    """A number only one configured brand can have given; never a guess between two."""
    brands = {
        carrier.brand
        for carrier in configured
        if any(pattern.fullmatch(number) for pattern in carrier.number_patterns)
    }
    return brands.pop() if len(brands) == 1 else None
