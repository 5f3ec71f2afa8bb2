"""What only UPS does: namespaces, tokens, faults, forecasts. Its histories are samples."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.carriers.ups import Ups, UpsConfig
from tracker_sync.errors import Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Detail, Estimate, Meaning, Pickup, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "ups"
NUMBER = "1ZTSYNC0030000000Z"


def ups(**more: Any) -> Ups:
    keys = {"client_id": "an-id", "client_secret": "a-secret"}
    return Ups(UpsConfig.model_validate(keys | more))


def read(payload: Any, asked: str | None = NUMBER, **more: Any) -> Reading:
    (reading,) = ups(**more).read(payload, [asked] if asked else [])
    return reading


def activity(kind: str = "", code: str = "", digits: str = "", **more: Any) -> dict[str, Any]:
    status = {"type": kind, "code": code, "statusCode": digits}
    gmt = {"gmtDate": "20260302", "gmtTime": "09:15:00", "gmtOffset": "+01:00"}
    return {"status": status, "date": "20260302", "time": "101500", **gmt, **more}


def answer(*activities: dict[str, Any], **package: Any) -> dict[str, Any]:
    package = {"trackingNumber": NUMBER, "activity": list(activities), **package}
    return {"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": [package]}]}}


def sample(name: str, **more: Any) -> Reading:
    return read(json.loads((SAMPLES / f"{name}.json").read_text("utf-8")), None, **more)


def error(*codes: str) -> dict[str, Any]:
    return {"response": {"errors": [{"code": code, "message": "no"} for code in codes]}}


def wire(*, status: int, body: Any) -> Wire:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return Wire("ups", Timer(lambda: 0.0, lambda seconds: None), transport=transport)


# -- asking ------------------------------------------------------------------


def test_asks_for_one_number_with_the_token() -> None:
    request = ups(locale="de_DE").request([NUMBER], "a-token")

    assert request.url.host == "onlinetools.ups.com"
    assert request.url.path == f"/api/track/v1/details/{NUMBER}"
    assert request.url.params["locale"] == "de_DE"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["transactionSrc"] == "tracker_sync"


def test_each_call_has_its_own_transaction() -> None:
    carrier = ups()
    ids = {carrier.request([NUMBER], "t").headers["transId"] for _ in range(3)}

    assert len(ids) == 3


def test_a_strange_number_stays_inside_the_path() -> None:
    for number, path in (("..", b"%2E%2E"), ("../a?x=1#y", b"%2E%2E%2Fa%3Fx%3D1%23y")):
        request = ups().request([number], "t")

        assert request.url.raw_path.startswith(b"/api/track/v1/details/" + path + b"?")


def test_the_token_is_asked_for_by_the_app() -> None:
    request = ups(base_url="http://127.0.0.1:8080", merchant_id="A1B2C3").token_request()

    assert str(request.url) == "http://127.0.0.1:8080/security/v1/oauth/token"
    assert request.content == b"grant_type=client_credentials"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic YW4taWQ6YS1zZWNyZXQ="
    assert request.headers["x-merchant-id"] == "A1B2C3"


def test_without_merchant_id_none_is_sent() -> None:
    assert "x-merchant-id" not in ups().token_request().headers


@pytest.mark.parametrize(("seconds", "lasts"), [("14399", 14099), ("400", 200), (60, 30)])
def test_a_token_is_renewed_before_it_ends(seconds: object, lasts: int) -> None:
    payload = {"access_token": "abc", "expires_in": seconds, "issued_at": "1772000000000"}
    token = ups().fetch_token(wire(status=200, body=payload))

    assert (token.value, token.lasts) == ("abc", timedelta(seconds=lasts))


def test_the_secret_is_never_printed() -> None:
    assert "a-secret" not in repr(ups().config)


# -- faults ------------------------------------------------------------------


def test_a_bad_number_is_not_found_and_no_fault_of_ours() -> None:
    """A 400 that reads as refused keys would stop every other parcel, too."""
    (reading,) = ups().poll(wire(status=400, body=error("TV1002")), [NUMBER], "t")

    assert reading == Reading(NUMBER, not_found=True)


def test_404_is_not_found() -> None:
    (reading,) = ups().poll(wire(status=404, body=error("TW0001")), [NUMBER], "t")

    assert reading == Reading(NUMBER, not_found=True)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize("code", ["250002", "250003", "251004"])
def test_a_refused_token_can_be_renewed(status: int, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        ups().poll(wire(status=status, body=error(code)), [NUMBER], "t")

    assert caught.value.status == 401


def test_a_blocked_merchant_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        ups().poll(wire(status=403, body=error("250007")), [NUMBER], "t")

    assert caught.value.status == 403


@pytest.mark.parametrize("status", [200, 400, 429])
def test_too_many_requests_is_throttled_whatever_the_status(status: int) -> None:
    with pytest.raises(Throttled):
        ups().poll(wire(status=status, body=error("10429")), [NUMBER], "t")


def test_the_wait_ups_asks_for_is_passed_on() -> None:
    response = httpx.Response(429, json=error("10429"), headers={"Retry-After": "30"})

    with pytest.raises(Throttled) as caught:
        ups().decode(response, [NUMBER])

    assert caught.value.retry_after == 30


def test_a_gateways_page_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        ups().decode(httpx.Response(502, text="<html>"), [NUMBER])


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", "null", "<html>", '{"trackResponse": {}}', '{"response": {"errors": [{}]}}'],
)
def test_another_shape_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        ups().decode(httpx.Response(200, text=body), [NUMBER])


# -- which parcel ------------------------------------------------------------


def two_packages() -> dict[str, Any]:
    payload = answer(activity("D", "FS", "011"), currentStatus={"code": "011"})
    other = {"trackingNumber": "1ZTSYNC0030000001Y", "activity": [activity("I", "OT", "021")]}
    payload["trackResponse"]["shipment"][0]["package"].append(other)
    return payload


def test_of_several_packages_the_one_asked_for_is_read() -> None:
    reading = read(two_packages(), "1ZTSYNC0030000001Y")

    assert reading.number == "1ZTSYNC0030000001Y"
    assert reading.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_every_package_is_read_when_nobody_knows_what_was_asked() -> None:
    numbers = [reading.number for reading in ups().read(two_packages(), [])]

    assert numbers == [NUMBER, "1ZTSYNC0030000001Y"]


def test_another_shipments_package_is_not_taken_for_ours() -> None:
    reading = read(answer(activity("D", "FS", "011")), "1ZTSYNC0039999999Z")

    assert reading == Reading("1ZTSYNC0039999999Z", unanswered=True)


def test_a_package_answers_to_its_postal_number() -> None:
    postal = "92419900000000000000000000"
    payload = answer(alternateTrackingNumber=[{"number": postal, "type": "USPS_PIC"}])

    assert read(payload, postal) == Reading(postal)


def test_a_label_without_number_is_the_one_that_was_asked() -> None:
    payload = json.loads((SAMPLES / "label_only.json").read_text("utf-8"))

    assert read(payload, NUMBER).number == NUMBER


def test_nameless_packages_are_not_guessed() -> None:
    nameless = {"activity": [activity("D", "FS", "011")]}
    payload = {"trackResponse": {"shipment": [{"package": [nameless, nameless]}]}}

    assert read(payload) == Reading(NUMBER, unanswered=True)


# -- what a scan means -------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "digits", "key", "meaning"),
    [
        ("I", "OR", "", "I/OR", Meaning(Status.DISPATCHED)),
        ("X", "OR", "", "X/OR", Meaning(problem=Problem.DELAYED)),
        ("D", "MU", "011", "D/MU", Meaning(Status.DELIVERED, detail=Detail.MAILBOX)),
        ("D", "53", "", "D/53", Meaning(Status.DELIVERY_FAILED, Problem.REFUSED)),
        ("", "", "011", "statusCode:011", Meaning(Status.DELIVERED)),
        ("", "005", "", "statusCode:005", Meaning(Status.IN_TRANSIT)),
        ("X", "!!", "048", "statusCode:048", Meaning(problem=Problem.DELAYED)),
        ("X", "!!", "998", "X/!!", None),
        ("X", "", "998", "statusCode:998", None),
        ("I", "", "", "I", Meaning(Status.IN_TRANSIT)),
        ("D", "", "", "D", None),
        ("", "", "", "", None),
        ("D", "FS", "161", "statusCode:161", Meaning(Status.READY_FOR_PICKUP)),
        ("I", "DP", "036", "statusCode:036", Meaning(Status.RETURNING)),
        ("D", "UA", "011", "D/UA", Meaning(Status.RETURNED)),
        (" X ", " ZP ", "", "X/ZP", Meaning(Status.READY_FOR_PICKUP)),
    ],
)
def test_the_pair_counts_before_the_digits(
    kind: str, code: str, digits: str, key: str, meaning: Meaning | None
) -> None:
    (scan,) = read(answer(activity(kind, code, digits))).scans

    assert (scan.code, scan.meaning) == (key, meaning)


def test_a_merchants_mapping_wins_over_everything() -> None:
    codes = {"D/FS": Status.IN_TRANSIT, "statusCode:998": Status.DELIVERED}
    scans = read(
        answer(
            activity("D", "FS", "011"),
            activity("", "", "998"),
            currentStatus={"code": "034", "description": "Returned to Sender"},
        ),
        codes=codes,
    ).scans

    assert [scan.status for scan in scans] == [Status.DELIVERED, Status.IN_TRANSIT]


def test_a_return_label_left_behind_is_no_delivery_and_no_return() -> None:
    text = {"type": "D", "code": "Q9", "description": "Return label was left"}
    payload = answer(activity() | {"status": text}, currentStatus={"code": "011"})

    assert read(payload).scans[0].meaning is None


def test_the_current_status_corrects_the_newest_scan_that_says_anything() -> None:
    newest, older = activity("U", "PX"), activity("D", "FS", "011")
    payload = answer(newest, older, currentStatus={"code": "034"})

    assert [scan.status for scan in read(payload).scans] == [Status.RETURNED, None]


def test_a_refusal_is_still_known_on_the_way_back() -> None:
    scans = sample("returning").scans

    assert [scan.problem for scan in scans] == [None, Problem.REFUSED, None]
    payload = answer(activity("X", "KR"), currentStatus={"code": "035"})
    assert read(payload).scans[0].meaning == Meaning(Status.RETURNING, Problem.REFUSED)


def test_an_event_is_repeated_as_often_as_ups_repeats_it() -> None:
    days = [scan.at.day for scan in sample("repeated_exception").scans if scan.problem]

    assert days == [2, 3, 4]


def test_a_stamp_without_zone_is_taken_for_utc() -> None:
    """UPS then names no zone at all; the middle of all clocks is never off by a whole day."""
    assert sample("without_zone").scans[-1].at == datetime(2026, 3, 2, 8, 10, tzinfo=UTC)


# -- what goes with it -------------------------------------------------------


def test_a_rescheduled_day_and_its_hours() -> None:
    begins = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)

    assert sample("window").estimate == Estimate(
        date(2026, 3, 3), begins, begins + timedelta(hours=4)
    )


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ([("SDD", "20260303")], Estimate(date(2026, 3, 3))),
        ([("RDD", "20260304"), ("SDD", "20260303")], Estimate(date(2026, 3, 4))),
        ([("SDD", "20260303"), ("DEL", "20260302")], None),
        ([("SDD", "string")], None),
        ([], None),
    ],
)
def test_forecasts(dates: list[tuple[str, str]], expected: Estimate | None) -> None:
    listed = [{"type": kind, "date": day} for kind, day in dates]
    payload = answer(activity("I", "DP"), deliveryDate=listed, deliveryTime={"type": "EOD"})

    assert read(payload).estimate == expected


def test_hours_are_left_out_while_the_clock_at_the_door_is_not_known() -> None:
    payload = json.loads((SAMPLES / "window.json").read_text("utf-8"))
    package = payload["trackResponse"]["shipment"][0]["package"][0]
    package["activity"][0]["location"]["address"]["countryCode"] = "FR"

    assert read(payload, None).estimate == Estimate(date(2026, 3, 3))


def test_a_parcel_waits_until_the_end_of_the_day_where_it_waits() -> None:
    until = datetime(2026, 3, 9, 22, 59, 59, tzinfo=UTC)

    assert sample("access_point").pickup == Pickup(until=until)


@pytest.mark.parametrize(("day", "offset"), [("string", "+01:00"), ("20260309", "")])
def test_an_unreadable_deadline_is_no_deadline(day: str, offset: str) -> None:
    waiting = activity("D", "2Q", gmtOffset=offset)
    payload = answer(waiting, accessPointInformation={"pickupByDate": day})

    assert read(payload).pickup == Pickup()


def test_service_place_and_text_are_trimmed() -> None:
    reading = sample("delivered")

    assert reading.service == "UPS Standard"
    assert (reading.scans[-1].text, reading.scans[-1].place) == ("DELIVERED", "Koeln, DE")


@pytest.mark.parametrize("name", ["delivered", "returned"])
def test_nobody_who_signed_is_kept(name: str) -> None:
    reading = sample(name)
    kept = repr([getattr(reading, field.name) for field in fields(reading)])

    assert not {"EMPFANG", "WARENANNAHME", "c2lnbmF0dXJl", "Front Desk"} & set(kept.split("'"))


# -- the code table ----------------------------------------------------------


@pytest.mark.parametrize("key", ["D", "statusCode:000", "statusCode:163", "X/J9"])
def test_what_says_nothing_is_not_listed(key: str) -> None:
    assert key not in Ups.codes


@pytest.mark.parametrize("key", ["statusCode:014", "statusCode:084", "D/BN", "X/Z3"])
def test_cleared_customs_are_no_problem(key: str) -> None:
    assert Ups.codes[key] == Meaning()


@pytest.mark.parametrize("key", ["statusCode:033", "statusCode:119", "X/CS"])
def test_a_wish_to_have_it_back_does_not_turn_the_parcel(key: str) -> None:
    """The turn is a one-way door: a wish that fails would hide the delivery for good."""
    assert Ups.codes[key] == Meaning()


def test_three_of_the_digits_say_delivered() -> None:
    delivered = {
        key.partition(":")[2]
        for key, meaning in Ups.codes.items()
        if key.startswith("statusCode:") and meaning.status is Status.DELIVERED
    }

    assert delivered == {"011", "026", "156"}


# -- recordings --------------------------------------------------------------

FAULTS = {"error:auth": Rejected, "error:retry": Throttled}
PROBLEMS = {"customs": Problem.CUSTOMS}
WORDS = {"label_created": "announced", "returned_to_sender": "returned"}
CONTRADICTORY = {"spec-example-karrio.json"}  # says X, "ready for UPS" and "Delivered" in one scan


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["file"].startswith("ups/")]

    assert mine
    for row in mine:
        _reads_as(row, (folder / row["file"]).read_bytes())


def _reads_as(row: dict[str, str], body: bytes) -> None:
    expected = row["expected_status"]
    if expected in FAULTS:
        with pytest.raises(FAULTS[expected]):
            ups().decode_body(body, [])
        return
    (reading,) = ups().decode_body(body, [])
    assert len(reading.scans) == int(row["events"]), row["file"]
    if not reading.scans:
        assert reading.not_found
        return
    newest = reading.scans[-1]
    if Path(row["file"]).name in CONTRADICTORY:
        assert newest.status is not Status.DELIVERED
    elif expected in PROBLEMS:
        assert newest.problem is PROBLEMS[expected]
    else:
        assert newest.status == WORDS.get(expected, expected), row["file"]
    _happened(row, newest.at)


def _happened(row: dict[str, str], at: datetime) -> None:
    stamp = row["latest_event_time"].split()
    moment = datetime.fromisoformat(f"{stamp[0]}T{stamp[1]}{stamp[2] if stamp[2:] else '+00:00'}")
    assert at == moment, row["file"]
