"""What the cells of a column hold: yes and no, directions, languages, countries, items, links.

Same rules as `columns`: a value, or ValueError with a reason that quotes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import urlsplit

from tracker_sync.model import Direction, Item

_ITEM = re.compile(r"(?:(\d{1,4})\s*[x\u00d7*]\s+)?(.+)", re.IGNORECASE)
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|\d{3}))?", re.IGNORECASE)
_CONSENT = {
    **dict.fromkeys(("yes", "true", "1", "ja", "y", "j", "wahr", "subscribed"), True),
    **dict.fromkeys(("no", "false", "0", "nein", "n", "falsch"), False),
    **dict.fromkeys(("unsubscribed", "not subscribed", "not_subscribed", "never"), False),
}
_OUTBOUND = ("", "outbound", "outgoing", "versand", "hinsendung", "ausgehend")
_RETURN = ("return", "returns", "inbound", "incoming", "retoure", "rücksendung", "ruecksendung")
_ENCLOSED = ("enclosed", "return enclosed", "beigelegt", "beilage")
_DIRECTIONS = {
    **dict.fromkeys(_OUTBOUND, (Direction.OUTBOUND, True)),
    **dict.fromkeys(_RETURN, (Direction.RETURN, True)),
    **dict.fromkeys(_ENCLOSED, (Direction.RETURN, False)),
}


def consent(cell: str) -> bool | None:
    """Read whether the customer agreed to advertising; None = the cell is blank."""
    word = cell.casefold()
    if word and word not in _CONSENT:
        raise ValueError("write yes or no")
    return _CONSENT.get(word)


def direction(cell: str) -> tuple[Direction, bool]:
    """Read the direction, and whether a customer asked (False = label enclosed in every parcel)."""
    found = _DIRECTIONS.get(cell.casefold())
    if not found:
        raise ValueError("write outbound, return or enclosed")
    return found


def language(cell: str) -> str:
    """Read a language as BCP 47 writes it: "en_us" is "en-US"."""
    match = _LANGUAGE.fullmatch(cell)
    if not match:
        raise ValueError("write a language code such as de or en-GB")
    main, script, region = (part or "" for part in match.groups())
    return "-".join(filter(None, (main.lower(), script.title(), region.upper())))


@cache
def _countries() -> Mapping[str, str]:
    text = (files("tracker_sync.sources") / "countries.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType({name: code for code, *names in lines for name in names})


def country(cell: str) -> str:
    """Read a country as its two-letter code."""
    named = _countries().get("-".join(cell.casefold().split()))
    if named:
        return named
    if not re.fullmatch(r"[A-Za-z]{2}", cell):
        raise ValueError("write a two-letter country code such as DE")
    return cell.upper()


def currency(cell: str) -> str:
    """Read a currency as its three-letter code."""
    if not re.fullmatch(r"[A-Za-z]{3}", cell):
        raise ValueError("write a three-letter currency code such as EUR")
    return cell.upper()


def count(cell: str) -> int:
    """Read how many parcels an order has."""
    if not re.fullmatch(r"[1-9]\d{0,2}", cell):
        raise ValueError("write a whole number from 1 to 999")
    return int(cell)


def items(cell: str) -> tuple[Item, ...]:
    """Read "2x Blue Shirt; Socks"; a mere figure is a count, and names nothing."""
    found = (_ITEM.fullmatch(part.strip()) for part in re.split(r"[;|]", cell))
    named = ((match[1], match[2].strip()) for match in found if match)
    return tuple(
        Item(name=name, quantity=int(quantity or 1))
        for quantity, name in named
        if not name.isdigit()
    )


def link(cell: str) -> str:
    """Read a web address."""
    try:
        parts = urlsplit(cell)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or " " in cell:
        raise ValueError("write a whole web address that begins with https://")
    return cell
