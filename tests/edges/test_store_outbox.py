"""What the store remembers of messages: owed, frozen, sent, set aside, held back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edges.store_builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SHOP,
    attempted,
    opened,
    owing,
    parcel,
    state_of,
)
from tracker_sync.messages.message import unique_id
from tracker_sync.store import Frozen, Store, stamp

LATER = NOW + HOUR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path / "shop.db")) as store:
        parcel(store)
        yield store


def due(store: Store, limit: int = 99) -> list[str]:
    return [row["kind"] for row in store.outbox.owed(NOW, limit)]


# -- owing ---------------------------------------------------------------------------


def test_the_same_message_is_owed_once(store: Store) -> None:
    message = owing(1)

    assert store.outbox.owe(message, NOW)
    assert not store.outbox.owe(replace(message, occurred_at=NOW - HOUR), LATER)

    assert due(store) == ["delivered"]
    row = store.outbox.get(message.id)
    assert row is not None
    assert row["occurred_at"] == stamp(NOW)


def test_a_message_that_is_settled_is_never_owed_again_by_owing_it(store: Store) -> None:
    message = owing(1)
    attempted(store, message, "somebody")
    store.outbox.accepted(message.id, NOW)

    assert not store.outbox.owe(message, LATER)
    assert not store.outbox.owe_again(message, LATER)
    assert state_of(store, message.id) == "accepted"


def test_a_withheld_message_that_was_never_tried_may_be_owed_anew(store: Store) -> None:
    message = owing(1)
    store.outbox.owe(message, NOW)
    store.outbox.withhold(message.id, "not current any more", NOW)

    assert store.outbox.owe_again(replace(message, occurred_at=LATER, due_at=NOW), NOW)

    row = store.outbox.get(message.id)
    assert row is not None
    assert (row["state"], row["reason"], row["occurred_at"]) == ("owed", "", stamp(LATER))


def test_a_message_that_was_tried_is_never_owed_anew(store: Store) -> None:
    message = owing(1)
    attempted(store, message, "somebody")

    assert not store.outbox.owe_again(replace(message, occurred_at=LATER), NOW)

    row = store.outbox.get(message.id)
    assert row is not None
    assert row["occurred_at"] == stamp(NOW)


def test_only_a_waiting_follow_up_moves(store: Store) -> None:
    waiting, tried = owing(1, "pickup_reminder"), owing(1, "delivered")
    store.outbox.owe(waiting, NOW)
    attempted(store, tried, "somebody")

    for message in (waiting, tried):
        store.outbox.reschedule(replace(message, occurred_at=LATER, due_at=LATER))

    rows = [store.outbox.get(message.id) for message in (waiting, tried)]
    assert [row["due_at"] for row in rows if row] == [stamp(LATER), stamp(NOW)]


def test_a_moved_follow_up_that_did_not_move_stays_held(store: Store) -> None:
    message = owing(1, "pickup_reminder")
    store.outbox.owe(message, NOW)
    store.outbox.hold(message.id, "quiet hours", LATER)

    store.outbox.reschedule(message)

    assert not due(store)


def test_what_waited_for_something_is_judged_again_when_it_is_here(store: Store) -> None:
    order = store.orders.add("1001")
    store.orders.link(1, order.id)
    parcel(store, 2)
    messages = {
        "mine": owing(1, "mine"),
        "of my order": owing(2, "of my order", order_id=order.id),
        "quiet": owing(1, "quiet"),
        "of another": owing(2, "of another"),
    }
    for message in messages.values():
        store.outbox.owe(message, NOW)
        reason = "quiet hours" if message.kind == "quiet" else "no recipient known yet"
        store.outbox.hold(message.id, reason, NOW + DAY)
    attempted(store, owing(1, "tried"), "somebody")

    store.outbox.hasten(1, "no recipient known yet", NOW)

    assert sorted(due(store)) == ["mine", "of my order", "tried"]


# -- what is due ----------------------------------------------------------------------


def test_owed_messages_come_in_the_order_they_happened(store: Store) -> None:
    for kind, minutes in (("third", 3), ("first", 1), ("second", 2)):
        store.outbox.owe(owing(1, kind, occurred_at=NOW - DAY + minutes * MINUTE), NOW)
    store.outbox.owe(owing(1, "future", due_at=NOW + MINUTE), NOW)

    assert due(store) == ["first", "second", "third"]
    assert due(store, limit=2) == ["first", "second"]


def test_the_next_due_time_is_that_of_the_first_owed_message(store: Store) -> None:
    assert store.outbox.next_due() is None

    sent = owing(1, "sent", due_at=NOW)
    for message in (sent, owing(1, "later", due_at=LATER), owing(1, "last", due_at=NOW + DAY)):
        store.outbox.owe(message, NOW)
    store.outbox.accepted(sent.id, NOW)

    assert store.outbox.next_due() == LATER


def test_a_paused_kind_stays_where_it_is(store: Store) -> None:
    for kind in ("delivered", "delayed"):
        store.outbox.owe(owing(1, kind), NOW)

    store.journal.pause("delayed", NOW)
    assert due(store) == ["delivered"]
    assert [row["kind"] for row in store.journal.pauses()] == ["delayed"]

    assert store.journal.resume("delayed")
    assert not store.journal.resume("delayed")
    assert len(due(store)) == 2


def test_everything_can_be_paused_at_once(store: Store) -> None:
    store.outbox.owe(owing(1), NOW)

    store.journal.pause("*", NOW)
    assert not due(store)

    assert store.journal.resume("*")
    assert due(store) == ["delivered"]


# -- freezing --------------------------------------------------------------------------


def test_a_message_is_frozen_once(store: Store) -> None:
    message = owing(1)
    store.outbox.owe(message, NOW)

    for body, recipient, when in (("first", "somebody", NOW), ("second", "another", LATER)):
        frozen = Frozen(message.id, "delivered", recipient, body, False, 1, NOW)
        store.outbox.freeze(frozen, "Shipment Delivered", when)

    row = store.outbox.get(message.id)
    assert row is not None
    assert (row["body"], row["recipient"], row["attempted_at"]) == ("first", "somebody", stamp(NOW))
    assert (row["attempts"], row["metric"]) == (1, "Shipment Delivered")


def test_a_first_attempt_that_never_arrived_was_none(store: Store) -> None:
    message = owing(1)
    attempted(store, message, "somebody")

    store.outbox.unfreeze(message.id)

    row = store.outbox.get(message.id)
    assert row is not None
    assert [row[name] for name in ("body", "recipient", "metric", "attempted_at")] == [None] * 4
    assert (row["attempts"], row["state"]) == (0, "owed")


def test_a_later_attempt_stays_frozen(store: Store) -> None:
    """The first one may have arrived."""
    message = owing(1)
    attempted(store, message, "somebody")
    store.outbox.try_again([message.id])

    store.outbox.unfreeze(message.id)

    row = store.outbox.get(message.id)
    assert row is not None
    assert (row["body"], row["attempts"]) == ("{}", 2)


# -- fates ------------------------------------------------------------------------------

Move = Callable[[Store, str], object]
MOVES: dict[str, Move] = {
    "withhold": lambda store, key: store.outbox.withhold(key, "too old", LATER),
    "accepted": lambda store, key: store.outbox.accepted(key, LATER),
    "set_aside": lambda store, key: store.outbox.set_aside(key, "400 /profile", LATER),
    "hold": lambda store, key: store.outbox.hold(key, "quiet hours", LATER),
    "retry": lambda store, key: store.outbox.retry(key, LATER),
    "drop": lambda store, key: store.outbox.drop(key, LATER),
    "unfreeze": lambda store, key: store.outbox.unfreeze(key),
    "try_again": lambda store, key: store.outbox.try_again([key]),
}
FATES = {"withhold": "withheld", "accepted": "accepted", "set_aside": "set_aside"}
LEADS = {
    "owed": {**FATES, "drop": "dropped"},
    "set_aside": {"retry": "owed", "drop": "dropped"},
    "accepted": {},
    "withheld": {},
    "dropped": {},
}
WAYS: dict[str, str | None] = {
    "owed": None,
    "set_aside": "set_aside",
    "accepted": "accepted",
    "withheld": "withhold",
    "dropped": "drop",
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", LEADS)
def test_a_settled_message_stays_settled(store: Store, state: str, move: str) -> None:
    message = owing(1)
    attempted(store, message, "somebody")
    way = WAYS[state]
    if way:
        MOVES[way](store, message.id)
    before = tuple(store.outbox.get(message.id) or ())

    MOVES[move](store, message.id)

    assert state_of(store, message.id) == LEADS[state].get(move, state)
    if way and move not in LEADS[state]:
        assert tuple(store.outbox.get(message.id) or ()) == before


def test_retry_and_drop_say_whether_there_was_anything(store: Store) -> None:
    message = owing(1)
    attempted(store, message, "somebody")

    assert not store.outbox.retry(message.id, NOW)
    store.outbox.set_aside(message.id, "400 /profile", NOW)
    assert store.outbox.retry(message.id, NOW)
    assert due(store) == ["delivered"]
    assert store.outbox.drop(message.id, NOW)
    assert not store.outbox.drop(message.id, NOW)
    assert not store.outbox.retry("no such id", NOW)


def test_a_refused_message_is_written_anew_when_it_is_tried_again(store: Store) -> None:
    message = owing(1)
    attempted(store, message, "somebody")
    store.outbox.set_aside(message.id, "400 /profile", NOW)

    assert store.outbox.retry(message.id, NOW)

    row = store.outbox.get(message.id)
    assert row is not None
    assert (row["state"], row["attempts"], row["body"], row["recipient"]) == ("owed", 0, None, None)


def test_a_set_aside_message_that_was_never_tried_can_be_tried(store: Store) -> None:
    message = owing(1)
    store.outbox.owe(message, NOW)
    store.outbox.set_aside(message.id, "too large", NOW)

    assert store.outbox.retry(message.id, NOW)


def test_messages_are_listed_by_state_newest_decision_first(store: Store) -> None:
    for kind, minutes in (("a", 1), ("b", 3), ("c", 2)):
        store.outbox.owe(owing(1, kind), NOW)
        store.outbox.withhold(owing(1, kind).id, "why", NOW + minutes * MINUTE)
    store.outbox.owe(owing(1, "d"), NOW)

    assert [row["kind"] for row in store.outbox.listed(["withheld"], 2)] == ["b", "c"]
    assert len(store.outbox.listed(["withheld", "owed"], 9)) == 4
    assert not store.outbox.listed(["dropped"], 9)


# -- who was told what -------------------------------------------------------------------


def test_only_what_triggers_a_mail_today_counts_as_sent(store: Store) -> None:
    def sent(kind: str, ago: timedelta, *, recipient: str = "somebody") -> str:
        message = owing(1, kind)
        attempted(store, message, recipient, NOW - ago)
        return message.id

    sent("under way", MINUTE)
    store.outbox.accepted(sent("accepted", HOUR), NOW)
    store.outbox.set_aside(sent("refused", HOUR), "400", NOW)
    sent("yesterday", DAY)
    sent("to another", HOUR, recipient="another")
    silent = owing(1, "silent")
    store.outbox.owe(silent, NOW)
    store.outbox.freeze(Frozen(silent.id, "silent", "somebody", "{}", True, 1, NOW), "Silent", NOW)

    assert sorted(store.outbox.sent_to("somebody", NOW)) == [NOW - HOUR, NOW - MINUTE]


def test_the_last_message_of_a_kind_is_remembered_per_recipient(store: Store) -> None:
    def review(order: int, *, ago: timedelta, recipient: str = "somebody") -> str:
        key = unique_id(SHOP, f"order:{order}", "review_request", 1)
        message = owing(1, "review_request", id=key)
        attempted(store, message, recipient, NOW - ago)
        return key

    first, second = review(1, ago=9 * DAY), review(2, ago=4 * DAY)
    review(3, ago=DAY, recipient="another")
    store.outbox.accepted(first, NOW)
    store.outbox.set_aside(review(4, ago=DAY), "400", NOW)

    assert store.outbox.last_to("somebody", "review_request", "") == NOW - 4 * DAY
    assert store.outbox.last_to("somebody", "review_request", second) == NOW - 9 * DAY
    assert store.outbox.last_to("somebody", "delivered", "") is None


def test_a_recipient_waits_for_an_earlier_message_under_way(store: Store) -> None:
    first, second = owing(1, "dispatched"), owing(1, "delivered")
    store.outbox.owe(second, NOW)
    assert not store.outbox.waits_for("somebody", second.id)

    attempted(store, first, "somebody")
    assert store.outbox.waits_for("somebody", second.id)
    assert not store.outbox.waits_for("somebody", first.id)  # not for itself
    assert not store.outbox.waits_for("another", second.id)

    store.outbox.set_aside(first.id, "400", NOW)
    assert not store.outbox.waits_for("somebody", second.id)  # refused ones block nobody


def test_every_message_of_a_parcel_and_its_orders_is_found(store: Store) -> None:
    order = store.orders.add("1001")
    for serial in (2, 3):
        parcel(store, serial)
    for shipment_id in (1, 2):
        store.orders.link(shipment_id, order.id)
    for message in (
        owing(1, "delivered"),
        owing(2, "delivered"),
        owing(2, "review_request", order_id=order.id),
        owing(3, "delivered"),
    ):
        store.outbox.owe(message, NOW)

    found = {(row["shipment_id"], row["kind"]) for row in store.outbox.of_shipment(1)}

    assert found == {(1, "delivered"), (2, "review_request")}
    assert store.outbox.count(1, "delivered") == 1
    assert store.outbox.count(1, "delayed") == 0


def test_only_untried_messages_wait(store: Store) -> None:
    order = store.orders.add("1001")
    waiting = owing(1, "review_request", order_id=order.id)
    store.outbox.owe(waiting, NOW)

    assert store.outbox.waiting(order.id, "review_request") == [waiting]

    attempted(store, waiting, "somebody")
    assert not store.outbox.waiting(order.id, "review_request")
