"""What Klaviyo's answer means for the message that was sent.

Decided by status and machine-readable code, never by wording, which may change any day. Texts hold
status, code and pointer only: Klaviyo's details may quote an e-mail address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tracker_sync.errors import CallError, Unavailable
from tracker_sync.wire import retry_after

if TYPE_CHECKING:
    import httpx

_AGAIN = (408, 421, 425, 429)
_TURNED_AWAY = (429, 503)  # answered before anything was done with the event
_REFUSED = (400, 409, 422)
_ADVICE = {
    401: "Klaviyo does not know this key; create a private key under Settings > API keys",
    403: "the key lacks the scope events:write; create one that has it under Settings > API keys",
    404: "Klaviyo does not know this call; check klaviyo.base_url and klaviyo.revision",
    405: "Klaviyo does not know this call; check klaviyo.base_url",
    410: "Klaviyo has retired this revision; update tracker-sync or set klaviyo.revision",
    415: "Klaviyo refuses the form of our calls; update tracker-sync",
}


class OutcomeState(StrEnum):
    """What becomes of a message after one attempt."""

    ACCEPTED = "accepted"  # Klaviyo has it
    AGAIN = "again"  # stays owed
    REFUSED = "refused"  # this one is set aside
    HALT = "halt"  # nothing can be sent until a person acts; all stay owed
    TOO_LARGE = "too_large"  # split, or set aside if it is a single one


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to; `text` is safe to log, `after` are seconds to wait."""

    state: OutcomeState
    text: str = ""
    after: float | None = None
    refused: bool = False  # Klaviyo certainly did not take it, so it may be judged anew


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an answer: its code, and the place in the body it points to."""

    code: str
    pointer: str
    outside: bool  # it is about a header or a parameter, hence about every call alike


def failed(error: CallError) -> Outcome:
    """Judge a call that got no answer."""
    state = OutcomeState.HALT if error.permanent else OutcomeState.AGAIN
    never_reached = isinstance(error, Unavailable) and not error.reached
    return Outcome(state, error.text, refused=never_reached)


def judge(response: httpx.Response) -> Outcome:
    """Judge an answer."""
    status = response.status_code
    if status == HTTPStatus.ACCEPTED:
        return Outcome(OutcomeState.ACCEPTED)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Outcome(OutcomeState.TOO_LARGE, "HTTP 413: larger than Klaviyo takes")
    if status in _AGAIN or status >= 500:
        turned_away = status in _TURNED_AWAY
        after = retry_after(response)
        return Outcome(OutcomeState.AGAIN, f"HTTP {status}", after, refused=turned_away)
    if status in (400, 403) and challenged(response):
        text = f"HTTP {status} from a guard in front of Klaviyo"
        return Outcome(OutcomeState.AGAIN, text, retry_after(response))
    errors = list(faults(response))
    text = " ".join((f"HTTP {status}", *_words(errors)))
    if status in _REFUSED and not any(error.outside for error in errors):
        return Outcome(OutcomeState.REFUSED, text)
    advice = _ADVICE.get(status, "not an answer we know; check klaviyo.base_url and revision")
    return Outcome(OutcomeState.HALT, f"{text}: {advice}")


def challenged(response: httpx.Response) -> bool:
    """Whether a web page answered, as Cloudflare's bot check does now and then, not the API."""
    kind = response.headers.get("content-type", "").lower()
    return "cf-mitigated" in response.headers or "html" in kind


def faults(response: httpx.Response) -> Iterator[Fault]:
    """Yield the errors of an answer, as far as it has the shape we know."""
    try:
        errors = json.loads(response.content)["errors"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            source = error.get("source")
            source = source if isinstance(source, dict) else {}
            outside = "parameter" in source or "header" in source
            pointer = _safe(source.get("pointer"), r"[\w$/.-]{1,200}")
            yield Fault(_safe(error.get("code"), r"[\w.-]{1,60}"), pointer, outside)


def _safe(value: Any, pattern: str) -> str:
    """Return *value* if it can hold nothing personal, else blank."""
    return value if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) else ""


def _words(errors: list[Fault]) -> Iterator[str]:
    for error in errors[:3]:
        yield f"{error.code} at {error.pointer}" if error.pointer else error.code
