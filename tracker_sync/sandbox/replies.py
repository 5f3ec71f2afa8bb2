"""How the pretend Klaviyo answers, and how every pretend service fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tracker_sync.sandbox.http import Response

_MEDIA_TYPE = "application/vnd.api+json"


GARBAGE = b"\x00\x1f<data {'"
_NOISE = b" " * 65_536
_ANY_DAY = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request goes wrong: an error status, a cut connection, or `hang` seconds of silence.

    `retry_after` seconds are told as such or `as_date`. `body` is sent instead of an answer, `size`
    is that many bytes of noise, `drip` the seconds between two bytes; the connection is cut after
    the part `stops_at` of the body. With `taken` the request counts, and only the answer goes
    wrong.
    """

    status: int | None = None
    retry_after: float | None = None
    as_date: bool = False
    html: bool = False
    cut: bool = False
    hang: float = 0.0
    body: bytes | None = None
    size: int | None = None
    drip: float = 0.0
    stops_at: float | None = None
    taken: bool = False


def faulty(fault: Fault, response: Response, now: datetime | None = None) -> Response:
    """Return the answer *fault* makes of *response*; *now* is the service's own clock."""
    response = _instead(fault, response)
    if fault.retry_after is not None:
        response = replace(response, headers=dict(response.headers) | _wait(fault, now))
    if fault.stops_at is not None:
        response = replace(response, stops_at=round(fault.stops_at * response.length))
    silent = fault.hang > 0 and not fault.taken  # must not end in an acceptance
    nothing = fault.stops_at is not None and fault.stops_at < 1 and not response.length
    cut = fault.cut or silent or nothing
    return replace(response, cut=cut, delay=fault.hang, drip=fault.drip)


def _instead(fault: Fault, response: Response) -> Response:
    """Return what is said instead of *response*."""
    if fault.html:
        headers = {"Content-Type": "text/html", "cf-mitigated": "challenge"}
        return Response(fault.status or 403, headers, b"<!doctype html><p>One moment</p>")
    kind = {"Content-Type": "application/json"}
    if fault.size is not None:
        return Response(fault.status or 200, kind, _NOISE, size=fault.size)
    if fault.body is not None:
        return Response(fault.status or 200, kind, fault.body)
    if fault.status is not None:
        return error(fault.status, "throttled" if fault.status == 429 else "error")
    return response


def _wait(fault: Fault, now: datetime | None) -> dict[str, str]:
    """The header that says how long to wait; a date counts against the answer's own."""
    seconds = fault.retry_after or 0.0
    if not fault.as_date:
        return {"Retry-After": f"{seconds:g}"}
    today = (now or _ANY_DAY).astimezone(UTC)
    until = format_datetime(today + timedelta(seconds=seconds), usegmt=True)
    return {"Date": format_datetime(today, usegmt=True), "Retry-After": until}


def error(
    status: int, code: str, source: Mapping[str, str] | None = None, detail: str = ""
) -> Response:
    """Return an error in the form of JSON:API."""
    error = {"id": f"sandbox-{status}", "status": status, "code": code, "title": code}
    more = {"detail": detail or code, "source": source or {}, "links": {}, "meta": {}}
    return answer(status, {"errors": [error | more]})


def answer(status: int, value: Any) -> Response:
    """Return *value* as JSON."""
    return Response(status, {"Content-Type": _MEDIA_TYPE}, json.dumps(value).encode())


def accounts(public_key: str) -> Response:
    """Return the list of accounts a key belongs to: one."""
    links = {"self": "/api/accounts"}
    return answer(200, {"data": [account(public_key)], "links": links})


def account(public_key: str) -> dict[str, Any]:
    """Return the account, as far as anybody may ask."""
    address = dict.fromkeys(("address1", "address2", "city", "region", "country", "zip"), "")
    contact = {
        "default_sender_name": "Sandbox",
        "default_sender_email": "sandbox@shop.invalid",
        "website_url": None,
        "organization_name": "Sandbox",
        "street_address": address,
    }
    attributes = {
        "test_account": True,
        "contact_information": contact,
        "industry": None,
        "timezone": "Europe/Berlin",
        "preferred_currency": "EUR",
        "public_api_key": public_key,
        "locale": "de-DE",
    }
    links = {"self": "/api/accounts"}
    return {"type": "account", "id": public_key, "attributes": attributes, "links": links}
