"""What a DHL Parcel DE event means: code keys, standard codes, sentences, local times.

The key is `ICE/RIC/standard code`. Any of the three may be blank, new, or paired anew, so there are
steps down from it: the pair where all its listings agree, the standard code where it can be
trusted, at last DHL's sentence. Whatever none of them lists stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker_sync.carriers.tables import table
from tracker_sync.model import Detail, Estimate, Meaning, Pickup, Scan, Status, utc

# Besides their plain sense these cover disposal, hand-over, holds, returns and the way to a branch:
# next to an ICE that is not named here they prove nothing.
_TRUSTED = {
    "ZU": {"", "DLVRD"},
    "PO": {"", "LDTMV", "SRTED"},
    "ZN": {"", "NTDEL"},
    "ZF": {"", "CNRFC", "HLDCC", "HNDDE"},
    "LA": {"", "CNRFC", "HLDCC", "HNDDE"},
}
_PLACES = {"LDPCK": "locker", "PCKST": "locker", "SERPT": "branch", "HDFCT": "branch"}
_STAYS = {None, Status.ANNOUNCED, Status.CANCELLED, Status.LOST}


def codes(name: str) -> Mapping[str, Meaning]:
    """Return the code table *name*, and each pair ICE/RIC whose listings all mean the same."""
    listed = table(name)
    pairs: dict[str, set[Meaning]] = {}
    for code, meaning in listed.items():
        if code.count("/") == 2:
            pairs.setdefault(code.rpartition("/")[0], set()).add(meaning)
    return {pair: means.pop() for pair, means in pairs.items() if len(means) == 1} | dict(listed)


def keys(event: Mapping[str, str], text: str) -> Iterator[str]:
    """Give the keys to look an event up by, the surest first; the first is the scan's code."""
    ice, ric, standard = (
        event.get(key, "").strip() for key in ("ice", "ric", "standard-event-code")
    )
    if ice or ric or standard:
        yield f"{ice}/{ric}/{standard}"
        yield f"{ice}/{ric}"
        if ice in _TRUSTED.get(standard, {ice}):
            yield standard
    yield " ".join(text.casefold().split()).rstrip(" .")


def moment(stamp: str, zone: str, after: datetime | None = None) -> datetime:
    """Read `DD.MM.YYYY HH:MM` of *zone*; in the hour that comes twice, the list decides.

    There the first round is meant, unless that would be earlier than *after*, the event before.
    """
    naive = datetime.strptime(stamp.strip(), "%d.%m.%Y %H:%M").replace(tzinfo=ZoneInfo(zone))
    try:
        rounds = [utc(naive), utc(naive.replace(fold=1))]
    except OverflowError as exc:
        raise ValueError("outside the calendar") from exc
    return max(rounds) if after and rounds[0] < after else rounds[0]


def turned(meaning: Meaning, said: Mapping[str, str]) -> Meaning:
    """Return *meaning*, if *said* to be on its way back: then delivered is delivered at home."""
    if meaning.status in _STAYS or said.get("ruecksendung") != "true":
        return meaning
    done = meaning.status in (Status.DELIVERED, Status.RETURNED)
    back = Status.RETURNED if done else Status.RETURNING
    return replace(meaning, status=back, detail=None)


def settled(scans: list[Scan], head: Mapping[str, str], whom: Detail | None) -> list[Scan]:
    """Put what only the head knows on the newest scan that has a status: turned, and to whom."""
    newest = next((scan for scan in reversed(scans) if scan.status), None)
    if newest is None:
        return scans
    meaning = turned(newest.meaning or Meaning(), head)
    if meaning.status is Status.DELIVERED and not meaning.detail:
        meaning = replace(meaning, detail=whom)
    # An entry may be listed twice: then both are the newest one.
    return [replace(scan, meaning=meaning) if scan == newest else scan for scan in scans]


def pickup(scans: list[Scan]) -> Pickup | None:
    """Return the kind of place a parcel waits at; DHL does not say which one."""
    newest = next((scan for scan in reversed(scans) if scan.status), None)
    if newest is None or newest.status is not Status.READY_FOR_PICKUP:
        return None
    ric = next(iter(newest.code.split("/")[1:]), "")
    return Pickup(type=_PLACES[ric]) if ric in _PLACES else None


def estimate(head: Mapping[str, str], zone: str) -> Estimate | None:
    """Return the forecast, where the account has the right to see it and it can be read."""
    date, begins, ends = (
        head.get(key, "").strip()
        for key in ("delivery-date", "delivery-timeframe-from", "delivery-timeframe-to")
    )
    with suppress(ValueError):
        day = moment(f"{date} 12:00", zone).astimezone(ZoneInfo(zone)).date()
        with suppress(ValueError):
            window = moment(f"{date} {begins}", zone), moment(f"{date} {ends}", zone)
            return Estimate(day, *window) if window[0] <= window[1] else Estimate(day)
        return Estimate(day)
    return None
