"""How DHL's unified API answers: JSON, newest event first, one number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.sandbox.http import Request, Response
from tracker_sync.sandbox.lives import Entry, Life, sample

PATH = "/track/shipments"
KEYS = {"api_key": "sandbox-key"}
_ZONE = ZoneInfo("Europe/Berlin")


def numbers(request: Request) -> list[str]:
    """Return the number that is asked about."""
    number = request.query.get("trackingNumber", "")
    return [number] if number else []


def answer(request: Request, lives: Mapping[str, Life]) -> Response:
    """Answer one question out of *lives*."""
    if request.headers.get("dhl-api-key") != KEYS["api_key"]:
        return _problem(401, "Unauthorized", "Unauthorized for given resource.")
    asked = numbers(request)
    if not asked:
        return _problem(400, "Bad Request", "trackingNumber is missing.")
    if asked[0] not in lives:
        return _problem(404, "No result found", "No shipment with given tracking number found.")
    return Response(200, {"Content-Type": "application/json"}, _told(lives[asked[0]]))


def _told(life: Life) -> bytes:
    payload = json.loads(sample("dhl_unified.json"))
    shipment = payload["shipments"][0]
    pattern = shipment["events"][0]
    events = [_event(pattern, entry) for entry in reversed(life.entries)]
    newest = _event(pattern, life.newest)
    shipment |= {"id": life.number, "status": newest, "events": events} | dict(life.more)
    return json.dumps(payload).encode()


def _event(pattern: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    event = deepcopy(dict(pattern))
    event["timestamp"] = f"{entry.at.astimezone(_ZONE):%Y-%m-%dT%H:%M:%S}"
    code, _, text = entry.code.partition("|")
    event["statusCode"] = code
    event["status"] = event["description"] = entry.text or text
    event["location"]["address"]["addressLocality"] = entry.place
    return event | dict(entry.more)


def _problem(status: int, title: str, detail: str) -> Response:
    body = json.dumps({"title": title, "detail": detail, "status": status}).encode()
    return Response(status, {"Content-Type": "application/problem+json"}, body)
