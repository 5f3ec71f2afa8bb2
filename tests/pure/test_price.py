"""What a call is worth: the calls last until the evening, and none is kept for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at
from pure.histories import BERLIN
from tracker_sync.polling import Needs, Price
from tracker_sync.polling.price import CHEAPEST, DEAREST

HOUR = timedelta(hours=1)


def week(needs: Needs, calls: int, price: float, *, begins: datetime) -> None:
    """A week with so many calls every hour, for a hundred parcels."""
    for hour in range(7 * 24):
        needs.spent(calls, price=price, parcels=100, now=begins + hour * HOUR)


def test_without_a_quota_calls_are_cheap() -> None:
    found = Needs("gls", BERLIN).price(500, quota=None, used=99, now=at("Tue 09:00"))

    assert found == Price(CHEAPEST)


def test_few_parcels_make_calls_cheap_and_many_dear() -> None:
    needs = Needs("dhl_unified", BERLIN)

    now = at("Tue 00:00")
    prices = [needs.price(n, quota=250, used=0, now=now).today for n in (5, 120, 250, 9000)]

    assert prices[0] == CHEAPEST
    assert prices[0] < prices[1] < prices[2] < prices[3] == DEAREST


def test_the_last_call_of_the_day_is_not_the_end() -> None:
    needs = Needs("dhl_unified", BERLIN)

    assert needs.price(10, quota=0, used=0, now=at("Tue 09:00")).today == DEAREST
    assert needs.price(100, quota=250, used=300, now=at("Tue 09:00")).tomorrow < DEAREST


def test_calls_used_up_early_make_the_rest_dearer() -> None:
    needs, now = Needs("dhl_unified", BERLIN), at("Tue 09:00")

    early, late = (needs.price(200, quota=250, used=used, now=now).today for used in (50, 200))

    assert early < late


def test_a_quiet_day_is_cheaper_than_a_busy_one() -> None:
    needs = Needs("dhl_unified", BERLIN)

    saturday = needs.price(200, quota=250, used=0, now=at("Sat 08:00"))
    sunday = needs.price(200, quota=250, used=0, now=at("Sun 00:00"))

    assert saturday.tomorrow == sunday.today < saturday.today < sunday.tomorrow
    assert saturday.midnight == at("Sun 00:00")


def test_what_is_less_worth_knowing_is_dearer_on_both_days() -> None:
    assert Price(5.0, at("Sun 00:00"), 7.0).times(4) == Price(20.0, at("Sun 00:00"), 28.0)


def test_a_week_of_calls_is_expected_again() -> None:
    needs = Needs("gls", UTC)
    begins = datetime(2026, 11, 2, tzinfo=UTC)
    for n in range(16):
        week(needs, 10, 16.0, begins=begins + n * timedelta(weeks=1))
    monday = begins + timedelta(weeks=16)

    assert needs.forecast(100, 16.0, monday) == pytest.approx(240, abs=2)
    assert needs.forecast(200, 16.0, monday) == pytest.approx(480, abs=4)
    assert needs.forecast(100, 64.0, monday) == pytest.approx(120, abs=1)
    assert needs.forecast(100, 16.0, monday + 23.5 * HOUR) == pytest.approx(5, abs=1)


def test_in_the_first_week_a_day_that_ran_short_makes_the_next_one_dearer() -> None:
    needs = Needs("gls", BERLIN)
    before = needs.price(100, quota=250, used=0, now=at("Tue 00:00")).today
    for hour in range(24):
        needs.spent(100, price=before, parcels=100, now=at("Mon 00:00") + hour * HOUR)

    after = needs.price(100, quota=250, used=0, now=at("Tue 00:00")).today
    sunday = needs.forecast(100, 9.0, at("Sun 00:00"))

    assert after > 1.5 * before
    assert sunday == Needs("gls", BERLIN).forecast(100, 9.0, at("Sun 00:00"))


def test_the_passes_of_an_hour_add_up() -> None:
    often, once = Needs("gls", BERLIN), Needs("gls", BERLIN)
    for minutes in range(0, 60, 15):
        now = at("Tue 09:00") + timedelta(minutes=minutes)
        often.spent(3, price=9.0, parcels=50, now=now)
    once.spent(12, price=9.0, parcels=50, now=at("Tue 09:00"))

    assert often.changed() == once.changed()


def test_sundays_and_nights_need_little() -> None:
    needs = Needs("gls", BERLIN)

    sunday, monday = (needs.forecast(100, 9.0, at(f"{day} 00:00")) for day in ("Sun", "Mon"))
    night = needs.forecast(100, 9.0, at("Mon 22:00"))

    assert night < sunday < monday


def test_a_pass_writes_one_row_and_rows_bring_everything_back() -> None:
    before = Needs("dhl_unified", ZoneInfo("America/New_York"))
    before.spent(7, price=25.0, parcels=40, now=at("Tue 09:00"))

    rows = before.changed()

    assert [row[:2] for row in rows] == [("dhl_unified", "need/027")]
    assert before.changed() == []
    after = Needs("dhl_unified", ZoneInfo("America/New_York"), rows)
    assert after.forecast(40, 25.0, at("Tue 06:00")) == before.forecast(40, 25.0, at("Tue 06:00"))


@given(
    st.integers(0, 100_000), st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 7 * 24 * 60)
)
def test_a_price_is_always_a_price(parcels: int, quota: int, used: int, minutes: int) -> None:
    now = at("Mon 00:00") + timedelta(minutes=minutes)

    found = Needs("gls", BERLIN).price(parcels, quota=quota, used=used, now=now)

    assert CHEAPEST <= found.today <= DEAREST
    assert CHEAPEST <= found.tomorrow <= DEAREST
    assert found.midnight is not None
    assert timedelta() < found.midnight - now <= timedelta(hours=25)
