"""Lists of changes of a whole account: which stretch is read next, and what they spare us.

A feed that is up to date tells of every parcel of the account, so a parcel it covers is asked
about by itself once in a while only. After an outage longer than the list reaches back, every
parcel is asked about once.

How far a feed was read is kept beside what it said: a dry run, on its copy, takes nothing away.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tracker_sync.carriers import Carrier
from tracker_sync.carriers.errands import Feed, Window
from tracker_sync.sync.house import House

_LATE = 3  # looks that may fail before the feed counts as down
_EARLY = timedelta(seconds=30)  # cron is no more punctual than that


def next_window(house: House, carrier: Carrier, now: datetime) -> Window | None:
    """The stretch to read now; None where there is no feed or it was read a moment ago."""
    feed = carrier.feed
    if feed is None:
        return None
    known = house.store.ledger.feed_at(carrier.key)
    if known is None:
        # What was before, every parcel's first look tells.
        house.store.ledger.feed_read(carrier.key, now)
        return None
    if now - known < feed.every - _EARLY:
        return None
    since = max(known - feed.overlap, now - feed.reach)
    return Window(since, min(now, since + feed.window))


def rest_of(carrier: Carrier, read: Window, now: datetime) -> Window | None:
    """The stretch after the one that was read; None where it reached the present."""
    if carrier.feed is None or read.until >= now:
        return None
    return Window(read.until, min(now, read.until + carrier.feed.window))


def lost_touch(house: House, carrier: Carrier, now: datetime) -> int:
    """Wake every parcel the feed, that is back, can no longer tell about; how many.

    While it is away parcels are asked about as ever, so there is nothing to wake them for.
    """
    known = house.store.ledger.feed_at(carrier.key)
    if carrier.feed is None or known is None or now - known <= carrier.feed.reach:
        return 0
    brands = house.brands_of(carrier)
    return sum(house.store.looks.wake_all(brand, carrier.key, now) for brand in brands)


def rest(house: House, carrier: Carrier, now: datetime) -> timedelta | None:
    """How long a parcel this carrier knows need not be asked about; None = as ever."""
    feed = carrier.feed
    if feed is None:
        return None
    known = house.store.ledger.feed_at(carrier.key)
    return feed.repair if known and now - known < _late(feed) else None


def _late(feed: Feed) -> timedelta:
    return max(feed.every * _LATE, timedelta(hours=1))
