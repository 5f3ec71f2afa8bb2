"""The kinds of message: their names, when they go, and which transition owes which."""

from __future__ import annotations

import pytest

from pure.builders import at
from pure.histories import sentences
from tracker_sync.messages.kinds import SPECS, About, kind_of, problem_of
from tracker_sync.model import Direction, Kind, Problem, Status, Transition

ON = {
    "dispatched": "Shipment Dispatched",
    "in_transit": "Shipment In Transit",
    "out_for_delivery": "Shipment Out for Delivery",
    "delivery_failed": "Shipment Delivery Failed",
    "ready_for_pickup": "Shipment Ready for Pickup",
    "pickup_reminder": "Shipment Pickup Reminder",
    "delivered": "Shipment Delivered",
    "address_problem": "Shipment Address Correction Required",
    "delayed": "Shipment Delayed",
    "returning": "Shipment Returning to Sender",
    "return_requested": "Return Requested",
    "return_approved": "Return Approved",
    "return_declined": "Return Declined",
    "return_label_created": "Return Label Created",
    "return_in_transit": "Return In Transit",
    "return_arrived": "Return Arrived",
    "return_refunded": "Return Refunded",
    "review_request": "Review Requested",
}
OFF = {
    "announced": "Shipment Announced",
    "customs": "Shipment Held at Customs",
    "refused": "Shipment Refused",
    "damaged": "Shipment Damaged",
    "lost": "Shipment Lost",
    "cancelled": "Shipment Cancelled",
    "problem": "Shipment Problem",
    "returned": "Shipment Returned to Sender",
    "order_dispatched": "Order Dispatched",
    "order_delivered": "Order Delivered",
    "estimate_changed": "Shipment Estimate Changed",
}


@sentences("on, names", ("sent unless muted", True, ON), ("sent only if enabled", False, OFF))
def test_the_kinds_and_their_metrics(names: dict[str, str], *, on: bool) -> None:
    assert {k.value: spec.metric for k, spec in SPECS.items() if spec.on is on} == names


def test_every_kind_is_in_the_catalogue_once_with_a_metric_of_its_own() -> None:
    assert set(SPECS) == set(Kind)
    assert len({spec.metric for spec in SPECS.values()}) == len(Kind)
    assert all(spec.says for spec in SPECS.values())


@sentences(
    "about, kinds",
    ("the order", About.ORDER, "order_dispatched order_delivered review_request"),
    (
        "the return",
        About.RETURN,
        "return_requested return_approved return_declined return_refunded",
    ),
)
def test_some_kinds_do_not_tell_of_a_parcel(about: About, kinds: str) -> None:
    assert {k.value for k, spec in SPECS.items() if spec.about is about} == set(kinds.split())


@pytest.mark.parametrize("status", Status)
def test_on_the_way_out_every_status_is_told_by_its_name(status: Status) -> None:
    assert kind_of(Transition(status, at("Tue 12:00")), Direction.OUTBOUND) is Kind(status.value)


@sentences(
    "problem, kind",
    ("a wrong address", "address", "address_problem"),
    ("a delay", "delayed", "delayed"),
    ("a damage", "damaged", "damaged"),
    ("customs", "customs", "customs"),
    ("a refusal", "refused", "refused"),
    ("any other problem", "other", "problem"),
)
def test_on_the_way_out_every_problem_is_told(problem: str, kind: str) -> None:
    transition = Transition(Problem(problem), at("Tue 12:00"))

    assert kind_of(transition, Direction.OUTBOUND) is Kind(kind)
    assert problem_of(kind) is Problem(problem)


RETURNING_WORDS = {
    "dispatched": "return_in_transit",
    "out_for_delivery": "return_in_transit",
    "delivery_failed": "return_in_transit",
    "ready_for_pickup": "return_in_transit",
    "delivered": "return_arrived",
}


@pytest.mark.parametrize("word", [*Status, *Problem], ids=str)
def test_on_the_way_back_only_the_first_scan_and_the_arrival_are_told(
    word: Status | Problem,
) -> None:
    kind = kind_of(Transition(word, at("Tue 12:00")), Direction.RETURN)

    assert kind == RETURNING_WORDS.get(word.value)


@pytest.mark.parametrize("kind", ["delivered", "review_request", "own", "address", "other"])
def test_other_kinds_tell_of_no_problem(kind: str) -> None:
    assert problem_of(kind) is None
