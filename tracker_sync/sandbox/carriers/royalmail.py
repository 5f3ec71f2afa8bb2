"""How Royal Mail answers: the newest event of thirty numbers at a glance, the history of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tracker_sync.sandbox.http import Request, Response
from tracker_sync.sandbox.lives import Entry, Life, sample

PATH = "/mailpieces/v2/"
KEYS = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
_GLANCE = f"{PATH}summary"
_BATCH = 30
_ZONE = ZoneInfo("Europe/London")
_NOT_FOUND = "E1142"


def numbers(request: Request) -> list[str]:
    """Return the numbers that are asked about."""
    if request.path == _GLANCE:
        return [number for number in request.query.get("mailPieceId", "").split(",") if number]
    number, _, what = request.path.removeprefix(PATH).partition("/")
    return [unquote(number)] if number and what == "events" else []


def answer(request: Request, lives: Mapping[str, Life]) -> Response:
    """Answer one question out of *lives*."""
    keys = (request.headers.get(f"x-ibm-{name.replace('_', '-')}") for name in KEYS)
    if tuple(keys) != tuple(KEYS.values()):
        return _json(401, _errors(401, "E0010"))
    asked = numbers(request)
    if not 0 < len(asked) <= _BATCH:
        return _json(400, _errors(400, "E1144"))
    if request.path == _GLANCE:
        return _json(200, {"mailPieces": [_glance(number, lives.get(number)) for number in asked]})
    if asked[0] not in lives:
        return _json(404, _errors(404, _NOT_FOUND))
    return _json(200, {"mailPieces": _told(lives[asked[0]])})


def _errors(status: int, code: str) -> dict[str, Any]:
    error = {"errorCode": code, "errorDescription": "Sandbox"}
    return {"httpCode": str(status), "httpMessage": "Sandbox", "errors": [error]}


def _glance(number: str, life: Life | None) -> dict[str, Any]:
    if life is None:
        return {"mailPieceId": number, "error": {"errorCode": _NOT_FOUND}}
    piece = _told(life)
    del piece["events"]
    return piece


def _told(life: Life) -> dict[str, Any]:
    piece: dict[str, Any] = json.loads(sample("royalmail.json"))["mailPieces"]
    newest = _event(life.newest)
    last = {f"last{name[0].upper()}{name[1:]}": value for name, value in newest.items()}
    piece["mailPieceId"] = piece["summary"]["oneDBarcode"] = life.number
    piece["summary"] |= last
    piece["events"] = [_event(entry) for entry in reversed(life.entries)]
    return piece | dict(life.more)


def _event(entry: Entry) -> dict[str, Any]:
    return {
        "eventCode": entry.code,
        "eventName": entry.text,
        "eventDateTime": entry.at.astimezone(_ZONE).isoformat(),
        "locationName": entry.place,
        **entry.more,
    }


def _json(status: int, payload: Any) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(payload).encode())
