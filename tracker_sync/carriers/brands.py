"""Every brand by name: those with a carrier of their own, and those only an aggregator knows.

Floor 2. The one table in which a feed's spelling of a courier is looked up.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tracker_sync.carriers import discover

# How German shops and Shopify spell brands, besides what the carriers' own files list.
_COMMON = {
    "dhl": "dhl de; deutsche post; deutsche post dhl; deutsche post (de); deutsche post (en);"
    " dhl deutschland; dhl paket deutschland; dhl ecommerce; warenpost",
    "ups": "ups deutschland; ups germany; ups standard",
    "gls": "gls deutschland; gls it; gls italy; gls france; gls paketdienst",
    "dpd": "dpd de; dpd germany; dpd deutschland; dpd group",
    "hermes": "hermes versand; hermes deutschland; hermes paket; hermes germany",
    "laposte": "la poste; la poste colissimo; colissimo; chronopost",
    "postnl": "post nl; postnl international",
    "bpost": "bpost international",
}


@dataclass(frozen=True, slots=True)
class Other:
    """A brand without a carrier of its own."""

    brand: str
    title: str
    zone: str  # of its calendar days
    tracking_url: str = ""  # with {number}; blank = not known
    aliases: tuple[str, ...] = ()


@cache
def others() -> Mapping[str, Other]:
    """The brands without a carrier of their own."""
    text = (files(__package__) / "brands.csv").read_text(encoding="utf-8")
    return {row["brand"]: _other(row) for row in csv.DictReader(text.splitlines())}


def _other(row: dict[str, str]) -> Other:
    names = _listed(row["aliases"])
    return Other(row["brand"], row["title"], row["zone"], row["tracking_url"], names)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(";") if name.strip())


def brand_called(name: str) -> str | None:
    """The brand a feed means by *name*; None where nobody is called that."""
    letters = _letters(name)
    return _spellings().get(letters) if letters else None


@cache
def _spellings() -> Mapping[str, str]:
    """Every spelling, and the brand it means; carriers' own before the common ones."""
    return {_letters(name): brand for brand, name in _names() if _letters(name)}


def _names() -> Iterator[tuple[str, str]]:
    for brand, names in _COMMON.items():
        yield from ((brand, name) for name in (brand, *_listed(names)))
    for other in others().values():
        yield from ((other.brand, n) for n in (other.brand, other.title, *other.aliases))
    for cls in discover().values():
        yield from ((cls.brand, n) for n in (cls.key, cls.brand, cls.title, *cls.aliases))


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain)
