"""When a parcel is asked next, with what was learned: worth a call, in time, within the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at, local
from pure.histories import BERLIN, sentences
from tracker_sync.model import Status
from tracker_sync.polling import Habits, Look, Price, clock, next_look, plan, value
from tracker_sync.polling.cells import day_number, keys
from tracker_sync.polling.curve import Curve
from tracker_sync.polling.tally import BIN, BINS, sums

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

# At seven on a working day the van is loaded between eight and half past eight, always.
HABITS = Habits()
HABITS.load(
    [
        ("*", "in_transit/work/07", "0;1000000;2:1000000"),
        ("*", "in_transit/work/22", "0;1000000;"),
        ("*", "problem/work/07", "0;1000000;10:1000000"),
        ("dhl", "in_transit/work/07/due2", "0;1000000;40:1000000"),
    ]
)


def look(status: str | None = "in_transit", since: str = "Tue 05:30", **changes: Any) -> Look:
    """A parcel that was scanned in its depot this morning."""
    facts = {
        "status": Status(status) if status else None,
        "since": at(since),
        "zone": BERLIN,
        "jitter": 0.5,
        "brand": "dhl",
    }
    return Look(**{**facts, **changes})


@pytest.mark.parametrize(
    ("price", "moment"), [(1.0, "08:07"), (5.0, "08:17"), (15.0, "08:30"), (60.0, "09:15")]
)
def test_a_parcel_is_asked_when_the_lateness_is_worth_a_call(price: float, moment: str) -> None:
    assert local(plan(HABITS, look(), Price(price), at("Tue 07:00"))) == f"Tue {moment}"


@sentences(
    "what, moment",
    ("as learned", look(), "Tue 08:30"),
    ("something is wrong with it", look(problem=True), "Tue 12:29"),
    ("the carrier says Thursday", look(estimate=date(2026, 11, 5)), "Wed 03:29"),
    ("the carrier keeps a gap", look(min_gap=3 * HOUR), "Tue 10:00"),
    ("it is needed earlier", look(deadline=at("Tue 07:45")), "Tue 07:45"),
    ("it is needed at once", look(deadline=at("Tue 07:01")), "Tue 07:05"),
    ("it was needed before", look(deadline=at("Tue 06:59")), "Tue 08:30"),
    ("it is needed much later", look(deadline=at("Fri 07:00")), "Tue 08:30"),
    ("the carrier's calls are left", look(max_per_day=3, calls_today=2), "Tue 08:30"),
    ("the carrier's calls are made", look(max_per_day=3, calls_today=3), "Wed 00:30"),
    ("silent for a month", look(since="2026-10-04 07:00"), "Thu 05:05"),
    ("silent for months", look(since="2026-08-04 07:00"), "Thu 07:00"),
    ("delivered", look("delivered"), "never"),
    (
        "delivered, and a review request waits",
        look("delivered", deadline=at("Fri 13:20")),
        "Fri 13:20",
    ),
)
def test_the_plan_keeps_the_rules(what: Look, moment: str) -> None:
    assert local(plan(HABITS, what, Price(15.0), at("Tue 07:00"))) == moment


@pytest.mark.parametrize(
    "what",
    [look(None), look("lost"), look("cancelled"), look("returned"), look(failures=3)],
    ids=["not found", "lost", "cancelled", "returned", "failing"],
)
def test_where_nothing_is_learned_the_plain_pace_holds(what: Look) -> None:
    assert plan(HABITS, what, Price(15.0), at("Tue 09:00")) == next_look(what, at("Tue 09:00"))


def test_neighbours_are_asked_apart_from_each_other() -> None:
    moments = [plan(HABITS, look(jitter=j), Price(15.0), at("Tue 07:00")) for j in (0.0, 0.5, 1.0)]

    assert [local(moment) for moment in moments] == ["Tue 08:25", "Tue 08:30", "Tue 08:34"]


def test_half_an_hour_that_passed_without_news_is_over() -> None:
    assert local(plan(HABITS, look(), Price(15.0), at("Tue 08:00") - MINUTE)) == "Tue 08:30"


@pytest.mark.parametrize(
    ("tomorrow", "moment"),
    [(1e9, "Wed 07:00"), (1.0, "Wed 00:00"), (2500.0, "Wed 01:55")],
    ids=["dear", "cheap", "in between"],
)
def test_what_can_wait_until_after_midnight_is_paid_then(tomorrow: float, moment: str) -> None:
    night = Price(1e9, at("Wed 00:00"), tomorrow)

    assert local(plan(HABITS, look(), night, at("Mon 07:00"))) == moment


def test_what_is_worth_a_call_today_is_asked_today() -> None:
    cheaper_tomorrow = Price(15.0, at("Wed 00:00"), 1.0)

    assert local(plan(HABITS, look(), cheaper_tomorrow, at("Tue 07:00"))) == "Tue 08:30"


def test_a_call_is_spent_on_quiet_news_while_calls_are_cheap() -> None:
    """A parcel just handed over: its first hub scan comes in the evening, the van tomorrow."""
    cells = ("dispatched/work/17", "0;1000000;"), ("dispatched/work/17/quiet", "0;1000;6:250")
    habits = Habits()
    habits.load(("*", cell, value) for cell, value in cells)
    what = look("dispatched", "Tue 16:50")

    hours = [
        (plan(habits, what, Price(price), at("Tue 17:00")) or at("Tue 17:00")) - at("Tue 17:00")
        for price in (6.0, 15.0, 40.0)
    ]

    assert 4 * HOUR > hours[0] < hours[1] < 7 * HOUR < 12 * HOUR < hours[2]


# -- what a call is good for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "minutes"), [("07:00", 0), ("08:00", 0), ("08:30", 15), ("09:00", 45), ("10:00", 105)]
)
def test_a_call_is_worth_the_lateness_since_the_last_answer(now: str, minutes: int) -> None:
    what = look(asked=at("Tue 07:00"))

    assert value(HABITS, what, at(f"Tue {now}")) == pytest.approx(minutes, abs=0.2)


def test_a_price_may_be_reached_before_the_half_hour_is_over() -> None:
    certain = sums([1.0] + [0.0] * (BINS - 1))

    # Lateness grows with the square: after t minutes it is t * t / 60.
    assert Curve([(certain, 1.0)], 0).reached(price=0.6) == pytest.approx(6.0)


def test_where_no_call_is_ever_worth_its_price_the_end_of_the_curve_counts() -> None:
    nothing = sums([0.0] * BINS)

    assert Curve([(nothing, 1.0)], 0).reached(price=4.0) == BIN * BINS


def test_beyond_the_curve_lateness_goes_on_piling_up() -> None:
    what = look(asked=at("Tue 07:00"))

    days = [value(HABITS, what, at(f"{day} 12:00")) for day in ("Thu", "Fri")]

    assert days[1] - days[0] == pytest.approx(24 * 60, rel=0.01)


@pytest.mark.parametrize("status", [None, "delivered", "lost"])
def test_where_nothing_is_learned_a_call_is_worth_the_time_that_passed(status: str | None) -> None:
    what = look(status, asked=at("Mon 07:00"))

    assert value(HABITS, what, at("Mon 07:00")) == 0
    assert value(HABITS, what, at("Tue 07:00")) == pytest.approx(14.4)


# -- whatever happens -----------------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
LOOKS = st.builds(
    Look,
    status=st.sampled_from([None, *Status]),
    since=MOMENTS,
    zone=st.sampled_from([BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]),
    jitter=st.floats(0, 1),
    failures=st.integers(0, 3),
    min_gap=st.timedeltas(timedelta(), timedelta(hours=3)),
    calls_today=st.integers(0, 12),
    max_per_day=st.sampled_from([None, 1, 10]),
    brand=st.just("dhl"),
    problem=st.booleans(),
    estimate=st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1)),
)
AMOUNTS = st.floats(1, 400)
PRICES = st.builds(Price, AMOUNTS, st.none() | MOMENTS, AMOUNTS)


@given(LOOKS, PRICES, MOMENTS)
def test_never_sooner_than_the_gap_and_never_later_than_two_days(
    what: Look, price: Price, now: datetime
) -> None:
    found = plan(HABITS, what, price, now)

    if found is not None:
        least = max(what.min_gap, 5 * MINUTE)
        assert now + least <= found <= now + timedelta(days=2, hours=1)


@given(LOOKS, PRICES, MOMENTS)
def test_the_same_facts_give_the_same_plan(what: Look, price: Price, now: datetime) -> None:
    assert plan(HABITS, what, price, now) == plan(HABITS, what, price, now)


@given(LOOKS, AMOUNTS, AMOUNTS, MOMENTS)
def test_dearer_calls_are_later(what: Look, one: float, other: float, now: datetime) -> None:
    cheap, dear = (plan(HABITS, what, Price(price), now) for price in sorted((one, other)))

    assert cheap is None if dear is None else cheap is not None and cheap <= dear


@given(LOOKS, MOMENTS, st.integers(0, 72), st.integers(0, 72))
def test_waiting_never_makes_a_call_worth_less(
    what: Look, now: datetime, one: int, other: int
) -> None:
    sooner, later = (value(HABITS, what, now + hours * HOUR) for hours in sorted((one, other)))

    assert 0 <= sooner <= later


@given(LOOKS, PRICES, MOMENTS, st.integers(1, 100))
def test_an_answer_is_there_when_it_is_needed(
    what: Look, price: Price, now: datetime, hours: int
) -> None:
    facts = {name: getattr(what, name) for name in Look.__dataclass_fields__}
    facts |= {"deadline": now + hours * HOUR, "min_gap": 5 * MINUTE, "max_per_day": None}

    found = plan(HABITS, Look(**facts), price, now)

    assert found is not None
    assert found <= now + hours * HOUR


def test_every_layer_of_what_was_learned_counts() -> None:
    """The shop, the brand, the last scan and the delivery day, on top of the prior."""
    scanned, start = (clock.minute(at(f"Tue {time}"), BERLIN) for time in ("05:30", "07:00"))
    due = day_number(date(2026, 11, 5))
    layers = keys("dhl", "in_transit", start, scanned, due=due)
    habits = Habits([("", layers[0][1], "0;9;2:9")])
    places = (4, 6, 8, 10)
    habits.load([(*key, f"0;9;{place}:9") for key, place in zip(layers, places, strict=True)])

    curve = Curve(habits.curve("dhl", "in_transit", start, scanned, due=due), start)
    odds = [curve.level(place + 1) - curve.level(place) for place in range(BINS)]

    assert [place for place, chance in enumerate(odds) if chance > 0.02] == [2, *places]
    assert sum(odds) == pytest.approx(1, abs=0.01)


def test_a_call_that_is_never_worth_its_price_is_made_after_two_days() -> None:
    asked = plan(HABITS, look(), Price(1e9), at("Tue 07:00"))

    assert asked == at("Tue 07:00") + timedelta(days=2)
