"""The nouns: shipments, readings, scans, transitions.

Floor 0. Standard library only; every value is frozen; every moment is an aware datetime in UTC
(`utc` is the one gate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum


class Status(StrEnum):
    """How far a shipment is."""

    ANNOUNCED = "announced"
    DISPATCHED = "dispatched"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    LOST = "lost"


class Problem(StrEnum):
    """What is wrong with a shipment; a flag beside the status, never a status."""

    ADDRESS = "address"
    DELAYED = "delayed"
    DAMAGED = "damaged"
    CUSTOMS = "customs"
    REFUSED = "refused"
    OTHER = "other"


class Detail(StrEnum):
    """Where or to whom a parcel was delivered, or why it is delayed."""

    RECIPIENT = "recipient"
    HOUSEHOLD = "household"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    MAILBOX = "mailbox"
    LOCKER = "locker"
    COLLECTED = "collected"
    STALLED = "stalled"
    NOT_HANDED_OVER = "not_handed_over"
    ESTIMATE_PASSED = "estimate_passed"


class Direction(StrEnum):
    """To the customer, or back from the customer."""

    OUTBOUND = "outbound"
    RETURN = "return"


class Origin(StrEnum):
    """Who said what a scan says: the carrier, the source, or the passing of time."""

    CARRIER = "carrier"
    SOURCE = "source"
    CLOCK = "clock"


def utc(moment: datetime) -> datetime:
    """Return *moment* in UTC; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime: {moment!r}")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a carrier's code means; all empty = listed, and changes nothing."""

    status: Status | None = None
    problem: Problem | None = None
    detail: Detail | None = None
    revokes: bool = False  # takes a delivery back ("previous event was an error")


INFO = Meaning()


@dataclass(frozen=True, slots=True)
class Scan:
    """One dated entry of a history, with the carrier's own code and our reading of it."""

    at: datetime
    code: str = ""
    meaning: Meaning | None = None  # None = the code is not listed: it changes nothing
    text: str = ""
    place: str = ""
    origin: Origin = Origin.CARRIER

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))

    @property
    def status(self) -> Status | None:
        """Our status for this scan, None where it says nothing about progress."""
        return self.meaning.status if self.meaning else None

    @property
    def problem(self) -> Problem | None:
        """Our problem for this scan, if it names one."""
        return self.meaning.problem if self.meaning else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The carrier's own forecast: a day in the brand's zone, sometimes a time window."""

    day: date
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pickup:
    """Where a parcel waits, and until when; blank where the carrier does not say."""

    type: str = ""  # "locker", "shop" or "branch"
    name: str = ""
    address: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says about one number; scans oldest first, in the carrier's true order."""

    number: str | None  # None where the answer does not name it
    scans: tuple[Scan, ...] = ()
    not_found: bool = False
    estimate: Estimate | None = None
    pickup: Pickup | None = None
    service: str = ""
    reroute_url: str = ""

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.scans, key=lambda scan: scan.at))
        object.__setattr__(self, "scans", ordered)


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
