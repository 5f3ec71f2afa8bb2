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
from tracker_sync.polling.news import ENDS, WEIGHTS, Event, events
from tracker_sync.polling.tally import BIN, BINS, HORIZON, Tally

DOUBT = 0.2  # share of the coarsest curve that says: anything may happen at any time
TRUST = (6.0, 12.0, 6.0, 6.0)  # sightings until a cell counts as much as the coarser one; fine last
TRUST_PRIOR = 6.0
Row = tuple[str, str, str]  # carrier, cell, value
Share = tuple[list[float], float]  # a curve, and how much of it counts
_NOTHING: Share = [0.0] * BINS, 0.0


class Habits:
    """The learned table of one shop."""

    def __init__(self, prior: Iterable[Row] = (), weights: Mapping[str, float] = WEIGHTS) -> None:
        self._cells: dict[Key, Tally | str] = {(PRIOR, cell): value for _, cell, value in prior}
        self._expected: dict[tuple[str, str], list[float]] = {}  # by hour and slot, of the prior
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

    def quiet_curve(self, brand: str, word: str, minute: int) -> list[float] | None:
        """News to be expected that is told, but worth no call where calls are scarce."""
        if word not in news.BEFORE_QUIET:
            return None
        cell = quiet_cell(word, minute)
        blend: list[Share] = []
        for key, trust in zip(((PRIOR, cell), (SHOP, cell), (brand, cell)), TRUST, strict=False):
            blend = self._refined(blend, key, trust)
        return _mixed(blend)

    def _count(self, cells: Iterable[Key], hour: int, outcome: tuple[int, float]) -> None:
        for key in cells:
            tally = self._tally(key)
            if tally is None:
                tally = self._cells[key] = Tally()
            tally.add(hour // clock.WEEK, *outcome)
            self._changed.add(key)

    def _tally(self, key: Key) -> Tally | None:
        found = self._cells.get(key)
        if isinstance(found, str):
            found = self._cells[key] = Tally.of(found)
        return found

    def curve(
        self, brand: str, word: str, minute: int, scanned: int, *, due: int | None = None
    ) -> list[float]:
        """Weighted news to be expected in so many half hours from the full hour of *minute* on."""
        hour = hour_cell(word, minute)
        blend = [(self._shipped(hour, slot(minute, scanned)), 1.0)]
        for key, trust in zip(keys(brand, word, minute, scanned, due=due), TRUST, strict=False):
            blend = self._refined(blend, key, trust)
        return _mixed(blend)

    def _refined(self, blend: list[Share], key: Key, trust: float) -> list[Share]:
        """A finer cell takes its share from the coarser ones."""
        tally = self._tally(key)
        if tally is None or not tally.seen:
            return blend
        whole = tally.seen + trust
        kept = [(curve, share * trust / whole) for curve, share in blend]
        return [*kept, (tally.bins, 1 / whole)]

    def _shipped(self, hour: str, slot: str) -> list[float]:
        """What the prior expects; it never changes, so it is mixed once."""
        found = self._expected.get((hour, slot))
        if found is None:
            blend = [([1 / BINS] * BINS, 1.0)]
            root = self._tally((PRIOR, hour))
            if root is not None and root.seen:
                blend = [(blend[0][0], DOUBT), (root.bins, (1 - DOUBT) / root.seen)]
            found = _mixed(self._refined(blend, (PRIOR, hour + slot), TRUST_PRIOR))
            self._expected[hour, slot] = found
        return found


def _mixed(blend: list[Share]) -> list[float]:
    """Add up to five curves at once, by their shares: this is half of what a decision costs."""
    (one, a), (two, b), (three, c), (four, d), *more = blend + [_NOTHING] * (4 - len(blend))
    if not more:
        known = zip(one, two, three, four, strict=True)
        return [a * v + b * w + c * x + d * y for v, w, x, y in known]
    five, e = more[0]
    all_five = zip(one, two, three, four, five, strict=True)
    return [a * v + b * w + c * x + d * y + e * z for v, w, x, y, z in all_five]
