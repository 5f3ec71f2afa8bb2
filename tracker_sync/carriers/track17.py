"""17TRACK API v2.4: one aggregator for brands without an API of their own; 40 numbers a call.

Asking is free; a registration is not, so only numbers 17TRACK does not watch are registered. Calls
at the same time came back empty: one worker, and a number left out of an answer is no statement.
17TRACK looks every few hours itself. It gets the number and, from `via_code`, the carrier's number;
nothing else. Stamps without zone are read as UTC, an assumption (see `_track17_events`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Parcel, Tells
from tracker_sync.carriers import _track17_answers as answers
from tracker_sync.carriers._track17_parcels import readings
from tracker_sync.carriers.errands import Registered
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading

_URL = "https://api.17track.net/track/v2.4"
_REFUSED = (400, 401, 403)


class Config(CarrierConfig):
    """The security key: api.17track.net, Settings, Security; whitelist this machine there, too."""

    api_key: SecretStr = Field(min_length=1, description="security key of the API account")
    workers: int | None = Field(
        default=1, ge=1, le=64, description="calls at the same time; more may come back empty"
    )


class Track17(Carrier):
    """17TRACK, for every brand that names it by `via`."""

    key = "track17"
    title = "17TRACK"
    brand = "track17"
    docs = "https://api.17track.net/en/doc"
    tracking_url = "https://t.17track.net/en#nums={number}"
    batch = register_batch = 40
    budget = Budget(per_second=2)  # 3 are allowed
    min_gap = timedelta(hours=1)
    any_brand = True
    goes_to = (
        "17TRACK (api.17track.net), a tracking service with prices in Chinese yuan; which company "
        "runs it, and in which country it keeps them, is not known to us"
    )
    aliases = ("17track", "17 track")
    access = Access(
        regions="world",
        keys="security key in the settings of 17TRACK's API account",
        who="not published",
        cost="100 registrations a month free, then by plan",
        wait="not published",
        tells=(Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("track17")
    Config: ClassVar[type[CarrierConfig]] = Config

    @property
    def has_quota(self) -> bool:
        """Whether it tells how many registrations are left."""
        return True

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for numbers alone."""
        return self.request_for([*map(Parcel, numbers)], token)

    def request_for(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Ask for the histories of up to 40 numbers."""
        return self._post("gettrackinfo", parcels)

    def register_request(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Have numbers watched; one whose `via_code` is no number costs no registration."""
        return self._post("register", answers.able(parcels))

    def read_registered(self, payload: Any, parcels: Sequence[Parcel]) -> Iterable[Registered]:
        """Read which numbers are watched now, and why the others are not."""
        return answers.registered(self.key, payload, parcels)

    def quota_request(self, token: str | None) -> httpx.Request:
        """Ask for the rest of the plan; it is free."""
        return self._post("getquota", ())

    def read_quota(self, payload: Any) -> int:
        """Read how many registrations are left."""
        return max(0, int(answers.told(self.key, payload)["quota_remain"]))

    def _post(self, verb: str, parcels: Sequence[Parcel]) -> httpx.Request:
        headers = {"17token": self.config.api_key.get_secret_value()}
        body = [answers.named(parcel) for parcel in parcels]
        return httpx.Request("POST", self.url(f"{_URL}/{verb}"), headers=headers, json=body)

    def refusal(self, response: httpx.Response) -> None:
        """Tell a refused key or address by 17TRACK's own code."""
        code = 0
        if response.status_code in _REFUSED:
            with suppress(*SHAPE):
                code = answers.fault(self.parse(response.content))
        if code:
            raise answers.complaint(self.key, code)
        super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """Read histories by number alone."""
        return self.read_for(payload, [*map(Parcel, asked)])

    def read_for(self, payload: Any, parcels: Sequence[Parcel]) -> Iterator[Reading]:
        """Read histories; what is left out may be asked again."""
        return readings(self, answers.told(self.key, payload), parcels)
