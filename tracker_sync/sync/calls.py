"""One call to a carrier: what it is for, about whom, and how it is made.

What comes back is a list of readings, glances or registrations, a page of changes, or a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tracker_sync.carriers import Carrier, Parcel, errands
from tracker_sync.carriers.errands import Changes, Errand, Glance, Registered, Window
from tracker_sync.model import Reading
from tracker_sync.store import Due
from tracker_sync.sync import same
from tracker_sync.wire import Wire

Answer: TypeAlias = list[Reading] | list[Glance] | list[Registered] | Changes | int


class NotAsked(Exception):
    """Asking was stopped before this call was made."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked in one call."""

    due: tuple[Due, ...] = ()
    errand: Errand = Errand.HISTORY
    window: Window | None = None  # of a feed
    token: str | None = None
    again: bool = False  # the token was refused once already
    days: tuple[str, ...] = ()  # of the carrier's calendar, to which it is charged

    @property
    def numbers(self) -> list[str]:
        """What the carrier is asked."""
        return [due.number for due in self.due]


def make(call: Call, carrier: Carrier, hints: dict[str, str], wire: Wire) -> Answer:
    """Make a call in a worker's thread; raise a CallError or return the answer.

    *hints*: what the merchant says this carrier calls a brand.
    """
    parcels = [_parcel(due, carrier, hints) for due in call.due]
    match call.errand:
        case Errand.GLANCE:
            return errands.glance(carrier, wire, parcels, call.token)
        case Errand.REGISTER:
            return errands.register(carrier, wire, parcels, call.token)
        case Errand.FEED if call.window:
            return errands.changes(carrier, wire, call.window, call.token)
        case Errand.QUOTA:
            return errands.quota(carrier, wire, call.token)
    return same.ask(carrier, wire, parcels, call.token)


def _parcel(due: Due, carrier: Carrier, hints: dict[str, str]) -> Parcel:
    heard = due.carrier == carrier.key and carrier.key not in due.unknown_to
    mark = due.mark if heard else ""
    return Parcel(due.number, due.brand, hints.get(due.brand, ""), due.shipped_at, mark)
