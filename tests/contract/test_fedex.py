"""What only FedEx does: batches, tokens, faults, reasons. Its histories are samples."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.samples import ends
from tracker_sync.carriers import Parcel
from tracker_sync.carriers.fedex import Fedex, FedexConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Detail, Estimate, Meaning, Pickup, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "fedex"
NUMBER = "613000099919"
OTHER = "613000099920"


def fedex(**more: Any) -> Fedex:
    keys = {"client_id": "an-id", "client_secret": "a-secret"}
    return Fedex(FedexConfig.model_validate(keys | more))


def event(code: str, at: str = "2026-03-02T10:15:00+01:00", **more: Any) -> dict[str, Any]:
    return {"date": at, "eventType": code, **more}


def latest(code: str, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"code": code, "ancillaryDetails": [{"reason": reason}] if reason else [], **more}


def answer(*events: dict[str, Any], number: str = NUMBER, **result: Any) -> dict[str, Any]:
    return entries((number, [{"scanEvents": list(events), **result}]))


def entries(*found: tuple[str, list[Any]]) -> dict[str, Any]:
    results = [{"trackingNumber": number, "trackResults": each} for number, each in found]
    return {"output": {"completeTrackResults": results}}


def error(*codes: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": "no"} for code in codes]}


def fault(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


def read(payload: Any, *asked: str, **more: Any) -> list[Reading]:
    return list(fedex(**more).read(payload, asked))


def sample(name: str) -> Reading:
    payload = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    (reading,) = fedex().read(payload, [])
    return reading


def poll(*, status: int, body: Any) -> list[Reading]:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    wire = Wire("fedex", Timer(lambda: 0.0, lambda seconds: None), transport=transport)
    return fedex().poll(wire, [NUMBER, OTHER], "t")


# -- asking ------------------------------------------------------------------


def test_asks_for_thirty_numbers_with_all_their_scans_in_english() -> None:
    numbers = [f"{number:012d}" for number in range(30)]

    request = fedex().request(numbers, "a-token")
    body = json.loads(request.content)

    assert (request.method, request.url.host) == ("POST", "apis.fedex.com")
    assert request.url.path == "/track/v1/trackingnumbers"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["x-locale"] == "en_US"
    assert body["includeDetailedScans"] is True
    assert [each["trackingNumberInfo"]["trackingNumber"] for each in body["trackingInfo"]] == (
        numbers
    )
    assert Fedex.batch == len(numbers)


def test_the_token_is_asked_for_with_both_keys_in_the_form() -> None:
    request = fedex(base_url="http://127.0.0.1:8080").token_request()

    assert str(request.url) == "http://127.0.0.1:8080/oauth/token"
    assert request.content == (
        b"grant_type=client_credentials&client_id=an-id&client_secret=a-secret"
    )


@pytest.mark.parametrize(("seconds", "lasts"), [(3600, 3300), ("3600", 3300), (400, 200)])
def test_a_token_is_renewed_before_it_ends(seconds: object, lasts: int) -> None:
    token = fedex().read_token({"access_token": "abc", "expires_in": seconds})

    assert (token.value, token.lasts) == ("abc", timedelta(seconds=lasts))


def test_the_secret_is_never_printed() -> None:
    assert "a-secret" not in repr(fedex().config)


# -- faults ------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400])
def test_a_bad_number_is_not_found_and_no_fault_of_ours(status: int) -> None:
    readings = poll(status=status, body=error("TRACKING.TRACKINGNUMBER.EMPTY"))

    assert readings == [Reading(number, not_found=True) for number in (NUMBER, OTHER)]


@pytest.mark.parametrize("status", [200, 401])
def test_a_refused_token_can_be_renewed(status: int) -> None:
    with pytest.raises(Rejected) as caught:
        poll(status=status, body=error("NOT.AUTHORIZED.ERROR"))

    assert caught.value.status == 401


@pytest.mark.parametrize("status", [200, 403])
def test_a_project_without_tracking_is_rejected(status: int) -> None:
    with pytest.raises(Rejected, match="Track API") as caught:
        poll(status=status, body=error("FORBIDDEN.ERROR"))

    assert caught.value.status == 403


def test_a_server_error_is_no_missing_parcel_whatever_its_body_says() -> None:
    with pytest.raises(Unavailable):
        poll(status=500, body=error("TRACKING.TRACKINGNUMBER.NOTFOUND"))


def test_an_address_fedex_does_not_know_is_no_missing_parcel() -> None:
    with pytest.raises(Rejected, match="base_url") as caught:
        poll(status=404, body=error("NOT.FOUND.ERROR"))

    assert caught.value.status == 404


@pytest.mark.parametrize("code", ["INTERNAL.SERVER.ERROR", "SERVICE.UNAVAILABLE.ERROR"])
@pytest.mark.parametrize("status", [200, 500, 503])
def test_fedex_out_of_order_is_unavailable(status: int, code: str) -> None:
    with pytest.raises(Unavailable):
        poll(status=status, body=error(code))


def test_the_wait_fedex_asks_for_is_passed_on() -> None:
    response = httpx.Response(429, json=error("ANY"), headers={"Retry-After": "10"})

    with pytest.raises(Throttled) as caught:
        fedex().decode(response, [NUMBER])

    assert caught.value.retry_after == 10


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", "<html>", '{"output": {}}', '{"errors": [{"code": "NEW"}]}']
)
def test_another_shape_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        fedex().decode(httpx.Response(200, text=body), [NUMBER])


# -- which parcel ------------------------------------------------------------


def test_each_number_gets_its_own_answer_whatever_the_order() -> None:
    found = [{"scanEvents": [event("PU")]}]
    payload = entries((OTHER, [fault("TRACKING.TRACKINGNUMBER.NOTFOUND")]), (NUMBER, found))

    mine, other = sorted(read(payload, NUMBER, OTHER), key=lambda each: str(each.number))

    assert (mine.number, mine.not_found, len(mine.scans)) == (NUMBER, False, 1)
    assert other == Reading(OTHER, not_found=True)


def test_a_number_comes_back_as_it_was_asked() -> None:
    (reading,) = read(answer(event("PU")), "6130 0009 9919")

    assert reading.number == "6130 0009 9919"


def test_a_strangers_parcel_is_not_taken_for_ours() -> None:
    """The sandbox answers any number with a canned parcel of another one."""
    assert read(answer(event("DL"), number=OTHER), NUMBER) == []


def test_a_nameless_parcel_is_meant_only_if_it_is_the_only_one() -> None:
    nameless = answer(event("PU"), number="")

    assert [each.number for each in read(nameless, NUMBER)] == [NUMBER]
    assert read(nameless, NUMBER, OTHER) == []
    assert [each.number for each in read(nameless)] == [None]


def test_an_error_that_is_not_about_the_number_leaves_it_unanswered() -> None:
    found = [{"scanEvents": [event("PU")]}]
    payload = entries((OTHER, [fault("SYSTEM.UNAVAILABLE")]), (NUMBER, found))

    other, mine = read(payload, NUMBER, OTHER)

    assert other == Reading(OTHER, unanswered=True)
    assert (mine.number, len(mine.scans)) == (NUMBER, 1)


def test_a_parcel_that_cannot_be_read_costs_no_other() -> None:
    odd, found = [{"scanEvents": [event("PU", "yesterday")]}], [{"scanEvents": [event("PU")]}]

    other, mine = read(entries((OTHER, odd), (NUMBER, found)), NUMBER, OTHER)

    assert other == Reading(OTHER, unanswered=True)
    assert (mine.number, len(mine.scans)) == (NUMBER, 1)


def test_of_two_parcels_the_one_shipped_last_counts_even_without_a_scan() -> None:
    new = {
        "latestStatusDetail": latest("OC"),
        "dateAndTimes": [{"type": "SHIP", "dateTime": "2026-03-01T00:00:00"}],
    }
    old = {"scanEvents": [event("DL", "2025-09-01T10:00:00+02:00")]}

    for results in ([new, old], [old, new]):
        assert read(entries((NUMBER, results)), NUMBER) == [Reading(NUMBER)]


# -- numbers that were used again ----------------------------------------------

MARCH = datetime(2026, 3, 1, 9, tzinfo=UTC)


def life(shipped: str = "", code: str = "IT", **more: Any) -> dict[str, Any]:
    """One parcel of a number; its code tells it from others."""
    dates = [{"type": "SHIP", "dateTime": f"{shipped}T00:00:00+01:00"}] if shipped else []
    scans = [event(code, f"{shipped}T10:00:00+01:00")] if shipped else []
    return {
        "scanEvents": scans,
        "dateAndTimes": dates,
        "latestStatusDetail": latest(code),
        **more,
    }


def lived(*lives: dict[str, Any], shipped_at: datetime | None = None) -> Reading:
    parcels = [Parcel(NUMBER, shipped_at=shipped_at)]
    for results in (lives, lives[::-1]):  # the order of an answer says nothing
        (reading,) = fedex().read_for(entries((NUMBER, list(results))), parcels)
    return reading


def codes_of(reading: Reading) -> list[str]:
    return [scan.code for scan in reading.scans]


def test_only_ship_dates_around_the_shops_own_are_asked_for() -> None:
    """The window holds a label printed early and goods that lay for weeks."""
    request = fedex().request_for([Parcel(NUMBER, shipped_at=MARCH), Parcel(OTHER)], "t")

    assert json.loads(request.content)["trackingInfo"] == [
        {
            "trackingNumberInfo": {"trackingNumber": NUMBER},
            "shipDateBegin": "2026-02-19",
            "shipDateEnd": "2026-03-31",
        },
        {"trackingNumberInfo": {"trackingNumber": OTHER}},
    ]


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        (("2026-03-01", "2026-03-04"), ["PU"]),
        (("2026-02-27", "2026-03-20"), ["PU"]),
        (("2026-03-20", "2026-04-20"), ["PU"]),
        (("2026-03-03", "2025-09-01"), ["PU"]),
        (("2026-03-29", "2026-05-10"), ["PU"]),
    ],
)
def test_the_parcel_shipped_when_the_shop_says_is_meant(
    days: tuple[str, str], codes: list[str]
) -> None:
    mine, other = life(days[0], "PU"), life(days[1], "DL")

    assert codes_of(lived(mine, other, shipped_at=MARCH)) == codes


@pytest.mark.parametrize("days", [("2025-09-01",), ("2026-04-05",), ("2026-01-02", "2026-05-01")])
def test_a_parcel_of_another_season_is_not_ours(days: tuple[str, ...]) -> None:
    """A delivery of last autumn would be told as that of a label of today."""
    lives = [life(day, "DL") for day in days]

    assert lived(*lives, shipped_at=MARCH) == Reading(NUMBER, not_found=True)


@pytest.mark.parametrize(
    ("days", "shipped_at"),
    [
        (("2026-02-28", "2026-03-02"), MARCH),
        (("2026-03-01", ""), MARCH),
        (("", ""), MARCH),
        (("2026-03-01", "2026-03-10"), None),
        (("2026-03-01", ""), None),
        (("", ""), None),
    ],
)
def test_of_two_parcels_that_may_both_be_meant_none_is_believed(
    days: tuple[str, str], shipped_at: datetime | None
) -> None:
    lives = [life(days[0], "DL"), life(days[1], "PU")]

    assert lived(*lives, shipped_at=shipped_at) == Reading(NUMBER, ambiguous=True)


def test_without_the_shops_day_the_parcel_shipped_clearly_last_is_meant() -> None:
    assert codes_of(lived(life("2026-03-01", "PU"), life("2026-01-10", "DL"))) == ["PU"]


def test_a_parcel_fedex_lists_twice_is_one() -> None:
    """FedEx tells the parcels of a number apart by an id of its own."""
    one: dict[str, Any] = {"trackingNumberInfo": {"trackingNumberUniqueId": "1~FX"}}
    before, after = life("2026-03-01", "PU", **one), life("2026-03-02", "OD", **one)

    for shipped_at in (None, MARCH):
        assert codes_of(lived(before, after, shipped_at=shipped_at)) == ["OD"]


def test_a_lone_parcel_without_any_day_is_the_one_asked_for() -> None:
    assert lived(life("", "OC"), shipped_at=MARCH) == Reading(NUMBER)


def test_an_error_beside_a_parcel_is_no_second_parcel() -> None:
    absent = fault("TRACKING.TRACKINGNUMBER.NOTFOUND")

    assert codes_of(lived(life("2026-03-01", "PU"), absent)) == ["PU"]


def test_only_unreadable_parcels_are_an_unreadable_answer() -> None:
    with pytest.raises(Unreadable):
        fedex().decode_body(json.dumps(answer(event("PU", "yesterday"))).encode(), [NUMBER])


# -- what a scan means -------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "key", "meaning"),
    [
        ("DE", "007", "reason/007", Meaning(Status.DELIVERY_FAILED)),
        ("DE", "7", "reason/007", Meaning(Status.DELIVERY_FAILED)),
        ("SE", "08", "reason/008", Meaning(Status.DELIVERY_FAILED)),
        ("SE", "015a", "reason/015A", Meaning(Status.READY_FOR_PICKUP)),
        ("DE", "060X", "reason/060", Meaning(Status.RETURNING)),
        ("DE", "3", "reason/003", Meaning(problem=Problem.ADDRESS)),
        ("SE", "72", "reason/072", Meaning(problem=Problem.CUSTOMS)),
        ("DE", "", "DE", Meaning(Status.DELIVERY_FAILED)),
        ("SE", "", "SE", Meaning(problem=Problem.OTHER)),
        ("DE", "777", "DE/777", None),
        ("SE", "NEW", "SE/NEW", None),
        ("AF", "A3", "AF", Meaning(Status.IN_TRANSIT)),
        ("AF", "007", "AF", Meaning(Status.IN_TRANSIT)),
        ("DL", "14", "DL/014", Meaning(Status.DELIVERED, detail=Detail.SAFE_PLACE)),
        ("DL", "777", "DL", Meaning(Status.DELIVERED)),
        ("ZQ", "777", "ZQ", None),
        ("", "", "", None),
    ],
)
def test_a_reason_refines_exceptions_only(
    code: str, reason: str, key: str, meaning: Meaning | None
) -> None:
    (reading,) = read(answer(event(code, exceptionCode=reason)))

    assert [(scan.code, scan.meaning) for scan in reading.scans] == [(key, meaning)]


def test_a_merchant_can_map_every_kind_of_key() -> None:
    codes = {"DE/777": "damaged", "ZQ": "in_transit", "reason/007": "lost", "AF/A3": "delayed"}
    scans = [("DE", "777"), ("ZQ", "5"), ("SE", "7"), ("AF", "A3")]

    (reading,) = read(answer(*(event(c, exceptionCode=r) for c, r in scans)), codes=codes)

    assert [scan.code for scan in reversed(reading.scans)] == list(codes)
    assert None not in [scan.meaning for scan in reading.scans]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Delivered", "DL"),
        ("Left at front door. Signature Service not requested.", "DL"),
        ("Package delivered to recipient address - release authorized", "DL"),
        ("Delivered to recipient at FedEx Office", "DL"),
        ("Delivered, left with household member", "DL"),
        ("Returned to shipper", "DL/returned"),
        ("Package returned to original sender", "DL/returned"),
        ("Return label was left", "DL/elsewhere"),
        ("Tendered to agent for final delivery", "DL/elsewhere"),
        ("Delivered to the local post office", "DL/elsewhere"),
        ("Placed in a locker", "DL/elsewhere"),
        ("Held at location", "DL/elsewhere"),
        ("Delivered to broker", "DL/elsewhere"),
    ],
)
def test_the_words_of_a_delivery_are_checked(text: str, key: str) -> None:
    (reading,) = read(answer(event("DL", eventDescription=text), latestStatusDetail=latest("DL")))

    assert reading.scans[0].code == key
    assert (reading.scans[0].status is Status.DELIVERED) == (key == "DL")


def test_somebody_elsewhere_is_not_listed() -> None:
    assert "DL/elsewhere" not in Fedex.codes


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        ("DL", "", Status.DELIVERED),
        ("", "", Status.DELIVERED),
        ("PR", "", Status.DELIVERED),
        ("HL", "", Status.READY_FOR_PICKUP),
        ("DE", "007", Status.DELIVERY_FAILED),
        ("DE", "060G", Status.RETURNED),
        ("RS", "", Status.RETURNING),
        ("ZQ", "", None),
    ],
)
def test_the_latest_status_may_deny_a_delivery(
    code: str, reason: str, status: Status | None
) -> None:
    (reading,) = read(answer(event("DL"), latestStatusDetail=latest(code, reason)))

    assert reading.scans[-1].status is status


@pytest.mark.parametrize("code", ["DE", "RS"])
def test_a_delivery_told_twice_is_denied_twice(code: str) -> None:
    twice = [event("DL", eventDescription="Delivered")] * 2

    (reading,) = read(answer(*twice, latestStatusDetail=latest(code)), NUMBER)

    assert Status.DELIVERED not in {scan.status for scan in reading.scans}


@pytest.mark.parametrize("content", [{"reasonDetail": [{"type": "REJECTED"}]}, {}])
def test_a_return_told_twice_is_no_delivery(content: dict[str, Any]) -> None:
    twice = [event("DL", eventDescription="Delivered")] * 2

    (reading,) = read(answer(*twice, returnDetail=content), NUMBER)

    wanted = Status.RETURNED if content else Status.DELIVERED
    assert {scan.status for scan in reading.scans} == {wanted}


@pytest.mark.parametrize("odd", ["odd", 7, [7]])
def test_a_return_detail_of_a_wrong_type_is_neither_a_return_nor_a_delivery(odd: object) -> None:
    body = json.dumps(answer(event("DL"), returnDetail=odd)).encode()

    with pytest.raises(Unreadable):
        fedex().decode_body(body, [NUMBER])


def test_a_delivery_known_by_its_date_only_comes_last() -> None:
    dates = [{"type": "ACTUAL_DELIVERY", "dateTime": "2026-03-02T00:00:00"}]
    payload = answer(event("OD"), latestStatusDetail=latest("DL"), dateAndTimes=dates)

    (reading,) = read(payload)

    assert [scan.status for scan in reading.scans] == [Status.OUT_FOR_DELIVERY, Status.DELIVERED]
    assert reading.scans[0].at == reading.scans[1].at


def test_a_real_midnight_stays_where_it_is() -> None:
    later, earlier = "2026-03-02T00:00:00+01:00", "2026-03-01T23:00:00+01:00"

    (reading,) = read(answer(event("DP", later), event("AR", earlier)))

    assert reading.scans[-1].at == datetime(2026, 3, 1, 23, tzinfo=UTC)


def test_a_wish_to_have_it_back_does_not_turn_the_parcel() -> None:
    """The turn is a one-way door: a wish that fails would hide the delivery for good."""
    assert Fedex.codes["RT"] == Meaning()


def test_the_status_adds_to_the_newest_scan_and_overwrites_nothing() -> None:
    """A hand-over keeps its own words, though the status beside it has a reason and others."""
    own = event("DL", exceptionCode="", exceptionDescription="Tendered to agent")
    payload = answer(own, latestStatusDetail=latest("DL", "014", description="Delivered"))

    (reading,) = read(payload)

    assert (reading.scans[0].code, reading.scans[0].status) == ("DL/elsewhere", None)


def test_an_undated_event_is_no_scan() -> None:
    (reading,) = read(answer(event("DL", ""), event("OD")))

    assert [scan.code for scan in reading.scans] == ["OD"]


# -- what goes with it -------------------------------------------------------


BEGINS = datetime(2026, 3, 3, 8, tzinfo=UTC)
DAY = date(2026, 3, 3)


@pytest.mark.parametrize(
    ("begins", "ends_", "forecast"),
    [
        ("2026-03-03T09:00:00+01:00", "2026-03-03T13:00:00+01:00", (BEGINS, 4)),
        ("2026-03-03T09:00:00", "2026-03-03T13:00:00+01:00", None),
        ("2026-03-01T09:00:00+01:00", "2026-03-03T13:00:00+01:00", None),
        ("", "2026-03-03T13:00:00+01:00", None),
    ],
)
def test_a_window_counts_where_its_hours_are_certain(
    begins: str, ends_: str, forecast: tuple[datetime, int] | None
) -> None:
    window = {"window": {"begins": begins, "ends": ends_}}
    (reading,) = read(answer(event("OD"), estimatedDeliveryTimeWindow=window))

    hours = (forecast[0], forecast[0] + timedelta(hours=forecast[1])) if forecast else ()
    assert reading.estimate == Estimate(DAY, *hours)


def test_a_forecast_is_a_day_as_fedex_writes_it() -> None:
    dates = [{"type": "ESTIMATED_DELIVERY", "dateTime": "2026-03-03T00:00:00+09:00"}]

    (reading,) = read(answer(event("OD"), dateAndTimes=dates))

    assert reading.estimate == Estimate(DAY)


def test_the_standard_transit_time_is_no_forecast() -> None:
    assert sample("not_home").estimate is None


def test_where_a_parcel_waits_is_a_company_and_never_a_person() -> None:
    pickup = sample("ready_for_pickup").pickup

    assert pickup == Pickup(name="Paketladen Mitte", address="Am Markt 1, 50667 Koeln, DE")
    assert sample("delivered").pickup is None


@pytest.mark.parametrize("name", ["delivered", "returning", "ready_for_pickup"])
def test_nobody_who_signed_or_waits_is_kept(name: str) -> None:
    kept = repr(sample(name))

    assert not any(who in kept for who in ("EMPFANG", "WARENANNAHME", "NICHT BEHALTEN"))


def test_a_name_after_signed_for_by_is_cut_off() -> None:
    (reading,) = read(answer(event("DL", exceptionDescription="Signed for by: N.IEMAND")))

    assert "IEMAND" not in reading.scans[0].text
    assert reading.scans[0].status is Status.DELIVERED


def test_service_and_place() -> None:
    reading = sample("delivered")

    assert reading.service == "FedEx International Connect Plus"
    assert reading.scans[-1].place == "Koeln, DE"


@pytest.mark.parametrize("number", ["9611020987654312345672", "96" + "1" * 32])
def test_only_ground_barcodes_are_unmistakable(number: str) -> None:
    assert any(pattern.fullmatch(number) for pattern in Fedex.number_patterns)
    assert not any(pattern.fullmatch(NUMBER) for pattern in Fedex.number_patterns)


# -- recordings and the table of codes, where they lie beside the repository --

WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "returning_to_sender": "returning",
    "address_problem": "address",
    "exception": "other",
    "delivered/safe_place": "delivered",
    "unknown/info": "info",
    "unknown (not found)": "not found",
    "error:bad_number": "not found",
    "error:auth": "Rejected",
    "error:config": "Rejected",
    "error:retry": "Unavailable",
}
# Recording -> what we read instead, and why. An entry that is not needed fails the test.
OTHERWISE = {
    "multi-with-errors-karrio.json": (
        {"dispatched", "not found"},
        "the same in other words: one word for each of the two numbers",
    ),
    "pod-document-karrio.json": (
        {"Unreadable"},
        "an answer of another address of the API: a document, no history",
    ),
}
# Code and kind -> our meaning and why it is not the table's.
DIFFERENT = {
    ("CC", "status"): ("info", "cleared: customs no longer hold it"),
    ("CC", "webhook"): ("info", "released: customs no longer hold it"),
    ("RT", "webhook"): ("info", "a wish, and the turn is a one-way door"),
    ("AS", "webhook"): ("info", "paper work; it moves no parcel"),
    ("EA", "webhook"): ("in_transit", "listed twice: export approved is no customs hold"),
    ("TR", "webhook"): ("in_transit", "listed twice: the weaker of the two meanings"),
    ("IN", "derivedCode"): ("info", "derived codes are not read; as an event it means care"),
}


def said(body: bytes) -> set[str]:
    try:
        readings = fedex().decode_body(body, [])
    except CallError as problem:
        return {type(problem).__name__}
    states = [ends(fedex(), each) for each in readings]
    return {
        "not found" if each.not_found else str(state.status)
        for each, state in zip(readings, states, strict=True)
    }


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines())
    wanted = {
        Path(row["file"]).name: {WORDS.get(row["expected_status"], row["expected_status"])}
        for row in rows
        if row["file"].startswith("fedex/")
    }

    heard = {path.name: said(path.read_bytes()) for path in (folder / "fedex").iterdir()}

    assert heard.keys() == wanted.keys()
    assert {name: words for name, words in heard.items() if words != wanted[name]} == {
        name: words for name, (words, _) in OTHERWISE.items()
    }


def test_recordings_hold_as_many_scans_up_to_the_moment_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["file"].startswith("fedex/") and row["events"] != "0"]

    assert mine
    for row in mine:
        reading = fedex().decode_body((folder / row["file"]).read_bytes(), [])[0]
        assert len(reading.scans) == int(row["events"]), row["file"]
        assert reading.scans[-1].at == datetime.fromisoformat(row["latest_event_time"])


def meant(code: str, kind: str) -> str:
    """Return our word for a row of the table; a reason is asked for as part of its event."""
    reason = {"exceptionCode": code} if kind == "reason" else {}
    events = ["DE", "DL"] if reason else [code]
    for each in events:
        (reading,) = read(answer(event(each, **reason)))
        if meaning := reading.scans[0].meaning:
            return str(meaning.status or meaning.problem or "info")
    return "unlisted"


def test_codes_mean_what_the_table_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "fedex.csv").read_text("utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["subcode"] != "error"]
    ours = {(row["code"], row["subcode"]): meant(row["code"], row["subcode"]) for row in rows}
    theirs = {
        (row["code"], row["subcode"]): WORDS.get(row["normalized"], row["normalized"])
        for row in rows
    }

    assert {key: word for key, word in ours.items() if word != theirs[key]} == {
        key: word for key, (word, _) in DIFFERENT.items()
    }


def test_the_sandbox_numbers_are_asked_for_as_they_are(shared: Path) -> None:
    text = (shared / "data" / "fedex-mock-numbers.csv").read_text("utf-8")
    numbers = [row["tracking_number"] for row in csv.DictReader(text.splitlines())]
    numbers = list(dict.fromkeys(numbers))

    body = json.loads(fedex().request(numbers, "t").content)
    payload = entries(*((number, [{"scanEvents": [event("PU")]}]) for number in numbers))

    assert len(numbers) <= Fedex.batch
    assert [each["trackingNumberInfo"]["trackingNumber"] for each in body["trackingInfo"]] == (
        numbers
    )
    assert [each.number for each in read(payload, *numbers)] == numbers
