"""USPS Tracking v3: one number a call, behind an OAuth client, 60 calls an hour.

A code is USPS' own `eventCode`. Where it says "delivered" the place in the text decides, since an
agent and the sender are such places, too: `01|in/at mailbox`. `statusCategory` has no time of its
own: it can only correct the newest scan.

Moments are `eventTimestamp` + `GMTOffset`; `GMTTimestamp` keeps the local date and is a day early
every evening. Label and partner scans have no offset, and a "Z" on a local time is false. Taking
those for New York is an assumption: it is the easternmost clock of the states, so none is taken
for later than it was, and one from California for up to three hours earlier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, Token, quoted
from tracker_sync.carriers import _usps_json as usps
from tracker_sync.carriers import _usps_words as words
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers._text import shown
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Rejected
from tracker_sync.model import Meaning, Reading, Scan

HOST = "https://apis.usps.com"
REFUSED = "USPS refuses the app: check client_id, client_secret and that it may use Tracking"


class Config(CarrierConfig):
    """An app at https://developers.usps.com with the product "Tracking" gives key and secret."""

    client_id: str = Field(min_length=1, description="consumer key of the app")
    client_secret: SecretStr = Field(min_length=1, description="consumer secret of the app")


class Usps(Carrier):
    """USPS Tracking v3."""

    key = "usps"
    title = "USPS"
    brand = "usps"
    docs = "https://developers.usps.com/trackingv3"
    tracking_url = "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}"
    zone = "America/New_York"
    budget = Budget(per_day=1440, per_second=1 / 60)  # USPS raises it on request
    tokens_count = True
    min_gap = timedelta(minutes=15)
    # UPS, FedEx and DHL use 92 and 93, too: USPS carries their parcels the last mile.
    number_patterns = (re.compile(r"9[45]\d{20}"), re.compile(r"[A-Z]{2}\d{9}US"))
    aliases = ("united states postal service", "us postal service", "u.s. postal service")
    access = Access(
        regions="US, world",
        keys='app with "Tracking" at developers.usps.com',
        who="may depend on an IP agreement or a mailer ID (MID)",
        cost="free, or charged under an IP agreement",
        wait="not published",
        tells=(Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("usps")
    Config: ClassVar[type[CarrierConfig]] = Config

    def token_request(self) -> httpx.Request:
        """Ask for a token in the name of the app."""
        secret = self.config.client_secret.get_secret_value()
        form = {"client_id": self.config.client_id, "client_secret": secret}
        form["grant_type"] = "client_credentials"
        return httpx.Request("POST", self.url(f"{HOST}/oauth2/v3/token"), data=form)

    def read_token(self, payload: Any) -> Token:
        """Read the token; it lasts eight hours."""
        return granted(payload)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number; without DETAIL the answer is a sentence."""
        url = self.url(f"{HOST}/tracking/v3/tracking/{quoted(numbers[0])}")
        return httpx.Request("GET", url, params={"expand": "DETAIL"}, headers=bearer(token))

    def refusal(self, response: httpx.Response) -> None:
        """Let a number USPS does not know (400) pass: it says nothing about our keys."""
        status = response.status_code
        if status in (401, 403):
            raise Rejected(self.key, REFUSED, status=status)
        if not (status == httpx.codes.BAD_REQUEST and usps.absent_in(response)):
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading: the answer is about one number, in whatever form it names it."""
        gone = usps.failed(payload)
        if gone and not usps.absent(payload):
            self.refusal(httpx.Response(usps.status_of(payload)))
        named = usps.number(payload)
        names: Sequence[str | None] = asked or [named]
        for number in names:
            if not gone and usps.same(number, named):
                yield self._reading(number, payload)
            else:  # somebody else's parcel says nothing about this one
                yield Reading(number, not_found=gone, unanswered=not gone)

    def _reading(self, number: str | None, payload: Any) -> Reading:
        scans = [self._scan(event) for event in usps.events(payload)]
        reading = self.reading(number, scans, **usps.promises(payload))
        return words.corrected(reading, payload, self._meant, mine=self.config.codes)

    def _scan(self, event: Any) -> Scan:
        text = shown(usps.word(event, "eventType"))
        code = words.key(usps.word(event, "eventCode"), text)
        at = self.local(usps.at(event))
        return Scan(at, code, self._meant(code, text), text, usps.place(event))

    def _meant(self, code: str, text: str = "") -> Meaning | None:
        """Return the meaning of a listed code, or of a delivery at a place nobody listed."""
        return self.meaning(code) or words.delivery(code, text)
