"""The parts of an answer of MyDHL: what it is about, and what may be kept of its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from tracker_sync.model import Estimate

_ABOUT = re.compile(r"shipmentTrackingNumber=(\w+)|/shipments/(\w+)/tracking")
_HANDED_OVER = frozenset({"OK", "DD", "PD", "RD"})
# What follows may be somebody's name.
_NAME = re.compile(
    r":|\b(?:signed|signature|(?:received|accepted|refused|handed over|left) (?:by|to|with))\b",
    re.I,
)
_PLAIN_WORDS = re.compile(r"\s*\w+(?:\s+[a-z]+)*")


def about(fault: Any) -> str | None:
    """Return the number an error is about, None where it names none or several."""
    named = _ABOUT.findall(str(fault.get("instance")))
    return "".join(named[0]) if len(named) == 1 else None


def success(shipment: Any) -> bool:
    """Tell whether DHL knows the waybill: the status is about the answer, not the parcel."""
    return str(shipment.get("status") or "Success").strip().lower() == "success"


def numbers(shipments: Sequence[Any]) -> list[str]:
    """Return the waybills of an answer, each once; one blank for none at all."""
    return list(dict.fromkeys(map(_waybill, shipments))) or [""]


def named(number: str, shipments: Sequence[Any]) -> list[Any]:
    """Pick the shipments of *number*; spreadsheets eat zeros in front."""
    return [each for each in shipments if _waybill(each).lstrip("0") == number.lstrip("0")]


def _waybill(shipment: Any) -> str:
    return str(shipment["shipmentTrackingNumber"] or "")


def code(event: Any) -> str:
    """Return the type code; an event without one has a key that can be mapped, too."""
    return str(event.get("typeCode") or "").strip() or "no typeCode"


def text(event: Any, kind: str) -> str:
    """Return the description without the one who signed: "Delivered : NAME" is "Delivered"."""
    words = _NAME.split(str(event.get("description") or ""), maxsplit=1)[0]
    signer = str(event.get("signedBy") or "").strip()
    if signer:
        words = words.partition(signer)[0]
    if kind in _HANDED_OVER:
        plain = _PLAIN_WORDS.match(words)
        words = plain[0] if plain else ""
    return " ".join(words.split()).rstrip(" -,(")


def estimate(shipment: Any) -> Estimate | None:
    """Return the forecast day, local to the destination; one that cannot be read is none."""
    try:
        return Estimate(date.fromisoformat(str(shipment.get("estimatedDeliveryDate"))[:10]))
    except ValueError:
        return None
