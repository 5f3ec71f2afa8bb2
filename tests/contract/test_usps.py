"""What only USPS does: places of a delivery, clocks, errors that mean "not yet"."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError

from tracker_sync.carriers.usps import Config, Usps
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.lifecycle import trace
from tracker_sync.model import Detail, Meaning, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "usps"
NUMBER = "9400100000000000000018"
NOT_FOUND = Reading(NUMBER, not_found=True)


def usps(**more: Any) -> Usps:
    keys = {"client_id": "an-id", "client_secret": "a-secret"}
    return Usps(Config.model_validate(keys | more))


def read(payload: Any, asked: str | None = NUMBER, **more: Any) -> Reading:
    (reading,) = usps(**more).read(payload, [asked] if asked else [])
    return reading


def event(code: str = "10", text: str = "Arrived", **more: Any) -> dict[str, Any]:
    stamp = {"eventTimestamp": "2026-03-02T13:05:00", "GMTOffset": "-06:00"}
    return {"eventCode": code, "eventType": text, **stamp, **more}


def answer(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"trackingNumber": NUMBER, "trackingEvents": list(events), **more}


def sample(name: str, **more: Any) -> Reading:
    return read(json.loads((SAMPLES / f"{name}.json").read_text("utf-8")), None, **more)


def error(code: str, *details: str) -> dict[str, Any]:
    errors = [{"title": "no", "detail": "", "code": detail} for detail in details]
    return {"apiVersion": "/tracking/v3", "error": {"code": code, "errors": errors}}


def wire(*, status: int, body: Any, **headers: str) -> Wire:
    answered = httpx.Response(status, json=body, headers=headers)
    transport = httpx.MockTransport(lambda request: answered)
    return Wire("usps", Timer(lambda: 0.0, lambda seconds: None), transport=transport)


# -- asking ------------------------------------------------------------------


def test_asks_for_the_detail_of_one_number_with_the_token() -> None:
    request = usps().request([NUMBER], "a-token")

    assert str(request.url) == f"https://apis.usps.com/tracking/v3/tracking/{NUMBER}?expand=DETAIL"
    assert request.headers["authorization"] == "Bearer a-token"


@pytest.mark.parametrize(("number", "path"), [("..", b"%2E%2E"), ("a/b?c#d", b"a%2Fb%3Fc%23d")])
def test_a_strange_number_stays_inside_the_path(number: str, path: bytes) -> None:
    raw_path = usps().request([number], "t").url.raw_path

    assert raw_path == b"/tracking/v3/tracking/" + path + b"?expand=DETAIL"


def test_the_token_is_asked_for_by_the_app() -> None:
    request = usps(base_url="http://127.0.0.1:8080").token_request()

    assert str(request.url) == "http://127.0.0.1:8080/oauth2/v3/token"
    assert parse_qs(request.content.decode()) == {
        "client_id": ["an-id"],
        "client_secret": ["a-secret"],
        "grant_type": ["client_credentials"],
    }


@pytest.mark.parametrize(("seconds", "lasts"), [(28799, 28499), ("28799", 28499), (60, 30)])
def test_a_token_is_renewed_before_it_ends(seconds: object, lasts: int) -> None:
    payload = {"access_token": "abc", "expires_in": seconds, "token_type": "Bearer"}
    token = usps().fetch_token(wire(status=200, body=payload))

    assert (token.value, token.lasts) == ("abc", timedelta(seconds=lasts))


def test_sixty_calls_an_hour_and_tokens_are_among_them() -> None:
    assert Usps.budget.per_second == pytest.approx(60 / 3600)
    assert Usps.budget.per_day == 60 * 24
    assert Usps.tokens_count


@pytest.mark.parametrize(
    ("number", "own"),
    [
        ("9400100000000000000018", True),
        ("9500100000000000000017", True),
        ("LX123456785US", True),
        ("LX123456785DE", False),
        ("9261290000000000000000", False),  # also UPS, FedEx, DHL
        ("9612000000000000000000", False),  # FedEx
        ("00340434190000000015", False),
    ],
)
def test_only_unmistakable_numbers_are_its_own(number: str, own: bool) -> None:
    assert any(pattern.fullmatch(number) for pattern in Usps.number_patterns) is own


# -- faults ------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("code", ["150001", "150002", "150003", "150009", "150010", "150013"])
def test_a_number_usps_does_not_know_is_no_fault_of_ours(status: int, code: str) -> None:
    """A 400 that reads as a bad request would stop the parcel for good on its first day."""
    assert usps().poll(wire(status=status, body=error("400", code)), [NUMBER], "t") == [NOT_FOUND]


def test_any_other_bad_request_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        usps().poll(wire(status=400, body=error("010001")), [NUMBER], "t")

    assert caught.value.status == 400


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_app_is_told_what_to_check(status: int) -> None:
    with pytest.raises(Rejected, match="client_secret and that it may use Tracking") as caught:
        usps().poll(wire(status=status, body=error(str(status))), [NUMBER], "t")

    assert caught.value.status == status


def test_the_wait_usps_asks_for_is_passed_on() -> None:
    throttled = wire(status=429, body=error("429"), **{"Retry-After": "1800"})

    with pytest.raises(Throttled) as caught:
        usps().poll(throttled, [NUMBER], "t")

    assert caught.value.retry_after == 1800


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (error("401"), Rejected),
        ({"error": "invalid_client"}, Rejected),
        (error("400", "160001"), Rejected),
        (error("429"), Throttled),
        (error("503"), Unavailable),
        (error("010001"), Unreadable),
        (error("none"), Unreadable),
        ({"trackingNumber": NUMBER}, Unreadable),
        ({"trackingNumber": NUMBER, "trackingEvents": [None]}, Unreadable),
    ],
)
def test_an_error_inside_a_fine_answer_is_an_error(body: Any, expected: type[CallError]) -> None:
    with pytest.raises(expected):
        usps().decode(httpx.Response(200, json=body), [NUMBER])


def test_a_history_counts_more_than_an_error_beside_it() -> None:
    payload = answer(event("OF")) | error("400", "150002")

    assert read(payload).scans[0].status is Status.OUT_FOR_DELIVERY


# -- which parcel ------------------------------------------------------------


@pytest.mark.parametrize("asked", [NUMBER, f"42062701{NUMBER}", NUMBER[2:], None])
def test_a_number_may_come_back_in_another_form(asked: str | None) -> None:
    reading = read(answer(event()), asked)

    assert reading.number == (asked or NUMBER)
    assert reading.scans


@pytest.mark.parametrize("asked", ["9400100000000000000025", "LX123456785US", NUMBER[-8:]])
def test_another_parcel_is_not_taken_for_ours(asked: str) -> None:
    assert read(answer(event()), asked) == Reading(asked, unanswered=True)


def test_an_answer_without_number_is_about_the_one_asked_for() -> None:
    assert read(answer(event(), trackingNumber=None)).number == NUMBER


# -- many numbers a call ----------------------------------------------------------

OTHER = "9400100000000000000025"


def newer(**more: Any) -> Usps:
    return usps(version="v3r2", **more)


def refused(status: object, number: str | None = OTHER, **more: Any) -> dict[str, Any]:
    """An item of a list that is an error, as HTTP 207 carries it."""
    named = {"trackingNumber": number} if number else {}
    return {**named, "statusCode": status, "error": {"message": "no", **more}}


def listed(*items: Any, asked: tuple[str, ...] = (NUMBER, OTHER)) -> list[Reading]:
    return newer().poll(wire(status=207, body=list(items)), asked, "t")


def test_a_newer_version_is_asked_for_a_list_by_those_who_choose_it() -> None:
    request = newer().request([NUMBER, OTHER], "a-token")

    assert (request.method, str(request.url)) == (
        "POST",
        "https://apis.usps.com/tracking/v3r2/tracking",
    )
    assert json.loads(request.content) == [{"trackingNumber": NUMBER}, {"trackingNumber": OTHER}]
    assert request.headers["authorization"] == "Bearer a-token"
    assert (newer().size, usps().size, Usps.batch) == (35, 1, 1)


def test_a_version_usps_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="v3r2"):
        usps(version="v4")


@pytest.mark.parametrize("turned", [False, True])
def test_each_number_of_a_list_gets_its_own_answer_whatever_the_order(*, turned: bool) -> None:
    items = [answer(event("OF"), statusCode="200"), refused("404")]

    mine, other = listed(*(items[::-1] if turned else items))

    assert (mine.number, mine.scans[0].status) == (NUMBER, Status.OUT_FOR_DELIVERY)
    assert other == Reading(OTHER, not_found=True)


@pytest.mark.parametrize(
    ("item", "absent"),
    [
        (refused("404"), True),
        (refused(404), True),
        (refused("", code="404"), True),
        (refused("400", errors=[{"code": "150002"}]), True),
        (refused("400"), False),
        (refused("400", errors=[{"code": "160001"}]), False),
        (refused("403"), False),
        (refused("429"), False),
        (refused("503"), False),
        (refused("odd"), False),
        (answer(event(eventTimestamp="soon"), trackingNumber=OTHER), False),
        (None, False),
    ],
)
def test_an_item_that_is_no_history_says_nothing_of_the_others(item: Any, *, absent: bool) -> None:
    mine, other = listed(answer(event()), item)

    assert mine.scans
    assert other == Reading(OTHER, not_found=absent, unanswered=not absent)


def test_a_history_counts_more_than_the_status_of_its_item() -> None:
    (mine,) = listed(answer(event(), statusCode="404"), asked=(NUMBER,))

    assert mine.scans


@pytest.mark.parametrize(
    ("items", "absent"),
    [
        ([refused("404", None), refused("404", None)], True),
        ([refused("404", None)], False),
        ([refused("404", None), refused("503", None)], False),
        ([], False),
    ],
)
def test_an_error_without_number_counts_if_all_that_are_left_say_the_same(
    items: list[Any], *, absent: bool
) -> None:
    """The order of a list is not promised."""
    found = listed(*items)

    assert found == [Reading(n, not_found=absent, unanswered=not absent) for n in (NUMBER, OTHER)]


def test_a_strangers_item_is_not_taken_for_ours() -> None:
    assert listed(answer(event(), trackingNumber="9400100000000000000032"), asked=(NUMBER,)) == [
        Reading(NUMBER, unanswered=True)
    ]


def test_a_refused_token_inside_a_list_can_be_renewed() -> None:
    with pytest.raises(Rejected) as caught:
        listed(answer(event()), refused("401"))

    assert caught.value.status == 401


def test_an_answer_about_all_of_a_list_is_told_by_its_status() -> None:
    with pytest.raises(Throttled):
        newer().poll(wire(status=429, body=error("429")), [NUMBER, OTHER], "t")


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({"expectedDeliveryDate": "2026-03-05"}, date(2026, 3, 5)),
        (
            {"expectedDeliveryDate": "2026-03-05", "predictedDeliveryDate": "2026-03-04"},
            date(2026, 3, 4),
        ),
        ({"guaranteedDeliveryDate": "2026-03-06", "endOfDay": "8:00pm"}, date(2026, 3, 6)),
        ({"predictedDeliveryWindowStartTime": "10:30am"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_forecast_of_a_list_has_names_of_its_own(
    fields: dict[str, Any] | None, day: date | None
) -> None:
    (reading,) = listed(answer(event(), deliveryDateExpectation=fields), asked=(NUMBER,))

    assert (reading.estimate and reading.estimate.day) == day


# -- when --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "offset", "moment"),
    [
        ("2026-03-02T18:31:00", "-06:00", datetime(2026, 3, 3, 0, 31, tzinfo=UTC)),
        ("2026-03-02T18:31:00Z", "-06:00", datetime(2026, 3, 3, 0, 31, tzinfo=UTC)),
        ("2026-03-02T18:31:00-05:00", "-06:00", datetime(2026, 3, 2, 23, 31, tzinfo=UTC)),
        ("2026-03-02T07:31:00", None, datetime(2026, 3, 2, 12, 31, tzinfo=UTC)),
        ("2026-07-02T07:31:00Z", "", datetime(2026, 7, 2, 11, 31, tzinfo=UTC)),
    ],
)
def test_the_local_clock_and_its_offset_count(
    stamp: str, offset: str | None, moment: datetime
) -> None:
    """GMTTimestamp is a day early in the evening; a Z is false; no offset means New York."""
    gmt: dict[str, Any] = {"GMTTimestamp": "2026-03-02T00:31:21Z", "GMTOffset": offset}
    (scan,) = read(answer(event(eventTimestamp=stamp, **gmt))).scans

    assert scan.at == moment


# -- what a scan means -------------------------------------------------------

LISTED = Meaning(Status.DELIVERED)


@pytest.mark.parametrize(
    ("code", "text", "key", "meaning"),
    [
        ("01", "Delivered", "01", LISTED),
        ("DL", "Delivered", "DL", LISTED),
        ("01", "", "01", LISTED),
        ("01", "DELIVERED,  in/at MAILBOX.", "01|in/at mailbox", ("mailbox",)),
        ("01", "Delivered, PO Box", "01|po box", ("mailbox",)),
        ("01", "Delivered, Parcel Locker", "01|parcel locker", ("locker",)),
        ("01", "Delivered, Neighbor as Requested", "01|neighbor as requested", ("neighbour",)),
        ("01", "Delivered, Left with Individual", "01|left with individual", LISTED),
        ("01", "Delivered, On the Balcony", "01|on the balcony", LISTED),
        ("DL", "Delivered, To Agent", "01|to agent", Meaning(Status.IN_TRANSIT)),
        ("01", "Delivered, To Original Sender", "01|to original sender", Meaning(Status.RETURNED)),
        ("01", "Delivered, To a Warehouse", "01|to a warehouse", None),
        ("01", "Delivered to Agent, At the Desk", "01|to agent, at the desk", None),
        ("01", "Returned to Sender", "01|returned to sender", None),
        ("01", "Undeliverable", "01|undeliverable", None),
        ("Q7", "Delivered, In/At Mailbox", "Q7", None),
        ("", "Left the Moon Base", "left the moon base", None),
        ("NP", "Processed", "NP", None),
        ("04", "Refused", "04", Meaning(Status.DELIVERY_FAILED, Problem.REFUSED)),
        ("16", "Available for Pickup", "16", Meaning(Status.READY_FOR_PICKUP)),
    ],
)
def test_the_place_decides_what_a_delivery_is(
    code: str, text: str, key: str, meaning: Meaning | tuple[str] | None
) -> None:
    (scan,) = read(answer(event(code, text))).scans
    if isinstance(meaning, tuple):
        meaning = Meaning(Status.DELIVERED, detail=Detail(*meaning))

    assert (scan.code, scan.meaning) == (key, meaning)


@pytest.mark.parametrize(
    ("category", "status"),
    [
        ("Delivered", Status.DELIVERED),
        ("", Status.DELIVERED),
        (None, Status.DELIVERED),
        ("Delivered to Agent", Status.IN_TRANSIT),
        ("Available for Pickup", Status.READY_FOR_PICKUP),
        ("Alert", None),
        ("Beamed Up", None),
    ],
)
def test_the_category_can_deny_a_delivery(category: str | None, status: Status | None) -> None:
    (scan,) = read(answer(event("01", "Delivered"), statusCategory=category)).scans

    assert scan.status is status


def test_the_category_says_nothing_about_older_scans() -> None:
    newer = event("09", "Return to Sender", eventTimestamp="2026-03-03T09:00:00")
    payload = answer(newer, event("01", "Delivered"), statusCategory="Alert")

    assert [s.status for s in read(payload).scans] == [Status.DELIVERED, Status.RETURNING]


def test_the_category_alone_is_no_delivery() -> None:
    payload = answer(event("Q7", "Left with the drone"), statusCategory="Delivered")

    assert read(payload).scans[0].meaning is None


def test_the_head_knows_that_the_sender_has_it() -> None:
    payload = answer(event("01", "Delivered"), status="Delivered, To Original Sender")

    assert read(payload).scans[0].status is Status.RETURNED


def test_a_merchants_mapping_wins_over_everything() -> None:
    codes = {"01|to agent": Status.DELIVERED, "Q7": Status.OUT_FOR_DELIVERY}
    first, second = event("01", "Delivered, To Agent"), event("Q7", "Handed to the bike")
    payload = answer(first, second, statusCategory="Delivered to Agent")

    statuses = [scan.status for scan in read(payload, codes=codes).scans]

    assert statuses == [Status.OUT_FOR_DELIVERY, Status.DELIVERED]


# -- what goes with it -------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({"expectedDeliveryTimeStamp": "2026-03-05T00:00:00"}, date(2026, 3, 5)),
        ({"guaranteedDeliveryTimeStamp": "2026-03-04T18:00:00Z"}, date(2026, 3, 4)),
        ({"expectedDeliveryTimeStamp": "soon"}, None),
        ({"expectedDeliveryTimeStamp": None}, None),
        ({}, None),
    ],
)
def test_the_forecast_is_a_day_at_the_door(fields: dict[str, Any], day: date | None) -> None:
    estimate = read(answer(event(), **fields)).estimate

    assert (estimate and estimate.day) == day


@pytest.mark.parametrize("services", ["USPS Tracking<SUP>&#174;</SUP>", ["a", "b"], None])
def test_service_and_place_are_plain_words(services: object) -> None:
    mail = "Priority Mail<SUP>&reg;</SUP>"
    town: dict[str, Any] = {"eventCity": "PARIS", "eventState": None, "eventCountry": "FRANCE"}
    reading = read(answer(event(**town), mailClass=mail, services=services))

    assert reading.service == "Priority Mail"
    assert reading.scans[0].place == "PARIS, FRANCE"


def test_nobody_who_signed_is_kept() -> None:
    assert "SYNTHETIC" in (SAMPLES / "signer.json").read_text("utf-8")
    assert "SYNTHETIC" not in repr(sample("signer"))


# -- reference data, where it lies beside the repository ------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "delivery_attempted/refused": "delivery_failed!refused",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "delivered/locker": "delivered:locker",
    "delivered/safe_place": "delivered:safe_place",
    "exception/lost": "lost",
    "exception": "!other",
    "address_problem": "!address",
    "delayed": "!delayed",
    "error:auth": "Rejected",
    "unknown (not found)": "not found",
}
# Code or recording -> what we read instead of the list, and why. One not needed fails the test.
OTHERWISE = {
    "L1": ("None", "nobody has confirmed what it means"),
    "NP": ("None", "nobody has confirmed what it means"),
    "01|in/at mailbox": ("delivered:mailbox", "we have a word of our own for the mailbox"),
    "usps/delivered-omniship.json": ("delivered:mailbox", "the same"),
    "usps/official-summary.json": ("None", "a sentence: no code, no zone; we never ask for it"),
}
# Stamp of the index -> the moment, since the index keeps the false Z of the recording.
TRUE_MOMENTS = {"2023-08-02T07:31:00Z": datetime(2023, 8, 2, 11, 31, tzinfo=UTC)}


def spelt(meaning: Meaning | None) -> str:
    if meaning is None:
        return "None"
    detail = f":{meaning.detail}" if meaning.detail else ""
    return f"{meaning.status or ''}{detail}{f'!{meaning.problem}' if meaning.problem else ''}"


def outcome(body: bytes) -> str:
    """Return where the history of a recording ends, or the error it stands for."""
    try:
        (reading,) = usps().decode_body(body, [])
    except CallError as exc:
        return type(exc).__name__
    if reading.not_found:
        return "not found"
    return spelt(reading.scans[-1].meaning if reading.scans else None)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _key(row: dict[str, str]) -> str:
    """Return the key a row of the code list stands for."""
    if row["subcode"] == "statusCategory":
        return f"category:{row['code'].lower()}"
    text = row["text"].partition(" (")[0]
    where = text.lower().removeprefix("delivered").lstrip(", ") if row["code"] == "01" else ""
    return f"01|{where}" if where else row["code"]


def test_codes_and_recordings_read_as_listed(shared: Path) -> None:
    data, carrier = shared / "data", usps()
    listed, found = {}, {}
    for row in table(data / "codes" / "usps.csv"):
        if row["subcode"] != "error":
            key = _key(row)
            listed[key] = OLDER_WORDS.get(row["normalized"], row["normalized"])
            found[key] = spelt(carrier.meaning(key))
    for row in table(data / "samples" / "INDEX.csv"):
        if row["file"].startswith("usps/"):
            listed[row["file"]] = OLDER_WORDS.get(row["expected_status"], row["expected_status"])
            found[row["file"]] = outcome((data / "samples" / row["file"]).read_bytes())

    assert {file.name for file in (data / "samples" / "usps").iterdir()} <= {
        name.removeprefix("usps/") for name in listed
    }
    assert {key: word for key, word in found.items() if word != listed[key]} == {
        key: word for key, (word, _) in OTHERWISE.items()
    }


def test_error_codes_of_the_list_mean_not_found(shared: Path) -> None:
    rows = table(shared / "data" / "codes" / "usps.csv")
    codes = [row["code"] for row in rows if row["subcode"] == "error"]

    assert codes
    for code in codes:
        assert read(error("400", code)) == NOT_FOUND


def test_recordings_hold_the_scans_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = [row for row in table(folder / "INDEX.csv") if row["file"].startswith("usps/")]
    dated = [row for row in rows if row["latest_event_time"]]
    needed = {row["latest_event_time"] for row in dated} & TRUE_MOMENTS.keys()

    assert needed == TRUE_MOMENTS.keys()
    for row in dated:
        (reading,) = usps().decode_body((folder / row["file"]).read_bytes(), [])
        stamp = row["latest_event_time"]
        moment = TRUE_MOMENTS.get(stamp) or datetime.fromisoformat(stamp.replace(" ", ""))
        assert len(reading.scans) == int(row["events"]), row["file"]
        assert reading.scans[-1].at == moment, row["file"]
        assert trace(reading.scans, first_scan_rule=False, zone=ZoneInfo(Usps.zone)).state.status
