"""What a carrier says: readings and the scans they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from tracker_sync.model.words import Detail, Origin, Problem, Status


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
        object.__setattr__(self, "at", utc(self.at).replace(microsecond=0))

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
    first: date | None = None  # the earliest day it promised since the parcel is under way
    slipped_at: datetime | None = None  # since when it lies more than a day after that


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
    unanswered: bool = False  # the carrier could not say just now; ask again later
    unregistered: bool = False  # an aggregator that does not watch this number yet
    ambiguous: bool = False  # several parcels carry this number: none is believed
    estimate: Estimate | None = None
    pickup: Pickup | None = None
    service: str = ""
    reroute_url: str = ""
    unmoved: bool = False  # the same answer as the last time; not read again
    mark: str = ""  # stays as it is while nothing new happens: a glance, or a digest of the answer

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.scans, key=lambda scan: scan.at))
        object.__setattr__(self, "scans", ordered)
        if not self.reroute_url.startswith("https://"):  # it becomes a link in a mail
            object.__setattr__(self, "reroute_url", "")
