"""The SOAP answers of DPD: faults and steps. Names of elements count, their prefixes do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from tracker_sync.carriers._text import LONGEST, doubtful, plain, shown
from tracker_sync.errors import Rejected

_YES = ("true", "1")
_SHOP = re.compile(r"shop|pick-?up")
_TO_SHOP = "delivered by driver to pickup parcelshop"
_CODE = re.compile(r"[A-Z]+(?:_[A-Z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Step:
    """One step the parcel has reached, as DPD writes it; who received it is never read."""

    current: bool
    status: str
    label: str
    description: str
    place: str
    date: str

    def key(self, service: str) -> str:
        """Return the code to look the step up by; it never holds DPD's text about a delivery.

        "Delivered" can be into a shop or back to the sender. The group's word is all there is
        for both a shop and a recipient, so with a shop service it proves nothing.
        """
        if self.status.upper() != "DELIVERED":
            return self.status or plain(self.label)[:LONGEST]
        text = plain(f"{self.label} {self.description}")
        if text.endswith(_TO_SHOP):
            return f"{self.status}/to parcelshop"
        if _SHOP.search(text) or (self.status.isupper() and _SHOP.search(plain(service))):
            return f"{self.status}/shop"
        return f"{self.status}/unclear" if doubtful(text) else self.status

    def words(self, *, listed: bool) -> str:
        """Return the text to keep: the description only where it cannot name anybody."""
        told = listed and self.status.upper() != "DELIVERED" and self.description
        return shown(told or self.label)


def tree(body: bytes) -> Element:
    """Return what stands in the body of an answer; ValueError where it is no SOAP."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as exc:
        raise ValueError("not XML") from exc
    if _name(root) != "Envelope":
        raise ValueError("not SOAP")
    return part(root, "Body")[0]


def fault(answer: Element) -> str:
    """Return the code of a fault, "" for another answer; Rejected where login or token is wrong."""
    if _name(answer) != "Fault":
        return ""
    parts = {_name(element): (element.text or "").strip() for element in answer.iter()}
    said = parts.get("errorCode", "")
    code = said if _CODE.fullmatch(said) else "no code"
    login = code.startswith("LOGIN_") or code == "DELICOM_ERR_AUTHENTICATION"
    if login or "authenticationFault" in parts:
        advice = "compare delis_id, password and country with the DPD account"
        raise Rejected("dpd_soap", f"login or token is refused ({code}): {advice}", status=401)
    return code


def fault_in(body: bytes) -> str:
    """Return the code of the fault in *body*; "" where it is none, or cannot be read."""
    try:
        return fault(tree(body))
    except (ValueError, LookupError, RecursionError):
        return ""


def part(parent: Element, name: str) -> Element:
    """Return the first child called *name*; KeyError without one."""
    found = next((child for child in parent if _name(child) == name), None)
    if found is None:
        raise KeyError(name)
    return found


def text(parent: Element, name: str) -> str:
    """Return the words below the children called *name*, without how they are laid out."""
    found = [node for child in parent if _name(child) == name for node in child.iter()]
    words = (node.text or "" for node in found if _name(node) in (name, "content"))
    return " ".join(" ".join(words).split())


def service(result: Element) -> str:
    """Return the service that was booked."""
    described = (child for block in result if _name(block) == "shipmentInfo" for child in block)
    return next((text(e, "content") for e in described if _name(e) == "serviceDescription"), "")


def steps(result: Element) -> list[Step]:
    """Return the steps that were reached and say when; the head counts where there are none."""
    told = [_step(block) for block in result if _name(block) == "statusInfo"]
    head = [_step(block) for block in result if _name(block) == "shipmentInfo"]
    return list(filter(None, told)) or list(filter(None, head))


def _step(block: Element) -> Step | None:
    words = (text(block, name) for name in ("status", "label", "description", "location", "date"))
    step = Step(text(block, "isCurrentStatus") in _YES, *words)
    return step if step.date and text(block, "statusHasBeenReached") in _YES else None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
