"""What only PostNL does: two lists of one history, leftovers of XML, a feed. Histories are samples.

Where a test says that nothing is stored twice, it compares what the database calls one scan: its
moment and its code.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from contract.samples import ends
from tracker_sync.carriers.errands import Changes, Window
from tracker_sync.carriers.postnl import Postnl, PostnlConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unreadable
from tracker_sync.model import Detail, Estimate, Meaning, Pickup, Problem, Reading, Status

NUMBER, OTHER = "3STSYN0000001", "3STSYN0000002"
AT = "03-03-2026 12:54:08"
THEN = datetime(2026, 3, 3, 11, 54, 8, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def postnl(**more: Any) -> Postnl:
    return Postnl(PostnlConfig.model_validate({"api_key": "a-key"} | more))


def status(code: str, at: Any = AT) -> dict[str, Any]:
    return {"TimeStamp": at, "StatusCode": code, "StatusDescription": "words"}


def event(code: str, at: Any = AT) -> dict[str, Any]:
    return {"TimeStamp": at, "Code": code, "Description": "other words"}


def answer(now: Any, events: Any = None, old: Any = None, **more: Any) -> dict[str, Any]:
    parcel = {"MainBarcode": NUMBER, "Barcode": NUMBER, "Status": now}
    parcel |= {"Event": events or {}, "OldStatus": old or {}, **more}
    return {"CompleteStatus": {"Shipment": parcel}}


def read(payload: Any, *asked: str, **more: Any) -> Reading:
    (reading,) = postnl(**more).read(payload, asked or (NUMBER,))
    return reading


def codes(reading: Reading) -> list[str]:
    return [scan.code for scan in reading.scans]


def ended(reading: Reading) -> tuple[Status | None, set[Problem]]:
    state = ends(postnl(), reading)
    return state.status, set(state.problems)


def change(number: str, code: str, at: Any = "2026-03-03T12:54:08") -> dict[str, Any]:
    told = {"Timestamp": at, "StatusCode": code, "StatusDescription": "woorden"}
    return {"Barcode": number, "CreationDate": "2026-03-01T00:00:00", "Status": told}


def window(until: datetime = THEN, long: timedelta = 15 * MINUTE) -> Window:
    return Window(until - long, until)


def feed(payload: Any, **more: Any) -> Changes:
    return postnl(customer_number="10000001", **more).read_feed(payload, window())


# -- asking ------------------------------------------------------------------------


def test_asks_about_one_number_in_english_with_the_key_in_a_header() -> None:
    request = postnl().request([NUMBER], None)

    assert str(request.url) == (
        f"https://api.postnl.nl/shipment/v2/status/barcode/{NUMBER}?detail=true&language=EN"
    )
    assert request.headers["apikey"] == "a-key"


@pytest.mark.parametrize(
    ("number", "theirs"),
    [("RB123456785NL", True), ("RB123456785DE", False), ("3SABCD987040009", False)],
)
def test_only_post_numbers_of_the_netherlands_are_unmistakable(number: str, theirs: bool) -> None:
    (pattern,) = Postnl.number_patterns

    assert bool(pattern.fullmatch(number)) is theirs


def test_a_customer_number_has_digits_only() -> None:
    with pytest.raises(ValidationError, match="customer_number"):
        postnl(customer_number="DEVC")


# -- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("http", "body", "error"),
    [
        (429, '{"message": "Too many requests. Rate limit exceeded!"}', Throttled),
        (400, '{"Errors": [{"Code": "9", "Message": "Max of 5 requests/second"}]}', Throttled),
        (400, '{"fault": {"faultstring": "Invalid barcode"}}', Rejected),
        (401, '{"fault": {"faultstring": "Invalid ApiKey"}}', Rejected),
    ],
)
def test_too_fast_is_told_from_a_bad_number_and_a_bad_key(
    http: int, body: str, error: type[CallError]
) -> None:
    with pytest.raises(error) as caught:
        postnl().decode(httpx.Response(http, text=body), [NUMBER])

    assert not isinstance(caught.value, Rejected) or caught.value.status == http


@pytest.mark.parametrize("name", ["CompleteStatus", "CurrentStatus"])
@pytest.mark.parametrize(
    "warnings", [[{"Code": "2"}], {"Code": "2"}, {"Warning": {"Code": "2"}}, [{"Code": 2}]]
)
def test_no_shipment_found_is_not_found_in_every_shape(name: str, warnings: Any) -> None:
    assert read({name: {}, "Warnings": warnings}) == Reading(NUMBER, not_found=True)


@pytest.mark.parametrize("more", [{}, {"Warnings": [{"Code": "7", "Message": "busy"}]}])
def test_nothing_without_that_warning_is_no_answer(more: dict[str, Any]) -> None:
    assert read({"CompleteStatus": {}} | more) == Reading(NUMBER, unanswered=True)


def test_a_signature_is_no_history() -> None:
    with pytest.raises(Unreadable):
        postnl().decode_body(b'{"Signature": {"Barcode": "3STSYN0000001"}}', [NUMBER])


# -- whose answer ----------------------------------------------------------------------


def test_the_only_parcel_is_the_one_that_was_asked_whatever_it_is_called() -> None:
    payload = answer(status("5"), Barcode="33TSYN0000001", MainBarcode="33TSYN0000001")

    assert read(payload).number == NUMBER
    assert codes(read(payload)) == ["5"]


def test_another_barcode_of_the_same_form_is_somebody_elses_parcel() -> None:
    payload = answer(status("5"), Barcode=OTHER, MainBarcode=OTHER)

    assert read(payload) == Reading(NUMBER, not_found=True)


def test_a_parcel_answers_to_the_first_barcode_of_its_order() -> None:
    assert codes(read(answer(status("5"), Barcode=OTHER, MainBarcode=NUMBER))) == ["5"]


def several(*barcodes: str) -> dict[str, Any]:
    parcels = [{"Barcode": name, "MainBarcode": NUMBER} for name in barcodes]
    states = [status("1"), status("2"), status("5")]
    listed = [one | {"Status": now} for one, now in zip(parcels, states, strict=False)]
    return {"CompleteStatus": {"Shipment": listed}}


def test_of_an_order_of_several_the_asked_parcel_counts() -> None:
    assert codes(read(several(OTHER, NUMBER))) == ["2"]


def test_an_order_of_several_without_the_asked_parcel_is_ambiguous() -> None:
    reading = read(several(OTHER, "3STSYN0000003"))

    assert reading == Reading(NUMBER, ambiguous=True)


def test_a_number_that_was_used_again_is_the_newer_parcel() -> None:
    payload = several(NUMBER, NUMBER)
    payload["CompleteStatus"]["Shipment"][0]["Status"] = status("11", "03-03-2024 12:00:00")

    assert codes(read(payload)) == ["2"]
    assert [codes(one) for one in postnl().read(payload, [])] == [["2"]]


# -- leftovers of XML --------------------------------------------------------------------


def test_one_thing_alone_reads_like_a_list_of_one() -> None:
    alone = answer(status("8"), event("H01"), status("1", "02-03-2026 10:00:00"))
    listed = answer(status("8"), [event("H01")], [status("1", "02-03-2026 10:00:00")])
    listed["CompleteStatus"]["Shipment"] = [listed["CompleteStatus"]["Shipment"]]

    assert read(alone) == read(listed)
    assert codes(read(alone)) == ["1", "8/H01"]


@pytest.mark.parametrize("nothing", [{}, [], None, [{}]])
def test_nothing_is_written_in_many_ways(nothing: Any) -> None:
    payload = answer(status("5"), Event=nothing, OldStatus=nothing, Expectation=nothing)
    payload["CompleteStatus"]["Shipment"]["ProductDescription"] = nothing

    reading = read(payload)

    assert codes(reading) == ["5"]
    assert (reading.service, reading.estimate, reading.pickup) == ("", None, None)


def test_what_has_no_stamp_is_left_out() -> None:
    reading = read(answer(status("5", {}), event("J01", {}), [status("2"), status("1", None)]))

    assert codes(reading) == ["2"]


# -- time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", [AT, AT + ".326", AT + ".9"])
def test_a_stamp_is_day_before_month_in_amsterdam_with_or_without_thousandths(stamp: str) -> None:
    (scan,) = read(answer(status("5", stamp))).scans

    assert scan.at == THEN


@pytest.mark.parametrize("stamp", ["2026-03-03T12:54:08", "03/13/2026 12:54:08", "soon"])
def test_a_stamp_of_another_form_is_not_guessed(stamp: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        read(answer(status("5", stamp)))


def test_the_order_of_the_lists_is_not_that_of_time() -> None:
    late, early = "26-03-2026 01:15:00", "25-03-2026 09:30:00"

    reading = read(answer(status("2", late), [event("J01", early), event("B01", late)]))

    assert codes(reading) == ["5/J01", "2"]
    assert [scan.at.day for scan in reading.scans] == [25, 26]


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        ("25-10-2026 01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("25-10-2026 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("25-10-2026 03:00:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("29-03-2026 01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("29-03-2026 03:00:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
    ],
)
def test_both_lists_read_the_hour_that_comes_twice_as_its_first_round(
    local: str, moment: datetime
) -> None:
    day, clock = local.split()
    iso = f"{'-'.join(reversed(day.split('-')))}T{clock}"

    (looked_up,) = read(answer(status("2", local))).scans
    (told,) = feed([change(NUMBER, "2", iso)]).readings[0].scans

    assert looked_up.at == told.at == moment


# -- statuses and events ---------------------------------------------------------------------


def test_99_says_nothing_wherever_it_stands() -> None:
    old = [status("99", AT + ".5"), status("5"), status("99"), status("1", "02-03-2026 10:00:00")]

    assert codes(read(answer(status("5"), None, old))) == ["1", "5"]
    assert codes(read(answer(status("99"), None, status("5", "02-03-2026 10:00:00")))) == ["5"]


def test_an_event_of_99_speaks_itself() -> None:
    reading = read(answer(status("7", "03-03-2026 09:00:00"), event("H18"), status("99")))

    assert codes(reading) == ["7", "99/H18"]
    assert ended(reading)[0] is Status.RETURNING


def test_the_current_status_is_one_of_the_old_ones_and_one_scan() -> None:
    assert codes(read(answer(status("7"), event("J05"), [status("7"), status("7")]))) == ["7"]


@pytest.mark.parametrize(
    ("code", "wanted"), [("11", Status.DELIVERED), ("2", Status.DISPATCHED), ("5", "in_transit")]
)
def test_01b_means_what_its_status_means(code: str, wanted: str) -> None:
    reading = read(answer(status(code), event("01B")))

    assert ended(reading)[0] == wanted
    assert all(scan.meaning is not None for scan in reading.scans)


@pytest.mark.parametrize(
    ("code", "by", "wanted"),
    [
        ("11", "I01", (Status.DELIVERED, None)),
        ("11", "I06", (Status.IN_TRANSIT, None)),
        ("11", "I07", (Status.RETURNING, None)),
        ("11", "J23", (Status.READY_FOR_PICKUP, None)),
        ("11", "Y26", (Status.READY_FOR_PICKUP, None)),
        ("11", "J63", (Status.RETURNED, None)),
        ("11", "X24", (Status.RETURNED, None)),
        ("11", "K91", (None, None)),
        ("8", "Y02", (Status.DELIVERY_FAILED, None)),
        ("8", "H01", (Status.RETURNING, Problem.REFUSED)),
        ("8", "Y01", (Status.DELIVERY_FAILED, Problem.ADDRESS)),
        ("8", "Y08", (None, Problem.DELAYED)),
        ("7", "X19", (Status.IN_TRANSIT, None)),
        ("7", "K14", (Status.DELIVERY_FAILED, None)),
        ("5", "J33", (Status.IN_TRANSIT, Problem.ADDRESS)),
    ],
)
def test_an_event_listed_with_its_status_refines_it(
    code: str, by: str, wanted: tuple[Status | None, Problem | None]
) -> None:
    (scan,) = read(answer(status(code), event(by))).scans

    assert (scan.status, scan.problem) == wanted
    assert scan.text == ("words" if scan.code == code else "other words")


def test_11_with_the_return_delivered_after_the_turn_is_no_delivery() -> None:
    old = [status("8", "02-03-2026 10:00:00")]
    events = [event("I01"), event("H01", "02-03-2026 10:00:00")]

    assert ended(read(answer(status("11"), events, old)))[0] is Status.RETURNED


@pytest.mark.parametrize("by", ["N77", "H01"])
def test_an_event_nobody_listed_with_this_status_is_kept_and_changes_nothing(by: str) -> None:
    reading = read(answer(status("5"), event(by)))

    assert codes(reading) == ["5", by]
    assert reading.scans[1].meaning is None
    assert ended(reading) == (Status.IN_TRANSIT, set())


@pytest.mark.parametrize("key", ["N77", "5/N77"])
def test_the_merchant_may_say_what_such_an_event_means(key: str) -> None:
    reading = read(answer(status("5"), event("N77")), codes={key: "delivery_failed"})

    assert reading.scans[-1].status is Status.DELIVERY_FAILED


def test_an_event_without_a_status_speaks_itself_unless_it_is_a_delivery() -> None:
    lone = [event("J63"), event("J08"), event("I01"), event("N77")]

    reading = read(answer(status("1", "02-03-2026 10:00:00"), lone))

    assert set(codes(reading)) == {"1", "11/J63", "7/J08", "N77"}


def test_a_problem_is_open_after_the_status_it_comes_with() -> None:
    old = [status("2", "02-03-2026 10:00:00"), status("99")]

    assert ended(read(answer(status("5"), event("K25"), old))) == (
        Status.IN_TRANSIT,
        {Problem.DELAYED},
    )


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("27", Meaning(status=Status.RETURNING)),
        ("28", Meaning(problem=Problem.ADDRESS)),
        ("31", Meaning(status=Status.IN_TRANSIT)),
        ("13", Meaning(status=Status.ANNOUNCED)),
        ("22", Meaning(status=Status.DELIVERED, detail=Detail.COLLECTED)),
        ("46", None),
    ],
)
def test_statuses_without_an_event(code: str, wanted: Meaning | None) -> None:
    (scan,) = read(answer(status(code))).scans

    assert scan.meaning == wanted


# -- what goes with it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "by", "wanted"),
    [
        ("12", "J02", Pickup("shop")),
        ("12", "J23", Pickup("locker")),
        ("12", "J52", Pickup("branch")),
        ("11", "J23", Pickup("locker")),
        ("12", "X05", None),
        ("11", "I09", None),
    ],
)
def test_the_event_tells_in_what_kind_of_place_a_parcel_waits(
    code: str, by: str, wanted: Pickup | None
) -> None:
    assert read(answer(status(code), event(by))).pickup == wanted


def test_a_parcel_that_was_collected_waits_nowhere() -> None:
    old = [status("12", "02-03-2026 10:00:00")]

    assert read(answer(status("22"), event("J02", "02-03-2026 10:00:00"), old)).pickup is None


@pytest.mark.parametrize(
    ("expectation", "wanted"),
    [
        (
            {"ETAFrom": "2026-03-03T00:30:00", "ETATo": "2026-03-03T14:00:00"},
            Estimate(
                date(2026, 3, 3),
                datetime(2026, 3, 2, 23, 30, tzinfo=UTC),
                datetime(2026, 3, 3, 13, 0, tzinfo=UTC),
            ),
        ),
        ({"ETAFrom": "03-03-2026 00:30:00", "ETATo": {}}, None),
        ({"ETAFrom": {}, "ETATo": {}}, None),
    ],
)
def test_a_forecast_is_a_window_in_amsterdam(expectation: Any, wanted: Estimate | None) -> None:
    payload = answer(status("5"), Expectation=expectation, DeliveryDate="2026-03-05")

    assert read(payload).estimate == wanted


def test_nothing_of_the_address_is_kept() -> None:
    payload = answer(status("5"), Address=[{"LastName": "Recipient", "Zipcode": "1234AB"}])

    assert "Recipient" not in repr(read(payload))
    assert "1234AB" not in repr(read(payload))


# -- the feed ------------------------------------------------------------------------------


def test_there_is_a_feed_only_where_the_customer_is_known() -> None:
    known = postnl(customer_number="10000001").feed

    assert postnl().feed is None
    assert known is not None
    assert known.every == 10 * MINUTE
    assert known.window <= 2 * HOUR
    assert known.reach + known.overlap <= 48 * HOUR


def test_a_window_is_asked_for_by_the_clocks_of_amsterdam() -> None:
    carrier = postnl(customer_number="10000001")

    request = carrier.feed_request(window(), None)

    assert request.url.path == "/shipment/v2/status/10000001/updatedshipments"
    assert request.url.params.get_list("period") == ["2026-03-03T12:39:08", "2026-03-03T12:54:08"]
    assert request.headers["apikey"] == "a-key"


@pytest.mark.parametrize(
    ("until", "wanted"),
    [
        ("2026-10-25T00:55:00", ["2026-10-25T01:55:00", "2026-10-25T02:55:00"]),
        ("2026-10-25T01:05:00", ["2026-10-25T01:05:00", "2026-10-25T03:05:00"]),
        ("2026-10-25T02:05:00", ["2026-10-25T02:05:00", "2026-10-25T03:05:00"]),
        ("2026-03-29T01:05:00", ["2026-03-29T01:05:00", "2026-03-29T03:05:00"]),
    ],
)
def test_a_window_in_which_clocks_change_misses_nothing_and_is_never_too_long(
    until: str, wanted: list[str]
) -> None:
    end = datetime.fromisoformat(until).replace(tzinfo=UTC)
    carrier = postnl(customer_number="10000001")

    period = carrier.feed_request(window(end, HOUR), None).url.params.get_list("period")

    assert period == wanted
    begins, ends_ = map(datetime.fromisoformat, period)
    assert timedelta(0) < ends_ - begins <= 2 * HOUR


PLAIN = {"2", "3", "14", "18", "22", "23", "27", "31"}


def test_a_status_no_event_can_change_is_a_reading_and_every_other_one_a_look_up() -> None:
    listed = {code for code in Postnl.codes if code.isdecimal()} | {"46", ""}
    numbers = {f"3STSYN{int(code or 0):07d}": code for code in listed}

    told = feed([change(number, code) for number, code in numbers.items()])

    assert {numbers[reading.number or ""] for reading in told.readings} == PLAIN
    assert {numbers[number] for number in told.moved} == listed - PLAIN


def listed_events(code: str) -> list[str]:
    return [key.partition("/")[2] for key in Postnl.codes if key.startswith(f"{code}/")]


@pytest.mark.parametrize("code", sorted(PLAIN))
def test_a_plain_change_is_the_very_scan_that_a_look_up_gives(code: str) -> None:
    (told,) = feed([change(NUMBER, code)]).readings

    for by in ["", *listed_events(code)]:
        looked_up = read(answer(status(code), by and event(by), [status(code), status("99")]))
        assert [(s.at, s.code, s.meaning) for s in looked_up.scans] == [
            (s.at, s.code, s.meaning) for s in told.scans
        ]


def test_a_merchants_meaning_for_an_event_makes_its_status_worth_a_look_up() -> None:
    told = feed([change(NUMBER, "2")], codes={"2/N77": "delayed"})

    assert told == Changes(moved=(NUMBER,))


def test_all_plain_changes_of_a_parcel_are_one_reading() -> None:
    changes = [change(NUMBER, "3", "2026-03-03T12:00:00"), change(NUMBER, "2")]

    (reading,) = feed(changes).readings

    assert codes(reading) == ["3", "2"]


def test_a_parcel_that_needs_a_look_up_is_not_read_besides() -> None:
    told = feed([change(NUMBER, "2"), change(OTHER, "2"), change(NUMBER, "5")])

    assert told.moved == (NUMBER,)
    assert [reading.number for reading in told.readings] == [OTHER]


@pytest.mark.parametrize("nothing", [[], {}, None, [{}], {"Warnings": [{"Code": "2"}]}])
def test_a_window_in_which_nothing_happened(nothing: Any) -> None:
    assert feed(nothing) == Changes()


def test_one_change_alone_reads_like_a_list_of_one() -> None:
    assert feed(change(NUMBER, "2")) == feed([change(NUMBER, "2")])
    assert feed(change(NUMBER, "2")).readings


@pytest.mark.parametrize("broken", [{"Status": {}}, {"Status": None}, {"Status": "x"}])
def test_one_broken_change_is_looked_up_and_costs_no_other(broken: Any) -> None:
    bad = change(OTHER, "2") | broken

    told = feed([bad, change(NUMBER, "2"), {"Status": {}}, change(OTHER, "2", "soon")])

    assert told.moved == (OTHER,)
    assert [reading.number for reading in told.readings] == [NUMBER]


@pytest.mark.parametrize("body", ['{"fault": {"faultstring": "x"}}', "7", '"ok"', "<html/>", "[7]"])
def test_what_is_no_list_of_changes_is_not_taken_for_an_empty_one(body: str) -> None:
    carrier = postnl(customer_number="10000001")

    with pytest.raises(Unreadable):
        carrier.answer(
            httpx.Response(200, text=body), lambda payload: carrier.read_feed(payload, window())
        )


# -- recordings and the list of codes --------------------------------------------------------

OLDER_WORDS = {
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
# Key -> what we read instead, and why. Every entry must be needed.
OTHERWISE = {
    "01A": ("info", "an old event: its status says that the parcel is announced"),
    "8/K16": ("delivery_failed", "the Dutch text says that another attempt follows"),
    "8/Y04": ("delivery_failed damaged", "a problem of its own name"),
    "8/Y11": ("delivery_failed damaged", "a problem of its own name"),
    "8/Y14": ("delivery_failed damaged", "a problem of its own name"),
    "9/X61": ("info", "what customs let go is not held there"),
    "9/X65": ("info", "what customs let go is not held there"),
    "9/X66": ("customs", "the declaration was stopped, not the parcel"),
    "99/Y48": ("other", "the address that is missing is the sender's"),
    "13/A21": ("info", "what is paid is not held"),
}


def key_of(row: dict[str, str]) -> str:
    option = re.search(r"status option (\d+)", row["source"])
    return f"{option[1]}/{row['code']}" if option else row["code"]


def test_every_code_of_the_list_means_what_the_list_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "postnl.csv").read_text("utf-8")
    rows = {key_of(row): row["normalized"] for row in csv.DictReader(text.splitlines())}
    different: dict[str, str] = {}

    for key, normalized in rows.items():
        meaning = Postnl.codes[key]
        said = [str(word) for word in (meaning.status, meaning.problem) if word] or ["info"]
        if OLDER_WORDS.get(normalized, normalized) not in said:
            different[key] = " ".join(said)

    assert different == {key: words for key, (words, _) in OTHERWISE.items()}
    assert set(rows) == set(Postnl.codes)


def test_a_look_up_reads_every_listed_event_as_its_row_says() -> None:
    for key, meaning in Postnl.codes.items():
        code, _, by = key.partition("/")
        if by and code != "99":
            (scan,) = read(answer(status(code), event(by))).scans
            assert scan.meaning == meaning, key


# Recording -> what we read instead, and why. Every entry must be needed.
RECORDED = {
    "signature": ("Unreadable", "proves a delivery and is no history"),
    "spec-signature": ("Unreadable", "proves a delivery and is no history"),
}


def recorded(body: bytes) -> set[str]:
    try:
        readings = postnl().decode_body(body, [])
    except Unreadable:
        return {"Unreadable"}
    if all(reading.not_found for reading in readings):
        return {"(error/not found)"}
    return {str(ended(reading)[0]) for reading in readings}


def first_word(expected: str) -> str:
    word = expected.split(" (both")[0]
    return OLDER_WORDS.get(word, word)


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = {r["file"]: r for r in rows if r["file"].startswith("postnl/")}
    needed = set()

    assert set(mine) == {f"postnl/{file.name}" for file in (folder / "postnl").iterdir()}
    for name, row in mine.items():
        if "updated-shipments" in name:
            continue
        told = recorded((folder / name).read_bytes())
        if told != {first_word(row["expected_status"])}:
            key = Path(name).stem.removeprefix("firstred-")
            assert told == {RECORDED[key][0]}, name
            needed.add(key)

    assert needed == set(RECORDED)


def test_recordings_have_a_scan_at_the_time_of_their_newest_event(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [
        r for r in rows if r["file"].startswith("postnl/") and "T" not in r["latest_event_time"]
    ]

    for row in filter(lambda row: row["latest_event_time"], mine):
        stamp = datetime.strptime(row["latest_event_time"], "%d-%m-%Y %H:%M:%S")  # noqa: DTZ007
        reading = postnl().decode_body((folder / row["file"]).read_bytes(), [])[0]
        assert postnl().local(stamp) in {scan.at for scan in reading.scans}, row["file"]
        assert not any(scan.meaning is None for scan in reading.scans), row["file"]


def test_the_recorded_feeds_are_read(shared: Path) -> None:
    folder = shared / "data" / "samples" / "postnl"
    carrier = postnl(customer_number="10000001")

    def told(name: str) -> Changes:
        response = httpx.Response(200, content=(folder / name).read_bytes())
        return carrier.answer(response, lambda payload: carrier.read_feed(payload, window()))

    assert told("spec-updated-shipments-no-updates.json") == Changes()
    full = told("spec-updated-shipments.json")
    assert (len(full.moved), full.readings) == (4, ())  # sorted, announced: events tell more
