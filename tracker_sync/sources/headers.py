"""Which column of a file is which field, under the names that exports give it.

The names stand in `headers.txt`. `property:Brand` and `prop_Brand` become a property of the
merchant's own; every other unknown column is ignored, and so are names and addresses of people.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

NUMBER = "tracking_number"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_PREFIXES = ("property:", "prop_")
_SHOPIFY_ORDERS = {"financialstatus", "lineitemname"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each field stands; a field may stand in several columns, the best name first."""

    places: Mapping[str, tuple[int, ...]]
    properties: tuple[tuple[str, int], ...] = ()


def fold(name: str) -> str:
    """Return *name* as header names are compared."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_UMLAUTS)
    return "".join(letter for letter in plain if letter.isalnum())


@cache
def names() -> Mapping[str, tuple[str, int]]:
    """Return, for each folded header name, its field and its rank among the field's names."""
    text = (files("tracker_sync.sources") / "headers.txt").read_text(encoding="utf-8")
    known: dict[str, tuple[str, int]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        field, _, others = line.partition(":")
        for rank, name in enumerate((field, *others.split(","))):
            if fold(name):
                known.setdefault(fold(name), (field, rank))
    return MappingProxyType(known)


def known(header: Sequence[str]) -> int:
    """Count the cells of *header* that name a field."""
    return sum(fold(name) in names() for name in header)


def columns(header: Sequence[str]) -> Columns:
    """Find the fields in *header*; ValueError where no column holds the tracking number."""
    hits: dict[str, list[tuple[int, int]]] = {}
    properties = []
    for index, name in enumerate(header):
        field, rank = names().get(fold(name), ("", 0))
        if field:
            hits.setdefault(field, []).append((rank, index))
        elif prefix := next((p for p in _PREFIXES if name.strip().lower().startswith(p)), ""):
            properties.append((name.strip()[len(prefix) :].strip(), index))
    if NUMBER not in hits:
        raise ValueError(_missing(header))
    places = {field: tuple(index for _, index in sorted(found)) for field, found in hits.items()}
    return Columns(places, tuple(item for item in properties if item[0]))


def _missing(header: Sequence[str]) -> str:
    """Say what to do; quotes a header cell only where it resembles a name we know."""
    folded = [fold(name) for name in header]
    if set(folded) >= _SHOPIFY_ORDERS:
        return (
            "this is Shopify's orders export, which has no tracking numbers; "
            "use the shopify source, or a file of your carrier or warehouse"
        )
    text = (
        "no column holds the tracking number, so no row was taken; name it tracking_number "
        "in the first line (Sendungsnummer, Trackingnummer, Paketnummer … are understood too)"
    )
    targets = [name for name, (field, _) in names().items() if field == NUMBER and len(name) > 6]
    for index, name in enumerate(folded):
        if name not in names() and difflib.get_close_matches(name, targets, n=1, cutoff=0.75):
            return f'{text}; did you mean column {index + 1}, "{header[index].strip()}"?'
    return text
