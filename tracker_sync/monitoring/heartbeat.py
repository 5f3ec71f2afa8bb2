"""Pings after the convention of Healthchecks: /start, the bare address for success, /fail."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import httpx
import structlog

from tracker_sync.errors import CallError
from tracker_sync.wire import Limits, Timer, Wire, check

log = structlog.get_logger()

START, SUCCESS, FAIL = "/start", "", "/fail"
_PEER = "heartbeat"
_SECONDS = 5.0  # with every retry: a pass must not wait for its monitor


class Heartbeat:
    """One address that is pinged."""

    def __init__(self, url: str, timer: Timer) -> None:
        self._url = urlsplit(url)
        self._timer = timer

    def ping(self, what: str, facts: Mapping[str, int] | None = None) -> None:
        """Send one ping, with counts as lines of its body; a failure is logged and that is all."""
        body = "\n".join(f"{name}={count}" for name, count in (facts or {}).items())
        path = self._url.path.rstrip("/") + what
        url = urlunsplit(self._url._replace(path=path, fragment=""))
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        wire = Wire(_PEER, self._timer, limits=Limits(_SECONDS, max_bytes=100_000))
        try:
            request = httpx.Request("POST", url, headers=headers, content=body.encode())
            check(_PEER, wire.send(request, repeatable=True))
        except (CallError, httpx.InvalidURL) as exc:
            why = exc.text if isinstance(exc, CallError) else "the address is none"
            log.warning("heartbeat.failed", ping=what.lstrip("/") or "success", why=why)
        finally:
            wire.close()
