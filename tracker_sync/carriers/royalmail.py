"""Royal Mail Tracking API v2: the whole history of one number a call.

The summary call takes 30 numbers but tells the newest event only: an attempt, a refusal or a
collection point between two looks would be lost, so the events call is made. Summaries can be
read all the same. Only event codes count: the words of `statusCategory` are not published, and
its "Delivered" does not say to whom. Stamps come with their offset; without one, UK time is
assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Carrier, CarrierConfig, Tells, quoted, rejected
from tracker_sync.carriers import _royalmail_answer as answer
from tracker_sync.carriers import _royalmail_words as words
from tracker_sync.carriers._newest import age
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading, Scan

_URL = "https://api.royalmail.net/mailpieces/v2"
_KEYS = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_REFUSED = "keys refused: check client_id, client_secret and the app's plan for Tracking"


class RoyalmailConfig(CarrierConfig):
    """For account customers: an app with "Tracking" at https://developer.royalmail.net."""

    client_id: SecretStr = Field(min_length=1, description="client id of the app")
    client_secret: SecretStr = Field(min_length=1, description="client secret of the app")


class Royalmail(Carrier):
    """Royal Mail Tracking API v2."""

    key = "royalmail"
    title = "Royal Mail"
    brand = "royalmail"
    docs = "https://developer.royalmail.net/"
    tracking_url = "https://www.royalmail.com/track-your-item#/tracking-results/{number}"
    zone = "Europe/London"
    # British post numbers, without those of Parcelforce (express E, parcels C).
    number_patterns = (re.compile(r"[ABDF-Z][A-Z][0-9]{9}GB"),)
    aliases = ("royal-mail", "royal mail group", "royal mail uk", "royal mail tracked")
    access = Access(
        regions="GB, world",
        keys='app with "Tracking" at developer.royalmail.net',
        who="account customers of Royal Mail",
        cost="not published",
        wait="not published",
        tells=(Tells.ESTIMATE, Tells.RETURNS),
    )
    codes: ClassVar = table("royalmail")
    Config = RoyalmailConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for the events of one number."""
        headers = {
            "X-IBM-Client-Id": self.config.client_id.get_secret_value(),
            "X-IBM-Client-Secret": self.config.client_secret.get_secret_value(),
            "X-Accept-RMG-Terms": "yes",
            "Accept": "application/json",
        }
        url = self.url(f"{_URL}/{quoted(numbers[0])}/events")
        return httpx.Request("GET", url, headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let a number that is not known pass, whether it comes as 404 or as 400."""
        faults = answer.faults_of(response)
        if answer.DOWN in faults:
            raise answer.away(self.key)
        if response.status_code in _KEYS:
            raise rejected(self, _REFUSED, response.status_code)
        if response.status_code != httpx.codes.BAD_REQUEST or not faults & answer.ABSENT:
            super().refusal(response)

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a number, though it may say that Royal Mail cannot tell just now."""
        if "mailPieces" not in payload:
            yield from self._absent(payload, asked)
            return
        pieces = answer.pieces(payload)
        if len(pieces) == 1 and answer.silent(pieces[0]) == answer.DOWN:
            raise answer.away(self.key)
        called = dict.fromkeys(next(iter(answer.names(piece)), None) for piece in pieces)
        for number in asked or called or (None,):
            mine = answer.meant(number, pieces, alone=len(asked) == 1)
            readings = [self._reading(number, piece) for piece in mine]
            yield max(readings, key=age, default=Reading(number, not_found=True))

    def _absent(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """Read an error body, whose own status counts: HTTP may say 200."""
        status = int(payload["httpCode"])
        if status < httpx.codes.BAD_REQUEST:
            raise KeyError("mailPieces")
        self.refusal(httpx.Response(status, json=payload))
        yield from (Reading(number, not_found=True) for number in asked or (None,))

    def _reading(self, number: str | None, piece: dict[str, Any]) -> Reading:
        error = answer.silent(piece)
        if error and error not in answer.ABSENT:
            return Reading(number, unanswered=True)
        last = self._scans([answer.last_event(piece)])
        scans = words.joined([*last], [*self._scans(piece.get("events") or ())])
        service = answer.word(piece.get("summary"), "productName")
        reading = self.reading(number, scans, not_found=bool(error), service=service)
        told = words.without_echoes(reading.scans, frozenset(self.config.codes))
        return replace(reading, scans=told, estimate=answer.estimate(piece, self.when))

    def _scans(self, events: Sequence[Any]) -> Iterator[Scan]:
        for event in answer.dated(events):
            at, code = self.when(answer.word(event, "eventDateTime")), answer.code_of(event)
            name, place = (answer.word(event, key) for key in ("eventName", "locationName"))
            yield self.scan(at, code, name, place)
