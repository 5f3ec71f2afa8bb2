"""What a pass asks the database costs the same however much is in it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edges.store_builders import DAY, HOUR, NOW, number, opened, owing, scanned
from tracker_sync import settings
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.model import Recipient, Status, Transition
from tracker_sync.store import Store, stamp
from tracker_sync.sync import run_pass
from tracker_sync.wire import Timer

MANY = 20_000
YAML = """
shop: {id: muster-shop, name: Muster Shop, timezone: Europe/Berlin, language: de}
database: shop.db
sources: [{type: csv, path: "inbox/*.csv"}]
carriers: {dhl_unified: {api_key: synthetic-key}}
klaviyo: {private_key: pk_synthetic}
"""
# Read from end to end for what they hold, a handful of rows or none; of the passes the newest.
SMALL = {"pauses", "waiting", "passes", "CONSTANT ROW"}

_PARCELS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
INSERT INTO shipments (id, brand, number, first_number, leg, direction, requested, source,
    taken_at, active_from, next_poll_at, watch_at, email, status, status_at, first_scan_at,
    last_scan_at, found_at)
SELECT i, 'dhl', printf('00340434%012d', i), printf('00340434%012d', i), 1, 'outbound', 1, 'csv',
    :now, :now, :later, :later, printf('kunde-%d@shop.invalid', i), 'in_transit', :now, :now,
    :now, :now FROM n
"""
_REST = (
    "INSERT INTO numbers SELECT brand, number, id FROM shipments",
    "INSERT INTO orders (id, reference, subject) SELECT id, 1000 + id, 'order:' || id"
    " FROM shipments",
    "INSERT INTO shipment_orders SELECT id, id FROM shipments",
    "INSERT INTO scans (shipment_id, at, position, carrier, origin, code, listed, status, text,"
    " place, seen_at) SELECT id, :now, 0, 'dhl_unified', 'carrier', 'a', 1, 'in_transit', '', '',"
    " :now FROM shipments",
    "INSERT INTO transitions (shipment_id, word, attempt, ordinal, at, recorded_at)"
    " SELECT id, 'in_transit', '', 1, :now, :now FROM shipments",
    "INSERT INTO messages (id, kind, ordinal, subject, shipment_id, order_id, transition_id,"
    " occurred_at, due_at, state, recipient, attempts, attempted_at, decided_at, created_at)"
    " SELECT 'sent-' || id, 'in_transit', 1, '', shipment_id, shipment_id, id, :now, :now,"
    " 'accepted', 'r' || id, 1, :now, :now, :now FROM transitions",
    "INSERT INTO messages (id, kind, ordinal, subject, shipment_id, order_id,"
    " occurred_at, due_at, state, decided_at, created_at)"
    " SELECT 'owed-' || id, 'review_request', 1, '', id, id, :later, :later, 'owed', :now, :now"
    " FROM shipments",
    "INSERT INTO findings SELECT 'expired:' || id, 'text', :now, :now, NULL FROM shipments",
    "INSERT INTO purged SELECT 'hash' || id, :now FROM shipments",
    "INSERT INTO erased SELECT 'hash' || id, :now FROM shipments",
)


def fill(store: Store, many: int) -> None:
    """Many parcels under way, none of them due, each with all that hangs on one."""
    values = {"many": many, "now": stamp(NOW), "later": stamp(NOW + DAY)}
    with store.transaction():
        for sql in (_PARCELS, *_REST):
            store._connection.raw.execute(sql, values)


@contextmanager
def heard(store: Store) -> Iterator[list[str]]:
    """Every statement that is run meanwhile, with its values."""
    said: list[str] = []
    store._connection.raw.set_trace_callback(said.append)
    try:
        yield said
    finally:
        store._connection.raw.set_trace_callback(None)


def scanned_tables(store: Store, statement: str) -> set[str]:
    """The tables a statement reads from end to end."""
    if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)", statement):
        return set()
    plan = store._connection.rows("EXPLAIN QUERY PLAN " + statement)
    steps = [re.match(r"SCAN (CONSTANT ROW|\w+)", row["detail"]) for row in plan]
    return {step[1] for step in steps if step} - SMALL


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with closing(opened(tmp_path_factory.mktemp("plans") / "shop.db")) as store:
        fill(store, MANY)
        yield store


MESSAGE = owing(7, "review_request", id="owed-7", order_id=7)
QUESTIONS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.shipments.get(7),
    "find": lambda store: store.shipments.find("dhl", number(7)),
    "by_number": lambda store: store.shipments.by_number(number(7)),
    "of_order": lambda store: store.shipments.of_order(7),
    "due": lambda store: store.looks.due("dhl", NOW, 2000, "2026-03-02"),
    "watched": lambda store: store.shipments.watched(NOW, 500),
    "looks": lambda store: store.looks.of(7, "2026-03-02"),
    "rest": lambda store: store.shipments.rest(7),
    "known_to": lambda store: store.looks.known_to(7, "dhl_unified", known=False),
    "scans": lambda store: store.shipments.scans(7),
    "told": lambda store: store.shipments.told(7),
    "transition": lambda store: store.shipments.transition(7),
    "add_scans": lambda store: store.shipments.add_scans(7, "ups", [scanned(1)], NOW),
    "add_transition": lambda store: store.shipments.add_transition(
        7, Transition(Status.DELIVERED, NOW), NOW
    ),
    "orders.find": lambda store: store.orders.find("1007"),
    "orders.dissolve": lambda store: store.orders.dissolve(8, 9),
    "owe": lambda store: store.outbox.owe(MESSAGE, NOW),
    "owe_again": lambda store: store.outbox.owe_again(MESSAGE, NOW),
    "reschedule": lambda store: store.outbox.reschedule(replace(MESSAGE, occurred_at=NOW + HOUR)),
    "owed": lambda store: store.outbox.owed(NOW, 500),
    "next_due": lambda store: store.outbox.next_due(),
    "hasten": lambda store: store.outbox.hasten(7, "no recipient known yet", NOW),
    "accepted": lambda store: store.outbox.accepted("owed-7", NOW),
    "sent_to": lambda store: store.outbox.sent_to("r7", NOW),
    "last_to": lambda store: store.outbox.last_to("r7", "review_request", "owed-7"),
    "waits_for": lambda store: store.outbox.waits_for("r7", "owed-7"),
    "of_shipment": lambda store: store.outbox.of_shipment(7),
    "waiting": lambda store: store.outbox.waiting(7, "review_request"),
    "count": lambda store: store.outbox.count(7, "review_request"),
    "is_purged": lambda store: store.privacy.is_purged("dhl", number(7)),
    "is_erased": lambda store: store.privacy.is_erased(Recipient("kunde-1@shop.invalid")),
    "purge_shipments": lambda store: store.privacy.purge_shipments(NOW - DAY, NOW, 500),
    "finding": lambda store: store.journal.finding("expired:7", "text", NOW),
    "resolve": lambda store: store.journal.resolve("klaviyo", NOW),
    "reserve": lambda store: store.ledger.reserve("dhl_unified", "2026-03-02", 1, 250),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_of_a_pass_reads_no_table_from_end_to_end(full: Store, question: str) -> None:
    with heard(full) as said:
        QUESTIONS[question](full)

    assert said
    assert [each for each in said if scanned_tables(full, each)] == []


def test_who_is_due_is_read_in_the_order_of_the_index(full: Store) -> None:
    with heard(full) as said:
        full.looks.due("dhl", NOW, 2000, "2026-03-02")
        full.shipments.watched(NOW, 500)

    plans = [
        row["detail"]
        for statement in said
        for row in full._connection.rows(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert [re.sub(r" (COVERING )?INDEX (\w+) .*", r" \2", plan) for plan in plans] == [
        "SEARCH shipments USING shipments_due",
        "SEARCH shipments USING shipments_watched",
    ]


def test_purging_a_parcel_does_not_read_everybody_elses_messages(full: Store) -> None:
    with closing(full.copied(_beside(full))) as store:
        store.shipments.update(7, {"closed_at": stamp(NOW - 180 * DAY)})

        with toil(store) as thousands:
            assert store.privacy.purge_shipments(NOW - DAY, NOW, 500) == 1

        assert len(thousands) < 10


def _beside(store: Store) -> Path:
    path = store._connection.path
    return path.with_name(f"{path.stem}-{time.monotonic_ns()}.db")


@contextmanager
def toil(store: Store) -> Iterator[list[None]]:
    """One entry for every thousand steps that SQLite's own machine takes meanwhile."""
    thousands: list[None] = []
    store._connection.raw.set_progress_handler(lambda: thousands.append(None), 1000)
    try:
        yield thousands
    finally:
        store._connection.raw.set_progress_handler(None, 1000)


def _idle(folder: Path, many: int) -> tuple[list[str], Store]:
    """The statements of a pass in which nothing is due."""
    (folder / "inbox").mkdir(parents=True)
    path = folder / "tracker-sync.yaml"
    path.write_text(YAML)
    wishes = settings.load(path, environ={})
    store = open_store(wishes)
    fill(store, many)
    timer = Timer(time.monotonic, time.sleep)
    for minutes in (5, 10):
        now = NOW + minutes * HOUR / 60
        with heard(store) as said:
            report = run_pass(build(wishes, store, timer, now), now)
        assert (report.exit_code, report.counts["due"]) == (0, 0)
    return said, store


def test_an_idle_pass_costs_the_same_whatever_the_size(tmp_path: Path) -> None:
    few, small = _idle(tmp_path / "few", 100)
    many, large = _idle(tmp_path / "many", MANY)

    with closing(small), closing(large):
        assert [_shape(each) for each in few] == [_shape(each) for each in many]
        assert len(many) < 60
        assert {table for each in many for table in scanned_tables(large, each)} == set()


def _shape(statement: str) -> str:
    return re.sub(r"'[^']*'|\b\d+\b", "?", statement)
