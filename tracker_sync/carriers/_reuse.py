"""Which of several parcels of one number is meant, by the day they were shipped.

Floor 2. Carriers use their numbers again. A wrong choice would tell a customer of a delivery that
is somebody else's, so where the days do not decide, every parcel that may be meant is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

# A carrier dates the label or the hand-over, a shop the order, the label or the hand-over: labels
# are printed days ahead, and a parcel lies for weeks where goods are missing.
EARLIER, LATER = timedelta(days=10), timedelta(days=30)
_CLEARLY = timedelta(days=2)  # nearer to the shop's day than any other
_NEWER = timedelta(days=14)  # without the shop's day: shipped so much later than any other


def window(shipped_at: datetime) -> tuple[date, date]:
    """Return the first and the last day on which a carrier may date that parcel."""
    return (shipped_at - EARLIER).date(), (shipped_at + LATER).date()


def meant(parcels: Sequence[tuple[datetime | None, T]], shipped_at: datetime | None) -> list[T]:
    """Return the parcel that is meant; several where nothing decides, none where no day fits.

    Each comes with the moment it was shipped. One that does not say when may always be meant.
    """
    dated = [(at, parcel) for at, parcel in parcels if at]
    if shipped_at is None:
        newest = max((at for at, _ in dated), default=None)
        chosen = [parcel for at, parcel in dated if newest and newest - at < _NEWER]
    else:
        fitting = [(at - shipped_at, p) for at, p in dated if -EARLIER <= at - shipped_at <= LATER]
        nearest = min((abs(off) for off, _ in fitting), default=timedelta())
        chosen = [parcel for off, parcel in fitting if abs(off) - nearest < _CLEARLY]
    return chosen + [parcel for at, parcel in parcels if at is None]
