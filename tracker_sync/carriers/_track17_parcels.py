"""What 17TRACK says about each number, and whose history counts where it holds several.

Floor 2. A number may be registered under two carriers (two items), and an item may hold histories
of several carriers: the registered one, a partner the parcel was handed to, or one that used the
number before. Histories are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tracker_sync.carriers import Carrier, Parcel
from tracker_sync.carriers import _track17_events as events
from tracker_sync.model import Reading

_UNREGISTERED = -18019902
_NOTHING = {-18019909, -18010012}  # nothing known yet; of a form no number has
_EARLIER = timedelta(days=2)  # before it was shipped, it was another parcel


@dataclass(slots=True)
class Told:
    """What is said about one number: registrations, and reasons why there is none."""

    number: str
    items: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def by_number(data: Any) -> dict[str, Told]:
    """What is said, by number."""
    found: dict[str, Told] = {}
    for item in data["accepted"]:
        found.setdefault(same(item["number"]), Told(item["number"])).items.append(item)
    for item in data["rejected"]:
        one = found.setdefault(same(item["number"]), Told(item["number"]))
        one.codes.append(int(item["error"]["code"]))
    return found


def same(number: str) -> str:
    """A number in the form in which two spellings of it are equal."""
    return number.strip().casefold()


def readings(carrier: Carrier, data: Any, parcels: Sequence[Parcel]) -> Iterator[Reading]:
    """What is said about each number; one that is left out may be asked again."""
    found = by_number(data)
    for key, told in found.items():
        yield _reading(carrier, told, [p for p in parcels if same(p.number) == key])
    silent = {parcel.number for parcel in parcels if same(parcel.number) not in found}
    yield from (Reading(number, unanswered=True) for number in sorted(silent))


def _reading(carrier: Carrier, told: Told, parcels: list[Parcel]) -> Reading:
    number = parcels[0].number if parcels else told.number
    if not told.items:
        return _silence(number, {*told.codes})
    item, provider = _history(told.items, parcels)
    if item is None or provider is None:
        return Reading(number, not_found=item is None, ambiguous=item is not None)
    return events.reading(carrier, number, item["track_info"], provider)


def _silence(number: str, codes: set[int]) -> Reading:
    """Why nothing is told about a number."""
    if _NOTHING & codes:
        return Reading(number, not_found=True)
    unregistered = _UNREGISTERED in codes
    return Reading(number, unregistered=unregistered, unanswered=not unregistered)


def _history(items: Sequence[Any], parcels: Sequence[Parcel]) -> tuple[Any, Any]:
    """The registration and the carrier that count for *parcels* of one number.

    No registration: none has a history. No carrier: nothing decides.
    """
    hints = {parcel.hint for parcel in parcels if parcel.hint}
    asked = [item for item in items if str(item.get("carrier")) in hints] or items
    living = [item for item in asked if _providers(item)]
    if len(living) > 1 and len(parcels) == 1 and parcels[0].shipped_at:
        since = parcels[0].shipped_at - _EARLIER
        living = [item for item in living if max(map(_newest, _providers(item))) >= since]
    if not living:
        return None, None
    return living[0], _believed(living[0]) if len(living) == 1 else None


def _providers(item: Any) -> list[Any]:
    """The carriers whose history an item holds."""
    tracking = (item.get("track_info") or {}).get("tracking") or {}
    return [each for each in tracking.get("providers") or () if events.placed(each)]


def _newest(provider: Any) -> datetime:
    return max((at for _, at in events.placed(provider)), default=datetime.min.replace(tzinfo=UTC))


def _believed(item: Any) -> Any:
    """The registered carrier, or the partner 17TRACK names for the last leg: who has newer news.

    Where neither has a history, another one is believed if it is alone.
    """
    known = _providers(item)
    partner = (item["track_info"].get("misc_info") or {}).get("local_key")
    own = {str(key) for key in (item.get("carrier"), partner) if key}
    ours = [each for each in known if str(each["provider"]["key"]) in own]
    if ours:
        return max(ours, key=_newest)
    return known[0] if len(known) == 1 else None
