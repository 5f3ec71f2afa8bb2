"""Which words of an event of DHL's unified API speak for it.

An event has up to three texts and a coarse `statusCode` of five values that is wrong at times: it
calls a hand-over to a shop, to another carrier or to the sender "delivered". So the texts decide,
the code only where there is none. "Delivered" needs a listed text, and no other text of the event
that says, or may say, otherwise; whatever is not listed stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from tracker_sync.carriers._text import LONGEST, doubtful, shown, spellings
from tracker_sync.model import Meaning, Status

Lookup = Callable[[str], Meaning | None]
Service = Literal[
    "dgf", "dsc", "ecommerce", "ecommerce-apac", "ecommerce-europe", "ecommerce-iberia",
    "ecommerce-ppl", "express", "freight", "parcel-de", "parcel-nl", "parcel-pl", "parcel-uk",
    "post-de", "post-international", "sameday", "svb",
]  # fmt: skip

_FIELDS = ("status", "description", "statusDetailed")
_COARSE = frozenset({"pre-transit", "transit", "failure", "unknown"})
_COARSER = {"ecommerce-europe": _COARSE | {"delivered"}}  # "delivered" there includes the shop
_TOO_EARLY = frozenset({"ecommerce-europe", "svb"})  # a bare "delivered" may be shop or sender


def worded(event: dict[str, Any], service: str, place: str, meaning: Lookup) -> tuple[str, str]:
    """Return the code an event goes by, and the text that speaks for it."""
    texts = _texts(event, _COARSER.get(service, _COARSE))
    if not texts:
        return _bare(event, service), ""
    found = {text: _listed(f"{service}|", text, place, meaning) for text in texts}
    listed = [(code, text) for text, code in found.items() if code]
    listed.sort(key=lambda pair: _vagueness(meaning(pair[0])))
    doubts = [text for text, code in found.items() if not code and doubtful(text)]
    if listed and not (doubts and _delivers(meaning(listed[0][0]))):
        return listed[0]
    text = (doubts or texts)[0]
    return _short(f"{service}|{spellings(text, place)[0][0]}"), text


def _bare(event: dict[str, Any], service: str) -> str:
    """Return the code of an event without text: `statusCode` itself where it can be believed."""
    code = str(event.get("statusCode") or "").lower()
    return f"{service}|statusCode {code}" if code == "delivered" and service in _TOO_EARLY else code


def _texts(event: dict[str, Any], coarse: frozenset[str]) -> list[str]:
    """Return what the event says in words; a field that repeats `statusCode` says nothing."""
    fields = [str(event.get(field) or "") for field in _FIELDS]
    spoken = (f for f in fields if f != event.get("statusCode") and f.strip().lower() not in coarse)
    return [text for text in dict.fromkeys(map(shown, spoken)) if text]


def _listed(service: str, text: str, place: str, meaning: Lookup) -> str:
    """Return the code under which *text* is listed, blank where it is not."""
    for spelling, whole in spellings(text, place):
        for code in (service + spelling, _short(service + spelling)):
            found = meaning(code)
            if found and (whole or not _delivers(found)):
                return code
    return ""


def _delivers(meaning: Meaning | None) -> bool:
    return meaning is not None and meaning.status is Status.DELIVERED


def _vagueness(meaning: Meaning | None) -> int:
    """Order what an event says at once: no delivery, a delivery somewhere, a mere delivery."""
    return 1 + (meaning.detail is None) if meaning and _delivers(meaning) else 0


def _short(code: str) -> str:
    return code if len(code) <= LONGEST else code[: LONGEST - 1] + "…"
