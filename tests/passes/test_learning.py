"""The planner at work in whole passes: it learns once, keeps it, and makes the calls last."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from passes.world import World, moment, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.store import stamp
from tracker_sync.sync import run_pass

A = "1Z999AA10123456784"
WAY = ("announced 1h", "dispatched 2h", "in_transit 8h", "out_for_delivery 26h", "delivered 30h")


def learned(shop: World) -> dict[tuple[str, str], str]:
    found = shop.rows("SELECT * FROM learned WHERE cell NOT LIKE 'need/%'")
    return {(row["carrier"], row["cell"]): row["value"] for row in found}


def status(shop: World, *options: str) -> str:
    args = ["--config", str(shop.folder / "shop.yaml"), "status", *options]
    result = CliRunner().invoke(main, args, obj=Shop(moment=shop.now))
    assert result.exit_code == 0, result.output
    return result.stdout


def delivered(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, *WAY)
    shop.runs("3h", "33h", "2h")


def test_a_parcels_life_is_learned_once(shop: World) -> None:
    delivered(shop)
    first = learned(shop)
    shop.run("40h")

    assert {carrier for carrier, _ in first} == {"*", "ups"}
    assert learned(shop) == first


def test_learning_anew_from_the_scans_gives_the_same(shop: World) -> None:
    delivered(shop)
    before = learned(shop)
    status(shop, "--relearn")

    assert learned(shop) == before


def test_a_dry_run_teaches_nothing(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, *WAY)
    args = ["--config", str(shop.folder / "shop.yaml"), "sync", "--dry-run"]
    CliRunner().invoke(main, args, obj=Shop(moment=moment("3h")))

    assert not learned(shop)


def test_an_idle_pass_reads_nothing_that_was_learned(shop: World) -> None:
    delivered(shop)
    with shop.house() as house:
        said: list[str] = []
        house.store._connection.raw.set_trace_callback(said.append)
        run_pass(house, shop.now)

    assert not [each for each in said if "learned" in each]


def many(shop: World, count: int) -> list[str]:
    numbers = [f"1Z999AA10{n:09}" for n in range(count)]
    shop.csv(*(f"{n};ups;{n}@shop.example;{n}" for n in numbers))
    return numbers


def test_where_the_calls_do_not_suffice_the_most_valuable_come_first(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        path = shop.folder / "shop.yaml"
        text = path.read_text().replace("client_id: a", "client_id: a, budget: {per_day: 30}")
        path.write_text(text)
        shop.run("0h")
        numbers = many(shop, 20)
        for place, number in enumerate(numbers):
            last = "out_for_delivery 2.5h" if place >= 15 else "returning 2.5h"
            shop.parcel(number, "dispatched 1h", last)
        shop.run("3h")
        asked = shop.calls["ups"]
        shop.run("5h")

        assert asked == 20
        assert shop.calls["ups"] == 29  # and one was for the token
        checked = shop.rows(
            "SELECT status FROM shipments WHERE checked_at = ?", stamp(moment("5h"))
        )
        assert [row["status"] for row in checked].count("out_for_delivery") == 5


def test_status_tells_how_many_calls_are_still_wanted(tmp_path: Path) -> None:
    with world(tmp_path, "dhl_unified") as shop:
        shop.run("0h")
        shop.csv("00340434161094042557;dhl;a@shop.example;1001")
        shop.run("1h")

        (carrier,) = json.loads(status(shop, "--json"))["carriers"]
        assert 1 <= carrier["wanted"] <= 250
        assert "still wanted" in status(shop)


def test_free_places_in_a_call_are_taken_by_what_is_nearly_due(tmp_path: Path) -> None:
    with world(tmp_path, "dhl_parcel_de") as shop:
        shop.run("0h")
        numbers = [f"003404341610940{n:05}" for n in range(12)]
        shop.csv(*(f"{n};dhl;{n}@shop.example;{n}" for n in numbers))
        for number in numbers:
            shop.parcel(number, "dispatched 1h")
        shop.run("3h")
        shop.now = moment("4h")
        with shop.house() as house:
            due, soon = stamp(moment("4h")), stamp(moment("5h"))
            house.store._connection.run("UPDATE shipments SET next_poll_at = ?", soon)
            house.store._connection.run("UPDATE shipments SET next_poll_at = ? WHERE id = 1", due)
            before = shop.calls["dhl_parcel_de"]
            report = run_pass(house, shop.now)

        assert shop.calls["dhl_parcel_de"] == before + 1
        assert report.counts["asked"] == 12


def test_where_the_carrier_gives_no_day_the_shops_own_parcels_do(shop: World) -> None:
    shop.run("0h")
    numbers = many(shop, 25)
    for number in numbers:
        shop.parcel(number, *WAY)
    shop.runs("3h", "33h", "6h")
    shop.csv("1Z999AA10999999999;ups;late@shop.example;9999")
    shop.parcel("1Z999AA10999999999", "dispatched 170h")
    shop.run("172h")

    told = [event.properties for event in shop.events("late@shop.example")]
    assert [p["EstimatedDelivery"] for p in told] == ["2026-11-10"]
    assert [p["EstimatedLatest"] for p in told] == ["2026-11-10"]  # all took as long
    assert [p["EstimateSource"] for p in told] == ["history"]
    assert "EstimatedDelivery" not in shop.events()[0].properties  # nothing was learned then
    args = ["--config", str(shop.folder / "shop.yaml"), "explain", "1Z999AA10999999999"]
    shown = CliRunner().invoke(main, args, obj=Shop(moment=shop.now)).output
    assert "2026-11-10, nine in ten by 2026-11-10" in shown
