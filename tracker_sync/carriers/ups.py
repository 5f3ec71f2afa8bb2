"""UPS Track API v1: one number a call, behind an OAuth client.

Codes live in namespaces: "D/2Q" is status.type/status.code, "statusCode:011" the three digits.
`currentStatus` has no time of its own: it only corrects the newest scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Carrier, CarrierConfig, Tells, Token, quoted
from tracker_sync.carriers import _ups_json as ups
from tracker_sync.carriers import _ups_words as words
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers._ups_forecast import promises
from tracker_sync.carriers.tables import table
from tracker_sync.model import Meaning, Reading, Scan
from tracker_sync.wire import retry_after

HOST = "https://onlinetools.ups.com"


class UpsConfig(CarrierConfig):
    """An app with the product "Tracking" at https://developer.ups.com gives id and secret."""

    client_id: str = Field(min_length=1, description="client id of the app")
    client_secret: SecretStr = Field(min_length=1, description="client secret of the app")
    merchant_id: str = Field(default="", description="UPS account number, if UPS asks for it")
    locale: str = Field(default="en_US", description="language of the texts; codes do not need it")


class Ups(Carrier):
    """UPS Track API v1."""

    key = "ups"
    title = "UPS"
    brand = "ups"
    docs = "https://developer.ups.com/tag/Tracking"
    tracking_url = "https://www.ups.com/track?loc=en_US&tracknum={number}/trackdetails"
    # Old answers lack gmt fields and offset, and nobody says where their clock hangs. UTC lies in
    # the middle of all clocks: no stamp is off by more than 14 hours, a European one by 2.
    zone = "UTC"
    tokens_count = True
    number_patterns = (re.compile(r"1Z[0-9A-Z]{16}"),)
    aliases = ("united parcel service", "ups-mi", "ups mail innovations", "ups surepost")
    access = Access(
        regions="world",
        keys='app with "Tracking" at developer.ups.com',
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = table("ups")
    Config = UpsConfig

    def token_request(self) -> httpx.Request:
        """Ask for a token in the name of the app."""
        config, url = self.config, self.url(f"{HOST}/security/v1/oauth/token")
        merchant = {"x-merchant-id": config.merchant_id} if config.merchant_id else {}
        form = {"grant_type": "client_credentials"}
        basic = httpx.BasicAuth(config.client_id, config.client_secret.get_secret_value())
        return next(basic.auth_flow(httpx.Request("POST", url, data=form, headers=merchant)))

    def read_token(self, payload: Any) -> Token:
        """Read the token, good for four hours."""
        return granted(payload)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number, without signature and proof of delivery."""
        url = self.url(f"{HOST}/api/track/v1/details/{quoted(numbers[0])}")
        headers = {"transId": str(uuid4()), "transactionSrc": "tracker_sync"}
        query = {"locale": self.config.locale, "returnSignature": "false"}
        return httpx.Request("GET", url, params=query, headers=headers | bearer(token))

    def refusal(self, response: httpx.Response) -> None:
        """Let a bad number (400) pass as one that is not found: it says nothing about our keys."""
        faults = ups.faults_of(response)
        ups.complain(self.key, faults, retry_after(response))
        if not faults & ups.ABSENT:
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading per number, though a shipment lists its other packages too."""
        faults = ups.faults(payload)
        ups.complain(self.key, faults)
        parcels = [] if faults & ups.ABSENT else list(ups.parcels(payload))
        for number in asked or dict.fromkeys(names[0] for names, _ in parcels) or [None]:
            mine = [self._reading(number, parcel) for parcel in ups.named(number, parcels)]
            absent = Reading(number, not_found=not parcels, unanswered=bool(parcels))
            yield max(mine, key=age, default=absent)

    def _reading(self, number: str | None, package: Any) -> Reading:
        scans = map(self._scan, package.get("activity") or ())
        reading = self.reading(number, scans, not_found=not package, **promises(package))
        key, current = self._meant(package.get("currentStatus"))
        silent = not key and current is None
        return reading if silent else words.corrected(reading, current, mine=self.config.codes)

    def _scan(self, activity: Any) -> Scan:
        code, meaning = self._meant(activity.get("status"))
        text = ups.word(activity.get("status"), "description")
        return Scan(self.local(ups.at(activity)), code, meaning, text, ups.place(activity))

    def _meant(self, status: Any) -> tuple[str, Meaning | None]:
        """Return the key that decides, and its meaning; an unlisted pair is the key to map."""
        pair, digits, kind = words.keys(status)
        broad = words.outranks(self.meaning(digits), self.meaning(pair))
        key = (digits if broad and pair not in self.config.codes else pair) or digits or kind
        meaning = self.meaning(key)
        return key, meaning if key in self.config.codes else words.checked(kind, status, meaning)
