"""What only Canada Post does: made-up stamps, zones by row, deliveries taken back, two parcels."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest

from contract.samples import CARRIERS, ends, make
from tracker_sync.carriers.canadapost import Canadapost, CanadapostConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Meaning, Pickup, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "canadapost"
NUMBER = "7000000000000016"
OTHER = "7000000000000023"
NOT_FOUND = Reading(NUMBER, not_found=True)
SPACE = ' xmlns="http://www.canadapost.ca/ws/track"'


def canadapost(**more: Any) -> Canadapost:
    keys = {"username": "a-user", "password": "a-password"}
    return Canadapost(CanadapostConfig.model_validate(keys | more))


def element(**fields: str) -> str:
    named = ((name.replace("_", "-"), escape(text)) for name, text in fields.items())
    return "".join(f"<{name}>{text}</{name}>" for name, text in named)


def event(code: str, at: str = "2026-03-04 09:00:00", text: str = "", **more: str) -> str:
    day, _, clock = at.partition(" ")
    told = {"event_identifier": code, "event_date": day, "event_time": clock}
    zone = {"event_time_zone": "EST", "event_description": text}
    return f"<occurrence>{element(**(told | zone | more))}</occurrence>"


def answer(*events: str, **head: str) -> bytes:
    """A history, newest event first."""
    listed = f"<significant-events>{''.join(events)}</significant-events>"
    text = f"<tracking-detail{SPACE}>{element(**({'pin': NUMBER} | head))}{listed}"
    return f"{text}</tracking-detail>".encode()


def messages(*codes: str, text: str = "No", space: str = SPACE) -> bytes:
    listed = "".join(f"<message>{element(code=c, description=text)}</message>" for c in codes)
    return f"<messages{space}>{listed}</messages>".encode()


def read(body: bytes, asked: str | None = NUMBER, **more: Any) -> Reading:
    (reading,) = canadapost(**more).decode_body(body, [asked] if asked else [])
    return reading


def sample(name: str) -> Reading:
    return read((SAMPLES / f"{name}.xml").read_bytes(), None)


def status(*events: str) -> Status | None:
    state = ends(canadapost(), read(answer(*events)))
    return state.status


def poll(code: int, body: bytes = b"", *, wait: str = "") -> list[Reading]:
    answered = httpx.Response(code, content=body, headers={"Retry-After": wait})
    transport = httpx.MockTransport(lambda request: answered)
    wire = Wire("canadapost", Timer(lambda: 0.0, lambda seconds: None), transport=transport)
    return canadapost().poll(wire, [NUMBER])


# -- asking ------------------------------------------------------------------


def test_asks_for_the_whole_history_of_one_number_in_english() -> None:
    request = canadapost().request([NUMBER], None)

    assert str(request.url) == f"https://soa-gw.canadapost.ca/vis/track/pin/{NUMBER}/detail"
    assert request.headers["authorization"] == "Basic YS11c2VyOmEtcGFzc3dvcmQ="
    assert request.headers["accept"] == "application/vnd.cpc.track-v2+xml"
    assert request.headers["accept-language"] == "en-CA"
    assert Canadapost.batch == 1


@pytest.mark.parametrize(
    ("number", "own"),
    [
        ("LM123456785CA", True),
        ("RN123456785CA", True),
        ("LM123456785US", False),
        ("LM12345678CA", False),
        (NUMBER, False),  # sixteen digits are everybody's
    ],
)
def test_only_unmistakable_numbers_are_its_own(number: str, own: bool) -> None:
    assert any(pattern.fullmatch(number) for pattern in Canadapost.number_patterns) is own


def test_shops_may_spell_the_brand_in_both_languages() -> None:
    assert {"canada post", "canada_post", "postes canada"} <= {*Canadapost.aliases}


# -- errors --------------------------------------------------------------------


@pytest.mark.parametrize("code", [200, 400, 404])
@pytest.mark.parametrize("space", ["", SPACE, ' xmlns="http://www.canadapost.ca/ws/messages"'])
def test_a_number_without_history_is_not_found_however_it_is_told(code: int, space: str) -> None:
    """A 400 that reads as a bad request would stop the parcel for good on its first day."""
    assert poll(code, messages("004", space=space)) == [NOT_FOUND]
    wrapped = b"<wrapper>" + messages("004", space=space) + b"</wrapper>"
    assert poll(code, wrapped) == [NOT_FOUND]


@pytest.mark.parametrize("code", [200, 400, 401, 403, 404, 500])
def test_refused_keys_are_refused_keys_however_they_are_told(code: int) -> None:
    with pytest.raises(Rejected, match="check username and password") as caught:
        poll(code, messages("E002"))

    assert caught.value.status == 401


@pytest.mark.parametrize("code", [200, 400, 500, 503])
def test_the_gateways_own_words_for_too_fast_are_obeyed(code: int) -> None:
    with pytest.raises(Throttled):
        poll(code, messages("Server", text="Rejected by SLM Monitor"))


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (400, messages("9111"), Rejected),
        (400, b"<html/>", Rejected),
        (500, messages("Server"), Unavailable),
        (500, messages("004"), Unavailable),
        (429, b"", Throttled),
        (200, messages("9111"), Unreadable),
        (200, messages(), Unreadable),
        (200, b"<wrapper/>", Unreadable),
        (200, b"<tracking-detail/>", Unreadable),
        (200, answer(event("100", "04.03.2026 09:00:00")), Unreadable),
    ],
)
def test_any_other_error_says_nothing_about_the_number(
    code: int, body: bytes, error: type[CallError]
) -> None:
    with pytest.raises(error):
        poll(code, body)


def test_the_wait_that_is_asked_for_is_passed_on() -> None:
    with pytest.raises(Throttled) as caught:
        poll(429, wait="60")

    assert caught.value.retry_after == 60


def test_a_history_counts_more_than_a_message_beside_it() -> None:
    body = b"<wrapper>" + answer(event("174")) + messages("004") + b"</wrapper>"

    assert read(body).scans[0].status is Status.OUT_FOR_DELIVERY


def test_a_history_without_events_says_nothing() -> None:
    assert read(answer()) == Reading(NUMBER)


# -- which parcel ----------------------------------------------------------------


@pytest.mark.parametrize("asked", [NUMBER, "7000 0000-0000 0016", "LM123456785CA", None])
def test_a_number_may_come_back_in_another_form(asked: str | None) -> None:
    reading = read(answer(event("100")), asked)

    assert reading.number == (asked or NUMBER)
    assert reading.scans


@pytest.mark.parametrize("name", ["return_pin", "original_pin"])
@pytest.mark.parametrize("asked", [OTHER, "LM123456785CA"])
def test_the_parcel_and_its_return_are_two(name: str, asked: str) -> None:
    """A delivered outbound parcel must not count as its own return that has arrived."""
    delivered = answer(event("1496"), **{name: asked})

    assert read(delivered, asked) == Reading(asked, unanswered=True)
    assert ends(canadapost(), read(delivered)).status is Status.DELIVERED


def test_another_pin_is_another_parcel() -> None:
    assert read(answer(event("1496")), OTHER) == Reading(OTHER, unanswered=True)


def test_an_answer_without_number_is_about_the_one_asked_for() -> None:
    assert read(answer(event("100"), pin="")).number == NUMBER


def test_of_two_parcels_with_one_number_the_newer_counts() -> None:
    old, new = answer(event("1496", "2020-01-02 09:00:00")), answer(event("174"))

    for body in (old + new, new + old):
        reading = read(b"<wrapper>" + body + b"</wrapper>")
        assert [scan.code for scan in reading.scans] == ["174"]


# -- when --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("NST", (12, 30)),
        ("NDT", (11, 30)),
        ("AST", (13, 0)),
        ("ADT", (12, 0)),
        ("EST", (14, 0)),
        ("edt", (13, 0)),
        ("CST", (15, 0)),
        ("CDT", (14, 0)),
        ("MST", (16, 0)),
        ("MDT", (15, 0)),
        ("PST", (17, 0)),
        ("PDT", (16, 0)),
        ("UTC", (9, 0)),
        ("GMT", (9, 0)),
        ("", (14, 0)),
        ("XYZ", (14, 0)),
    ],
)
def test_the_zone_of_the_row_counts_and_toronto_is_the_last_resort(
    zone: str, hour: tuple[int, int]
) -> None:
    (scan,) = read(answer(event("100", event_time_zone=zone))).scans

    assert scan.at == datetime(2026, 3, 4, *hour, tzinfo=UTC)


def test_an_abbreviation_is_believed_against_the_calendar() -> None:
    (scan,) = read(answer(event("100", "2026-07-04 09:00:00", event_time_zone="EST"))).scans

    assert scan.at == datetime(2026, 7, 4, 14, tzinfo=UTC)


def _hours(*rows: tuple[str, str]) -> list[tuple[int, int]]:
    """Return the UTC clocks of events on the night the clocks go back, oldest first."""
    events = [event("400", f"2026-11-01 {at}", event_time_zone=zone) for at, zone in rows]
    return [(scan.at.hour, scan.at.minute) for scan in read(answer(*events[::-1])).scans]


def test_the_hour_that_comes_twice_is_told_apart_by_its_zone() -> None:
    assert _hours(("01:30:00", "EDT"), ("01:10:00", "EST")) == [(5, 30), (6, 10)]


def test_the_hour_that_comes_twice_is_told_apart_by_the_list_where_no_zone_stands() -> None:
    assert _hours(("01:30:00", ""), ("01:40:00", "")) == [(5, 30), (5, 40)]
    assert _hours(("01:30:00", ""), ("01:10:00", "")) == [(5, 30), (6, 10)]
    assert _hours(("01:50:00", "EDT"), ("01:10:00", ""), ("02:00:00", "")) == [
        (5, 50),
        (6, 10),
        (7, 0),
    ]


def test_an_event_without_a_day_is_left_out() -> None:
    assert [s.code for s in read(answer(event("174", ""), event("100"))).scans] == ["100"]


def test_an_event_without_a_time_of_day_is_at_the_made_up_one() -> None:
    (scan,) = read(answer(event("1496", "2026-03-04"))).scans

    assert scan.at == datetime(2026, 3, 4, 16, 59, 59, tzinfo=UTC)


# -- made-up stamps ----------------------------------------------------------------

NOON = "2026-03-04 11:59:59"
MORNING = "2026-03-04 11:30:00"
AFTERNOON = "2026-03-04 13:05:00"
PROCESSED = event("100", "2026-03-02 20:00:00")


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [
        # A made-up stamp decides nothing: what usually comes last is where it ends.
        (("1479", NOON), ("1496", MORNING), Status.DELIVERED),
        (("500", AFTERNOON), ("1496", NOON), Status.DELIVERED),
        (("1479", NOON), ("1496", NOON), Status.DELIVERED),
        (("1443", NOON), ("1701", MORNING), Status.READY_FOR_PICKUP),
        (("174", AFTERNOON), ("1479", NOON), Status.READY_FOR_PICKUP),
        (("174", NOON), ("1443", MORNING), Status.DELIVERY_FAILED),
        (("1479", NOON), ("1498", MORNING), Status.DELIVERED),
        # Stamps in their usual order.
        (("1496", NOON), ("174", MORNING), Status.DELIVERED),
        (("1496", AFTERNOON), ("1479", NOON), Status.DELIVERED),
        # True stamps decide, also where they take a delivery back.
        (("174", AFTERNOON), ("1496", MORNING), Status.OUT_FOR_DELIVERY),
        (("1443", AFTERNOON), ("1701", MORNING), Status.DELIVERY_FAILED),
        # Another day is another day.
        (("174", AFTERNOON), ("1496", "2026-03-03 11:59:59"), Status.OUT_FOR_DELIVERY),
        (("1479", NOON), ("1496", "2026-03-03 09:00:00"), Status.READY_FOR_PICKUP),
    ],
)
def test_a_made_up_stamp_decides_no_order_within_its_day(
    newer: tuple[str, str], older: tuple[str, str], expected: Status
) -> None:
    assert status(event(*newer), event(*older), PROCESSED) is expected


def test_a_made_up_stamp_is_kept_since_it_identifies_the_scan() -> None:
    alone = read(answer(event("1479", NOON), PROCESSED)).scans[-1]
    later = read(answer(event("1479", NOON), event("1496", MORNING), PROCESSED)).scans[-1]

    assert (alone.code, alone.at) == (later.code, later.at)
    assert (alone.status, later.status) == (Status.READY_FOR_PICKUP, Status.IN_TRANSIT)


def test_a_problem_is_kept_where_the_order_is_not() -> None:
    codes = {"1411": Problem.REFUSED}
    body = answer(event("1411", NOON), event("1496", MORNING))

    assert read(body, codes=codes).scans[-1].problem is Problem.REFUSED


# -- what a scan means ---------------------------------------------------------------


def meant(code: str, text: str = "") -> tuple[str, Meaning | None]:
    (scan,) = read(answer(event(code, text=text))).scans
    return scan.code, scan.meaning


@pytest.mark.parametrize("code", ["20", "0020", "21", "2001"])
def test_pictures_are_no_status(code: str) -> None:
    """The picture of a signature comes in the second of the delivery, or in that of a return."""
    assert meant(code, "Signature image recorded for Online viewing")[1] == Meaning()
    assert status(event(code, NOON), event("174", MORNING)) is Status.OUT_FOR_DELIVERY
    assert status(event("1496"), event(code)) is Status.DELIVERED
    assert status(event(code), event("1496")) is Status.DELIVERED


@pytest.mark.parametrize("code", ["174", "0174", "00174"])
def test_leading_zeros_are_no_part_of_a_code(code: str) -> None:
    assert meant(code) == ("174", Meaning(Status.OUT_FOR_DELIVERY))


def test_a_final_notice_is_no_return() -> None:
    text = "Final Notice; Item will be returned to sender if not collected within 10 days"

    assert meant("0156", text) == ("156", Meaning(Status.READY_FOR_PICKUP))


BACK = ("delivered|to sender", Meaning(Status.RETURNED))


@pytest.mark.parametrize("code", ["1496", "1498", "1408"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Item successfully delivered", None),
        ("", None),
        ("Article livré avec succès", None),
        ("Item returned to sender", BACK),
        ("Item successfully delivered to SENDER.", BACK),
        ("Item successfully returned", BACK),
        ("Article retourné à l'expéditeur", BACK),
        ("Article renvoye a l'expediteur", BACK),
    ],
)
def test_a_code_of_a_delivery_may_be_one_to_the_sender(
    code: str, text: str, expected: tuple[str, Meaning] | None
) -> None:
    assert meant(code, text) == (expected or (code, Meaning(Status.DELIVERED)))


@pytest.mark.parametrize(
    "text",
    ["Item will be returned to sender", "To be returned to sender if refused", "May go to sender"],
)
def test_a_delivery_that_speaks_of_a_return_to_come_is_neither(text: str) -> None:
    assert meant("1496", text) == (f"1496|{text.casefold()}", None)


@pytest.mark.parametrize("code", ["171", "1412", "2412", "179", "1483", "1493", "4650"])
def test_what_cannot_be_delivered_goes_back_only_when_it_says_so(code: str) -> None:
    back = ("undeliverable|to sender", Meaning(Status.RETURNING))
    listed = (code, canadapost().meaning(code))

    assert listed[1] in (Meaning(problem=Problem.ADDRESS), Meaning(problem=Problem.OTHER))
    assert meant(code, "Item cannot be delivered") == listed
    assert meant(code, "Sender is asked for the address") == listed
    assert meant(code, "Will be returned to sender if not corrected") == listed
    assert meant(code, "Incomplete address; item returned to sender") == back


def test_no_other_code_is_read_by_its_text() -> None:
    assert meant("100", "Item returned to sender") == ("100", Meaning(Status.IN_TRANSIT))
    assert meant("7777", "Item successfully delivered") == ("7777", None)


@pytest.mark.parametrize("code", ["1200", "1203"])
@pytest.mark.parametrize(
    ("before", "now", "late"),
    [
        ("2026-03-05", "2026-03-06", True),
        ("2026-03-05", "2026-03-05", False),
        ("2026-03-05", "2026-03-04", False),
        ("2026-03-05", "", True),
        ("", "2026-03-06", True),
    ],
)
def test_a_changed_forecast_is_a_delay_unless_it_is_no_later(
    code: str, before: str, now: str, late: bool
) -> None:
    body = answer(event(code), expected_delivery_date=before, changed_expected_date=now)
    (scan,) = read(body).scans

    assert scan.problem is (Problem.DELAYED if late else None)
    assert scan.meaning is not None


def test_a_wrong_address_takes_no_delivery_back_but_a_new_round_does() -> None:
    wrong = (event("173", "2026-03-03 06:19:57"), event("1496", "2026-03-02 07:59:52"))

    assert status(*wrong) is Status.DELIVERED
    assert status(event("100", "2026-03-03 14:45:48"), *wrong) is Status.DELIVERED
    assert status(event("174"), *wrong) is Status.OUT_FOR_DELIVERY
    assert status(event("1496", AFTERNOON), event("174"), *wrong) is Status.DELIVERED


def test_delivered_twice_ends_with_the_last_delivery() -> None:
    state = ends(canadapost(), sample("delivered_twice"))

    assert state.delivered_at == datetime(2026, 2, 27, 16, 59, 59, tzinfo=UTC)
    assert not state.problems


def test_a_merchants_mapping_wins() -> None:
    codes = {"7777": Status.OUT_FOR_DELIVERY, "delivered|to sender": Status.LOST}
    told = answer(event("1496", text="Returned to sender"), event("7777", "2026-03-03 09:00:00"))

    statuses = [scan.status for scan in read(told, codes=codes).scans]

    assert statuses == [Status.OUT_FOR_DELIVERY, Status.LOST]


def test_an_event_without_code_is_known_by_its_words() -> None:
    assert meant("", "Item out for delivery.")[1] == Meaning(Status.OUT_FOR_DELIVERY)
    assert meant("", "Item seen by a drone") == ("item seen by a drone", None)


# -- what goes with it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "changed", "day"),
    [
        ("2026-03-05", "", date(2026, 3, 5)),
        ("2026-03-05", "2026-03-09", date(2026, 3, 9)),
        ("", "2026-03-09", date(2026, 3, 9)),
        ("2026-03-05", "soon", date(2026, 3, 5)),
        ("", "", None),
    ],
)
def test_the_changed_forecast_counts(expected: str, changed: str, day: date | None) -> None:
    dates = {"expected_delivery_date": expected, "changed_expected_date": changed}
    estimate = read(answer(event("100"), **dates)).estimate

    assert (estimate and estimate.day) == day


def test_the_place_it_waits_at_is_told_while_it_waits() -> None:
    place = {"event_site": "OTTAWA", "event_province": "ON", "event_retail_name": "SAMPLE PO"}
    waits = (event("1701", AFTERNOON), event("1479", MORNING, **place))

    assert read(answer(*waits)).pickup == Pickup("branch", "SAMPLE PO", "OTTAWA, ON")
    assert read(answer(event("1405", **place))).pickup == Pickup(
        "locker", "SAMPLE PO", "OTTAWA, ON"
    )
    for after in ("1496", "174", "1415"):
        assert read(answer(event(after, "2026-03-05 09:00:00"), *waits)).pickup is None


def test_service_and_place_are_plain_words() -> None:
    town = {"event_site": "QUEBEC", "event_province": "QC"}
    reading = read(answer(event("100", **town), service_name=" Xpresspost "))

    assert (reading.service, reading.scans[0].place) == ("Xpresspost", "QUEBEC, QC")


@pytest.mark.parametrize("name", ["delivered", "delivered_twice", "signed_only"])
def test_nobody_who_signed_is_kept(name: str) -> None:
    assert "SYNTHETIC" in (SAMPLES / f"{name}.xml").read_text("utf-8")
    assert "SYNTHETIC" not in repr(sample(name))


def test_a_file_is_read_without_knowing_what_was_asked() -> None:
    readings = canadapost().decode_body((SAMPLES / "summary.xml").read_bytes(), [])

    assert [(len(r.scans), ends(canadapost(), r).status) for r in readings] == [
        (1, Status.ANNOUNCED),
        (1, Status.DELIVERED),
    ]
    assert CARRIERS["canadapost"] is Canadapost
    assert make("canadapost").key == "canadapost"


# -- reference data, where it lies beside the repository ------------------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "returning_to_sender": "returning",
    "address_problem": "address",
    "exception": "other",
    "unknown": "not listed",
}
# What we read instead of the list, why, and for which codes. All of them must be needed.
OTHERWISE = (
    ("info", "known, and no status: nobody need map it", "20 21 2001"),
    ("info", "a payment moves and holds nothing", "152 2101"),
    ("info", "a payment moves and holds nothing", "1210 1211 1212 1213 1214 1215 1216"),
    ("info", "a wish moves nothing: it is no dispatch", "1220 1221 1222 1223 1224 1225"),
    ("in_transit", "what customs let go is not held there", "130 900 910 5201"),
    ("in_transit", "it has arrived; the review has a code of its own", "700"),
    ("damaged", "we have a word of our own for it", "710"),
    (
        "not listed",
        "a guess at a range: nobody has seen what they say",
        "4000 4100 4202 4310 4311 4330 4400 4450 4500 4550 4600 4900 4950",
    ),
)
# Recording -> what we read instead of the index, and why.
RECORDED_OTHERWISE: dict[str, tuple[str, str]] = {
    "active-tracking-details-en.xml": ("delivered", "the same: the index adds a remark"),
    "active-tracking-details-en-error.xml": ("not found", "the same, told apart from an error"),
    "karrio-no-pin-history.xml": ("not found", "the same, told apart from an error"),
    "karrio-auth-error.xml": ("Rejected", "the same, told apart from not found"),
    "karrio-in-transit-wrapper.xml": ("out_for_delivery", "the same: the index adds a remark"),
    "karrio-summary.xml": ("announced", "one scan, where the index counts listed events only"),
}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def spelt(meaning: Meaning | None) -> str:
    if meaning is None:
        return "not listed"
    return str(meaning.status or meaning.problem or "info")


def test_every_code_of_the_list_means_what_the_list_says(shared: Path) -> None:
    rows = table(shared / "data" / "codes" / "canadapost.csv")
    codes = [row for row in rows if row["subcode"] != "error"]
    listed = {(r["code"], OLDER_WORDS.get(r["normalized"], r["normalized"])) for r in codes}

    found = {(code, word): spelt(meant(code)[1]) for code, word in listed}

    assert len(rows) == 228
    assert len({code for code, _ in listed}) == len(listed)
    assert {(code, word) for (code, old), word in found.items() if word != old} == {
        (code, word) for word, _, these in OTHERWISE for code in these.split()
    }


def test_every_wording_of_the_list_reads_alike(shared: Path) -> None:
    rows = table(shared / "data" / "codes" / "canadapost.csv")
    seen = [row for row in rows if row["subcode"].startswith("seen")]

    assert seen
    for row in seen:
        assert meant(row["code"], row["text"]) == (row["code"], canadapost().meaning(row["code"]))


def test_we_list_nothing_that_the_list_does_not_know(shared: Path) -> None:
    rows = table(shared / "data" / "codes" / "canadapost.csv")
    ours = {code for code in Canadapost.codes if code.isdigit()}

    assert ours <= {row["code"] for row in rows}


def outcome(body: bytes) -> tuple[str, int, datetime | None]:
    """Return where a recording ends, or its error; its scans; the moment of the last one."""
    try:
        reading = read(body, None)
    except CallError as error:
        return type(error).__name__, 0, None
    if reading.not_found:
        return "not found", 0, None
    scans = reading.scans
    return str(ends(canadapost(), reading).status), len(scans), scans[-1].at


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = [r for r in table(folder / "INDEX.csv") if r["file"].startswith("canadapost/")]
    needed = set()

    assert {f.name for f in (folder / "canadapost").iterdir()} == {
        row["file"].removeprefix("canadapost/") for row in rows
    }
    for row in rows:
        name = row["file"].removeprefix("canadapost/")
        word, scans, last = outcome((folder / row["file"]).read_bytes())
        count, stamp = int(row["events"]), row["latest_event_time"]
        wanted = OLDER_WORDS.get(row["expected_status"], row["expected_status"])
        if (word, scans) != (wanted, count):
            needed.add((name, word))
        if stamp.endswith(" EST"):
            local = datetime.fromisoformat(stamp.removesuffix(" EST") + "-05:00")
            assert (scans, last) == (count, local), name

    assert needed == {(name, word) for name, (word, _) in RECORDED_OTHERWISE.items()}
