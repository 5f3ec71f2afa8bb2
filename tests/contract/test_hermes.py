"""What only Hermes does: spellings of a code, a login, a hundred at once. Histories are samples."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from contract.samples import ends, make
from tracker_sync.carriers import Carrier
from tracker_sync.carriers._hermes_answer import spelt
from tracker_sync.carriers.hermes import Hermes
from tracker_sync.errors import Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import INFO, Detail, Estimate, Meaning, Pickup, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "hermes"
NUMBER = "H9001000000000099901"
OTHER = "H9001000000000099902"
INTERNATIONAL = "00999000000000099901"
BARCODE = "12345678901234"


def hermes(**more: Any) -> Carrier:
    return make("hermes", **more)


def event(code: object, at: str = "2026-03-04T09:00:00+01:00", text: str = "") -> dict[str, Any]:
    return {"timestamp": at, "code": code, "description": text, "scanningUnit": None}


def parcel(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"shipmentID": NUMBER, "result": {"code": "i001"}, "status": list(events), **more}


def refused(code: str, **more: Any) -> dict[str, Any]:
    return {"shipmentID": NUMBER, "result": {"code": code, "message": "no"}, **more}


def read(*parcels: Any, asked: Sequence[str] = (NUMBER,), **more: Any) -> list[Reading]:
    body = json.dumps({"shipmentinfo": parcels}).encode()
    return hermes(**more).decode_body(body, asked)


def one(*parcels: Any, asked: Sequence[str] = (NUMBER,), **more: Any) -> Reading:
    (reading,) = read(*parcels, asked=asked, **more)
    return reading


def sample(name: str) -> Reading:
    (reading,) = hermes().decode_body((SAMPLES / f"{name}.json").read_bytes(), [])
    return reading


def wire(*, status: int, body: Any) -> Wire:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return Wire("hermes", Timer(lambda: 0.0, lambda seconds: None), transport=transport)


# -- asking ------------------------------------------------------------------


def test_a_hundred_numbers_are_asked_one_parameter_each() -> None:
    numbers = [f"H{number:019d}" for number in range(100)]
    request = hermes(language="de").request(numbers, "a-token")

    assert request.url.host == "de-api.hermesworld.com"
    assert request.url.path == "/services/hsi/shipmentinfo"
    assert request.url.params.get_list("shipmentID") == numbers
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["accept-language"] == "DE"


def test_the_login_is_sent_in_the_body_and_never_in_the_address() -> None:
    keys = {"username": "shop", "password": "p&w", "client_id": "id", "client_secret": "s t"}
    request = hermes(**keys).token_request()

    assert request is not None
    assert str(request.url) == (
        "https://authme.myhermes.de/authorization-facade/oauth2/access_token"
    )
    sent = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
    assert sent == {"grant_type": "password", **keys}


@pytest.mark.parametrize(
    ("answer", "minutes"), [({"expires_in": 3600}, 55), ({"expires_in": "400"}, 10 / 3), ({}, 55)]
)
def test_a_token_is_renewed_before_it_ends(answer: dict[str, Any], minutes: float) -> None:
    token = hermes().fetch_token(wire(status=200, body={"access_token": "abc", **answer}))

    assert (token.value, token.lasts) == ("abc", timedelta(minutes=minutes))


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_password_is_a_matter_of_the_keys(status: int) -> None:
    """A 400 from the token address stops this carrier like a 401, and not one batch of numbers."""
    with pytest.raises(Rejected) as caught:
        hermes().fetch_token(wire(status=status, body={"error": "invalid_grant"}))

    assert caught.value.status == 401


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, Unavailable)])
def test_a_login_that_is_busy_is_no_wrong_password(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        hermes().fetch_token(wire(status=status, body={}))


# -- spellings of a code -------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("0-0-0", "000000000"),
        ("90-1-4", "090001004"),
        ("090-001-004", "090001004"),
        ("090001004", "090001004"),
        ("35-0", "3500"),
        ("35-00", "3500"),
        (" 3500 ", "3500"),
        ("350", "350"),
        ("90001004", "90001004"),
        ("1234-1-1", "1234-1-1"),
        ("1-2-3-4", "1-2-3-4"),
        (3000, "number 3000"),
        (None, ""),
    ],
)
def test_a_code_has_one_key_however_it_is_spelt(written: object, key: str) -> None:
    assert spelt(written) == key


@pytest.mark.parametrize("mine", ["90-1-5", "090001005", "090-001-005"])
def test_a_merchant_may_spell_a_code_as_hermes_does(mine: str) -> None:
    reading = one(parcel(event("90-1-5")), codes={mine: "delivered"})

    assert reading.scans[0].meaning == Meaning(Status.DELIVERED)


@pytest.mark.parametrize("code", ["5000", "6000", "7000", "350", "3000.0", "", None, 3000, 3500])
def test_what_is_not_listed_means_nothing(code: object) -> None:
    assert one(parcel(event(code))).scans[0].meaning is None


# -- what a code means -----------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        ("1000 010000007", Meaning(Status.DISPATCHED)),
        ("7500 125001007", Meaning(Status.RETURNED)),
        ("3720 4020 060002004", Meaning(problem=Problem.ADDRESS)),
        ("3410 055001005", Meaning(Status.READY_FOR_PICKUP)),
        ("4500 085001002", Meaning(Status.IN_TRANSIT)),
        ("3511 090005004", Meaning(Status.DELIVERED, detail=Detail.MAILBOX)),
        ("3530 090003008", Meaning(Status.DELIVERED, detail=Detail.COLLECTED)),
        ("3710 060001004", Meaning(Status.DELIVERY_FAILED, Problem.REFUSED)),
        ("060001005", Meaning(Status.DELIVERY_FAILED)),
        ("4690 048090005", Meaning(revokes=True)),
        ("4070 4072 9321 9328 9399 1710 1720", INFO),
    ],
)
def test_the_codes_that_are_often_misread(codes: str, meaning: Meaning) -> None:
    assert {Hermes.codes[code] for code in codes.split()} == {meaning}


def test_only_hands_and_letterboxes_are_a_delivery() -> None:
    delivered = {key for key, meaning in Hermes.codes.items() if meaning.status == "delivered"}

    assert {key for key in delivered if len(key) == 4} == {"3500", "3510", "3511", "3520", "3530"}
    assert all(key.startswith("09000") for key in delivered if len(key) == 9)


def test_every_listed_code_has_four_or_nine_digits() -> None:
    assert {len(key) for key in Hermes.codes if key.isdecimal()} == {4, 9}
    assert all(key.isdecimal() for key in Hermes.codes)


def test_a_correction_in_a_shop_takes_only_a_delivery_back() -> None:
    waiting, corrected = event("3410"), event("4690", "2026-03-04T10:00:00+01:00")
    reading = one(parcel(waiting, corrected))

    assert ends(hermes(), reading).status is Status.READY_FOR_PICKUP


# -- whose parcel it is ------------------------------------------------------------


@pytest.mark.parametrize("asked", [NUMBER, INTERNATIONAL, BARCODE, NUMBER.lower()])
def test_a_parcel_answers_to_each_of_its_numbers(asked: str) -> None:
    link = f"https://carrier.invalid/tracking/{BARCODE}"
    mine = parcel(event("3000"), internationalShipmentID=INTERNATIONAL, trackingLink=link)

    reading = one(parcel(shipmentID=OTHER), mine, asked=[asked])

    assert (reading.number, len(reading.scans)) == (asked, 1)


def test_the_last_parcel_left_belongs_to_the_last_number_left() -> None:
    readings = read(parcel(shipmentID=OTHER), parcel(event("3000")), asked=[OTHER, BARCODE])

    assert {reading.number: len(reading.scans) for reading in readings} == {OTHER: 0, BARCODE: 1}


def test_a_stranger_is_not_taken_for_the_one_that_was_asked() -> None:
    assert read(parcel(event("3500")), asked=[OTHER]) == []


def test_several_parcels_under_foreign_numbers_are_not_dealt_out() -> None:
    readings = read(parcel(), parcel(shipmentID=OTHER), asked=["12345678901234", "12345678901235"])

    assert readings == []


def test_each_number_of_a_batch_gets_its_own_answer() -> None:
    numbers = [f"H{number:019d}" for number in range(100)]
    parcels = [parcel(event("3000"), shipmentID=number) for number in reversed(numbers)]

    assert [reading.number for reading in read(*parcels, asked=numbers)] == numbers


@pytest.mark.parametrize("first", [True, False])
def test_a_number_that_is_used_again_means_the_newest_parcel(*, first: bool) -> None:
    old, new = event("3500", "2025-06-01T12:00:00+02:00"), event("3000")
    parcels = [parcel(new), parcel(old), refused("e001")]

    reading = one(*(parcels if first else parcels[::-1]))

    assert reading.scans[0].code == "3000"


# -- errors of one number ------------------------------------------------------------


def test_an_unknown_number_is_not_found() -> None:
    assert one(refused("e001")) == Reading(NUMBER, not_found=True)


def test_scans_beside_an_error_are_believed() -> None:
    reading = one(refused("e001", status=[event("3000")]))

    assert (reading.not_found, len(reading.scans)) == (False, 1)


@pytest.mark.parametrize("code", ["e002", "e900"])
def test_a_refusal_of_one_number_costs_no_other(code: str) -> None:
    readings = read(refused(code, shipmentID=OTHER), parcel(), asked=[OTHER, NUMBER])

    assert [reading.number for reading in readings] == [NUMBER]


@pytest.mark.parametrize("code", ["e999", "e7777"])
def test_what_hermes_could_not_say_is_unanswered(code: str) -> None:
    other, mine = read(refused(code, shipmentID=OTHER), parcel(), asked=[OTHER, NUMBER])

    assert other == Reading(OTHER, unanswered=True)
    assert (mine.number, mine.unanswered) == (NUMBER, False)


def test_an_old_parcel_that_is_not_known_does_not_hide_one_that_could_not_be_told() -> None:
    for order in (["e001", "e999"], ["e999", "e001"]):
        assert one(*map(refused, order)) == Reading(NUMBER, unanswered=True)


def test_a_parcel_of_another_shape_costs_no_other() -> None:
    odd = parcel({"code": "3000"}, shipmentID=OTHER)
    other, mine = read(odd, parcel(event("3000")), asked=[OTHER, NUMBER])

    assert other == Reading(OTHER, unanswered=True)
    assert (mine.number, len(mine.scans)) == (NUMBER, 1)


@pytest.mark.parametrize("stamp", ["", "04.03.2026 09:00", "yesterday", None])
def test_a_stamp_in_another_form_is_never_guessed(stamp: Any) -> None:
    with pytest.raises(Unreadable):
        read(parcel(event("3000", stamp)))


def test_nothing_but_failures_is_a_failure() -> None:
    with pytest.raises(Unavailable):
        read(refused("e999"), refused("e999", shipmentID=OTHER))


def test_nothing_but_refusals_is_a_refusal() -> None:
    with pytest.raises(Rejected) as caught:
        read(refused("e900"))

    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, Rejected), (403, Rejected), (429, Throttled), (500, Unavailable)],
)
def test_an_error_of_the_whole_call_is_raised(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        hermes().poll(wire(status=status, body=[{"code": "e900"}]), [NUMBER], "t")


# -- what goes with it -----------------------------------------------------------------


def test_a_forecast_is_a_window_of_berlin_time() -> None:
    begins = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)

    assert sample("forecast").estimate == Estimate(
        date(2026, 3, 4), begins, begins + timedelta(hours=4)
    )


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        ({"date": "2026-07-04", "timeSlot": None}, Estimate(date(2026, 7, 4))),
        ({"date": "2026-07-04", "timeSlot": {"from": "ten"}}, Estimate(date(2026, 7, 4))),
        ({"date": "04.07.2026"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_an_unreadable_forecast_is_none(forecast: Any, expected: Estimate | None) -> None:
    assert one(parcel(deliveryForecast=forecast)).estimate == expected


def test_the_shop_is_named_where_the_text_names_it() -> None:
    assert sample("waiting_in_shop").pickup == Pickup("shop", "Kiosk Nord")
    assert sample("placeholders").pickup == Pickup("shop")
    assert sample("delivered").pickup is None


def test_a_merchants_own_waiting_place_is_not_called_a_shop() -> None:
    assert one(parcel(event("9999")), codes={"9999": "ready_for_pickup"}).pickup is None


def test_place_and_text_are_kept_and_the_recipients_town_is_not() -> None:
    reading = sample("delivered")

    assert (reading.scans[0].place, reading.scans[-1].place) == ("Koeln, DEU", "Hamburg, DEU")
    assert reading.scans[-1].text == "The shipment has been delivered."
    assert "Musterstadt" not in repr(reading.scans)


# -- recordings and the catalogue ----------------------------------------------------

# Older word -> ours. `unknown` there means: listed, and changes nothing.
WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "address_problem": "address",
    "exception": "other",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "unknown": "info",
}
# Short code -> what we read instead, and why.
OTHERWISE = {
    "1000": ("dispatched", "it has left the warehouse, and nobody at Hermes has seen it"),
    "1710": ("info", "papers for an export are no problem"),
    "1720": ("info", "cleared customs are no problem"),
    "1751": ("customs", "rejected by customs is a problem with customs"),
    "4070": ("info", "a correction is no movement"),
    "4072": ("info", "a correction is no movement"),
    "4690": ("revokes", "the last status is cancelled: it may have been the delivery"),
    "9399": ("info", "a cancellation taken back is nothing to worry about"),
}


def words(meaning: Meaning) -> set[str]:
    said = {str(word) for word in (meaning.status, meaning.problem) if word}
    return said or {"revokes" if meaning.revokes else "info"}


def test_the_catalogue_is_listed_as_a_whole(shared: Path) -> None:
    file = shared / "data" / "codes" / "hermes.csv"
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    needed = set()

    for row in rows:
        read_as = words(Hermes.codes[row["subcode"] or row["code"]])
        wanted = WORDS.get(row["normalized"], row["normalized"])
        if wanted not in read_as:
            assert read_as == {OTHERWISE[row["code"]][0]}, row
            needed.add(row["code"])

    assert needed == set(OTHERWISE)
    assert set(Hermes.codes) == {row["subcode"] or row["code"] for row in rows}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["file"].startswith("hermes/")]

    assert {row["file"] for row in mine} == {
        f"hermes/{file.name}" for file in (folder / "hermes").iterdir()
    }
    for row in mine:
        (reading,) = hermes().decode_body((folder / row["file"]).read_bytes(), [])
        assert len(reading.scans) == int(row["events"]), row["file"]
        if "not found" in row["expected_status"]:
            assert reading.not_found
            continue
        assert str(ends(hermes(), reading).status) == row["expected_status"], row["file"]
        assert reading.scans[-1].at == datetime.fromisoformat(row["latest_event_time"])
