"""A million parcels: what the database counts, sorts and forgets, it does from an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edges.store_builders import DAY, HOUR, NOW, SHOP, asked, attempted, opened, owing, parcel, raw
from tracker_sync.schema import APPLICATION_ID, SCRIPTS
from tracker_sync.store import Store, stamp

BODY = '{"data": "' + 800 * "x" + '"}'  # as long as most are
INDEXES = (
    "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'view')"
    " AND tbl_name <> '_sqlite_migrations' ORDER BY name"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(opened(path)) as store:
        yield store


def plan(store: Store, question: Callable[[], object]) -> list[str]:
    """How SQLite goes about what is asked or written meanwhile."""
    said: list[str] = []
    store._connection.raw.set_trace_callback(said.append)
    question()
    store._connection.raw.set_trace_callback(None)
    plans = (store._connection.rows(f"EXPLAIN QUERY PLAN {each}") for each in said)
    return [row["detail"] for rows in plans for row in rows]


def test_open_parcels_are_counted_without_a_look_at_them(store: Store) -> None:
    steps = plan(store, store.glance.open_shipments)

    assert steps == ["SCAN shipments USING COVERING INDEX shipments_standing"]


def test_owed_messages_are_counted_without_a_look_at_them(store: Store) -> None:
    steps = plan(store, lambda: store.glance.outbox(NOW))

    assert steps[0] == "SCAN messages USING COVERING INDEX messages_owed"


def test_a_backlog_is_put_in_order_without_a_look_at_the_messages(store: Store) -> None:
    steps = plan(store, lambda: store.outbox.owed(NOW, 500))

    assert "SEARCH messages USING COVERING INDEX messages_owed (due_at<?)" in steps
    assert not [step for step in steps if step.startswith("SCAN")]


@pytest.mark.parametrize("state", ["owed", "set_aside"])
def test_open_messages_are_listed_without_a_look_at_the_others(store: Store, state: str) -> None:
    steps = plan(store, lambda: store.outbox.listed([state], 50))

    assert steps[0] == f"SCAN messages USING INDEX messages_{state}"


def test_what_arrived_is_counted_without_a_look_at_the_messages(store: Store) -> None:
    steps = plan(store, lambda: store.tempo.accepted(NOW - 7 * DAY, NOW, NOW))

    assert steps[0].startswith("SEARCH messages USING COVERING INDEX messages_arrived")


def test_what_went_in_an_hour_is_counted_without_a_look_at_the_messages(store: Store) -> None:
    steps = plan(store, lambda: store.tempo.gone(["delivered"], [NOW, NOW - 7 * DAY]))

    assert [step for step in steps if " messages_gone" in step and " COVERING " in step]


def test_a_message_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    parcel_id = parcel(store)
    for start in ("0a1", "0a2", "0b1", "1a1"):
        store.outbox.owe(owing(parcel_id, id=f"{start}-x"), NOW)

    assert [row["id"] for row in store.glance.messages("0a")] == ["0a1-x", "0a2-x"]
    assert [row["id"] for row in store.glance.messages("0a2-x")] == ["0a2-x"]
    assert store.glance.messages("0c") == []
    [step] = plan(store, lambda: store.glance.messages("0a"))
    assert step.startswith("SEARCH messages USING INDEX")


def test_retention_looks_at_nothing_but_what_it_blanks(store: Store) -> None:
    steps = plan(store, lambda: store.privacy.expire_recipients(NOW))

    assert steps == [
        "SEARCH shipments USING INDEX shipments_told (closed_at<?)",
        "SCAN waiting",
        "SEARCH messages USING INDEX messages_told (decided_at<?)",
    ]


def test_retention_leaves_nothing_to_look_at_again(store: Store, path: Path) -> None:
    told = parcel(store, 1, email="kunde-1@shop.invalid", closed_at=stamp(NOW - 61 * DAY))
    sent = attempted(store, owing(told), "somebody", NOW - 61 * DAY)
    store.outbox.accepted(sent.id, NOW - 61 * DAY)

    assert store.privacy.expire_recipients(NOW - 60 * DAY) == 1

    left = "SELECT count(*) FROM shipments INDEXED BY shipments_told WHERE closed_at IS NOT NULL"
    assert asked(path, f"{left} AND (email <> '' OR phone <> '' OR external_id <> '')") == [(0,)]
    assert asked(
        path,
        "SELECT count(*) FROM messages INDEXED BY messages_told"
        " WHERE body IS NOT NULL AND state <> 'owed'",
    ) == [(0,)]


def test_a_message_takes_little_more_room_than_what_it_says(store: Store, path: Path) -> None:
    many = 2000
    before = pages(path, store)
    with store.transaction():
        for n in range(many):
            store._connection.run(
                "INSERT INTO messages (id, kind, ordinal, subject, occurred_at, due_at, state,"
                " recipient, body, decided_at, created_at)"
                " VALUES (lower(hex(randomblob(18))), 'delivered', 1, ?1, ?2, ?2, 'accepted', ?1,"
                " ?3, ?2, ?2)",
                *(f"{n:064}", stamp(NOW), BODY),
            )

    assert (pages(path, store) - before) * 4096 / many < 2.2 * len(BODY)


def pages(path: Path, store: Store) -> int:
    store._connection.checkpoint()
    [(count,)] = asked(path, "PRAGMA page_count")
    return int(count)


# -- from older versions -----------------------------------------------------------------


def old(path: Path, count: int) -> None:
    """A database with the first *count* migrations, and two messages that sort otherwise by id."""
    with closing(raw(path)) as file:
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        file.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT,"
            " name TEXT, applied_at TEXT)"
        )
        for name in list(SCRIPTS)[:count]:
            file.executescript(SCRIPTS[name])
            sql = "INSERT INTO _sqlite_migrations VALUES (NULL, 'tracker_sync', ?, '')"
            file.execute(sql, (name,))
        file.execute("INSERT INTO meta VALUES ('shop', ?)", (SHOP,))
        for message_id, at in (("b", NOW), ("a", NOW + HOUR)):
            file.execute(
                "INSERT INTO messages (id, kind, ordinal, subject, occurred_at, due_at, state,"
                " body, decided_at, created_at) VALUES (?1, 'delivered', 1, 's', ?2, ?2, 'owed',"
                " ?3, ?2, ?2)",
                (message_id, stamp(at), BODY),
            )


@pytest.mark.parametrize("count", range(1, len(SCRIPTS)))
def test_an_old_database_gets_the_same_indexes_and_views(path: Path, count: int) -> None:
    new = path.with_name("new.db")
    opened(new).close()
    old(path, count)

    opened(path).close()

    assert asked(path, INDEXES) == asked(new, INDEXES)


@pytest.mark.parametrize("count", range(1, len(SCRIPTS)))
def test_the_messages_of_an_old_database_are_all_there(path: Path, count: int) -> None:
    old(path, count)
    before = messages(path)

    opened(path).close()

    after = messages(path)
    assert [{key: row[key] for key in before[0]} for row in after] == before
    assert asked(path, "SELECT id, due_at FROM outbox") == [
        ("b", stamp(NOW)),
        ("a", stamp(NOW + HOUR)),
    ]


def messages(path: Path) -> list[dict[str, Any]]:
    with closing(raw(path)) as file:
        file.row_factory = sqlite3.Row
        found = file.execute("SELECT * FROM messages ORDER BY created_at")
        return [dict(row) for row in found]
