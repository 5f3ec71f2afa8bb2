"""How DHL Parcel DE answers: XML, up to twenty numbers in one answer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from xml.etree.ElementTree import Element, ParseError, tostring
from zoneinfo import ZoneInfo

from defusedxml.ElementTree import fromstring

from tracker_sync.sandbox.http import Request, Response
from tracker_sync.sandbox.lives import Entry, Life, sample

PATH = "/parcel/de/tracking/v0/shipments"
KEYS = {
    "api_key": "sandbox-app",
    "api_secret": "sandbox-app-secret",
    "appname": "sandbox-user",
    "password": "sandbox-user-secret",
}
_BATCH = 20
_ZONE = ZoneInfo("Europe/Berlin")
_LOGIN_REFUSED, _TOO_MANY, _NOT_FOUND = "5", "62", "100"
_GATEWAY_REFUSES = Response(
    401, {"Content-Type": "text/html"}, b"<html><body>Authorization required</body></html>"
)


def numbers(request: Request) -> list[str]:
    """Return the numbers that are asked about; none where the question cannot be read."""
    try:
        asked = fromstring(request.query.get("xml", "")).get("piece-code", "")
    except ParseError:
        return []
    return [number for number in asked.split(";") if number]


def answer(request: Request, lives: Mapping[str, Life]) -> Response:
    """Answer one question out of *lives*."""
    login = b64encode(f"{KEYS['api_key']}:{KEYS['api_secret']}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {login}":
        return _GATEWAY_REFUSES
    try:
        question = fromstring(request.query.get("xml", ""))
    except ParseError:
        return Response(
            400, {"Content-Type": "text/html"}, b"<html><body>Bad request</body></html>"
        )
    if any(question.get(name) != KEYS[name] for name in ("appname", "password")):
        return _written(_empty(_LOGIN_REFUSED))
    asked = numbers(request)
    if not 0 < len(asked) <= _BATCH:
        return _written(_empty(_TOO_MANY))
    return _written(_pieces(asked, lives))


def _empty(code: str) -> Element:
    root: Element = fromstring(sample("dhl_parcel_de.xml"))
    root.clear()
    root.attrib.update({"name": "piece-shipment-list", "code": code})
    return root


def _pieces(asked: list[str], lives: Mapping[str, Life]) -> Element:
    root: Element = fromstring(sample("dhl_parcel_de.xml"))
    pattern = root[0]
    root.remove(pattern)
    root.extend([_piece(pattern, number, lives.get(number)) for number in asked])
    root.set("code", "0" if any(number in lives for number in asked) else _NOT_FOUND)
    return root


def _piece(pattern: Element, number: str, life: Life | None) -> Element:
    number = life.number if life else number
    named = {"piece-code": number, "searched-piece-code": number}
    if life is None:
        unknown = {"piece-status": _NOT_FOUND, "piece-status-desc": "Keine Daten gefunden."}
        return Element("data", {"name": "piece-shipment", **named, **unknown})
    piece = deepcopy(pattern)
    piece.attrib.update(named | {"piece-identifier": number.removeprefix("00")} | dict(life.more))
    events = piece[0]
    events.set("piece-identifier", number.removeprefix("00"))
    event = events[0]
    events.remove(event)
    events.extend([_event(event, entry) for entry in life.entries])
    return piece


def _event(pattern: Element, entry: Entry) -> Element:
    event = deepcopy(pattern)
    ice, ric, standard = entry.code.split("/")
    event.attrib.update(
        {
            "event-timestamp": f"{entry.at.astimezone(_ZONE):%d.%m.%Y %H:%M}",
            "event-status": entry.text,
            "event-text": entry.text,
            "ice": ice,
            "ric": ric,
            "standard-event-code": standard,
            "event-location": entry.place,
            **entry.more,
        }
    )
    return event


def _written(root: Element) -> Response:
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "utf-8")
    return Response(200, {"Content-Type": "application/xml;charset=UTF-8"}, body)
