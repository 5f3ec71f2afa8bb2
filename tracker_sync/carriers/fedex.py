"""FedEx Track API v1: up to 30 numbers a call, behind an OAuth client.

A scan's key is its eventType ("OD"); for the exceptions DE and SE the reason decides ("reason/007",
or "DE/123" while it is not listed). derivedStatusCode is not read: the scan "returning to shipper"
carries DL there. `latestStatusDetail` has no time of its own: it only corrects the newest scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, Token
from tracker_sync.carriers import _fedex_answer as fedex
from tracker_sync.carriers._fedex_faults import complain, faults, faults_of, numbers_only
from tracker_sync.carriers._fedex_history import history
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers.shapes import SHAPE
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
        """Ask for all scans, in English: a few answers differ in their words only."""
        asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in numbers]
        headers = {"x-locale": "en_US"} | bearer(token)
        body = {"includeDetailedScans": True, "trackingInfo": asked}
        url = self.url(f"{HOST}/track/v1/trackingnumbers")
        return httpx.Request("POST", url, json=body, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let a bad number (400) pass as one that is not found: it says nothing about our keys."""
        codes = faults_of(response)
        complain(self.key, codes)
        if response.status_code != httpx.codes.BAD_REQUEST or not numbers_only(codes):
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading per number; a parcel that cannot be read spoils no other."""
        codes = faults(payload)
        complain(self.key, codes)
        if numbers_only(codes):
            yield from (Reading(number, not_found=True) for number in asked or (None,))
            return
        told: list[Reading] = []
        broken: list[Exception] = []
        for number, results in fedex.parcels(payload, asked):
            try:
                told.append(self._newest(number, results))
            except SHAPE as exc:
                broken.append(exc)
                told.append(Reading(number, unanswered=True))
        if broken and len(broken) == len(told):
            raise broken[0]
        yield from told

    def _newest(self, number: str | None, results: list[Any]) -> Reading:
        """Read the newest parcel of a number that was used again."""
        found = [self._aged(number, result) for result in results if fedex.tells(result)]
        if found:
            return max(found, key=lambda aged: aged[0])[1]
        errors = [fedex.word(result.get("error"), "code") for result in results]
        absent = numbers_only(errors)
        return Reading(number, not_found=absent, unanswered=not absent)

    def _aged(self, number: str | None, result: Any) -> tuple[fedex.Age, Reading]:
        scans = history(result, self.meaning, self.when)
        reading = self.reading(number, reversed(scans), **fedex.promises(result, scans))
        return fedex.age(result, reading, self.when), reading
