"""What a message says: the names templates use, what is left out, links, languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import NUMBER, at, message, order, return_parcel, shipment
from pure.histories import BERLIN, sentences
from tracker_sync.messages.properties import (
    Brand,
    Occasion,
    Wording,
    properties,
    spelled,
    transit_days,
)
from tracker_sync.messages.texts import status_text
from tracker_sync.model import (
    Detail,
    Estimate,
    Item,
    Kind,
    Pickup,
    Problem,
    Shipment,
    Status,
)

NAMES = set(
    """
    TrackingNumber TrackingURL Carrier CarrierName Service Direction Status PreviousStatus
    StatusText Detail Problem Correctable OccurredAt DeliveredAt EstimatedDelivery EstimateSource
    EstimatedLatest DestinationCountry OrderNumber OrderNumbers OrderID ParcelNumber ParcelCount
    TransitDays PickupType PickupName PickupAddress PickupUntil RerouteURL TrackingPageURL ReviewURL
    Language ItemNames Items ConsentBasis
    """.split()  # noqa: SIM905  as the design lists them
)
ITEM_KEYS = {
    *("ProductID", "SKU", "ProductName", "Quantity"),
    *("ItemPrice", "ProductURL", "ImageURL", "Categories"),
}
DHL = Brand("dhl", "DHL", "https://track.invalid/?id={number}")
GOODS = Item(
    "Espresso cups",
    2,
    "CUP-2",
    "4712",
    "19.90",
    "https://shop.invalid/cups",
    "https://shop.invalid/cups.jpg",
    ("Kitchen", "Gifts"),
)
RICH = shipment(
    "delivered",
    "Thu 14:00",
    orders=(order(order_id="gid-1"), order("1002")),
    service="Paket",
    reroute_url="https://track.invalid/reroute",
    language="de",
    destination_country="DE",
    items=(GOODS, Item("Beans")),
    properties={"Season": "winter"},
)
BARE = shipment(orders=())


def occasion(parcel: Shipment = RICH, kind: str = "delivered", **changes: Any) -> Occasion:
    """A message of that kind about the parcel."""
    facts = {"message": message(kind, "Thu 14:00"), "shipment": parcel, "brand": DHL}
    return Occasion(**{**facts, **changes})


def wording(**changes: Any) -> Wording:
    """The wishes of a shop in Berlin that speaks English."""
    return Wording(**{"zone": BERLIN, **changes})


def said(parcel: Shipment = RICH, kind: str = "delivered", **wishes: Any) -> dict[str, Any]:
    """What a message of that kind says about the parcel."""
    return properties(occasion(parcel, kind), wording(**wishes))


FULL = wording(
    items="full",
    review_link="https://shop.invalid/review/{order_number}",
    tracking_page_link="https://shop.invalid/track/{tracking_number}",
)


# -- the names ------------------------------------------------------------------------------------


def test_the_names_are_those_merchants_put_into_their_templates() -> None:
    delivered = occasion(
        kind="review_request",
        status=Status.DELIVERED,
        previous=Status.OUT_FOR_DELIVERY,
        problem=Problem.DAMAGED,
        detail=Detail.NEIGHBOUR,
        basis="consent",
        correctable=True,
    )
    waiting = shipment(
        "ready_for_pickup",
        pickup=Pickup("shop", "Kiosk", "Hauptstr. 1", at("Fri 18:00")),
        estimate=Estimate(date(2026, 11, 5)),
    )

    ours = date(2026, 11, 5), date(2026, 11, 7)
    expected = replace(occasion(shipment("in_transit")), forecast=ours)
    names = {
        name for each in (delivered, occasion(waiting), expected) for name in properties(each, FULL)
    }

    assert names - {"Season"} == NAMES


def test_a_delivery_says_all_of_this() -> None:
    told = properties(
        occasion(
            status=Status.DELIVERED,
            previous=Status.OUT_FOR_DELIVERY,
            detail=Detail.NEIGHBOUR,
            parcel_number=2,
            parcel_count=3,
        ),
        FULL,
    )

    assert told == {
        "Season": "winter",
        "TrackingNumber": NUMBER,
        "TrackingURL": f"https://track.invalid/?id={NUMBER}",
        "TrackingPageURL": f"https://shop.invalid/track/{NUMBER}",
        "RerouteURL": "https://track.invalid/reroute",
        "Carrier": "dhl",
        "CarrierName": "DHL",
        "Service": "Paket",
        "Direction": "outbound",
        "Status": "delivered",
        "PreviousStatus": "out_for_delivery",
        "StatusText": "Das Paket wurde zugestellt.",
        "Detail": "neighbour",
        "OccurredAt": "2026-11-05T14:00:00+01:00",
        "DeliveredAt": "2026-11-05T14:00:00+01:00",
        "TransitDays": 4,
        "OrderNumber": "1001",
        "OrderNumbers": ["1001", "1002"],
        "OrderID": "gid-1",
        "ParcelNumber": 2,
        "ParcelCount": 3,
        "Language": "de",
        "DestinationCountry": "DE",
        "ItemNames": ["Espresso cups", "Beans"],
        "Items": [
            {
                "ProductName": "Espresso cups",
                "Quantity": 2,
                "SKU": "CUP-2",
                "ProductID": "4712",
                "ItemPrice": "19.90",
                "ProductURL": "https://shop.invalid/cups",
                "ImageURL": "https://shop.invalid/cups.jpg",
                "Categories": ["Kitchen", "Gifts"],
            },
            {"ProductName": "Beans", "Quantity": 1},
        ],
    }


def test_what_is_not_known_is_left_out() -> None:
    told = properties(occasion(BARE, "in_transit", parcel_number=0, parcel_count=0), wording())

    assert told == {
        "TrackingNumber": NUMBER,
        "TrackingURL": f"https://track.invalid/?id={NUMBER}",
        "Carrier": "dhl",
        "CarrierName": "DHL",
        "Direction": "outbound",
        "StatusText": "Your parcel is on its way.",
        "OccurredAt": "2026-11-05T14:00:00+01:00",
        "Language": "en",
    }


def test_a_return_says_so() -> None:
    assert said(return_parcel("delivered"), "return_arrived")["Direction"] == "return"


@sentences(
    "orders, told",
    ("one order", (order(),), {"OrderNumber": "1001"}),
    (
        "two orders",
        (order(), order("1002")),
        {"OrderNumber": "1001", "OrderNumbers": ["1001", "1002"]},
    ),
    ("no order number", (order(""),), {}),
    (
        "the second one has the shop's id",
        (order(), order("1002", order_id="gid-2")),
        {"OrderNumber": "1001", "OrderNumbers": ["1001", "1002"], "OrderID": "gid-2"},
    ),
    ("no order", (), {}),
)
def test_its_orders_are_named(orders: tuple[Any, ...], told: dict[str, Any]) -> None:
    found = said(shipment("delivered", orders=orders))

    assert {name: value for name, value in found.items() if name.startswith("Order")} == told


@sentences(
    "wish, names",
    ("off", "off", set()),
    ("names", "names", {"ItemNames"}),
    ("full", "full", {"ItemNames", "Items"}),
)
def test_items_as_the_merchant_wishes(wish: str, names: set[str]) -> None:
    assert {name for name in said(items=wish) if name.startswith("Item")} == names


def test_items_have_the_keys_klaviyo_knows() -> None:
    full, bare = said(items="full")["Items"]

    assert set(full) == ITEM_KEYS
    assert set(bare) == {"ProductName", "Quantity"}


# -- the merchant's own ---------------------------------------------------------------------------


def test_the_merchants_own_properties_stand_beside_ours() -> None:
    told = said(properties={"Brand": "Muster", "Blank": ""})

    assert (told["Brand"], told["Season"]) == ("Muster", "winter")
    assert "Blank" not in told


def test_what_the_feed_says_of_this_parcel_goes_before_what_is_said_of_all() -> None:
    said_of_all = {"Season": "summer", "Blank": "filled"}
    parcel = replace(RICH, properties={"Season": "winter", "Blank": ""})

    told = said(parcel, properties=said_of_all)

    assert (told["Season"], told["Blank"]) == ("winter", "filled")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_nobody_overrides_ours_not_even_where_we_say_nothing(name: str) -> None:
    parcel = replace(BARE, properties={name: "from the feed"})

    told = said(parcel, properties={name: "from the merchant"})

    assert told.get(name) == said(BARE).get(name)


@pytest.mark.parametrize("name", ["value", "$value"])
def test_value_is_never_filled(name: str) -> None:
    parcel = replace(RICH, properties={name: "9.99"})

    told = said(parcel, properties={name: "9.99"}, also_as={"Status": name})

    assert name not in told


def test_a_property_may_have_another_name_beside_its_own() -> None:
    told = said(also_as={"TrackingNumber": "tracking_no", "Service": "service", "Detail": "how"})

    assert told["tracking_no"] == told["TrackingNumber"] == NUMBER
    assert told["service"] == "Paket"
    assert "how" not in told


def test_another_name_goes_before_the_merchants_own_property_and_after_ours() -> None:
    told = said(also_as={"Service": "Season", "TrackingNumber": "Carrier"})

    assert (told["Season"], told["Carrier"]) == ("Paket", "dhl")


# -- links ----------------------------------------------------------------------------------------

ODD = shipment("delivered", number="1 2/3&4", orders=(order("A/1 ö", order_id="a=b"),))


@sentences(
    "template, parcel, link",
    ("no link wished", "", RICH, None),
    ("a link for everybody", "https://shop.invalid/help", BARE, "https://shop.invalid/help"),
    ("by number", "https://shop.invalid/{tracking_number}", BARE, f"https://shop.invalid/{NUMBER}"),
    ("by order", "https://shop.invalid/{order_number}", RICH, "https://shop.invalid/1001"),
    ("by order, which is not known", "https://shop.invalid/{order_number}", BARE, None),
    ("by id", "https://shop.invalid/{order_id}", RICH, "https://shop.invalid/gid-1"),
    ("by id, which is not known", "https://shop.invalid/{order_id}", shipment("delivered"), None),
    (
        "with odd signs",
        "https://shop.invalid/{order_number}?n={tracking_number}&i={order_id}",
        ODD,
        "https://shop.invalid/A%2F1%20%C3%B6?n=1%202%2F3%264&i=a%3Db",
    ),
)
def test_a_link_is_filled_or_left_out(template: str, parcel: Shipment, link: str | None) -> None:
    links = {"tracking_page_link": template, "review_link": template, "reroute_link": template}

    told = said(replace(parcel, reroute_url=""), "review_request", **links)

    assert {told.get(n) for n in ("TrackingPageURL", "ReviewURL", "RerouteURL")} == {link}


def test_only_a_review_request_links_to_the_review() -> None:
    link = "https://shop.invalid/review"

    assert {k for k in Kind if "ReviewURL" in said(kind=k, review_link=link)} == {"review_request"}


def test_the_carriers_own_way_to_reroute_goes_first() -> None:
    told = said(reroute_link="https://shop.invalid/reroute")

    assert told["RerouteURL"] == "https://track.invalid/reroute"


def test_a_number_is_quoted_in_the_tracking_link() -> None:
    assert said(ODD)["TrackingURL"] == "https://track.invalid/?id=1%202%2F3%264"


def test_a_brand_without_a_tracking_page_has_no_link() -> None:
    told = properties(occasion(brand=Brand("gls", "GLS")), wording())

    assert "TrackingURL" not in told


# -- times and places -----------------------------------------------------------------------------


@sentences(
    "moment, zone, text",
    ("summer time", "2026-07-01T10:00+00:00", BERLIN, "2026-07-01T12:00:00+02:00"),
    ("winter time", "2026-12-01T10:00+00:00", BERLIN, "2026-12-01T11:00:00+01:00"),
    ("twice two o'clock, the first", "2026-10-25T00:30+00:00", BERLIN, "2026-10-25T02:30:00+02:00"),
    (
        "twice two o'clock, the second",
        "2026-10-25T01:30+00:00",
        BERLIN,
        "2026-10-25T02:30:00+01:00",
    ),
    (
        "another shop",
        *("2026-12-01T10:00+00:00", ZoneInfo("America/New_York"), "2026-12-01T05:00:00-05:00"),
    ),
)
def test_times_are_spelled_on_the_shops_clock(moment: str, zone: ZoneInfo, text: str) -> None:
    assert spelled(at(moment), zone) == text
    assert said(shipment("delivered", moment), zone=zone)["DeliveredAt"] == text


def test_no_moment_is_a_blank() -> None:
    assert spelled(None, BERLIN) == ""


@sentences(
    "scanned, delivered, zone, days",
    ("the same day", "Tue 08:00", "Tue 20:00", "Europe/Berlin", 1),
    ("the next day", "Tue 23:59", "Wed 00:01", "Europe/Berlin", 2),
    ("over a weekend", "Fri 18:00", "2026-11-10 12:00", "Europe/Berlin", 5),
    ("over the end of summer time", "2026-10-24 23:00", "2026-10-26 00:30", "Europe/Berlin", 3),
    ("the brand's days count", "Tue 23:59", "Wed 00:01", "America/New_York", 1),
)
def test_days_on_the_way_are_counted_from_one(
    scanned: str, delivered: str, zone: str, days: int
) -> None:
    parcel = shipment("delivered", delivered, zone=zone)
    parcel = replace(parcel, state=replace(parcel.state, first_scan_at=at(scanned)))

    assert transit_days(parcel) == days
    assert said(parcel)["TransitDays"] == days


@pytest.mark.parametrize("status", ["in_transit", "delivered"])
def test_days_on_the_way_of_a_parcel_never_scanned_are_not_known(status: str) -> None:
    parcel = shipment(status)
    unscanned = replace(parcel, state=replace(parcel.state, first_scan_at=None))

    assert transit_days(unscanned) == 0
    assert "TransitDays" not in said(unscanned)


def test_days_on_the_way_are_told_at_the_end_only() -> None:
    assert "TransitDays" not in said(shipment("in_transit"))


PICKUP = {"PickupType", "PickupName", "PickupAddress", "PickupUntil"}


@sentences(
    "parcel, told",
    (
        "waiting in a shop",
        shipment(
            "ready_for_pickup", pickup=Pickup("shop", "Kiosk", "Hauptstr. 1", at("Fri 18:00"))
        ),
        {
            "PickupType": "shop",
            "PickupName": "Kiosk",
            "PickupAddress": "Hauptstr. 1",
            "PickupUntil": "2026-11-06T18:00:00+01:00",
        },
    ),
    (
        "waiting, little is known",
        shipment("ready_for_pickup", pickup=Pickup("locker")),
        {"PickupType": "locker"},
    ),
    ("waiting, nothing is known", shipment("ready_for_pickup"), {}),
    ("collected", shipment("delivered", pickup=Pickup("shop", "Kiosk")), {}),
)
def test_the_pickup_point_is_told_while_it_waits_there(
    parcel: Shipment, told: dict[str, str]
) -> None:
    assert {name: value for name, value in said(parcel).items() if name in PICKUP} == told


def test_an_estimate_is_told_until_the_delivery() -> None:
    expected = Estimate(date(2026, 11, 5))
    before = said(shipment("in_transit", estimate=expected), "in_transit")
    after = said(shipment("delivered", estimate=expected))

    assert (before["EstimatedDelivery"], before["EstimateSource"]) == ("2026-11-05", "carrier")
    assert "EstimatedLatest" not in before
    assert not {"EstimatedDelivery", "EstimateSource"} & set(after)


@sentences(
    "parcel, told",
    ("on its way", shipment("in_transit"), ("2026-11-05", "history", "2026-11-07")),
    (
        "the carrier says a day",
        shipment("in_transit", estimate=Estimate(date(2026, 11, 6))),
        ("2026-11-06", "carrier", None),
    ),
    ("it has arrived", shipment("delivered"), (None, None, None)),
)
def test_our_own_forecast_is_two_days(parcel: Shipment, told: tuple[str | None, ...]) -> None:
    ours = date(2026, 11, 5), date(2026, 11, 7)
    found = properties(replace(occasion(parcel, "in_transit"), forecast=ours), wording())

    names = ("EstimatedDelivery", "EstimateSource", "EstimatedLatest")
    assert tuple(map(found.get, names)) == told


# -- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_sentence_of_its_own_in_both_languages(kind: Kind) -> None:
    english, german = status_text(kind, "en"), status_text(kind, "de")

    assert english
    assert german
    assert english != german
    for language, text in (("en", english), ("de", german)):
        assert [k for k in Kind if status_text(k, language) == text] == [kind]


@sentences(
    "language, shop, text",
    ("German", "de", "en", "Das Paket wurde zugestellt."),
    ("Austrian German", "de-AT", "en", "Das Paket wurde zugestellt."),
    ("in capitals", "DE", "en", "Das Paket wurde zugestellt."),
    ("English", "en", "de", "Your parcel has been delivered."),
    ("a language we do not speak", "fr", "de", "Your parcel has been delivered."),
    ("not known, a German shop", "", "de", "Das Paket wurde zugestellt."),
)
def test_the_customer_is_told_in(language: str, shop: str, text: str) -> None:
    told = said(shipment("delivered", language=language), language=shop)

    assert told["StatusText"] == text
    assert told["Language"] == (language or shop)


def test_a_follow_up_of_the_merchants_own_has_no_sentence() -> None:
    assert "StatusText" not in said(kind="ask_nicely")


# -- whatever is known ----------------------------------------------------------------------------

MAYBE = st.sampled_from(["", "x", "ä ö", "{order_number}"])
MEMBERS = st.dictionaries(st.sampled_from(["Season", "Status", "value", "Items", ""]), MAYBE)


@st.composite
def anything(draw: Any) -> tuple[Occasion, Wording]:
    """Any occasion a shop may have, and any wishes."""
    parcel = shipment(
        draw(st.sampled_from(["", *Status])),
        orders=tuple(
            order(draw(MAYBE), order_id=draw(MAYBE)) for _ in range(draw(st.integers(0, 3)))
        ),
        language=draw(st.sampled_from(["", "de", "en", "fr"])),
        service=draw(MAYBE),
        items=tuple(
            Item(draw(MAYBE), draw(st.integers(0, 2))) for _ in range(draw(st.integers(0, 3)))
        ),
        properties=draw(MEMBERS),
        pickup=Pickup(draw(MAYBE), draw(MAYBE)),
    )
    told = occasion(
        parcel,
        draw(st.sampled_from([*Kind, "own"])),
        parcel_number=draw(st.integers(0, 2)),
        correctable=draw(st.booleans()),
    )
    aliases = st.dictionaries(st.sampled_from(sorted(NAMES)), st.sampled_from(["alias", "Status"]))
    wishes = wording(
        items=draw(st.sampled_from(["off", "names", "full"])),
        also_as=draw(aliases),
        properties=draw(MEMBERS),
        review_link=draw(st.sampled_from(["", "https://shop.invalid/{order_number}"])),
    )
    return told, wishes


@given(anything())
def test_no_message_says_null_zero_blank_or_value(case: tuple[Occasion, Wording]) -> None:
    told = properties(*case)

    assert all(told.values())
    assert all(told.get("ItemNames", ()))
    assert all(all(item.values()) for item in told.get("Items", ()))
    assert not {"value", "$value"} & set(told)


@given(anything())
def test_ours_say_the_same_whatever_the_merchant_adds(case: tuple[Occasion, Wording]) -> None:
    what, wishes = case
    alone = replace(what, shipment=replace(what.shipment, properties={}))

    plain = properties(alone, replace(wishes, properties={}, also_as={}))

    assert {name: v for name, v in properties(*case).items() if name in NAMES} == plain
