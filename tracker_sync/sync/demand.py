"""How many looks a pass wanted, whether there was a call left for them or not.

The price of a call follows from what was wanted, so that a day that runs short makes the next one
dearer. A look is wanted once, by the pass in which it became due, however often it is then made or
put off. A parcel that waits for its call for so long that the look after it would be due as well
wants another one, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tracker_sync.store import Due

_LEAST = timedelta(minutes=5)
_NEVER_ASKED = timedelta(days=1)  # until another look at such a parcel
_LONGEST = timedelta(hours=1)  # what piled up while no pass ran is no demand of this hour


def begins(passes: Sequence[datetime], now: datetime) -> datetime:
    """From when on a look that became due is one of this pass; *passes*: the one before, if any."""
    return max(now - _LONGEST, *passes) if passes else now - _LONGEST


def wanted(dues: Iterable[Due], since: datetime, now: datetime) -> int:
    """Looks that became due after *since*, at the latest now."""
    return sum(_wanted(due, since, now) for due in dues)


def _wanted(due: Due, since: datetime, now: datetime) -> int:
    first = due.due_at or now
    pause = max(_LEAST, first - due.asked) if due.asked else _NEVER_ASKED
    before = (since - first) // pause + 1 if since >= first else 0
    return max(0, (now - first) // pause + 1 - before)
