"""Faults by seed: what goes wrong with which request, the same for the same seed.

What happens to a request depends on the seed, on what it asks, and on how often that was asked
before; not on the order in which threads happen to ask.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from tracker_sync.sandbox.http import Request
from tracker_sync.sandbox.replies import GARBAGE, Fault

HUGE = 200_000_000


class Trouble(StrEnum):
    """Everything that can go wrong with one request, as a table names it."""

    THROTTLED = "429"
    THROTTLED_FOR_SECONDS = "429, seconds"
    THROTTLED_UNTIL_DATE = "429, date"
    BROKEN = "500"
    BAD_GATEWAY = "502"
    OUT = "503"
    GATEWAY_TIMEOUT = "504"
    CUT_BEFORE = "cut before the answer"
    CUT_DURING = "cut during the body"
    CUT_AFTER = "cut after the body"
    HANGS = "hangs"
    DRIPS = "drips"
    GARBAGE = "garbage"
    HTML = "html"
    HUGE = "200 MB"
    SWAPPED = "swapped"
    REPEATED = "events repeated"
    REORDERED = "events reordered"
    FLAPPING = "status flaps back"
    WITHDRAWN = "delivery withdrawn"
    TOKEN_EXPIRED = "token expired"  # noqa: S105  no token


TWISTS = frozenset(
    {
        Trouble.SWAPPED,
        Trouble.REPEATED,
        Trouble.REORDERED,
        Trouble.FLAPPING,
        Trouble.WITHDRAWN,
    }
)
ONLY_CARRIERS = TWISTS | {Trouble.TOKEN_EXPIRED}
_FAULTS: Mapping[Trouble, Fault] = MappingProxyType(
    {
        Trouble.THROTTLED: Fault(status=429),
        Trouble.THROTTLED_FOR_SECONDS: Fault(status=429, retry_after=120),
        Trouble.THROTTLED_UNTIL_DATE: Fault(status=429, retry_after=3600, as_date=True),
        Trouble.BROKEN: Fault(status=500),
        Trouble.BAD_GATEWAY: Fault(status=502, html=True),
        Trouble.OUT: Fault(status=503),
        Trouble.GATEWAY_TIMEOUT: Fault(status=504),
        Trouble.CUT_BEFORE: Fault(cut=True),
        Trouble.CUT_DURING: Fault(stops_at=0.5, taken=True),
        Trouble.CUT_AFTER: Fault(stops_at=1.0, taken=True),
        Trouble.GARBAGE: Fault(status=200, body=GARBAGE),
        Trouble.HTML: Fault(status=200, html=True),
        Trouble.HUGE: Fault(status=200, size=HUGE),
    }
)


def even(share: float, among: Collection[Trouble] = tuple(Trouble)) -> dict[Trouble, float]:
    """Give every kind *among* the same part of *share*, the share of all requests."""
    return {trouble: share / len(among) for trouble in Trouble if trouble in among}


class Faults:
    """Which requests go wrong, and how: a share of all requests for each kind.

    *slow* is how long a silence lasts, in seconds: longer than the other side waits.
    """

    def __init__(self, seed: int, shares: Mapping[Trouble, float], *, slow: float = 30.0) -> None:
        self.seed = seed
        self.shares = dict(shares)
        self.slow = slow
        self._asked: Counter[str] = Counter()

    def on(self, request: Request) -> tuple[Trouble, random.Random] | None:
        """Draw the fault of *request*, with dice for whatever else it needs."""
        query = sorted(request.query.items())
        question = f"{request.method} {request.path} {query} {request.body!r}"
        self._asked[question] += 1
        dice = random.Random(f"{self.seed} {question} {self._asked[question]}")  # noqa: S311
        drawn = dice.random()
        for trouble, share in self.shares.items():
            drawn -= share
            if drawn < 0:
                return trouble, dice
        return None

    def fault(self, trouble: Trouble) -> Fault:
        """How *trouble* shows on the wire."""
        if trouble is Trouble.HANGS:
            return Fault(hang=self.slow)
        if trouble is Trouble.DRIPS:
            return Fault(drip=self.slow / 8, taken=True)
        return _FAULTS.get(trouble, Fault(taken=True))
