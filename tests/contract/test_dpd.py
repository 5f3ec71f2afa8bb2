"""What only the DPD Cloud does: four keys, milestones, a last status, a doubtful "delivered"."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from defusedxml import ElementTree

from contract.samples import ends
from tracker_sync.carriers.dpd import Dpd, DpdConfig
from tracker_sync.carriers.tables import meaning as written
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Estimate, Reading, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "dpd"
NUMBER = "09000000000001"
KEYS = {
    "partner_name": "a-partner",
    "partner_token": "a-partner-token",
    "cloud_user_id": "a-user",
    "user_token": "a-user-token",
}
HOUR = "2026-03-03T{:02d}:00:00"


def dpd(**more: Any) -> Dpd:
    return Dpd(DpdConfig.model_validate(KEYS | more))


def info(word: str, hour: int | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    stamp = {} if hour is None else {"StatusDate": HOUR.format(hour)}
    return {"StatusReached": True, "StatusID": word, "Description": text, **stamp, **more}


def answer(last: Any = None, order: Any = None, **milestones: Any) -> dict[str, Any]:
    return {
        "Ack": True,
        "ParcelNo": NUMBER,
        "OrderInformation": order,
        "LastStatusInfo": last,
        "StatusInfoContainer": milestones,
    }


def read(payload: Any, asked: str | None = NUMBER, **settings: Any) -> Reading:
    body = json.dumps(payload).encode()
    (reading,) = dpd(**settings).decode_body(body, [asked] if asked else [])
    return reading


def told(payload: Any, **settings: Any) -> list[tuple[str, Status | None]]:
    return [(scan.code, scan.status) for scan in read(payload, **settings).scans]


def fault(number: object, code: str, text: str = "no") -> dict[str, Any]:
    error = {"ErrorID": number, "ErrorCode": code, "ErrorMsgShort": "no", "ErrorMsgLong": text}
    return {"Ack": False, "ErrorDataList": [error]}


def sample(name: str) -> Reading:
    (reading,) = dpd().decode_body((SAMPLES / f"{name}.json").read_bytes(), [])
    return reading


# -- asking --------------------------------------------------------------------------


def test_asks_for_one_number_without_a_zip_code() -> None:
    request = dpd().request([NUMBER], None)

    assert str(request.url) == f"https://cloud.dpd.com/api/v1/getOrderStatus/{NUMBER}/null"
    assert dpd().token_request() is None


def test_the_four_keys_stand_in_headers_with_hyphens() -> None:
    """Dotted names are refused with error 2000."""
    headers = dpd().request([NUMBER], None).headers

    assert {name: headers[name] for name in headers if "credentials" in name} == {
        "partnercredentials-name": "a-partner",
        "partnercredentials-token": "a-partner-token",
        "usercredentials-clouduserid": "a-user",
        "usercredentials-token": "a-user-token",
    }
    assert (headers["version"], headers["language"]) == ("100", "de_DE")


@pytest.mark.parametrize("number", ["..", "a/../b?c#d"])
def test_a_strange_number_stays_one_step_of_the_path(number: str) -> None:
    path = dpd().request([number], None).url.raw_path

    assert path.count(b"/") == 5
    assert path.endswith(b"/null")
    assert b"." not in path


@pytest.mark.parametrize(
    ("number", "asked"),
    [
        ("09000000000001", "09000000000001"),
        ("09000000000001Q", "09000000000001"),
        ("09000000000001R", "09000000000001R"),
        ("008182709980000020033350276C", "09980000020033"),
        ("008182709980000020033350276D", "008182709980000020033350276D"),
    ],
)
def test_a_label_with_its_check_character_is_asked_as_14_digits(number: str, asked: str) -> None:
    url = str(dpd().request([number], None).url)

    assert url.endswith(f"/{asked}/null")
    assert read(answer(), number).number == number


# -- what is a scan -------------------------------------------------------------------


def test_a_milestone_that_is_not_reached_is_no_scan() -> None:
    waiting = info("DELIVERED", 12, StatusReached=False)

    assert told(answer(Start=info("SHIPMENT", 8), Delivered=waiting)) == [
        ("Start", Status.ANNOUNCED)
    ]
    assert told(answer(waiting)) == []


def test_a_milestone_without_a_date_is_no_scan() -> None:
    undated = [None, "", "0001-01-01T00:00:00"]

    for stamp in undated:
        assert told(answer(Start=info("SHIPMENT", StatusDate=stamp))) == []


@pytest.mark.parametrize("stamp", ["2026-03-02", "02.03.2026 10:00", "20260302T1000", 1772000000])
def test_a_date_in_another_form_is_never_guessed(stamp: object) -> None:
    with pytest.raises(Unreadable):
        read(answer(info("SHIPMENT", StatusDate=stamp)))


def test_the_last_status_dates_the_milestone_with_its_id() -> None:
    assert told(answer(info("X1", 9), CarLoad=info("X1"))) == [("CarLoad", Status.OUT_FOR_DELIVERY)]


def test_a_last_status_with_another_id_dates_no_milestone() -> None:
    """Every new one would make the van leave again."""
    payload = answer(info("AT_SHOP", 9), CarLoad=info("OUT_FOR_DELIVERY"))

    assert told(payload) == [("AT_SHOP", None)]


def test_a_listed_id_says_more_than_the_milestone_it_shares() -> None:
    word = "HANDOVER_CONSIGNOR_TO_PARCELSHOP"

    assert told(answer(info(word, 9), Start=info(word))) == [(word, Status.DISPATCHED)]


@pytest.mark.parametrize("word", ["", None])
def test_a_last_status_without_an_id_says_nothing(word: Any) -> None:
    assert told(answer(info(word, 9, "In Zustellung"))) == [("LastStatusInfo", None)]


def test_an_id_can_be_mapped() -> None:
    codes = {"AT_SHOP": "ready_for_pickup"}

    assert told(answer(info("AT_SHOP", 9)), codes=codes) == [("AT_SHOP", Status.READY_FOR_PICKUP)]


@pytest.mark.parametrize(
    "text",
    [
        "Der Empfänger wurde nicht angetroffen.",
        "Ihr Paket liegt im Paketshop bereit.",
        "Ihr Paket geht zurück an den Absender.",
        "Ihr Paket wurde zugestellt.",
    ],
)
def test_a_text_is_kept_and_never_makes_a_status(text: str) -> None:
    payload = answer(info("OUT_FOR_DELIVERY", 9, text), CarLoad=info("OUT_FOR_DELIVERY", 8))
    scans = read(payload).scans

    assert [scan.status for scan in scans] == [Status.OUT_FOR_DELIVERY] * 2
    assert scans[-1].text == text.rstrip(".")


def test_a_blank_last_text_does_not_erase_that_of_the_milestone() -> None:
    payload = answer(info("A", 9), CarLoad=info("A", 9, "In Zustellung"))

    assert [scan.text for scan in read(payload).scans] == ["In Zustellung"]


def test_whoever_signed_is_not_kept() -> None:
    payload = answer(info("X", 9, "Zugestellt: MUSTER", Headline="Signed by MUSTER"))

    assert "MUSTER" not in repr(read(payload))


def test_people_and_addresses_are_not_read() -> None:
    person = {"ReceiverName": "MUSTER", "SenderName": "MUSTER"}
    payload = answer(info("X", 9), person) | {"ShipAddress": {"Name": "MUSTER"}}

    assert "MUSTER" not in repr(read(payload))


# -- delivered -------------------------------------------------------------------------


def delivery(last: Any, complete: Any = None, **more: Any) -> str:
    order = {"CompleteDelivery": complete}
    milestone = info("DELIVERED", 12, **more)
    return told(answer(last, order, Delivered=milestone))[0][0]


def test_delivered_needs_its_milestone_and_nothing_against_it() -> None:
    last = info("DELIVERED", 12, "Ihr Paket wurde zugestellt.")

    for complete in (None, "", True, "true"):
        assert delivery(last, complete) == "Delivered"
    assert delivery(None) == "Delivered"
    assert told(answer(last)) == [("Delivered/not_reached", None)]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Ihr Paket wurde im Pickup Paketshop zugestellt.", "shop"),
        ("Zugestellt in einem unserer Paketshops", "shop"),
        ("Ihr Paket liegt zur Abholung bereit.", "shop"),
        ("Delivered to a DPD Pickup point", "shop"),
        ("An den Versender übergeben", "sender"),
        ("Rücksendung zugestellt", "sender"),
        ("Delivered back: return to sender", "sender"),
        ("Zustellung nicht möglich", "unclear"),
    ],
)
def test_a_text_about_another_delivery_takes_the_belief_away(text: str, doubt: str) -> None:
    assert delivery(info("DELIVERED", 12, text)) == f"Delivered/{doubt}"
    assert delivery(None, Description=text) == f"Delivered/{doubt}"


def test_an_id_that_is_not_listed_takes_the_belief_away() -> None:
    assert delivery(info("DELIVERED_SHOP", 12)) == "Delivered/DELIVERED_SHOP"
    assert delivery(None, StatusID="PARCELSHOP") == "Delivered/PARCELSHOP"
    assert delivery(info("OUT_FOR_DELIVERY", 13)) == "Delivered/OUT_FOR_DELIVERY"


def test_an_order_that_is_not_complete_is_not_delivered() -> None:
    for complete in (False, "false", 0):
        assert delivery(info("DELIVERED", 12), complete) == "Delivered/incomplete"


def test_a_merchant_can_dispel_each_doubt_by_itself() -> None:
    payload = answer(info("13", 12), {"CompleteDelivery": False}, Delivered=info("13", 12))
    codes = {"13": "delivered", "Delivered/incomplete": "delivered"}

    assert told(payload) == [("Delivered/13", None)]
    assert told(payload, codes={"Delivered/13": "delivered"})[0][1] is Status.DELIVERED
    assert told(payload, codes=codes) == [("Delivered/incomplete", Status.DELIVERED)]


def test_no_sample_about_a_shop_or_a_sender_is_delivered() -> None:
    for path in [*SAMPLES.glob("parcel_shop*.json"), *SAMPLES.glob("back_at*.json")]:
        assert ends(dpd(), sample(path.stem)).status is Status.OUT_FOR_DELIVERY


# -- times and the forecast ------------------------------------------------------------


def test_a_stamp_without_offset_is_berlin_time() -> None:
    winter, summer = "2026-01-16T12:00:00", "2026-07-16T12:00:00"

    for stamp, hour in ((winter, 11), (summer, 10), ("2026-07-16T12:00:00+00:00", 12)):
        (scan,) = read(answer(info("X", StatusDate=stamp))).scans
        assert scan.at.hour == hour


def test_the_hour_that_comes_twice_is_told_apart_by_the_order_of_milestones() -> None:
    first, second = (
        datetime(2026, 10, 25, 0, 50, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 10, tzinfo=UTC),
    )

    assert sample("october_first_round").scans[-1].at == first
    assert [scan.at for scan in sample("october").scans[-2:]] == [first, second]


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("2026-03-04", date(2026, 3, 4)),
        ("2026-03-04T14:00:00", date(2026, 3, 4)),
        ("0001-01-01T00:00:00", None),
        ("04.03.2026", None),
        ("morgen", None),
        (None, None),
    ],
)
def test_a_forecast_is_a_day_or_nothing(stamp: object, day: date | None) -> None:
    order = {"EstimatedDeliveryTime": stamp}

    assert read(answer(order=order)).estimate == (Estimate(day) if day else None)


# -- which parcel, and faults ----------------------------------------------------------


def test_the_number_that_was_asked_counts_and_else_the_one_in_the_answer() -> None:
    assert read(answer(), "0900 0000").number == "0900 0000"
    assert read(answer(), None).number == NUMBER
    assert read(answer() | {"ParcelNo": None}, None).number is None


def test_an_order_may_be_wrapped_as_in_the_soap_twin() -> None:
    order = answer(Start=info("SHIPMENT", 8))

    assert read({"Ack": True, "OrderStatus": order}, None) == read(order)


def test_the_call_limit_means_ten_minutes_without_a_call() -> None:
    for error in (fault(2027, "X"), fault("2027", ""), fault(0, "CLOUD_API_USERCALLLIMIT")):
        for status in (200, 400, 404, 500):
            with pytest.raises(Throttled) as caught:
                dpd().decode(httpx.Response(status, json=error), [NUMBER])
            assert caught.value.retry_after == 600


def test_refused_keys_are_named_whatever_the_status() -> None:
    codes = ("CLOUD_API_PARTNERCREDENTIALS", "CLOUD_API_USERCREDENTIALS")

    for error in (fault(2000, "X"), *(fault(1, code) for code in codes)):
        for status in (200, 400, 401, 403, 404):
            with pytest.raises(Rejected, match="partner_token") as caught:
                dpd().decode(httpx.Response(status, json=error), [NUMBER])
            assert caught.value.status in (401, 403)


@pytest.mark.parametrize(
    "error",
    [
        fault(1, "CLOUD_PARCEL_NOT_FOUND"),
        fault(1, "X", "Paket nicht gefunden."),
        fault(1, "X", "Es wurde kein Paket mit dieser Nummer gefunden."),
        fault(1, "X", "The parcel was not found."),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_error_that_says_so_is_not_found(error: Any, status: int) -> None:
    readings = dpd().decode(httpx.Response(status, json=error), [NUMBER])

    assert readings == [Reading(NUMBER, not_found=True)]


@pytest.mark.parametrize("status", [200, 400])
def test_another_error_says_nothing_about_the_parcel(status: int) -> None:
    for error in (fault(9999, "CLOUD_INTERNAL", "Unbekannter Fehler"), {"Ack": False}):
        if status == 200 or "ErrorDataList" in error:
            readings = dpd().decode(httpx.Response(status, json=error), [NUMBER])
            assert readings == [Reading(NUMBER, unanswered=True)]


def test_an_error_behind_a_broken_service_stays_one() -> None:
    with pytest.raises(Unavailable):
        dpd().decode(httpx.Response(503, json=fault(1, "X")), [NUMBER])


@pytest.mark.parametrize("payload", [{}, {"Ack": True}, {"Ack": True, "StatusInfoContainer": []}])
def test_an_answer_without_statuses_is_unreadable_or_says_nothing(payload: Any) -> None:
    try:
        reading = read(payload)
    except Unreadable:
        return
    assert reading == Reading(NUMBER)


# -- recordings and the table of others, where they lie beside the repository -----------

# Vocabulary of the table -> who speaks it, where it is not the REST service.
ELSEWHERE = {
    "be_nl": "the SOAP service in BE and NL; dpd_soap reads it",
    "push": "DPD calls the shop, which needs a server",
    "scan": "the consumer page's own scans",
    "france": "DPD France, behind an IP allow-list",
}
# Shared with the SOAP service and the consumer page; the rest of these is the five milestones.
OURS = {"cloud", "group"}
WORDS = {"label_created": "announced", "picked_up": "dispatched"}


def test_the_table_says_what_others_read(shared: Path) -> None:
    rows = list(csv.DictReader((shared / "data/codes/dpd.csv").read_text("utf-8").splitlines()))
    mine = {row["code"]: row["normalized"] for row in rows if row["subcode"] in OURS}

    assert {row["subcode"] for row in rows} == OURS | set(ELSEWHERE)
    assert dict(Dpd.codes) == {code: written(WORDS.get(word, word)) for code, word in mine.items()}


# Recording -> why it is no answer of this API. An entry too many is a failure.
NOT_OURS = {
    "cloud-parcel-life-cycle-delivered.xml": "the call that is not made: no dates",
    "france-webtrace-ip-denied.xml": "DPD France",
    "france-webtrace-shipment-trace.xml": "DPD France",
    "karrio-auth-fault-tracking.xml": "the SOAP service",
    "karrio-be-returning-from-delivery.xml": "the SOAP service",
    "karrio-login-fault.xml": "the SOAP service",
    "karrio-login-response.xml": "the SOAP service",
    "karrio-old-be-between-depots.xml": "the SOAP service",
    "plc-json-delivered.json": "the consumer page",
    "plc-json-in-transit.json": "the consumer page",
    "plc-json-not-found.json": "the consumer page",
    "plc-json-out-for-delivery.json": "the consumer page",
    "plc-json-parcel-shop.json": "the consumer page",
    "plc-json-preregistered.json": "the consumer page",
    "plc-json-redirected-to-shop.json": "the consumer page",
    "push-service-delivered-params.json": "a call DPD makes",
}
# The index names neither error; and it counts "Start", which has no date.
ERRORS: dict[str, type[CallError]] = {
    "cloud-auth-error.xml": Rejected,
    "cloud-call-limit-error.xml": Throttled,
}
FEWER_SCANS = {"cloud-order-status-delivered.json": 1, "cloud-order-status-delivered-soap.xml": 1}


def as_json(body: bytes) -> bytes:
    """Return the SOAP twin of an answer as the REST service would write it."""
    if not body.startswith(b"<"):
        return body
    envelope = ElementTree.fromstring(body)
    result = next((e for e in envelope.iter() if _tag(e).endswith("Result")), envelope)
    return json.dumps(_plain(result)).encode()


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _plain(element: Any) -> Any:
    if _tag(element) == "ErrorDataList":
        return [_plain(child) for child in element]
    return {_tag(child): _plain(child) for child in element} or element.text


def recording(shared: Path, name: str) -> Reading | type[CallError]:
    body = (shared / "data/samples/dpd" / name).read_bytes()
    try:
        (reading,) = dpd().decode_body(as_json(body), [])
    except CallError as error:
        return type(error)
    return reading


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    rows = csv.DictReader((shared / "data/samples/INDEX.csv").read_text("utf-8").splitlines())
    mine = {r["file"][4:]: r for r in rows if r["file"].startswith("dpd/")}
    read = {name: recording(shared, name) for name in mine}
    readings = {name: each for name, each in read.items() if isinstance(each, Reading)}

    assert set(mine) == {path.name for path in (shared / "data/samples/dpd").iterdir()}
    assert {name for name, each in read.items() if each is Unreadable} == set(NOT_OURS)
    assert {name: read[name] for name in ERRORS} == ERRORS
    assert {name: len(each.scans) for name, each in readings.items()} == FEWER_SCANS
    for name, reading in readings.items():
        assert int(mine[name]["events"]) != FEWER_SCANS[name]
        assert ends(dpd(), reading).status == mine[name]["expected_status"]
        local = datetime.fromisoformat(mine[name]["latest_event_time"])
        assert reading.scans[-1].at == dpd().local(local)
