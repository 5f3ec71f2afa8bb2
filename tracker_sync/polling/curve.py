"""News to be expected of a parcel, and how lateness piles up while nobody asks.

A curve is a blend of tallies. Adding up is linear, so the sums of the tallies are blended where
they are needed, not the tallies themselves: a decision looks at a handful of half hours.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import sqrt

from tracker_sync.polling.clock import HOUR
from tracker_sync.polling.tally import BIN, BINS, Sums

_SURE = 0.03  # share of parcels that is never believed to be gone from an hour's curve

Part = tuple[Sums, float]  # how much of it counts


class Curve:
    """Weighted news by half hours from the full hour of *start* on, for who saw none until then."""

    __slots__ = ("_first", "_gone", "_left", "_parts", "_piled", "_start", "_sure")

    def __init__(self, parts: Iterable[Part], start: int) -> None:
        self._parts = [(levels, piled, share) for (levels, piled), share in parts]
        self._start = start
        first, begun = divmod(start % HOUR, BIN)
        self._first, self._left = first + 1, BIN - begun  # when the half hour ends that has begun
        level = self.level(first)
        # News that should have come before *start* and did not, as we know.
        self._gone = level + (self.level(first + 1) - level) * begun / BIN
        self._piled = self._area(first) + (level + self._gone) * begun / BIN
        self._sure = max(_SURE, 1 - self._gone)

    def level(self, place: int) -> float:
        """News to be expected before a half hour begins."""
        return sum([share * levels[place] for levels, _, share in self._parts])

    def _area(self, place: int) -> float:
        return sum([share * piled[place] for _, piled, share in self._parts])

    def _late(self, place: int) -> float:
        """Lateness between *start* and the beginning of a half hour, in quarters of an hour."""
        passed = (place - self._first) * 2 + self._left * 2 / BIN
        return self._area(place) - self._piled - self._gone * passed

    def _at(self, place: int) -> int:
        return self._start + self._left + BIN * (place - self._first)

    def reached(self, price: float) -> float:
        """The minute when so much lateness has piled up; the end of the curve if it never does."""
        wanted = price * 2 / BIN * self._sure
        ends = range(self._first, BINS + 1)
        place = self._first + bisect_left(ends, wanted, key=self._late)
        if place > BINS:
            return self._at(BINS)
        if place == self._first:
            begins, span, before, level = self._start, self._left, 0.0, 0.0
        else:
            begins, span = self._at(place - 1), BIN
            before, level = self._late(place - 1), max(0.0, self.level(place - 1) - self._gone)
        missing = (wanted - before) * BIN / 2
        rise = max(0.0, self.level(place) - self._gone - level)
        # missing = level * t + rise / span * t**2 / 2, solved for t
        return begins + 2 * missing / (level + sqrt(level * level + 2 * rise / span * missing))

    def late(self, until: int) -> float:
        """Minutes of lateness by then; after the end of the curve it goes on as it was."""
        place = min(self._first - (self._at(self._first) - until) // BIN, BINS + 1) - 1
        if place < self._first:
            begins, span, before, level = self._start, self._left, 0.0, 0.0
        else:
            begins, span = self._at(place), BIN
            before, level = self._late(place), self.level(place) - self._gone
        end = self.level(place + 1) - self._gone if place < BINS else level
        passed = until - begins
        piled = before * BIN / 2 + passed * (level + (end - level) / span * passed / 2)
        return max(0.0, piled) / self._sure
