"""La Poste Suivi v2: letters, Colissimo and Chronopost, JSON, ten numbers a call.

A code is La Poste's own, "MD2". Where one code covers several things and its label tells which,
the key says so: "EP1/failed", "DI1/mailbox" (`_laposte_words`); an EP1 that tells neither is not
listed. `isFinal` closes a history, also one that ended back at the sender: it decides nothing.

Stamps carry an offset. One without would be Paris time: an assumption, none was ever seen. That
La Poste takes ten numbers is one, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Budget, Carrier, CarrierConfig, Tells, quoted
from tracker_sync.carriers import _laposte_answers as told
from tracker_sync.carriers._laposte_words import keyed
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._text import LONGEST, plain, shown
from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.carriers.tables import table
from tracker_sync.errors import CallError
from tracker_sync.model import Reading, Scan
from tracker_sync.wire import check

_URL = "https://api.laposte.fr/suivi/v2/idships/"


class LaposteConfig(CarrierConfig):
    """An app at https://developer.laposte.fr that subscribes to "Suivi" (v2) gives the key."""

    api_key: SecretStr = Field(min_length=1, description="the app's production key (X-Okapi-Key)")


class Laposte(Carrier):
    """La Poste Suivi v2."""

    key = "laposte"
    title = "La Poste"
    brand = "laposte"
    docs = "https://developer.laposte.fr/products/suivi/2"
    tracking_url = "https://www.laposte.fr/outils/suivre-vos-envois?code={number}"
    zone = "Europe/Paris"
    batch = 10
    budget = Budget(per_second=1)
    number_patterns = (re.compile(r"[A-Z]{2}[0-9]{9}FR"),)  # posted in France, by UPU rule S10
    aliases = (
        "la poste",
        "la poste colissimo",
        "la-poste-colissimo",
        "colissimo",
        "chronopost",
        "chronopost-france",
        "lettre suivie",
    )
    access = Access(
        regions="FR, world",
        keys='app that subscribes to "Suivi" (v2) at developer.laposte.fr',
        who="not published",
        cost="not published",
        wait="not published",
        tells=(Tells.ESTIMATE, Tells.RETURNS),
    )
    codes = table("laposte")
    Config: ClassVar = LaposteConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask in French: the words of EP1 and DI1 decide what they mean."""
        names = map(quoted, told.sendable(numbers))
        headers = {
            "X-Okapi-Key": self.config.api_key.get_secret_value(),
            "Accept": "application/json",
        }
        url = self.url(_URL + ",".join(names))
        return httpx.Request("GET", url, params={"lang": "fr_FR"}, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let what is said about each number pass, also where the whole is called an error."""
        if response.status_code not in told.ABSENT or not told.per_id(response):
            super().refusal(response)

    def absent(self, response: httpx.Response) -> bool:
        """Read an error about each number one by one."""
        return super().absent(response) and not told.per_id(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterable[Reading]:
        """One bad answer costs no other: it is an error only where nothing else can be read."""
        newest: dict[str | None, Reading] = {}
        failures: list[Exception] = []
        for number, answer in told.assigned(told.answers(payload), asked):
            try:
                reading = self._reading(number, answer)
            except (CallError, *SHAPE) as exc:
                failures.append(exc)
                reading = Reading(number, unanswered=True)
            newest[number] = max(newest.get(number, reading), reading, key=age)
        if failures and all(reading.unanswered for reading in newest.values()):
            raise failures[0]
        return newest.values()

    def _reading(self, number: str | None, answer: Any) -> Reading:
        code = int(answer["returnCode"])
        if code in told.ABSENT:
            return Reading(number, not_found=True)
        check(self.key, httpx.Response(code))
        shipment = answer["shipment"]
        scans = map(self._scan, shipment.get("event") or ())
        estimate = told.estimate(shipment, self.when, self.zone)
        service = str(shipment.get("product") or "").strip()
        return self.reading(number, scans, estimate=estimate, service=service)

    def _scan(self, event: Any) -> Scan:
        text, code = shown(str(event.get("label") or "")), str(event.get("code") or "").strip()
        key = code if code in self.config.codes else keyed(code, text)
        return self.scan(self.when(event["date"]), key or plain(text)[:LONGEST], text)
