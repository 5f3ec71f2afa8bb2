"""The XML of DHL Parcel DE: one flat question, and three shapes of answers.

`d-get-piece` and `d-get-piece-detail` list `piece-shipment`s, with or without events;
`d-get-piece-events` is one bare list of events; `get-status-for-public-user` wraps each
`piece-status-public` in a list of its own. Every element is called `data`; `name` tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.ElementTree import fromstring

from tracker_sync.carriers._dhl_de_replies import FINE, LOGIN, READABLE, check
from tracker_sync.errors import Unavailable

_PIECES = frozenset({"piece-shipment", "piece-status-public", "signature"})
_NUMBERS = ("searched-piece-code", "piece-code", "_piece-code", "piece-identifier")
STAMPS = ("event-timestamp", "status-timestamp", "last-event-timestamp")
_PEOPLE = ("recipient-name", "pan-recipient-name", "shipper-name")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOST_ZEROS = re.compile(r"340[0-9]{15}")  # an SSCC without its application identifier 00


@dataclass(frozen=True, slots=True)
class Piece:
    """What an answer says about one number."""

    code: str  # the response code of this piece alone
    head: Mapping[str, str]
    events: tuple[Mapping[str, str], ...]

    @property
    def failed(self) -> bool:
        """Tell whether DHL could not look this number up, which says nothing about it."""
        return not self.events and self.code not in READABLE

    def number(self, asked: Mapping[str, str]) -> str | None:
        """Return the number in the form it was asked in (*asked*: bare form -> that form)."""
        for key in _NUMBERS:
            if form := asked.get(bare(stated(self.head, key))):
                return form
        first = stated(self.head, *_NUMBERS)
        return f"00{first}" if _LOST_ZEROS.fullmatch(first) else first or None

    def anonymous(self, text: str) -> str:
        """Return *text* without the people that the answer names."""
        for name in (stated(self.head, key) for key in _PEOPLE):
            text = text.replace(name, "…") if len(name) > 2 else text
        return text


def stated(attributes: Mapping[str, str], *keys: str) -> str:
    """Return the first of *keys* that says anything, or a blank."""
    return next((said for key in keys if (said := attributes.get(key, "").strip())), "")


def bare(number: str) -> str:
    """Return *number* without what spelling adds: blanks, dashes, case, leading zeros."""
    return re.sub("[^0-9A-Z]", "", number.upper()).lstrip("0")


def question(**attributes: str) -> str:
    """Write the one element that DHL takes; nothing in a value can end an attribute."""
    clean = {key.replace("_", "-"): _NOT_XML.sub("", text) for key, text in attributes.items()}
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(Element("data", clean), "unicode")


def tree(body: bytes) -> Element:
    """Parse an answer without DTD, entities or external references; ValueError for the rest."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as exc:
        raise ValueError("not XML") from exc
    if root.tag != "data":
        raise ValueError("not an answer of DHL")
    return root


def pieces(peer: str, root: Element) -> list[Piece]:
    """Return the pieces; a CallError where DHL could look none of them up.

    KeyError where nothing carries a response code.
    """
    parts = [part for part in (root, *root) if "code" in part.attrib]
    if not parts:
        raise KeyError("code")
    found = [piece for part in parts for piece in _listed(peer, part)]
    if found and all(piece.failed for piece in found):
        raise Unavailable(peer, "DHL could not look up any of the numbers")
    return found


def _listed(peer: str, part: Element) -> Iterator[Piece]:
    code = part.attrib["code"].strip()
    check(peer, code)
    listed = [child for child in part if child.get("name") in _PIECES]
    for child in listed:
        own = _own(child) or code
        if own in LOGIN:
            check(peer, own)
        yield Piece(own, child.attrib, tuple(_events(child)))
    events = tuple(_events(part))
    if events or (not listed and code != FINE):
        yield Piece(code, part.attrib, events)


def _own(piece: Element) -> str:
    """Return a piece's own response code, the bad one of two; blank if it has none."""
    codes = [stated(piece.attrib, key) for key in ("error-status", "piece-status")]
    return next((code for code in codes if code not in ("", FINE)), max(codes))


def _events(piece: Element) -> Iterator[Mapping[str, str]]:
    lists = [part for part in piece if part.get("name") == "piece-event-list"]
    for home in (piece, *lists):
        yield from (part.attrib for part in home if part.get("name") == "piece-event")
