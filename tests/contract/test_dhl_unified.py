"""DHL's unified API: what its lies, its spellings and its several shipments must not lead to."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml
from pydantic import ValidationError

from tracker_sync.carriers import Parcel
from tracker_sync.carriers._text import plain, shown
from tracker_sync.carriers.dhl_unified import Config, DhlUnified
from tracker_sync.carriers.tables import meaning, table
from tracker_sync.errors import Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.lifecycle import trace
from tracker_sync.model import Detail, Meaning, Pickup, Reading, Scan, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "dhl_unified"
SHARED = Path(__file__).parents[3] / "shared" / "data"
NUMBER = "00340434000000012027"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no collected data beside the repo")


def dhl(**config: Any) -> DhlUnified:
    return DhlUnified(Config(api_key="a-key", **config))


def shipment(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": NUMBER, "service": "parcel-de", "events": list(events), **more}


def event(text: str, **more: Any) -> dict[str, Any]:
    return {"timestamp": "2026-03-18T10:02:00", "statusCode": "transit", "status": text, **more}


def readings(
    *shipments: dict[str, Any], asked: str | None = NUMBER, **config: Any
) -> list[Reading]:
    body = json.dumps({"shipments": shipments}).encode()
    return dhl(**config).decode_body(body, [asked] if asked else [])


def scan(service: str, **fields: Any) -> Scan:
    happened = {"timestamp": "2026-03-18T10:02:00", **fields}
    (reading,) = readings(shipment(happened, service=service))
    return reading.scans[0]


def summary(reading: Reading) -> dict[str, Any]:
    state = trace(reading.scans, zone=ZoneInfo("Europe/Berlin"), first_scan_rule=False).state
    return {
        "number": reading.number,
        "status": state.status,
        "problem": next(iter(state.problems), None),
        "detail": state.detail,
        "scans": len(reading.scans),
        "last_scan": reading.scans[-1].at if reading.scans else None,
        "unknown": [s.code for s in reading.scans if s.meaning is None],
        "not_found": reading.not_found,
        "eta": reading.estimate and reading.estimate.day,
        "pickup": reading.pickup and reading.pickup.type,
    }


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_reads_sample(path: Path) -> None:
    neighbour = yaml.safe_load(path.with_suffix(".expect.yaml").read_text(encoding="utf-8"))
    expected = {"not_found": False, "eta": None, "pickup": None, **neighbour}

    (unasked,) = dhl().decode_body(path.read_bytes(), ())
    (asked,) = dhl().decode_body(path.read_bytes(), [expected["number"]])

    assert summary(unasked) == summary(asked) == expected


class TestRequest:
    def test_asks_one_number_in_one_language(self) -> None:
        request = dhl().request([NUMBER], None)

        assert str(request.url) == (
            f"https://api-eu.dhl.com/track/shipments?trackingNumber={NUMBER}&language=en"
        )
        assert request.headers["DHL-API-Key"] == "a-key"

    def test_a_service_narrows_the_search(self) -> None:
        request = dhl(service="parcel-nl", base_url="http://127.0.0.1:9").request([NUMBER], None)

        assert request.url.params["service"] == "parcel-nl"
        assert request.url.host == "127.0.0.1"
        assert request.url.path == "/track/shipments"

    def test_a_service_dhl_does_not_have_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="parcel-de"):
            dhl(service="parcel-dk")

    def test_calls_stay_within_the_free_plan(self) -> None:
        assert (DhlUnified.budget.per_day, DhlUnified.budget.per_second) == (250, 0.2)
        assert DhlUnified.budget_zone == "Etc/GMT"
        assert DhlUnified.max_per_parcel_day == 10
        assert DhlUnified.min_gap >= timedelta(hours=1)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "error"),
        [(400, Rejected), (401, Rejected), (429, Throttled), (500, Unavailable)],
    )
    def test_problems_are_told_by_answer_and_by_body_alone(
        self, status: int, error: type[Exception]
    ) -> None:
        problem = {"status": status, "title": "Some title", "detail": "Some detail"}

        with pytest.raises(error):
            dhl().decode(httpx.Response(status, json=problem), [NUMBER])
        with pytest.raises(error):
            dhl().decode_body(json.dumps(problem).encode(), ())

    def test_404_is_not_found(self) -> None:
        problem = {"title": "No result found", "status": 404}

        answered = dhl().decode(httpx.Response(404, json=problem), [NUMBER])
        saved = dhl().decode_body(json.dumps(problem).encode(), ())

        assert answered == [Reading(NUMBER, not_found=True)]
        assert saved == [Reading(None, not_found=True)]

    def test_200_without_shipments_is_not_found(self) -> None:
        assert readings() == [Reading(NUMBER, not_found=True)]
        assert readings(asked=None) == [Reading(None, not_found=True)]

    @pytest.mark.parametrize(
        "body", [b"[]", b"{}", b"null", b"<html>", b'{"shipments": [{}]}', b'{"shipments": null}']
    )
    def test_another_shape_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            dhl().decode_body(body, [NUMBER])

    @pytest.mark.parametrize("stamp", ["18.03.2026 10:02", "03/18/2026", "soon"])
    def test_a_stamp_that_is_not_iso_is_never_guessed(self, stamp: str) -> None:
        with pytest.raises(Unreadable):
            readings(shipment(event("Delivered", timestamp=stamp)))


class TestWhichShipment:
    def test_an_id_in_another_form_is_the_number_asked_for(self) -> None:
        (reading,) = readings(shipment(event("Delivered"), id=340434000000012027))

        assert reading.number == NUMBER
        assert reading.scans

    def test_another_id_of_the_same_form_is_somebody_elses_shipment(self) -> None:
        other = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)

        (reading,) = readings(shipment(event("Delivered"), id=other))

        assert reading == Reading(NUMBER, not_found=True)

    def test_a_piece_is_meant_although_its_shipment_has_an_id_of_the_same_form(self) -> None:
        other = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)

        (reading,) = readings(
            shipment(event("Delivered"), id=other, details={"pieceIds": [NUMBER]})
        )

        assert reading.scans

    def test_a_piece_is_found_among_several_shipments(self) -> None:
        other = shipment(event("Delivered"), id="1111")
        mine = shipment(event("Out for delivery"), id="2222", details={"pieceIds": [NUMBER]})

        (reading,) = readings(other, mine)

        assert (reading.number, reading.scans[0].status) == (NUMBER, Status.OUT_FOR_DELIVERY)

    @pytest.mark.parametrize("form", ["list", "one"])
    def test_a_reference_of_one_shipment_is_enough(self, form: str) -> None:
        reference: Any = {"number": NUMBER, "type": "local-tracking-number"}
        mine = shipment(
            id="1", details={"references": [reference] if form == "list" else reference}
        )

        (reading,) = readings({**mine, "events": [event("Delivered")]}, shipment(id="2"))

        assert reading.scans[0].status is Status.DELIVERED

    def test_a_reference_of_several_parcels_means_none_of_them(self) -> None:
        common = {"references": [{"number": NUMBER}]}
        parcels = [shipment(event("Delivered"), id=id_, details=common) for id_ in "12"]

        assert readings(*parcels) == [Reading(NUMBER, ambiguous=True)]

    def test_several_foreign_shipments_mean_none(self) -> None:
        foreign = [shipment(event("Delivered"), id=id_) for id_ in "12"]

        assert readings(*foreign) == [Reading(NUMBER, not_found=True)]

    def test_the_setting_decides_between_two_services(self) -> None:
        dutch = shipment(event("Delivered"), service="parcel-nl")
        german = shipment(event("Out for delivery"))

        unclear = readings(dutch, german)
        (clear,) = readings(dutch, german, service="parcel-de")

        assert unclear == [Reading(NUMBER, ambiguous=True)]
        assert (clear.service, clear.scans[0].status) == ("parcel-de", Status.OUT_FOR_DELIVERY)

    @pytest.mark.parametrize("service", ["express", "freight", "dgf", "dsc"])
    def test_a_division_of_another_brand_does_not_count_beside_one_of_this(
        self, service: str
    ) -> None:
        other = shipment(event("Delivered"), service=service)
        parcel = shipment(event("Out for delivery"))

        (both,) = readings(other, parcel)
        (alone,) = readings(other)
        (asked,) = readings(other, parcel, service=service)

        assert both.service == "parcel-de"
        assert alone.service == asked.service == service

    @pytest.mark.parametrize(
        ("days", "meant"),
        [
            (("2026-03-02", "2026-03-09"), 0),
            (("2026-03-20", "2026-02-25"), 1),
            (("2025-03-01", "2026-03-25"), 1),
            (("2026-02-28", "2026-03-02"), "ambiguous"),
            (("2026-03-02", "2026-03-01"), "ambiguous"),
            (("2025-03-01", "2026-06-01"), "not_found"),
        ],
    )
    @pytest.mark.parametrize("services", [("parcel-de", "parcel-nl"), ("parcel-de", "parcel-de")])
    def test_the_day_of_shipping_decides_between_two_shipments(
        self, services: tuple[str, str], days: tuple[str, str], meant: int | str
    ) -> None:
        pairs = list(zip(services, days, strict=True))
        found = [
            shipment(event("Delivered", timestamp=f"{day}T10:00:00"), service=name, id=f"0{i}")
            | {"details": {"references": [{"number": NUMBER}]}}
            for i, (name, day) in enumerate(pairs, 1)
        ]
        parcel = Parcel(NUMBER, shipped_at=datetime(2026, 3, 1, 9, tzinfo=UTC))

        (reading,) = dhl().read_for({"shipments": found}, [parcel])

        if isinstance(meant, int):
            assert [f"{s.at:%Y-%m-%d}" for s in reading.scans] == [days[meant]]
        else:
            assert reading == Reading(NUMBER, **{meant: True})  # type: ignore[arg-type]

    def test_a_shipment_is_as_old_as_its_first_event(self) -> None:
        """Both were seen last on the same day; one of them had been on its way for a month."""
        last = event("Delivered", timestamp="2026-03-09T10:00:00")
        old = shipment(last, event("Picked up", timestamp="2026-02-09T10:00:00"))
        new = shipment(last, event("Picked up", timestamp="2026-03-02T10:00:00"))
        parcel = Parcel(NUMBER, shipped_at=datetime(2026, 3, 1, 9, tzinfo=UTC))

        (reading,) = dhl().read_for({"shipments": [{**old, "service": "parcel-nl"}, new]}, [parcel])

        assert reading.service == "parcel-de"

    def test_the_day_of_shipping_takes_nothing_from_a_lone_shipment(self) -> None:
        """DHL forgets old events, so the first one it still tells of may be a late one."""
        late = shipment(event("Delivered", timestamp="2026-06-18T10:02:00"))
        parcel = Parcel(NUMBER, shipped_at=datetime(2026, 3, 1, 9, tzinfo=UTC))

        (reading,) = dhl().read_for({"shipments": [late]}, [parcel])

        assert reading.scans

    def test_the_newest_of_two_lives_of_a_number_counts(self) -> None:
        old = shipment(event("Delivered", timestamp="2025-01-02T10:00:00"))
        new = shipment(event("Out for delivery"))

        (reading,) = readings(old, new)

        assert [s.status for s in reading.scans] == [Status.OUT_FOR_DELIVERY]

    def test_every_number_of_an_answer_is_read_when_none_was_asked(self) -> None:
        read = readings(
            shipment(event("Delivered"), id="1"), shipment(id="2", status={}), asked=None
        )

        assert [reading.number for reading in read] == ["1", "2"]


class TestTimes:
    @pytest.mark.parametrize(
        ("stamp", "utc"),
        [
            ("2026-03-18T10:02:00", "2026-03-18T09:02:00"),
            ("2026-07-18T10:02:00", "2026-07-18T08:02:00"),
            ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),
            ("2026-03-18T10:02:00Z", "2026-03-18T10:02:00"),
            ("2026-03-18T10:02:00.123Z", "2026-03-18T10:02:00"),
            ("2026-03-18T10:02:00+2:00", "2026-03-18T08:02:00"),
            ("2026-03-18T10:02:00-05:30", "2026-03-18T15:32:00"),
            ("2026-03-18T10:02:00+0200", "2026-03-18T08:02:00"),
            ("2026-03-18", "2026-03-17T23:00:00"),
        ],
    )
    def test_stamps_are_read_as_they_are_spelt(self, stamp: str, utc: str) -> None:
        assert dhl().when(stamp) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

    @pytest.mark.parametrize("service", ["parcel-de", "ecommerce", "express", "dgf"])
    def test_a_stamp_without_offset_is_berlin_time_whatever_the_service(self, service: str) -> None:
        found = scan(service, status="Delivered")

        assert found.at == datetime(2026, 3, 18, 9, 2, tzinfo=UTC)

    def test_a_status_as_old_as_an_event_is_no_scan_of_its_own(self) -> None:
        (reading,) = readings(shipment(event("Delivered"), status=event("Delivered")))

        assert len(reading.scans) == 1


class TestMeaning:
    @pytest.mark.parametrize("code", ["delivered", "transit", "pre-transit", "failure", "unknown"])
    @pytest.mark.parametrize("status", ["", "same"])
    def test_status_code_never_explains_a_text(self, code: str, status: str) -> None:
        found = scan(
            "parcel-de",
            statusCode=code,
            status=code if status == "same" else "",
            description="Nobody has listed this",
        )

        assert found.meaning is None
        assert found.code == "parcel-de|nobody has listed this"
        assert found.text == "Nobody has listed this"

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("pre-transit", Status.ANNOUNCED),
            ("transit", Status.IN_TRANSIT),
            ("delivered", Status.DELIVERED),
            ("failure", None),
            ("unknown", None),
        ],
    )
    def test_status_code_alone_is_a_code(self, code: str, expected: Status | None) -> None:
        found = scan("parcel-de", statusCode=code)

        assert (found.code, found.status) == (code, expected)
        assert scan("parcel-de", statusCode=code, status=code).status is expected

    @pytest.mark.parametrize("service", ["ecommerce-europe", "svb"])
    def test_a_bare_delivered_is_not_believed_where_it_is_known_to_lie(self, service: str) -> None:
        found = scan(service, statusCode="delivered")

        assert (found.meaning, found.code) == (None, f"{service}|statusCode delivered")

    @pytest.mark.parametrize(
        "beside",
        [
            "Returned to the business sender",
            "Handed to a parcel shop",
            "Available for collection",
            "Not yet handed over",
            "Wurde nicht angenommen",
            "DELIVERED_TO_LOCKER",
        ],
    )
    def test_delivered_is_doubted_beside_a_text_that_may_say_otherwise(self, beside: str) -> None:
        found = scan("ecommerce", statusCode="delivered", status="DELIVERED", description=beside)

        assert found.meaning is None
        assert found.text == beside

    def test_a_listed_text_beside_delivered_wins(self) -> None:
        found = scan("ecommerce", status="DELIVERED", description="RETURNS DELIVERED")

        assert found.status is Status.RETURNED

    def test_the_more_telling_of_two_deliveries_wins(self) -> None:
        found = scan("ecommerce", status="DELIVERED", description="DELIVERED - PARCEL LOCKER")

        assert found.meaning == Meaning(status=Status.DELIVERED, detail=Detail.LOCKER)

    @pytest.mark.parametrize("flag", [True, "true"])
    def test_a_returned_shipment_is_never_delivered(self, flag: object) -> None:
        (reading,) = readings(shipment(event("Delivered"), returnFlag=flag))

        assert reading.scans[0].meaning == Meaning(status=Status.RETURNED)

    def test_a_text_means_what_its_service_means_by_it(self) -> None:
        assert scan("parcel-nl", status="DELIVERED_AT_SHIPPER").status is Status.RETURNED
        assert scan("parcel-de", status="DELIVERED_AT_SHIPPER").meaning is None

    def test_an_event_of_a_service_without_list_is_unknown_except_for_plain_words(self) -> None:
        assert scan("parcel-uk", status="Arrived at depot").meaning is None
        assert scan("parcel-uk", status="Out for delivery").status is Status.OUT_FOR_DELIVERY

    @pytest.mark.parametrize(
        "text",
        ["The previous event was deleted by driver", "Das vorherige Ereignis wurde gelöscht."],
    )
    def test_a_deleted_event_revokes(self, text: str) -> None:
        assert scan("parcel-de", status=text).meaning == Meaning(revokes=True)

    def test_a_merchant_maps_the_code_he_was_shown(self) -> None:
        text = "The parcel rests, " * 12
        shown_code = scan("parcel-de", status=text).code

        (reading,) = readings(shipment(event(text)), codes={shown_code: "in_transit"})

        assert len(shown_code) == 120
        assert reading.scans[0].status is Status.IN_TRANSIT

    def test_a_merchant_overrules_a_listed_text(self) -> None:
        (reading,) = readings(shipment(event("Delivered")), codes={"parcel-de|delivered": "lost"})

        assert reading.scans[0].status is Status.LOST


class TestSpelling:
    @pytest.mark.parametrize(
        "text",
        [
            "The shipment has been loaded onto the delivery vehicle",
            "THE SHIPMENT HAS BEEN LOADED ONTO THE DELIVERY VEHICLE.",
            "  The shipment&nbsp;has been <b>loaded</b> onto the delivery vehicle .",
            "The shipment has been loaded onto the delivery vehicle in Bonn.",
            "The shipment has been loaded onto the delivery vehicle in Bad Godesberg, Germany",
            "The shipment has been loaded onto the delivery vehicle on 18.03.2026 at 07:41",
            "The shipment has been loaded onto the delivery vehicle. It will arrive today.",
            "Die Sendung wurde in das Zustellfahrzeug geladen.",
        ],
    )
    def test_spelling_place_and_date_do_not_matter(self, text: str) -> None:
        assert scan("parcel-de", status=text).status is Status.OUT_FOR_DELIVERY

    @pytest.mark.parametrize(
        "text",
        [
            "The shipment has been loaded onto a delivery vehicle",
            "The shipment has not been loaded onto the delivery vehicle",
            "The shipment has been loaded onto the delivery vehicle by mistake",
        ],
    )
    def test_another_word_is_another_text(self, text: str) -> None:
        assert scan("parcel-de", status=text).meaning is None

    def test_the_place_of_the_event_is_cut_off_an_unlisted_text(self) -> None:
        at = {"address": {"addressLocality": "LEIPZIG - GERMANY"}}

        found = scan("express", status="Waved through at LEIPZIG-GERMANY", location=at)

        assert (found.code, found.place) == ("express|waved through", "LEIPZIG - GERMANY")

    def test_a_delivery_to_an_unknown_place_is_not_taken_for_one_to_the_recipient(self) -> None:
        assert scan("parcel-de", status="Delivered in Nowhere").meaning is None
        assert scan("parcel-de", status="Delivered in Paketshop").meaning is None

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("Delivered - Signed for by: A. MUSTER", "Delivered - Signed for by:"),
            ("Delivered - Signed for by A. MUSTER", "Delivered - Signed for by"),
            ("Delivered : MUSTER", "Delivered :"),
            ("Delivered - Signed for by: ZOLLNER PICKARD", "Delivered - Signed for by:"),
            ("Delivered: returned to shipper", "Delivered: returned to shipper"),
            ("Refused: not ordered", "Refused: not ordered"),
            ("Mail to a.muster@shop.invalid sent", "Mail to # sent"),
        ],
    )
    def test_names_are_not_kept(self, text: str, kept: str) -> None:
        assert shown(text) == kept

    def test_a_text_without_end_is_cut_before_it_costs_time(self) -> None:
        assert len(shown("signed - " * 500_000)) <= 1000

    def test_a_signer_in_place_of_a_text_is_not_kept(self) -> None:
        found = scan("express", statusCode="pre-transit", status="DELIVERED", description="MUSTER")

        assert (found.status, found.text) == (Status.DELIVERED, "DELIVERED")
        assert found.code == "express|delivered"

    def test_every_listed_text_is_spelt_as_it_is_looked_up(self) -> None:
        texts = [code.partition("|")[2].rstrip("…") for code in DhlUnified.codes]

        assert [text for text in texts if text != plain(text)] == []

    def test_every_listed_text_is_found_by_an_event(self) -> None:
        """A first sentence stands for itself with more behind it."""
        lost = []
        for code, expected in DhlUnified.codes.items():
            service, bar, text = code.partition("|")
            if bar and scan(service, status=text.replace("…", ". More.")).meaning != expected:
                lost.append(code)

        assert lost == []


class TestExtras:
    def test_the_forecast_and_its_window(self) -> None:
        path = SAMPLES / "estimate.json"

        (reading,) = dhl().decode_body(path.read_bytes(), ())

        assert reading.estimate is not None
        assert reading.estimate.day == date(2026, 7, 1)
        assert reading.estimate.begins == datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
        assert reading.estimate.ends == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
        assert reading.service == "parcel-de"
        assert reading.reroute_url == "https://reroute.example/r?id=2424"

    def test_the_day_of_a_forecast_is_berlins(self) -> None:
        (reading,) = readings(shipment(estimatedTimeOfDelivery="2026-07-01T22:30:00Z", status={}))

        assert reading.estimate is not None
        assert reading.estimate.day == date(2026, 7, 2)

    @pytest.mark.parametrize("stamp", ["2017-20-10T09:00:00", 20260701, ""])
    def test_a_forecast_that_cannot_be_read_is_none(self, stamp: object) -> None:
        (reading,) = readings(shipment(event("Delivered"), estimatedTimeOfDelivery=stamp))

        assert reading.estimate is None
        assert reading.scans

    def test_where_the_parcel_waits(self) -> None:
        (reading,) = dhl().decode_body((SAMPLES / "pickup.json").read_bytes(), ())

        assert reading.pickup == Pickup("shop", "DHL Parcelshop 17", "Testowa 1, 00-001 Warszawa")

    @pytest.mark.parametrize(
        ("label", "kind"),
        [
            ("Packstation 17", "locker"),
            ("DHL Locker 17", "locker"),
            ("Postfiliale 17", "branch"),
            ("Post Office 17", "branch"),
            ("DHL Paketshop", "shop"),
            ("Kiosk am Eck", ""),
        ],
    )
    def test_kinds_of_pickup_points(self, label: str, kind: str) -> None:
        waiting = event("AVAILABLE FOR PICKUP", location={"servicePoint": {"label": label}})

        (reading,) = readings(shipment(waiting, service="ecommerce"))

        assert reading.pickup == Pickup(kind, label)

    def test_the_shop_that_took_the_parcel_in_is_no_pickup_point(self) -> None:
        handed_in = event("Picked up", location={"servicePoint": {"label": "DHL Paketshop"}})

        (reading,) = readings(shipment(handed_in, service="express"))

        assert reading.pickup is None


WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "delivery_attempted/refused": "delivery_failed!refused",
    "address_problem": "!address",
    "customs": "!customs",
    "delayed": "!delayed",
    "exception": "!other",
    "exception/damage": "!damaged",
    "exception/lost": "lost",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "unknown/info": "info",
}
NAMED = {"parcel-nl", "svb", "parcel-pl", "ecommerce-europe"}  # services that may show the code
AMBIGUOUS = {  # texts that stand for several codes: unknown, or the least they all mean
    ("parcel-nl", "CALAMITY_SYSTEM_INTERVENTION_DELIVERY_AT_PARCELSHOP"),
    ("parcel-nl", "INTERVENTION_RECEIVER_REQUESTS_DELIVERY_AT_PARCELSHOP"),
    ("parcel-nl", "MISSING_AFTER_ROUTE"),
    ("parcel-nl", "PARCEL_COLLECTED_AT_PARCELSHOP_BY_COURIER"),
    ("parcel-nl", "PARCEL_COLLECTED_AT_SERVICEPOINT_BY_COURIER"),
    ("parcel-nl", "REFUSED"),
    ("ecommerce-europe", "258"),
    ("ecommerce-europe", "370"),
}


def rows() -> list[dict[str, str]]:
    with (SHARED / "codes" / "dhl_unified.csv").open(encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["subcode"] != "statusCode"]
    return [row for row in listed if row["normalized"] != "unknown"]


def without_brackets(text: str) -> str:
    """Brackets hold the list's own remarks."""
    return text.split(" [")[0]


def differs(found: Scan, row: dict[str, str]) -> bool:
    """Details were refined here, so only the rest must agree."""
    word = row["normalized"]
    meant = meaning(WORDS.get(word, word.partition("/")[0]))
    return found.meaning is None or replace(found.meaning, detail=None) != meant


def never_a_text(row: dict[str, str]) -> bool:
    """Rows whose text repeats statusCode, or names a code the API does not show."""
    service, code = row["subcode"], row["code"]
    return (
        service == "svb"
        or (service == "parcel-de" and code != "text")
        or (service == "express" and code.isdigit())
    )


# Express code -> our meaning, and why it is not the table's. DHL Express's own API reads the same.
CORRECTED = {
    "BR": ("info", "released by the broker: customs no longer hold it"),
    "CR": ("info", "cleared: customs no longer hold it"),
    "RR": ("info", "also said of parcels in the air, and of a release"),
    "DD": ("delivered!damaged", "it came, but not whole"),
    "PD": ("!other", "some pieces are still missing; the last one is told as delivered"),
}


@needs_shared
def test_agrees_with_the_collected_texts() -> None:
    differing = {
        (row["subcode"], row["code"])
        for row in rows()
        if not never_a_text(row)
        and differs(scan(row["subcode"], status=without_brackets(row["text"])), row)
    }

    assert differing == AMBIGUOUS | {("express", code) for code in CORRECTED}


@needs_shared
def test_corrected_texts_and_codes_mean_what_the_correction_says() -> None:
    texts = {row["code"]: row["text"] for row in rows() if row["subcode"] == "express"}
    for code, (wanted, _) in CORRECTED.items():
        for status in (without_brackets(texts[code]), code):
            assert scan("express", status=status).meaning == meaning(wanted), status


def test_express_codes_mean_what_they_mean_at_dhl_express() -> None:
    own = {code: meant for code, meant in table("dhl_express").items() if len(code) == 2}
    here = {code: DhlUnified.codes.get(f"express|{code.lower()}") for code in own}

    assert here == own


@needs_shared
def test_agrees_with_the_collected_codes() -> None:
    differing = [
        row["code"]
        for row in rows()
        if row["subcode"] in NAMED
        for text in (without_brackets(row["text"]), "")
        if differs(scan(row["subcode"], status=row["code"], description=text), row)
    ]

    assert differing == []


def recordings() -> list[dict[str, str]]:
    if not SHARED.is_dir():
        return []
    with (SHARED / "samples" / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["file"].startswith("dhl_unified/")]


@needs_shared
@pytest.mark.parametrize("row", recordings(), ids=lambda row: row["file"])
def test_reads_recording(row: dict[str, str]) -> None:
    body = (SHARED / "samples" / row["file"]).read_bytes()
    word = row["expected_status"].partition(" (")[0]
    if word.startswith("error:"):
        with pytest.raises(Throttled if word == "error:retry" else Rejected):
            dhl().decode_body(body, ())
        return

    (reading,) = dhl().decode_body(body, ())

    read = summary(reading)
    assert read["scans"] == int(row["events"])
    assert read["unknown"] == []
    assert reading.not_found == (word == "unknown")
    if reading.not_found:
        return
    meant = meaning(WORDS.get(word, word.replace("/", ":")))
    assert read["status"] == (meant.status or Status.IN_TRANSIT)
    assert (read["problem"], read["detail"]) == (meant.problem, meant.detail)
    assert read["last_scan"] == dhl().when(row["latest_event_time"])
