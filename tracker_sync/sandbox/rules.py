"""What Klaviyo takes as an event; like the real one it refuses fields it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
_PROFILE_FIELDS = (
    "email phone_number external_id anonymous_id _kx first_name last_name organization locale "
    "title image location properties"
)
_EVENT_FIELDS = "time value value_currency unique_id backfill"
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.I)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class Refused(Exception):
    """Klaviyo's 400 with a pointer to what is wrong."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Checked:
    """What a body says once every rule has been passed."""

    metric: str
    properties: Mapping[str, Any]
    time: datetime | None
    unique_id: str | None
    backfill: bool


def fields(value: Any, at: str, *, required: str, optional: str = "") -> dict[str, Any]:
    """Return *value* if it is an object with these fields and no others."""
    if not isinstance(value, dict):
        raise Refused(at, "Must be an object.")
    must = set(required.split())
    for name in value.keys() - must - set(optional.split()):
        raise Refused(f"{at}/{name}", f"{name!r} is not a valid field for this resource.")
    for name in must - value.keys():
        raise Refused(f"{at}/{name}", f"{name!r} is a required field.")
    return value


def resource(value: Any, at: str, kind: str, optional: str = "") -> Any:
    """Return the attributes of a resource of *kind*."""
    found = fields(value, at, required="type attributes", optional=optional)
    if found["type"] != kind:
        raise Refused(f"{at}/type", f"Must be {kind!r}.")
    return found["attributes"]


def data(value: Any, at: str) -> Any:
    """Return what is inside an object that holds `data` only."""
    return fields(value, at, required="data")["data"]


def items(value: Any, at: str) -> list[Any]:
    """Return the list inside an object that holds `data` only."""
    found = data(value, at)
    if not isinstance(found, list):
        raise Refused(f"{at}/data", "Must be a list.")
    return found


def event(attributes: Any, at: str, now: datetime | None) -> Checked:
    """Check the attributes of an event, its profile aside."""
    found = fields(attributes, at, required="metric properties", optional=_EVENT_FIELDS)
    _number(found.get("value"), f"{at}/value")
    _text(found.get("value_currency"), f"{at}/value_currency", 3)
    unique_id = _text(found.get("unique_id"), f"{at}/unique_id", 255)
    if unique_id == "":
        raise Refused(f"{at}/unique_id", "Must have 1 to 255 characters.")
    return Checked(
        metric=_metric(found["metric"], f"{at}/metric"),
        properties=_properties(found["properties"], f"{at}/properties"),
        time=_time(found.get("time"), f"{at}/time", now),
        unique_id=unique_id,
        backfill=flag(found.get("backfill"), f"{at}/backfill"),
    )


def profile(value: Any, at: str) -> dict[str, str]:
    """Check a profile and return its identifiers."""
    at = f"{at}/data"
    attributes = resource(data(value, at.removesuffix("/data")), at, "profile", optional="id")
    known = fields(attributes, f"{at}/attributes", required="", optional=_PROFILE_FIELDS)
    found = {}
    for name in _IDENTIFIERS:
        if text := _text(known.get(name), f"{at}/attributes/{name}", 255):
            found[name] = text
    if not found:
        raise Refused(f"{at}/attributes", "One identifier is required.")
    if "email" in found and not (len(found["email"]) < 100 and _EMAIL.fullmatch(found["email"])):
        raise Refused(f"{at}/attributes/email", "Invalid email address")
    if list(found) == ["phone_number"] and not _PHONE.fullmatch(found["phone_number"]):
        raise Refused(f"{at}/attributes/phone_number", "Invalid phone number")
    return found


def flag(value: Any, at: str) -> bool:
    """Return a boolean that may be missing."""
    if value is not None and not isinstance(value, bool):
        raise Refused(at, "Must be a boolean.")
    return bool(value)


def _metric(value: Any, at: str) -> str:
    attributes = resource(data(value, at), f"{at}/data", "metric")
    at = f"{at}/data/attributes"
    name = fields(attributes, at, required="name", optional="service")["name"]
    if not isinstance(name, str) or not 0 < len(name) < 128:
        raise Refused(f"{at}/name", "Must have 1 to 127 characters.")
    return name


def _time(value: Any, at: str, now: datetime | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(at, "Not a valid ISO 8601 datetime.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment.year <= 1990 or (now and moment > now + timedelta(days=365)):
        raise Refused(at, "Must be after 1990 and up to one year ahead.")
    return moment.astimezone(UTC).replace(microsecond=0)


def _properties(value: Any, at: str) -> dict[str, Any]:
    """Check properties; return those Klaviyo takes notice of."""
    if not isinstance(value, dict) or len(value) > 400:
        raise Refused(at, "Must be an object of up to 400 properties.")
    for name, inner in value.items():
        _value(inner, f"{at}/{name}", 1)
    return {name: inner for name, inner in value.items() if inner is False or inner}


def _value(value: Any, at: str, depth: int) -> None:
    if depth > 10:
        raise Refused(at, "Nested too deeply.")
    if isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) > 102_400:
        raise Refused(at, "Larger than 100 KB.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused(at, "Not a 64 bit integer.")
    if isinstance(value, list) and len(value) > 4000:
        raise Refused(at, "More than 4000 items.")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for inner in inside:
        _value(inner, at, depth + 1)


def _number(value: Any, at: str) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Refused(at, "Must be a number.")


def _text(value: Any, at: str, longest: int) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= longest):
        raise Refused(at, f"Must be a string of up to {longest} characters.")
    return value
