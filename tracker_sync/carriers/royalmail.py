"""Royal Mail Tracking API v2: a glance at 30 parcels a call, the history of one that moved.

The summary tells the newest event only: an attempt, a refusal or a collection point between two
looks would be lost, so it serves as a glance and the events call is made for what moved. Only
event codes count: the words of `statusCategory` are not published, and its "Delivered" does not
say to whom. Stamps come with their offset; without one, UK time is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Carrier, CarrierConfig, Parcel, Tells, quoted
from tracker_sync.carriers import _royalmail_answer as answer
from tracker_sync.carriers import _royalmail_faults as faults
from tracker_sync.carriers import _royalmail_words as words
from tracker_sync.carriers._newest import age
from tracker_sync.carriers._royalmail_glance import glances, mark
from tracker_sync.carriers.errands import Glance
from tracker_sync.carriers.tables import table
from tracker_sync.model import Reading

_URL = "https://api.royalmail.net/mailpieces/v2"


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
    glance_batch = 30
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
        return self._get(f"{quoted(numbers[0])}/events")

    def glance_request(self, parcels: Sequence[Parcel], token: str | None) -> httpx.Request:
        """Ask for the newest event of up to thirty numbers."""
        return self._get(f"summary?mailPieceId={','.join(quoted(p.number) for p in parcels)}")

    def _get(self, path: str) -> httpx.Request:
        headers = {"X-Accept-RMG-Terms": "yes", "Accept": "application/json"}
        headers["X-IBM-Client-Id"] = self.config.client_id.get_secret_value()
        headers["X-IBM-Client-Secret"] = self.config.client_secret.get_secret_value()
        return httpx.Request("GET", self.url(f"{_URL}/{path}"), headers=headers)

    def refusal(self, response: httpx.Response) -> None:
        """Let a number that is not known pass, whether it comes as 404 or as 400."""
        if not faults.about_numbers(self.key, response):
            super().refusal(response)

    def read_glance(self, payload: Any, parcels: Sequence[Parcel]) -> Iterable[Glance]:
        """Read marks; a number Royal Mail does not know gives a blank one."""
        asked = [parcel.number for parcel in parcels]
        if "mailPieces" in payload:
            return glances(answer.pieces(payload), asked, self.when)
        return [Glance(str(reading.number), "") for reading in self._absent(payload, asked)]

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One reading a number, though it may say that Royal Mail cannot tell just now."""
        if "mailPieces" not in payload:
            yield from self._absent(payload, asked)
            return
        pieces = answer.pieces(payload)
        if len(pieces) == 1 and answer.silent(pieces[0]) == faults.DOWN:
            raise faults.away(self.key)
        called = dict.fromkeys(next(iter(answer.names(piece)), None) for piece in pieces)
        for number in asked or called or (None,):
            mine = answer.meant(number, pieces, alone=len(asked) == 1)
            readings = [self._reading(number, piece) for piece in mine]
            yield max(readings, key=age, default=Reading(number, unanswered=True))

    def _absent(self, payload: Any, asked: Sequence[str]) -> list[Reading]:
        """Read an error body, whose own status counts: HTTP may say 200."""
        self.refusal(httpx.Response(faults.status_of(payload), json=payload))
        return [Reading(number, not_found=True) for number in asked or (None,)]

    def _reading(self, number: str | None, piece: dict[str, Any]) -> Reading:
        error = answer.silent(piece)
        if error and error not in faults.ABSENT:
            return Reading(number, unanswered=True)
        reading = self.reading(
            number,
            words.scans(piece, self.scan, self.when),
            not_found=bool(error),
            service=answer.word(piece.get("summary"), "productName"),
            estimate=answer.estimate(piece, self.when),
            mark=mark(piece, self.when),
        )
        return replace(reading, scans=words.without_echoes(reading.scans, self.config.codes))
