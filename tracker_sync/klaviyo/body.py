"""The body of one event, within the limits Klaviyo publishes.

Klaviyo ignores nulls, zeros and blanks, so they are left out. `value` is never written: once one
event of a metric had it, all later ones without it would count as 0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_sync.model import Recipient, utc

MAX_BYTES = 5_000_000
_MAX_PROPERTIES = 400
_MAX_STRING = 100_000
_MAX_ITEMS = 4_000
_MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """One event before it becomes a body."""

    metric: str
    recipient: Recipient
    properties: Mapping[str, Any]
    time: datetime
    unique_id: str
    backfill: bool


def body(draft: Draft) -> str:
    """Return the compact JSON of one event; ValueError names what is outside the limits."""
    if not 0 < len(draft.metric.strip()) < 128:
        raise ValueError("the metric name must have 1 to 127 characters")
    if not 1 <= len(draft.unique_id) <= 255:
        raise ValueError("unique_id must have 1 to 255 characters")
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": draft.metric}}},
        "profile": {"data": {"type": "profile", "attributes": _identifier(draft.recipient)}},
        "properties": _properties(draft.properties),
        "time": _stamp(draft.time),
        "unique_id": draft.unique_id,
        "backfill": draft.backfill,
    }
    text = compact({"data": {"type": "event", "attributes": attributes}})
    if len(text.encode()) >= MAX_BYTES:
        raise ValueError(f"the event is larger than {MAX_BYTES} bytes{_largest(attributes)}")
    return text


def compact(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _identifier(recipient: Recipient) -> dict[str, str]:
    """The one identifier that is sent: a wrong second one beside it would lose the event."""
    if recipient.email:
        if len(recipient.email) >= 100:
            raise ValueError("the recipient's e-mail must have less than 100 characters")
        return {"email": recipient.email}
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", recipient.phone):
        return {"phone_number": recipient.phone}
    if recipient.external_id:
        return {"external_id": recipient.external_id}
    raise ValueError("the recipient has no e-mail, no phone number in E.164 and no external id")


def _stamp(moment: datetime) -> str:
    if utc(moment).year <= 1990:
        raise ValueError("time must be after 1990")
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    if "$value" in properties:
        raise ValueError('property "$value" is never sent: it would set the value of the event')
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        try:
            cleaned = _cleaned(value, 1)
            name.encode()
        except ValueError as exc:
            raise ValueError(f"property {name!r} {_reason(exc)}") from None
        if cleaned is not None:
            kept[name] = cleaned
    if len(kept) > _MAX_PROPERTIES:
        raise ValueError(f"{len(kept)} properties: Klaviyo takes {_MAX_PROPERTIES} at most")
    return kept


def _cleaned(value: Any, depth: int) -> Any:
    """Return *value* without nulls, zeros and blanks; None where nothing remains."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        pairs = ((str(key), _cleaned(inner, depth + 1)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not None} or None
    if isinstance(value, list | tuple):
        if len(value) > _MAX_ITEMS:
            raise ValueError(f"has more than {_MAX_ITEMS} items")
        cleaned = (_cleaned(inner, depth + 1) for inner in value)
        return [inner for inner in cleaned if inner is not None] or None
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value.encode()) > _MAX_STRING:
            raise ValueError(f"is longer than {_MAX_STRING} bytes")
        return str(value) if value.strip() else None
    if isinstance(value, datetime):
        return utc(value).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not isinstance(value, int | float):
        raise ValueError(f"is of a kind JSON does not know ({type(value).__name__})")
    if not math.isfinite(value) or not -(2**63) <= value < 2**63:
        raise ValueError("is a number outside 64 bits")
    return value or None


def _reason(exc: ValueError) -> str:
    return "has broken characters" if isinstance(exc, UnicodeEncodeError) else str(exc)


def _largest(attributes: Mapping[str, Any]) -> str:
    sizes = {name: len(compact(value)) for name, value in attributes["properties"].items()}
    return (
        f"; the largest property is {max(sizes, key=lambda name: sizes[name])!r}" if sizes else ""
    )
