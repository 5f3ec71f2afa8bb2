"""Whole walks, each a story that somebody once stumbled on."""

from __future__ import annotations

from pathlib import Path

from passes.world import World, configure, world

A, B = "1Z999AA10123456784", "1Z999AA10123456799"
RETURN = "1Z999AA1R123456781"
DHL = "00340434161094042557"
FULL = ("announced 1h", "dispatched 2h", "in_transit 8h", "out_for_delivery 26h", "delivered 30h")


def test_a_plain_delivery_is_told_step_by_step_and_asks_for_one_review(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, *FULL)
    shop.runs("0.5h", "140h", "4h")

    assert shop.sent() == [
        "dispatched 2h",
        "in_transit 8h",
        "out_for_delivery 26h",
        "delivered 30h",
        "review_request 102h",
    ]


def test_failed_twice_then_shop_then_collected(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(
        A,
        "dispatched 2h",
        "out_for_delivery 24h",
        "delivery_failed 28h",
        "out_for_delivery 48h",
        "delivery_failed 52h",
        "ready_for_pickup 53h",
        "collected 75h",
    )
    shop.runs("1h", "80h", "1h")

    assert shop.sent() == [
        "dispatched 2h",
        "out_for_delivery 24h",
        "delivery_failed 28h",
        "out_for_delivery 48h",
        "ready_for_pickup 53h",
        "delivered 75h",
    ]
    assert "delivery_failed 2: withheld overtaken: ready_for_pickup" in shop.fates()
    assert shop.events()[-1].properties["Detail"] == "collected"


def test_out_for_delivery_is_told_again_on_the_second_day(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "out_for_delivery 2h", "out_for_delivery 4h", "out_for_delivery 26h")
    shop.runs("1h", "30h", "1h")

    assert shop.sent() == ["out_for_delivery 2h", "out_for_delivery 26h"]


def test_an_early_scan_that_comes_late_changes_nothing(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "out_for_delivery 26h")
    shop.run("27h")
    shop.parcel(A, "dispatched 2h", "in_transit 8h")
    shop.run("28h")

    assert shop.sent() == ["out_for_delivery 26h"]
    assert shop.status(A) == "out_for_delivery"


def test_delivered_taken_back_and_delivered_again_is_one_mail_and_one_review(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.run("3h")
    shop.run("27h")
    shop.parcel(A, "out_for_delivery 50h", "delivered 54h")
    shop.runs("28h", "220h", "2h")

    assert shop.kinds() == ["dispatched", "delivered", "review_request"]
    assert shop.sent()[-1] == "review_request 126h"


def test_a_delivery_after_the_turn_back_is_a_return(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "returning 30h", "delivered 60h")
    shop.runs("1h", "160h", "3h")

    assert shop.kinds() == ["dispatched", "returning"]
    assert shop.status(A) == "returned"


def test_an_old_delivered_of_a_recycled_number_is_not_believed(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001;;;2026-11-02")
    shop.lives[A] = []
    shop.parcel(A, "delivered -240h")
    shop.run("1h")
    assert shop.status(A) is None

    shop.parcel(A, "dispatched 2h")
    shop.run("3h")

    assert shop.sent() == ["dispatched 2h"]


def test_two_orders_in_one_parcel_are_one_mail_and_one_review(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{A};ups;a@shop.example;1002")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.runs("1h", "130h", "2h")

    assert shop.kinds() == ["dispatched", "delivered", "review_request"]
    assert shop.events()[0].properties["OrderNumbers"] == ["1001", "1002"]
    assert "review_request 1: withheld asked less than 30d ago" in shop.fates()


def test_an_address_that_arrives_after_the_number_gets_what_still_holds(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups")
    shop.parcel(A, "dispatched 2h", "out_for_delivery 24h")
    shop.run("3h")
    shop.run("25h")
    assert shop.sent() == []

    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.run("26h")

    assert shop.sent() == ["out_for_delivery 24h"]


def test_an_order_reference_that_arrives_later_keeps_the_ids_and_the_one_review(
    shop: World,
) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.runs("1h", "40h", "2h")
    (before,) = shop.rows("SELECT id FROM messages WHERE kind = 'review_request'")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.runs("41h", "120h", "3h")

    (after,) = shop.rows("SELECT id FROM messages WHERE kind = 'review_request'")
    assert before["id"] == after["id"]
    assert shop.kinds() == ["dispatched", "delivered", "review_request"]
    assert shop.events()[-1].properties["OrderNumber"] == "1001"


def test_two_nameless_parcels_of_one_order_get_one_review(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example", f"{B};ups;a@shop.example")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.parcel(B, "dispatched 2h", "delivered 50h")
    shop.runs("1h", "30h", "2h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;a@shop.example;1001")
    shop.runs("31h", "200h", "3h")

    assert shop.kinds().count("review_request") == 1
    assert shop.sent()[-1] == "review_request 122h"


def test_a_parcel_added_after_the_last_delivery_moves_the_review(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.runs("1h", "40h", "2h")
    shop.csv(f"{B};ups;a@shop.example;1001")
    shop.parcel(B, "dispatched 50h", "delivered 74h")
    shop.runs("41h", "160h", "2h")

    assert [entry for entry in shop.sent() if "review" in entry] == ["review_request 146h"]


def test_a_corrected_number_is_the_same_parcel(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    shop.run("3h")
    shop.csv(f"{B};ups;a@shop.example;1001;;;;{A}")
    shop.parcel(B, "dispatched 2h", "out_for_delivery 26h")
    shop.runs("4h", "28h", "2h")

    assert shop.kinds() == ["dispatched", "out_for_delivery"]
    assert len(shop.rows("SELECT * FROM shipments")) == 1
    assert shop.events()[-1].properties["TrackingNumber"] == B


def test_a_second_carrier_of_the_same_brand_tells_nothing_twice(tmp_path: Path) -> None:
    with world(tmp_path, "dhl_unified") as shop:
        shop.run("0h")
        shop.csv(f"{DHL};dhl;a@shop.example;1001")
        shop.parcel(DHL, "announced 1h", "in_transit 8h", "delivered 30h")
        shop.runs("1h", "12h", "1h")
        configure(shop, "dhl_unified", "dhl_parcel_de")
        shop.runs("13h", "120h", "3h")

        assert shop.sent() == ["dispatched 8h", "delivered 30h", "review_request 102h"]
        assert shop.calls["dhl_parcel_de"] > 0


def test_a_source_added_later_tells_no_old_news(shop: World) -> None:
    shop.run("0h")
    shop.parcel(A, "dispatched 2h", "delivered 30h")
    shop.run("40h")
    (shop.folder / "late").mkdir()
    text = (shop.folder / "shop.yaml").read_text()
    text = text.replace(
        'sources: [{type: csv, path: "inbox/*.csv"}]',
        'sources: [{type: csv, path: "inbox/*.csv"}, {type: csv, path: "late/*.csv"}]',
    )
    (shop.folder / "shop.yaml").write_text(text)
    shop.csv(f"{A};ups;a@shop.example;1001").rename(shop.folder / "late" / "x.csv")
    shop.runs("41h", "130h", "3h")

    assert shop.sent() == []
    assert "delivered 1: withheld happened before we were switched on" in shop.fates()


def test_after_a_two_day_outage_only_what_still_holds_is_sent(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
    shop.parcel(A, "dispatched 2h", "in_transit 8h", "out_for_delivery 26h", "delivered 30h")
    shop.parcel(B, "dispatched 2h", "in_transit 40h")
    shop.run("3h")
    shop.klaviyo.outage = True
    shop.runs("9h", "50h", "6h")
    assert shop.kinds() == ["dispatched", "dispatched"]

    shop.klaviyo.outage = False
    shop.runs("51h", "60h", "1h")

    assert shop.sent("a@shop.example") == ["dispatched 2h", "delivered 30h"]
    assert shop.sent("b@shop.example") == ["dispatched 2h", "in_transit 40h"]
    assert "out_for_delivery 1: withheld overtaken: delivered" in shop.fates()
    assert shop.klaviyo.duplicates == []


def test_what_the_warehouse_told_the_first_scan_does_not_repeat(shop: World) -> None:
    shop.run("0h")
    shop.csv(
        f"{A};ups;a@shop.example;1001;2026-11-02T09:00:00+01:00",
        header="tracking_number;courier;email;order_id;dispatched_at",
    )
    shop.parcel(A, "in_transit 5h", "in_transit 9h")
    shop.runs("3h", "12h", "1h")

    assert shop.sent() == ["dispatched 2h", "in_transit 9h"]
    assert shop.rows("SELECT DISTINCT origin FROM scans ORDER BY origin")[1]["origin"] == "source"


def test_an_enclosed_return_label_says_nothing_until_it_is_scanned(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001", f"{RETURN};ups;a@shop.example;1001;enclosed")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.parcel(RETURN, "announced 1h")
    shop.runs("3h", "110h", "3h")
    assert shop.kinds() == ["dispatched", "delivered", "review_request"]

    shop.parcel(RETURN, "dispatched 120h", "delivered 150h")
    shop.runs("121h", "160h", "3h")

    assert shop.kinds()[3:] == ["return_in_transit", "return_arrived"]
