"""PostNL ShippingStatus v2: a list of changes for the whole account, one number a look-up.

An entry of the list is a reading of its own where its status says the same whatever event comes
with it; its scan is the very one a look-up gives. Every other one (5, 7, 8, 11, 12 …) calls for
a look-up: only there are the events, and "delivered" may be a return (`_postnl_history`).

Stamps have no offset and are Amsterdam time; that the bounds of a window are, too, is assumed.
In the hour that October repeats every stamp is read as its first round, by the list and by the
look-up alike: a scan of the second is dated an hour early, and none is doubled.
`DeliveryDate` may be what the sender wished for: only `Expectation` is a forecast.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, quoted
from tracker_sync.carriers import _postnl_answer as told
from tracker_sync.carriers import _postnl_history as lists
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._text import shown
from tracker_sync.carriers.errands import Changes, Feed, Window
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Throttled
from tracker_sync.model import Reading, Scan

_URL = "https://api.postnl.nl/shipment/v2/status"


class PostnlConfig(CarrierConfig):
    """PostNL's support for business customers gives the key, for the Shippingstatus webservice."""

    api_key: SecretStr = Field(min_length=1, description="the production key (header apikey)")
    customer_number: str = Field("", pattern=r"^\d*$", description="one call for all that changed")


class Postnl(Carrier):
    """PostNL ShippingStatus v2."""

    key = brand = "postnl"
    title = "PostNL"
    docs = "https://developer.postnl.nl/"
    tracking_url = "https://jouw.postnl.nl/track-and-trace/{number}"
    zone = budget_zone = "Europe/Amsterdam"
    budget = Budget(per_second=2)  # there is a limit, and it is not published
    number_patterns = (re.compile(r"[A-Z]{2}[0-9]{9}NL"),)  # posted in the Netherlands, by UPU S10
    aliases = ("post nl", "postnl-3s", "postnl international", "postnl nederland")
    access = Access(
        regions="NL, BE, world",
        keys="PostNL's support for business customers, for the Shippingstatus webservice",
        who="business customers of PostNL",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("postnl")
    Config: ClassVar = PostnlConfig

    @property
    def _codes(self) -> lists.Codes:
        return lists.Codes(self.codes, self.config.codes)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for the whole history of one number."""
        return self._get(f"barcode/{quoted(numbers[0])}", {"detail": "true", "language": "EN"})

    def refusal(self, response: httpx.Response) -> None:
        """Tell "too fast", which may come as a 400, from a bad number."""
        if told.too_fast(response):
            raise Throttled(self.key)
        super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """One reading a number: an order of several parcels comes as a whole."""
        if not (parcels := told.shipments(payload)):
            return told.nothing(payload, asked)
        if asked:
            return [self._meant(number, parcels) for number in asked]
        named = [self._reading(told.text(p, "Barcode") or None, p) for p in parcels]
        return {reading.number: reading for reading in sorted(named, key=age)}.values()

    @property
    def feed(self) -> Feed | None:
        """The list of changes of one customer."""
        return told.FEED if self.config.customer_number else None

    def feed_request(self, window: Window, token: str | None) -> httpx.Request:
        """Ask by the clocks of Amsterdam."""
        customer = quoted(self.config.customer_number)
        return self._get(f"{customer}/updatedshipments", told.bounds(window, self.zone))

    def read_feed(self, payload: Any, window: Window) -> Changes:
        """Take what is plain; have everything else about a parcel looked up."""
        known, moved = told.changes(payload, self._codes.plain())
        readings = [Reading(name, tuple(map(self._scan, all_))) for name, all_ in known.items()]
        return Changes(tuple(readings), moved)

    def _get(self, path: str, query: Any) -> httpx.Request:
        headers = {"apikey": self.config.api_key.get_secret_value(), "Accept": "application/json"}
        return httpx.Request("GET", self.url(f"{_URL}/{path}"), params=query, headers=headers)

    def _meant(self, number: str, parcels: list[Any]) -> Reading:
        readings = [self._reading(number, parcel) for parcel in told.meant(number, parcels)]
        unclear = Reading(number, ambiguous=len(parcels) > 1, not_found=len(parcels) == 1)
        return max(readings, key=age, default=unclear)

    def _reading(self, number: str | None, parcel: Any) -> Reading:
        scans = map(self._scan, lists.scans(parcel, self._codes))
        reading = self.reading(number, scans, service=told.text(parcel, "ProductDescription"))
        pickup = lists.pickup(parcel, reading, self.local)
        return replace(reading, pickup=pickup, estimate=told.estimate(parcel, self.when))

    def _scan(self, entry: told.Entry) -> Scan:
        return self.scan(self.local(entry.at), entry.code, shown(entry.words))
