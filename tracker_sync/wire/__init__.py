"""HTTP for every edge: timeouts, size cap, pacing, retries, redaction.

Floor 2, below the other edges. One `Wire` per worker thread; they share one SSL context. Clock and
sleep are passed in. Whatever goes wrong becomes a CallError whose text holds no secret. Proxies and
certificates named in the environment are not used: only `settings` reads the environment.
"""

from __future__ import annotations

import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from tracker_sync import __version__
from tracker_sync.errors import CallError, Rejected, Unavailable, Unreadable
from tracker_sync.wire.answers import check, moved, on_loopback, retry_after
from tracker_sync.wire.deadline import Deadline

__all__ = ["Limits", "Pacer", "Timer", "Wire", "check", "moved", "on_loopback", "retry_after"]

_TRIES = 3
_CONNECT_SECONDS = 10.0
_PAUSE_SECONDS = 0.25  # upper bound of the first pause, doubled for each further one
_ENCODINGS = ("", "identity", "gzip", "deflate")
_REWRITTEN = ("content-encoding", "content-length", "transfer-encoding")
_TEMPORARY = (502, 503, 504)
_AGENT = f"tracker-sync/{__version__}"
_HEADERS = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class Timer:
    """The passing of time, handed in: seconds on a monotonic clock, and how to wait."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Pacer:
    """At most `per_second` calls, over all threads that share it."""

    def __init__(self, per_second: float | None, timer: Timer) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._timer = timer
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Block until the next call may be made."""
        if not self._gap:
            return
        with self._lock:
            now = self._timer.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._gap
        if slot > now:
            self._timer.sleep(slot - now)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: seconds for the whole of it, bytes of the answer."""

    seconds: float = 20.0
    max_bytes: int = 10_000_000


class _Again(Exception):
    """This try failed and another may help."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one try came to."""

    result: httpx.Response | CallError
    lost: bool = False  # the network failed
    reached: bool = True  # the other side may have seen the request

    def again(self, *, repeatable: bool) -> bool:
        """Whether another try may be made, and may help."""
        if self.lost:
            return repeatable or not self.reached
        return (
            repeatable
            and isinstance(self.result, httpx.Response)
            and self.result.status_code in _TEMPORARY
        )


class Wire:
    """One worker's HTTP client."""

    def __init__(
        self,
        peer: str,
        timer: Timer,
        *,
        limits: Limits = Limits(),
        pacer: Pacer | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._peer = peer
        self._timer = timer
        self._limits = limits
        self._pacer = pacer or Pacer(None, timer)
        self._deadline = Deadline(timer.monotonic)
        # httpx and httpcore take a tenth of a second, and most passes make no call.
        from tracker_sync.wire.transport import Transport

        # Not an httpx.Client: it would add cookies, redirects and a fifth of a call's time.
        self._transport = transport or Transport(self._deadline)

    def send(self, request: httpx.Request, *, repeatable: bool = False) -> httpx.Response:
        """Send *request* and return the whole answer, whatever its status.

        Raises Unavailable (network, TLS, timeout), Unreadable (larger than allowed, or packed in a
        way we did not ask for) or Rejected (cannot be sent at all). A call that never reached the
        other side is tried again; one that may have is only if *repeatable*.
        """
        for name, value in _HEADERS.items():
            request.headers.setdefault(name, value)
        self._pacer.wait()
        self._deadline.set(self._limits.seconds)
        outcome = self._once(request)
        if outcome.again(repeatable=repeatable):
            outcome = self._retry(request, outcome, repeatable=repeatable)
        if isinstance(outcome.result, CallError):
            raise outcome.result  # outside every `except`: no chained exception can print a URL
        return outcome.result

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def _retry(self, request: httpx.Request, last: _Outcome, *, repeatable: bool) -> _Outcome:
        """Try again after *last*, with pauses of full jitter.

        stamina counts the tries; it cannot be handed a sleep, so its own waits are zero and the
        pauses are made here, through the timer.
        """
        stamina = _stamina()
        tries = stamina.retry_context(
            _Again, attempts=_TRIES, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0
        )
        with suppress(_Again):  # stamina raises it again if somebody switched retries off
            for attempt in tries:
                with attempt:
                    if attempt.num > 1:
                        if not self._paused(attempt.num - 2):
                            break
                        last = self._once(request)
                    if attempt.num < _TRIES and last.again(repeatable=repeatable):
                        raise _Again
        return last

    def _paused(self, doublings: int) -> bool:
        """Wait, unless that would leave no time for another try."""
        pause = random.uniform(0, _PAUSE_SECONDS * 2**doublings)  # noqa: S311
        if pause >= self._deadline.left():
            return False
        self._timer.sleep(pause)
        self._pacer.wait()
        return self._deadline.left() > 0

    def _once(self, request: httpx.Request) -> _Outcome:
        """Make one try; an error is a value, so that it carries no traceback of the libraries."""
        left = max(self._deadline.left(), 0.001)
        phases = dict.fromkeys(("read", "write", "pool"), left)
        request.extensions["timeout"] = phases | {"connect": min(left, _CONNECT_SECONDS)}
        try:
            response = self._transport.handle_request(request)
            try:
                return _Outcome(self._whole(request, response))
            finally:
                response.close()
        except CallError as exc:
            return _Outcome(exc)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OverflowError) as exc:
            return self._failed(exc, request.url.host)

    def _whole(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Read the body within the limits."""
        if response.headers.get("content-encoding", "").lower() not in _ENCODINGS:
            raise Unreadable(self._peer, "the answer is packed in a way we did not ask for")
        body = b"".join(self._pieces(response))
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in _REWRITTEN
        ]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        size = 0
        for piece in response.iter_bytes():
            size += len(piece)
            if size > self._limits.max_bytes:
                text = f"the answer is larger than {self._limits.max_bytes} bytes"
                raise Unreadable(self._peer, text)
            if self._deadline.left() <= 0:
                raise httpx.ReadTimeout("")
            yield piece

    def _failed(self, exc: Exception, host: str) -> _Outcome:
        """Say what happened in words that hold no URL, key or body: class and host only."""
        name = type(exc).__name__
        if isinstance(exc, httpx.DecodingError):
            return _Outcome(Unreadable(self._peer, f"the answer of {host} cannot be unpacked"))
        our_fault = httpx.LocalProtocolError, httpx.UnsupportedProtocol
        if not isinstance(exc, httpx.TransportError) or isinstance(exc, our_fault):
            return _Outcome(Rejected(self._peer, f"no call to {host!r} can be made ({name})"))
        if (reason := _tls_reason(exc)) is not None:
            text = f"no secure connection to {host}: {reason}"
            return _Outcome(Unavailable(self._peer, text, reached=False))
        if isinstance(exc, httpx.TimeoutException):
            text = f"{host} took longer than {self._limits.seconds:g} s ({name})"
        else:
            text = f"the connection to {host} failed ({name})"
        never = httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout
        reached = not isinstance(exc, never)
        error = Unavailable(self._peer, text, reached=reached)
        return _Outcome(error, lost=True, reached=reached)


def _tls_reason(exc: BaseException) -> str | None:
    """The reason OpenSSL gives, if *exc* comes from it. (httpcore keeps it as the context only.)"""
    source: BaseException | None = exc
    while source is not None:
        if isinstance(source, ssl.SSLError):
            return getattr(source, "reason", None) or type(source).__name__
        source = source.__cause__ or source.__context__
    return None


@cache
def _stamina() -> Any:
    """Import stamina when something fails for the first time, and keep its own log lines out."""
    import stamina

    stamina.instrumentation.set_on_retry_hooks(())
    return stamina
