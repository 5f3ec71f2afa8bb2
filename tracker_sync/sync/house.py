"""Everything one pass needs, put together once from the settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

import httpx

from tracker_sync.carriers import Carrier
from tracker_sync.klaviyo import Outcome
from tracker_sync.lifecycle.delays import Calendar, Workday
from tracker_sync.messages.follow_ups import FollowUp
from tracker_sync.messages.properties import Brand, Wording
from tracker_sync.messages.verdict import Policy
from tracker_sync.model import Direction, Kind, Shipment
from tracker_sync.sources import Bundle, Reject, Source
from tracker_sync.store import Store
from tracker_sync.store.ledger import Ledger
from tracker_sync.wire import Limits, Pacer, Timer, Wire

if TYPE_CHECKING:
    from tracker_sync.sync.planning import Planner


class Sender(Protocol):
    """Whoever takes the messages: Klaviyo, or the printer of a dry run."""

    def send(self, wire: Wire, body: str) -> Outcome:
        """Send one event."""
        ...

    def send_many(self, wire: Wire, bodies: Sequence[str]) -> list[Outcome]:
        """Send history in bulk."""
        ...


class Arrivals(Protocol):
    """Whoever counts the events that arrived, by metric and UTC day."""

    @property
    def per_second(self) -> float | None:
        """Calls that may be made; None: as many as you like."""
        ...

    def counts(
        self, wire: Wire, metrics: Collection[str], since: date, until: date
    ) -> Mapping[tuple[str, str], int]:
        """Count the events of *metrics* on the days from *since* to before *until*."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long things may take, and how long they are kept."""

    pass_limit: timedelta = timedelta(minutes=4)
    give_up: timedelta = timedelta(days=30)  # on a parcel no carrier ever knew
    silent: timedelta = timedelta(days=60)  # without a new scan
    keep_recipients: timedelta = timedelta(days=60)  # after the shipment closed
    keep_shipments: timedelta = timedelta(days=180)
    keep_files: timedelta = timedelta(days=14)
    senders: int = 8  # messages under way at the same time
    send_seconds: float = 20.0  # for one call to Klaviyo

    @property
    def last_word(self) -> float:
        """Seconds at the end of a pass kept for answers under way, sending and closing."""
        return min(30.0, self.pass_limit.total_seconds() / 4)


@dataclass(frozen=True, slots=True)
class Via:
    """An aggregator that answers for a brand."""

    carrier: str
    hint: str = ""  # what the aggregator calls the brand; blank = it finds out


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One shop, ready for a pass."""

    shop: str  # its id, part of every message id
    bounds: Bounds
    store: Store
    ledger: Ledger  # of the real database, also when `store` is a copy
    carriers: Mapping[str, Carrier]
    sources: tuple[Source, ...]
    sender: Sender | None  # None: Klaviyo is not configured
    policy: Policy
    wording: Wording
    rename: Mapping[Kind, str]  # metric names in full
    prefix: str  # of default metric names
    rules: Mapping[str, FollowUp]
    brands: Mapping[str, Brand]
    timer: Timer
    planner: Planner
    step: Callable[[str], None] = lambda _name: None  # told at every step; tests crash here
    done: Callable[[Source, Bundle, tuple[Reject, ...]], None] = lambda source, bundle, refused: (
        source.done(bundle, refused)
    )
    transport: Callable[[], httpx.BaseTransport] | None = None
    ahead: timedelta = timedelta(0)  # of a rehearsed moment the machine's clock is so far
    accepted: frozenset[str] = frozenset()  # sources whose bundles are taken however odd they look
    via: Mapping[str, Via] = field(default_factory=dict)  # brand -> the aggregator behind it
    guarded: bool = True  # unusually many messages wait for a person
    arrivals: Arrivals | None = None  # None: nobody counts what arrived at Klaviyo
    log_every_pass: bool = False  # also those in which nothing happened
    workdays: Callable[[str], Workday] = lambda _country: _weekday  # by country; blank: the shop's

    def calendar(self, shipment: Shipment) -> Calendar:
        """The working days a parcel is judged by, and the shop's clock: there it is told at 9:00.

        A return goes to the shop, whatever country its row names.
        """
        back = shipment.direction is Direction.RETURN
        there = "" if back else shipment.destination_country
        return Calendar(self.policy.zone, self.workdays(there), self.workdays(""))

    def of_brand(self, brand: str) -> list[Carrier]:
        """The carriers that answer for a brand: the cheapest first, its aggregator last."""
        mine = (c for c in self.carriers.values() if c.brand == brand)
        own = sorted(mine, key=lambda c: (-c.size, -(budget(c)[0] or 10**9), c.key))
        via = self.via.get(brand)
        last = self.carriers.get(via.carrier) if via else None
        return [*own, last] if last and last not in own else own

    def brands_of(self, carrier: Carrier) -> list[str]:
        """The brands a carrier answers for."""
        named = (brand for brand, via in self.via.items() if via.carrier == carrier.key)
        return sorted({carrier.brand, *named})

    def hints(self, carrier: Carrier) -> dict[str, str]:
        """What an aggregator calls the brands it answers for."""
        return {b: via.hint for b, via in self.via.items() if via.carrier == carrier.key}

    @property
    def asked_brands(self) -> list[str]:
        """Every brand somebody answers for."""
        return sorted({b for carrier in self.carriers.values() for b in self.brands_of(carrier)})

    def wire(self, peer: str, *, limits: Limits, pacer: Pacer) -> Wire:
        """A client for one peer; whoever takes it gives it back with `close`."""
        transport = self.transport() if self.transport else None
        return Wire(peer, self.timer, limits=limits, pacer=pacer, transport=transport)

    def brand(self, key: str) -> Brand:
        """How a brand shows itself; its key where no carrier speaks for it."""
        return self.brands.get(key) or Brand(key, key.upper())


def _weekday(day: date) -> bool:
    """Monday to Friday, where nobody says more."""
    return day.weekday() < 5


def budget(carrier: Carrier) -> tuple[int | None, float | None]:
    """Calls per day and per second: the merchant's figures before the carrier's."""
    mine, own = carrier.config.budget, carrier.budget
    return mine.per_day or own.per_day, mine.per_second or own.per_second
