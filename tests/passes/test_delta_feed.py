"""Brands told by AfterShip: one list for all parcels, each number registered once, hourly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from passes.world import World, moment, spelled, world
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sync import run_pass
from tracker_sync.sync.report import Report

A, B, C = "T00AA0000000001", "T00AA0000000002", "T00AA0000000003"
SAYS = {
    "announced": "InfoReceived_001",
    "dispatched": "InTransit_002",
    "in_transit": "InTransit_003",
    "out_for_delivery": "OutForDelivery_001",
    "delivered": "Delivered_001",
}
HOUR = timedelta(hours=1)


@dataclass
class PretendAfterShip:
    """What AfterShip watches, and every call that came."""

    shop: World
    watched: dict[str, str] = field(default_factory=dict)  # number -> courier
    unclear: set[str] = field(default_factory=set)  # numbers whose courier it cannot tell
    page: int = 200
    down: bool = False
    breaks: bool = False  # after the first page
    swallows: bool = False  # takes a registration and does not answer
    calls: list[tuple[str, datetime, dict[str, str]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        """Answer as AfterShip does."""
        with self._lock:
            if request.headers["as-api-key"] != "a-key":
                return _answer(401, 401, {})
            asked = json.loads(request.body) if request.body else dict(request.query)
            kind = "register" if request.body else "feed" if "updated_at_min" in asked else "ask"
            self.calls.append((kind, self.shop.now, asked))
            if self.down:
                return Response(503)
            return {"register": self._register, "feed": self._feed, "ask": self._list}[kind](asked)

    def _register(self, asked: dict[str, str]) -> Response:
        number = asked["tracking_number"]
        if number in self.unclear:
            return _answer(400, 4012, {})
        if number in self.watched:
            return _answer(400, 4003, {"tracking_number": number})
        self.watched[number] = asked.get("slug", "bring")
        if self.swallows:
            return Response(cut=True)
        return _answer(201, 201, self._tracking(number))

    def _list(self, asked: dict[str, str]) -> Response:
        numbers = asked["tracking_numbers"].split(",")
        assert len(numbers) <= 50
        return self._page([n for n in numbers if n in self.watched], 0)

    def _feed(self, asked: dict[str, str]) -> Response:
        if self.breaks and asked.get("cursor"):
            return Response(503)
        since, until = (datetime.fromisoformat(asked[f"updated_at_{x}"]) for x in ("min", "max"))
        assert datetime.fromisoformat(asked["created_at_min"]) < since
        lives = {number: self.shop.life(number) for number in sorted(self.watched)}
        changed = [n for n, life in lives.items() if life and since <= life[-1][0] <= until]
        return self._page(changed, int(asked.get("cursor", 0)))

    def _page(self, numbers: list[str], start: int) -> Response:
        end = start + self.page
        more = end < len(numbers)
        pages = {"next_cursor": str(end) if more else "", "has_next_page": more}
        found = [self._tracking(number) for number in numbers[start:end]]
        return _answer(200, 200, {"pagination": pages, "trackings": found})

    def _tracking(self, number: str) -> dict[str, object]:
        life = self.shop.life(number)
        entries = [
            {"checkpoint_time": at.isoformat(), "subtag": SAYS[word], "tag": SAYS[word][:-4]}
            for at, word in life
        ]
        tag = entries[-1]["tag"] if entries else "Pending"
        slug = self.watched[number]
        return {"tracking_number": number, "slug": slug, "tag": tag, "checkpoints": entries}

    def of(self, kind: str) -> list[dict[str, str]]:
        """What was asked in calls of that kind."""
        return [asked for name, _, asked in self.calls if name == kind]

    def when(self, kind: str) -> list[datetime]:
        """When calls of that kind came."""
        return [at for name, at, _ in self.calls if name == kind]


def _answer(status: int, code: int, data: object) -> Response:
    body = json.dumps({"meta": {"code": code}, "data": data}).encode()
    return Response(status, {"content-type": "application/json"}, body)


@pytest.fixture
def pretend(tmp_path: Path) -> Iterator[PretendAfterShip]:
    """A shop whose parcels of Evri are told about by AfterShip, after its first pass."""
    with world(tmp_path, "ups") as shop:
        service = PretendAfterShip(shop)
        with serve(service.answer) as url:
            path = tmp_path / "shop.yaml"
            block = (
                f'carriers:\n  aftership: {{api_key: a-key, base_url: "{url}"}}\n'
                "  evri: {via: aftership, via_code: hermes-uk}\n"
            )
            path.write_text(path.read_text("utf-8").replace("carriers:\n", block), "utf-8")
            at(shop, "0h")
            yield service


def at(shop: World, when: str) -> Report:
    """One pass in which only what is due is asked about."""
    shop.now = moment(when)
    with shop.house() as house:
        return run_pass(house, shop.now)


def every_five_minutes(shop: World, first: str, last: str) -> None:
    """Passes as cron makes them."""
    now = moment(first)
    while now <= moment(last):
        at(shop, spelled(now))
        now += timedelta(minutes=5)


def order(number: str, who: str) -> str:
    return f"{number};evri;{who}@shop.example;{who}"


def test_one_call_tells_of_many_deliveries(pretend: PretendAfterShip) -> None:
    shop, numbers = pretend.shop, [f"T00AA{i:010d}" for i in range(1, 121)]
    shop.csv(*(order(number, f"k{i}") for i, number in enumerate(numbers)))
    for number in numbers:
        shop.parcel(number, "dispatched 2h", "delivered 25h")
    every_five_minutes(shop, "1h", "2h")
    every_five_minutes(shop, "3h", "4h")
    before = len(pretend.calls)
    at(shop, "25.9h")

    assert [name for name, _, _ in pretend.calls[before:]] == ["feed"]
    assert shop.kinds().count("delivered") == shop.kinds().count("dispatched") == 120
    assert shop.status(A) == "delivered"


def test_a_number_is_registered_once_under_its_courier(pretend: PretendAfterShip) -> None:
    shop = pretend.shop
    shop.csv(order(A, "a"), order(B, "b"))
    every_five_minutes(shop, "1h", "9h")

    asked = sorted(pretend.of("register"), key=lambda body: body["tracking_number"])
    assert asked == [
        {"tracking_number": A, "slug": "hermes-uk"},
        {"tracking_number": B, "slug": "hermes-uk"},
    ]


def test_a_registration_whose_answer_is_lost_is_not_a_second_one(pretend: PretendAfterShip) -> None:
    shop = pretend.shop
    pretend.swallows = True
    shop.csv(order(A, "a"))
    shop.parcel(A, "dispatched 5h")
    at(shop, "1h")
    pretend.swallows = False
    every_five_minutes(shop, "1.1h", "8h")

    assert pretend.watched == {A: "hermes-uk"}
    assert shop.sent() == ["dispatched 5h"]


def test_a_number_that_is_watched_already_costs_nothing(pretend: PretendAfterShip) -> None:
    shop = pretend.shop
    pretend.watched[A] = "hermes-uk"
    shop.csv(order(A, "a"))
    shop.parcel(A, "dispatched 0.5h")
    at(shop, "1h")

    assert pretend.of("register") == []
    assert shop.sent() == ["dispatched 0.5h"]


def test_a_number_whose_courier_is_unclear_is_told_and_tried_a_day_later(
    pretend: PretendAfterShip,
) -> None:
    shop = pretend.shop
    pretend.unclear.add(A)
    shop.csv(order(A, "a"), order(B, "b"))
    report = at(shop, "1h")
    every_five_minutes(shop, "1.1h", "20h")

    assert any("cannot tell the courier" in finding for finding in report.new_findings)
    assert not any(A in finding for finding in report.new_findings)
    assert [asked["tracking_number"] for asked in pretend.of("register")].count(A) == 1
    assert B in pretend.watched


def test_neither_the_list_nor_a_parcel_is_asked_for_more_than_hourly(
    pretend: PretendAfterShip,
) -> None:
    shop = pretend.shop
    shop.csv(order(A, "a"), order(B, "b"))
    shop.parcel(A, "dispatched 2h", "in_transit 8h")
    every_five_minutes(shop, "1h", "14h")
    looks = [at for name, at, asked in pretend.calls if A in asked.get("tracking_numbers", "")]

    assert all(later - earlier >= HOUR for earlier, later in pairwise(pretend.when("feed")))
    assert all(later - earlier >= HOUR for earlier, later in pairwise(looks))
    assert len(pretend.when("feed")) >= 12


def test_an_outage_is_caught_up_page_by_page_without_doubles(pretend: PretendAfterShip) -> None:
    shop = pretend.shop
    shop.csv(order(A, "a"), order(B, "b"), order(C, "c"))
    for number in (A, B, C):
        shop.parcel(number, "dispatched 2h", "out_for_delivery 25h", "delivered 27h")
    every_five_minutes(shop, "1h", "3h")
    pretend.down = True
    for hour in range(4, 30, 2):
        at(shop, f"{hour}h")
    pretend.down, pretend.page = False, 1
    before = len(pretend.calls)
    for hour in range(30, 36):
        at(shop, f"{hour}h")
    pages = [asked.get("cursor", "") for asked in pretend.of("feed")]

    assert {"1", "2"} <= set(pages)
    assert "feed" in {name for name, _, _ in pretend.calls[before:]}
    for who in "abc":
        assert shop.kinds(f"{who}@shop.example").count("delivered") == 1
    assert len({event.key for event in shop.events()}) == len(shop.events())


def test_a_list_that_breaks_off_is_read_again_from_its_start(pretend: PretendAfterShip) -> None:
    shop = pretend.shop
    shop.csv(order(A, "a"), order(B, "b"))
    for number in (A, B):
        shop.parcel(number, "dispatched 2h", "delivered 25h")
    every_five_minutes(shop, "1h", "4h")
    pretend.page, pretend.breaks = 1, True
    at(shop, "25.5h")
    pretend.breaks = False
    at(shop, "26.6h")

    assert shop.kinds().count("delivered") == 2
    assert {shop.status(A), shop.status(B)} == {"delivered"}
