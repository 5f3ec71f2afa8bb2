"""How the pretend Klaviyo answers, and how it fails when it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracker_sync.sandbox.http import Response

_MEDIA_TYPE = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request goes wrong: an error status, a cut connection, or `hang` seconds of silence.

    With `taken` Klaviyo takes the request, and only the answer goes wrong.
    """

    status: int | None = None
    retry_after: float | None = None
    html: bool = False
    cut: bool = False
    hang: float = 0.0
    taken: bool = False


def faulty(fault: Fault, response: Response) -> Response:
    """Return the answer *fault* makes of *response*."""
    if fault.html:
        headers = {"Content-Type": "text/html", "cf-mitigated": "challenge"}
        response = Response(fault.status or 403, headers, b"<!doctype html><p>One moment</p>")
    elif fault.status is not None:
        response = error(fault.status, "throttled" if fault.status == 429 else "error")
    if fault.retry_after is not None:
        wait = {"Retry-After": f"{fault.retry_after:g}"}
        response = replace(response, headers=dict(response.headers) | wait)
    silent = fault.hang > 0 and not fault.taken  # must not end in an acceptance
    return replace(response, cut=fault.cut or silent, delay=fault.hang)


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
