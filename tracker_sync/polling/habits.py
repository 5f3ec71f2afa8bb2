"""What the scans taught: how long until news, by carrier, status, day, hour and last scan.

Every full hour of a parcel's life is one sighting: "in transit, Friday at seven, last scanned
this morning: news came 80 minutes later". A fine cell with few sightings stays close to the
coarser one, that one to all carriers of the shop, and those to the prior that is shipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo

from tracker_sync.polling import clock, news
from tracker_sync.polling.cells import (
    PRIOR,
    SHOP,
    Key,
    day_number,
    days_cell,
    hour_cell,
    keys,
    quiet_cell,
    slot,
)
from tracker_sync.polling.clock import HOUR
from tracker_sync.polling.curve import Part
from tracker_sync.polling.news import ENDS, WEIGHTS, Event, events
from tracker_sync.polling.tally import BIN, BINS, HORIZON, Sums, Tally, sums

DOUBT = 0.15  # share of the prior that says: this carrier may be like no other
TRUST = (6.0, 12.0, 6.0, 6.0)  # sightings until a cell counts as much as the coarser one; fine last
TRUST_PRIOR = 6.0
Row = tuple[str, str, str]  # carrier, cell, value


class Habits:
    """The learned table of one shop."""

    def __init__(self, prior: Iterable[Row] = (), weights: Mapping[str, float] = WEIGHTS) -> None:
        self._cells: dict[Key, Tally | str] = {(PRIOR, cell): value for _, cell, value in prior}
        self._expected: dict[tuple[str, str], Sums] = {}  # by hour and slot, of the prior
        self._weights = weights
        self._changed: set[Key] = set()

    def load(self, rows: Iterable[Row]) -> None:
        """Take in stored rows; each is read when it is first needed."""
        self._cells.update({(carrier, cell): value for carrier, cell, value in rows})

    def rows(self) -> Iterator[Row]:
        """Everything learned, sorted, without the prior."""
        return self._spelled(key for key in self._cells if key[0] != PRIOR)

    def changed(self) -> list[Row]:
        """What was learned since the last time of asking."""
        rows = list(self._spelled(self._changed))
        self._changed.clear()
        return rows

    def _spelled(self, keys: Iterable[Key]) -> Iterator[Row]:
        for key in sorted(keys):
            value = self._cells[key]
            yield *key, value if isinstance(value, str) else value.text()

    def observe(
        self,
        brand: str,
        history: Sequence[tuple[str, datetime]],
        until: datetime,
        *,
        zone: tzinfo,
        after: datetime | None = None,
        estimate: date | None = None,
    ) -> datetime:
        """Learn from a parcel's history (word, moment), known up to *until*.

        Returns from when on nothing was learned yet, because the outcome is open: give it as
        *after* the next time, and everything is learned once. *estimate*: its delivery day.
        """
        steps = [(clock.minute(at, zone), word) for word, at in history]
        start = clock.minute(after, zone) if after else steps[0][0]
        due = day_number(estimate) if estimate else None
        span = start, clock.minute(until, zone)
        learned = self._learn(brand, events(steps, self._weights), span, due)
        if steps[-1][1] == "delivered" and learned > span[0]:
            self._count_days(brand, steps)
        return clock.moment(learned, zone)

    def _count_days(self, brand: str, steps: list[tuple[int, str]]) -> None:
        """Once a parcel: how many days after each status it was delivered."""
        end = steps[-1][0]
        for word, at in {word: at for at, word in reversed(steps[:-1])}.items():
            delay = min((end // clock.DAY - at // clock.DAY) * BIN, HORIZON - 1)
            self._count([(brand, days_cell(word, at))], at, (delay, 1.0))

    def days_until_delivered(self, brand: str, word: str, weekday: int) -> dict[int, float]:
        """How many parcels were delivered so many days after they reached a status."""
        tally = self._tally((brand, days_cell(word, weekday * clock.DAY)))
        return {day: seen for day, seen in enumerate(tally.bins) if seen} if tally else {}

    def _learn(self, brand: str, told: list[Event], span: tuple[int, int], due: int | None) -> int:
        hour, until = -(-span[0] // HOUR) * HOUR, span[1]
        ended = told[-1][1] in ENDS
        now = ahead = 0
        while hour <= until and not (ended and hour >= told[-1][0]):
            while now + 1 < len(told) and told[now + 1][0] <= hour:
                now += 1
            ahead = max(ahead, now + 1)
            while ahead < len(told) and not told[ahead][2]:
                ahead += 1
            if ahead < len(told):
                delay, weight = told[ahead][0] - hour, told[ahead][2]
            elif until - hour >= HORIZON:
                delay, weight = HORIZON, 0.0
            else:
                break  # the outcome is open
            self._count(
                keys(brand, told[now][1], hour, told[now][0], due=due), hour, (delay, weight)
            )
            self._learn_quiet(brand, told[now : ahead + 1], hour)
            hour += HOUR
        return hour

    def _learn_quiet(self, brand: str, told: list[Event], hour: int) -> None:
        """Quiet news counts up to the next loud news, as more is not sure to be known yet."""
        if told[0][1] not in news.BEFORE_QUIET:
            return
        cell = quiet_cell(told[0][1], hour)
        first = next((at for at, word, _ in told if word == news.QUIET), hour + HORIZON)
        self._count([(SHOP, cell), (brand, cell)], hour, (first - hour, news.QUIET_WEIGHT))

    def quiet(self, brand: str, word: str, minute: int) -> list[Part]:
        """News to be expected that is told, but worth no call where calls are scarce."""
        if word not in news.BEFORE_QUIET:
            return []
        cell = quiet_cell(word, minute)
        return self._blended([], ((PRIOR, cell), (SHOP, cell), (brand, cell)))

    def _count(self, cells: Sequence[Key], hour: int, outcome: tuple[int, float]) -> None:
        week, (delay, weight), known = hour // clock.WEEK, outcome, self._cells
        for key in cells:
            tally = known.get(key)
            if not isinstance(tally, Tally):
                tally = known[key] = self._tally(key) or Tally()
            tally.add(week, delay, weight)
        self._changed.update(cells)

    def _tally(self, key: Key) -> Tally | None:
        found = self._cells.get(key)
        if isinstance(found, str):
            found = self._cells[key] = Tally.of(found)
        return found

    def curve(
        self, brand: str, word: str, minute: int, scanned: int, *, due: int | None = None
    ) -> list[Part]:
        """Weighted news to be expected from the full hour of *minute* on."""
        hour = hour_cell(word, minute)
        shipped = self._shipped(hour, slot(minute, scanned))
        return self._blended([(shipped, 1.0)], keys(brand, word, minute, scanned, due=due))

    def _blended(self, blend: list[Part], cells: Iterable[Key]) -> list[Part]:
        """A finer cell takes its share from the coarser ones, the more the more it has seen."""
        for key, trust in zip(cells, TRUST, strict=False):
            tally = self._tally(key)
            if tally is not None and tally.seen:
                whole = tally.seen + trust
                blend = [(curve, share * trust / whole) for curve, share in blend]
                blend.append((tally.sums(), 1 / whole))
        return blend

    def _shipped(self, hour: str, slot: str) -> Sums:
        """What the prior expects; it never changes, so it is mixed once."""
        found = self._expected.get((hour, slot))
        if found is None:
            odds = [1 / BINS] * BINS
            for cell, trust in ((hour, 0.0), (hour + slot, TRUST_PRIOR)):
                tally = self._tally((PRIOR, cell))
                if tally is not None and tally.seen:
                    odds = _mixed(odds, tally, trust / (tally.seen + trust))
            odds = [DOUBT / BINS + (1 - DOUBT) * each for each in odds]
            found = self._expected[hour, slot] = sums(odds)
        return found


def _mixed(coarse: list[float], fine: Tally, share: float) -> list[float]:
    """So much of the coarse curve, the rest of the fine one."""
    rest = (1 - share) / fine.seen
    return [share * one + rest * other for one, other in zip(coarse, fine.bins, strict=True)]
