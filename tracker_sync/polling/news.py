"""What is worth knowing soon, and what makes a scan news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from tracker_sync.polling.clock import DAY

# Minutes of lateness count by this: what the customer waits for first, returns less.
WEIGHTS: Mapping[str, float] = {
    "dispatched": 0.5,
    "out_for_delivery": 1.0,
    "delivery_failed": 1.0,
    "ready_for_pickup": 1.0,
    "delivered": 1.0,
    "problem": 1.0,
    "returning": 0.5,
    "returned": 0.5,
}
# Told too, but no call is spent on it where calls are scarce: learned beside the rest.
QUIET, QUIET_WEIGHT = "in_transit", 0.25
BEFORE_QUIET = frozenset({"announced", "dispatched"})
ENDS = frozenset({"delivered", "returned"})
# Once per attempt, that is per day; everything else is news only after something else.
_AGAIN = frozenset({"out_for_delivery", "delivery_failed", "problem"})

Event = tuple[int, str, float]  # minute, word, weight; 0: no news


def events(history: Iterable[tuple[int, str]], weights: Mapping[str, float]) -> list[Event]:
    """A history with the weight of each step."""
    steps = list(history)
    weighed = [
        (at, word, weights.get(word, 0.0) if _news(before, (at, word)) else 0.0)
        for before, (at, word) in pairwise(steps)
    ]
    return [(at, word, weights.get(word, 0.0)) for at, word in steps[:1]] + weighed


def _news(before: tuple[int, str], step: tuple[int, str]) -> bool:
    if before[1] != step[1]:
        return True
    return step[1] in _AGAIN and before[0] // DAY != step[0] // DAY
