"""bpost tracked mail (Belgium): XML, one number a call.

States come oldest first, with offset; that one without it means Belgian time is an assumption.
bpost publishes what hardly any state code means: the table follows open clients, and a code it does
not list is looked up by its whole sentence in the same table (`text:…`); nothing is read out of
unlisted sentences. Most delivery codes come without their sentence, so a delivery is believed only
where bpost's own words do not speak of a return, a pickup point or the like.

No announcing state was ever seen: `text:announced` is an assumption and can do no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Carrier, CarrierConfig, Order, Tells, quoted, rejected
from tracker_sync.carriers import _bpost_xml as xml
from tracker_sync.carriers._bpost_words import believed, wording
from tracker_sync.carriers._text import shown
from tracker_sync.carriers._whose import whose
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Unavailable
from tracker_sync.model import Reading, Scan, Status

_URL = "https://api.parcel.bpost.cloud/services/trackedmail/item"
_KEYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Config(CarrierConfig):
    """Account number and passphrase: Shipping Manager of bpost, Admin, General settings."""

    account_id: str = Field(min_length=1, description="account number of the Shipping Manager")
    passphrase: SecretStr = Field(min_length=1, description="passphrase of the same account")


class Bpost(Carrier):
    """bpost tracked mail."""

    key = "bpost"
    title = "bpost"
    brand = "bpost"
    docs = "https://www.bpost.be/en/shipping-manager"
    tracking_url = "https://track.bpost.cloud/btr/web/#/search?itemCode={number}&lang=EN"
    zone = "Europe/Brussels"
    order = Order.OLDEST_FIRST
    # Belgian post numbers. 24 digits are no pattern: others print as many.
    number_patterns = (re.compile(r"[A-Z]{2}[0-9]{9}BE"),)
    aliases = ("b-post", "bpost belgium", "bpost-be", "bpack", "belgian post", "belgium post")
    access = Access(
        regions="BE, world",
        keys="account number and passphrase of bpost's Shipping Manager",
        who="contract customers of bpost",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE),
    )
    codes = table("bpost")
    Config: ClassVar[type[CarrierConfig]] = Config

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number."""
        url = self.url(f"{_URL}/{quoted(numbers[0])}/trackingInfo")
        login = httpx.BasicAuth(self.config.account_id, self.config.passphrase.get_secret_value())
        return next(login.auth_flow(httpx.Request("GET", url)))

    def parse(self, body: bytes) -> Any:
        """Decode XML without its dangers."""
        return xml.tree(body)

    def refusal(self, response: httpx.Response) -> None:
        """Let a number bpost does not know pass, and no system error for one, not even as 404."""
        if response.status_code in _KEYS:
            text = "login refused: compare account_id and passphrase with the Shipping Manager"
            raise rejected(self, text, response.status_code)
        told = response.is_client_error and response.status_code != HTTPStatus.TOO_MANY_REQUESTS
        fault = xml.fault(response.content) if told else ""
        self._complain(fault)
        if fault != xml.UNKNOWN:
            super().refusal(response)

    def _complain(self, fault: str) -> None:
        if fault == xml.DOWN:
            raise Unavailable(self.key, "bpost has an error of its own (systemException)")

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One item per answer, or the reason why there is none."""
        kind = xml.kind(payload)
        self._complain(kind)
        number = whose(xml.said(payload, "itemCode"), asked)
        if kind == xml.UNKNOWN:
            yield Reading(number, not_found=True)
            return
        reading = self.reading(number, map(self._scan, xml.states(payload)))
        current = next((scan.status for scan in reversed(reading.scans) if scan.status), None)
        forecast = xml.estimate(payload, self.when, self.zone)
        yield replace(
            reading,
            estimate=None if current in xml.PASSED else forecast,
            pickup=xml.pickup(payload) if current is Status.READY_FOR_PICKUP else None,
        )

    def _scan(self, state: Any) -> Scan:
        code, text = (
            xml.said(state, "stateCode").upper(),
            shown(xml.said(state, "stateDescription")),
        )
        sentence = wording(text)
        meaning = self.meaning(code) or self.meaning(sentence)
        if not {code, sentence} & self.config.codes.keys():
            meaning = believed(meaning, text)
        at, place = self.when(xml.said(state, "time")), xml.said(state, "location")
        return Scan(at, code or sentence, meaning, text, place)
