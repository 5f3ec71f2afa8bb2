"""What a carrier can be asked besides the history of some numbers, and what comes back.

Floor 2. Each errand is one call: the carrier writes the request and reads the answer, the exchange
itself is here. A carrier offers an errand by declaring it; nobody else knows which carrier does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from tracker_sync.model import Reading
from tracker_sync.wire import Wire

if TYPE_CHECKING:
    import httpx

    from tracker_sync.carriers import Carrier


class Errand(StrEnum):
    """What a call is for."""

    HISTORY = "history"
    GLANCE = "glance"  # has anything happened? For many numbers at once
    FEED = "feed"  # everything that changed on the account since
    REGISTER = "register"  # let an aggregator watch a number
    QUOTA = "quota"  # how many registrations are left


@dataclass(frozen=True, slots=True)
class Parcel:
    """One number to ask about, with what is known of its parcel."""

    number: str
    brand: str = ""
    hint: str = ""  # what the merchant says the aggregator calls the brand
    shipped_at: datetime | None = None
    mark: str = field(default="", compare=False, repr=False)  # of this carrier's last answer


@dataclass(frozen=True, slots=True)
class Glance:
    """The newest entry of a history as a mark: another mark means that something happened."""

    number: str
    mark: str  # blank: the carrier does not know the number


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How a list of changes of a whole account may be read."""

    every: timedelta  # between two looks
    window: timedelta  # the longest time one call may ask about
    reach: timedelta  # how far back the list goes
    overlap: timedelta = timedelta(minutes=10)  # asked again: entries may be filed late
    repair: timedelta = timedelta(days=1)  # a parcel is asked about by itself at least this often


@dataclass(frozen=True, slots=True)
class Window:
    """One call to a feed: from when to when, and which page."""

    since: datetime
    until: datetime
    page: str = ""  # blank = the first


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of a feed: what it says itself, and which numbers are worth a call of their own."""

    readings: tuple[Reading, ...] = ()
    moved: tuple[str, ...] = ()
    next_page: str = ""  # blank = this was the last one


@dataclass(frozen=True, slots=True)
class Registered:
    """Whether an aggregator watches a number now; `why` not, without the number."""

    number: str
    why: str = ""  # blank = it does


class Errands:
    """The errands a carrier may offer besides histories; none of them unless it says so."""

    glance_batch: ClassVar[int] = 0  # numbers a glance; 0 = there are none
    register_batch: ClassVar[int] = 0  # numbers a registration; 0 = none is needed

    @property
    def feed(self) -> Feed | None:
        """How the list of changes is read; None = there is none, with this configuration."""
        return None

    @property
    def has_quota(self) -> bool:
        """Whether it tells how many registrations are left."""
        return False

    def glance_request(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Ask for the newest entry of up to `glance_batch` numbers."""
        raise NotImplementedError

    def read_glance(self, payload: Any, parcels: Sequence[Parcel]) -> Iterable[Glance]:
        """Read marks; a number that is left out is looked at again later."""
        raise NotImplementedError

    def feed_request(self, window: Window, token: str | None) -> httpx.Request:
        """Ask for the changes of the whole account in *window*."""
        raise NotImplementedError

    def read_feed(self, payload: Any, window: Window) -> Changes:
        """Read a page of changes."""
        raise NotImplementedError

    def register_request(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Have up to `register_batch` numbers watched."""
        raise NotImplementedError

    def read_registered(self, payload: Any, parcels: Sequence[Parcel]) -> Iterable[Registered]:
        """Read which numbers are watched now."""
        raise NotImplementedError

    def quota_request(self, token: str | None) -> httpx.Request:
        """Ask how many registrations are left."""
        raise NotImplementedError

    def read_quota(self, payload: Any) -> int:
        """Read how many registrations are left."""
        raise NotImplementedError


def glance(
    carrier: Carrier, wire: Wire, parcels: Sequence[Parcel], token: str | None
) -> list[Glance]:
    """Ask for marks in one call; raise a CallError or return them."""
    response = wire.send(carrier.glance_request(parcels, token))
    return carrier.answer(response, lambda payload: [*carrier.read_glance(payload, parcels)])


def register(
    carrier: Carrier, wire: Wire, parcels: Sequence[Parcel], token: str | None
) -> list[Registered]:
    """Have numbers watched in one call; raise a CallError or return how it went."""
    response = wire.send(carrier.register_request(parcels, token))
    return carrier.answer(response, lambda payload: [*carrier.read_registered(payload, parcels)])


def changes(carrier: Carrier, wire: Wire, window: Window, token: str | None) -> Changes:
    """Read one page of a feed in one call; raise a CallError or return it."""
    response = wire.send(carrier.feed_request(window, token))
    return carrier.answer(response, lambda payload: carrier.read_feed(payload, window))


def quota(carrier: Carrier, wire: Wire, token: str | None) -> int:
    """Ask how many registrations are left in one call; raise a CallError or return it."""
    response = wire.send(carrier.quota_request(token))
    return carrier.answer(response, carrier.read_quota)
