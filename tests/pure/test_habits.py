"""What the scans taught: filed once, kept in rows, forgotten slowly, the same after a rebuild."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at
from pure.histories import BERLIN
from tracker_sync.polling import Habits, estimate, word
from tracker_sync.polling.cells import keys
from tracker_sync.polling.clock import DAY, WEEK, minute, moment
from tracker_sync.polling.curve import Curve, Part
from tracker_sync.polling.habits import DOUBT
from tracker_sync.polling.news import WEIGHTS, events
from tracker_sync.polling.tally import BINS, HALF_LIFE, HORIZON, Tally

LIFE = (
    ("announced", "Mon 10:00"),
    ("dispatched", "Mon 17:00"),
    ("in_transit", "Mon 21:00"),
    ("in_transit", "Tue 05:30"),
    ("out_for_delivery", "Tue 08:10"),
    ("delivered", "Tue 13:20"),
)


def life(weeks: int = 0) -> list[tuple[str, datetime]]:
    return [(word, at(when) + timedelta(weeks=weeks)) for word, when in LIFE]


def taught(*, times: int = 1, brand: str = "dhl") -> Habits:
    habits = Habits()
    for week in range(times):
        history = life(week)
        habits.observe(brand, history, history[-1][1], zone=BERLIN)
    return habits


def numbers(habits: Habits) -> dict[tuple[str, str], list[float]]:
    """Every cell as numbers: sightings, then news by half hour."""
    found = {}
    for carrier, cell, value in habits.rows():
        tally = Tally.of(value)
        found[carrier, cell] = [tally.week, tally.seen, *tally.bins]
    return found


# -- the wall clock -------------------------------------------------------------------------------


def test_minutes_are_counted_from_a_monday_by_the_wall_clock() -> None:
    assert minute(at("Mon 00:00"), BERLIN) % WEEK == 0
    assert minute(at("Wed 07:30"), BERLIN) % WEEK == 2 * DAY + 7 * 60 + 30


def test_the_night_of_october_is_no_hour_longer_by_the_clock() -> None:
    before, after = at("2026-10-24 20:00"), at("2026-10-25 20:00")

    assert minute(after, BERLIN) - minute(before, BERLIN) == DAY


@given(st.integers(0, 366 * DAY))
def test_a_minute_is_turned_back_into_its_moment(minutes: int) -> None:
    count = minute(at("2026-01-01 00:00"), BERLIN) + minutes

    assert minute(moment(count, BERLIN), BERLIN) - count in (0, 60)  # 60: an hour that never was


# -- what is filed where --------------------------------------------------------------------------


def test_a_parcel_on_its_way_with_a_problem_is_a_case_of_its_own() -> None:
    assert word("in_transit", problem=True) == "problem"
    assert word("in_transit") == "in_transit"
    assert word("ready_for_pickup", problem=True) == "ready_for_pickup"


@pytest.mark.parametrize(
    ("seen", "scanned", "cells"),
    [
        ("Tue 07:10", "Tue 05:30", ["work/07", "work/07/new", "work/07/0d03h"]),
        ("Thu 07:10", "Wed 22:30", ["work/07", "work/07/new", "work/07/1d21h"]),
        ("Fri 23:59", "Thu 00:00", ["fri/23", "fri/23/1d", "fri/23/1d00h"]),
        ("Sat 00:00", "Wed 12:00", ["sat/00", "sat/00/2d", "sat/00/3d"]),
        ("Sun 12:00", "Mon 12:00", ["sun/12", "sun/12/old", "sun/12/3d"]),
    ],
)
def test_cells_go_from_coarse_to_fine(seen: str, scanned: str, cells: list[str]) -> None:
    found = keys("dhl", "in_transit", minute(at(seen), BERLIN), minute(at(scanned), BERLIN))

    assert found[0][0] == "*"
    assert {carrier for carrier, _ in found[1:]} == {"dhl"}
    assert [cell for _, cell in found] == [f"in_transit/{cell}" for cell in cells]


@pytest.mark.parametrize(
    ("days", "cell"), [(-4, "due-1"), (-1, "due-1"), (0, "due0"), (2, "due2"), (9, "due3")]
)
def test_the_delivery_day_is_the_finest_cell(days: int, cell: str) -> None:
    seen = minute(at("Tue 07:10"), BERLIN)

    found = keys("dhl", "in_transit", seen, seen, due=seen // DAY + days)

    assert found[-1] == ("dhl", f"in_transit/work/07/{cell}")


def test_news_is_what_differs_and_an_attempt_of_another_day() -> None:
    told = [(0, "problem"), (60, "problem"), (70, "dispatched"), (80, "dispatched")]
    told += [(90, "in_transit"), (DAY, "out_for_delivery"), (2 * DAY, "out_for_delivery")]

    weights = [weight for _, _, weight in events(told, WEIGHTS)]

    assert weights == [1.0, 0.0, 0.5, 0.0, 0.0, 1.0, 1.0]


# -- tallies --------------------------------------------------------------------------------------


def test_a_tally_is_spelled_and_read() -> None:
    tally = Tally(7)
    tally.add(7, 75, 0.5)
    tally.add(7, HORIZON, 1.0)

    assert tally.text() == "7;2;2:0.5"
    assert Tally.of(tally.text()).bins == tally.bins
    assert Tally.of("7;2;").bins == [0.0] * BINS


def test_half_a_year_ago_counts_half() -> None:
    tally = Tally(0)
    tally.add(0, 0, 1.0)
    tally.add(HALF_LIFE, HORIZON, 1.0)

    assert tally.seen == pytest.approx(1.5)
    assert tally.bins[0] == pytest.approx(0.5)


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, HORIZON)), min_size=1))
def test_the_order_of_learning_does_not_matter(sightings: list[tuple[int, int]]) -> None:
    forth, back = Tally(), Tally()
    for week, delay in sightings:
        forth.add(week, delay, 1.0)
    for week, delay in reversed(sightings):
        back.add(week, delay, 1.0)

    assert forth.week == back.week
    assert forth.seen == pytest.approx(back.seen)
    assert forth.bins == pytest.approx(back.bins)


# -- learning -------------------------------------------------------------------------------------


def test_every_full_hour_of_a_life_is_one_sighting() -> None:
    found = numbers(taught())

    hours = 14 + 13  # Mon 10:00 to 23:00, Tue 00:00 to 13:00; delivered at 13:20 ends it
    hours += 1
    everything = [
        value for (carrier, cell), value in found.items() if carrier == "*" and "quiet" not in cell
    ]
    assert sum(seen for _, seen, *_ in everything) == pytest.approx(hours)
    morning = found["dhl", "in_transit/work/07/0d03h"]
    assert morning[1:5] == [1.0, 0.0, 0.0, 1.0]  # 70 minutes later it was in the van


@given(st.lists(st.integers(0, 40 * 60), max_size=12))
def test_learning_bit_by_bit_is_learning_at_once(minutes: list[int]) -> None:
    whole, history = taught(), life()
    bits, after = Habits(), None
    looks = [history[0][1] + timedelta(minutes=m) for m in sorted(minutes)]
    for now in [*looks, history[-1][1]]:
        known = [step for step in history if step[1] <= now]
        after = bits.observe("dhl", known, now, zone=BERLIN, after=after)

    assert numbers(bits) == numbers(whole)


def test_asking_again_about_a_delivered_parcel_teaches_nothing_new() -> None:
    habits, history = Habits(), life()
    after = habits.observe("dhl", history, history[-1][1], zone=BERLIN)
    before = numbers(habits)

    again = habits.observe("dhl", history, at("Fri 12:00"), zone=BERLIN, after=after)

    assert numbers(habits) == before
    assert again == after


def test_two_days_without_news_are_a_sighting_too() -> None:
    habits = Habits()

    until = habits.observe("dhl", life()[:1], at("Wed 12:00"), zone=BERLIN)

    assert until == at("Mon 13:00")
    assert numbers(habits)["*", "announced/work/12"][1:] == [1.0, *[0.0] * BINS]


def test_a_delivery_day_is_learned_beside_the_rest() -> None:
    habits, history = Habits(), life()

    habits.observe("dhl", history, history[-1][1], zone=BERLIN, estimate=date(2026, 11, 3))

    assert ("dhl", "in_transit/work/07/due0") in numbers(habits)


# -- rows -----------------------------------------------------------------------------------------


def test_a_pass_writes_only_what_changed() -> None:
    habits = taught()
    everything = habits.changed()

    assert everything == list(habits.rows())
    assert habits.changed() == []

    habits.observe("ups", life(1)[:2], at("Mon 18:00") + timedelta(weeks=1), zone=BERLIN)

    assert {carrier for carrier, _, _ in habits.changed()} == {"*", "ups"}


def test_stored_rows_bring_everything_back() -> None:
    before, after = taught(times=3), Habits()
    after.load(before.rows())
    assert list(after.rows()) == list(before.rows())

    for habits in (before, after):
        history = life(3)
        habits.observe("dhl", history, history[-1][1], zone=BERLIN)

    assert numbers(after).keys() == numbers(before).keys()
    for cell, value in numbers(after).items():
        assert value == pytest.approx(numbers(before)[cell], rel=1e-4)


def test_the_prior_is_no_row() -> None:
    assert list(Habits([("", "in_transit/work/07", "0;10;2:9")]).rows()) == []


# -- curves ---------------------------------------------------------------------------------------


def peak(habits: Habits, brand: str = "dhl") -> int:
    seen = minute(at("Tue 07:00"), BERLIN)
    parts = habits.curve(brand, "in_transit", seen, minute(at("Tue 05:30"), BERLIN))
    found = odds(parts, seen)
    return found.index(max(found))


def odds(parts: list[Part], start: int) -> list[float]:
    """News to be expected in every half hour."""
    curve = Curve(parts, start)
    return [curve.level(place + 1) - curve.level(place) for place in range(BINS)]


def test_a_shop_without_anything_expects_news_at_any_time() -> None:
    parts = Habits().curve("dhl", "in_transit", 0, 0)

    assert odds(parts, 0) == pytest.approx([1 / BINS] * BINS)


def test_a_new_carrier_may_be_like_no_other() -> None:
    seen = minute(at("Tue 07:00"), BERLIN)
    cells = "in_transit/work/07", "in_transit/work/07/0d03h"
    habits = Habits([("", cell, "0;1000000;2:1000000") for cell in cells])

    found = odds(habits.curve("dhl", "in_transit", seen, seen - 90), seen)

    assert found[2] == pytest.approx(1 - DOUBT, abs=0.01)
    assert found[20] == pytest.approx(DOUBT / BINS)


def test_what_is_learned_moves_a_curve_from_the_prior_to_the_carrier() -> None:
    prior = [("", "in_transit/work/07", "0;50;9:50")]
    assert peak(Habits(prior)) == 9

    few, many = Habits(prior), Habits(prior)
    few.load(taught().rows())
    many.load(taught(times=15).rows())

    assert peak(few) == 9
    assert peak(many) == 2
    assert peak(many, "new carrier") == 2  # the shop's other parcels tell something


# -- our own estimate -----------------------------------------------------------------------------


def test_an_estimate_is_the_day_of_half_and_of_nine_in_ten() -> None:
    habits = Habits()
    for days in [1] * 16 + [2] * 12 + [4] * 4:
        monday, end = at("Mon 17:00"), at("Mon 12:00") + timedelta(days=days)
        habits.observe("dhl", [("dispatched", monday), ("delivered", end)], end, zone=BERLIN)
    monday = date(2026, 11, 2)

    assert estimate(habits, "dhl", "dispatched", monday, today=monday) == (
        date(2026, 11, 3),
        date(2026, 11, 6),
    )
    later = estimate(habits, "dhl", "dispatched", monday, today=date(2026, 11, 4))
    assert later is None  # sixteen parcels are too few to speak


def test_nothing_is_estimated_from_nothing() -> None:
    day = date(2026, 11, 2)

    assert estimate(Habits(), "dhl", "dispatched", day, today=day) is None
