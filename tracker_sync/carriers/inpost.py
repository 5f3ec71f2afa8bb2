"""InPost ShipX tracking (Poland): open to everyone, JSON, one number a call.

An answer is a history of status words with offset; where one had none, Polish time is assumed.
It has neither texts nor a forecast, and the status beside the history has no time of its own, so
the history alone counts. A parcel in a locker waits there: only `delivered` says it was taken out.
The newer InPost Group API (other countries, other codes) is not this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from tracker_sync.carriers import Budget, Carrier, CarrierConfig
from tracker_sync.carriers.tables import table
from tracker_sync.model import Pickup, Reading, Scan

_URL = "https://api-shipx-pl.easypack24.net/v1/tracking"
_NUMBER = re.compile(r"\b\d{24}\b")
# What kind of place a parcel waits in. A reminder says nothing about the place.
_WAITS_IN = {
    "ready_to_pickup": "locker",
    "stack_in_box_machine": "locker",
    "ready_to_pickup_from_pok": "shop",
    "ready_to_pickup_from_pok_registered": "shop",
    "courier_avizo_in_customer_service_point": "shop",
    "ready_to_pickup_from_branch": "branch",
    "ready_for_collection": "",
}
# After one of these nobody says whether the target that is named is the old or the new one.
_MOVED = frozenset(
    {
        "readdressed",
        "redirect_to_box",
        "canceled_redirect_to_box",
        "permanently_redirected_to_box_machine",
        "permanently_redirected_to_customer_service_point",
    }
)


class InpostConfig(CarrierConfig):
    """No keys: ShipX answers about any number without; `inpost: {}` is enough."""


class Inpost(Carrier):
    """InPost ShipX tracking, Poland."""

    key = "inpost"
    title = "InPost"
    brand = "inpost"
    docs = "https://dokumentacja-inpost.atlassian.net/wiki/spaces/PL/overview"
    tracking_url = "https://inpost.pl/sledzenie-przesylek?number={number}"
    zone = "Europe/Warsaw"
    # InPost publishes no limit; a service that asks for no key can only shut out our address.
    budget = Budget(per_second=2)
    # 24 digits are no pattern of its own: others print as many.
    aliases = ("inpost pl", "inpost polska", "inpost paczkomaty", "inpost kurier", "paczkomaty")
    codes = table("inpost")
    Config: ClassVar[type[CarrierConfig]] = InpostConfig

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number."""
        number = quote(numbers[0], safe="").replace(".", "%2E")  # httpx would walk up at ".."
        return httpx.Request("GET", self.url(f"{_URL}/{number}"))

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One parcel per answer, or the reason why there is none."""
        if "tracking_details" not in payload:
            yield self._absent(payload, asked)
            return
        number = asked[0] if asked else _text(payload, "tracking_number")
        scans = map(self._scan, payload["tracking_details"] or ())
        reading = self.reading(number or None, scans, service=_text(payload, "type"))
        yield replace(reading, pickup=_pickup(reading, payload.get("custom_attributes")))

    def _scan(self, detail: Any) -> Scan:
        code, at = str(detail["status"]).strip(), self.when(detail["datetime"])
        return self.scan(at, code, place=_text(detail, "agency"))

    def _absent(self, fault: Any, asked: Sequence[str]) -> Reading:
        """Read an error body: "not found" is an answer, any other one is raised."""
        if fault["error"] != "resource_not_found":
            self.refusal(httpx.Response(int(fault["status"])))
            raise ValueError("neither a history nor an error that is known")
        named = _NUMBER.search(_text(fault, "message"))
        return Reading(asked[0] if asked else named and named[0], not_found=True)


def _pickup(reading: Reading, attributes: Any) -> Pickup | None:
    """Return where the parcel waits or waited last; the target is named only where it is that."""
    codes = [scan.code for scan in reading.scans]
    last = next((code for code in reversed(codes) if code in _WAITS_IN), None)
    if last is None:
        return None
    if last != "ready_to_pickup" or _MOVED.intersection(codes):
        return Pickup(_WAITS_IN[last])
    return Pickup(_WAITS_IN[last], _text(attributes, "target_machine_id"), _address(attributes))


def _address(attributes: Any) -> str:
    """Return the two address lines of the target; "" where they come in another shape."""
    match attributes:
        case {"target_machine_detail": {"address": lines}}:
            return ", ".join(filter(None, (_text(lines, "line1"), _text(lines, "line2"))))
    return ""


def _text(block: Any, key: str) -> str:
    """Return one field if it is text, else ""."""
    value = block.get(key) if isinstance(block, dict) else None
    return value.strip() if isinstance(value, str) else ""
