"""An answer that is the same as the last one is not read again; any other one is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tracker_sync.carriers import Carrier, Parcel, discover
from tracker_sync.model import Reading, Status
from tracker_sync.store import Due
from tracker_sync.sync import calls, same
from tracker_sync.wire import Timer, Wire

NUMBER = "00340434000000012027"
NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
EVENT = {
    "timestamp": "2026-03-18T10:02:00",
    "statusCode": "transit",
    "status": "The shipment has been processed in the parcel center",
}


class Answering(httpx.BaseTransport):
    """Gives one answer to everything, until another is set."""

    def __init__(self) -> None:
        self.status, self.body = 200, self.written()

    @staticmethod
    def written(**more: object) -> bytes:
        shipment = {"id": NUMBER, "service": "parcel-de", "status": EVENT, "events": [EVENT]}
        return json.dumps({"shipments": [shipment | more]}).encode()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, content=self.body)


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
def wire(answering: Answering) -> Iterator[Wire]:
    timer = Timer(time.monotonic, time.sleep)
    with closing(Wire("dhl_unified", timer, transport=answering)) as wire:
        yield wire


def carrier(key: str = "dhl_unified", **more: object) -> Carrier:
    cls = discover()[key]
    return cls(cls.Config(api_key="k", **more))


def asked(wire: Wire, by: Carrier, *parcels: Parcel) -> Reading:
    return same.ask(by, wire, parcels, None)[0]


def again(reading: Reading, **more: object) -> Parcel:
    """The parcel at the next look."""
    return Parcel(NUMBER, "dhl", mark=reading.mark, **more)  # type: ignore[arg-type]


def test_the_same_answer_is_not_read_again(wire: Wire) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))

    second = asked(wire, carrier(), again(first))

    assert first.scans[-1].status is Status.IN_TRANSIT
    assert first.mark
    assert second == Reading(NUMBER, unmoved=True)


def test_one_changed_letter_is_read(wire: Wire, answering: Answering) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))
    answering.body = answering.written(service="parcel-nl")

    second = asked(wire, carrier(), again(first))

    assert not second.unmoved
    assert second.service == "parcel-nl"


@pytest.mark.parametrize(
    "more", [{"codes": {"parcel-de|new": "delivered"}}, {"service": "parcel-de"}]
)
def test_another_configuration_reads_the_same_answer_anew(
    wire: Wire, more: dict[str, object]
) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))

    assert not asked(wire, carrier(**more), again(first)).unmoved


def test_a_day_of_shipping_that_arrived_later_reads_it_anew(wire: Wire) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))
    shipped = datetime(2026, 3, 17, 9, tzinfo=UTC)

    assert not asked(wire, carrier(), again(first, shipped_at=shipped)).unmoved


def test_another_release_of_the_program_reads_it_anew(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))
    monkeypatch.setattr(same, "__version__", "999.0")

    assert not asked(wire, carrier(), again(first)).unmoved


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (200, b'{"shipments": []}')])
def test_not_found_is_never_left_unread(
    wire: Wire, answering: Answering, status: int, body: bytes
) -> None:
    answering.status, answering.body = status, body

    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))

    assert first.not_found
    assert not first.mark


def test_an_answer_about_several_numbers_is_always_read(wire: Wire, answering: Answering) -> None:
    numbers = [NUMBER, "00340434000000012034"]

    class Several(type(carrier())):  # type: ignore[misc]
        """Reads what it is asked, as a carrier with batches does."""

        def read_for(self, payload: object, parcels: Sequence[Parcel]) -> Iterator[Reading]:
            return (Reading(parcel.number) for parcel in parcels)

    by = Several(Several.Config(api_key="k"))
    readings = same.ask(by, wire, [Parcel(number, "dhl") for number in numbers], None)

    assert [reading.mark for reading in readings] == ["", ""]


@pytest.mark.parametrize(
    ("due", "read"),
    [
        ({}, False),
        ({"carrier": "gls"}, True),  # another carrier's answer came in between
        ({"unknown_to": frozenset({"dhl_unified"})}, True),  # it did not know the parcel meanwhile
    ],
)
def test_only_the_last_answer_of_the_same_carrier_counts(
    wire: Wire, due: dict[str, Any], read: bool
) -> None:
    first = asked(wire, carrier(), Parcel(NUMBER, "dhl"))
    values = {"carrier": "dhl_unified", "unknown_to": frozenset(), "mark": first.mark} | due
    known = Due(1, NUMBER, 0, 0, found=True, taken_at=NOW, brand="dhl", **values)

    answer = calls.make(calls.Call((known,)), carrier(), {}, wire)

    assert isinstance(answer, list)
    assert isinstance(answer[0], Reading)
    assert answer[0].unmoved is not read
