"""How UPS answers: an OAuth token first, then JSON, newest activity first, one number."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote
from zoneinfo import ZoneInfo

from tracker_sync.sandbox.http import Request, Response
from tracker_sync.sandbox.lives import Entry, Life, sample

TOKEN_PATH = "/security/v1/oauth/token"  # noqa: S105  a path
PATH = "/api/track/v1/details/"
KEYS = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
_LASTS = timedelta(seconds=14399)
_ZONE = ZoneInfo("Europe/Berlin")


def numbers(request: Request) -> list[str]:
    """Return the number that is asked about."""
    number = unquote(request.path.removeprefix(PATH))
    return [number] if number else []


class Tokens:
    """Gives tokens out and knows how long they are good for."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def give(self, request: Request, now: datetime) -> Response:
        """Answer a request for a token."""
        login = b64encode(f"{KEYS['client_id']}:{KEYS['client_secret']}".encode()).decode()
        grant = parse_qs(request.body.decode()).get("grant_type")
        if request.method != "POST" or request.headers.get("authorization") != f"Basic {login}":
            return _fault(401, "10401", "ClientId is Invalid")
        if grant != ["client_credentials"]:
            return _fault(400, "10400", "Invalid/Missing grant_type")
        token = f"sandbox-token-{len(self._until) + 1}"
        self._until[token] = now + _LASTS
        told = {"token_type": "Bearer", "access_token": token, "status": "approved"}
        return _json(200, told | {"expires_in": f"{_LASTS.total_seconds():.0f}"})

    def good(self, request: Request, now: datetime) -> bool:
        """Whether *request* carries a token that is still good."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return now < self._until.get(token, now)

    def revoke(self) -> bool:
        """Refuse every token given out so far; whether there was any."""
        given = bool(self._until)
        self._until = dict.fromkeys(self._until, datetime.min.replace(tzinfo=UTC))
        return given


def answer(request: Request, lives: Mapping[str, Life], *, good: bool) -> Response:
    """Answer one question out of *lives*, if the token is *good*."""
    if not good:
        return _fault(401, "250002", "Invalid Authentication Information.")
    if "transid" not in request.headers or "transactionsrc" not in request.headers:
        return _fault(400, "TV0001", "transId and transactionSrc are required")
    asked = numbers(request)
    if not asked or asked[0] not in lives:
        return _fault(404, "TW0001", "Tracking Information Not Found")
    return _json(200, _told(lives[asked[0]]))


def _told(life: Life) -> Any:
    payload = json.loads(sample("ups.json"))
    shipment = payload["trackResponse"]["shipment"][0]
    shipment["inquiryNumber"] = life.number
    package = shipment["package"][0]
    pattern = package["activity"][0]
    package["trackingNumber"] = life.number
    package["activity"] = [_activity(pattern, entry) for entry in reversed(life.entries)]
    newest = _activity(pattern, life.newest)["status"]
    package["currentStatus"] = {
        "code": newest["statusCode"],
        "description": newest["description"],
    }
    shipment["package"] = [package | dict(life.more)]
    return payload


def _activity(pattern: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    activity = deepcopy(dict(pattern))
    kind, code, digits = entry.code.split("/")
    activity["status"] |= {"type": kind, "code": code, "statusCode": digits}
    activity["status"]["description"] = entry.text
    activity["location"]["address"]["city"] = entry.place
    local, gmt = entry.at.astimezone(_ZONE), entry.at.astimezone(UTC)
    activity |= {"date": f"{local:%Y%m%d}", "time": f"{local:%H%M%S}"}
    activity |= {"gmtDate": f"{gmt:%Y%m%d}", "gmtTime": f"{gmt:%H:%M:%S}"}
    return activity | {"gmtOffset": local.isoformat()[-6:]} | dict(entry.more)


def _fault(status: int, code: str, message: str) -> Response:
    return _json(status, {"response": {"errors": [{"code": code, "message": message}]}})


def _json(status: int, payload: Any) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(payload).encode())
