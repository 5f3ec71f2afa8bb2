"""Where a sighting is filed: coarse cells that fill soon, fine ones that know better later."""

from __future__ import annotations

from datetime import date
from functools import cache

from tracker_sync.polling.clock import DAY, HOUR, WEEK

Key = tuple[str, str]  # carrier, cell; as in the table `learned`

SHOP = "*"  # all carriers of this shop
PRIOR = ""  # shipped with the program
_DAYS = ("work", "work", "work", "work", "fri", "sat", "sun")
_AGES = ((DAY, "/new"), (2 * DAY, "/1d"), (4 * DAY, "/2d"))
_SLOT = 3 * HOUR
_LONG = 3  # days; older last scans are all alike


def hour_cell(word: str, minute: int) -> str:
    """A status, a kind of day and an hour: `in_transit/fri/07`."""
    return _hour_cell(word, minute // HOUR % (WEEK // HOUR))


@cache  # every hour of every parcel is spelled, and there are but some hundred spellings
def _hour_cell(word: str, hour: int) -> str:
    return f"{word}/{_DAYS[hour // 24]}/{hour % 24:02d}"


def keys(
    brand: str, word: str, minute: int, scanned: int, *, due: int | None = None
) -> tuple[Key, ...]:
    """The cells of a parcel seen at that minute, coarse to fine.

    *scanned* is the minute of its newest scan: what was scanned last evening at ten lies in
    a hub, what was scanned this morning at six lies in the depot. *due*: its delivery day.
    """
    hour = hour_cell(word, minute)
    found = (
        (SHOP, hour),
        (brand, hour + _age(minute - scanned)),
        (brand, hour + slot(minute, scanned)),
    )
    return found if due is None else (*found, (brand, hour + _wait(minute, due)))


def slot(minute: int, scanned: int) -> str:
    """When the newest scan was: `/1d18h`, yesterday after six in the evening."""
    day, clock = divmod(scanned, DAY)
    return _slot(minute // DAY - day, clock // _SLOT * 3)


@cache
def _slot(days: int, hour: int) -> str:
    return f"/{days}d{hour:02d}h" if days < _LONG else f"/{_LONG}d"


def _age(minutes: int) -> str:
    for most, name in _AGES:
        if minutes < most:
            return name
    return "/old"


def _wait(minute: int, due: int) -> str:
    return f"/due{max(-1, min(3, due - minute // DAY))}"


def day_number(day: date) -> int:
    """A delivery day as `keys` counts days."""
    return day.toordinal() - 1


def days_cell(word: str, minute: int) -> str:
    """Days until delivered, by the weekday on which a status was reached: `days/dispatched/0`."""
    return f"days/{word}/{minute // DAY % 7}"


def quiet_cell(word: str, minute: int) -> str:
    """Until it was first said to be on its way: `dispatched/work/17/quiet`."""
    return f"{hour_cell(word, minute)}/quiet"
