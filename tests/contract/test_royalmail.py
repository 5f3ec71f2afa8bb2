"""What only Royal Mail does: two headers, errors in many places, numbers under several names."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.carriers import Parcel
from tracker_sync.carriers.errands import Glance, glance
from tracker_sync.carriers.royalmail import Royalmail, RoyalmailConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import INFO, Detail, Estimate, Meaning, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

SAMPLES = Path(__file__).parents[1] / "samples" / "royalmail"
NUMBER = "TS000071907GB"


def royalmail(**more: Any) -> Royalmail:
    keys = {"client_id": "an-id", "client_secret": "a-secret"}
    return Royalmail(RoyalmailConfig.model_validate(keys | more))


def read(payload: Any, *asked: str, **more: Any) -> list[Reading]:
    return royalmail(**more).decode_body(json.dumps(payload).encode(), asked)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def event(code: str, day: int = 2, **more: Any) -> dict[str, Any]:
    stamp = f"2026-06-{day:02d}T10:00:00+01:00"
    return {"eventCode": code, "eventName": "As the carrier says", "eventDateTime": stamp, **more}


def piece(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mailPieceId": NUMBER, "events": list(events), **more}


def scans_of(*events: dict[str, Any], **more: Any) -> list[Meaning | None]:
    (reading,) = read({"mailPieces": piece(*events)}, NUMBER, **more)
    return [scan.meaning for scan in reading.scans]


def answered(status: int, *codes: str, says: object = None, **headers: str) -> list[Reading]:
    """Decode an error answer; *says* is the status its body claims."""
    errors = [{"errorCode": code, "errorDescription": "no"} for code in codes]
    body = {"httpCode": says or status, "httpMessage": "no", "errors": errors}
    return royalmail().decode(httpx.Response(status, json=body, headers=headers), [NUMBER])


# -- asking --------------------------------------------------------------------


def test_asks_for_the_events_of_one_number_with_both_keys() -> None:
    request = royalmail().request([NUMBER], None)

    assert str(request.url) == f"https://api.royalmail.net/mailpieces/v2/{NUMBER}/events"
    assert request.headers["x-ibm-client-id"] == "an-id"
    assert request.headers["x-ibm-client-secret"] == "a-secret"
    assert request.headers["x-accept-rmg-terms"] == "yes"


@pytest.mark.parametrize(
    ("number", "path"),
    [("..", b"%2E%2E"), (".", b"%2E"), ("a/../b?c#d", b"a%2F%2E%2E%2Fb%3Fc%23d")],
)
def test_a_strange_number_stays_inside_the_path(number: str, path: bytes) -> None:
    raw_path = royalmail().request([number], None).url.raw_path

    assert raw_path == b"/mailpieces/v2/" + path + b"/events"


@pytest.mark.parametrize(
    ("number", "own"),
    [
        (NUMBER, True),
        ("RB123456785DE", False),
        ("EK123456785GB", False),
        ("CK123456785GB", False),
        ("00340434190000000015", False),
    ],
)
def test_only_its_own_form_of_a_number_is_taken_for_its_own(number: str, own: bool) -> None:
    patterns = Royalmail.number_patterns

    assert any(pattern.fullmatch(number) for pattern in patterns) is own


# -- errors ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("code", ["E1142", "E1283", "E1284", "E1308"])
def test_a_number_that_is_not_known_is_not_found(status: int, code: str) -> None:
    """A 400 that reads as refused keys would stop every other parcel, too."""
    assert answered(status, code) == [Reading(NUMBER, not_found=True)]


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("says", [503, "503"])
def test_tracking_that_is_away_is_no_number_that_is_not_found(status: int, says: object) -> None:
    with pytest.raises(Unavailable):
        answered(status, "E1307", says=says)


def test_one_piece_that_is_away_is_unavailable_and_not_absent() -> None:
    away = {"mailPieceId": NUMBER, "error": {"errorCode": "E1307"}}

    with pytest.raises(Unavailable):
        read({"mailPieces": away}, NUMBER)


@pytest.mark.parametrize(
    ("says", "code", "error"),
    [
        (503, "E1307", Unavailable),
        ("500", "E0009", Unavailable),
        (429, "E0010", Throttled),
        ("400", "E0004", Rejected),
        (400, "E0013", Rejected),
        (401, "", Rejected),
        (403, "E0016", Rejected),
        (405, "", Rejected),
    ],
)
def test_the_status_in_the_body_counts_where_http_says_200(
    says: object, code: str, error: type[CallError]
) -> None:
    with pytest.raises(error):
        answered(200, code, says=says)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_are_named(status: int) -> None:
    with pytest.raises(Rejected, match="client_id, client_secret") as caught:
        answered(status)

    assert caught.value.status == status


def test_a_refused_request_does_not_read_as_refused_keys() -> None:
    with pytest.raises(Rejected) as caught:
        answered(400, "E0004")

    assert caught.value.status == 400


def test_the_wait_it_asks_for_is_passed_on() -> None:
    with pytest.raises(Throttled) as caught:
        answered(429, "E0010", **{"Retry-After": "30"})

    assert caught.value.retry_after == 30


@pytest.mark.parametrize("body", ['{"httpCode": 200}', '{"mailPieces": null}', '{"errors": []}'])
def test_another_shape_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        royalmail().decode(httpx.Response(200, text=body), [NUMBER])


# -- at a glance ------------------------------------------------------------------


def summary(*pieces: dict[str, Any], status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"mailPieces": list(pieces)})


def last(code: str = "EVGPD", at: str = "2026-06-02T10:00:00+01:00", **more: Any) -> dict[str, Any]:
    event = {"lastEventCode": code, "lastEventDateTime": at}
    return {"mailPieceId": NUMBER, "summary": event, **more}


def fault(code: str) -> dict[str, Any]:
    return {"mailPieceId": NUMBER, "error": {"errorCode": code}}


def glanced(response: httpx.Response, *numbers: str) -> list[Glance]:
    transport = httpx.MockTransport(lambda request: response)
    wire = Wire("royalmail", Timer(lambda: 0.0, lambda seconds: None), transport=transport)
    parcels = [Parcel(number) for number in numbers or (NUMBER,)]
    try:
        return glance(royalmail(), wire, parcels, None)
    finally:
        wire.close()


def test_a_glance_asks_for_the_summaries_of_thirty_numbers_with_both_keys() -> None:
    numbers = [f"TS{number:09d}GB" for number in range(Royalmail.glance_batch)]
    request = royalmail().glance_request([Parcel(number) for number in numbers], None)

    assert Royalmail.glance_batch == 30  # one more is refused with E0013
    assert request.url.raw_path == (
        b"/mailpieces/v2/summary?mailPieceId=" + ",".join(numbers).encode()
    )
    assert request.headers["x-ibm-client-id"] == "an-id"
    assert request.headers["x-ibm-client-secret"] == "a-secret"


def test_a_strange_number_stays_inside_the_query_of_a_glance() -> None:
    url = royalmail().glance_request([Parcel("a&b=c#d,e/f")], None).url

    assert url.raw_path == b"/mailpieces/v2/summary?mailPieceId=a%26b%3Dc%23d%2Ce%2Ff"


@pytest.mark.parametrize(
    "name", [path.stem for path in SAMPLES.glob("*.json") if '"lastEvent' in path.read_text()]
)
def test_a_glance_gives_the_mark_of_the_history(name: str) -> None:
    """The two answers carry the same summary block; the glance carries no list of events."""
    payload = sample(name)
    pieces = payload["mailPieces"]
    listed = [pieces] if isinstance(pieces, dict) else pieces
    bare = [{k: v for k, v in each.items() if k != "events"} for each in listed]

    readings = [each for each in read(payload) if each.mark]
    glances = glanced(summary(*bare), *(str(each.number) for each in readings))

    assert [(each.number, each.mark) for each in glances] == [
        (each.number, each.mark) for each in readings
    ]


@pytest.mark.parametrize(
    ("then", "same"),
    [
        (last("EVGPD", "2026-06-02T09:00:00Z"), True),
        (last(" evgpd ", "2026-06-02T10:00:00"), True),
        (last("EVKSP"), False),
        (last("EVGPD", "2026-06-02T10:00:01+01:00"), False),
    ],
)
def test_a_mark_changes_with_the_newest_event_and_not_with_its_spelling(
    then: dict[str, Any], *, same: bool
) -> None:
    (before,), (after,) = glanced(summary(last())), glanced(summary(then))

    assert (before.mark == after.mark) is same


def test_a_list_that_lags_behind_its_summary_does_not_make_the_mark() -> None:
    (reading,) = read({"mailPieces": {**last(), "events": [event("EVDAV", 1)]}}, NUMBER)

    assert glanced(summary(last())) == [Glance(NUMBER, reading.mark)]


def test_a_history_without_summary_has_no_mark_and_is_asked_for_again() -> None:
    (reading,) = read({"mailPieces": piece(event("EVGPD"))}, NUMBER)

    assert reading.mark == ""


@pytest.mark.parametrize("code", ["E1142", "E1283", "E1284", "E1308"])
def test_a_piece_that_is_not_known_has_a_blank_mark(code: str) -> None:
    assert glanced(summary(fault(code))) == [Glance(NUMBER, "")]


@pytest.mark.parametrize("code", ["E1307", "E9999", ""])
def test_a_piece_that_cannot_be_told_of_just_now_is_left_out(code: str) -> None:
    other = {"mailPieceId": "TS000071910GB", "summary": last()["summary"]}

    (one,) = glanced(summary(fault(code), other), NUMBER, "TS000071910GB")

    assert (one.number, bool(one.mark)) == ("TS000071910GB", True)


@pytest.mark.parametrize("pieces", [[], [last(at="soon")], [last(at="")], [fault("E1307")] * 2])
def test_a_number_without_a_readable_event_is_left_out(pieces: list[dict[str, Any]]) -> None:
    assert glanced(summary(*pieces)) == []


def test_an_error_beside_data_is_no_missing_piece() -> None:
    (one,) = glanced(summary(last(error={"errorCode": "E1142"})))

    assert one.mark


def test_the_newest_piece_of_a_number_used_again_makes_the_mark() -> None:
    old, new = last("EVKSP", "2025-01-01T10:00:00Z"), last()

    assert glanced(summary(new, old)) == glanced(summary(old, new)) == glanced(summary(new))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (200, "E1307", Unavailable),
        (400, "E0013", Rejected),
        (401, "", Rejected),
        (429, "E0010", Throttled),
        (503, "", Unavailable),
    ],
)
def test_a_glance_that_fails_says_nothing_about_any_number(
    status: int, code: str, error: type[CallError]
) -> None:
    body = {"httpCode": 503 if code == "E1307" else status, "errors": [{"errorCode": code}]}

    with pytest.raises(error):
        glanced(httpx.Response(status, json=body))


def test_a_body_that_says_not_known_of_all_gives_blank_marks() -> None:
    body = {"httpCode": "404", "errors": [{"errorCode": "E1142"}]}

    assert glanced(httpx.Response(200, json=body), NUMBER, "X") == [
        Glance(NUMBER, ""),
        Glance("X", ""),
    ]


# -- which piece -------------------------------------------------------------------


def test_the_number_asked_for_comes_back_whatever_the_piece_is_called() -> None:
    (reading,) = read({"mailPieces": piece(event("EVGPD"))}, "MYSHOP-0001")

    assert (reading.number, reading.scans[-1].status) == ("MYSHOP-0001", Status.OUT_FOR_DELIVERY)


def test_another_label_of_the_same_form_is_somebody_elses_piece() -> None:
    other = NUMBER[:-3] + str((int(NUMBER[-3]) + 1) % 10) + NUMBER[-2:]
    named = piece(event("EVKSP"), mailPieceId=other, summary={"oneDBarcode": other})

    assert read({"mailPieces": named}, NUMBER) == [Reading(NUMBER, unanswered=True)]


@pytest.mark.parametrize("asked", ["0B0367574000000FE0A0B", "0b0367574000000fe0a0b", "label"])
def test_a_piece_of_several_is_found_by_any_of_its_names(asked: str) -> None:
    named = sample("hex_id")["mailPieces"]
    number = named["summary"]["oneDBarcode"] if asked == "label" else asked

    readings = read({"mailPieces": [piece(event("EVKSP")), named]}, NUMBER, number)

    assert [reading.number for reading in readings] == [NUMBER, number]
    assert readings[1].scans[-1].status is Status.OUT_FOR_DELIVERY


def test_one_bad_piece_does_not_lose_the_others() -> None:
    payload = sample("summary_batch")
    numbers = [piece["mailPieceId"] for piece in payload["mailPieces"]]

    good, away, missing = read(payload, *numbers)

    assert (good.number, good.scans[-1].status) == (numbers[0], Status.DELIVERED)
    assert away == Reading(numbers[1], unanswered=True)
    assert missing == Reading(numbers[2], not_found=True)


def test_an_error_beside_data_takes_nothing_back() -> None:
    (reading,) = read(sample("summary_with_error"))

    assert not reading.not_found
    assert reading.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_an_error_nobody_knows_says_nothing_about_the_number() -> None:
    odd = {"mailPieces": [piece(error={"errorCode": "E9999"})]}

    assert read(odd, NUMBER) == [Reading(NUMBER, unanswered=True)]


def test_of_two_pieces_the_one_that_could_not_be_told_may_be_the_parcel() -> None:
    pieces = [piece(error={"errorCode": code}) for code in ("E1142", "E1307")]

    assert read({"mailPieces": pieces}, NUMBER) == [Reading(NUMBER, unanswered=True)]


def test_a_number_used_again_is_its_newest_piece() -> None:
    old, new = piece(event("EVKSP", 1)), piece(event("EVGPD", 9))

    (reading,) = read({"mailPieces": [new, old]}, NUMBER)

    assert reading.scans[-1].status is Status.OUT_FOR_DELIVERY


def test_a_summary_that_leaves_a_number_out_takes_no_other_for_it() -> None:
    payload = {"mailPieces": [piece(event("EVKSP")), piece(event("EVKSP"))]}

    assert read(payload, "TS000071910GB") == [Reading("TS000071910GB", unanswered=True)]


# -- what a scan means --------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("EVKLC", Meaning(Status.READY_FOR_PICKUP)),
        ("EVKLS", Meaning(Status.READY_FOR_PICKUP)),
        ("EVPLA", Meaning(Status.READY_FOR_PICKUP)),
        ("EVRTS", Meaning(Status.RETURNED)),
        ("EVNRF", Meaning(Status.RETURNING, Problem.REFUSED)),
        ("EVIPI", Meaning(Status.IN_TRANSIT, Problem.DELAYED)),
        ("EVNOC", Meaning(Status.DELIVERED, detail=Detail.COLLECTED)),
        (" evksp ", Meaning(Status.DELIVERED)),
        ("E1142", None),
        ("DELIVERED", None),
        ("", None),
    ],
)
def test_only_listed_event_codes_mean_anything(code: str, meaning: Meaning | None) -> None:
    assert scans_of(event(code)) == [meaning]


def test_what_is_not_with_the_recipient_is_not_delivered() -> None:
    delivered = {c for c, meaning in Royalmail.codes.items() if meaning.status is Status.DELIVERED}

    assert delivered == {"EVKDN", "EVKOP", "EVKSF", "EVKSP", "EVNOC", "EVPLC"}


@pytest.mark.parametrize("category", ["DELIVERED", "Delivered", "IN TRANSIT", "In Transit"])
def test_the_category_changes_nothing(category: str) -> None:
    said = piece(event("EVZZQ"), summary={"statusCategory": category})

    (reading,) = read({"mailPieces": said}, NUMBER)

    assert [scan.meaning for scan in reading.scans] == [None]


@pytest.mark.parametrize("first", ["EVKNA", "EVPLA", "EVKSP", "EVRTS"])
def test_a_redelivery_is_no_second_attempt(first: str) -> None:
    meanings = scans_of(event("RORXS", 4), event("EVNSR", 3), event(first, 2))

    assert meanings[1:] == [INFO, INFO]


@pytest.mark.parametrize("first", ["EVGPD", "EVDAV"])
def test_a_redelivery_tells_of_an_attempt_nothing_else_told_of(first: str) -> None:
    meanings = scans_of(event("RORXS", 4), event("EVNSR", 3), event(first, 2))

    assert meanings[1:] == [Meaning(Status.DELIVERY_FAILED), INFO]


def test_a_merchants_mapping_wins_over_everything() -> None:
    codes = {"RORXS": Status.OUT_FOR_DELIVERY, "EVZZQ": Status.IN_TRANSIT}

    meanings = scans_of(event("RORXS", 4), event("EVKNA", 3), event("EVZZQ", 2), codes=codes)

    assert [meaning and meaning.status for meaning in meanings] == [
        Status.IN_TRANSIT,
        Status.DELIVERY_FAILED,
        Status.OUT_FOR_DELIVERY,
    ]


def test_an_event_without_a_day_is_left_out() -> None:
    assert scans_of(event("EVKSP", eventDateTime=None), event("EVGPD")) == [
        Meaning(Status.OUT_FOR_DELIVERY)
    ]


@pytest.mark.parametrize(("day", "scans"), [(1, 1), (2, 1), (3, 2)])
def test_the_summary_adds_only_what_is_newer_than_the_list(day: int, scans: int) -> None:
    last = {"lastEventCode": "EVGPD", "lastEventDateTime": event("EVGPD", day)["eventDateTime"]}

    (reading,) = read({"mailPieces": piece(event("EVGPD"), summary=last)}, NUMBER)

    assert len(reading.scans) == scans


# -- what goes with it ---------------------------------------------------------------


def test_the_forecast_has_its_hours() -> None:
    (reading,) = read(sample("missort"))

    assert reading.estimate == Estimate(
        date(2026, 6, 3),
        datetime(2026, 6, 3, 7, tzinfo=UTC),
        datetime(2026, 6, 3, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        ({"date": "2026-06-03"}, Estimate(date(2026, 6, 3))),
        ({"date": "03/06/2026"}, None),
        ({"date": "2026-06-03", "startOfEstimatedWindow": "in the morning"}, None),
        ({"startOfEstimatedWindow": "08:00:00+01:00"}, None),
        (None, None),
    ],
)
def test_a_forecast_that_cannot_be_read_is_none(promise: Any, expected: Estimate | None) -> None:
    (reading,) = read({"mailPieces": piece(event("EVGPD"), estimatedDelivery=promise)}, NUMBER)

    assert reading.estimate == expected


@pytest.mark.parametrize("name", ["delivered", "signature"])
def test_nobody_who_signed_is_kept(name: str) -> None:
    (reading,) = read(sample(name))

    assert "WARENANNAHME" not in repr(reading)


def test_a_signature_alone_delivers_nothing() -> None:
    (reading,) = read(sample("signature"))

    assert reading == Reading(reading.number)


# -- recordings ------------------------------------------------------------------------

NOT_FOUND = "not found"
# What an error recording reads as, by the status in its body.
FAULTS = {
    "200": Unavailable,  # HTTP says 200, the body 503
    "401": Rejected,
    "405": Rejected,
    "429": Throttled,
    "500": Unavailable,
    "503": Unavailable,
    "400": Rejected,
    "404": NOT_FOUND,
}
# Recording -> what we read instead, and why. An entry that is not needed fails the test.
OTHERWISE: dict[str, tuple[object, str]] = {
    "error-http400-invalid-barcode-e1142.json": (NOT_FOUND, "400, but about the number"),
}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["file"].startswith("royalmail/")]
    differ = {}

    for row in mine:
        told = _told(folder / row["file"])
        if row["expected_status"].startswith("(error"):
            wanted = _fault(row)
        else:
            _reads_as(row, told)
            continue
        if told != wanted:
            differ[Path(row["file"]).name] = told

    assert len(mine) == len(list((folder / "royalmail").iterdir()))
    assert differ == {name: told for name, (told, _) in OTHERWISE.items()}


def _told(file: Path) -> object:
    """Return the reading, "not found" or the class of the error."""
    # One recording has its personal figures masked by asterisks, outside of quotes, too.
    body = re.sub(rb"\*+\.?\*+", b"0", file.read_bytes())
    try:
        (reading,) = royalmail().decode_body(body, [])
    except CallError as error:
        return type(error)
    return NOT_FOUND if reading.not_found else reading


def _fault(row: dict[str, str]) -> object:
    status = re.search(r"[45]\d\d|200", f"{row['notes']} {row['file']}")
    assert status, row["file"]
    return FAULTS[status[0]]


def _reads_as(row: dict[str, str], told: object) -> None:
    assert isinstance(told, Reading), row["file"]
    if row["expected_status"].startswith("("):  # a signature proves a delivery but dates no event
        assert told.scans == ()
        return
    newest, word = told.scans[-1], row["expected_status"].split()[0]
    # The index counts the events of the list; a summary tells of one without a list.
    assert len(told.scans) == max(int(row["events"]), 1), row["file"]
    assert word in (newest.status, newest.problem), row["file"]
    if stamp := row["latest_event_time"]:
        assert newest.at == datetime.fromisoformat(stamp), row["file"]
