"""USPS Tracking v3 (one number a call) or v3r2 (many): an OAuth client, 60 calls an hour.

A code is USPS' own `eventCode`; where it says "delivered" the place in the text decides, an agent
and the sender are places, too: `01|in/at mailbox`. `statusCategory` only corrects the newest scan.

Moments are `eventTimestamp` + `GMTOffset`; `GMTTimestamp` keeps the local date and is a day early
every evening. Label and partner scans have no offset, and a "Z" on a local time is false. Taking
those for New York is an assumption: it is the easternmost clock of the states, so none is taken
for later than it was, and one from California for up to three hours earlier.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, Token, quoted
from tracker_sync.carriers import _usps_batch as batch
from tracker_sync.carriers import _usps_json as usps
from tracker_sync.carriers import _usps_words as words
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers._singly import singly
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
    version: Literal["v3", "v3r2"] = Field("v3", description="v3r2 asks about 35 numbers a call")


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
        form = {"client_id": self.config.client_id, "grant_type": "client_credentials"}
        form["client_secret"] = self.config.client_secret.get_secret_value()
        return httpx.Request("POST", self.url(f"{HOST}/oauth2/v3/token"), data=form)

    def read_token(self, payload: Any) -> Token:
        """Read the token; it lasts eight hours."""
        return granted(payload)

    @property
    def size(self) -> int:
        """Numbers a call; how many v3r2 takes at most is not confirmed."""
        return batch.LARGEST if self.config.version == "v3r2" else self.batch

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number, or for a list; without DETAIL v3 answers with a sentence."""
        url = self.url(f"{HOST}/tracking/{self.config.version}/tracking")
        if self.config.version == "v3r2":
            return httpx.Request("POST", url, json=batch.question(numbers), headers=bearer(token))
        one, detail = f"{url}/{quoted(numbers[0])}", {"expand": "DETAIL"}
        return httpx.Request("GET", one, params=detail, headers=bearer(token))

    def refusal(self, response: httpx.Response) -> None:
        """Let a number USPS does not know (400) pass: it says nothing about our keys."""
        if response.status_code in (401, 403):
            raise Rejected(self.key, REFUSED, status=response.status_code)
        if not usps.absent_in(response):
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> list[Reading]:
        """One reading a number, in whatever form the answer names it."""
        if status := batch.refusal(payload):
            self.refusal(httpx.Response(status))
        return singly(batch.parts(payload, asked), self._reading)

    def _reading(self, number: str | None, item: Any) -> Reading:
        if item is None or batch.failed(item):  # an item of somebody else says nothing
            return batch.silence(number, item)
        reading = self.reading(number, map(self._scan, usps.events(item)), **usps.promises(item))
        return words.corrected(reading, item, self._meant, mine=self.config.codes)

    def _scan(self, event: Any) -> Scan:
        text = shown(usps.word(event, "eventType"))
        code, at = words.key(usps.word(event, "eventCode"), text), self.local(usps.at(event))
        return Scan(at, code, self._meant(code, text), text, usps.place(event))

    def _meant(self, code: str, text: str = "") -> Meaning | None:
        """Return the meaning of a listed code, or of a delivery at a place nobody listed."""
        return self.meaning(code) or words.delivery(code, text)
