"""17TRACK's refusals, and what comes of registering.

Floor 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tracker_sync.carriers import Parcel
from tracker_sync.carriers._track17_parcels import Told, by_number, same
from tracker_sync.carriers.errands import Registered
from tracker_sync.errors import CallError, Rejected, Unavailable

_REGISTERED = -18019901
_ADDRESS, _KEY = -18010001, -18010002
_DATA = range(-18010020, -18010009)  # about one of the numbers, or more of them than 40
_PLAN = {
    -18019907: "17TRACK's limit of registrations a day is reached",
    -18019908: "the registrations of the 17TRACK plan are used up",
}
_FIELD = "17TRACK wants a postal code, phone or the like for their carrier, which we do not send"
_WHY = _PLAN | {
    -18019903: "17TRACK does not recognise the carrier: add via_code",
    -18010012: "17TRACK does not take numbers of this form",
    **dict.fromkeys((-18010018, -18010019, -18010020), _FIELD),
}
_CARRIER = re.compile("[0-9]{1,9}")
_NO_CARRIER = "via_code must be the carrier's number at 17TRACK, in digits"


def fault(payload: Any) -> int:
    """The error of the answer as a whole; 0 = it can be read."""
    data = payload.get("data")
    errors = data.get("errors") if isinstance(data, dict) else None
    return int(payload["code"]) or next((int(error["code"]) for error in errors or ()), 0)


def complaint(peer: str, code: int) -> CallError:
    """What an error of a whole answer means; its own words are not repeated."""
    if code == _KEY:
        text = "17TRACK refuses the key: compare api_key with the security key in its API settings"
        return Rejected(peer, text, status=401)
    if code == _ADDRESS:
        text = "17TRACK takes no calls from here: add this machine's IP address to its whitelist"
        return Rejected(peer, text, status=403)
    if code in _DATA:
        return Rejected(peer, f"17TRACK refuses the numbers (error {code})", status=400)
    return Unavailable(peer, f"17TRACK answers with error {code}")


def told(peer: str, payload: Any) -> Any:
    """The data of an answer; raise for an error."""
    if code := fault(payload):
        raise complaint(peer, code)
    return payload["data"]


# -- registering -----------------------------------------------------------------


def named(parcel: Parcel) -> dict[str, Any]:
    """A parcel as 17TRACK is told of it: its number, and its carrier where we know that."""
    carrier = {"carrier": int(parcel.hint)} if _CARRIER.fullmatch(parcel.hint) else {}
    return {"number": parcel.number, **carrier}


def able(parcels: Sequence[Parcel]) -> list[Parcel]:
    """Those that may be registered: a wrong `via_code` would be paid for."""
    return [p for p in parcels if not p.hint or _CARRIER.fullmatch(p.hint)]


def registered(peer: str, payload: Any, parcels: Sequence[Parcel]) -> Iterator[Registered]:
    """Which numbers are watched now; one that is not answered about is left out."""
    sent = able(parcels)
    yield from (Registered(p.number, _NO_CARRIER) for p in parcels if p not in sent)
    if not sent:
        return
    if (code := fault(payload)) in _PLAN:
        yield from (Registered(parcel.number, _PLAN[code]) for parcel in sent)
        return
    found = by_number(told(peer, payload))
    if not found:
        raise Unavailable(peer, "17TRACK answered about none of the numbers")
    for parcel in sent:
        if one := found.get(same(parcel.number)):
            yield Registered(parcel.number, _why(one))


def _why(one: Told) -> str:
    if one.items or _REGISTERED in one.codes:
        return ""
    return _WHY.get(one.codes[0], f"17TRACK does not take them (error {one.codes[0]})")
