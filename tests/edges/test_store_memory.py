"""What is read and written together comes out as if it were done one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from sqlite3 import IntegrityError
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edges.store_builders import HOUR, NOW, opened, owing, parcel, scanned
from tracker_sync.model import INFO, Meaning, Scan, Status, Transition
from tracker_sync.store import Store, stamp

IDS = (1, 2, 3)
TABLES = ("shipments", "scans", "transitions", "messages", "orders")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(filled(tmp_path / "shop.db")) as store:
        yield store


def filled(path: Path) -> Store:
    """Three parcels, two of them of one order."""
    store = opened(path)
    for serial in IDS:
        parcel(store, serial, email=f"kunde-{serial}@shop.invalid")
    for order, shipments in (("A", (1, 2)), ("B", (3,))):
        made = store.orders.add(order)
        for shipment_id in shipments:
            store.orders.link(shipment_id, made.id)
    store.shipments.add_scans(1, "dhl_unified", [scanned(0), scanned(1)], NOW)
    store.shipments.add_transition(1, Transition(Status.DISPATCHED, NOW), NOW)
    store.outbox.owe(owing(1, "dispatched"), NOW)
    return store


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, as the database holds it."""
    db = store._connection
    return {
        table: [tuple(row) for row in db.rows(f"SELECT * FROM {table} ORDER BY 1")]
        for table in TABLES
    }


def seen(store: Store, shipment_id: int) -> tuple[Any, ...]:
    """Every answer the store gives about a parcel."""
    shipments, looks = store.shipments, store.looks
    shipment = shipments.get(shipment_id)
    return (
        shipment,
        shipments.scans(shipment_id),
        shipments.told(shipment_id),
        looks.of(shipment_id, "2026-03-02"),
        store.learned.until(shipment_id),
        [shipments.of_order(order.id) for order in shipment.orders],
        [store.orders.completed_at(order.id) for order in shipment.orders],
    )


MEANINGS = st.sampled_from(
    [None, INFO, *(Meaning(status=status) for status in (Status.IN_TRANSIT, Status.DELIVERED))]
)
SCANS = st.builds(
    lambda hours, code, meaning, micro: Scan(
        NOW + hours * HOUR + timedelta(microseconds=micro), code, meaning
    ),
    st.integers(0, 3),
    st.sampled_from("abc"),
    MEANINGS,
    st.sampled_from([0, 0, 250_000]),
)
DEEDS = st.one_of(
    st.tuples(st.just("scans"), st.lists(SCANS, max_size=4)),
    st.tuples(st.just("tell"), st.sampled_from([Status.IN_TRANSIT, Status.DELIVERED])),
    st.tuples(st.just("owe"), st.sampled_from(["dispatched", "delivered"])),
    st.tuples(st.just("columns"), st.sampled_from([{"service": "x"}, {"status": "delivered"}])),
    st.tuples(st.just("unknown to"), st.booleans()),
    st.tuples(st.just("complete"), st.booleans()),
    st.tuples(st.just("hasten"), st.none()),
    st.tuples(st.just("wake"), st.none()),
)


def tell(store: Store, shipment_id: int, word: Status) -> tuple[int, bool] | None:
    if (word.value, "") in store.shipments.told(shipment_id):
        return None
    change = Transition(word, NOW)
    ordinal = store.shipments.add_transition(shipment_id, change, NOW)
    return ordinal, store.outbox.owe(owing(shipment_id, word.value), NOW, transition=change)


def complete(store: Store, shipment_id: int, done: bool) -> None:
    order = store.shipments.get(shipment_id).orders[0]
    store.orders.complete(order.id, NOW if done else None)


# What a pass does to a parcel.
DOES: dict[str, Callable[[Store, int, Any], Any]] = {
    "scans": lambda s, i, scans: s.shipments.add_scans(i, "dhl_unified", scans, NOW, settled="c"),
    "tell": tell,
    "owe": lambda s, i, kind: s.outbox.owe(owing(i, kind), NOW, withheld="too late"),
    "columns": lambda s, i, columns: s.shipments.update(i, columns),
    "unknown to": lambda s, i, known: s.looks.known_to(i, "gls", known=known),
    "complete": complete,
    "hasten": lambda s, i, _: s.outbox.hasten(i, "too late", NOW),
    "wake": lambda s, i, _: s.looks.wake([i], NOW + HOUR),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), DEEDS), max_size=12))
def test_together_and_one_by_one_come_to_the_same(deeds: list[tuple[int, tuple[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        alone, together = filled(Path(folder) / "a.db"), filled(Path(folder) / "b.db")
        with closing(alone), closing(together):
            with alone.transaction(), together.transaction():
                together.shipments.remember(IDS, histories=IDS)
                for shipment_id, (deed, what) in deeds:
                    one = DOES[deed](alone, shipment_id, what)
                    assert DOES[deed](together, shipment_id, what) == one
                    assert seen(together, shipment_id) == seen(alone, shipment_id)

            assert dump(together) == dump(alone)


def test_what_waits_is_written_before_anybody_asks_the_database(store: Store) -> None:
    with store.transaction():
        store.shipments.remember(IDS, histories=IDS)
        store.shipments.update(1, {"service": "parcel"})

        row = store._connection.row("SELECT service FROM shipments WHERE id = 1")

    assert row is not None
    assert row["service"] == "parcel"


def test_another_way_of_writing_is_seen(store: Store) -> None:
    with store.transaction():
        store.shipments.remember(IDS, histories=IDS)
        store._connection.run("UPDATE shipments SET service = 'changed' WHERE id = 1")

        assert store.shipments.get(1).service == "changed"


def test_nothing_is_remembered_after_a_transaction(store: Store) -> None:
    with store.transaction():
        store.shipments.remember(IDS, histories=IDS)
        assert store.shipments.get(2).service == ""
    other = opened(store._connection.path)
    with closing(other):
        other.shipments.update(2, {"service": "other"})

    assert store.shipments.get(2).service == "other"


def spoil(store: Store) -> None:
    """Write something that the database refuses, between two things that it would take."""
    with store.attempt():
        store.shipments.remember(IDS, histories=IDS)
        store.shipments.add_scans(2, "dhl_unified", [scanned(0)], NOW)
        store.shipments.update(2, {"taken_at": None})
        store.shipments.update(3, {"service": "lost"})


def test_a_failed_attempt_leaves_nothing_behind(store: Store) -> None:
    before = dump(store)

    with store.transaction():
        with pytest.raises(IntegrityError):
            spoil(store)
        assert store.shipments.get(3).service == ""

    assert dump(store) == before


def test_hundreds_of_like_changes_are_a_handful_of_statements(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "shop.db")) as store:
        ids = [parcel(store, serial) for serial in range(1, 201)]
        statements: list[str] = []
        db = store._connection
        with store.transaction():
            store.shipments.remember(ids, histories=ids)
            db.raw.set_trace_callback(statements.append)
            for shipment_id in ids:
                store.shipments.get(shipment_id)
                store.looks.of(shipment_id, "2026-03-02")
                store.shipments.told(shipment_id)
                store.shipments.update(shipment_id, {"checked_at": stamp(NOW)})
            asked = len(statements)
            db.settle()
            db.raw.set_trace_callback(None)

        # Every set of values is traced as a statement of its own.
        assert asked == 0
        assert len(statements) == len(ids)
        assert len({statement.split("'")[0] for statement in statements}) == 1
