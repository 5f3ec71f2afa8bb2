"""What an answer's status and headers say, and where a call goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from tracker_sync.errors import Rejected, Throttled, Unavailable, Unreadable, UserError

if TYPE_CHECKING:
    import httpx


def check(peer: str, response: httpx.Response) -> None:
    """Raise for an answer whose status is an error: Throttled, Unavailable or Rejected.

    A redirect is Unreadable: it is never followed, since our credentials would go with it.
    """
    status = response.status_code
    if status < 300:
        return
    name = f"HTTP {status} {_phrase(status)}".rstrip()
    if status < 400:
        raise Unreadable(peer, f"{name}: redirects are not followed")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Throttled(peer, retry_after(response))
    if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
        raise Unavailable(peer, name)
    hint = ": check the credentials" if status in (401, 403) else ""
    raise Rejected(peer, name + hint, status=status)


def moved(official: str, base_url: str | None) -> str:
    """Return *official* with scheme, host and port of *base_url*, if one is given."""
    if not base_url:
        return official
    try:
        base = urlsplit(base_url.strip())
        valid = base.scheme in ("http", "https") and base.hostname and base.port != 0
    except ValueError:
        valid = None
    if not valid:
        raise UserError('base_url must look like "https://host" or "http://host:port"')
    host = base.netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(official)._replace(scheme=base.scheme, netloc=host))


def on_loopback(base_url: str | None) -> bool:
    """Whether whoever is called there is a pretended one on this machine."""
    host = urlsplit(base_url or "").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def secure(base_url: str | None) -> str | None:
    """Return *base_url*; ValueError where it is none, or where others could read along."""
    try:
        moved("https://official.invalid/", base_url)
    except UserError:
        raise ValueError('must look like "https://host" or "https://host:port"') from None
    if base_url and urlsplit(base_url.strip()).scheme == "http" and not on_loopback(base_url):
        raise ValueError(
            "must begin with https:// (http:// is for this machine alone, 127.0.0.1:"
            " elsewhere others could read keys and customers)"
        )
    return base_url


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the answer asks us to wait: from seconds or a date (against its own Date header)."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", value):
        return float(value)
    until, since = _date(value), _date(response.headers.get("date", ""))
    if until is None or since is None:
        return None
    return max(0.0, (until - since).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
