"""Canada Post Tracking: XML, the whole history of one number a call.

A code is Canada Post's own without leading zeros, "174", or says what else decides: "delivered|to
sender", "1200|not later" (`_canadapost_history`). An event without one is known by its text.
Signature images and photos are no status.

Each event names the zone of its stamp, and they differ within one history: a table gives the
offsets. A zone that is not in it, or none, is taken for Toronto: an assumption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, quoted, rejected
from tracker_sync.carriers import _canadapost_history as history
from tracker_sync.carriers import _canadapost_xml as xml
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._text import shown
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Throttled, Unreadable
from tracker_sync.model import Reading, Status

_PAGE = "https://www.canadapost-postescanada.ca"
_URL = "https://soa-gw.canadapost.ca/vis/track/pin/"
_REFUSED = "the API key is refused: check username and password, and that it is a production key"
_CODES = table("canadapost")
_DELIVERED = frozenset(code for code, told in _CODES.items() if told.status is Status.DELIVERED)


class CanadapostConfig(CarrierConfig):
    """An API key of the Canada Post Developer Program: "username:password" in two halves."""

    username: SecretStr = Field(min_length=1, description="of the production API key, before the :")
    password: SecretStr = Field(min_length=1, description="of the same API key, after the :")


class Canadapost(Carrier):
    """Canada Post Tracking."""

    key = "canadapost"
    title = "Canada Post"
    brand = "canadapost"
    docs = _PAGE + "/info/mc/business/productsservices/developers/services/tracking/default.jsf"
    tracking_url = _PAGE + "/track-reperage/en#/resultList?searchFor={number}"
    zone = "America/Toronto"
    budget = Budget(per_second=5)  # ours: there is a throttle, and its figure is not published
    # Posted in Canada, by UPU rule S10. A PIN is 16 digits, as are other carriers' numbers.
    number_patterns = (re.compile(r"[A-Z]{2}[0-9]{9}CA"),)
    aliases = ("canada post", "canada_post", "postes canada", "canada post corporation")
    access = Access(
        regions="CA, world",
        keys="API key of the Developer Program at canadapost-postescanada.ca",
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = _CODES
    Config = CanadapostConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask in English: the words of a few events decide what they mean."""
        halves = (self.config.username, self.config.password)
        login = httpx.BasicAuth(*(half.get_secret_value() for half in halves))
        headers = {"Accept": "application/vnd.cpc.track-v2+xml", "Accept-Language": "en-CA"}
        url = self.url(f"{_URL}{quoted(numbers[0])}/detail")
        return next(login.auth_flow(httpx.Request("GET", url, headers=headers)))

    def refusal(self, response: httpx.Response) -> None:
        """Let a number that has no history pass, whether it comes as 404 or as 400."""
        faults = xml.faults_of(response) if response.is_error else frozenset()
        self._check(faults | {xml.LOGIN} if response.status_code in (401, 403) else faults)
        if response.status_code != httpx.codes.BAD_REQUEST or xml.ABSENT not in faults:
            super().refusal(response)

    def parse(self, body: bytes) -> Any:
        """Decode XML without its dangers."""
        return xml.tree(body)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a number; another parcel's history says nothing about it."""
        parts = xml.parts(payload)
        if not parts:
            faults = xml.faults(payload)
            self._check(faults)
            if xml.ABSENT not in faults:
                raise Unreadable(self.key, "the answer has neither a history nor a code we know")
            yield from (Reading(number, not_found=True) for number in asked or (None,))
            return
        for number in asked or dict.fromkeys(xml.word(part, "pin") or None for part in parts):
            mine = [self._reading(number, part) for part in parts if xml.about(number, part)]
            yield max(mine, key=age, default=Reading(number, unanswered=True))

    def _check(self, faults: frozenset[str]) -> None:
        if xml.LOGIN in faults:
            raise rejected(self, _REFUSED, httpx.codes.UNAUTHORIZED)
        if xml.TOO_FAST in faults:
            raise Throttled(self.key)

    def _reading(self, number: str | None, part: Any) -> Reading:
        told = list(history.untangled(self._told(part)))
        scans, service = tuple(each.scan for each in told), xml.word(part, "service-name")
        point = history.pickup(told)
        return Reading(number, scans, estimate=xml.estimate(part), pickup=point, service=service)

    def _told(self, part: Any) -> Iterator[history.Told]:
        """Read the events oldest first; one that names no day is left out."""
        before = None
        for event in reversed(xml.events(part)):
            if at := history.moment(event, self.zone, before):
                code = history.key(event, part, _DELIVERED)
                text = shown(xml.word(event, "event-description"))
                yield history.told(self.scan(at, code, text, xml.place(event)), event)
            before = at or before
