"""What one carrier allows in this pass, counted as the carrier counts.

Calls are reserved in the database before they are made: whatever dies may waste some, and never
makes more than allowed. The day is the carrier's own, also when its midnight passes during a pass;
a call of the last minute may arrive on either side of it and is charged to both days. Where
another time is rehearsed, a carrier that is no pretended one counts on today.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker_sync.carriers import Carrier
from tracker_sync.sync.house import House, budget
from tracker_sync.wire import on_loopback

_EITHER_SIDE = timedelta(minutes=1)  # longer than a call waits for its turn and its connection
_AT_ONCE = 64  # calls reserved together where they are not limited: a crash wastes nothing there
_REMEMBERED = timedelta(days=7)  # how long a carrier is expected to stop us as early as it did


class Account:
    """Calls to one carrier: reserved, paced and counted."""

    def __init__(self, house: House, carrier: Carrier, now: datetime, begun: float) -> None:
        """*begun*: when the pass of *now* began, on the house's ticking clock."""
        self._house, self._carrier, self._begun = house, carrier, begun
        self.began = carriers_time(house, carrier, now)
        self.per_day, self.per_second = budget(carrier)
        self.gap = gap(carrier)
        self.made = 0
        self.days: tuple[str, ...] = ()  # that calls are charged to now
        self._turns = 0.0  # until when those stay the same, on the ticking clock
        self._held = 0  # reserved for them and not made yet
        self._free_at = 0.0  # when a slow carrier may be called next

    @property
    def now(self) -> datetime:
        """What the carrier's clock shows by now."""
        passed = self._house.timer.monotonic() - self._begun
        return self.began + timedelta(seconds=passed)

    @property
    def midnight(self) -> datetime:
        """When the carrier's day ends."""
        zone = ZoneInfo(self._carrier.budget_zone)
        tomorrow = self.now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)

    @property
    def rested(self) -> bool:
        """Whether a slow carrier may be called again, as far as this pass knows."""
        return self._house.timer.monotonic() >= self._free_at

    def reserve(self, wanted: int, *, at_once: int) -> bool:
        """Have a call in hand that is charged to today; False where none is left."""
        if self._house.timer.monotonic() >= self._turns:
            self._turn_page()
        if not self._held:
            most = _AT_ONCE if self.per_day is None else at_once
            today, *also = self.days
            self._held = self._house.ledger.reserve(
                self._carrier.key, today, min(wanted, most), self.per_day, also=also
            )
            self._house.step("reserved")
        return self._held > 0

    def _turn_page(self) -> None:
        """See which days a call is charged to from now on."""
        now, midnight = self.now, self.midnight
        days = charged_days(self._carrier, now)
        ends = midnight if len(days) > 1 else midnight - _EITHER_SIDE
        self._turns = self._house.timer.monotonic() + (ends - now).total_seconds()
        if days != self.days:
            self.give_back()
            self.days = days

    def start(self, *, counted: bool = True) -> bool:
        """Take the call in hand, at the pace all processes keep together; False: not yet."""
        if self.gap:
            ticks = self._house.timer.monotonic()
            wait = self._house.ledger.turn(self._carrier.key, ticks, self.gap)
            self._free_at = ticks + (wait or self.gap)
            if wait:
                return False
        self._held -= int(counted)
        self.made += int(counted)
        return True

    def covers(self, days: tuple[str, ...]) -> bool:
        """Whether a call charged to those days may still be made."""
        if days == self.days and self._house.timer.monotonic() < self._turns:
            return True
        return {*charged_days(self._carrier, self.now)} <= {*days}

    def not_made(self, days: tuple[str, ...]) -> None:
        """A call that was started was not made after all; nobody heard of it."""
        self.made -= 1
        if days == self.days:
            self._held += 1
            return
        for each in days:
            self._house.ledger.give_back(self._carrier.key, each, 1)

    @property
    def spent(self) -> bool:
        """Whether the calls of the carrier's day are used up."""
        used = self._house.ledger.used(self._carrier.key, self._today)
        return self.per_day is not None and used >= self.per_day

    def used_up(self) -> None:
        """The carrier says that no call is left today, whatever we counted."""
        self.give_back()  # before: what counts as used up stays so
        made = self._house.ledger.used(self._carrier.key, self._today)
        self._house.ledger.used_up(self._carrier.key, self._today, made, self.per_day)

    def give_back(self) -> None:
        """Return what was reserved and not made."""
        for each in self.days if self._held else ():
            self._house.ledger.give_back(self._carrier.key, each, self._held)
        self._held = 0

    @property
    def _today(self) -> str:
        return day(self._carrier, self.now)


def carriers_time(house: House, carrier: Carrier, now: datetime) -> datetime:
    """What the carrier's clock shows at *now*: a pretended one lives in the pretended time."""
    return now if on_loopback(carrier.config.base_url) else now + house.ahead


def day(carrier: Carrier, at: datetime) -> str:
    """The carrier's own calendar day, for its budget."""
    return _day(carrier, at).isoformat()


def charged_days(carrier: Carrier, now: datetime) -> tuple[str, ...]:
    """The days a call made now may be counted on: two, in the last minute of a day."""
    return tuple(dict.fromkeys(day(carrier, at) for at in (now, now + _EITHER_SIDE)))


def gap(carrier: Carrier) -> float:
    """Seconds between the calls of a slow carrier; 0 where threads keep the pace."""
    per_second = budget(carrier)[1]
    return 1 / per_second if per_second is not None and per_second < 1 else 0.0


def used(house: House, carrier: Carrier, now: datetime) -> int:
    """Calls of the carrier's day so far."""
    return house.ledger.used(carrier.key, day(carrier, carriers_time(house, carrier, now)))


def expected(house: House, carrier: Carrier, now: datetime) -> int | None:
    """Calls to plan a day with: fewer than allowed, where the carrier lately stopped us earlier."""
    per_day = budget(carrier)[0]
    since = _day(carrier, carriers_time(house, carrier, now) - _REMEMBERED).isoformat()
    gave = house.ledger.gave(carrier.key, since)
    return per_day if gave is None else min(gave, per_day or gave)


def _day(carrier: Carrier, at: datetime) -> date:
    return at.astimezone(ZoneInfo(carrier.budget_zone)).date()
