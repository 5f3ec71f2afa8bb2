"""DPD Cloud, REST (Germany): the status of an order, one number a call, four keys in the header.

Of the two calls about a parcel `getOrderStatus` is made: its answer is known as JSON and has a
date. That of `ParcelLifeCycle` is known as XML only, without dates. The recipient's zip code is
not sent, so names and addresses come back anonymised; none are read.

An answer has five milestones and the last status. What is not reached, or does not say when, is
no scan. Texts are kept and never become a status: a failed attempt, a parcel shop or a return
that only a text tells changes nothing, except that "delivered" is then not believed (`_dpd_status`
has the rule). Its code says why ("Delivered/shop") and can be mapped.

Stamps have no offset; that they mean Berlin time is an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Carrier, CarrierConfig, quoted, rejected
from tracker_sync.carriers import _dpd_answer as cloud
from tracker_sync.carriers._dpd_status import coded
from tracker_sync.carriers._whose import whose
from tracker_sync.carriers.facts import Access, Budget, Order, Tells
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Throttled
from tracker_sync.model import Reading

_URL = "https://cloud.dpd.com/api/v1/getOrderStatus"
_COOL_DOWN = 600  # seconds DPD asks for after its call limit, which it does not publish
_KEYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_REFUSED = "keys refused: check partner_name, partner_token, cloud_user_id and user_token"


class DpdConfig(CarrierConfig):
    """DPD Germany gives all four: a partner pair for the software, a user pair for the account."""

    partner_name: str = Field(min_length=1, description="partner name DPD gave for the software")
    partner_token: SecretStr = Field(min_length=1, description="partner token of the same")
    cloud_user_id: str = Field(min_length=1, description="cloud user id of the DPD account")
    user_token: SecretStr = Field(min_length=1, description="user token of the DPD account")


class Dpd(Carrier):
    """DPD Cloud Webservice, Germany."""

    key = "dpd"
    title = "DPD"
    brand = "dpd"
    docs = "https://cloud.dpd.com/services/v1/DPDCloudService.asmx"
    tracking_url = "https://tracking.dpd.de/status/de_DE/parcel/{number}"
    zone = budget_zone = "Europe/Berlin"
    order = Order.OLDEST_FIRST
    budget = Budget(per_second=1)  # there is a limit, its figure is not published: be polite
    # 14 digits are no pattern of its own: others print as many.
    aliases = ("dpd germany", "dpd deutschland", "dpd-de", "dpd_de", "dpd paket", "dpd classic")
    access = Access(
        regions="DE",
        keys="DPD Germany: partner keys for the software, user keys for the account",
        who="business customers of DPD in DE",
        cost="not published",
        wait="not published",
        tells=(Tells.ESTIMATE,),
    )
    codes: ClassVar = table("dpd")
    Config: ClassVar[type[CarrierConfig]] = DpdConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number, without a zip code; in German, because a rule looks at the texts."""
        headers = {
            "Accept": "application/json",
            "Version": "100",
            "Language": "de_DE",
            "PartnerCredentials-Name": self.config.partner_name,
            "PartnerCredentials-Token": self.config.partner_token.get_secret_value(),
            "UserCredentials-cloudUserID": self.config.cloud_user_id,
            "UserCredentials-Token": self.config.user_token.get_secret_value(),
        }
        url = self.url(f"{_URL}/{quoted(cloud.parcel_no(numbers[0]))}/null")
        return httpx.Request("GET", url, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Believe DPD's own word before the status of the answer."""
        faults = cloud.faults_of(response)
        self._complain(faults)
        if response.status_code in _KEYS:
            raise rejected(self, _REFUSED, response.status_code)
        if not faults or response.status_code != HTTPStatus.BAD_REQUEST:
            super().refusal(response)

    def _complain(self, faults: Sequence[str]) -> None:
        if any(map(cloud.THROTTLED.search, faults)):
            raise Throttled(self.key, _COOL_DOWN)
        if any(map(cloud.REFUSED.search, faults)):
            raise rejected(self, _REFUSED, HTTPStatus.UNAUTHORIZED)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One parcel per answer, or why there is none; an unknown error says nothing about it."""
        faults, order = cloud.faults(payload), cloud.order(payload)
        self._complain(faults)
        number = whose(cloud.word(order, "ParcelNo"), asked)
        if str(payload["Ack"]).lower() == "true":
            yield self._reading(number, order)
            return
        absent = any(map(cloud.ABSENT.search, faults))
        yield Reading(number, not_found=absent, unanswered=not absent)

    def _reading(self, number: str | None, order: Any) -> Reading:
        info = order.get("OrderInformation")
        complete = cloud.said(info, "CompleteDelivery")
        reached = [*cloud.steps(order, self.zone)]
        steps = coded(reached, complete=complete, meant=self.meaning)
        scans = [self.scan(at, code, text) for code, at, text in steps]
        service, estimate = cloud.word(info, "ProductName"), cloud.estimate(info)
        return self.reading(number, scans, service=service, estimate=estimate)
