"""How single values are written in the YAML: durations, hours, kinds, links, metric names.

Floor 3. Each check raises ValueError with a text that continues the sentence "messages.x …" and
never repeats the value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import time, timedelta
from pathlib import Path
from string import Formatter
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints

from tracker_sync.model import Kind

_FOLLOW_UP_KINDS = (Kind.REVIEW_REQUEST, Kind.PICKUP_REMINDER)
_LINK_FIELDS = ("order_number", "order_id", "tracking_number")
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_HOURS = re.compile(r"([0-9]{2}:[0-9]{2})\s*[-\u2013]\s*([0-9]{2}:[0-9]{2})")
_LONGEST = timedelta(days=3660)
_URL = re.compile("[!-~]+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NO = ("", "off", "no", "false", "none")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "…"?` for a slip of the pen, else nothing."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def duration(value: Any) -> timedelta:
    """Read `90s`, `30m`, `48h`, `3d` or `1d12h`."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if not match or not match[0]:
        raise ValueError("is no duration; write 30m, 48h or 3d")
    if len(match[0]) > 20:
        raise ValueError("is too long; ten years are the most")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if days > _LONGEST.days:
        raise ValueError("is too long; ten years are the most")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be more than nothing")
    return value


def quiet_hours(value: Any) -> tuple[time, time] | None:
    """Read `21:00-07:00`, or `off`."""
    if value is None or isinstance(value, tuple):
        return value
    text = value.strip().lower() if isinstance(value, str) else "?"
    if text in _NO:
        return None
    match = _HOURS.fullmatch(text)
    try:
        begins, ends = map(time.fromisoformat, match.groups() if match else ())
    except ValueError:
        raise ValueError('must be two times like "21:00-07:00", or off') from None
    if begins == ends:
        raise ValueError("begin and end at the same time; write off for none")
    return begins, ends


def _kind(value: Any) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        hint = suggestion(str(value), Kind) or "; `tracker-sync events` lists them"
        raise ValueError(f"is not a kind of message we know{hint}") from None


def _trigger(value: Kind) -> Kind:
    if value in _FOLLOW_UP_KINDS:
        raise ValueError("is itself a follow-up; name the message it should follow")
    return value


def _link(value: str) -> str:
    if not value:
        return value
    if not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https://")
    if any(sign.isspace() for sign in value):
        raise ValueError("must not hold blanks")
    try:
        parts = list(Formatter().parse(value))
    except ValueError:
        raise ValueError("has a brace without its partner") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in _LINK_FIELDS or spec or conversion):
            known = ", ".join(f"{{{name}}}" for name in _LINK_FIELDS)
            raise ValueError(f"has a field we do not know; known are {known}")
    return value


def _heartbeat(value: SecretStr) -> SecretStr:
    """Only over TLS, or on this machine: who reads the address can send heartbeats himself."""
    text = value.get_secret_value().strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if not host or port == 0 or parts.scheme not in ("https", "http") or not _URL.fullmatch(text):
        raise ValueError("must be an address that begins with https://")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("must begin with https://, the address is a secret")
    return SecretStr(text)


def _textfile(value: Path) -> Path:
    if value.suffix != ".prom":
        raise ValueError("must end in .prom, or the collector will not read it")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError("is not a time zone; write one like Europe/Berlin") from None
    return value


def _country(value: str) -> str:
    code = value.strip().upper()
    if code == "UK":
        raise ValueError("must be the ISO code; the United Kingdom is GB")
    if not re.fullmatch("[A-Z]{2}", code):
        raise ValueError("must be a country of two letters, like DE")
    return code


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", value):
        raise ValueError("must be the code of a language, like de or en")
    return value


def _shop_id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", value):
        raise ValueError("may hold small letters, digits, dots and dashes only, like muster-shop")
    return value


Wait = Annotated[timedelta, BeforeValidator(duration)]
Duration = Annotated[timedelta, BeforeValidator(duration), AfterValidator(_positive)]
QuietHours = Annotated[tuple[time, time] | None, BeforeValidator(quiet_hours)]
KnownKind = Annotated[Kind, BeforeValidator(_kind)]
Trigger = Annotated[Kind, BeforeValidator(_kind), AfterValidator(_trigger)]
MetricName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=127)]
Link = Annotated[str, AfterValidator(_link)]
HeartbeatUrl = Annotated[SecretStr, AfterValidator(_heartbeat)]
Textfile = Annotated[Path, AfterValidator(_textfile)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, AfterValidator(_country)]
ShopId = Annotated[str, AfterValidator(_shop_id)]
Language = Annotated[str, AfterValidator(_language)]
