"""Forgetting people: on request, and when their time has come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edges.store_builders import (
    DAY,
    HOUR,
    NOW,
    asked,
    number,
    opened,
    owing,
    parcel,
    scanned,
    state_of,
)
from tracker_sync.model import Recipient, Status, Transition
from tracker_sync.store import Frozen, Store, stamp

EMAIL = "Kunde-1@shop.invalid"
OTHER = "kunde-2@shop.invalid"
PHONE = "+4915100000001"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(opened(path)) as store:
        yield store


def told(store: Store, kind: str, recipient: Recipient, *, shipment_id: int = 1) -> str:
    """Try a message to somebody, as a pass would; return its id."""
    message = owing(shipment_id, kind)
    key = store.privacy.recipient_key(recipient)
    body = f'{{"email": "{recipient.email}", "phone": "{recipient.phone}"}}'
    store.outbox.owe(message, NOW)
    store.outbox.freeze(Frozen(message.id, kind, key, body, False, 1, NOW), kind, NOW)
    return message.id


def body_of(store: Store, message_id: str) -> str | None:
    row = store.outbox.get(message_id)
    assert row is not None
    return row["body"]  # type: ignore[no-any-return]


# -- keys --------------------------------------------------------------------------


def test_a_hash_is_the_same_here_and_different_in_every_other_database(
    store: Store, path: Path
) -> None:
    with closing(opened(path.with_name("other.db"))) as other:
        assert store.privacy.hash(EMAIL) != other.privacy.hash(EMAIL)
    with closing(opened(path)) as again:
        assert store.privacy.hash(EMAIL) == again.privacy.hash(EMAIL.upper())


def test_a_recipient_is_known_by_email_then_phone_then_the_shops_id(store: Store) -> None:
    privacy = store.privacy
    recipients = {
        privacy.recipient_key(Recipient(EMAIL, PHONE, "c-1")): privacy.hash(EMAIL),
        privacy.recipient_key(Recipient("", PHONE, "c-1")): privacy.hash(PHONE),
        privacy.recipient_key(Recipient("", "", "c-1")): privacy.hash("id:c-1"),
    }

    assert all(key == expected for key, expected in recipients.items())
    assert len(recipients) == 3


# -- on request ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        (Recipient(EMAIL, PHONE), EMAIL),
        (Recipient(EMAIL), EMAIL.upper()),
        (Recipient(EMAIL), EMAIL.lower()),
        (Recipient(EMAIL), f" {EMAIL}\n"),
        (Recipient("kunde-1@müller.invalid"), "Kunde-1@MÜLLER.invalid"),
        (Recipient("", PHONE), PHONE),
    ],
    ids=["as kept", "upper", "lower", "blanks", "umlaut", "phone"],
)
def test_a_person_is_forgotten_however_the_address_is_written(
    store: Store, path: Path, recipient: Recipient, address: str
) -> None:
    parcel(
        store,
        email=recipient.email,
        phone=recipient.phone,
        external_id="c-1",
        consent=1,
        items='[{"name": "Tasse"}]',
        properties='{"Gift": "yes"}',
        order_url="https://shop.invalid/orders/1",
    )
    sent, refused, under_way = (
        told(store, kind, recipient) for kind in ("dispatched", "delayed", "delivered")
    )
    store.outbox.accepted(sent, NOW)
    store.outbox.set_aside(refused, "400", NOW)
    untried = owing(1, "review_request", due_at=NOW + DAY)
    store.outbox.owe(untried, NOW)

    counts = store.privacy.forget(address, NOW + HOUR)

    assert counts == {"shipments": 1, "messages": 3}
    found = store.shipments.get(1)
    assert found.recipient == Recipient()
    assert (found.items, found.properties, found.order_url) == ((), {}, "")
    assert state_of(store, sent) == "accepted"
    for message_id in (refused, under_way, untried.id):
        assert state_of(store, message_id) == "withheld"
    assert [body_of(store, message_id) for message_id in (sent, refused, under_way)] == [None] * 3
    assert not store.outbox.retry(refused, NOW)
    assert asked(path, "SELECT count(*) FROM outbox") == [(0,)]


def test_nothing_of_a_forgotten_person_is_left_in_any_file(store: Store, path: Path) -> None:
    parcel(store, email=EMAIL, phone=PHONE)
    store.outbox.accepted(told(store, "delivered", Recipient(EMAIL)), NOW)
    asked(path, "PRAGMA wal_checkpoint")
    parcel(store, 2, email=EMAIL)

    store.privacy.forget(EMAIL, NOW)

    for each in path.parent.iterdir():
        content = each.read_bytes().lower()
        assert EMAIL.lower().encode() not in content, each.name
        assert PHONE.encode() not in content, each.name


def test_others_are_not_forgotten(store: Store) -> None:
    parcel(store, 1, email=EMAIL)
    parcel(store, 2, email=OTHER, phone=PHONE)
    theirs = told(store, "delivered", Recipient(OTHER), shipment_id=2)
    untried = owing(2, "review_request")
    store.outbox.owe(untried, NOW)

    store.privacy.forget(EMAIL, NOW)

    assert store.shipments.get(2).recipient.email == OTHER
    assert body_of(store, theirs) is not None
    assert {state_of(store, theirs), state_of(store, untried.id)} == {"owed"}
    assert not store.privacy.is_erased(Recipient(OTHER, PHONE))


def test_who_was_told_before_a_recipient_changed_is_forgotten_too(store: Store) -> None:
    parcel(store, email=EMAIL)
    first = told(store, "dispatched", Recipient(EMAIL))
    store.shipments.update(1, {"email": OTHER})

    counts = store.privacy.forget(EMAIL, NOW)

    assert counts == {"shipments": 0, "messages": 1}
    assert (state_of(store, first), body_of(store, first)) == ("withheld", None)
    assert store.shipments.get(1).recipient.email == OTHER


def test_a_forgotten_person_stays_forgotten_when_the_feed_names_them_again(store: Store) -> None:
    store.privacy.forget(EMAIL, NOW)
    store.privacy.forget(EMAIL, NOW)
    store.privacy.forget(PHONE, NOW)

    assert store.privacy.is_erased(Recipient(EMAIL.lower()))
    assert store.privacy.is_erased(Recipient(OTHER, PHONE))
    assert not store.privacy.is_erased(Recipient(OTHER))
    assert not store.privacy.is_erased(Recipient())


def test_what_is_remembered_of_a_forgotten_person_is_a_hash(store: Store, path: Path) -> None:
    store.privacy.forget(EMAIL, NOW)

    [(remembered,)] = asked(path, "SELECT hash FROM erased")

    assert len(remembered) == 64
    assert int(remembered, 16)


# -- when their time has come ---------------------------------------------------------------


def test_recipients_of_closed_parcels_are_blanked_in_time(store: Store) -> None:
    parcel(store, 1, email=EMAIL, consent=1, closed_at=stamp(NOW - 60 * DAY))
    parcel(store, 2, email=EMAIL, closed_at=stamp(NOW - 59 * DAY))
    parcel(store, 3, email=EMAIL)
    old, owed = (told(store, kind, Recipient(EMAIL)) for kind in ("dispatched", "delivered"))
    store.outbox.accepted(old, NOW - 60 * DAY)

    assert store.privacy.expire_recipients(NOW - 60 * DAY + HOUR) == 1
    assert store.privacy.expire_recipients(NOW - 60 * DAY + HOUR) == 0

    emails = [store.shipments.get(shipment_id).recipient.email for shipment_id in (1, 2, 3)]
    assert emails == ["", EMAIL, EMAIL]
    assert store.shipments.get(1).recipient.consent is None
    assert body_of(store, old) is None
    assert body_of(store, owed) is not None


def _whole_parcel(store: Store, serial: int, **columns: object) -> int:
    """A parcel with everything that hangs on one."""
    shipment_id = parcel(store, serial, **columns)
    store.shipments.add_scans(shipment_id, "dhl_unified", [scanned(0), scanned(1)], NOW)
    delivered = Transition(Status.DELIVERED, NOW)
    store.shipments.add_transition(shipment_id, delivered, NOW)
    store.orders.link(shipment_id, store.orders.add(f"{1000 + serial}").id)
    store.outbox.owe(owing(shipment_id), NOW, transition=delivered)
    return shipment_id


def test_a_purged_parcel_leaves_a_hash_and_nothing_else(store: Store, path: Path) -> None:
    _whole_parcel(store, 1, closed_at=stamp(NOW - 180 * DAY))
    store.shipments.add_number(1, "dhl", number(9))
    kept = _whole_parcel(store, 2, closed_at=stamp(NOW))

    assert store.privacy.purge_shipments(NOW - DAY, NOW, 10) == 1

    for table, left in {
        "shipments": 1,
        "numbers": 1,
        "scans": 2,
        "transitions": 1,
        "shipment_orders": 1,
        "orders": 1,
        "messages": 1,
        "purged": 2,
    }.items():
        assert asked(path, f"SELECT count(*) FROM {table}") == [(left,)], table
    assert store.shipments.get(kept).orders[0].reference == "1002"
    assert store.privacy.is_purged("dhl", number(1))
    assert store.privacy.is_purged("dhl", number(9))
    assert not store.privacy.is_purged("dhl", number(2))
    assert not store.privacy.is_purged("ups", number(1))


def test_an_order_stays_as_long_as_one_of_its_parcels(store: Store) -> None:
    order = store.orders.add("1001")
    store.orders.link(parcel(store, 1, closed_at=stamp(NOW - DAY)), order.id)
    store.orders.link(parcel(store, 2), order.id)

    store.privacy.purge_shipments(NOW, NOW, 10)

    assert store.orders.find("1001") == order
    assert [one.id for one in store.shipments.of_order(order.id)] == [2]


def test_only_so_many_are_purged_at_a_time(store: Store) -> None:
    for serial in range(5):
        parcel(store, serial, closed_at=stamp(NOW - DAY))

    assert [store.privacy.purge_shipments(NOW, NOW, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_an_open_parcel_is_never_purged(store: Store) -> None:
    parcel(store)

    assert store.privacy.purge_shipments(NOW + 999 * DAY, NOW, 10) == 0


def test_a_number_in_use_again_is_not_taken_for_the_purged_one(store: Store) -> None:
    """Its first leg was purged; the news of the second one must still be taken."""
    parcel(store, 1, closed_at=stamp(NOW - 180 * DAY))
    parcel(store, 1, leg=2)

    assert store.privacy.purge_shipments(NOW - DAY, NOW, 10) == 1

    assert not store.privacy.is_purged("dhl", number(1))
