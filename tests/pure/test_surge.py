"""How many messages of a kind are usual in an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker_sync.messages.surge import WEEKS, Past, hour_of, most, same_hours

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WEEK = timedelta(weeks=1)
LONG_AGO = NOW - 20 * WEEK


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (Past(peak=0, busiest=0, since=None, parcels=0), 200),
        (Past(peak=0, busiest=0, since=None, parcels=90), 200),
        (Past(peak=0, busiest=0, since=None, parcels=1000), 2000),
        (Past(peak=40, busiest=40, since=NOW - 3 * WEEK, parcels=50), 200),
        (Past(peak=100, busiest=100, since=NOW - 3 * WEEK, parcels=50), 300),
        (Past(peak=40, busiest=60, since=NOW - 4 * WEEK, parcels=9999), 120),
        (Past(peak=40, busiest=500, since=LONG_AGO, parcels=9999), 500),
        (Past(peak=1, busiest=2, since=LONG_AGO, parcels=0), 20),
        (Past(peak=0, busiest=45, since=LONG_AGO, parcels=0), 45),
    ],
)
def test_what_is_usual(past: Past, expected: int) -> None:
    assert most(past, NOW) == expected


def test_an_hour_begins_on_the_hour() -> None:
    assert hour_of(NOW) == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_the_same_hour_of_the_week_goes_by_the_shops_clock() -> None:
    hour = datetime(2026, 11, 2, 9, tzinfo=UTC)  # 10:00 in Berlin, a week after summer time ended

    weeks = same_hours(hour, ZoneInfo("Europe/Berlin"))

    assert len(weeks) == WEEKS
    assert weeks[0] == hour - WEEK  # 26 October, 10:00 winter time
    assert weeks[1] == hour - 2 * WEEK - timedelta(hours=1)  # 19 October, 10:00 summer time
    assert {each.astimezone(ZoneInfo("Europe/Berlin")).hour for each in weeks} == {10}
