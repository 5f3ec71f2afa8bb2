"""An answer that is the same, byte for byte, as the last one says nothing new and is not read.

Most answers are. A digest of the last one is kept as the parcel's mark, together with everything
else that decides what it means: the program's version, the carrier's configuration, the day the
parcel was shipped. Only for carriers that answer about one number a call and know no glances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from tracker_sync import __version__
from tracker_sync.carriers import Carrier, Parcel
from tracker_sync.model import Reading
from tracker_sync.wire import Wire

_GOOD = 200


def ask(
    carrier: Carrier, wire: Wire, parcels: Sequence[Parcel], token: str | None
) -> list[Reading]:
    """Ask about *parcels*; raise a CallError or return readings, `unmoved` where none changed."""
    if len(parcels) != 1 or carrier.glance_batch or carrier.register_batch:
        return carrier.ask(wire, parcels, token)
    response, parcel = wire.send(carrier.request_for(parcels, token)), parcels[0]
    if response.status_code != _GOOD:
        return carrier.told(response, parcels)
    mark = _mark(carrier, parcel, response.content)
    if mark == parcel.mark:
        return [Reading(parcel.number, unmoved=True)]
    return [_marked(reading, mark) for reading in carrier.told(response, parcels)]


def _mark(carrier: Carrier, parcel: Parcel, body: bytes) -> str:
    return sha256(f"{_reader(carrier)} {parcel}".encode() + body).hexdigest()[:32]


@lru_cache(64)
def _reader(carrier: Carrier) -> str:
    """Everything besides the answer that decides how it is read."""
    return f"{__version__} {carrier.key} {carrier.config!r}"


def _marked(reading: Reading, mark: str) -> Reading:
    """Only what is believed as a whole may be left unread the next time."""
    doubtful = reading.not_found or reading.unanswered or reading.ambiguous
    return reading if doubtful else replace(reading, mark=mark)
