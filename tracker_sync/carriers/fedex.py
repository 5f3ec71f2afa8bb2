"""FedEx Track API v1: up to 30 numbers a call, behind an OAuth client.

A scan's key is its eventType ("OD"); for the exceptions DE and SE the reason decides ("reason/007",
or "DE/123" while it is not listed). derivedStatusCode is not read: the scan "returning to shipper"
carries DL there. `latestStatusDetail` has no time of its own: it only corrects the newest scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Parcel, Tells, Token
from tracker_sync.carriers import _fedex_answer as fedex
from tracker_sync.carriers import _fedex_reuse as reuse
from tracker_sync.carriers._fedex_faults import complain, faults, faults_of, numbers_only
from tracker_sync.carriers._fedex_history import history
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers._singly import singly
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading

HOST = "https://apis.fedex.com"


class FedexConfig(CarrierConfig):
    """A project with the Track API at https://developer.fedex.com gives both keys."""

    client_id: str = Field(min_length=1, description='the portal calls it "API Key"')
    client_secret: SecretStr = Field(min_length=1, description='the portal calls it "Secret Key"')


class Fedex(Carrier):
    """FedEx Track API v1."""

    key = "fedex"
    title = "FedEx"
    brand = "fedex"
    docs = "https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html"
    tracking_url = "https://www.fedex.com/fedextrack/?trknbr={number}"
    # An assumption: nobody says on which clock the few stamps without offset hang. UTC lies in the
    # middle of all clocks, and its midnight in nobody's European working day.
    zone = "UTC"
    batch = 30
    budget = Budget(per_second=140)  # 1,400 in 10 s for a project; the daily quota is not published
    number_patterns = (re.compile(r"96[0-9]{20}"), re.compile(r"96[0-9]{32}"))
    aliases = ("federal express", "fedex express", "fedex ground", "fedex smartpost", "fdx")
    access = Access(
        regions="world",
        keys="project with the Track API at developer.fedex.com",
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = table("fedex")
    Config = FedexConfig

    def token_request(self) -> httpx.Request:
        """Ask for a token in the name of the project; both keys go into the form."""
        config, secret = self.config, self.config.client_secret.get_secret_value()
        keys = {"client_id": config.client_id, "client_secret": secret}
        form = {"grant_type": "client_credentials", **keys}
        return httpx.Request("POST", self.url(f"{HOST}/oauth/token"), data=form)

    def read_token(self, payload: Any) -> Token:
        """Read the token, good for an hour."""
        return granted(payload)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for numbers whose day of shipping is not known."""
        return self.request_for([Parcel(number) for number in numbers], token)

    def request_for(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Ask for all scans, in English: a few answers differ in their words only."""
        headers = {"x-locale": "en_US"} | bearer(token)
        body = {"includeDetailedScans": True, "trackingInfo": [*map(reuse.question, parcels)]}
        url = self.url(f"{HOST}/track/v1/trackingnumbers")
        return httpx.Request("POST", url, json=body, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let a bad number (400) pass as one that is not found: it says nothing about our keys."""
        codes = faults_of(response)
        complain(self.key, codes)
        if response.status_code != httpx.codes.BAD_REQUEST or not numbers_only(codes):
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """Read numbers whose day of shipping is not known."""
        return self.read_for(payload, [Parcel(number) for number in asked])

    def read_for(self, payload: Any, parcels: Sequence[Parcel]) -> Iterator[Reading]:
        """One reading per number; a parcel that cannot be read spoils no other."""
        asked = {parcel.number: parcel.shipped_at for parcel in parcels}
        codes = faults(payload)
        complain(self.key, codes)
        if numbers_only(codes):
            yield from (Reading(number, not_found=True) for number in asked or (None,))
            return
        yield from singly(
            fedex.parcels(payload, list(asked)),
            lambda number, results: self._meant(number, results, asked.get(number or "")),
        )

    def _meant(self, number: str | None, results: list[Any], day: datetime | None) -> Reading:
        lives = [self._life(number, result) for result in results if fedex.tells(result)]
        if lives:
            return reuse.believed(number, lives, day)
        absent = numbers_only(fedex.word(result.get("error"), "code") for result in results)
        return Reading(number, not_found=absent, unanswered=not absent)

    def _life(self, number: str | None, result: Any) -> reuse.Life:
        scans = history(result, self.meaning, self.when)
        reading = self.reading(number, reversed(scans), **fedex.promises(result, scans))
        return reuse.identity(result), fedex.shipped(result, reading, self.when), reading
