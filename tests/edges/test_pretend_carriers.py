"""The pretend carriers replay lives in pretended time, check keys, count, and fail on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker_sync.carriers import Carrier, discover
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Reading, Status
from tracker_sync.sandbox.carriers import (
    KEYS,
    Fault,
    PretendCarriers,
    block,
    by_seed,
)
from tracker_sync.sandbox.http import Request
from tracker_sync.sandbox.lives import Entry, Life, story
from tracker_sync.sandbox.replies import GARBAGE
from tracker_sync.wire import Limits, Timer, Wire

EVENING = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
MORNING = EVENING + timedelta(hours=14)
NOON = EVENING + timedelta(hours=18)
PARCEL, UPS_PARCEL, POST = "00340434160010900018", "1ZTSYNC06800000016", "TS000000016GB"
LIVES = {
    "dhl_parcel_de": Life(
        PARCEL,
        "dhl_parcel_de",
        (Entry(EVENING, "LDTMV/MVMTV/AA", place="Hagen"), Entry(NOON, "DLVRD/NGHBR/ZU")),
    ),
    "dhl_unified": Life(
        PARCEL,
        "dhl_unified",
        (
            Entry(EVENING, "transit|The shipment has been processed in the parcel center"),
            Entry(NOON, "delivered", "The shipment has been successfully delivered"),
        ),
    ),
    "ups": Life(
        UPS_PARCEL,
        "ups",
        (Entry(EVENING, "I/AR/005", "Arrived", "Koeln"), Entry(NOON, "D/FS/011", "DELIVERED")),
    ),
    "royalmail": Life(
        POST, "royalmail", (Entry(EVENING, "EVIMC", "Item received"), Entry(NOON, "EVKSP"))
    ),
}
EACH = pytest.mark.parametrize("key", LIVES)


class Caller:
    """Asks the pretend carriers with our own carriers, over real HTTP."""

    def __init__(self, carriers: PretendCarriers, base_url: str) -> None:
        self.carriers = carriers
        self.base_url = base_url
        self._wire = Wire("test", Timer(time.monotonic, time.sleep), limits=Limits(seconds=2))

    def carrier(self, key: str, **changes: Any) -> Carrier:
        cls = discover()[key]
        return cls(cls.Config(**(block(self.base_url)[key] | changes)))

    def ask(self, key: str, *numbers: str, **changes: Any) -> list[Reading]:
        carrier = self.carrier(key, **changes)
        token = carrier.fetch_token(self._wire).value if key == "ups" else None
        return carrier.poll(self._wire, numbers or (LIVES[key].number,), token)

    def ask_with(self, token: str) -> list[Reading]:
        return self.carrier("ups").poll(self._wire, [UPS_PARCEL], token)

    def token(self) -> str:
        return self.carrier("ups").fetch_token(self._wire).value

    def close(self) -> None:
        self._wire.close()


@contextmanager
def calling(faults: Callable[[int], Fault | None] | None = None) -> Iterator[Caller]:
    carriers = PretendCarriers(LIVES.values(), now=MORNING, faults=faults)
    with carriers.serve() as base_url:
        caller = Caller(carriers, base_url)
        try:
            yield caller
        finally:
            caller.close()


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


@EACH
def test_a_life_is_told_as_far_as_it_has_happened(caller: Caller, key: str) -> None:
    [before] = caller.ask(key)
    caller.carriers.now = NOON
    [after] = caller.ask(key)

    assert [scan.at for scan in before.scans] == [EVENING]
    assert before.number == LIVES[key].number
    assert [scan.status for scan in after.scans] == [Status.IN_TRANSIT, Status.DELIVERED]
    assert after.scans[-1].at == NOON


@EACH
def test_a_number_nobody_knows_is_not_found(caller: Caller, key: str) -> None:
    unknown = {"ups": "1ZTSYNC06800000025", "royalmail": "TS000000025GB"}.get(
        key, PARCEL[:-2] + "25"
    )

    [reading] = caller.ask(key, unknown)

    assert reading.not_found
    assert reading.number == unknown


@EACH
def test_a_parcel_is_not_found_before_its_first_entry(caller: Caller, key: str) -> None:
    caller.carriers.now = EVENING - timedelta(minutes=1)

    [reading] = caller.ask(key)

    assert reading.not_found


@EACH
def test_each_carrier_knows_only_its_own_parcels(caller: Caller, key: str) -> None:
    del caller.carriers.lives[key, LIVES[key].number]

    [reading] = caller.ask(key)

    assert reading.not_found


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, names in KEYS.items() for name in names]
)
def test_a_wrong_key_is_refused(caller: Caller, key: str, name: str) -> None:
    with pytest.raises(Rejected):
        caller.ask(key, **{name: "another"})


def test_several_numbers_come_in_one_answer(caller: Caller) -> None:
    known, unknown = caller.ask("dhl_parcel_de", PARCEL, "00340434160010900025")

    assert (known.not_found, unknown.not_found) == (False, True)
    assert caller.carriers.calls == {"dhl_parcel_de": 1}
    assert [asked.number[-4:] for asked in caller.carriers.asked] == ["0018", "0025"]
    assert {asked.at for asked in caller.carriers.asked} == {MORNING}


def test_more_than_twenty_numbers_are_refused(caller: Caller) -> None:
    with pytest.raises(Rejected):
        caller.ask("dhl_parcel_de", *(f"0034043416001{n:07}" for n in range(21)))


def test_a_token_is_good_for_four_hours_and_counts_as_a_call(caller: Caller) -> None:
    token = caller.token()
    assert caller.ask_with(token)
    caller.carriers.now += timedelta(hours=4)

    with pytest.raises(Rejected):
        caller.ask_with(token)

    assert caller.carriers.calls == {"ups": 3}


def test_a_token_can_be_revoked(caller: Caller) -> None:
    token = caller.token()
    caller.carriers.tokens.revoke()

    with pytest.raises(Rejected):
        caller.ask_with(token)

    assert caller.ask_with(caller.token())


def test_a_parcel_can_get_another_life(caller: Caller) -> None:
    caller.carriers.add(Life(PARCEL, "dhl_parcel_de", (Entry(EVENING, "SRTED/NRQRD/PO"),)))

    [reading] = caller.ask("dhl_parcel_de")

    assert reading.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_more_is_laid_over_the_answer(caller: Caller) -> None:
    entry = Entry(EVENING, "DLVRD/ACCPT/ZU", more={"ruecksendung": "true"})
    caller.carriers.add(Life(PARCEL, "dhl_parcel_de", (entry,), {"product-name": "Warenpost"}))

    [reading] = caller.ask("dhl_parcel_de")

    assert (reading.service, reading.scans[-1].status) == ("Warenpost", Status.RETURNED)


@pytest.mark.parametrize("key", ["dhl_parcel_de", "dhl_unified"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=429, retry_after=7), Throttled),
        (Fault(status=500), Unavailable),
        (Fault(cut=True), Unavailable),
        (Fault(hang=0.2), Unavailable),
        (Fault(status=200, html=True), Unreadable),
        (Fault(status=200, body=GARBAGE), Unreadable),
    ],
)
def test_a_fault_becomes_the_error_it_stands_for(
    key: str, fault: Fault, error: type[CallError]
) -> None:
    with calling(lambda n: fault if n == 1 else None) as caller:
        with pytest.raises(error):
            caller.ask(key)

        assert caller.ask(key)


def test_one_carrier_can_be_out_alone(caller: Caller) -> None:
    caller.carriers.out = {"ups"}

    with pytest.raises(Unavailable):
        caller.ask("ups")

    assert caller.ask("dhl_unified")


def test_a_seed_always_brings_the_same_faults() -> None:
    first, second = by_seed(7, 0.3), by_seed(7, 0.3)
    faults = [first(n) for n in range(1000)]

    assert faults == [second(n) for n in range(1000)]
    assert 250 < sum(fault is not None for fault in faults) < 350
    assert faults != [by_seed(8, 0.3)(n) for n in range(1000)]


def test_a_path_of_nobody_is_not_found() -> None:
    carriers = PretendCarriers(now=NOON)
    request = Request("GET", "/elsewhere", {}, {}, b"")

    assert carriers.handle(request).status == 404


def test_a_question_that_is_no_xml_is_refused() -> None:
    carriers = PretendCarriers(now=NOON)
    path = "/parcel/de/tracking/v0/shipments"
    login = {"authorization": "Basic c2FuZGJveC1hcHA6c2FuZGJveC1hcHAtc2VjcmV0"}

    answer = carriers.handle(Request("GET", path, {"xml": "<data"}, login, b""))

    assert answer.status == 400


@pytest.mark.parametrize(
    "life",
    [parcel.life for order in story() for parcel in order.parcels],
    ids=lambda life: life.number[-6:],
)
def test_every_word_of_the_story_means_something_to_our_carriers(life: Life) -> None:
    with calling() as caller:
        caller.carriers.add(life)
        caller.carriers.now = life.entries[-1].at
        [reading] = caller.ask(life.carrier, life.number)

    assert len(reading.scans) == len(life.entries)
    assert all(scan.meaning for scan in reading.scans)
    assert [scan.at for scan in reading.scans] == [entry.at for entry in life.entries]
