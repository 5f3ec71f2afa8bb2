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
from tracker_sync.sandbox.carriers import dhl_parcel_de, dhl_unified, royalmail, ups
from tracker_sync.sandbox.faults import TWISTS, Faults, Trouble
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.lives import Life
from tracker_sync.sandbox.replies import Fault
from tracker_sync.sandbox.twists import twisted

__all__ = ["KEYS", "Asked", "Fault", "PretendCarriers", "block", "by_seed"]

KEYS: Mapping[str, Mapping[str, str]] = {
    "dhl_parcel_de": dhl_parcel_de.KEYS,
    "dhl_unified": dhl_unified.KEYS,
    "ups": ups.KEYS,
    "royalmail": royalmail.KEYS,
}


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
    Fault(status=200, body=replies.GARBAGE),
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

    `faults` says what happens to the nth request, from 1 on; `rough` draws faults by what is asked,
    and what took effect is counted in `injected`; what is in `out` answers 503.
    """

    def __init__(
        self,
        lives: Iterable[Life] = (),
        *,
        now: datetime,
        faults: Callable[[int], Fault | None] | None = None,
        rough: Faults | None = None,
    ) -> None:
        self.lives = {(life.carrier, life.number): life for life in lives}
        self.now = now
        self.faults = faults
        self.rough = rough
        self.out: set[str] = set()
        self.requests = 0
        self.calls: Counter[str] = Counter()  # by carrier, token calls included
        self.injected: Counter[Trouble] = Counter()
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
            carrier, answer = self._door(request.path)
            self.requests += 1
            self.calls[carrier] += 1
            fault = Fault(status=503) if carrier in self.out else None
            if fault is None and self.faults is not None:
                fault = self.faults(self.requests)
            known = self._known(carrier, request)
            if fault is None and self.rough is not None:
                fault, known = self._drawn(self.rough, carrier, request, known)
            response = answer(request, known)
        return replies.faulty(fault, response, self.now) if fault else response

    def _door(self, path: str) -> tuple[str, Callable[[Request, Known], Response]]:
        if path == ups.TOKEN_PATH:
            return "ups", lambda request, _known: self.tokens.give(request, self.now)
        if path.startswith(ups.PATH):
            return "ups", self._ups
        for key, interface in _PLAIN.items():
            if path.startswith(interface.PATH):
                return key, interface.answer
        return "", lambda _request, _known: Response(404, {"Content-Type": "text/plain"}, b"")

    def _ups(self, request: Request, known: Known) -> Response:
        return ups.answer(request, known, good=self.tokens.good(request, self.now))

    def _known(self, carrier: str, request: Request) -> Known:
        """Note what is asked; give the lives that have begun, as far as they got."""
        known: dict[str, Life] = {}
        if carrier not in _NUMBERS or request.path == ups.TOKEN_PATH:
            return known
        for number in _NUMBERS[carrier](request):
            self.asked.append(Asked(self.now, carrier, number))
            life = self.lives.get((carrier, number))
            if life and (seen := life.until(self.now)).entries:
                known[number] = seen
        return known

    def _drawn(
        self, rough: Faults, carrier: str, request: Request, known: Known
    ) -> tuple[Fault | None, Known]:
        """Draw a fault; what it cannot harm here stays as it is, and is not counted."""
        drawn = rough.on(request)
        if drawn is None:
            return None, known
        trouble, dice = drawn
        told: Known | None = known
        if trouble in TWISTS:
            swaps = trouble is Trouble.SWAPPED
            strangers = self._strangers(carrier, known) if swaps else []
            told = twisted(trouble, known, dice, now=self.now, strangers=strangers)
        if trouble is Trouble.TOKEN_EXPIRED:
            told = known if carrier == "ups" and self.tokens.revoke() else None
        if told is None:
            return None, known
        self.injected[trouble] += 1
        return rough.fault(trouble), told

    def _strangers(self, carrier: str, known: Known) -> list[Life]:
        """Parcels of the carrier that have begun and were not asked about."""
        others = (
            life.until(self.now)
            for (key, number), life in self.lives.items()
            if key == carrier and number not in known
        )
        return [life for life in others if life.entries]


Known = Mapping[str, Life]

_PLAIN = {
    "dhl_parcel_de": dhl_parcel_de,
    "dhl_unified": dhl_unified,
    "royalmail": royalmail,
}
_NUMBERS: Mapping[str, Callable[[Request], list[str]]] = {
    **{key: interface.numbers for key, interface in _PLAIN.items()},
    "ups": ups.numbers,
}
