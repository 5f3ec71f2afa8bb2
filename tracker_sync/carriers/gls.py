"""GLS Track and Trace v1: ten numbers a call, behind an OAuth client.

Two vocabularies share the code table: the status of a parcel ("INDELIVERY", a closed list) and the
codes of its events ("OUTDEL.NORMAL", of which GLS publishes a few). The status can be ahead of the
events and then becomes a scan of its own (`_gls_status` has the rule).

Stamps carry their offset; that one without it means Berlin time is an assumption, and so is that
the 500 calls of a day are counted from midnight UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, Token, quoted
from tracker_sync.carriers import _gls_answer as gls
from tracker_sync.carriers._gls_status import news, pickup
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers._text import shown
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Unavailable
from tracker_sync.model import Reading, Scan
from tracker_sync.wire import check, retry_after

HOST = "https://api.gls-group.net"


class Config(CarrierConfig):
    """An app with "Track And Trace" at https://dev-portal.gls-group.net gives id and secret."""

    client_id: str = Field(min_length=1, description="client id of the app")
    client_secret: SecretStr = Field(min_length=1, description="client secret of the app")


class Gls(Carrier):
    """GLS Track and Trace v1."""

    key = "gls"
    title = "GLS"
    brand = "gls"
    docs = "https://dev-portal.gls-group.net"
    tracking_url = "https://gls-group.com/DE/de/paketverfolgung?match={number}"
    zone = "Europe/Berlin"
    batch = 10
    budget = Budget(per_day=500)
    aliases = ("general logistics systems", "gls-germany", "gls germany", "gls-de", "gls paket")
    access = Access(
        regions="DE, Europe",
        keys='app with "Track And Trace" at dev-portal.gls-group.net',
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP,),
    )
    codes = table("gls")
    Config: ClassVar[type[CarrierConfig]] = Config

    def token_request(self) -> httpx.Request:
        """Ask for a token in the name of the app."""
        form = {"grant_type": "client_credentials"}
        secret = self.config.client_secret.get_secret_value()
        request = httpx.Request("POST", self.url(f"{HOST}/oauth2/v2/token"), data=form)
        return next(httpx.BasicAuth(self.config.client_id, secret).auth_flow(request))

    def read_token(self, payload: Any) -> Token:
        """Read the token; it lasts four hours."""
        return granted(payload)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for up to ten references; English, because two rules look at the texts."""
        joined = ",".join(map(quoted, numbers))
        url = self.url(f"{HOST}/track-and-trace-v1/tracking/simple/references/{joined}")
        headers = {"Accept": "application/json", "Accept-Language": "EN"}
        return httpx.Request("GET", url, headers=headers | bearer(token))

    def refusal(self, response: httpx.Response) -> None:
        """Believe the gateway's own word before its status; its 404 is about the address."""
        fault = "" if response.is_success else gls.fault_of(response)
        gls.complain(self.key, fault, retry_after(response))
        if fault:
            check(self.key, response)
        super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading per number that was requested, whatever number GLS prints back."""
        gls.complain(self.key, gls.fault(payload))
        if "parcels" not in payload and "status" in payload:
            self.refusal(httpx.Response(int(payload["status"])))
        parcels = gls.parcels(payload)
        if parcels and all(map(gls.broken, parcels)):
            raise Unavailable(self.key, "GLS has an error of its own with every number asked")
        for number in asked or dict.fromkeys(map(gls.requested, parcels)) or (None,):
            mine = [self._reading(number, parcel) for parcel in gls.named(number, parcels)]
            yield max(mine, key=age, default=Reading(number, not_found=True))

    def _reading(self, number: str | None, parcel: Any) -> Reading:
        if gls.broken(parcel):
            return Reading(number, unanswered=True)
        scans = [self._scan(event) for event in gls.dated(parcel)]
        status, stamp = parcel.get("status"), parcel.get("statusDateTime")
        if status and stamp:
            scans = [*news(str(status), self.when(stamp), scans, self.meaning), *scans]
        return self.reading(number, scans, pickup=pickup(scans))

    def _scan(self, event: Any) -> Scan:
        code, text = (str(event.get(key) or "") for key in ("code", "description"))
        return self.scan(self.when(event["eventDateTime"]), code, shown(text), gls.place(event))
