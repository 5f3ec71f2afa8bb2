"""What a carrier is, and which ones we have.

Floor 2. A carrier is one file: facts as class attributes, one pure function that writes the
request, one pure function that reads the answer. Sending, error mapping, tokens and code lookup
live here, once. Budgets and tokens are kept by whoever calls `poll`.
"""

from __future__ import annotations

import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tracker_sync.carriers.errands import Errands, Parcel
from tracker_sync.carriers.facts import (
    Access,
    Budget,
    CarrierConfig,
    Order,
    Tells,
    Token,
    never_backwards,
)
from tracker_sync.carriers.shapes import SHAPE, why
from tracker_sync.discovery import Shelf
from tracker_sync.errors import Rejected, Unreadable
from tracker_sync.model import Meaning, Reading, Scan, Status, utc
from tracker_sync.wire import Wire, check, moved

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Access",
    "Budget",
    "Carrier",
    "CarrierConfig",
    "Order",
    "Parcel",
    "Tells",
    "Token",
    "discover",
    "quoted",
    "rejected",
]

T = TypeVar("T")
_SHARED = ("brands", "errands", "facts", "shapes", "tables")  # files that are no carrier


class Carrier(Errands, ABC):
    """One carrier's tracking API."""

    key: ClassVar[str]
    title: ClassVar[str]
    brand: ClassVar[str]
    docs: ClassVar[str]  # https:// page of the API
    tracking_url: ClassVar[str]  # the customer's page, with {number}
    zone: ClassVar[str] = "UTC"  # of stamps without offset, and of the brand's calendar days
    order: ClassVar[Order] = Order.NEWEST_FIRST
    batch: ClassVar[int] = 1  # numbers a call
    budget: ClassVar[Budget] = Budget()
    budget_zone: ClassVar[str] = "UTC"  # where the carrier's day ends
    tokens_count: ClassVar[bool] = False  # token calls are charged to the same budget
    min_gap: ClassVar[timedelta] = timedelta(minutes=5)  # between two calls about one parcel
    max_per_parcel_day: ClassVar[int | None] = None
    asks_delivered: ClassVar[bool] = True  # False = a delivered parcel must not be asked again
    any_brand: ClassVar[bool] = False  # an aggregator: answers for every brand it is named for
    goes_to: ClassVar[str] = ""  # where it takes the numbers: said before it is used
    number_patterns: ClassVar[tuple[re.Pattern[str], ...]] = ()  # its own numbers, unmistakable
    aliases: ClassVar[tuple[str, ...]] = ()  # how feeds spell the brand, besides brand and key
    codes: ClassVar[Mapping[str, Meaning]]
    access: ClassVar[Access]
    Config: ClassVar[type[CarrierConfig]]

    def __init__(self, config: Any) -> None:
        self.config = config

    # -- what a carrier writes ---------------------------------------------

    @abstractmethod
    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Write the request for up to `batch` numbers."""

    @abstractmethod
    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """Read a decoded answer. No I/O; let KeyError and friends escape."""

    @property
    def size(self) -> int:
        """Numbers a call, with this configuration."""
        return self.batch

    def request_for(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Write the request where more than the number counts."""
        return self.request([parcel.number for parcel in parcels], token)

    def read_for(self, payload: Any, parcels: Sequence[Parcel]) -> Iterable[Reading]:
        """Read an answer where more than the number counts."""
        return self.read(payload, [parcel.number for parcel in parcels])

    def token_request(self) -> httpx.Request | None:
        """Write the request for an access token; None = this API needs none."""
        return None

    def read_token(self, payload: Any) -> Token:
        """Read the decoded answer to `token_request`."""
        raise NotImplementedError

    def parse_token(self, body: bytes) -> Any:
        """Decode the answer to `token_request`; JSON unless a carrier says otherwise."""
        return json.loads(body)

    def token_refusal(self, response: httpx.Response) -> None:
        """Raise for an error answer to `token_request`; Rejected with 401 for wrong keys."""
        check(self.key, response)

    def parse(self, body: bytes) -> Any:
        """Decode a body; ValueError for anything else."""
        payload = json.loads(body)
        if rb"\ud" not in body.lower():
            return payload
        # Half a surrogate pair is no character: neither SQLite nor a terminal takes it.
        text = json.dumps(payload, ensure_ascii=False)
        return json.loads(text.encode("utf-8", "replace"))

    def refusal(self, response: httpx.Response) -> None:
        """Raise for an answer that is an error; return for one that can be read.

        The default treats 404 as readable ("not found") and everything else by its status.
        """
        if response.status_code != HTTPStatus.NOT_FOUND:
            check(self.key, response)

    def absent(self, response: httpx.Response) -> bool:
        """Whether an answer that was not refused says that no number is known, and no more."""
        return response.status_code == HTTPStatus.NOT_FOUND

    # -- helpers for request() and read() ------------------------------------

    def url(self, official: str) -> str:
        """Return *official* at the configured host."""
        return moved(official, self.config.base_url)

    def reading(self, number: str | None, scans: Iterable[Scan], **more: Any) -> Reading:
        """Make a Reading from scans in the carrier's own order."""
        ordered = list(scans)
        if self.order is Order.NEWEST_FIRST:
            ordered.reverse()
        if self.order is Order.LIST_IS_TRUTH:
            ordered = list(never_backwards(ordered))
        return Reading(number, tuple(ordered), **more)

    def scan(self, at: datetime, code: str, text: str = "", place: str = "") -> Scan:
        """Make a Scan from the carrier's own words; an unlisted code means nothing."""
        return Scan(at, code, self.meaning(code), text.strip(), place.strip())

    def meaning(self, code: str) -> Meaning | None:
        """Translate *code*: the merchant's own mapping first, then the carrier's list."""
        mine = self.config.codes.get(code)
        if mine is None:
            return self.codes.get(code)
        return Meaning(status=mine) if isinstance(mine, Status) else Meaning(problem=mine)

    def when(self, stamp: str) -> datetime:
        """Parse ISO 8601; a stamp without offset is local to `zone`, fold 0."""
        return self.local(datetime.fromisoformat(stamp))

    def local(self, moment: datetime) -> datetime:
        """Return *moment* in UTC; a naive one is local to `zone`, fold 0."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(self.zone))
        return utc(moment)

    # -- the one place that talks to the network -----------------------------

    def poll(self, wire: Wire, numbers: Sequence[str], token: str | None = None) -> list[Reading]:
        """Ask about *numbers* in one call; raise a CallError or return readings."""
        return self.ask(wire, [Parcel(number) for number in numbers], token)

    def ask(self, wire: Wire, parcels: Sequence[Parcel], token: str | None) -> list[Reading]:
        """Ask about *parcels* in one call; raise a CallError or return readings."""
        return self.told(wire.send(self.request_for(parcels, token)), parcels)

    def told(self, response: httpx.Response, parcels: Sequence[Parcel]) -> list[Reading]:
        """Turn the HTTP answer about *parcels* into readings."""
        self.refusal(response)
        if self.absent(response):
            return [Reading(parcel.number, not_found=True) for parcel in parcels]
        return self._read(response.content, lambda told: [*self.read_for(told, parcels)])

    def fetch_token(self, wire: Wire) -> Token:
        """Ask for an access token in one call; raise a CallError or return it."""
        request = self.token_request()
        if request is None:
            raise NotImplementedError(self.key)
        response = wire.send(request)
        self.token_refusal(response)
        try:
            return self.read_token(self.parse_token(response.content))
        except SHAPE as exc:
            raise Unreadable(self.key, why(exc)) from exc

    def answer(self, response: httpx.Response, reader: Callable[[Any], T]) -> T:
        """Turn the answer to an errand into what *reader* makes of it; a 404 is no answer."""
        self.refusal(response)
        if self.absent(response):
            check(self.key, response)
        return self._read(response.content, reader)

    def decode(self, response: httpx.Response, asked: Sequence[str]) -> list[Reading]:
        """Turn an HTTP answer into readings. Needs no network."""
        return self.told(response, [Parcel(number) for number in asked])

    def decode_body(self, body: bytes, asked: Sequence[str]) -> list[Reading]:
        """Turn a body into readings; *asked* may be empty when nobody knows what was asked."""
        return self._read(body, lambda payload: [*self.read(payload, asked)])

    def _read(self, body: bytes, reader: Callable[[Any], T]) -> T:
        try:
            return reader(self.parse(body))
        except SHAPE as exc:
            raise Unreadable(self.key, why(exc)) from exc


def quoted(number: str) -> str:
    """Return *number* fit for one step of a path; not even ".." can climb out of it."""
    return quote(number, safe="").replace(".", "%2E")


def rejected(carrier: Carrier, text: str, status: int | None = None) -> Rejected:
    """An error answer of *carrier* that repeating cannot cure, with what to do about it."""
    return Rejected(carrier.key, text, status=status)


def discover() -> Mapping[str, type[Carrier]]:
    """Return every carrier class of this package by its key, which is the name of its file."""
    return Shelf(sys.modules[__name__], Carrier, but=_SHARED)  # type: ignore[type-abstract]
