"""Australia Post Shipping and Tracking v1: ten numbers a call, for contract customers.

Events have no code, only words, so the words are the code (`_australiapost_words` has the rules);
several articles under one consignment number are told as one (`_australiapost_articles`).

Stamps carry an offset, the Australian one for scans abroad, too. It is believed as it stands: a
place is no time zone. Where an offset were missing, Sydney time is an assumption. No limit of calls
is published; the budget is the pause of six seconds that one known client keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, quoted, rejected
from tracker_sync.carriers import _australiapost_articles as articles
from tracker_sync.carriers import _australiapost_words as words
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading, Scan
from tracker_sync.wire import retry_after

_URL = "https://digitalapi.auspost.com.au{}/shipping/v1/track"
_REFUSED = "keys refused: check api_key, password and account_number"


class AustraliapostConfig(CarrierConfig):
    """For contract customers: https://developers.auspost.com.au gives key and password."""

    api_key: SecretStr = Field(min_length=1, description="API key of Shipping and Tracking")
    password: SecretStr = Field(min_length=1, description="password that came with the key")
    account_number: str = Field(pattern=r"^[!-~]+$", description="the account the key belongs to")
    platform: Literal["live", "test"] = Field(default="live", description="test: the test platform")


class Australiapost(Carrier):
    """Australia Post Shipping and Tracking v1."""

    key = "australiapost"
    title = "Australia Post"
    brand = "australiapost"
    docs = "https://developers.auspost.com.au/apis/shipping-and-tracking"
    tracking_url = "https://auspost.com.au/mypost/track/#/details/{number}"
    zone = "Australia/Sydney"
    batch = 10
    budget = Budget(per_second=0.16)
    number_patterns = (re.compile(r"[A-Z]{2}\d{9}AU"),)
    aliases = ("australia-post", "australia post", "auspost", "aus post", "eparcel")
    codes = table("australiapost")
    access = Access(
        regions="AU, world",
        keys="developers.auspost.com.au",
        who="contract customers",
        cost="not published",
        wait="not published",
    )
    Config: ClassVar[type[CarrierConfig]] = AustraliapostConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for up to ten numbers; a comma inside of one would make it two."""
        ids = ",".join(quoted(number.replace(",", " ")) for number in numbers)
        url = self.url(_URL.format("/test" if self.config.platform == "test" else ""))
        headers = {"Accept": "application/json", "Account-Number": self.config.account_number}
        request = httpx.Request("GET", f"{url}?tracking_ids={ids}", headers=headers)
        keys = (self.config.api_key, self.config.password)
        return next(httpx.BasicAuth(*(key.get_secret_value() for key in keys)).auth_flow(request))

    def refusal(self, response: httpx.Response) -> None:
        """Refuse by what the body says, then by the status; "not known" may come with a 400."""
        faults = set() if response.is_success else words.faults_of(response)
        words.complain(self.key, faults, retry_after(response))
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise rejected(self, _REFUSED, response.status_code)
        if response.status_code != httpx.codes.BAD_REQUEST or faults != {words.ABSENT}:
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a number that was asked; a bad result stays the only bad one."""
        if "tracking_results" not in payload:
            yield from self._without_results(words.faults_in(payload), asked)
            return
        results = articles.results(payload)
        for number in asked or dict.fromkeys(map(articles.number_of, results)):
            try:
                mine = articles.meant(number, results, alone=len(asked) == 1)
                readings = [self._reading(number, result) for result in mine]
            except SHAPE:
                if len(results) == 1:
                    raise
                readings = []
            yield max(readings, key=words.age, default=Reading(number, unanswered=True))

    def _without_results(self, faults: set[str], asked: Sequence[str]) -> Iterator[Reading]:
        words.complain(self.key, faults)
        if faults != {words.ABSENT}:
            raise KeyError("tracking_results")
        if len(asked) > 1:  # nobody knows which one is meant: asked again in halves
            raise rejected(self, f"one of several numbers is not known ({words.ABSENT})", 400)
        yield Reading(asked[0] if asked else None, not_found=True)

    def _reading(self, number: str | None, result: Mapping[str, Any]) -> Reading:
        (told, wanted), faults = articles.told(number, result), words.faults_in(result)
        if not told and faults:
            return Reading(
                number, not_found=faults == {words.ABSENT}, unanswered=faults != {words.ABSENT}
            )
        histories = [self.reading(number, self._scans(each)).scans for each in told]
        scans = articles.joined(histories, wanted, self.meaning)
        return Reading(number, scans, service=articles.service(told))

    def _scans(self, article: articles.Article) -> list[Scan]:
        told = ((event["date"], words.worded(event, self.meaning)) for event in article.events)
        scans = [self.scan(self.when(stamp), *said) for stamp, said in told]
        scans = words.after_returns(scans, self.meaning)
        return words.with_status(scans, article.statuses, self.meaning)
