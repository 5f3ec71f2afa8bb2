"""Which of La Poste's answers is about which number, and whether there is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tracker_sync.carriers._whose import whose
from tracker_sync.model import Estimate

ABSENT = frozenset({400, 404})  # no number of La Poste's; one it does not know (yet)
_FORM = re.compile(r"[0-9A-Z]{11,15}")


def sendable(numbers: Sequence[str]) -> Sequence[str]:
    """Return the numbers to ask about together.

    One number that cannot be La Poste's may turn the answer about all into a bare 404, so it is
    asked about only where there is no better one beside it.
    """
    return [number for number in numbers if _FORM.fullmatch(_bare(number))] or numbers


def answers(payload: Any) -> list[Any]:
    """Return the answers: several numbers get a list, one gets an object alone."""
    if isinstance(payload, dict) and "responses" in payload:  # as some tools store a list
        payload = payload["responses"]
    return payload if isinstance(payload, list) else [payload]


def per_id(response: httpx.Response) -> bool:
    """Tell whether an error answer says something about single numbers."""
    try:
        told = answers(response.json())
    except (ValueError, RecursionError):
        return False
    return any(isinstance(answer, dict) and "returnCode" in answer for answer in told)


def assigned(told: list[Any], asked: Sequence[str]) -> list[tuple[str | None, Any]]:
    """Give each answer with the number it is about, spelt as it was asked.

    One answer to one question needs no name; among several, the one without a name is about the
    one number that is left. Answers about parcels nobody asked for are dropped.
    """
    if not asked:
        return [(_name(answer) or None, answer) for answer in told]
    asked = sendable(asked)
    if len(asked) == 1 == len(told):
        return [(whose(_name(told[0]), asked), told[0])]
    forms = {_bare(number): number for number in asked}
    pairs = [(forms.get(_bare(_name(answer))), answer) for answer in told]
    left = set(asked) - {number for number, _ in pairs}
    nameless = [answer for answer in told if not _name(answer)]
    if len(left) == 1 == len(nameless):
        pairs.append((left.pop(), nameless[0]))
    return [pair for pair in pairs if pair[0] is not None]


def estimate(shipment: Any, when: Callable[[str], datetime], zone: str) -> Estimate | None:
    """Return the forecast; a history that has ended has none, an unreadable one is none."""
    stamp: Any = None if shipment.get("isFinal") else shipment.get("estimDate")
    try:
        return Estimate(when(stamp).astimezone(ZoneInfo(zone)).date())
    except (TypeError, ValueError, OverflowError):
        return None


def _name(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    shipment = answer.get("shipment")
    named = shipment.get("idShip") if isinstance(shipment, dict) else None
    return str(named or answer.get("idShip") or "").strip()


def _bare(number: str) -> str:
    return re.sub(r"[\W_]", "", number).upper()
