"""The catalogue of events: complete, and true to what is really sent."""

from __future__ import annotations

from tracker_sync.messages.catalogue import catalogue, example, where_used
from tracker_sync.messages.kinds import SPECS
from tracker_sync.model import Kind

ENTRIES = catalogue()


def test_every_kind_is_listed_once() -> None:
    assert [entry.kind for entry in ENTRIES] == list(SPECS)
    assert set(SPECS) == set(Kind)


def test_an_example_holds_only_values_that_klaviyo_can_use() -> None:
    values = [value for entry in ENTRIES for value in entry.example.values()]

    assert all(isinstance(value, str | int | bool | list) and value for value in values)


def test_each_example_has_its_own_sentence() -> None:
    sentences = [entry.example["StatusText"] for entry in ENTRIES]

    assert len(set(sentences)) == len(ENTRIES)


def test_an_example_never_holds_what_identifies_a_customer() -> None:
    for entry in ENTRIES:
        assert not any("@" in str(value) for value in entry.example.values())
        assert "Email" not in entry.example


def test_a_delivery_says_where_and_how_long_it_took() -> None:
    told = example(Kind.DELIVERED)

    assert (told["Detail"], told["TransitDays"]) == ("neighbour", 5)
    assert "EstimatedDelivery" not in told


def test_a_parcel_that_waits_says_where_and_until_when() -> None:
    for kind in (Kind.READY_FOR_PICKUP, Kind.PICKUP_REMINDER):
        assert {"PickupType", "PickupName", "PickupUntil"} <= set(example(kind))


def test_only_the_review_request_has_a_review_link_and_a_legal_basis() -> None:
    uses = {name: kinds for name, _, kinds in where_used(ENTRIES)}

    assert uses["ReviewURL"] == uses["ConsentBasis"] == (Kind.REVIEW_REQUEST,)
    assert uses["Correctable"] == (Kind.ADDRESS_PROBLEM,)


def test_a_review_request_is_sent_only_if_it_is_set_up() -> None:
    sent = {entry.kind: entry.sent for entry in ENTRIES}

    assert sent[Kind.REVIEW_REQUEST] == "if set up"
    assert (sent[Kind.DELIVERED], sent[Kind.LOST]) == ("on", "off")


def test_returns_run_towards_the_shop() -> None:
    back = {e.kind for e in ENTRIES if e.example["Direction"] == "return"}

    assert back == {kind for kind in Kind if kind.startswith("return_")}
