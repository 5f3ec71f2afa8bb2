"""HTTP for every edge: timeouts, size cap, pacing, retries, redaction.

Floor 2, below the other edges. One `Wire` per worker thread; they share one SSL context. Clock and
sleep are passed in. Whatever goes wrong becomes a CallError whose text holds no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Timer:
    """The passing of time, handed in: seconds on a monotonic clock, and how to wait."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Pacer:
    """At most `per_second` calls, over all threads that share it."""

    def __init__(self, per_second: float | None, timer: Timer) -> None: ...

    def wait(self) -> None:
        """Block until the next call may be made."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: seconds for the whole of it, bytes of the answer."""

    seconds: float = 20.0
    max_bytes: int = 10_000_000


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
    ) -> None: ...

    def send(self, request: httpx.Request, *, repeatable: bool = False) -> httpx.Response:
        """Send *request* and return the whole answer, whatever its status.

        Raises Unavailable (network, TLS, timeout) or Unreadable (larger than allowed). A call that
        never reached the other side is tried again; one that may have is only if *repeatable*.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Give the connections back."""


def check(peer: str, response: httpx.Response) -> None:
    """Raise Throttled, Unavailable or Rejected for an answer whose status is an error."""


def moved(official: str, base_url: str | None) -> str:
    """Return *official* with scheme, host and port of *base_url*, if one is given."""
    raise NotImplementedError


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the answer asks us to wait: from seconds or a date (against its own Date header)."""
    raise NotImplementedError
