"""What only GLS does: ten numbers a call, a status beside the events, the gateway's faults."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.samples import ends
from tracker_sync.carriers.gls import Config, Gls
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Detail, Meaning, Pickup, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "gls"
NUMBER = "99000030001"
QUOTA = "policies.ratelimit.QuotaViolation"
EXPIRED = "steps.jwt.TokenExpired"


def gls(**more: Any) -> Gls:
    return Gls(Config.model_validate({"client_id": "an-id", "client_secret": "a-secret"} | more))


def event(code: str, clock: str, text: str = "", **more: Any) -> dict[str, Any]:
    stamp = f"2026-03-03T{clock}:00+0100"
    return {"code": code, "description": text, "eventDateTime": stamp, **more}


def parcel(status: str, clock: str, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"status": status, "statusDateTime": f"2026-03-03T{clock}:00+0100"}
    return {"requested": NUMBER, "unitno": NUMBER, **said, "events": list(events), **more}


def missing(number: str, code: str = "E_404_01") -> dict[str, Any]:
    return {"requested": number, "errorCode": code, "errorMessage": "no"}


def read(*parcels: dict[str, Any], **more: Any) -> Reading:
    (reading,) = gls(**more).read({"parcels": list(parcels)}, [NUMBER])
    return reading


def fault(code: str) -> dict[str, Any]:
    return {"fault": {"faultstring": "no", "detail": {"errorcode": code}}}


def wire(*, status: int, body: Any) -> Wire:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return Wire("gls", Timer(lambda: 0.0, lambda seconds: None), transport=transport)


# -- asking ------------------------------------------------------------------


def test_ten_numbers_are_asked_in_one_call_with_the_token() -> None:
    numbers = [f"9900004000{digit}" for digit in range(Gls.batch)]
    request = gls().request(numbers, "a-token")

    path = "/track-and-trace-v1/tracking/simple/references/" + ",".join(numbers)
    assert str(request.url) == f"https://api.gls-group.net{path}"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["accept-language"] == "EN"
    assert len(numbers) == 10


@pytest.mark.parametrize(
    ("number", "written"), [("1,2", b"1%2C2"), ("..", b"%2E%2E"), ("a/b?c#d", b"a%2Fb%3Fc%23d")]
)
def test_a_strange_number_stays_one_number_of_the_path(number: str, written: bytes) -> None:
    request = gls().request([number, NUMBER], "t")

    ending = b"/tracking/simple/references/" + written + b"," + NUMBER.encode()
    assert request.url.raw_path.endswith(ending)


def test_the_token_is_asked_for_by_the_app() -> None:
    request = gls(base_url="http://127.0.0.1:8080").token_request()

    assert str(request.url) == "http://127.0.0.1:8080/oauth2/v2/token"
    assert request.content == b"grant_type=client_credentials"
    assert request.headers["authorization"] == "Basic YW4taWQ6YS1zZWNyZXQ="


@pytest.mark.parametrize(("seconds", "lasts"), [(14400, 14100), ("400", 200)])
def test_a_token_is_renewed_before_it_ends(seconds: object, lasts: int) -> None:
    payload = {"access_token": "abc", "token_type": "Bearer", "expires_in": seconds}
    token = gls().fetch_token(wire(status=200, body=payload))

    assert (token.value, token.lasts) == ("abc", timedelta(seconds=lasts))


def test_the_daily_quota_is_kept() -> None:
    assert Gls.budget.per_day == 500


# -- faults ------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_a_used_up_quota_is_throttled_whatever_the_status(status: int) -> None:
    with pytest.raises(Throttled):
        gls().poll(wire(status=status, body=fault(QUOTA)), [NUMBER], "t")


def test_the_wait_the_gateway_asks_for_is_passed_on() -> None:
    response = httpx.Response(429, json=fault(QUOTA), headers={"Retry-After": "60"})

    with pytest.raises(Throttled) as caught:
        gls().decode(response, [NUMBER])

    assert caught.value.retry_after == 60


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("code", [EXPIRED, "steps.jwt.InvalidToken"])
def test_a_refused_token_can_be_renewed(status: int, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        gls().poll(wire(status=status, body=fault(code)), [NUMBER], "t")

    assert caught.value.status == 401


def test_too_many_numbers_are_no_fault_of_the_keys() -> None:
    problem = {"title": "Bad Request", "status": 400, "detail": "more than allowed"}

    with pytest.raises(Rejected) as caught:
        gls().poll(wire(status=400, body=problem), [NUMBER], "t")

    assert caught.value.status == 400


def test_a_call_about_unknown_numbers_only_is_not_found() -> None:
    body = json.loads((SAMPLES / "all_unknown.json").read_text("utf-8"))
    readings = gls().poll(wire(status=404, body=body), [NUMBER, "99000030002"], "t")

    assert readings == [Reading(number, not_found=True) for number in (NUMBER, "99000030002")]


def test_a_404_of_the_gateway_is_a_wrong_address_and_no_missing_parcel() -> None:
    body = fault("messaging.adaptors.http.flow.ApplicationNotFound")

    with pytest.raises(Rejected) as caught:
        gls().poll(wire(status=404, body=body), [NUMBER], "t")

    assert caught.value.status == 404


def test_an_error_of_gls_with_every_number_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        read(missing(NUMBER, "E_500_01"))


@pytest.mark.parametrize("code", ["E_500_01", "E_500_02", "E_NEW"])
def test_an_error_of_gls_with_one_number_leaves_it_unanswered(code: str) -> None:
    other = "99000030002"
    payload = {"parcels": [missing(other, code), parcel("INDELIVERY", "08:00")]}
    bad, good = gls().read(payload, [other, NUMBER])

    assert bad == Reading(other, unanswered=True)
    assert good.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_an_error_of_gls_with_the_whole_answer_is_no_missing_parcel() -> None:
    with pytest.raises(Unavailable):
        gls().decode_body(json.dumps({"errorCode": "E_500_01"}).encode(), [NUMBER])


@pytest.mark.parametrize("code", ["E_400_01", "E_400_03", "E_404_01", "E_404_02"])
def test_an_error_about_one_number_leaves_the_others_alone(code: str) -> None:
    other = "99000030002"
    payload = {"parcels": [missing(other, code), parcel("INDELIVERY", "08:00")]}
    bad, good = gls().read(payload, [other, NUMBER])

    assert bad == Reading(other, not_found=True)
    assert good.scans[-1].status is Status.OUT_FOR_DELIVERY


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"parcels": null}', '{"parcels": [{}]}'])
def test_another_shape_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        gls().decode(httpx.Response(200, text=body), [NUMBER])


# -- which parcel ------------------------------------------------------------


def test_what_was_requested_counts_and_not_what_gls_prints_back() -> None:
    asked = [f"{NUMBER}7", "99000030002"]
    first = parcel("INDELIVERY", "08:00", requested=asked[0], unitno=NUMBER)
    second = parcel("INTRANSIT", "07:00", requested=asked[1], unitno=f"{NUMBER}7"[:11])

    readings = list(gls().read({"parcels": [second, first]}, asked))

    assert [reading.number for reading in readings] == asked
    assert [reading.scans[-1].code for reading in readings] == ["INDELIVERY", "INTRANSIT"]


def test_the_own_parcel_is_known_by_its_number_without_check_digit() -> None:
    asked = f"{NUMBER}7"
    other = parcel("DELIVERED", "18:00", requested=asked, unitno="99000030009")
    own = parcel("INTRANSIT", "07:00", requested=asked, unitno=NUMBER)
    (reading,) = gls().read({"parcels": [other, own]}, [asked])

    assert reading.scans[-1].code == "INTRANSIT"


def test_a_number_without_an_entry_is_not_found() -> None:
    (reading,) = gls().read({"parcels": [parcel("INTRANSIT", "07:00")]}, ["99000030002"])

    assert reading == Reading("99000030002", not_found=True)


def test_a_track_id_is_found_in_either_case() -> None:
    (reading,) = gls().read(
        {"parcels": [parcel("INTRANSIT", "07:00", requested="AB12CD34")]}, ["ab12cd34"]
    )

    assert reading.number == "ab12cd34"
    assert reading.scans


def test_every_number_is_read_when_nobody_knows_what_was_asked() -> None:
    payload = {"parcels": [missing("99000030002"), parcel("INTRANSIT", "07:00")]}

    assert [r.number for r in gls().read(payload, [])] == ["99000030002", NUMBER]


# -- the status beside the events --------------------------------------------


def test_a_status_ahead_of_the_events_is_a_scan_at_its_own_time() -> None:
    scan = read(parcel("DELIVERED", "13:00", event("OUTDEL.NORMAL", "08:00"))).scans[-1]

    assert (scan.code, scan.at) == ("DELIVERED", datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert scan.meaning == Meaning(Status.DELIVERED)


def test_a_status_the_events_tell_already_is_none() -> None:
    reading = read(parcel("INWAREHOUSE", "08:01", event("INBOUD.NORMAL", "08:00")))

    assert [scan.code for scan in reading.scans] == ["INBOUD.NORMAL"]


def test_a_second_attempt_told_by_the_status_alone_is_seen() -> None:
    reading = read(
        parcel("INDELIVERY", "15:00", event("NEWONE.X", "12:00"), event("OUTDEL.NORMAL", "08:00"))
    )

    assert [scan.code for scan in reading.scans] == ["OUTDEL.NORMAL", "NEWONE.X", "INDELIVERY"]


@pytest.mark.parametrize("status", ["INDELIVERY", "NOTDELIVERED", "DELIVEREDPS", "DELIVERED"])
def test_the_status_alone_does_not_take_back_a_delivery(status: str) -> None:
    later, got = event("CHANGD.PARCELBOX", "17:30"), event("DELIVD.DEL_BY_PSAPP", "17:00")
    reading = read(parcel(status, "18:00", later, got))

    assert ends(gls(), reading).status is Status.DELIVERED


def test_an_event_after_the_delivery_takes_it_back() -> None:
    out = event("OUTDEL.NORMAL", "18:00")
    reading = read(parcel("INDELIVERY", "18:00", out, event("DELIVD.DEL_BY_PSAPP", "17:00")))

    assert ends(gls(), reading).status is Status.OUT_FOR_DELIVERY


def test_a_status_without_a_time_is_no_scan() -> None:
    silent = parcel("DELIVERED", "13:00", event("OUTDEL.NORMAL", "08:00"), statusDateTime=None)

    assert [scan.code for scan in read(silent).scans] == ["OUTDEL.NORMAL"]


def test_an_event_without_a_time_is_no_scan() -> None:
    undated = event("OUTDEL.NORMAL", "08:00") | {"eventDateTime": ""}

    assert [scan.code for scan in read(parcel("INTRANSIT", "07:00", undated)).scans] == [
        "INTRANSIT"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The parcel is returned to the consignor.",
        "The parcel will be returned to the sender.",
        "Return to shipper.",
    ],
)
def test_what_is_delivered_after_the_turn_is_not_believed(text: str) -> None:
    reading = read(parcel("DELIVERED", "18:00", event("NEWONE.X", "08:00", text)))

    assert reading.scans[-1].code == "DELIVERED/return"
    assert reading.scans[-1].meaning is None


@pytest.mark.parametrize(
    "text",
    [
        "The parcel will be returned to the sender if it is not collected.",
        "The parcel was returned to the depot.",
        "The sender gave new instructions.",
    ],
)
def test_a_threat_or_a_detour_is_no_turn(text: str) -> None:
    reading = read(parcel("DELIVERED", "18:00", event("NEWONE.X", "08:00", text)))

    assert reading.scans[-1].status is Status.DELIVERED


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DELIVD.PARCELSHOP", ""),
        ("DELIVD.PS", ""),
        ("DELIVD.X", "Delivered into the ParcelLocker."),
        ("DELIVD.X", "Delivered at the parcel shop."),
    ],
)
def test_delivered_and_waiting_at_once_is_not_believed(code: str, text: str) -> None:
    scans = read(parcel("DELIVERED", "13:05", event(code, "13:00", text))).scans

    assert scans[-1].code == "DELIVERED/parcelshop"
    assert scans[-1].meaning is None


def test_a_mention_of_the_shop_alone_casts_no_doubt() -> None:
    """Only an event of delivery says where the parcel was delivered."""
    changed = event("CHANGD.PARCELBOX", "13:00", "Delivery to a ParcelLocker was wished.")

    assert read(parcel("DELIVERED", "13:05", changed)).scans[-1].status is Status.DELIVERED


def test_a_merchant_can_say_what_a_doubt_means() -> None:
    shop = event("DELIVD.PARCELSHOP", "13:00")
    scan = read(parcel("DELIVERED", "13:00", shop), codes={"DELIVERED/parcelshop": "delivered"})

    assert scan.scans[-1].status is Status.DELIVERED


def test_a_merchants_meaning_of_an_event_settles_the_doubt() -> None:
    given = event("DELIVD.X", "13:00", "The ParcelShop gave it out.")
    reading = read(parcel("DELIVERED", "13:00", given), codes={"DELIVD.X": "delivered"})

    assert [scan.code for scan in reading.scans] == ["DELIVD.X"]


# -- what goes with it -------------------------------------------------------


def test_a_shop_is_told_only_while_the_parcel_waits_there() -> None:
    shop, got = event("DELIVD.PARCELSHOP", "13:00"), event("DELIVD.DEL_BY_PSAPP", "17:00")

    assert read(parcel("DELIVEREDPS", "13:00", shop)).pickup == Pickup("shop")
    assert read(parcel("DELIVERED", "17:00", got, shop)).pickup is None


def test_the_place_is_town_and_country_and_no_signer_is_kept() -> None:
    text = "Delivered, signed for by: EMPFANG"
    more = {"city": "Essen", "country": "DE", "postalCode": "45127"}
    reading = read(parcel("DELIVERED", "13:00", event("DELIVD.X", "13:00", text, **more)))

    assert reading.scans[0].place == "Essen, DE"
    assert "EMPFANG" not in reading.scans[0].text


# -- the code table ----------------------------------------------------------


def test_two_words_say_delivered() -> None:
    delivered = {code: m for code, m in Gls.codes.items() if m.status is Status.DELIVERED}

    assert delivered == {
        "DELIVERED": Meaning(Status.DELIVERED),
        "DELIVD.DEL_BY_PSAPP": Meaning(Status.DELIVERED, detail=Detail.COLLECTED),
    }


@pytest.mark.parametrize("code", ["FINAL", "CHANGD.MONEWADDR", "CHANGD.PARCELBOX"])
def test_what_is_no_step_is_listed_and_changes_nothing(code: str) -> None:
    assert Gls.codes[code] == Meaning()


@pytest.mark.parametrize("code", ["HUB", "PICKUP", "IN_DELIVERY", "INITIAL.NORMAL", "DELIVD"])
def test_words_of_other_interfaces_are_not_listed(code: str) -> None:
    assert code not in Gls.codes


# -- recordings of others, where they lie beside the repository ----------------

WORDS = {
    "label_created": "announced",
    "in_transit": "in_transit",
    "(error/not found)": "not found",
    "label_created + (not found) mixed": "announced, not found",
}
CONSUMER = "the consumer page's own interface: one undated step, unofficial, never asked"
OTHER_CALL = "another call of the same API, which is never made"
BAD_QUERY = "a query GLS refuses says nothing about a parcel"
# Recording -> what we read instead, and why. An entry that is not needed fails the test.
OTHERWISE = {
    "consumer-rstt-delivered.json": ("Unreadable", CONSUMER),
    "consumer-rstt-html-entities.json": ("Unreadable", CONSUMER),
    "consumer-rstt-in-transit.json": ("Unreadable", CONSUMER),
    "consumer-rstt-not-found-empty.json": ("Unreadable", CONSUMER),
    "consumer-rstt-out-for-delivery.json": ("Unreadable", CONSUMER),
    "consumer-rstt-parcel-shop.json": ("Unreadable", CONSUMER),
    "consumer-rstt-preadvice.json": ("Unreadable", CONSUMER),
    "consumer-rstt-returning-flag.json": ("Unreadable", CONSUMER),
    "shipit-parceldetails-elided.txt": ("Unreadable", "another API, and no JSON"),
    "spec-200-deliveryinfo-200success.json": ("Unreadable", OTHER_CALL),
    "spec-200-eventscodes-200success.json": ("Unreadable", OTHER_CALL),
    "spec-400-400badrequestpath.json": ("Rejected", BAD_QUERY),
    "spec-400-400badrequestquery.json": ("Rejected", BAD_QUERY),
    "spec-400-deliveryinfo-400badrequestrequiredparameter.json": ("Rejected", BAD_QUERY),
    "spec-400-general-400badrequestquery.json": ("Rejected", BAD_QUERY),
    "spec-401-401apigeetokenexpired.json": ("Rejected", "the token is to be renewed"),
    "spec-429-429ratelimitquotaviolation.json": ("Throttled", "the quota is used up"),
}


def told(body: bytes) -> str:
    """Return the words for what an answer says, sorted; or the error."""
    try:
        readings = gls().decode_body(body, [])
    except CallError as error:
        return type(error).__name__
    words = ("not found" if r.not_found else str(ends(gls(), r).status) for r in readings)
    return ", ".join(sorted(words))


def rows(folder: Path) -> dict[str, dict[str, str]]:
    text = (folder / "INDEX.csv").read_text("utf-8")
    found = {row["file"]: row for row in csv.DictReader(text.splitlines())}
    return {name[4:]: row for name, row in found.items() if name.startswith("gls/")}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    index = rows(folder)
    read_as = {name: told((folder / "gls" / name).read_bytes()) for name in index}
    wanted = {name: WORDS.get(row["expected_status"]) for name, row in index.items()}

    assert {file.name for file in (folder / "gls").glob("*")} == set(index)
    assert {name: word for name, word in read_as.items() if word != wanted[name]} == {
        name: word for name, (word, _) in OTHERWISE.items()
    }


def test_recordings_hold_as_many_events_as_their_index_says(shared: Path) -> None:
    """A scan made of the status (without a dot in its code) is no event."""
    folder = shared / "data" / "samples"
    for name, row in rows(folder).items():
        if name in OTHERWISE:
            continue
        readings = gls().decode_body((folder / "gls" / name).read_bytes(), [])
        events = [scan for reading in readings for scan in reading.scans if "." in scan.code]
        assert len(events) == int(row["events"]), name
        assert not events or events[-1].at == Gls.when(gls(), row["latest_event_time"])


def test_the_collected_codes_agree_with_ours(shared: Path) -> None:
    older = {
        "label_created": Meaning(Status.ANNOUNCED),
        "picked_up": Meaning(Status.DISPATCHED),
        "available_for_pickup": Meaning(Status.READY_FOR_PICKUP),
        "delivery_attempted": Meaning(Status.DELIVERY_FAILED),
        "exception": Meaning(problem=Problem.OTHER),
        "unknown": Meaning(),
    }
    text = (shared / "data" / "codes" / "gls.csv").read_text("utf-8")
    listed = [r for r in csv.DictReader(text.splitlines()) if r["subcode"] in ("", "event")]

    assert {row["code"] for row in listed} == set(Gls.codes)
    for row in listed:
        if not row["code"].startswith("CHANGD."):  # informational, says the same list
            word = row["normalized"]
            ours = Gls.codes[row["code"]]
            assert Meaning(ours.status, ours.problem) == (older.get(word) or Meaning(Status(word)))
