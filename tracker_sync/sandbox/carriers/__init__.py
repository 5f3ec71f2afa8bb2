"""Pretend carriers on loopback: they replay parcel lives in pretended time.

No second implementation of anything: an answer is a sample with numbers and times filled in, cut
off at the pretended moment. They check keys, count calls, and fail when they are told to.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_sync.sandbox import replies
from tracker_sync.sandbox.carriers import dhl_parcel_de, dhl_unified, ups
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.lives import Life
from tracker_sync.sandbox.replies import Fault

__all__ = ["KEYS", "Asked", "Fault", "Garbage", "PretendCarriers", "block", "by_seed"]

KEYS: Mapping[str, Mapping[str, str]] = {
    "dhl_parcel_de": dhl_parcel_de.KEYS,
    "dhl_unified": dhl_unified.KEYS,
    "ups": ups.KEYS,
}


@dataclass(frozen=True, slots=True)
class Garbage(Fault):
    """An answer with status 200 that says nothing anybody could read."""

    body: bytes = b"\x00\x1f<data {'"


@dataclass(frozen=True, slots=True)
class Asked:
    """One number in one call, and the pretended moment."""

    at: datetime
    carrier: str
    number: str


def block(base_url: str, *only: str) -> dict[str, dict[str, Any]]:
    """Return the block `carriers:` of a YAML that asks these carriers at *base_url*."""
    return {key: {**KEYS[key], "base_url": base_url} for key in only or KEYS}


_ROUGH = (
    Fault(status=429, retry_after=1),
    Fault(status=500),
    Fault(status=503),
    Fault(cut=True),
    Fault(status=200, html=True),
    Garbage(),
)


def by_seed(
    seed: int, share: float = 0.1, *, among: Sequence[Fault] = _ROUGH
) -> Callable[[int], Fault | None]:
    """Let about a *share* of all requests fail, the same ones for the same *seed*."""

    def fault(request: int) -> Fault | None:
        dice = random.Random(f"{seed} {request}")  # noqa: S311  no secret
        return dice.choice(among) if dice.random() < share else None

    return fault


class PretendCarriers:
    """Replays *lives* as far as they have happened at `now`, which anybody may set.

    `faults` says what happens to the nth request, from 1 on; what is in `out` answers 503.
    """

    def __init__(
        self,
        lives: Iterable[Life] = (),
        *,
        now: datetime,
        faults: Callable[[int], Fault | None] | None = None,
    ) -> None:
        self.lives = {(life.carrier, life.number): life for life in lives}
        self.now = now
        self.faults = faults
        self.out: set[str] = set()
        self.requests = 0
        self.calls: Counter[str] = Counter()  # by carrier, token calls included
        self.asked: list[Asked] = []
        self.tokens = ups.Tokens()
        self._lock = threading.Lock()

    def add(self, *lives: Life) -> None:
        """Let further parcels be known, or give known ones another life."""
        with self._lock:
            self.lives |= {(life.carrier, life.number): life for life in lives}

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer on loopback; gives the base URL of all carriers."""
        with serve(self.handle) as base_url:
            yield base_url

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        with self._lock:
            carrier, respond = self._door(request.path)
            self.requests += 1
            self.calls[carrier] += 1
            fault = Fault(status=503) if carrier in self.out else None
            if fault is None and self.faults is not None:
                fault = self.faults(self.requests)
            response = respond(request)
        if isinstance(fault, Garbage):
            return Response(200, {"Content-Type": "application/json"}, fault.body)
        return replies.faulty(fault, response) if fault else response

    def _door(self, path: str) -> tuple[str, Callable[[Request], Response]]:
        if path == dhl_parcel_de.PATH:
            return "dhl_parcel_de", self._parcel_de
        if path == dhl_unified.PATH:
            return "dhl_unified", self._unified
        if path == ups.TOKEN_PATH:
            return "ups", lambda request: self.tokens.give(request, self.now)
        if path.startswith(ups.PATH):
            return "ups", self._ups
        return "", lambda _request: Response(404, {"Content-Type": "text/plain"}, b"not found")

    def _parcel_de(self, request: Request) -> Response:
        known = self._known("dhl_parcel_de", dhl_parcel_de.numbers(request))
        return dhl_parcel_de.answer(request, known)

    def _unified(self, request: Request) -> Response:
        return dhl_unified.answer(request, self._known("dhl_unified", dhl_unified.numbers(request)))

    def _ups(self, request: Request) -> Response:
        known = self._known("ups", ups.numbers(request))
        return ups.answer(request, known, good=self.tokens.good(request, self.now))

    def _known(self, carrier: str, numbers: Iterable[str]) -> dict[str, Life]:
        """Note what is asked; give the lives that have begun, as far as they got."""
        known: dict[str, Life] = {}
        for number in numbers:
            self.asked.append(Asked(self.now, carrier, number))
            life = self.lives.get((carrier, number))
            if life and (seen := life.until(self.now)).entries:
                known[number] = seen
        return known
