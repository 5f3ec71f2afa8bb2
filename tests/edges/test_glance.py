"""What an operator asks the database, answered from indexes in a fixed number of questions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tracker_sync.messages.message import Message
from tracker_sync.model import Scan, Status, Transition
from tracker_sync.store import Store, stamp

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "shop.db", shop="muster-shop", zones={})
    yield opened
    opened.close()


def parcel(store: Store, number: str, **columns: Any) -> int:
    basics = {
        "brand": "ups",
        "number": number,
        "first_number": number,
        "leg": 1,
        "direction": "outbound",
        "requested": 1,
        "source": "csv",
        "taken_at": stamp(NOW),
        "active_from": stamp(NOW),
    }
    return store.shipments.insert({**basics, **columns})


def owe(store: Store, name: str, kind: str = "delivered", due: timedelta = -HOUR) -> None:
    happened = NOW - 2 * HOUR
    message = Message(
        id=name,
        kind=kind,
        subject="parcel:ups:1:1",
        shipment_id=None,
        occurred_at=happened,
        due_at=NOW + due,
    )
    store.outbox.owe(message, happened)


def rows(found: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in found]


def test_open_shipments_are_counted_by_brand_and_status(store: Store) -> None:
    parcel(store, "1Z0000000000000001", status="in_transit")
    parcel(store, "1Z0000000000000002", status="in_transit", problems="address delayed")
    parcel(store, "00340434161094000017", brand="dhl")
    parcel(store, "1Z0000000000000003", status="delivered", closed_at=stamp(NOW))

    assert rows(store.glance.open_shipments()) == [
        ("dhl", None, 1, 0),
        ("ups", "in_transit", 2, 1),
    ]


def test_the_outbox_is_counted_by_kind_reason_and_whether_it_is_due(store: Store) -> None:
    owe(store, "a")
    owe(store, "b")
    owe(store, "c", due=HOUR)
    owe(store, "d", kind="in_transit")
    store.outbox.hold("d", "quiet hours", NOW + 3 * HOUR)
    owe(store, "e")
    store.outbox.withhold("e", "overtaken: delivered", NOW)

    found = [(r["kind"], r["reason"], r["due"], r["count"]) for r in store.glance.outbox(NOW)]

    assert found == [
        ("delivered", "", 0, 1),
        ("delivered", "", 1, 2),
        ("in_transit", "quiet hours", 0, 1),
    ]


def test_what_klaviyo_refused_is_counted_with_the_oldest(store: Store) -> None:
    nothing = store.glance.set_aside()
    owe(store, "a")
    store.outbox.set_aside("a", "bad", NOW)
    some = store.glance.set_aside()

    assert nothing is not None
    assert tuple(nothing) == (0, None)
    assert some is not None
    assert tuple(some) == (1, stamp(NOW))


def test_calls_are_counted_for_the_day_of_each_account(store: Store) -> None:
    store.ledger.reserve("ups", "2026-11-22", 3, None)
    store.ledger.reserve("ups", "2026-11-21", 7, None)

    assert store.glance.used({"ups": "2026-11-22", "gls": "2026-11-22"}) == {"ups": 3, "gls": 0}
    assert store.glance.used({}) == {}


def test_a_carrier_shows_how_it_does_and_never_its_token(store: Store) -> None:
    store.ledger.keep_token("ups", "very-secret", NOW + HOUR)
    store.ledger.failed("ups", "HTTP 503", NOW)

    found = store.glance.carriers()["ups"]

    assert found["failure"] == "HTTP 503"
    assert "very-secret" not in map(str, tuple(found))


def test_sources_show_what_they_gave_last(store: Store) -> None:
    store.ledger.activate("source", "csv inbox", NOW - HOUR)
    store.ledger.activate("source", "hand", NOW)
    store.ledger.activate("carrier", "ups", NOW, brand="ups")
    store.journal.take("csv inbox", "f1", "001.csv", NOW - HOUR)
    store.journal.take("csv inbox", "f2", "002.csv", NOW)

    found = [(row["name"], row["taken_at"], row["bundles"]) for row in store.glance.sources()]

    assert found == [("csv inbox", stamp(NOW), 2), ("hand", None, 0)]


def test_a_pass_that_died_is_the_last_but_not_the_last_good_one(store: Store) -> None:
    first = store.journal.begin(NOW)
    store.journal.end(first, NOW, 0, {"asked": 2})
    second = store.journal.begin(NOW + HOUR)

    last, good = store.glance.last_pass(), store.glance.last_good_pass()

    assert last is not None
    assert good is not None
    assert (last["id"], last["ended_at"]) == (second, None)
    assert (good["id"], json.loads(good["counts"])) == (first, {"asked": 2})


def test_scans_and_transitions_come_with_when_they_were_seen(store: Store) -> None:
    found = parcel(store, "1Z0000000000000001")
    store.shipments.add_scans(found, "ups", [Scan(NOW - HOUR, "x"), Scan(NOW, "y")], NOW)
    store.shipments.add_transition(found, Transition(Status.DISPATCHED, NOW - HOUR), NOW)

    assert rows(store.glance.scans(found)) == [("ups", stamp(NOW))] * 2
    assert [row["word"] for row in store.glance.transitions(found)] == ["dispatched"]
    facts = store.glance.parcel(found)
    assert facts is not None
    assert (facts["source"], facts["failures"]) == ("csv", 0)
    assert store.glance.parcel(99) is None


def test_near_numbers_begin_or_end_alike(store: Store) -> None:
    parcel(store, "1Z999AA10123456784")
    parcel(store, "1Z999AA10987654321")
    parcel(store, "00340434161094000017", brand="dhl")

    def near(number: str) -> list[str]:
        return [row["number"] for row in store.glance.near(number, 5)]

    assert near("1Z999AA10123456789") == ["1Z999AA10123456784"]
    assert near("000017") == ["00340434161094000017"]
    assert near("774411") == []
    assert near("17") == []


QUESTIONS: dict[str, Callable[[Store], object]] = {
    "open_shipments": lambda store: store.glance.open_shipments(),
    "outbox": lambda store: store.glance.outbox(NOW),
    "set_aside": lambda store: store.glance.set_aside(),
    "used": lambda store: store.glance.used({"ups": "2026-11-22"}),
    "last_pass": lambda store: store.glance.last_pass(),
    "scans": lambda store: store.glance.scans(1),
    "transitions": lambda store: store.glance.transitions(1),
    "parcel": lambda store: store.glance.parcel(1),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_one_statement_that_reads_no_whole_table_but_by_an_index(
    store: Store, name: str
) -> None:
    raw, asked = store._connection.raw, list[str]()
    raw.set_trace_callback(asked.append)
    QUESTIONS[name](store)
    raw.set_trace_callback(None)

    (statement,) = asked
    plan = [row["detail"] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]

    walks = [step for step in plan if re.match(r"SCAN (?!CONSTANT|\d+ CONSTANT)", step)]
    assert all(" INDEX " in step or name == "last_pass" for step in walks), plan
