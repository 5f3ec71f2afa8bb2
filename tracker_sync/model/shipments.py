"""What the shop says, and what we know: advices, shipments, their state and its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tracker_sync.model.scans import Estimate, Pickup
from tracker_sync.model.words import Detail, Direction, Problem, Status


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told. Blank = not known; `consent` None = the feed says nothing about it."""

    email: str = ""
    phone: str = ""  # E.164
    external_id: str = ""
    consent: bool | None = None

    @property
    def known(self) -> bool:
        """Whether anything identifies the customer."""
        return bool(self.email or self.phone or self.external_id)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order, as far as the feed knows it."""

    name: str
    quantity: int = 1
    sku: str = ""
    product_id: str = ""
    price: str = ""
    product_url: str = ""
    image_url: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One shipment as a source announces it. Blank = the source does not say; never erases."""

    number: str
    courier: str = ""  # brand, alias or carrier key, as the source wrote it
    direction: Direction = Direction.OUTBOUND
    requested: bool = True  # returns only: False = label enclosed in every parcel, dormant
    order: str = ""
    order_id: str = ""
    order_url: str = ""
    recipient: Recipient = Recipient()
    language: str = ""
    origin_country: str = ""
    destination_country: str = ""
    shipped_at: datetime | None = None
    dispatched_at: datetime | None = None  # the source itself saw the hand-over to the carrier
    parcel_count: int | None = None
    items: tuple[Item, ...] = ()
    value: str = ""
    currency: str = ""
    replaces: str = ""  # a number this one corrects: same parcel, mistyped before
    properties: Mapping[str, str] = field(default_factory=dict)
    where: str = ""  # file and line, or page and id: for messages to the operator


@dataclass(frozen=True, slots=True)
class State:
    """Where a history ends: progress, what is wrong, and the moments that matter."""

    status: Status | None = None
    status_at: datetime | None = None
    detail: Detail | None = None  # of the delivery, or of an open delay
    problems: frozenset[Problem] = frozenset()  # open now
    first_scan_at: datetime | None = None  # first physical scan of the carrier
    last_scan_at: datetime | None = None  # newest scan of the carrier, whatever it says
    delivered_at: datetime | None = None  # None again when a delivery is taken back
    turned: bool = False  # on its way back to the sender, or there


@dataclass(frozen=True, slots=True)
class Transition:
    """A status reached or a problem opened."""

    word: Status | Problem
    at: datetime
    attempt: str = ""  # the calendar day where a word counts once per attempt, else blank
    detail: Detail | None = None
    previous: Status | None = None
    text: str = ""  # the carrier's own words, for people who look into the database

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one and the same transition, however often it is read."""
        return (self.word.value, self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One parcel on its way, as the database knows it."""

    id: int
    brand: str
    zone: str = "UTC"  # the brand's, for calendar days
    number: str  # the one the carrier is asked about
    first_number: str  # the one ids are made of
    numbers: tuple[str, ...]
    leg: int = 1
    direction: Direction = Direction.OUTBOUND
    requested: bool = True
    taken_at: datetime
    shipped_at: datetime | None = None
    active_from: datetime  # what happened before is taken in silently
    closed_at: datetime | None = None
    closed_reason: str = ""
    state: State = State()
    estimate: Estimate | None = None
    pickup: Pickup | None = None
    service: str = ""
    reroute_url: str = ""
    recipient: Recipient = Recipient()
    language: str = ""
    destination_country: str = ""
    order_url: str = ""
    items: tuple[Item, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    checked_at: datetime | None = None  # the carrier last answered about it
    found_at: datetime | None = None  # the carrier first knew it


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the customer bought, as far as its parcels go."""

    id: int
    reference: str  # blank = the parcel came without one and is its own order
    subject: str  # what its ids are made of: the reference as first recorded
    order_id: str = ""
    parcel_count: int | None = None
