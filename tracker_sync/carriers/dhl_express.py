"""MyDHL API of DHL Express: JSON, up to 200 waybills a call, Basic auth.

A shipment's `status: Success` is the API's word; how far the parcel is, its events tell, by
`typeCode`. The list is the truth: oldest first, on the clock of each event's own place without
zone, so stamps run backwards from Bahrain to Leipzig (`_dhl_express_clock` reads them). Pieces
and references are not asked for, only waybills.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Order, Tells
from tracker_sync.carriers import _dhl_express_answer as answer
from tracker_sync.carriers._dhl_express_clock import moment, place
from tracker_sync.carriers._newest import age
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading, Scan

HOST = "https://express.api.dhl.com"
PATHS = {"production": "/mydhlapi/tracking", "test": "/mydhlapi/test/tracking"}
VERSION = "3.1.0"
NO_EVENT = "no event yet"  # our key: DHL has the data of the shipment, and nothing else


class DhlExpressConfig(CarrierConfig):
    """Access to "DHL Express - MyDHL API" at https://developer.dhl.com gives both by e-mail."""

    username: str = Field(min_length=1, description="user name of the API, not of MyDHL+")
    password: SecretStr = Field(min_length=1, description="password of the API")
    environment: Literal["production", "test"] = Field(
        default="production", description="test knows DHL's published example waybills only"
    )


class DhlExpress(Carrier):
    """MyDHL API: tracking of DHL Express."""

    key = "dhl_express"
    title = "DHL Express"
    brand = "dhl_express"
    docs = "https://developer.dhl.com/api-reference/dhl-express-mydhl-api"
    tracking_url = (
        "https://www.dhl.com/global-en/home/tracking/tracking-express.html"
        "?submit=1&tracking-id={number}"
    )
    # An assumption, for places whose country DHL does not name, or that is not in our list.
    zone = "Europe/Berlin"
    order = Order.LIST_IS_TRUTH
    batch = 200
    budget = Budget(per_second=1)  # DHL names no limit; this is 200 parcels a second
    budget_zone = "Etc/GMT"
    # No number_patterns: ten digits with a check digit by 7 fit every seventh number of anybody.
    aliases = ("dhl-express", "dhl express", "mydhl", "mydhl express", "dhl worldwide express")
    access = Access(
        regions="world",
        keys='"DHL Express - MyDHL API" at developer.dhl.com; the keys come by e-mail',
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = table("dhl_express")
    Config = DhlExpressConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for the whole history of each waybill, without that of its pieces."""
        config, url = self.config, self.url(HOST + PATHS[self.config.environment])
        view = {"trackingView": "all-checkpoints", "levelOfDetail": "shipment"}
        query = {"shipmentTrackingNumber": list(numbers), **view}
        basic = httpx.BasicAuth(config.username, config.password.get_secret_value())
        headers = {"Accept": "application/json", "x-version": VERSION}
        return next(basic.auth_flow(httpx.Request("GET", url, params=query, headers=headers)))

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a waybill; in a batch, one that DHL does not know is simply missing."""
        if "shipments" not in payload:
            yield from self._fault(payload, asked)
            return
        shipments = list(payload["shipments"])
        for number in asked or answer.numbers(shipments):
            mine = [self._reading(number or None, each) for each in answer.named(number, shipments)]
            yield max(mine, key=age, default=Reading(number or None, not_found=True))

    def _fault(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """Read an error body: its status is a string, a number in other sources."""
        status = int(payload["status"])
        self.refusal(httpx.Response(status))
        if status != httpx.codes.NOT_FOUND:
            raise ValueError("neither shipments nor an error")
        for number in asked or (answer.about(payload),):
            yield Reading(number, not_found=True)

    def _reading(self, number: str | None, shipment: Any) -> Reading:
        scans = list(self._scans(shipment.get("events") or ()))
        if not scans and not answer.success(shipment):
            return Reading(number, not_found=True)
        return self.reading(
            number, scans or self._announced(shipment), estimate=answer.estimate(shipment)
        )

    def _scans(self, listed: Sequence[Any]) -> Iterator[Scan]:
        latest = None
        for event in listed:
            code = answer.code(event)
            at = moment(f"{event['date']}T{event['time']}", event, self.zone, latest)
            latest = max(at, latest) if latest else at
            yield self.scan(at, code, answer.text(event, code), place(event))

    def _announced(self, shipment: Any) -> Iterator[Scan]:
        """Without events the shipment itself says that its data arrived."""
        if stamp := shipment.get("shipmentTimestamp"):
            shipper = shipment.get("shipperDetails") or {}
            at = moment(str(stamp), shipper, self.zone)
            yield self.scan(at, NO_EVENT, place=place(shipper))
