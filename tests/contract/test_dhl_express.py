"""What only MyDHL does: the list is the truth, clocks without zones, faults inside the body."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from tracker_sync.carriers import Order
from tracker_sync.carriers.dhl_express import DhlExpress, DhlExpressConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Estimate, Meaning, Problem, Reading, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "dhl_express"
NUMBER = "3900000113"


def express(**more: Any) -> DhlExpress:
    keys = {"username": "a-user", "password": "a-password"}
    return DhlExpress(DhlExpressConfig.model_validate(keys | more))


def event(
    code: str, stamp: str = "2026-03-03T11:00:00", place: str = "Cologne-DE", **more: Any
) -> dict[str, Any]:
    day, clock = stamp.split("T")
    area = [{"code": "XXX", "description": place}]
    return {"date": day, "time": clock, "typeCode": code, "serviceArea": area, **more}


def shipment(*events: dict[str, Any], number: Any = NUMBER, **more: Any) -> dict[str, Any]:
    return {
        "shipmentTrackingNumber": number,
        "status": "Success",
        "shipmentTimestamp": "2026-03-02T09:30:00",
        "events": list(events),
        **more,
    }


def read(*shipments: dict[str, Any], asked: Sequence[str] = (NUMBER,)) -> list[Reading]:
    return express().decode_body(json.dumps({"shipments": shipments}).encode(), asked)


def stamps(*events: dict[str, Any]) -> list[str]:
    (reading,) = read(shipment(*events))
    return [f"{scan.at:%d %H:%M}" for scan in reading.scans]


def sample(name: str) -> Reading:
    (reading,) = express().decode_body((SAMPLES / f"{name}.json").read_bytes(), [])
    return reading


# -- asking ------------------------------------------------------------------


def test_asks_for_all_waybills_in_one_call() -> None:
    request = express().request(["3900000113", "3900000224"], None)

    assert request.url.host == "express.api.dhl.com"
    assert request.url.path == "/mydhlapi/tracking"
    assert request.url.params.multi_items() == [
        ("shipmentTrackingNumber", "3900000113"),
        ("shipmentTrackingNumber", "3900000224"),
        ("trackingView", "all-checkpoints"),
        ("levelOfDetail", "shipment"),
    ]
    assert request.headers["x-version"] == "3.1.0"
    assert request.headers["authorization"] == "Basic YS11c2VyOmEtcGFzc3dvcmQ="


def test_a_full_batch_fits_into_the_line_a_server_takes() -> None:
    numbers = [f"{number:010d}" for number in range(DhlExpress.batch)]

    assert len(str(express().request(numbers, None).url)) < 8000


def test_the_test_environment_has_a_path_of_its_own() -> None:
    request = express(environment="test", base_url="http://127.0.0.1:9").request([NUMBER], None)

    assert request.url.path == "/mydhlapi/test/tracking"
    with pytest.raises(ValidationError, match="production"):
        express(environment="sandbox")


def test_ten_digits_are_nobodys_unmistakable_number() -> None:
    assert DhlExpress.number_patterns == ()


# -- which shipment ----------------------------------------------------------


def test_a_number_the_batch_leaves_out_is_not_found() -> None:
    known, unknown = read(shipment(event("PU")), asked=[NUMBER, "3900000224"])

    assert known.scans[0].status is Status.DISPATCHED
    assert unknown == Reading("3900000224", not_found=True)


def test_another_waybills_history_is_not_taken_for_ours() -> None:
    assert read(shipment(event("OK"), number="3900000224")) == [Reading(NUMBER, not_found=True)]


@pytest.mark.parametrize("given", ["0390000011", 390000011])
def test_leading_zeros_are_not_needed_and_the_asked_form_comes_back(given: object) -> None:
    (reading,) = read(shipment(event("OK"), number=given), asked=["0390000011"])

    assert reading.number == "0390000011"
    assert reading.scans


@pytest.mark.parametrize("turned", [False, True])
def test_the_newer_life_of_a_waybill_counts(turned: bool) -> None:
    lives = [shipment(event("OK", "2025-03-03T11:00:00")), shipment(event("WC"))]

    (reading,) = read(*(reversed(lives) if turned else lives))

    assert [scan.status for scan in reading.scans] == [Status.OUT_FOR_DELIVERY]


def test_every_waybill_is_read_when_nobody_knows_what_was_asked() -> None:
    answer = (SAMPLES / "batch.json").read_bytes()

    readings = express().decode_body(answer, [])

    assert [reading.scans[-1].status for reading in readings] == [
        "in_transit",
        "delivered",
        "announced",
    ]


def test_an_empty_answer_is_not_found() -> None:
    assert read() == [Reading(NUMBER, not_found=True)]
    assert read(asked=[]) == [Reading(None, not_found=True)]


# -- clocks ------------------------------------------------------------------


def test_the_list_decides_what_is_newest() -> None:
    assert DhlExpress.order is Order.LIST_IS_TRUTH
    assert [scan.status for scan in sample("backwards_without_country").scans] == [
        Status.OUT_FOR_DELIVERY,
        Status.DELIVERED,
    ]


def test_a_country_with_one_clock_tells_the_zone() -> None:
    bahrain = event("DF", "2026-07-01T21:21:58", "Bahrain-BH")
    leipzig = event("AF", "2026-07-01T20:26:04", "LEIPZIG-DE")

    assert stamps(bahrain, leipzig) == ["01 18:21", "01 18:26"]


def test_an_offset_of_the_event_beats_its_country() -> None:
    assert stamps(event("PU", place="Cologne-DE", GMTOffset="+09:00")) == ["03 02:00"]


@pytest.mark.parametrize("place", ["", "Somewhere", "KINGSTON-JAM", "Nowhere-QQ"])
def test_without_a_known_country_berlin_is_assumed(place: str) -> None:
    assert stamps(event("PU", place=place)) == ["03 10:00"]


def test_an_event_without_service_area_is_read() -> None:
    bare = event("PU")
    del bare["serviceArea"]

    assert stamps(bare) == ["03 10:00"]


@pytest.mark.parametrize("country", ["US", "CA", "MX", "BR", "AU", "ID"])
def test_in_a_wide_country_a_stamp_is_never_late(country: str) -> None:
    """A scan that seems to lie ahead would wait, and push everything that follows."""
    west = {"US": -8, "CA": -8, "MX": -8, "BR": -5, "AU": 8, "ID": 7}[country]
    (reading,) = read(shipment(event("PU", place=f"Somewhere-{country}")))

    assert reading.scans[0].at <= datetime(2026, 3, 3, 11 - west, tzinfo=UTC)


def test_what_was_read_stays_where_it_is_when_the_history_grows() -> None:
    """A scan whose stamp moves would be kept twice."""
    events = [
        event("DF", "2026-03-03T21:00:00", "Somewhere"),
        event("AF", "2026-03-03T08:00:00", "Auckland-NZ"),
        event("OK", "2026-03-05T11:00:00", "Auckland-NZ"),
    ]

    histories = [stamps(*events[:count]) for count in (1, 2, 3)]

    assert histories[0] == histories[1][:1] == histories[2][:1]
    assert histories[1] == histories[2][:2]


@pytest.mark.parametrize("stamp", ["03.03.2026T11:00:00", "2026-03-03T11h00", "T"])
def test_a_stamp_that_is_not_iso_is_never_guessed(stamp: str) -> None:
    with pytest.raises(Unreadable):
        read(shipment(event("PU", stamp)))


# -- what an event says ------------------------------------------------------


def test_success_of_the_answer_is_no_delivery() -> None:
    (reading,) = read(shipment(event("AF")))

    assert [scan.status for scan in reading.scans] == [Status.IN_TRANSIT]


def test_a_shipment_without_events_and_without_date_says_nothing() -> None:
    assert read(shipment(shipmentTimestamp="")) == [Reading(NUMBER)]


def test_two_codes_say_delivered_and_no_other() -> None:
    delivered = {
        code for code, meaning in DhlExpress.codes.items() if meaning.status is Status.DELIVERED
    }

    assert delivered == {"OK", "DD"}


@pytest.mark.parametrize("code", ["CR", "BR", "RR"])
def test_cleared_customs_are_no_problem(code: str) -> None:
    assert DhlExpress.codes[code] == Meaning()


@pytest.mark.parametrize("code", ["IC", "BN", "CD", "UD"])
def test_held_at_customs_is_a_problem(code: str) -> None:
    assert DhlExpress.codes[code].problem is Problem.CUSTOMS


@pytest.mark.parametrize(
    ("code", "description", "text"),
    [
        ("OK", "Delivered : MUSTER A", "Delivered"),
        ("OK", "Delivered - Signed for by: MUSTER", "Delivered"),
        ("OK", "Delivered MUSTER A", "Delivered"),
        ("DD", "Delivered damaged, MUSTER", "Delivered damaged"),
        ("RD", "Refused by MUSTER", ""),
        ("ZZ", "Delivered : MUSTER A", "Delivered"),
        ("ZZ", "Left with MUSTER", ""),
        ("ZZ", "Handed to MUSTER A", "Handed to"),
        ("OK", "MUSTER A", ""),
        ("AF", "Arrived at DHL Sort Facility  LEIPZIG", "Arrived at DHL Sort Facility LEIPZIG"),
    ],
)
def test_nobody_who_signed_is_kept(code: str, description: str, text: str) -> None:
    signed = event(code, description=description, signedBy="MUSTER A")
    (reading,) = read(shipment(signed))

    assert reading.scans[0].text == text


@pytest.mark.parametrize("name", ["delivered", "refused", "without_code"])
def test_no_sample_leaves_a_name_behind(name: str) -> None:
    reading = sample(name)

    assert "MUSTER" not in repr([getattr(reading, field.name) for field in fields(reading)])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-04T23:59:00", Estimate(date(2026, 3, 4))),
        ("2026-03-04", Estimate(date(2026, 3, 4))),
        ("04.03.2026", None),
        ("", None),
        (None, None),
    ],
)
def test_forecasts(given: object, expected: Estimate | None) -> None:
    (reading,) = read(shipment(event("AF"), estimatedDeliveryDate=given))

    assert reading.estimate == expected


# -- faults ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, Rejected), (403, Rejected), (429, Throttled), (500, Unavailable)],
)
def test_an_error_is_told_by_its_body_alone(
    status: int, error: type[CallError], kind: type[int] | type[str]
) -> None:
    body = json.dumps({"status": kind(status), "title": "Some title", "detail": "Some detail"})

    with pytest.raises(error):
        express().decode(httpx.Response(200, text=body), [NUMBER])


@pytest.mark.parametrize("status", [200, "200", 0, "Success", None])
def test_a_body_without_shipments_and_without_error_is_unreadable(status: object) -> None:
    with pytest.raises(Unreadable):
        express().decode_body(json.dumps({"status": status}).encode(), [NUMBER])


def test_an_error_about_several_numbers_names_none() -> None:
    instance = "/tracking?shipmentTrackingNumber=1&shipmentTrackingNumber=2"
    body = json.dumps({"status": "404", "instance": instance}).encode()

    assert express().decode_body(body, []) == [Reading(None, not_found=True)]
    assert express().decode_body(body, ["1", "2"]) == [
        Reading("1", not_found=True),
        Reading("2", not_found=True),
    ]


# -- recordings --------------------------------------------------------------

WORDS = {"label_created": "announced"}
# Recording -> why it is not read. An entry that is not needed fails the test.
ANOTHER_API = {
    "legacy-xml-in-transit.xml": "XML of the API before this one",
    "legacy-xml-multi-awb.xml": "XML of the API before this one",
    "legacy-xml-not-found.xml": "XML of the API before this one",
}


def told(body: bytes) -> str:
    try:
        (reading,) = express().decode_body(body, [])
    except Rejected:
        return "error:config"
    except Unreadable:
        return "unreadable"
    return "unknown (not found)" if reading.not_found else str(reading.scans[-1].status)


def index(shared: Path) -> dict[str, dict[str, str]]:
    text = (shared / "data" / "samples" / "INDEX.csv").read_text("utf-8")
    rows = {Path(row["file"]): row for row in csv.DictReader(text.splitlines())}
    return {path.name: row for path, row in rows.items() if path.parent.name == "dhl_express"}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples" / "dhl_express"
    wanted = {name: row["expected_status"] for name, row in index(shared).items()}
    read_as = {path.name: told(path.read_bytes()) for path in folder.iterdir()}

    otherwise = {
        name: word
        for name, word in read_as.items()
        if word != WORDS.get(wanted[name], wanted[name])
    }

    assert wanted.keys() == read_as.keys()
    assert otherwise == dict.fromkeys(ANOTHER_API, "unreadable")


def test_recordings_are_kept_whole_and_in_their_own_order(shared: Path) -> None:
    folder = shared / "data" / "samples" / "dhl_express"
    for name, row in index(shared).items():
        if name in ANOTHER_API or row["events"] == "0":
            continue
        events = json.loads((folder / name).read_bytes())["shipments"][0]["events"]
        (reading,) = express().decode_body((folder / name).read_bytes(), [])

        assert len(reading.scans) == int(row["events"])
        assert [scan.code for scan in reading.scans] == [each["typeCode"] for each in events]
        assert all(scan.meaning is not None for scan in reading.scans)
