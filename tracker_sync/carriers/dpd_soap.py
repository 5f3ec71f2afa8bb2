"""DPD web services for a DelisID (Germany, Belgium, Netherlands): SOAP, one parcel a call.

Dates: see `_dpdsoap_lands`. Steps not reached, or without a date, are left out. No fault is known
to mean "no such parcel": one that is not about the login leaves the number unanswered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Order, Tells, Token
from tracker_sync.carriers import _dpdsoap_xml as soap
from tracker_sync.carriers._dpdsoap_lands import LANDS, envelope, settled
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Unavailable
from tracker_sync.model import FINAL, LAST_MILE, Pickup, Reading, Scan, Status


class DpdSoapConfig(CarrierConfig):
    """DPD's contact for business customers gives DelisID and password of the web services."""

    delis_id: str = Field(min_length=1, description="DelisID of the web services")
    password: SecretStr = Field(min_length=1, description="of that DelisID")
    country: Literal["de", "be", "nl"] = Field(default="de", description="of the DPD account")


class DpdSoap(Carrier):
    """DPD, ParcelLifeCycleService 2.0."""

    key = "dpd_soap"
    title = "DPD web services"
    brand = "dpd"
    docs = "https://esolutions.dpd.com/"
    tracking_url = "https://tracking.dpd.de/status/de_DE/parcel/{number}"
    zone = budget_zone = "Europe/Berlin"
    order = Order.OLDEST_FIRST
    budget = Budget(per_second=1)  # DPD names no limit: be polite
    access = Access(
        regions="Europe",
        keys="DelisID and password, from DPD's contact for business customers",
        who="business customers of DPD in DE, BE and NL",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP,),
    )
    codes: ClassVar = table("dpd_soap")
    Config = DpdSoapConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._land = LANDS[config.country]
        self._me = {"delisId": config.delis_id, "messageLanguage": self._land.language}
        self._answered = ""  # when the last login was answered, by DPD's clock
        vars(self)["zone"] = self._land.zone  # the contract knows one zone a class

    def token_request(self) -> httpx.Request:
        """Log in; the token is for every service."""
        fields = self._me | {"password": self.config.password.get_secret_value()}
        return self._call(f"LoginService/{self._land.login}/getAuth", fields)

    def token_refusal(self, response: httpx.Response) -> None:
        """Tell wrong keys, which come as HTTP 500, from a service that is down."""
        fault = soap.fault_in(response.content)  # raises for wrong keys
        super().token_refusal(response)
        if fault:
            raise Unavailable(self.key, f"no login just now ({fault})")
        self._answered = response.headers.get("date", "")

    def read_token(self, payload: Any) -> Token:
        """Read the token, and when it ends."""
        login = soap.part(payload, "return")
        lasts = self._land.lasts(soap.text(login, "authTokenExpires"), self._answered)
        if not (token := soap.text(login, "authToken")):
            raise KeyError("authToken")
        return Token(token, lasts)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one parcel."""
        call, login = "ParcelLifeCycleService/2.0/getTrackingData", {"authToken": token or ""}
        return self._call(call, {"parcelLabelNumber": numbers[0]}, self._me | login)

    def refusal(self, response: httpx.Response) -> None:
        """Let a fault, which comes as HTTP 500, be read."""
        if response.status_code != 500 or not soap.fault_in(response.content):
            super().refusal(response)

    def parse(self, body: bytes) -> Any:
        """Decode XML without its dangers."""
        return soap.tree(body)

    parse_token = parse

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """Read one parcel; the answer does not name it."""
        number = next(iter(asked), None)
        if soap.fault(payload):
            return [Reading(number, unanswered=True)]
        result = soap.part(payload, "trackingresult")
        scans = settled(list(self._scans(result)))
        late = [scan.status for scan in scans if scan.status in LAST_MILE | FINAL]
        pickup = Pickup("shop") if late[-1:] == [Status.READY_FOR_PICKUP] else None
        more = {"service": soap.service(result), "not_found": len(result) == 0}
        return [self.reading(number, scans, pickup=pickup, **more)]

    def _scans(self, result: Any) -> Iterator[tuple[Scan, bool]]:
        steps, service = soap.steps(result), soap.service(result)
        moments = self._land.moments(step.date for step in steps)
        for step, at in zip(steps, moments, strict=True):
            words = step.words(listed=(code := step.key(service)) in self.codes)
            yield self.scan(at, code, words, step.place), step.current

    def _call(self, call: str, fields: dict[str, str], login: Any = None) -> httpx.Request:
        action = f'"http://dpd.com/common/service/{call}"'
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
        url, xml = self.url(self._land.url(call)), envelope(call, fields, login)
        return httpx.Request("POST", url, content=xml, headers=headers)
