"""Whose parcel is which in a Hermes answer: up to 100 at once, each with its own result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tracker_sync.carriers._newest import age
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.errors import Rejected, Unavailable
from tracker_sync.model import Reading

ABSENT = "e001"

# The number or its owner is not what Hermes takes; any other fault is one of Hermes.
_REFUSED = frozenset({"e002", "e005", "e006", "e008", "e009", "e900", "e902", "e903"})

Owned = tuple[str | None, Any]


def fault(parcel: Any) -> str:
    """Return the error code of *parcel*; "" where it has scans, or was answered well."""
    code = str((parcel.get("result") or {}).get("code") or "")
    return "" if parcel.get("status") or code.startswith("i") else code


def complain(peer: str, faults: set[str]) -> None:
    """Raise where every single parcel was refused for the same reason."""
    if faults == {"e999"}:
        raise Unavailable(peer, "e999: Hermes cannot answer now")
    if faults == {"e900"}:
        raise Rejected(peer, "e900: this user may not see these shipments", status=403)


def named(parcels: Sequence[Any], asked: Sequence[str]) -> Iterator[Owned]:
    """Give each parcel with the number it was asked by.

    The answer does not repeat the question, and a parcel has up to three numbers. One parcel and
    one number that are both left over belong together, unless the parcel shows another number of
    the very same form: then it is somebody else's.
    """
    if not asked:
        yield from ((_own(parcel), parcel) for parcel in parcels)
        return
    known = [(_names(parcel), parcel) for parcel in parcels]
    wanted = {number: _plain(number) for number in asked}
    for number, plain in wanted.items():
        yield from ((number, parcel) for names, parcel in known if plain in names)
    rest = [(names, parcel) for names, parcel in known if names.isdisjoint(wanted.values())]
    answered = set[str]().union(*(names for names, _ in known))
    lonely = [number for number, plain in wanted.items() if plain not in answered]
    if len(rest) == len(lonely) == 1 and _form(lonely[0]) not in map(_form, rest[0][0]):
        yield lonely[0], rest[0][1]


def newest(owned: Iterable[Owned], read: Callable[[str | None, Any], Reading]) -> list[Reading]:
    """Read each parcel and keep the newest of a number, as numbers are used again.

    A parcel of another shape must not cost the other ninety-nine; alone it is told.
    """
    found: dict[str | None, Reading] = {}
    broken: Exception | None = None
    for number, parcel in owned:
        code = fault(parcel)
        if code in _REFUSED:
            continue
        reading = Reading(number, unanswered=True)
        try:
            reading = read(number, parcel) if code in ("", ABSENT) else reading
        except SHAPE as exc:
            broken = exc
        found[number] = max(found.get(number, reading), reading, key=age)
    if broken and all(reading.unanswered for reading in found.values()):
        raise broken
    return list(found.values())


def _own(parcel: Any) -> str | None:
    number = parcel.get("shipmentID") or parcel.get("internationalShipmentID")
    return str(number) if number else None


def _names(parcel: Any) -> set[str]:
    """The numbers a parcel answers to; its link shows the one that customers know."""
    given = [parcel.get("shipmentID"), parcel.get("internationalShipmentID")]
    linked = re.findall(r"[A-Z]?[0-9]{14,20}", str(parcel.get("trackingLink") or ""))
    return {_plain(name) for name in [*given, *linked] if name}


def _plain(number: object) -> str:
    return re.sub(r"\W", "", str(number)).upper()


def _form(number: str) -> str:
    """The number with every digit alike and every letter alike."""
    return re.sub(r"[^\W\d]", "A", re.sub(r"\d", "9", _plain(number)))
