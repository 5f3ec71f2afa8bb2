"""How waiting ends: a silence is a delay, or the end of a parcel, only after somebody has asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from passes.world import BERLIN, START, World, moment, world
from tracker_sync.sandbox.http import Response
from tracker_sync.store import stamp, unstamp
from tracker_sync.sync import looked, run_pass
from tracker_sync.sync.report import Report

A = "1Z999AA10123456784"
ROW = f"{A};ups;a@shop.example;1001"
DOWN = Response(500, {}, b"")


def alone(shop: World, at: str | datetime) -> Report:
    """One pass in which only those are asked whose time has come."""
    shop.now = moment(at) if isinstance(at, str) else at
    with shop.house() as house:
        return run_pass(house, shop.now)


def looks(shop: World, until: str) -> Iterator[datetime]:
    """Passes at the moments at which the one parcel is due, and after each the next one."""
    while True:
        (row,) = shop.rows("SELECT next_poll_at FROM shipments")
        if row["next_poll_at"] is None or unstamp(row["next_poll_at"]) > moment(until):
            return
        at = unstamp(row["next_poll_at"])
        yield at
        alone(shop, at)


def announced(shop: World, *entries: str) -> None:
    """A parcel that is known before anything goes wrong."""
    shop.run("0h")
    shop.csv(ROW)
    shop.parcel(A, *entries)
    shop.run("3h")


def delays(shop: World) -> list[str]:
    told = [event for event in shop.events() if "Problem" in event.properties]
    return [f"{event.time.astimezone(BERLIN):%a %H:%M}" for event in told]


# -- delays ------------------------------------------------------------------------------------


@pytest.mark.parametrize("life", ["dispatched 2h", "announced 2h"])
def test_a_machine_that_was_off_for_a_week_asks_before_it_speaks(shop: World, life: str) -> None:
    announced(shop, life)
    shop.parcel(A, "in_transit 20h", "in_transit 100h", "out_for_delivery 190h")
    alone(shop, "192h")

    assert delays(shop) == []
    assert not shop.rows("SELECT * FROM transitions WHERE word = 'delayed'")
    assert shop.status(A) == "out_for_delivery"


def test_after_a_week_off_a_silence_that_is_real_is_told_once(shop: World) -> None:
    announced(shop, "dispatched 2h")
    alone(shop, "8.2d")  # Tuesday noon: five working days, and the morning after
    shop.runs("8.3d", "12d", "12h")

    assert delays(shop) == ["Tue 09:00"]


def test_a_carrier_that_was_down_for_a_week_was_not_silent(shop: World) -> None:
    announced(shop, "dispatched 2h")
    shop.carrier_faults = lambda _carrier, _call: DOWN
    shop.runs("9h", "201h", "6h")
    told_while_down = shop.kinds()
    shop.carrier_faults = lambda _carrier, _call: None
    shop.parcel(A, "in_transit 120h")
    shop.runs("202h", "214h", "6h")

    assert told_while_down == ["dispatched"]
    assert delays(shop) == []


def test_a_carrier_that_forgot_a_parcel_was_not_silent(shop: World) -> None:
    announced(shop, "dispatched 2h")
    life = shop.lives.pop(A)
    shop.runs("9h", "201h", "6h")
    forgotten = delays(shop)
    shop.lives[A] = life
    shop.parcel(A, "in_transit 120h")
    shop.run("202h")

    assert forgotten == []
    assert delays(shop) == []


def test_a_carrier_is_asked_when_the_silence_becomes_long(shop: World) -> None:
    """Whatever the plan was: a parcel may rest for two days."""
    announced(shop, "dispatched 2h")
    alone(shop, "190h")  # Tuesday 5:00
    with shop.house() as house, house.store.transaction():
        house.store.shipments.update(1, {"next_poll_at": "2026-11-12T06:00:00Z"})
    alone(shop, "193.9h")
    early = delays(shop)
    alone(shop, "194.1h")

    assert (early, delays(shop)) == ([], ["Tue 09:00"])


def test_a_glance_that_finds_nothing_new_is_an_answer(shop: World) -> None:
    announced(shop, "dispatched 2h")
    shop.now = moment("195h")
    with shop.house() as house, house.store.transaction():
        looked.unmoved(house, 1, shop.now)

    assert len(shop.rows("SELECT * FROM transitions WHERE word = 'delayed'")) == 1


STALLED, UNUSED = "dispatched 74h", "announced 170h"  # on a Thursday, on a Monday


@pytest.mark.parametrize(
    ("home", "there", "life", "told"),
    [
        ("DE", "DE", STALLED, "Fri 13.11. 09:00"),
        ("DE", "FR", STALLED, "Mon 16.11. 09:00"),  # the eleventh is a holiday there
        ("FR", "", STALLED, "Mon 16.11. 09:00"),
        ("FR", "DE", STALLED, "Fri 13.11. 09:00"),
        ("", "", STALLED, "Fri 13.11. 09:00"),
        ("DE", "IL", STALLED, "Sun 15.11. 09:00"),  # the week begins on Sunday there
        ("FR", "AQ", STALLED, "Fri 13.11. 09:00"),  # nobody lists the holidays of Antarctica
        ("DE", "FR", UNUSED, "Thu 12.11. 09:00"),
        ("FR", "DE", UNUSED, "Fri 13.11. 09:00"),
    ],
)
def test_working_days_are_those_where_it_goes_and_the_shops_for_the_hand_over(
    shop: World, home: str, there: str, life: str, told: str
) -> None:
    _lives_in(shop, home)
    shop.run("0h")
    shop.csv(f"{ROW};{there}", header="tracking_number;courier;email;order_id;destination_country")
    shop.parcel(A, life)
    shop.runs("75h", "350h", "25h")

    assert _told(shop) == told


def _lives_in(shop: World, country: str) -> None:
    path = shop.folder / "shop.yaml"
    known = f"language: de, country: {country}" if country else "language: de"
    path.write_text(path.read_text().replace("language: de", known))


def _told(shop: World) -> str:
    """When the delay became true; it is told by the next pass that hears nothing new."""
    (row,) = shop.rows("SELECT at FROM transitions WHERE word = 'delayed'")
    return f"{unstamp(row['at']).astimezone(BERLIN):%a %d.%m. %H:%M}"


# -- giving up -----------------------------------------------------------------------------------


def test_a_number_nobody_knows_is_asked_about_ever_more_rarely(shop: World) -> None:
    shop.csv(ROW)
    alone(shop, "0h")
    times = list(looks(shop, "29d"))

    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert timedelta(hours=2) <= gaps[0] < timedelta(hours=3)
    assert timedelta(hours=20) < gaps[-1] < timedelta(hours=35)
    assert max(gaps) < timedelta(hours=35)
    assert len(times) < 60  # every two hours would be 348


def test_a_parcel_that_is_silent_is_asked_about_ever_more_rarely(shop: World) -> None:
    announced(shop, "dispatched 2h")
    times = list(looks(shop, "58d"))

    by_week = [sum(at - START < timedelta(weeks=w) for at in times) for w in range(9)]
    looks_a_week = [after - before for before, after in pairwise(by_week)]
    assert looks_a_week[0] > 2 * looks_a_week[-1]
    assert max(looks_a_week[4:]) <= 6


def test_a_silent_parcel_is_closed_after_sixty_days_with_one_notice(shop: World) -> None:
    announced(shop, "dispatched 2h")
    shop.runs("1d", "59d", "2d")
    told = shop.kinds()
    closing, later = alone(shop, "61d"), alone(shop, "63d")

    assert (closing.exit_code, later.exit_code) == (1, 0)
    assert closing.new_findings == ["…456784 (ups) was silent for long and is not asked any more"]
    assert shop.rows("SELECT closed_reason FROM shipments")[0]["closed_reason"] == "expired"
    assert shop.kinds() == told == ["dispatched", "delayed"]


def test_a_machine_that_was_off_for_a_month_gives_nobody_up_unasked(shop: World) -> None:
    shop.run("0h")
    shop.csv(ROW)
    shop.run("1h")
    shop.parcel(A, "dispatched 10h", "delivered 50h")
    report = alone(shop, "40d")

    assert report.exit_code == 0
    assert shop.status(A) == "delivered"


def test_while_the_carrier_is_down_nobody_is_given_up(shop: World) -> None:
    shop.run("0h")
    shop.csv(ROW)
    shop.run("1h")
    shop.run("29d")
    shop.carrier_faults = lambda _carrier, _call: DOWN
    down = [alone(shop, f"{hours}h") for hours in range(29 * 24 + 6, 31 * 24, 6)]
    shop.carrier_faults = lambda _carrier, _call: None
    back = [alone(shop, f"{31 * 24 + hours}h") for hours in (0, 6, 12)]

    assert sum(report.counts["expired"] for report in down) == 0
    assert sum(report.counts["expired"] for report in back) == 1


def test_a_number_that_is_refused_every_time_is_given_up_too(shop: World) -> None:
    shop.csv(ROW)
    shop.carrier_faults = lambda _carrier, _call: Response(400, {}, b"{}")
    alone(shop, "0h")
    assert len(list(looks(shop, "29d"))) < 150

    alone(shop, "31d")

    assert shop.rows("SELECT closed_reason FROM shipments")[0]["closed_reason"] == "expired"


def test_many_that_are_given_up_together_are_one_notice(shop: World) -> None:
    _imported(shop, 12)
    shop.run("0h")
    report = shop.run("31d")

    assert report.new_findings == [
        "…000000, …000001, …000002 and 9 more (ups) were never found and are not asked any more"
    ]
    assert shop.sent() == []


def test_a_brand_without_a_carrier_is_given_up_and_says_why(shop: World) -> None:
    shop.csv("JVGL0123456789012345;gls;a@shop.example;1001")
    shop.run("0h")
    report = shop.run("31d")

    assert report.new_findings == [
        "…012345 (gls) was never found (nobody is asked) and is not asked any more"
    ]


def test_an_enclosed_label_that_nobody_used_is_no_news(shop: World) -> None:
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text().replace('csv"}]', 'csv", enclosed_returns: true}]'))
    shop.csv(f"{ROW};return")
    shop.run("0h")
    report = shop.run("31d")

    assert (report.exit_code, report.counts["expired"]) == (0, 1)


# -- many at once --------------------------------------------------------------------------------


def _imported(shop: World, count: int, *ways: str) -> list[str]:
    """Parcels of one file: their numbers."""
    numbers = [f"1Z999AA10{n:09}" for n in range(count)]
    way = cycle(ways or ("outbound",))
    shop.csv(*(f"{n};ups;{n}@shop.example;{n};{w}" for n, w in zip(numbers, way, strict=False)))
    return numbers


def test_what_was_imported_together_does_not_stay_together(tmp_path: Path) -> None:
    """Neither while nobody knows the numbers, nor on their way."""
    with world(tmp_path) as shop:
        numbers = _imported(shop, 200)
        alone(shop, "0h")
        unknown = _busiest(shop)
        for number in numbers:
            shop.parcel(number, "dispatched 1h")
        for minutes in range(120, 150, 5):
            alone(shop, f"{minutes}m")

        assert unknown <= 0.15
        assert _busiest(shop) <= 0.15


def _busiest(shop: World) -> float:
    """The share of parcels that are due in the minute with most of them."""
    sql = "SELECT count(*) AS n FROM shipments GROUP BY substr(next_poll_at, 1, 16)"
    counts = [row["n"] for row in shop.rows(sql)]
    return max(counts) / sum(counts)


def _may_ask(shop: World, per_day: int) -> None:
    path = shop.folder / "shop.yaml"
    budget = f"client_id: a, budget: {{per_day: {per_day}}},"
    path.write_text(re.sub(r"client_id: a,( budget: {.*?},)?", budget, path.read_text()))


def _asked(shop: World, column: str, at: str) -> list[str]:
    """What is known of the parcels that a pass had an answer about."""
    rows = shop.rows(f"SELECT {column} FROM shipments WHERE checked_at = ?", stamp(moment(at)))
    return [row[column] for row in rows]


def test_after_two_days_off_the_budget_goes_to_what_is_worth_most(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        _may_ask(shop, 70)
        shop.run("0h")
        for place, number in enumerate(_imported(shop, 60)):
            word = ("out_for_delivery", "returning", "lost")[place % 3]
            shop.parcel(number, "dispatched 1h", f"{word} 2.5h")
        shop.run("3h")
        _may_ask(shop, 25)
        before = shop.calls["ups"]
        shop.run("51h")

        assert shop.calls["ups"] - before <= 25
        assert _asked(shop, "status", "51h").count("out_for_delivery") == 20


def test_where_calls_are_scarce_a_return_waits_for_the_customers_parcels(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        _may_ask(shop, 50)
        shop.run("0h")
        for number in _imported(shop, 40, "outbound", "return"):
            shop.parcel(number, "dispatched 1h", "in_transit 2.5h")
        shop.run("3h")
        _may_ask(shop, 21)
        shop.run("28h")
        asked = _asked(shop, "direction", "28h")

        assert asked.count("outbound") == len(asked) >= 19
