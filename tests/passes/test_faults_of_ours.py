"""A fault of our own in one item stays in that item; the pass goes on and a person is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from passes.world import World, hurry, moment
from tracker_sync.carriers.ups import Ups
from tracker_sync.model import Advice, Reading, Recipient
from tracker_sync.sources import Bundle, Source, SourceConfig
from tracker_sync.sync import run_pass
from tracker_sync.sync.house import House

A, B = "1Z999AA10123456784", "1Z999AA10123456799"


class BrokenQuestion(Ups):
    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        if numbers[0] == A:
            raise RuntimeError("cannot write the question")
        return super().request(numbers, token)


class OddReading(Ups):
    """Gives a scan that the database cannot keep."""

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        for reading in super().read(payload, asked):
            bad = tuple(replace(scan, text=object()) for scan in reading.scans)
            yield replace(reading, scans=bad) if reading.number == A else reading


class OddSource(Source):
    """Gives one advice that breaks us, and a good one."""

    key = "odd"
    Config = SourceConfig

    @property
    def name(self) -> str:
        return "odd"

    def fetch(self, taken: Any) -> Iterator[Bundle]:
        good = Advice(number=B, courier="ups", recipient=Recipient("b@shop.example"), where="2")
        bad = replace(good, number=A, language=object(), where="1")
        if "x" not in taken:
            yield Bundle("odd", "x", (bad, good))

    def done(self, bundle: Bundle, refused: Any) -> None:
        self.refused = refused


@contextmanager
def with_carrier(shop: World, cls: type[Ups]) -> Iterator[House]:
    with shop.house() as house:
        hurry(house)
        yield replace(house, carriers={"ups": cls(house.carriers["ups"].config)})


def prepared(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
    shop.parcel(A, "dispatched 2h")
    shop.parcel(B, "dispatched 2h")
    shop.now = moment("3h")


@pytest.mark.parametrize("cls", [BrokenQuestion, OddReading])
def test_a_carriers_fault_costs_one_parcel(shop: World, cls: type[Ups]) -> None:
    prepared(shop)
    with with_carrier(shop, cls) as house:
        report = run_pass(house, shop.now)

    assert shop.sent() == ["dispatched 2h"]
    assert shop.events()[0].email == "b@shop.example"
    assert report.exit_code == 1
    assert "the log has the traceback" in report.new_findings[0]

    shop.run("5h")
    shop.run("8h")
    assert len(shop.sent()) == 2


def test_an_advice_that_breaks_us_is_set_aside(shop: World) -> None:
    shop.run("0h")
    shop.parcel(B, "dispatched 2h")
    shop.now = moment("3h")
    with shop.house() as house:
        source = OddSource(SourceConfig(), house.sources[0].context)
        report = run_pass(replace(house, sources=(source,)), shop.now)

    assert [row["number"] for row in shop.rows("SELECT number FROM shipments")] == [B]
    assert [reject.where for reject in source.refused] == ["1"]
    assert report.exit_code == 1


def test_a_message_that_breaks_us_waits_and_holds_nothing_up(shop: World) -> None:
    prepared(shop)
    with shop.house() as house:
        hurry(house)
        wording = replace(house.wording, tracking_page_link="https://shop.example/{nonsense}")
        report = run_pass(replace(house, wording=wording), shop.now)
    assert shop.sent() == []
    assert report.counts["transitions"] == 2

    shop.run("30h")

    assert len(shop.sent()) == 2


class BrokenSender:
    """Breaks at the first message."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.broken = False

    def send(self, wire: Any, body: str) -> Any:
        if not self.broken:
            self.broken = True
            raise RuntimeError("cannot send this one")
        return self.real.send(wire, body)

    def send_many(self, wire: Any, bodies: Any) -> Any:
        return self.real.send_many(wire, bodies)


def test_a_message_that_breaks_the_sending_is_set_aside(shop: World) -> None:
    prepared(shop)
    with shop.house() as house:
        hurry(house)
        report = run_pass(replace(house, sender=BrokenSender(house.sender)), shop.now)

    assert len(shop.sent()) == 1
    assert report.counts["set_aside"] == 1
