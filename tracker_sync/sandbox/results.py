"""What came of a pretended week, for whoever wants to show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One event that reached Klaviyo, from which the shop's flow makes a mail."""

    metric: str
    at: datetime  # when it reached Klaviyo
    happened: datetime  # when what it tells of happened
    detail: str = ""
    waited: str = ""  # what it waited for last, such as "quiet hours"


@dataclass(frozen=True, slots=True)
class Kept:
    """One message that was not sent, and the rule behind it."""

    kind: str
    metric: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one order."""

    order: str
    about: str
    parcels: int
    mails: tuple[Mail, ...]
    kept: tuple[Kept, ...]
    looks: int  # how often a carrier was asked about its parcels


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came of the week."""

    begins: datetime
    ends: datetime
    orders: tuple[Told, ...]
    calls: Mapping[str, int]  # by carrier, token calls included
    looks: int  # numbers asked about; one call may ask about several
    passes: int
    seconds: float
    findings: tuple[str, ...] = ()

    @property
    def mails(self) -> int:
        """Events that reached Klaviyo."""
        return sum(len(told.mails) for told in self.orders)

    @property
    def parcels(self) -> int:
        """Parcels of all orders, returns included."""
        return sum(told.parcels for told in self.orders)
