"""What a call must be worth today, so that the calls last until the evening.

One price for a carrier and day: the most valuable calls are made, at whatever hour they come,
and none is lost to those who came first. Calls grow with one over the square root of the
price (half the pause costs twice the calls and saves three quarters of the lateness), so calls
times the root of their price is the *need* of a parcel, whatever the price was. Needs are
learned for every hour of the week. A look in the evening that can wait until after midnight is
paid at tomorrow's price: what is left today cannot be kept, and what is gone comes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import sqrt

from tracker_sync.polling.clock import DAY, HOUR, minute, moment

CHEAPEST, DEAREST = 4.0, 400.0  # minutes of lateness
_HOURS, _SUNDAY = 7 * 24, 6 * 24
_FRESH = 0.3  # how much the newest week counts
_SLACK = 0.8  # not every look that is planned is made: some parcels are delivered before
# Need of an open parcel until the shop knows better: by day, half of it on Sunday.
_USUAL, _QUIET = 0.5, 0.05

Row = tuple[str, str, str]  # account, cell, value


@dataclass(frozen=True, slots=True)
class Price:
    """Minutes of lateness that are worth a call: until the account's midnight, and after it."""

    today: float
    midnight: datetime | None = None  # None: always the same
    tomorrow: float = 0.0

    def times(self, factor: float) -> Price:
        """The price for what is less worth knowing."""
        return Price(self.today * factor, self.midnight, self.tomorrow * factor)


class Needs:
    """What the open parcels of one account need, hour by hour of the week."""

    def __init__(self, account: str, zone: tzinfo, rows: Iterable[Row] = ()) -> None:
        self.account = account
        self._zone = zone  # of the midnight when the account starts anew
        self._hours = {hour: (-1, _usual(hour)) for hour in range(_HOURS)}
        self._changed: set[int] = set()
        for _, cell, value in rows:
            week, need = value.split(";")
            self._hours[int(cell.removeprefix("need/"))] = int(week), float(need)

    def spent(self, calls: int, *, price: float, parcels: int, now: datetime) -> None:
        """Count the calls of a pass, wanted ones too, among that many open parcels; 0 counts."""
        week, hour = divmod(minute(now, self._zone) // HOUR, _HOURS)
        counted, need = self._hours[hour][0], self._need(hour)
        if counted != week:
            need *= 1 - _FRESH
        need += _FRESH * calls * sqrt(price) / max(1, parcels)
        self._hours[hour] = week, need
        self._changed.add(hour)

    def changed(self) -> list[Row]:
        """What was counted since the last time of asking, as rows."""
        rows = [self._row(hour) for hour in sorted(self._changed)]
        self._changed.clear()
        return rows

    def _row(self, hour: int) -> Row:
        week, need = self._hours[hour]
        return self.account, f"need/{hour:03d}", f"{week};{need:.4g}"

    def forecast(self, parcels: int, price: float, now: datetime) -> int:
        """Calls that so many open parcels need from now until midnight at that price."""
        return round(parcels * self._left(now) / sqrt(price))

    def price(self, parcels: int, *, quota: int | None, used: int, now: datetime) -> Price:
        """The prices at which the calls last, today and tomorrow."""
        if quota is None:
            return Price(CHEAPEST)
        tomorrow = minute(now, self._zone) // DAY + 1
        return Price(
            _worth(parcels * self._left(now), quota - used),
            moment(tomorrow * DAY, self._zone),
            _worth(parcels * self._whole(tomorrow), quota),
        )

    def _left(self, now: datetime) -> float:
        at = minute(now, self._zone)
        first = at // HOUR % _HOURS
        begun = 1 - at % HOUR / HOUR
        rest = range(first + 1, (first // 24 + 1) * 24)
        return begun * self._need(first) + sum(map(self._need, rest))

    def _whole(self, day: int) -> float:
        first = day % 7 * 24
        return sum(map(self._need, range(first, first + 24)))

    def _need(self, hour: int) -> float:
        """What was counted in that hour of the week; until then, in that hour of other days."""
        week, need = self._hours[hour]
        if week >= 0 or hour >= _SUNDAY:
            return need
        alike = [self._hours[other] for other in range(hour % 24, _SUNDAY, 24)]
        counted = [need for week, need in alike if week >= 0]
        return sum(counted) / len(counted) if counted else need


def _worth(need: float, calls: int) -> float:
    return min(DEAREST, max(CHEAPEST, _SLACK * (need / max(1, calls)) ** 2))


def _usual(hour: int) -> float:
    day, clock = divmod(hour, 24)
    need = _USUAL if 6 <= clock < 22 else _QUIET
    return need / 2 if day == 6 else need
