"""FedEx Track API v1: up to 30 numbers a call, behind an OAuth client.

A scan's key is its eventType ("OD"); for the exceptions DE and SE the reason decides ("reason/007",
or "DE/123" while it is not listed). derivedStatusCode is not read: the scan "returning to shipper"
carries DL there. `latestStatusDetail` has no time of its own: it only corrects the newest scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Budget, Carrier, CarrierConfig, Token, rejected
from tracker_sync.carriers import _fedex_answer as fedex
from tracker_sync.carriers._fedex_history import history
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Unavailable
from tracker_sync.model import Reading

HOST = "https://apis.fedex.com"
SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


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
        lasts = timedelta(seconds=int(payload["expires_in"]))
        return Token(payload["access_token"], max(lasts - timedelta(minutes=5), lasts / 2))

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for all scans, in English: a few answers differ in their words only."""
        asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in numbers]
        headers = {"x-locale": "en_US"} | ({"Authorization": f"Bearer {token}"} if token else {})
        body = {"includeDetailedScans": True, "trackingInfo": asked}
        url = self.url(f"{HOST}/track/v1/trackingnumbers")
        return httpx.Request("POST", url, json=body, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let a bad number (400) pass as one that is not found: it says nothing about our keys."""
        faults = fedex.faults_of(response)
        self._complain(faults)
        if response.status_code != 400 or not fedex.numbers_only(faults):
            super().refusal(response)

    def _complain(self, faults: set[str]) -> None:
        for fault in faults & fedex.REFUSED.keys():
            status, text = fedex.REFUSED[fault]
            raise rejected(self, text, status)
        if faults & fedex.DOWN:
            raise Unavailable(self.key, "FedEx says it is out of order")

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading per number; a parcel that cannot be read spoils no other."""
        faults = fedex.faults(payload)
        self._complain(faults)
        if fedex.numbers_only(faults):
            yield from (Reading(number, not_found=True) for number in asked or (None,))
            return
        told: list[Reading | None] = []
        broken: list[Exception] = []
        for number, results in fedex.parcels(payload, asked):
            try:
                told.append(self._newest(number, results))
            except SHAPE as exc:
                broken.append(exc)
        if broken and not told:
            raise broken[0]
        yield from filter(None, told)

    def _newest(self, number: str | None, results: list[Any]) -> Reading | None:
        """Read the newest parcel of a number that was used again; None = ask again later."""
        found = [self._aged(number, result) for result in results if fedex.tells(result)]
        if found:
            return max(found, key=lambda aged: aged[0])[1]
        errors = [fedex.word(result.get("error"), "code") for result in results]
        return Reading(number, not_found=True) if fedex.numbers_only(errors) else None

    def _aged(self, number: str | None, result: Any) -> tuple[fedex.Age, Reading]:
        scans = history(result, self.meaning, self.when)
        reading = self.reading(number, reversed(scans), **fedex.promises(result, scans))
        return fedex.age(result, reading, self.when), reading
