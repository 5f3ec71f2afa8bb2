"""Which scans PostNL's two lists make: what happened is told by statuses and refined by events.

A status and its event have the same stamp. The key of a scan is the status, "5"; "8/H01" where
the event is listed as one of that status and says something else or more than it. Status 99 says
nothing, so its events speak themselves ("99/H18"). So does an event with no status at its second,
under the key it is listed by, except that a delivery needs its status. An event nobody listed, or
not with this status, is kept under its own code and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tracker_sync.carriers._postnl_answer import Entry, many, text
from tracker_sync.model import Meaning, Pickup, Reading, Status

_STAMPS = ("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S.%f")
_SILENT = "99"  # "not applicable": the status before it holds
_WAITING = "12"  # its event tells in what kind of place
_PLACES = {"I08": "shop", "J02": "shop", "J12": "shop", "J23": "locker", "J52": "branch"}


class Codes(NamedTuple):
    """The listed codes, and those the merchant gave a meaning."""

    listed: Mapping[str, Meaning]
    mine: Collection[str]

    def knows(self, key: str) -> bool:
        """Tell whether a key has a meaning."""
        return key in self.listed or key in self.mine

    def refines(self, key: str) -> bool:
        """Tell whether "status/event" says something else than the status alone."""
        alone = self.listed.get(key.partition("/")[0])
        return key in self.mine or self.listed.get(key, alone) != alone

    def plain(self) -> frozenset[str]:
        """Return the statuses that say the same whatever event comes with them."""
        pairs = {key for key in (*self.listed, *self.mine) if "/" in key}
        refined = {key.partition("/")[0] for key in pairs if self.refines(key)}
        alone = {key for key in self.listed if key.isdecimal()}
        return frozenset(alone - refined - {_SILENT, _WAITING})

    def by_itself(self, event: str) -> str:
        """Return what an event goes by with no status beside it, "" for a delivery."""
        key = next((key for key in self.listed if key.partition("/")[2] == event), event)
        meaning = self.listed.get(key)
        return "" if meaning and meaning.status is Status.DELIVERED else key


def statuses(parcel: Any) -> list[Entry]:
    """Return the current status and the old ones."""
    nodes = [*many(parcel.get("Status")), *many(parcel.get("OldStatus"))]
    return _entries(nodes, "StatusCode", "StatusDescription")


def events(parcel: Any) -> list[Entry]:
    """Return the events, in the order of the list, which is not that of time."""
    return _entries(many(parcel.get("Event")), "Code", "Description")


def scans(parcel: Any, codes: Codes) -> list[Entry]:
    """Give the scans, newest first; of two with one stamp, an event's own is the later one."""
    told = [one for one in statuses(parcel) if one.code != _SILENT]
    beside: dict[datetime, list[str]] = {}
    for one in told:
        beside.setdefault(one.at, []).append(one.code)
    noted = events(parcel)
    return [*_by_themselves(noted, beside, codes), *_refined(told, noted, codes)]


def pickup(parcel: Any, reading: Reading, local: Callable[[datetime], datetime]) -> Pickup | None:
    """Return in what kind of place the parcel waits; which one it is, nothing tells."""
    last = next((scan for scan in reversed(reading.scans) if scan.status), None)
    if last is None or last.status is not Status.READY_FOR_PICKUP:
        return None
    here = (e.code for e in events(parcel) if local(e.at) == last.at)
    return next((Pickup(_PLACES[code]) for code in here if code in _PLACES), None)


def _refined(told: list[Entry], noted: list[Entry], codes: Codes) -> Iterator[Entry]:
    for at, code, words in told:
        pairs = (Entry(at, f"{code}/{e.code}", e.words) for e in noted if e.at == at)
        yield next((pair for pair in pairs if codes.refines(pair.code)), Entry(at, code, words))


def _by_themselves(
    noted: list[Entry], beside: Mapping[datetime, list[str]], codes: Codes
) -> Iterator[Entry]:
    for at, event, words in noted:
        there = beside.get(at, [])
        if any(codes.knows(f"{status}/{event}") for status in there):
            continue
        silent = f"{_SILENT}/{event}"
        key = codes.by_itself(event) if not there else silent if codes.knows(silent) else event
        if key:
            yield Entry(at, key, words)


def _entries(nodes: list[Any], code: str, words: str) -> list[Entry]:
    """Return what is dated, each once: the current status stands among the old ones, too."""
    found: dict[tuple[datetime, str], Entry] = {}
    for node in nodes:
        if stamp := text(node, "TimeStamp"):
            entry = Entry(_at(stamp), text(node, code), text(node, words))
            found.setdefault(entry[:2], entry)
    return list(found.values())


def _at(stamp: str) -> datetime:
    """Parse day before month, with or without thousandths; ValueError for anything else."""
    moment = datetime.strptime(stamp, _STAMPS["." in stamp])  # noqa: DTZ007  local, zone follows
    return moment.replace(microsecond=0)
