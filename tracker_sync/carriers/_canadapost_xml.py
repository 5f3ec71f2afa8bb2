"""How Canada Post's XML is built: a history, a summary of it, or messages about an error.

Namespaces differ between answers of one kind, so names count without them.
"""

from __future__ import annotations

from datetime import date
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml.ElementTree import fromstring

from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.model import Estimate

ABSENT = "004"  # "No Pin History"
LOGIN = "E002"  # "AAA Authentication Failure"
TOO_FAST = "SLM"  # ours, for the gateway's "Rejected by SLM Monitor"
_PARTS = frozenset({"tracking-detail", "pin-summary"})
_ROOTS = _PARTS | {"tracking-summary", "messages", "wrapper"}


def tree(body: bytes) -> Element:
    """Parse an answer without DTD, entities or external references; ValueError for the rest."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as exc:
        raise ValueError("not XML") from exc
    if _name(root) not in _ROOTS:
        raise ValueError("not an answer of Canada Post")
    return root


def word(part: Element, name: str) -> str:
    """Return the text of a child, or a blank."""
    return " ".join((part.findtext(f"{{*}}{name}") or "").split())


def parts(root: Element) -> list[Element]:
    """Return what tells about parcels, one part a parcel."""
    return [node for node in root.iter() if _name(node) in _PARTS]


def events(part: Element) -> list[Element]:
    """Return the events in the order of the answer; a summary is the one it tells."""
    if _name(part) == "pin-summary":
        return [part]
    listed = part.find("{*}significant-events")
    if listed is None:
        raise KeyError("significant-events")
    return listed.findall("{*}occurrence")


def place(event: Element) -> str:
    """Return the town and the province of an event."""
    named = (word(event, name) for name in ("event-site", "event-province", "event-location"))
    return ", ".join(filter(None, named))


def faults(root: Element) -> frozenset[str]:
    """Return the codes of the messages."""
    messages = [node for node in root.iter() if _name(node) == "message"]
    told = " ".join(word(message, "description") for message in messages).casefold()
    codes = {word(message, "code").upper() for message in messages}
    return frozenset(codes | {TOO_FAST} if "slm monitor" in told else codes)


def faults_of(response: httpx.Response) -> frozenset[str]:
    """Return the codes of an error answer; none where a gateway answers in HTML."""
    try:
        return faults(tree(response.content))
    except SHAPE:
        return frozenset()


def about(number: str | None, part: Element) -> bool:
    """Whether *part* is about *number*, which may be printed back in another form.

    It is not where it names that number as the return label in the box, or as the parcel that
    comes back: their histories are two. A PIN is not answered with another PIN either.
    """
    pin, asked = (_bare(text) for text in (word(part, "pin"), number or ""))
    if pin in ("", asked):
        return True
    others = {_bare(word(part, name)) for name in ("return-pin", "original-pin")}
    return asked not in others and asked.isdigit() != pin.isdigit()


def estimate(part: Element) -> Estimate | None:
    """Return the forecast, the changed one first."""
    day = _day(part, "changed-expected-date") or _day(part, "expected-delivery-date")
    return Estimate(day) if day else None


def postponed(part: Element) -> bool:
    """Whether the forecast moved back, as it is taken to unless both dates are there."""
    before, now = _day(part, "expected-delivery-date"), _day(part, "changed-expected-date")
    return not (before and now) or now > before


def _day(part: Element, name: str) -> date | None:
    try:
        return date.fromisoformat(word(part, name))
    except ValueError:
        return None


def _name(node: Element) -> str:
    return node.tag.rpartition("}")[2]


def _bare(number: str) -> str:
    return "".join(number.split()).replace("-", "").upper()
