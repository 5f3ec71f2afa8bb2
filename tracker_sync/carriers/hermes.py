"""Hermes Germany, Shipping Interface (HSI): 100 numbers a call, behind a password login.

An event code comes in three spellings, "90-1-4", "090001004" and the short "3510"; the first two
are one key of nine digits, the third is another key. A stamp or a forecast without offset is taken
for Berlin time: a fact for forecasts, an assumption for stamps, which should all have an offset.
Corrections of a ParcelShop (4690) take a delivery back; those of a depot (4070, 4072, 9399) change
nothing here, because the turn to the sender is a one-way door.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, Token, rejected
from tracker_sync.carriers import _hermes_answer as hermes
from tracker_sync.carriers import _hermes_parcels as parcels
from tracker_sync.carriers._oauth import bearer, granted
from tracker_sync.carriers.tables import table
from tracker_sync.model import Problem, Reading, Scan, Status

_LOGIN = "https://authme.myhermes.de/authorization-facade/oauth2/access_token"
_URL = "https://de-api.hermesworld.com/services/hsi/shipmentinfo"
_HOUR = {"expires_in": 3600}  # how long a token lasts where the answer does not say
_WRONG = "login refused: check username, password, client_id, client_secret"


class HermesConfig(CarrierConfig):
    """Hermes Germany's support for business customers gives all four with the access to HSI."""

    username: str = Field(min_length=1, description="user of the Hermes business account")
    password: SecretStr = Field(min_length=1, description="of that user")
    client_id: str = Field(min_length=1, description="client id Hermes gave for HSI")
    client_secret: SecretStr = Field(min_length=1, description="client secret Hermes gave for HSI")
    language: Literal["en", "de"] = Field(
        default="en", description="of the texts; only the English ones tell the ParcelShop's name"
    )

    @field_validator("codes")
    @classmethod
    def _one_spelling(cls, codes: Mapping[str, Status | Problem]) -> Mapping[str, Status | Problem]:
        return {hermes.spelt(code): meaning for code, meaning in codes.items()}


class Hermes(Carrier):
    """Hermes Germany, HSI."""

    key = "hermes"
    title = "Hermes"
    brand = "hermes"
    docs = "https://www.hermesworld.com/de/"
    tracking_url = (
        "https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation/"
        "?trackingnumber={number}"
    )
    zone = hermes.ZONE
    batch = 100
    budget = Budget(per_second=1)  # Hermes names no limit: be polite
    budget_zone = hermes.ZONE
    number_patterns = (re.compile(r"H[0-9]{19}"),)
    aliases = ("hermes-de", "hermes germany", "hermes-germany", "myhermes", "hermesworld")
    access = Access(
        regions="DE",
        keys="Hermes Germany's support for business customers, with the access to HSI",
        who="business customers of Hermes Germany",
        cost="not published",
        wait="not published",
        tells=(Tells.PICKUP, Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = table("hermes")
    Config = HermesConfig

    def token_request(self) -> httpx.Request:
        """Log in as the merchant's user, through the merchant's client."""
        config = self.config
        user = {"username": config.username, "password": config.password.get_secret_value()}
        form = {"grant_type": "password", **user, "client_id": config.client_id}
        form["client_secret"] = config.client_secret.get_secret_value()
        return httpx.Request("POST", self.url(_LOGIN), data=form)

    def read_token(self, payload: Any) -> Token:
        """Read the token and how long it lasts."""
        return granted(payload if payload.get("expires_in") else payload | _HOUR)

    def token_refusal(self, response: httpx.Response) -> None:
        """Call a refused login by its name: the keys are all that can be wrong in a 400 here."""
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise rejected(self, _WRONG, httpx.codes.UNAUTHORIZED)
        super().token_refusal(response)

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for all numbers at once."""
        headers = {"Accept": "application/json", "Accept-Language": self.config.language.upper()}
        query = {"shipmentID": list(numbers)}
        return httpx.Request("GET", self.url(_URL), params=query, headers=headers | bearer(token))

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """Give the newest parcel of each number, or that Hermes could not say."""
        listed = list(payload["shipmentinfo"])
        parcels.complain(self.key, {parcels.fault(parcel) for parcel in listed})
        return parcels.newest(parcels.named(listed, asked), self._reading)

    def _reading(self, number: str | None, parcel: Any) -> Reading:
        scans = hermes.newest_first(map(self._scan, parcel.get("status") or ()))
        forecast = hermes.estimate(parcel.get("deliveryForecast"))
        absent = parcels.fault(parcel) == parcels.ABSENT
        reading = self.reading(number, scans, not_found=absent, estimate=forecast)
        return replace(reading, pickup=hermes.pickup(reading.scans))

    def _scan(self, event: Any) -> Scan:
        code, text = hermes.spelt(event.get("code")), str(event.get("description") or "")
        return self.scan(self.when(event["timestamp"]), code, text, hermes.place(event))
