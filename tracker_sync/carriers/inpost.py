"""InPost ShipX tracking (Poland): open to everyone, JSON, one number a call.

An answer is a history of status words with offset; where one had none, Polish time is assumed.
It has neither texts nor a forecast, and the status beside the history has no time of its own, so
the history alone counts. A parcel in a locker waits there: only `delivered` says it was taken out.
The newer InPost Group API (other countries, other codes) is not this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, quoted
from tracker_sync.carriers._inpost_places import pickup, text
from tracker_sync.carriers._whose import whose
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading, Scan

_URL = "https://api-shipx-pl.easypack24.net/v1/tracking"
_NUMBER = re.compile(r"\b\d{24}\b")


class InpostConfig(CarrierConfig):
    """No keys: ShipX answers about any number without; `inpost: {}` is enough."""


class Inpost(Carrier):
    """InPost ShipX tracking, Poland."""

    key = "inpost"
    title = "InPost"
    brand = "inpost"
    docs = "https://dokumentacja-inpost.atlassian.net/wiki/spaces/PL/overview"
    tracking_url = "https://inpost.pl/sledzenie-przesylek?number={number}"
    zone = "Europe/Warsaw"
    # InPost publishes no limit; a service that asks for no key can only shut out our address.
    budget = Budget(per_second=2)
    # 24 digits are no pattern of its own: others print as many.
    aliases = ("inpost pl", "inpost polska", "inpost paczkomaty", "inpost kurier", "paczkomaty")
    access = Access(
        regions="PL",
        keys="none needed",
        who="anybody",
        cost="none",
        wait="none",
        tells=(Tells.PICKUP, Tells.RETURNS),
    )
    codes = table("inpost")
    Config: ClassVar[type[CarrierConfig]] = InpostConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number."""
        return httpx.Request("GET", self.url(f"{_URL}/{quoted(numbers[0])}"))

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One parcel per answer, or the reason why there is none."""
        if "tracking_details" not in payload:
            yield self._absent(payload, asked)
            return
        number = whose(text(payload, "tracking_number"), asked)
        scans = map(self._scan, payload["tracking_details"] or ())
        reading = self.reading(number, scans, service=text(payload, "type"))
        yield replace(reading, pickup=pickup(reading, payload.get("custom_attributes")))

    def _scan(self, detail: Any) -> Scan:
        code, at = str(detail["status"]).strip(), self.when(detail["datetime"])
        return self.scan(at, code, place=text(detail, "agency"))

    def _absent(self, fault: Any, asked: Sequence[str]) -> Reading:
        """Read an error body: "not found" is an answer, any other one is raised."""
        if fault["error"] != "resource_not_found":
            self.refusal(httpx.Response(int(fault["status"])))
            raise ValueError("neither a history nor an error that is known")
        named = _NUMBER.search(text(fault, "message"))
        return Reading(asked[0] if asked else named and named[0], not_found=True)
