"""The seven triggers a shop promises its customers, and the review request, over real passes."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from passes.world import START, World, moment
from tracker_sync.messages.message import order_subject, parcel_subject, unique_id

SHOP = "muster-shop"
A, B = "1Z999AA10123456784", "1Z999AA10123456799"
BACK = "1Z999AA1R123456781"


@pytest.fixture
def told(shop: World) -> World:
    """One customer's parcel with every turn, another one that comes back."""
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
    shop.parcel(
        A,
        "announced 1h",
        "address 2h",
        "dispatched 12h",
        "in_transit 30h",
        "ready_for_pickup 50h",
        "collected 60h",
    )
    shop.parcel(B, "dispatched 4h", "in_transit 10h", "out_for_delivery 26h", "delivered 29h")
    shop.parcel(BACK, "dispatched 100h", "in_transit 110h", "delivered 125h")
    shop.runs("1h", "90h", "1h")
    shop.csv(f"{BACK};ups;b@shop.example;1002;return")
    shop.runs("91h", "140h", "1h")
    return shop


def test_every_trigger_arrives_in_order_with_its_true_time(told: World) -> None:
    assert told.sent("a@shop.example") == [
        "address_problem 2h",
        "dispatched 12h",
        "in_transit 30h",
        "ready_for_pickup 50h",
        "delivered 60h",
        "review_request 132h",
    ]
    assert told.sent("b@shop.example") == [
        "dispatched 4h",
        "in_transit 10h",
        "out_for_delivery 26h",
        "delivered 29h",
        "return_label_created 91h",
        "return_in_transit 100h",
        "return_arrived 125h",
    ]


def test_ids_are_made_of_shop_subject_kind_and_ordinal(told: World) -> None:
    parcel = parcel_subject("ups", A, 1)
    ids = {event.metric: event.unique_id for event in told.events("a@shop.example")}

    assert ids["Shipment Dispatched"] == unique_id(SHOP, parcel, "dispatched", 1)
    assert ids["Shipment Address Correction Required"] == unique_id(
        SHOP, parcel, "address_problem", 1
    )
    assert ids["Review Requested"] == unique_id(SHOP, order_subject("1001"), "review_request", 1)


def test_the_review_comes_three_days_after_the_delivery_and_is_dated_so(told: World) -> None:
    (review,) = (e for e in told.events() if e.metric == "Review Requested")

    assert review.time.astimezone(UTC) == moment("60h") + timedelta(days=3)
    assert review.properties["ConsentBasis"] == "existing_customer"


def test_a_return_takes_the_waiting_review_back(told: World) -> None:
    assert "review_request 1: withheld withdrawn: the customer returns something" in told.fates()


def test_properties_say_what_a_mail_needs(told: World) -> None:
    delivered = next(e for e in told.events("a@shop.example") if e.metric == "Shipment Delivered")

    assert delivered.properties == {
        "TrackingNumber": A,
        "TrackingURL": delivered.properties["TrackingURL"],
        "Carrier": "ups",
        "CarrierName": "UPS",
        "Direction": "outbound",
        "OrderNumber": "1001",
        "ParcelNumber": 1,
        "ParcelCount": 1,
        "Language": "de",
        "Status": "delivered",
        "PreviousStatus": "ready_for_pickup",
        "StatusText": "Das Paket wurde zugestellt.",
        "Detail": "collected",
        "OccurredAt": "2026-11-04T19:00:00+01:00",
        "DeliveredAt": "2026-11-04T19:00:00+01:00",
        "TransitDays": 3,
    }
    assert delivered.properties["TrackingURL"].startswith("https://")
    assert delivered.time == START + timedelta(hours=60)
