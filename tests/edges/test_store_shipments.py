"""What the store remembers of parcels, their scans, their transitions and their orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import IntegrityError

import pytest

from edges.store_builders import DAY, HOUR, MINUTE, NOW, number, opened, owing, parcel, scanned
from tracker_sync.model import (
    INFO,
    Detail,
    Estimate,
    Meaning,
    Origin,
    Pickup,
    Problem,
    Reading,
    Scan,
    State,
    Status,
    Transition,
)
from tracker_sync.store import Store, stamp
from tracker_sync.store.rows import reading_columns, state_columns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path / "shop.db")) as store:
        yield store


def codes(store: Store, shipment_id: int = 1) -> list[str]:
    return [scan.code for scan in store.shipments.scans(shipment_id)]


# -- parcels -----------------------------------------------------------------------


def test_a_parcel_is_given_back_as_it_was_kept(store: Store) -> None:
    parcel(
        store,
        email="kunde-1@shop.invalid",
        consent=1,
        status="delivered",
        status_at=stamp(NOW),
        detail="neighbour",
        problems="customs delayed",
        items='[{"name": "Tasse", "quantity": 2, "categories": ["Küche"]}]',
        properties='{"Gift": "yes"}',
    )

    found = store.shipments.get(1)

    assert (found.brand, found.zone, found.numbers) == ("dhl", "Europe/Berlin", (number(1),))
    assert found.recipient.email == "kunde-1@shop.invalid"
    assert found.recipient.consent is True
    assert (found.state.status, found.state.detail) == (Status.DELIVERED, Detail.NEIGHBOUR)
    assert found.state.problems == {Problem.CUSTOMS, Problem.DELAYED}
    assert found.items[0].categories == ("Küche",)
    assert found.properties == {"Gift": "yes"}


def test_a_state_survives_the_way_through_its_columns(store: Store) -> None:
    state = State(
        status=Status.RETURNED,
        status_at=NOW,
        problems=frozenset({Problem.REFUSED, Problem.DAMAGED}),
        first_scan_at=NOW - 2 * DAY,
        last_scan_at=NOW,
        turned=True,
    )
    parcel(store)

    store.shipments.update(1, state_columns(state))

    assert store.shipments.get(1).state == state


def test_a_parcel_nobody_knows_is_no_parcel(store: Store) -> None:
    assert store.shipments.find("dhl", number(1)) is None
    with pytest.raises(KeyError):
        store.shipments.get(1)


def test_the_latest_leg_answers_for_a_number(store: Store) -> None:
    parcel(store, 1, leg=1)
    second = parcel(store, 1, leg=2)
    parcel(store, 1, brand="ups")

    found = store.shipments.find("dhl", number(1))

    assert found is not None
    assert (found.id, found.leg) == (second, 2)
    assert [one.id for one in store.shipments.by_number(number(1))] == [1, 2, 3]


def test_a_corrected_number_is_a_second_name_of_the_same_parcel(store: Store) -> None:
    parcel(store, 1)

    store.shipments.add_number(1, "dhl", number(2))
    store.shipments.add_number(1, "dhl", number(2))

    found = store.shipments.find("dhl", number(2))
    assert found is not None
    assert (found.id, found.numbers) == (1, (number(1), number(2)))
    assert store.shipments.find("dhl", number(1)) == found


def test_what_happened_before_source_or_carrier_began_is_old(store: Store) -> None:
    parcel(store, active_from=stamp(NOW - 3 * DAY))
    assert store.shipments.get(1).active_from == NOW - 3 * DAY

    store.ledger.activate("carrier", "dhl_unified", NOW, brand="dhl")
    store.ledger.activate("carrier", "dhl_parcel_de", NOW - DAY, brand="dhl")
    store.ledger.activate("carrier", "ups", NOW - 9 * DAY, brand="ups")

    assert store.shipments.get(1).active_from == NOW - DAY  # since when dhl could be asked at all


# -- who is due ----------------------------------------------------------------------


def test_the_longest_waiting_is_asked_first_and_no_more_than_wanted(store: Store) -> None:
    for serial, waiting in enumerate([1, 3, 2, 0, -1]):
        parcel(store, serial, next_poll_at=stamp(NOW - waiting * HOUR))
    parcel(store, 9, next_poll_at=None)
    parcel(store, 8, brand="ups")

    assert [one.id for one in store.looks.due("dhl", NOW, 10, "2026-03-02")] == [2, 3, 1, 4]
    assert [one.id for one in store.looks.due("dhl", NOW, 2, "2026-03-02")] == [2, 3]


def test_calls_of_another_day_are_not_counted(store: Store) -> None:
    parcel(store, calls_day="2026-03-01", calls_made=7, failures=2, found_at=stamp(NOW))

    assert store.looks.due("dhl", NOW, 1, "2026-03-01")[0].calls_today == 7
    [due] = store.looks.due("dhl", NOW, 1, "2026-03-02")
    assert (due.calls_today, due.failures, due.found, due.taken_at) == (0, 2, True, NOW)
    assert store.looks.of(1, "2026-03-02") == due
    assert store.looks.of(1, "2026-03-01").calls_today == 7


def test_delivered_parcels_of_an_order_rest_when_nothing_waits_for_it(store: Store) -> None:
    order = store.orders.add("1001")
    for serial, status in enumerate(["delivered", "in_transit", "delivered"], start=1):
        parcel(store, serial, status=status)
    for shipment_id in (1, 2):
        store.orders.link(shipment_id, order.id)

    store.shipments.rest(order.id)

    assert [one.id for one in store.looks.due("dhl", NOW, 9, "")] == [2, 3]


def test_watched_parcels_come_when_their_time_has(store: Store) -> None:
    parcel(store, 1, watch_at=stamp(NOW))
    parcel(store, 2, watch_at=stamp(NOW + MINUTE))
    parcel(store, 3, watch_at=stamp(NOW - HOUR))
    parcel(store, 4)

    assert store.shipments.watched(NOW, 9) == [3, 1]
    assert store.shipments.watched(NOW, 1) == [3]


def test_who_did_not_know_a_parcel_is_remembered(store: Store) -> None:
    parcel(store)

    store.looks.known_to(1, "dhl_unified", known=False)
    store.looks.known_to(1, "dhl_parcel_de", known=False)
    store.looks.known_to(1, "dhl_parcel_de", known=False)
    [due] = store.looks.due("dhl", NOW, 1, "")
    assert due.unknown_to == {"dhl_parcel_de", "dhl_unified"}

    store.looks.known_to(1, "dhl_unified", known=True)
    [due] = store.looks.due("dhl", NOW, 1, "")
    assert due.unknown_to == {"dhl_parcel_de"}


def test_only_facts_the_feed_gave_count_as_filled(store: Store) -> None:
    parcel(store, email="kunde-1@shop.invalid", consent=0)

    filled = {
        column
        for column in ("email", "phone", "consent", "items", "properties", "shipped_at")
        if store.shipments.filled(1, column)
    }

    assert filled == {"email", "consent"}
    assert store.shipments.source(1) == "csv"


# -- scans ---------------------------------------------------------------------------


def test_a_scan_is_kept_once_and_given_back_whole(store: Store) -> None:
    parcel(store)
    scan = Scan(NOW, "ZU", Meaning(Status.DELIVERED, None, Detail.LOCKER), "zugestellt", "Bonn")

    assert store.shipments.add_scans(1, "dhl_unified", [scan], NOW) == [scan]
    reworded = replace(scan, text="Die Sendung wurde zugestellt", place="")
    assert store.shipments.add_scans(1, "dhl_unified", [reworded], NOW + HOUR) == []

    assert store.shipments.scans(1) == [scan]


def test_two_carriers_may_say_the_same(store: Store) -> None:
    parcel(store)

    for carrier in ("dhl_unified", "dhl_parcel_de"):
        assert store.shipments.add_scans(1, carrier, [scanned(0)], NOW)

    assert len(store.shipments.scans(1)) == 2


def test_scans_come_oldest_first_whatever_order_they_arrived_in(store: Store) -> None:
    parcel(store)
    store.shipments.add_scans(1, "dhl_unified", [scanned(5, code="later")], NOW)
    store.shipments.add_scans(
        1, "dhl_unified", [scanned(1, code="first"), scanned(5, code="later")], NOW
    )
    told = scanned(3, Status.DISPATCHED, "told", origin=Origin.SOURCE)
    store.shipments.add_scans(1, "csv", [told], NOW)

    assert codes(store) == ["first", "told", "later"]
    assert store.shipments.scans(1)[1].origin is Origin.SOURCE


def test_equal_stamps_keep_the_carriers_own_order(store: Store) -> None:
    parcel(store)
    scans = [scanned(0, code=code) for code in "zay"]

    store.shipments.add_scans(1, "dhl_unified", scans, NOW)

    assert codes(store) == ["z", "a", "y"]


def test_a_scan_that_appears_between_equal_stamps_stands_between_them(store: Store) -> None:
    parcel(store)
    store.shipments.add_scans(1, "dhl_unified", [scanned(0, code=code) for code in "ac"], NOW)

    store.shipments.add_scans(1, "dhl_unified", [scanned(0, code=code) for code in "abc"], NOW)

    assert codes(store) == ["a", "b", "c"]


def test_a_carrier_that_forgot_the_beginning_is_still_in_order(store: Store) -> None:
    parcel(store)
    whole = [scanned(minute, code=f"{minute}") for minute in range(5)]
    store.shipments.add_scans(1, "dhl_unified", [*whole, scanned(9, code="out")], NOW)

    store.shipments.add_scans(
        1, "dhl_unified", [scanned(9, code="out"), scanned(9, code="delivered")], NOW
    )

    assert codes(store)[-2:] == ["out", "delivered"]


def test_a_code_that_is_not_listed_is_kept_and_means_nothing(store: Store) -> None:
    parcel(store)
    odd = scanned(0, None, "XQ", meaning=None, text="unbekannt")
    listed = scanned(1, None, "IN", meaning=INFO)

    store.shipments.add_scans(1, "dhl_unified", [odd, listed], NOW)

    assert [scan.meaning for scan in store.shipments.scans(1)] == [None, INFO]
    assert store.shipments.scans(1)[0].text == "unbekannt"


@pytest.mark.parametrize(
    ("first", "later", "known"),
    [
        (None, Meaning(Status.DELIVERED), Meaning(Status.DELIVERED)),
        (Meaning(Status.DELIVERED), Meaning(Status.RETURNED), Meaning(Status.RETURNED)),
        (INFO, Meaning(Status.IN_TRANSIT), Meaning(Status.IN_TRANSIT)),
        (Meaning(Status.DELIVERED), None, Meaning(Status.DELIVERED)),
        (Meaning(Status.DELIVERED), INFO, Meaning(Status.DELIVERED)),
        (
            Meaning(Status.IN_TRANSIT, Problem.CUSTOMS),
            Meaning(Status.IN_TRANSIT),
            Meaning(Status.IN_TRANSIT),
        ),
    ],
    ids=["now listed", "explained", "says more", "no longer listed", "says less", "no problem"],
)
def test_a_scan_is_understood_as_it_was_last_explained(
    store: Store, first: Meaning | None, later: Meaning | None, known: Meaning
) -> None:
    parcel(store)

    for meaning in (first, later):
        store.shipments.add_scans(1, "dhl_unified", [scanned(0, code="ZU", meaning=meaning)], NOW)

    assert [scan.meaning for scan in store.shipments.scans(1)] == [known]


# -- transitions ------------------------------------------------------------------------


def test_transitions_of_the_same_word_are_counted(store: Store) -> None:
    parcel(store)
    parcel(store, 2)

    def tell(shipment_id: int, word: Status | Problem, day: int) -> int:
        transition = Transition(word, NOW + day * DAY, f"2026-03-0{2 + day}")
        return store.shipments.add_transition(shipment_id, transition, NOW)

    assert tell(1, Status.OUT_FOR_DELIVERY, 0) == 1
    assert tell(1, Status.OUT_FOR_DELIVERY, 1) == 2
    assert tell(1, Problem.ADDRESS, 1) == 1
    assert tell(2, Status.OUT_FOR_DELIVERY, 1) == 1
    assert store.shipments.told(2) == {("out_for_delivery", "2026-03-03")}
    with pytest.raises(IntegrityError):
        tell(1, Problem.ADDRESS, 1)


def test_a_transition_is_found_again(store: Store) -> None:
    parcel(store)
    change = Transition(Status.DELIVERED, NOW, "", Detail.MAILBOX, Status.OUT_FOR_DELIVERY)
    store.shipments.add_transition(1, change, NOW)

    row = store.shipments.transition(1)

    assert row is not None
    assert (row["word"], row["detail"], row["previous"]) == (
        "delivered",
        "mailbox",
        "out_for_delivery",
    )
    assert store.shipments.transition(None) is None


# -- orders --------------------------------------------------------------------------------


def test_an_order_has_its_parcels_in_the_order_they_were_announced(store: Store) -> None:
    order = store.orders.add("1001")
    for serial in (3, 1, 2):
        store.orders.link(parcel(store, serial), order.id)

    assert [one.number for one in store.shipments.of_order(order.id)] == [
        number(3),
        number(1),
        number(2),
    ]
    assert store.shipments.get(1).orders == (order,)
    assert not store.orders.link(1, order.id)  # no news


def test_a_parcel_may_hold_goods_of_two_orders(store: Store) -> None:
    parcel(store)

    for reference in ("1001", "1002"):
        assert store.orders.link(1, store.orders.add(reference).id)

    assert [order.reference for order in store.shipments.get(1).orders] == ["1001", "1002"]


def test_an_order_is_found_by_its_reference_and_never_by_none(store: Store) -> None:
    nameless = store.orders.add("", "parcel:dhl:1:1")
    store.orders.add("", "parcel:dhl:2:1")
    order = store.orders.add("1001")

    assert store.orders.find("1001") == order
    assert store.orders.find("") is None
    assert store.orders.get(nameless.id).reference == ""
    with pytest.raises(KeyError):
        store.orders.get(99)


def test_a_reference_that_comes_later_leaves_the_ids_alone(store: Store) -> None:
    order = store.orders.add("", "parcel:dhl:1:1")

    store.orders.name(order.id, "1001")

    found = store.orders.find("1001")
    assert found is not None
    assert (found.id, found.subject) == (order.id, "parcel:dhl:1:1")


def test_a_nameless_order_dissolves_into_the_one_it_turned_out_to_be(store: Store) -> None:
    nameless, order = store.orders.add("", "parcel:dhl:1:1"), store.orders.add("1001")
    for serial in (1, 2):
        store.orders.link(parcel(store, serial), nameless.id)
    store.orders.link(2, order.id)
    review = owing(1, "review_request", order_id=nameless.id)
    store.outbox.owe(review, NOW)

    store.orders.dissolve(nameless.id, order.id)

    assert [one.id for one in store.shipments.of_order(order.id)] == [1, 2]
    assert store.shipments.get(1).orders == (order,)
    assert [one.id for one in store.outbox.waiting(order.id, "review_request")] == [review.id]
    with pytest.raises(KeyError):
        store.orders.get(nameless.id)


def test_a_blank_says_nothing_about_an_order_and_the_largest_count_holds(store: Store) -> None:
    order = store.orders.add("1001")
    said: list[tuple[str, int | None]] = [("", None), ("gid-7", 2), ("", None), ("", 3), ("", 1)]
    seen = []

    for shop_id, count in said:
        store.orders.describe(order.id, shop_id=shop_id, parcel_count=count)
        now = store.orders.get(order.id)
        seen.append((now.order_id, now.parcel_count))

    assert seen == [("", None), ("gid-7", 2), ("gid-7", 2), ("gid-7", 3), ("gid-7", 3)]


def test_an_order_is_complete_until_something_is_still_to_come(store: Store) -> None:
    order = store.orders.add("1001")
    assert store.orders.completed_at(order.id) is None

    store.orders.complete(order.id, NOW)
    assert store.orders.completed_at(order.id) == NOW

    store.orders.complete(order.id, None)
    assert store.orders.completed_at(order.id) is None


def test_a_silent_answer_erases_nothing(store: Store) -> None:
    parcel(store)
    day = NOW.date()
    told = Reading(
        number(1),
        estimate=Estimate(day, NOW, NOW + HOUR),
        pickup=Pickup("locker", "Packstation 1", "", NOW + DAY),
        service="Paket",
    )

    for reading in (told, Reading(number(1))):
        store.shipments.update(1, reading_columns(reading))

    found = store.shipments.get(1)
    assert (found.estimate, found.pickup, found.service) == (told.estimate, told.pickup, "Paket")
