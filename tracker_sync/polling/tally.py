"""How long it took until news came: a histogram over two days, old weeks counting ever less."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import add

BIN, BINS = 30, 96  # minutes; two days
HORIZON = BIN * BINS
HALF_LIFE = 26  # weeks until a sighting counts half: habits change with seasons, not with days
_KEPT = 0.5 ** (1 / HALF_LIFE)

# At the beginning of every half hour and at the end: news so far, and how much lateness it has
# piled up by then, in quarters of an hour.
Sums = tuple["array[float]", "array[float]"]


def sums(bins: Sequence[float]) -> Sums:
    """Add up news by half hours."""
    levels = array("d", accumulate(bins, initial=0.0))
    return levels, array("d", accumulate(map(add, levels, levels[1:]), initial=0.0))


class Tally:
    """Sightings of one cell: weighted news by delay, and all sightings, newsless ones too."""

    __slots__ = ("_news", "_sums", "seen", "week")

    def __init__(
        self, week: int = 0, seen: float = 0.0, news: dict[int, float] | None = None
    ) -> None:
        self.week = week  # the newest; everything is weighted as seen from it
        self.seen = seen
        self._news = news or {}  # by half hour; in most of them there never was any
        self._sums: Sums | None = None

    @property
    def bins(self) -> list[float]:
        """Weighted news by half hour."""
        return [self._news.get(place, 0.0) for place in range(BINS)]

    def add(self, week: int, delay: int, weight: float) -> None:
        """Count one sighting: *delay* minutes until news of that weight; HORIZON: none."""
        share = 1.0
        if week > self.week:
            self._age(week)
        elif week < self.week:
            share = _KEPT ** (self.week - week)
        self.seen += share
        if delay < HORIZON:
            place = delay // BIN
            self._news[place] = self._news.get(place, 0.0) + share * weight
            self._sums = None

    def sums(self) -> Sums:
        """News and lateness added up; kept until there is more news, as decisions live on it."""
        if self._sums is None:
            self._sums = sums(self.bins)
        return self._sums

    def _age(self, week: int) -> None:
        if self.seen:
            share = _KEPT ** (week - self.week)
            self.seen *= share
            self._news = {place: share * each for place, each in self._news.items()}
            self._sums = None
        self.week = week

    def text(self) -> str:
        """Spell it: `week;sightings;bin:news bin:news`."""
        news = " ".join(f"{place}:{each:.6g}" for place, each in sorted(self._news.items()) if each)
        return f"{self.week};{self.seen:.6g};{news}"

    @classmethod
    def of(cls, text: str) -> Tally:
        """Read what `text` spelled; ValueError for anything else."""
        week, seen, spelled = text.split(";")
        pairs = (each.partition(":") for each in spelled.split())
        return cls(int(week), float(seen), {int(place): float(news) for place, _, news in pairs})
