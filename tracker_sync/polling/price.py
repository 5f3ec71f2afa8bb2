"""What a call must be worth today, so that the calls last until the evening.

One price for a carrier and day: the most valuable calls are made, at whatever hour they come,
and none is lost to those who came first. Calls grow with one over the square root of the
price (half the pause costs twice the calls and saves three quarters of the lateness), so calls
times the root of their price is the *need* of a parcel, whatever the price was. Needs are
learned for every hour of the week. Today's rest and tomorrow are paid for together, because
what is asked this evening decides when it is asked tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from math import sqrt

from tracker_sync.polling.clock import DAY, HOUR, WEEK, minute

CHEAPEST, DEAREST = 4.0, 400.0  # minutes of lateness
_HOURS = 7 * 24
_DAY = timedelta(days=1)
_FRESH = 0.5  # how much the newest week counts
_SLACK = 0.8  # what is planned for the evening is partly for tomorrow
# Need of an open parcel until the shop knows better: by day, half of it on Sunday.
_USUAL, _QUIET = 0.5, 0.05

Row = tuple[str, str, str]  # account, cell, value


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
        counted, need = self._hours[hour]
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

    def price(self, parcels: int, *, quota: int | None, used: int, now: datetime) -> float:
        """The price at which the calls last."""
        if quota is None:
            return CHEAPEST
        need = parcels * (self._left(now) + self._whole(now + _DAY))
        calls = max(1, 2 * quota - used)
        return min(DEAREST, max(CHEAPEST, _SLACK * (need / calls) ** 2))

    def _left(self, now: datetime) -> float:
        at = minute(now, self._zone)
        first = at // HOUR % _HOURS
        begun = 1 - at % HOUR / HOUR
        rest = range(first + 1, (first // 24 + 1) * 24)
        return begun * self._hours[first][1] + sum(self._hours[hour][1] for hour in rest)

    def _whole(self, now: datetime) -> float:
        day = minute(now, self._zone) % WEEK // DAY
        return sum(self._hours[hour][1] for hour in range(day * 24, day * 24 + 24))


def _usual(hour: int) -> float:
    day, clock = divmod(hour, 24)
    need = _USUAL if 6 <= clock < 22 else _QUIET
    return need / 2 if day == 6 else need
