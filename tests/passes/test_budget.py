"""Calls are kept within what a carrier allows, whoever makes them, and whatever happens to them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from passes.world import Hasty, World, configure, moment, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sync import run_pass
from tracker_sync.sync.account import Account
from tracker_sync.sync.house import House

QUOTA = 40
DAY = timedelta(days=1)


def parcels(shop: World, count: int, brand: str = "ups") -> list[str]:
    """So many parcels nobody knows yet."""
    form = "1Z999AA10{:09}" if brand == "ups" else "003404341610{:08}"
    numbers = [form.format(n) for n in range(count)]
    shop.csv(*(f"{n};{brand};{n}@shop.example;{n}" for n in numbers))
    return numbers


def allow(shop: World, carrier: str, **budget: float) -> None:
    """Write a budget into the shop's YAML."""
    path = shop.folder / "shop.yaml"
    block = json.dumps(budget).replace('"', "")
    text = path.read_text().replace(", budget: {per_second: 50}", "")
    path.write_text(text.replace(f"  {carrier}: {{", f"  {carrier}: {{budget: {block}, "))


def used(shop: World, carrier: str = "ups") -> dict[str, int]:
    """What the ledger says of each day."""
    rows = shop.rows("SELECT day, used FROM budgets WHERE account = ?", carrier)
    return {row["day"]: row["used"] for row in rows}


def as_it_is(shop: World, at: str) -> None:
    """A pass that asks only what is due by itself."""
    shop.now = moment(at)
    with shop.house() as house:
        run_pass(house, shop.now)


# -- in any order of processes, crashes and clocks ----------------------------------------


@dataclass
class Counting:
    """A carrier that counts whatever reaches it, on the day it is there."""

    shop: World
    day: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        with self.lock:
            self.calls[self.day] += 1
        response = self.shop.answer("ups", request)
        return replace(response, delay=0.03)  # so that processes die with calls under way


@contextmanager
def counted(folder: Path, **budget: float) -> Iterator[Counting]:
    """A shop whose UPS counts."""
    with world(folder) as shop:
        ups = Counting(shop)
        with serve(ups) as url:
            shop.urls["ups"] = url
            configure(shop, "ups")
            allow(shop, "ups", **budget)
            yield ups


def start(shop: World, *words: str) -> subprocess.Popen[bytes]:
    """Begin a command as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-m", "tracker_sync", "--config", str(shop.folder / "shop.yaml")]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*command, *words], stdout=quiet, stderr=quiet, env=env)


# Hours after Monday, 7:00: the clock steps back by an hour, over midnight, and back over it again.
CLOCKS = ("4h", "3h", "17.99h", "18h", "17h", "19h")


@pytest.mark.timeout(120)
def test_no_order_of_processes_crashes_and_clocks_makes_one_call_too_many(tmp_path: Path) -> None:
    chance = random.Random(7)
    with counted(tmp_path, per_day=QUOTA) as ups:
        parcels(ups.shop, 200)
        start(ups.shop, "sync", "--now", moment("-7h").isoformat()).wait()  # the day before
        killed = 0
        for at in CLOCKS:
            ups.day, now = moment(at).date().isoformat(), moment(at).isoformat()
            words = ["sync", "--now", now]
            running = [start(ups.shop, *words), start(ups.shop, *words, "--dry-run")]
            time.sleep(chance.uniform(0.4, 1.2))
            running.append(start(ups.shop, *words))
            time.sleep(chance.uniform(0.2, 0.6))
            killed += sum(each.poll() is None for each in running)
            for each in running:
                each.kill()
                each.wait()
            time.sleep(0.1)  # what was on its way arrives
            assert ups.calls[ups.day] <= used(ups.shop).get(ups.day, 0) <= QUOTA
        for at in ("12h", "20h"):  # and what is left can be used
            ups.day = moment(at).date().isoformat()
            assert start(ups.shop, "sync", "--now", moment(at).isoformat()).wait() == 0

        assert killed > len(CLOCKS) / 2
        assert list(used(ups.shop).values()) == [QUOTA, QUOTA, QUOTA]
        assert all(QUOTA / 2 < calls <= QUOTA for calls in ups.calls.values())


def test_a_slow_carrier_is_asked_no_faster_by_pass_after_pass(tmp_path: Path) -> None:
    clock = Hasty()
    at: list[float] = []
    with world(tmp_path, "dhl_unified") as shop:
        allow(shop, "dhl_unified", per_second=0.2)
        shop.run("0h")
        shop.carrier_faults = lambda _carrier, _call: at.append(clock.monotonic())
        for n in range(3):
            shop.csv(f"0034043416161{n:07};dhl;{n}@shop.example;{n}")
            shop.now = moment("1h")
            with shop.house() as house:
                run_pass(replace(house, timer=clock.timer()), shop.now)

    assert len(at) == 3
    assert min(later - earlier for earlier, later in pairwise(at)) > 4.9


# -- the carrier's own day --------------------------------------------------------------


def test_a_pass_that_lasts_beyond_midnight_goes_on_with_the_new_day(tmp_path: Path) -> None:
    with world(tmp_path, "dhl_unified") as shop:
        allow(shop, "dhl_unified", per_second=0.2)
        shop.run("0h")
        parcels(shop, 100, "dhl")
        shop.run("17.975h")  # 23:58:30 in Greenwich; 210 seconds, a call every five

        made = shop.calls["dhl_unified"]
        assert 40 <= made <= 43
        days = used(shop, "dhl_unified")
        assert list(days) == ["2026-11-02", "2026-11-03"]
        assert 17 <= days["2026-11-02"] <= 19
        assert 35 <= days["2026-11-03"] <= 38
        assert sum(days.values()) - made in (11, 12, 13)  # of the last minute: charged to both


def test_a_call_in_the_last_minute_needs_room_on_both_days(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=5)
        shop.run("0h")
        parcels(shop, 30)
        shop.run("17.99h")
        shop.run("18.1h")

        assert used(shop) == {"2026-11-02": 5, "2026-11-03": 5}
        assert shop.calls["ups"] == 4  # the fifth was for the token


def test_a_call_that_waits_for_its_turn_until_the_day_ends_is_not_made_on_it(
    tmp_path: Path,
) -> None:
    clock = Hasty()
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=5)
        shop.run("0h")
        with shop.house() as house:
            house = replace(house, timer=clock.timer())
            eve = moment("17.98h")  # 23:58:48
            account = Account(house, house.carriers["ups"], eve, clock.monotonic())
            assert account.reserve(9, at_once=2)
            assert account.start()
            days = account.days
            assert account.covers(days)

            clock.sleep(20)

            assert not account.covers(days)
            assert account.reserve(9, at_once=2)  # for both days; one more was given back
            account.not_made(days)
            assert account.covers(account.days)
            assert used(shop) == {"2026-11-02": 2, "2026-11-03": 2}


# -- another time is rehearsed --------------------------------------------------------------


def test_a_real_carrier_counts_on_today_whatever_time_is_rehearsed(tmp_path: Path) -> None:
    def ups(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": "3600"})
        return httpx.Response(429, headers={"Retry-After": "600"})

    with world(tmp_path) as shop:
        path = shop.folder / "shop.yaml"
        path.write_text(path.read_text().replace(f', base_url: "{shop.urls["ups"]}"', "", 1))
        shop.run("0h")
        parcels(shop, 3)
        shop.now = moment("240h")
        with shop.house() as house:
            run_pass(real(house, ups, ahead=moment("1h") - shop.now), shop.now)

        (carrier,) = shop.rows("SELECT * FROM carriers WHERE carrier = 'ups'")
        assert set(used(shop)) == {"2026-11-02"}
        assert carrier["blocked_until"][:13] == "2026-11-02T07"
        assert carrier["token_until"] < "2026-11-02T09"


def real(house: House, answer: object, *, ahead: timedelta) -> House:
    """The house with a carrier that is not on this machine."""
    transport = httpx.MockTransport(answer)  # type: ignore[arg-type]
    return replace(house, transport=lambda: transport, ahead=ahead)


# -- the carrier corrects us ---------------------------------------------------------------


def full(shop: World, after: int, **headers: str) -> None:
    """Let the carrier allow so many calls from here, and answer 429 then."""
    first = shop.calls["ups"]
    shop.carrier_faults = lambda _carrier, call: (
        Response(429, {name.replace("_", "-"): text for name, text in headers.items()}, b"")
        if call - first > after
        else None
    )


def test_told_to_wait_until_midnight_the_calls_of_the_day_are_used_up(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=100)
        shop.run("0h")
        parcels(shop, 30)
        full(shop, 10, retry_after=str(15 * 3600))
        shop.run("3h")

        assert used(shop) == {"2026-11-02": 100}
        told = json.loads(output(shop, "status", "--json"))
        assert [each["used"] for each in told["carriers"]] == [100]


def test_a_limit_by_the_hour_leaves_the_calls_of_the_day(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=100)
        shop.run("0h")
        parcels(shop, 30)
        full(shop, 10, retry_after="3600")
        shop.run("17.5h")

        assert used(shop)["2026-11-02"] < 40


def test_the_third_refusal_in_a_row_means_the_day_and_a_burst_is_one(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=100)
        shop.run("0h")
        parcels(shop, 60)
        full(shop, 0)
        spent = []
        for at in ("3h", "4h", "5h"):
            shop.run(at)  # as many calls at once as there are workers
            spent.append(used(shop)["2026-11-02"])
        made = shop.calls["ups"]
        shop.run("10h")

        assert spent[1] < 100 == spent[2]
        assert shop.calls["ups"] == made


def test_where_the_carrier_stops_us_early_the_next_day_is_planned_with_less(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=4000)
        shop.run("0h")
        parcels(shop, 200)
        before = price(shop, "26h")
        full(shop, 50, retry_after=str(15 * 3600))
        shop.run("3h")
        after = price(shop, "26h")

        assert after > 4 * before
        assert price(shop, "300h") < after  # a week later it is tried again


def test_what_a_carrier_says_never_gives_calls_back(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        with shop.house() as house:
            house.ledger.reserve("ups", "2026-11-02", 70, 100)
            house.ledger.used_up("ups", "2026-11-02", 60, 50)

        assert used(shop) == {"2026-11-02": 70}


# -- what was wanted and not made --------------------------------------------------------


def price(shop: World, at: str) -> float:
    """What a call must be worth at UPS then."""
    with shop.house() as house:
        found = house.planner.price(house, house.carriers["ups"], moment(at))
        return float(getattr(found, "today", found))


def needs(shop: World) -> float:
    """What the parcels wanted in the hours that were counted."""
    rows = shop.rows("SELECT value FROM learned WHERE carrier = 'account ups'")
    return sum(float(row["value"].split(";")[1]) for row in rows)


def test_a_day_that_ran_short_makes_the_same_day_dearer(tmp_path: Path) -> None:
    prices = {}
    for name, per_day in (("enough", 10_000), ("short", 30)):
        folder = tmp_path / name
        folder.mkdir()
        with world(folder) as shop:
            allow(shop, "ups", per_day=per_day)
            shop.run("0h")
            for number in parcels(shop, 100):
                shop.parcel(number, "dispatched 1h")
            for hour in range(2, 12):
                as_it_is(shop, f"{hour}h")
            allow(shop, "ups", per_day=300)
            prices[name] = needs(shop)

    assert prices["short"] > 0.5 * prices["enough"]


def test_a_look_that_waits_is_wanted_once_and_not_in_every_pass(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=5)
        shop.run("0h")
        parcels(shop, 100)
        as_it_is(shop, "2h")
        first = needs(shop)
        for minutes in range(125, 175, 5):
            as_it_is(shop, f"{minutes}m")

        assert needs(shop) == pytest.approx(first, rel=0.01)


def test_what_becomes_due_while_the_carrier_wants_no_calls_is_wanted_all_the_same(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=100)
        shop.run("0h")
        with shop.house() as house:
            house.ledger.block("ups", moment("17h"))
        parcels(shop, 40)
        as_it_is(shop, "2h")

        assert shop.calls["ups"] == 0
        assert needs(shop) > 0


# -- what a pass costs -----------------------------------------------------------------


def output(shop: World, *words: str) -> str:
    args = ["--config", str(shop.folder / "shop.yaml"), *words]
    result = CliRunner().invoke(main, args, obj=Shop(moment=shop.now))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_dry_run_says_what_the_pass_costs(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        allow(shop, "ups", per_day=25)
        shop.run("0h")
        parcels(shop, 30)
        rehearse = ("sync", "--dry-run", "--now", moment("3h").isoformat())
        (cost,) = json.loads(output(shop, *rehearse, "--json"))["cost"]
        (again,) = json.loads(output(shop, *rehearse, "--json"))["cost"]
        shown = output(shop, *rehearse)

        assert {key: cost[key] for key in ("carrier", "made", "used", "per_day", "left")} == {
            "carrier": "ups",
            "made": 25,
            "used": 25,
            "per_day": 25,
            "left": 0,
        }
        assert cost["not_made"] == 6  # one call was for the token
        assert cost["wanted"] > 0
        assert (again["made"], again["not_made"]) == (0, 30)
        assert "still wanted today" in shown
        assert "Calls made to carriers: none." in shown
