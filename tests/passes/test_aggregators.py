"""A brand without an API of its own, told by an aggregator that takes money for every number."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from passes.world import World, moment, spelled, world
from tracker_sync.cli import main
from tracker_sync.cli.common import Shop
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sync import run_pass

A, B, C = "T00AA0000000001", "T00AA0000000002", "T00AA0000000003"
UPS, LOST_TO_UPS = "1Z999AA10123456784", "1Z999AA10123456799"
SAYS = {
    "announced": "InfoReceived",
    "dispatched": "InTransit_PickedUp",
    "in_transit": "InTransit_Arrival",
    "out_for_delivery": "OutForDelivery_Other",
    "delivered": "Delivered_Other",
}
ALREADY, UNKNOWN, NO_CARRIER, USED_UP, NOTHING = (
    -18019901,
    -18019902,
    -18019903,
    -18019908,
    -18019909,
)


class Died(BaseException):
    """The process ended here."""


@dataclass
class Pretend17Track:
    """What 17TRACK watches, what is left of the plan, and every call that came."""

    shop: World
    left: int = 100
    watched: set[str] = field(default_factory=set)
    forgets: set[str] = field(default_factory=set)  # watched, and not yet shown as such
    unrecognised: set[str] = field(default_factory=set)
    calls: list[tuple[str, datetime, list[Any]]] = field(default_factory=list)
    thinks: float = 0.0  # seconds over each answer
    most: int = 0  # calls under way at the same time
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, request: Request) -> Response:
        """Answer, and see how many others wait for an answer."""
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
        time.sleep(self.thinks)
        with self._lock:
            self._open -= 1
            return self.answer(request)

    def answer(self, request: Request) -> Response:
        """Answer as 17TRACK does."""
        verb, asked = request.path.rsplit("/", 1)[1], json.loads(request.body)
        self.calls.append((verb, self.shop.now, asked))
        if request.headers["17token"] != "a-key":
            return _json({"code": -18010002, "data": {"errors": []}}, 401)
        if verb == "getquota":
            return _json({"code": 0, "data": {"quota_total": 100, "quota_remain": self.left}})
        take = self._register if verb == "register" else self._tell
        accepted: list[Any] = []
        rejected: list[Any] = []
        for entry in asked:
            told = take(entry["number"])
            if isinstance(told, int):
                error = {"code": told, "message": "no"}
                rejected.append({"number": entry["number"], "error": error})
            else:
                accepted.append(told)
        return _json({"code": 0, "data": {"accepted": accepted, "rejected": rejected}})

    def _register(self, number: str) -> dict[str, Any] | int:
        if number in self.watched:
            self.forgets.discard(number)
            return ALREADY
        if number in self.unrecognised:
            return NO_CARRIER
        if not self.left:
            return USED_UP
        self.left -= 1
        self.watched.add(number)
        return {"origin": 1, "number": number, "carrier": 100331}

    def _tell(self, number: str) -> dict[str, Any] | int:
        if number not in self.watched - self.forgets:
            return UNKNOWN
        life = self.shop.life(number)
        if not life:
            return NOTHING
        events = [
            {"time_utc": f"{at:%Y-%m-%dT%H:%M:%SZ}", "stage": None, "sub_status": SAYS[word]}
            for at, word in reversed(life)
        ]
        history = {"provider": {"key": 100331, "name": "Evri"}, "events": events}
        info = {"tracking": {"providers": [history]}}
        return {"number": number, "carrier": 100331, "track_info": info}

    def numbers(self, verb: str) -> list[str]:
        """Every number named in a call of that kind, in order."""
        return [entry["number"] for name, _, asked in self.calls if name == verb for entry in asked]

    def moments(self, verb: str) -> list[datetime]:
        """When calls of that kind came."""
        return [at for name, at, _ in self.calls if name == verb]


def _json(payload: Any, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(payload).encode())


@contextmanager
def aggregated(
    folder: Path, *, evri: str = "", ups: str = ""
) -> Iterator[tuple[World, Pretend17Track]]:
    """A shop with UPS, and with Evri by way of 17TRACK; further settings of both in YAML."""
    with world(folder, "ups") as shop:
        service = Pretend17Track(shop)
        with serve(service.serve) as url:
            path = folder / "shop.yaml"
            blocks = (
                f'carriers:\n  track17: {{api_key: a-key, base_url: "{url}"}}\n'
                f"  evri: {{via: track17{evri}}}\n  ups: {{{ups}"
            )
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("carriers:\n  ups: {", blocks), encoding="utf-8")
            shop.run("0h")
            yield shop, service


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[World, Pretend17Track]]:
    with aggregated(tmp_path) as made:
        yield made


def quietly(shop: World, at: str) -> None:
    """One pass in which only those are due whose time has come."""
    shop.now = moment(at)
    with shop.house() as house:
        run_pass(house, shop.now)


def command(shop: World, *words: str) -> Result:
    config = str(shop.folder / "shop.yaml")
    return CliRunner().invoke(main, ["--config", config, *words], obj=Shop(moment=shop.now))


def said(result: Result) -> str:
    return " ".join(result.output.split())


# -- registered once, then told ------------------------------------------------------


def test_an_unknown_number_is_registered_once_and_then_told(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, service = both
    shop.parcel(A, "announced 1h", "dispatched 3h", "out_for_delivery 26h", "delivered 29h")
    shop.csv(f"{A};evri;a@shop.example;1001")

    shop.runs("1h", "40h", "1h")

    assert service.numbers("register") == [A]
    assert service.left == 99
    assert shop.sent() == ["dispatched 3h", "out_for_delivery 26h", "delivered 29h"]
    assert shop.events()[0].properties["Carrier"] == "evri"


def test_many_numbers_are_registered_in_one_call(both: tuple[World, Pretend17Track]) -> None:
    shop, service = both
    shop.csv(*(f"T00AA00000000{i:02};evri;a{i}@shop.example;{i}" for i in range(41)))

    shop.run("1h")

    assert [len(asked) for name, _, asked in service.calls if name == "register"] == [40, 1]
    assert len(set(service.numbers("register"))) == 41


@pytest.mark.parametrize("shown", [True, False], ids=["shown at once", "shown later"])
def test_a_crash_between_registering_and_storing_pays_once(
    both: tuple[World, Pretend17Track], shown: bool
) -> None:
    shop, service = both
    shop.parcel(A, "dispatched 3h", "delivered 29h")
    shop.csv(f"{A};evri;a@shop.example;1001")

    def die(step: str) -> None:
        if step == "came back" and service.watched:
            raise Died

    with pytest.raises(Died):
        shop.run("1h", step=die)
    service.forgets = set() if shown else {A}
    shop.runs("2h", "31h", "1h")

    assert service.numbers("register") == ([A] if shown else [A, A])
    assert service.left == 99
    assert shop.sent() == ["dispatched 3h", "delivered 29h"]
    assert not shop.rows("SELECT * FROM findings WHERE resolved_at IS NULL")


def test_the_merchants_carrier_number_goes_along(tmp_path: Path) -> None:
    with aggregated(tmp_path, evri=', via_code: "100331"') as (shop, service):
        shop.csv(f"{A};evri;a@shop.example;1001")
        shop.run("1h")

        (sent,) = (asked for name, _, asked in service.calls if name == "register")
        assert sent == [{"number": A, "carrier": 100331}]


def test_a_carrier_17track_does_not_recognise_is_one_finding_and_asked_again_tomorrow(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, service = both
    service.unrecognised = {A}
    shop.csv(f"{A};evri;a@shop.example;1001", f"{B};evri;b@shop.example;1002")
    shop.parcel(B, "dispatched 2h")

    for hours in range(1, 21):
        quietly(shop, f"{hours}h")

    assert service.numbers("register") == [A, B]
    assert "17TRACK does not recognise the carrier: add via_code" in said(command(shop, "status"))
    assert shop.kinds() == ["dispatched"]

    quietly(shop, "26h")
    assert service.numbers("register") == [A, B, A]


# -- never before the carrier itself ------------------------------------------------


def test_a_carrier_of_its_own_is_asked_first_and_for_twelve_hours(tmp_path: Path) -> None:
    with aggregated(tmp_path, ups="via: track17, ") as (shop, service):
        shop.parcel(UPS, "dispatched 2h", "in_transit 20h", "delivered 29h")
        shop.csv(f"{UPS};ups;a@shop.example;1001", f"{LOST_TO_UPS};ups;b@shop.example;1002")

        shop.runs("1h", "12h", "1h")
        assert service.numbers("register") == service.numbers("gettrackinfo") == []

        shop.runs("13h", "30h", "1h")
        assert service.numbers("register") == [LOST_TO_UPS]
        assert UPS not in service.numbers("gettrackinfo")
        assert shop.kinds("a@shop.example") == ["dispatched", "in_transit", "delivered"]


def test_what_the_aggregator_then_tells_is_told(tmp_path: Path) -> None:
    with aggregated(tmp_path, ups="via: track17, ") as (shop, service):
        shop.csv(f"{LOST_TO_UPS};ups;b@shop.example;1002")
        shop.runs("1h", "14h", "1h")
        shop.carrier_faults = lambda *_: _json({"response": {"errors": []}}, 404)
        shop.parcel(LOST_TO_UPS, "dispatched 14h", "delivered 30h")

        shop.runs("15h", "40h", "1h")

        assert service.numbers("register") == [LOST_TO_UPS]
        assert shop.kinds() == ["dispatched", "delivered"]
        assert shop.events()[0].properties["Carrier"] == "ups"


# -- not more often than it looks itself ------------------------------------------------


def test_a_number_is_asked_about_at_most_once_an_hour(both: tuple[World, Pretend17Track]) -> None:
    shop, service = both
    shop.parcel(A, "dispatched 1h", "in_transit 8h", "out_for_delivery 25h", "delivered 30h")
    shop.csv(f"{A};evri;a@shop.example;1001")

    for minutes in range(60, 31 * 60, 10):
        quietly(shop, f"{minutes}m")

    asked = service.moments("gettrackinfo")
    assert 3 < len(asked) <= 31
    assert min(b - a for a, b in pairwise(asked)) >= timedelta(hours=1)
    assert shop.kinds() == ["dispatched", "in_transit", "out_for_delivery", "delivered"]


def test_neighbours_that_fill_up_a_call_are_not_asked_about_earlier(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, service = both
    for number in (A, B, C):
        shop.parcel(number, "dispatched 2h", "in_transit 9h")

    for minutes in range(60, 12 * 60, 10):
        if minutes in (60, 80, 100):
            shop.csv(f"{(A, B, C)[(minutes - 60) // 20]};evri;a@shop.example;{minutes}")
        quietly(shop, f"{minutes}m")

    for number in (A, B, C):
        named = (
            at for name, at, asked in service.calls if number in str(asked) if name != "register"
        )
        assert min(b - a for a, b in pairwise(named)) >= timedelta(hours=1)


def test_no_two_calls_are_under_way_at_the_same_time(both: tuple[World, Pretend17Track]) -> None:
    """Calls at the same time were seen to come back empty."""
    shop, service = both
    service.thinks = 0.03
    shop.csv(*(f"T00AA0000000{i:03};evri;;{i}" for i in range(90)))

    shop.run("1h")

    assert len(service.moments("gettrackinfo")) == len(service.moments("register")) == 3
    assert service.most == 1


# -- the plan ------------------------------------------------------------------------------


def test_a_used_up_plan_is_one_finding_and_the_other_parcels_go_on(tmp_path: Path) -> None:
    with aggregated(tmp_path) as (shop, service):
        service.left = 1
        shop.runs("12h", "13h", "1h")  # the plan is read again after half a day
        shop.parcel(A, "dispatched 14h", "delivered 30h")
        shop.parcel(B, "dispatched 14h", "delivered 30h")
        shop.parcel(UPS, "dispatched 14h", "delivered 30h")
        shop.csv(f"{A};evri;a@shop.example;1001", f"{UPS};ups;c@shop.example;1003")
        shop.run("14h")
        shop.csv(f"{B};evri;b@shop.example;1002")

        found = [
            text
            for at in range(15, 32)
            for text in shop.run(spelled(moment(f"{at}h"))).new_findings
        ]

        assert service.numbers("register") == [A]
        assert found == ["track17 does not watch 1 numbers: no registrations are left"]
        assert shop.kinds("a@shop.example") == ["dispatched", "delivered"]
        assert shop.kinds("c@shop.example") == ["dispatched", "delivered"]
        assert not shop.kinds("b@shop.example")
        status = said(command(shop, "status"))
        assert "track17 does not watch 1 numbers: no registrations are left" in status
        assert "0 (" in status


def test_a_new_months_registrations_take_up_what_was_left(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, service = both
    service.left = 0
    shop.runs("12h", "13h", "1h")
    shop.parcel(A, "dispatched 20h", "delivered 60h")
    shop.csv(f"{A};evri;a@shop.example;1001")
    quietly(shop, "14h")
    assert not service.numbers("register")

    service.left = 100
    for hours in range(15, 85):
        quietly(shop, f"{hours}h")

    assert service.numbers("register") == [A]
    assert shop.kinds()[-1] == "delivered"
    assert "no registrations are left" not in said(command(shop, "status"))


def test_a_plan_used_up_by_somebody_else_is_found_out_and_told(
    both: tuple[World, Pretend17Track],
) -> None:
    """Our last look at the plan is up to half a day old."""
    shop, service = both
    service.left = 0
    shop.csv(f"{A};evri;a@shop.example;1001")

    report = shop.run("1h")

    assert report.new_findings == [
        "track17 does not watch 1 numbers: the registrations of the 17TRACK plan are used up"
    ]


# -- what a person is told -----------------------------------------------------------------


def test_status_and_carriers_tell_how_many_registrations_are_left(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, _ = both
    shop.csv(f"{A};evri;a@shop.example;1001")
    shop.run("1h")

    for name in ("status", "carriers"):
        text = said(command(shop, name))
        assert "registrations left" in text
        assert "99 (" in text
    (mine,) = (
        c
        for c in json.loads(command(shop, "status", "--json").stdout)["carriers"]
        if c["key"] == "track17"
    )
    assert mine["quota_left"] == 99
    assert mine["quota_at"] == "2026-11-02T07:00:00Z"


def test_a_brand_behind_an_aggregator_is_not_one_nobody_asks_about(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, _ = both
    shop.csv(f"{A};evri;a@shop.example;1001", f"{B};gls;a@shop.example;1002")
    shop.run("1h")

    status, check = said(command(shop, "status")), said(command(shop, "check"))

    assert "Nobody is asked about 1 of gls" in status
    assert "of evri" not in status
    assert "open parcels of evri" not in check


def test_check_says_where_the_numbers_go(tmp_path: Path) -> None:
    with aggregated(tmp_path, ups="via: track17, ") as (shop, _):
        text = said(command(shop, "check"))

        assert "track17: tracking numbers leave for 17TRACK (api.17track.net)" in text
        assert "(evri, ups)" in text


def test_a_refused_key_stops_the_aggregator_and_says_what_to_do(
    both: tuple[World, Pretend17Track],
) -> None:
    shop, service = both
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("a-key", "another"), encoding="utf-8")
    shop.csv(f"{A};evri;a@shop.example;1001", f"{UPS};ups;a@shop.example;1002")
    shop.parcel(UPS, "dispatched 2h")

    report = shop.run("3h")

    assert len([at for _, at, _ in service.calls if at == shop.now]) == 1
    (finding,) = report.new_findings
    assert finding.startswith("track17: 17TRACK refuses the key: compare api_key with")
    assert shop.kinds() == ["dispatched"]
