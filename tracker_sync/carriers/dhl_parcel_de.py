"""DHL Parcel DE Tracking (Post & Paket Deutschland): XML in the query string, 20 numbers a call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Order, Tells, rejected
from tracker_sync.carriers import _dhl_de_events as events
from tracker_sync.carriers._dhl_de_replies import GATEWAY, NOT_FOUND
from tracker_sync.carriers._dhl_de_xml import STAMPS, Piece, bare, pieces, question, stated, tree
from tracker_sync.carriers._newest import age
from tracker_sync.model import Reading, Scan


class DhlParcelDeConfig(CarrierConfig):
    """App: developer.dhl.com, "Parcel DE Tracking". User: DHL business portal, may track."""

    api_key: SecretStr = Field(min_length=1, description="of the app at developer.dhl.com")
    api_secret: SecretStr = Field(min_length=1, description="of the same app")
    appname: SecretStr = Field(min_length=1, description="technical user of the business portal")
    password: SecretStr = Field(min_length=1, description="of the technical user")
    language: Literal["de", "en"] = Field(default="de", description="of DHL's texts")


class DhlParcelDe(Carrier):
    """DHL parcels of Germany."""

    key = "dhl_parcel_de"
    title = "DHL Parcel DE Tracking"
    brand = "dhl"
    docs = "https://developer.dhl.com/api-reference/dhl-parcel-de-tracking-post-paket-germany"
    tracking_url = "https://www.dhl.de/de/privatkunden.html?piececode={number}"
    zone = "Europe/Berlin"
    order = Order.OLDEST_FIRST
    batch = 20
    budget = Budget(per_day=1000, per_second=3)
    asks_delivered = False
    number_patterns = (re.compile(r"00340[0-9]{15}"), re.compile(r"JJD[0-9]{18}"))
    aliases = ("dhl-germany", "dhl paket", "dhl parcel de")
    access = Access(
        regions="DE",
        keys='app "Parcel DE Tracking" at developer.dhl.com, and a user of the business portal',
        who="business customers of DHL in Germany",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = events.codes("dhl_parcel_de")
    Config: ClassVar = DhlParcelDeConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Log in twice: the app in the header, the user inside the XML."""
        xml = question(
            appname=self.config.appname.get_secret_value(),
            password=self.config.password.get_secret_value(),
            language_code=self.config.language,
            request="d-get-piece-detail",
            piece_code=";".join(number.replace(";", "") for number in numbers),
        )
        official = "https://api-eu.dhl.com/parcel/de/tracking/v0/shipments"
        request = httpx.Request("GET", self.url(official), params={"xml": xml})
        app = (self.config.api_key, self.config.api_secret)
        login = httpx.BasicAuth(*(part.get_secret_value() for part in app))
        return next(login.auth_flow(request))

    def refusal(self, response: httpx.Response) -> None:
        """Say which of the two logins the gateway refuses; its page is HTML."""
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise rejected(self, GATEWAY, response.status_code)
        super().refusal(response)

    def parse(self, body: bytes) -> Any:
        """Decode XML without its dangers."""
        return tree(body)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """Give the newest parcel of each number, or that DHL could not look it up."""
        forms = {bare(number): number for number in asked if bare(number)}
        newest: dict[str | None, Reading] = {}
        for piece in pieces(self.key, payload):
            number = piece.number(forms)
            for name in [number] if number or not asked else asked:
                reading = self._reading(name, piece)
                newest[name] = max(reading, newest.get(name, reading), key=age)
        return newest.values()

    def _reading(self, number: str | None, piece: Piece) -> Reading:
        if piece.failed:
            return Reading(number, unanswered=True)
        whom = self.codes.get(f"recipient-id/{piece.head.get('recipient-id')}")
        scans = events.settled(list(self._scans(piece)), piece.head, whom.detail if whom else None)
        return self.reading(
            number,
            scans,
            not_found=piece.code in NOT_FOUND and not scans,
            estimate=events.estimate(piece.head, self.zone),
            pickup=events.pickup(scans),
            service=piece.head.get("product-name", "").strip(),
        )

    def _scans(self, piece: Piece) -> Iterator[Scan]:
        """Read the events; without any, the head says how the last one was."""
        before: datetime | None = None
        for event in piece.events or (piece.head,):
            if stamp := stated(event, *STAMPS):
                before = events.moment(stamp, self.zone, before)
                yield self._scan(event, piece, before)

    def _scan(self, event: Mapping[str, str], piece: Piece, at: datetime) -> Scan:
        text = piece.anonymous(stated(event, "event-text", "event-status", "status"))
        keys = list(events.keys(event, text))
        found = next(filter(None, map(self.meaning, keys)), None)
        meaning = found and events.turned(found, event)
        return Scan(at, keys[0], meaning, text, stated(event, "event-location"))
