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
from datetime import timedelta
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from tracker_sync.carriers import Budget, Carrier, CarrierConfig, Token, rejected
from tracker_sync.carriers import _hermes_answer as hermes
from tracker_sync.carriers import _hermes_parcels as parcels
from tracker_sync.carriers.tables import table
from tracker_sync.errors import Unavailable
from tracker_sync.model import Problem, Reading, Scan, Status

_LOGIN = "https://authme.myhermes.de/authorization-facade/oauth2/access_token"
_URL = "https://de-api.hermesworld.com/services/hsi/shipmentinfo"
_HOUR = 3600  # how long a token lasts where the answer does not say


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
    codes: ClassVar = table("hermes")
    Config = HermesConfig

    def token_request(self) -> httpx.Request:
        """Log in as the merchant's user, through the merchant's client."""
        form = {
            "grant_type": "password",
            "username": self.config.username,
            "password": self.config.password.get_secret_value(),
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret.get_secret_value(),
        }
        return httpx.Request("POST", self.url(_LOGIN), data=form)

    def read_token(self, payload: Any) -> Token:
        """Read the token and how long it lasts."""
        lasts = timedelta(seconds=int(payload.get("expires_in") or _HOUR))
        return Token(payload["access_token"].strip(), max(lasts - timedelta(minutes=5), lasts / 2))

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for all numbers at once."""
        headers = {"Accept": "application/json", "Accept-Language": self.config.language.upper()}
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        query = {"shipmentID": list(numbers)}
        return httpx.Request("GET", self.url(_URL), params=query, headers=headers | bearer)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """Give the newest parcel of each number; one that cannot be read is left out."""
        listed = list(payload["shipmentinfo"])
        self._complain({parcels.fault(parcel) for parcel in listed})
        return parcels.newest(parcels.named(listed, asked), self._reading)

    def _complain(self, faults: set[str]) -> None:
        """Raise where every single parcel was refused for the same reason."""
        if faults == {"e999"}:
            raise Unavailable(self.key, "e999: Hermes cannot answer now")
        if faults == {"e900"}:
            raise rejected(self, "e900: this user may not see these shipments", 403)

    def _reading(self, number: str | None, parcel: Any) -> Reading:
        scans = hermes.newest_first(map(self._scan, parcel.get("status") or ()))
        forecast = hermes.estimate(parcel.get("deliveryForecast"))
        absent = parcels.fault(parcel) == parcels.ABSENT
        reading = self.reading(number, scans, not_found=absent, estimate=forecast)
        return replace(reading, pickup=hermes.pickup(reading.scans))

    def _scan(self, event: Any) -> Scan:
        code, text = hermes.spelt(event.get("code")), str(event.get("description") or "")
        return self.scan(self.when(event["timestamp"]), code, text, hermes.place(event))
