"""AfterShip Tracking, date version 2026-07: watches parcels of any courier it is told about.

The main road is the list of what changed on the account, 200 parcels a page with their histories.
AfterShip asks couriers every 3 to 12 hours: more often than hourly, it has nothing new. It keeps
120 days; where the list was not read for 30, every parcel is asked about, 50 a call.

A code is the subtag, or the tag where there is none. A subtag that is not listed means what its
tag means, but only where a tag says one thing: below Delivered may be a parcel shop, below
Exception anything. "return/…" is on the way back; "doubtful/…" a delivery the tracking contradicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Order, Parcel, T, Tells
from tracker_sync.carriers import _aftership_json as aftership
from tracker_sync.carriers import _aftership_scans as scans
from tracker_sync.carriers._aftership_answer import answers, changes, told
from tracker_sync.carriers.errands import Changes, Feed, Registered, Window
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Rejected, Throttled
from tracker_sync.model import Meaning, Reading

URL = "https://api.aftership.com/tracking/2026-07/trackings"
REFUSED = "AfterShip refuses the key: check api_key, and that the plan includes the API"


class AftershipConfig(CarrierConfig):
    """An API key with the right to read and create trackings, made at admin.aftership.com."""

    api_key: SecretStr = Field(min_length=1, description="API key of the AfterShip organization")


class Aftership(Carrier):
    """AfterShip Tracking."""

    key = brand = "aftership"
    title = "AfterShip"
    docs = "https://www.aftership.com/docs/tracking"
    tracking_url = "https://track.aftership.com/{number}"
    order = Order.OLDEST_FIRST
    batch, register_batch = 50, 1
    budget = Budget(per_second=5)  # lists 6, new numbers 20
    min_gap = timedelta(hours=1)
    any_brand = True
    goes_to = "AfterShip, a company of Hong Kong and Singapore"
    access = Access(
        regions="world",
        keys="API key made at admin.aftership.com",
        who="not published",
        cost="plans from 11 USD a month, 0.08 USD for a further shipment",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("aftership")
    feed = Feed(every=min_gap, window=timedelta(days=31), reach=timedelta(days=30))
    Config = AftershipConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for the histories of up to 50 numbers."""
        return self._call(
            "GET", params={"tracking_numbers": ",".join(numbers), "limit": aftership.PAGE}
        )

    def feed_request(self, window: Window, token: str | None) -> httpx.Request:
        """Ask for whatever changed; a cursor leads to the next page."""
        return self._call("GET", params=aftership.changed(window))

    def register_request(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Have one number watched, under the courier the merchant names."""
        hint = {"slug": parcels[0].hint} if parcels[0].hint else {}
        return self._call("POST", json={"tracking_number": parcels[0].number, **hint})

    def _call(self, method: str, **what: Any) -> httpx.Request:
        key = {"as-api-key": self.config.api_key.get_secret_value()}
        return httpx.Request(method, self.url(URL), headers=key, **what)

    def refusal(self, response: httpx.Response) -> None:
        """Say which key is refused, and wait until calls are counted anew."""
        if (status := response.status_code) in (401, 403):
            raise Rejected(self.key, REFUSED, status=status)
        if status == 429 and "retry-after" not in response.headers:
            raise Throttled(self.key, aftership.pause(response))
        super().refusal(response)

    def answer(self, response: httpx.Response, reader: Callable[[Any], T]) -> T:
        """Read the refusal of a number, too: "already there" comes as HTTP 400."""
        if response.status_code in (400, 404) and response.request.method == "POST":
            return self._read(response.content, reader)
        return super().answer(response, reader)

    def read_registered(self, payload: Any, parcels: Sequence[Parcel]) -> list[Registered]:
        """Read whether AfterShip watches the number now."""
        return [Registered(parcel.number, aftership.refused(payload)) for parcel in parcels]

    def read_feed(self, payload: Any, window: Window) -> Changes:
        """Take what is certain; a number two parcels have, or of no sense, is worth a call."""
        return changes(told(self, payload), aftership.next_cursor(payload), window)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a number; without numbers, one of each in the answer."""
        return self.read_for(payload, [Parcel(number) for number in asked])

    def read_for(self, payload: Any, parcels: Sequence[Parcel]) -> Iterator[Reading]:
        """One reading a parcel; what is not in the list is not watched yet."""
        return answers(told(self, payload), parcels, more=bool(aftership.next_cursor(payload)))

    def meaning(self, code: str) -> Meaning | None:
        """Translate *code*; an unlisted one below a tag that says one thing means that."""
        way, _, word = code.rpartition("/")
        if (mine := super().meaning(code)) or way == scans.DOUBTFUL:
            return mine
        says = super().meaning(word) or super().meaning(scans.tag_of(word))
        return scans.homeward(says) if says and way else says
