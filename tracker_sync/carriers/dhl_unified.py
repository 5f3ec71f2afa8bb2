"""DHL Shipment Tracking - Unified: every DHL division, JSON, one number a call.

What an event means is looked up by (service, text), `parcel-de|die sendung wurde zugestellt`, then
by `*|text`; `statusCode` counts only for an event without any text (`_dhl_words` has the rule).

A stamp without offset is Berlin time, a date alone its midnight. That is a fact for parcel-de and
holds for parcel-nl and parcel-pl; ecommerce, express and dgf write the clock of the event's own
place without telling its zone, so theirs can be hours off. The list order is not reliable, so it
does not tell which of the two hours in October is meant: the first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Parcel, Tells
from tracker_sync.carriers import _dhl_choice as choice
from tracker_sync.carriers._dhl_answer import besides, dated, problem_number
from tracker_sync.carriers._dhl_words import Service, worded
from tracker_sync.carriers.tables import table
from tracker_sync.model import Meaning, Reading, Scan, Status

_URL = "https://api-eu.dhl.com/track/shipments"
_SHORT_OFFSET = re.compile(r"(?<=[+-])(?=\d:\d\d$)")
_RETURNED = Meaning(status=Status.RETURNED)


class Config(CarrierConfig):
    """An app at developer.dhl.com with "Shipment Tracking - Unified" gives the key."""

    api_key: SecretStr = Field(min_length=1, description="the app's API key, of this shop alone")
    service: Service | None = Field(default=None, description="ask this DHL division only")


class DhlUnified(Carrier):
    """DHL Shipment Tracking - Unified."""

    key = "dhl_unified"
    title = "DHL"
    brand = "dhl"
    docs = "https://developer.dhl.com/api-reference/shipment-tracking"
    tracking_url = (
        "https://www.dhl.com/de-en/home/tracking/tracking-parcel.html?submit=1&tracking-id={number}"
    )
    zone = "Europe/Berlin"
    budget = Budget(per_day=250, per_second=0.2)
    budget_zone = "Etc/GMT"
    min_gap = timedelta(hours=1)  # the daily ten may follow the delivery hours
    max_per_parcel_day = 10
    number_patterns = tuple(map(re.compile, (r"JJD\d{18}", r"JVGL\d{20}", r"00340\d{15}")))
    aliases = ("dhl-germany", "dhl-paket", "dhl paket", "dhl-parcel", "dhl parcel")
    access = Access(
        regions="world",
        keys='app "Shipment Tracking - Unified" at developer.dhl.com',
        who="every merchant, for a key of its own",
        cost="free: 250 calls a day",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("dhl_unified")
    Config: ClassVar[type[CarrierConfig]] = Config

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """One number; the language is fixed because the texts are the codes."""
        params = {"trackingNumber": numbers[0], "language": "en"}
        if self.config.service:
            params["service"] = self.config.service
        headers = {"DHL-API-Key": self.config.api_key.get_secret_value()}
        return httpx.Request("GET", self.url(_URL), params=params, headers=headers)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """Read numbers whose day of shipping is not known."""
        return self.read_for(payload, [Parcel(number) for number in asked])

    def read_for(self, payload: Any, parcels: Sequence[Parcel]) -> Iterator[Reading]:
        """One reading a number: the shipment that is meant, if it is clear which one that is."""
        asked = {parcel.number: parcel.shipped_at for parcel in parcels}
        if "shipments" not in payload:
            self.refusal(httpx.Response(int(payload["status"])))
            yield Reading(problem_number(payload, [*asked]), not_found=True)
            return
        shipments = list(payload["shipments"])
        for number in asked or dict.fromkeys(str(s["id"]) for s in shipments) or (None,):
            hits = choice.named(shipments, number, self.config.service)
            lives = [self._life(shipment, number) for shipment in hits]
            yield choice.believed(number, lives, asked.get(number or ""))

    def when(self, stamp: str) -> datetime:
        """Parse ISO 8601, also an offset like +2:00; fractions of a second are dropped."""
        return super().when(_SHORT_OFFSET.sub("0", stamp.strip())).replace(microsecond=0)

    def meaning(self, code: str) -> Meaning | None:
        """What *code* means for its service, else for any."""
        text = code.partition("|")[2]
        return super().meaning(code) or self.codes.get(f"*|{text}")

    def _life(self, shipment: dict[str, Any], number: str | None) -> choice.Life:
        events = dated(shipment, self.when)
        scans = [self._scan(event, shipment) for event in events]
        more = besides(shipment, zip(scans, events, strict=True), self.when, self.zone)
        reading = self.reading(number, scans, **more)
        return shipment, min((scan.at for scan in scans), default=None), reading

    def _scan(self, event: dict[str, Any], shipment: dict[str, Any]) -> Scan:
        address = (event.get("location") or {}).get("address") or {}
        place = str(address.get("addressLocality") or "")
        service = str(shipment.get("service") or "")
        code, text = worded(event, service, place, self.meaning)
        scan = self.scan(self.when(event["timestamp"]), code, text, place)
        if scan.status is Status.DELIVERED and str(shipment.get("returnFlag")).lower() == "true":
            return replace(scan, meaning=_RETURNED)
        return scan
