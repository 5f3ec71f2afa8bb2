"""What only Australia Post does: words instead of codes, consignments, one bad id among ten."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from contract.samples import ends
from tracker_sync.carriers.australiapost import Australiapost, AustraliapostConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import INFO, Detail, Meaning, Problem, Reading, State, Status

NUMBER, OTHER = "9ZZ0000000021", "9ZZ0000000022"
WHOLE, FIRST, SECOND = "9ZC0000001", "9ZC000000101", "9ZC000000102"
ODD_WORDS = "Parcel is having its portrait painted"
GOT = "Received by Australia Post"
SAFE = Meaning(Status.DELIVERED, detail=Detail.SAFE_PLACE)


def australiapost(**more: Any) -> Australiapost:
    keys = {"api_key": "a-key", "password": "a-password", "account_number": "0000000001"}
    return Australiapost(AustraliapostConfig.model_validate(keys | more))


def event(text: str, day: int = 3, place: str = "", **more: Any) -> dict[str, Any]:
    stamp = f"2026-03-{day:02d}T10:00:00+11:00"
    return {"description": text, "date": stamp, "location": place, **more}


def article(*events: dict[str, Any], number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"article_id": number, "events": list(events), **more}


def consignment(*items: dict[str, Any], count: int = 2, **more: Any) -> dict[str, Any]:
    return {"consignment_id": WHOLE, "number_of_items": count, "items": list(items), **more}


def result(*items: Any, number: str | None = NUMBER, **more: Any) -> dict[str, Any]:
    return {"tracking_id": number, "trackable_items": list(items), **more}


def bad(number: str, code: str = "ESB-10001") -> dict[str, Any]:
    return {"tracking_id": number, "errors": [{"code": code, "name": "no"}]}


def read(results: Iterable[Any], *asked: str, **more: Any) -> list[Reading]:
    body = json.dumps({"tracking_results": list(results)}).encode()
    return australiapost(**more).decode_body(body, asked)


def one(*items: Any, number: str = NUMBER, codes: dict[str, str] | None = None) -> Reading:
    (reading,) = read([result(*items, number=number)], number, codes=codes or {})
    return reading


def end(*items: Any, number: str = NUMBER, codes: dict[str, str] | None = None) -> State:
    return ends(australiapost(), one(*items, number=number, codes=codes))


def answered(status: int, *asked: str, body: Any, **headers: str) -> list[Reading]:
    response = httpx.Response(status, json=body, headers=headers)
    return australiapost().decode(response, asked or (NUMBER,))


def fault(code: str, name: str = "code") -> dict[str, Any]:
    return {"errors": [{name: code, "message": "no"}]}


# -- asking --------------------------------------------------------------------


def test_asks_about_several_numbers_with_key_password_and_account() -> None:
    request = australiapost().request([NUMBER, OTHER], None)

    address = "https://digitalapi.auspost.com.au/shipping/v1/track"
    assert str(request.url) == f"{address}?tracking_ids={NUMBER},{OTHER}"
    assert request.headers["account-number"] == "0000000001"
    basic = request.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(basic) == b"a-key:a-password"


def test_the_test_platform_has_a_path_of_its_own() -> None:
    assert australiapost(platform="test").request([NUMBER], None).url.path == (
        "/test/shipping/v1/track"
    )


@pytest.mark.parametrize("number", ["a,b", "a&x=1", "..", "a/b?c#d", "a+b"])
def test_a_strange_number_stays_one_number(number: str) -> None:
    url = australiapost().request([number, OTHER], None).url

    assert list(url.params) == ["tracking_ids"]
    assert url.params["tracking_ids"].count(",") == 1
    assert url.path == "/shipping/v1/track"


def test_an_account_number_that_no_header_can_hold_is_refused() -> None:
    for wrong in ("", "12\n3", "12 3", "ünf"):
        with pytest.raises(ValidationError, match="account_number"):
            australiapost(account_number=wrong)


def test_the_pause_between_calls_is_six_seconds_and_ten_numbers_are_the_most() -> None:
    assert Australiapost.batch == 10
    assert Australiapost.budget.per_day is None
    assert Australiapost.budget.per_second == pytest.approx(1 / 6.25)


@pytest.mark.parametrize(
    ("number", "own"),
    [("EX000000014AU", True), ("LX000000018US", False), ("00340434190000000015", False)],
)
def test_only_its_own_form_of_a_number_is_taken_for_its_own(number: str, own: bool) -> None:
    assert any(p.fullmatch(number) for p in Australiapost.number_patterns) is own


# -- errors --------------------------------------------------------------------


def test_one_bad_id_does_not_lose_the_batch() -> None:
    readings = read([bad(OTHER), result(article(event("Delivered")))], OTHER, NUMBER)

    assert readings[0] == Reading(OTHER, not_found=True)
    assert readings[1].scans[-1].status is Status.DELIVERED


def test_another_error_of_a_number_means_ask_again_and_not_unknown() -> None:
    readings = read([bad(OTHER, "ESB-20050"), result(article(event(GOT)))], OTHER, NUMBER)

    assert readings[0] == Reading(OTHER, unanswered=True)


def test_an_error_beside_a_history_takes_nothing_back() -> None:
    both = result(article(event("Delivered")), errors=[{"code": "ESB-10001"}])

    (reading,) = read([both], NUMBER)

    assert not reading.not_found
    assert reading.scans


def test_a_number_the_answer_leaves_out_is_asked_again() -> None:
    readings = read([result(article(event(GOT)))], NUMBER, OTHER)

    assert readings[1] == Reading(OTHER, unanswered=True)


@pytest.mark.parametrize(
    "broken",
    [None, {"tracking_id": OTHER, "trackable_items": 7}, bad(OTHER) | {"errors": "no"}],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_result_of_another_shape_does_not_lose_the_batch(broken: Any, turned: bool) -> None:
    results = [broken, result(article(event("Delivered")))]

    readings = read(results[::-1] if turned else results, NUMBER, OTHER)

    assert readings[0].scans[-1].status is Status.DELIVERED
    assert readings[1] == Reading(OTHER, unanswered=True)


def test_a_stamp_that_cannot_be_read_is_that_parcels_trouble() -> None:
    wrong = result(article(event(GOT, date="yesterday")), number=OTHER)

    good, unclear = read([wrong, result(article(event(GOT)))], NUMBER, OTHER)

    assert good.scans
    assert unclear.unanswered
    with pytest.raises(Unreadable):
        read([wrong], OTHER)


@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
@pytest.mark.parametrize("name", ["code", "error_code"])
def test_too_many_calls_are_told_by_the_code_whatever_the_status(status: int, name: str) -> None:
    with pytest.raises(Throttled):
        answered(status, body=fault("API_002", name))


def test_the_wait_it_asks_for_is_passed_on() -> None:
    with pytest.raises(Throttled) as caught:
        answered(429, body=fault("API_002", "error_code"), **{"Retry-After": "30"})

    assert caught.value.retry_after == 30


@pytest.mark.parametrize("status", [200, 400])
def test_too_many_numbers_are_a_refusal_that_halves_the_batch(status: int) -> None:
    with pytest.raises(Rejected, match="51101") as caught:
        answered(status, body=fault("51101"))

    assert caught.value.status == 400


@pytest.mark.parametrize("status", [200, 400, 404])
def test_not_known_may_be_said_of_the_whole_call(status: int) -> None:
    assert answered(status, body=fault("ESB-10001")) == [Reading(NUMBER, not_found=True)]


@pytest.mark.parametrize("status", [200, 400])
def test_nobody_guesses_which_of_several_numbers_is_not_known(status: int) -> None:
    with pytest.raises(Rejected) as caught:
        answered(status, NUMBER, OTHER, body=fault("ESB-10001"))

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, Unreadable), (400, Rejected), (500, Unavailable), (503, Unavailable)],
)
def test_an_error_nobody_knows_goes_by_its_status(status: int, error: type[CallError]) -> None:
    with pytest.raises(error):
        answered(status, body=fault("ESB-99999"))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_are_named(status: int) -> None:
    with pytest.raises(Rejected, match="api_key, password and account_number") as caught:
        answered(status, body=fault("API_001", "error_code"))

    assert caught.value.status == status


# -- whose history it is ---------------------------------------------------------


def test_a_result_is_found_by_the_number_that_was_asked() -> None:
    mine = result(article(event("Delivered"), number="PRINTED-1"))
    results = [result(article(event(GOT), number=NUMBER), number=OTHER), mine]

    readings = read(results, OTHER, NUMBER.lower())

    assert [reading.number for reading in readings] == [OTHER, NUMBER.lower()]
    assert [reading.scans[-1].text for reading in readings] == [GOT, "Delivered"]


def test_one_number_asked_alone_may_be_called_whatever_it_likes() -> None:
    (reading,) = read([result(article(event(GOT)), number="PRINTED-1")], NUMBER)

    assert (reading.number, len(reading.scans)) == (NUMBER, 1)


def test_of_two_results_the_newest_counts_and_an_error_never() -> None:
    old, new = result(article(event(GOT, 1))), result(article(event("Delivered", 9)))

    (reading,) = read([new, bad(NUMBER), old], NUMBER)

    assert reading.scans[-1].status is Status.DELIVERED


# -- what the words mean -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Delivered", Meaning(Status.DELIVERED)),
        (" DELIVERED. ", Meaning(Status.DELIVERED)),
        ("Delivered \u2013 Left in a  safe place", SAFE),
        ("In transit to next facility in O'CONNOR WA", Meaning(Status.IN_TRANSIT)),
        ("In transit to next facility", None),
        ("In transit to next facility in X. Returned to sender", None),
        ("Cleared and awaiting international departure", Meaning(Status.IN_TRANSIT)),
        ("Item is in Customs", Meaning(Status.IN_TRANSIT, Problem.CUSTOMS)),
        ("Delivered to parcel locker", None),
        ("Delivered - Left at post office", None),
        ("Delivered to sender", None),
        ("Not delivered", None),
        ("Will be delivered", None),
        ("Arrived in Fiji", None),
        (ODD_WORDS, None),
        ("", None),
        (None, None),
        ("ESB-10001", None),
        ("Unknown", None),
    ],
)  # fmt: skip
def test_only_listed_words_mean_anything(text: Any, meaning: Meaning | None) -> None:
    assert [scan.meaning for scan in one(article(event(text))).scans] == [meaning]


def test_the_key_of_a_wording_is_stable_and_has_no_place_in_it() -> None:
    said = [
        "Handed to the ferry in KEW VIC",
        "HANDED to the  ferry in Hobart",
        "Handed to the ferry",
    ]
    places = ["KEW VIC", "Hobart", ""]

    scans = [
        one(article(event(*pair))).scans[0] for pair in zip(said, [3] * 3, places, strict=True)
    ]

    assert {scan.code for scan in scans} == {"handed to the ferry"}
    towards = one(article(event("In transit to next facility in KEW VIC")))
    assert towards.scans[0].code == "in transit to next facility in…"


def test_a_place_that_may_be_a_shop_is_never_cut_off_a_delivery() -> None:
    scan = one(article(event("Delivered at Kew Post Office", place="Kew Post Office"))).scans[0]

    assert (scan.code, scan.meaning) == ("delivered at kew post office", None)


def test_a_merchant_maps_a_wording_by_its_key() -> None:
    mine = {"parcel is having its portrait painted": "ready_for_pickup"}

    assert end(article(event(ODD_WORDS)), codes=mine).status is Status.READY_FOR_PICKUP


def test_only_these_words_are_a_delivery() -> None:
    delivered = {w for w, says in Australiapost.codes.items() if says.status is Status.DELIVERED}

    assert delivered == {"delivered", "delivered in full", "delivered - left in a safe place"}


def test_nobody_who_signed_is_kept() -> None:
    reading = one(article(event("Delivered - signed for by M MUSTERNAME")))

    assert "mustername" not in repr(reading).casefold()


# -- the status beside the events -----------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Awaiting collection", Status.READY_FOR_PICKUP),
        ("Unsuccessful Delivery", Status.DELIVERY_FAILED),
        ("On Board for Delivery", Status.OUT_FOR_DELIVERY),
        ("Delivered", Status.DELIVERED),
        ("Unknown", Status.DISPATCHED),
        ("Quite happy", Status.DISPATCHED),
        (None, Status.DISPATCHED),
    ],
)
def test_a_status_explains_the_newest_event_that_is_not_listed(
    status: Any, expected: Status
) -> None:
    state = end(article(event(ODD_WORDS, 4), event(GOT), status=status))

    assert state.status is expected
    assert state.status_at
    assert state.status_at.day == (2 if expected is Status.DISPATCHED else 3)


def test_the_words_that_are_not_listed_are_reported_beside_the_status() -> None:
    reading = one(article(event(ODD_WORDS, 4), event(GOT), status="Awaiting collection"))

    assert [scan.code for scan in reading.scans if scan.meaning is None] == [ODD_WORDS.lower()]


def test_a_status_says_nothing_against_a_newest_event_that_is_listed() -> None:
    assert end(article(event(GOT), status="Delivered")).status is Status.DISPATCHED
    assert end(article(event("Delivered"), status="In transit")).status is Status.DELIVERED


def test_a_status_without_any_event_has_no_day_and_is_no_scan() -> None:
    assert one(article(status="Delivered")) == Reading(NUMBER)


@pytest.mark.parametrize(
    "text", ["Left at the post office", "Returned to sender", "Left in a parcel locker"]
)
def test_a_delivery_by_status_yields_to_words_that_may_say_otherwise(text: str) -> None:
    found = article(event(text, 4), event(GOT), status="Delivered")

    assert end(found).status is Status.DISPATCHED


def test_a_status_that_stays_is_no_second_attempt() -> None:
    later = article(
        event(ODD_WORDS, 5), event("Something else", 4), event(GOT), status="Unsuccessful Delivery"
    )

    assert end(later).status is Status.DISPATCHED


def test_the_status_further_up_counts_where_the_article_has_none() -> None:
    item = article(event(ODD_WORDS, 4), number=NUMBER, status="Unknown")

    assert end(consignment(item, count=1, status="Delivered in Full")).status is Status.DELIVERED


def test_an_unknown_status_hides_no_event() -> None:
    item = article(event("Onboard for delivery"), number=WHOLE, status="Unknown")

    assert end(consignment(item, count=1), number=WHOLE).status is Status.OUT_FOR_DELIVERY


# -- back at the sender ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Returned to sender", Status.DISPATCHED),
        ("Item returning to the sender", Status.DISPATCHED),
        ("Will be returned to sender if not collected", Status.DELIVERED),
    ],
)
def test_a_delivery_after_a_return_is_not_believed(text: str, expected: Status) -> None:
    found = article(event("Delivered", 9), event(text, 5), event(GOT), status="Delivered")

    assert end(found).status is expected


def test_a_delivery_before_a_return_stays() -> None:
    found = article(event("Returned to sender", 9), event("Delivered", 5), event(GOT))

    assert end(found).status is Status.DELIVERED


def test_a_return_that_is_mapped_turns_the_parcel() -> None:
    found = article(event("Delivered", 9), event("Returned to sender", 5), event(GOT))

    assert end(found, codes={"returned to sender": "returning"}).status is Status.RETURNED
    assert end(found, codes={"delivered after a return": "returned"}).status is Status.RETURNED


# -- several articles ----------------------------------------------------------------------


def two(second: str, *, count: int = 2, **more: Any) -> Any:
    one_day, next_day = event("Delivered", 4), event(second, 5)
    return consignment(
        article(one_day, event(GOT), number=FIRST, status="Delivered"),
        article(next_day, event(GOT), number=SECOND, status="Unknown"),
        count=count,
        **more,
    )


def test_a_consignment_is_not_delivered_before_all_articles_are() -> None:
    reading = one(two("Item processed at facility", status="Delivered"), number=WHOLE)

    assert ends(australiapost(), reading).status is Status.IN_TRANSIT
    assert [s.meaning for s in reading.scans if s.code == "part: delivered"] == [INFO]


def test_a_consignment_is_delivered_when_its_last_article_is() -> None:
    state = end(two("Delivered"), number=WHOLE)

    assert state.status is Status.DELIVERED
    assert state.delivered_at == datetime(2026, 3, 4, 23, tzinfo=UTC)


def test_an_article_the_answer_leaves_out_is_not_delivered() -> None:
    assert end(two("Delivered", count=3), number=WHOLE).status is Status.DISPATCHED
    lone = consignment(article(event("Delivered"), number=FIRST), count=2)
    assert end(lone, number=WHOLE).status is None


def test_articles_side_by_side_are_a_consignment_too() -> None:
    parts = (article(event("Delivered", 4), number=FIRST), article(event(GOT, 3), number=SECOND))

    assert end(*parts, number=WHOLE).status is Status.DISPATCHED


@pytest.mark.parametrize(
    ("number", "expected"), [(FIRST, Status.DELIVERED), (SECOND, Status.DISPATCHED)]
)
def test_an_article_asked_about_by_its_own_number_stands_for_itself(
    number: str, expected: Status
) -> None:
    assert end(two(GOT), number=number).status is expected


def test_a_consignment_called_like_its_first_article_is_still_all_of_them() -> None:
    items = (article(event("Delivered"), number=WHOLE), article(event(GOT, 2), number=SECOND))

    assert end(consignment(*items), number=WHOLE).status is Status.DISPATCHED


def test_an_attempt_after_a_delivery_takes_the_end_of_an_article_back() -> None:
    first = article(event("To be Re-Delivered", 6), event("Delivered", 4), number=FIRST)
    both = consignment(first, article(event("Delivered", 5), number=SECOND))

    assert end(both, number=WHOLE).status is Status.DELIVERY_FAILED


def test_articles_that_end_differently_end_nothing() -> None:
    assert end(two("Cancelled"), number=WHOLE).status is Status.DISPATCHED


def test_one_of_several_may_be_mapped_to_more() -> None:
    mine = {"part: delivered": "out_for_delivery"}

    assert end(two(GOT), number=WHOLE, codes=mine).status is Status.OUT_FOR_DELIVERY


# -- when ---------------------------------------------------------------------------------


def test_a_scan_abroad_keeps_the_offset_it_came_with() -> None:
    abroad = event("Departed facility", place="CHICAGO (US)", date="2026-01-07T08:49:00+11:00")

    assert one(article(abroad)).scans[0].at == datetime(2026, 1, 6, 21, 49, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "hour"),
    [
        ("2026-04-05T02:30:00+11:00", 15),  # Sydney's doubled hour, first time
        ("2026-04-05T02:30:00+10:00", 16),  # and second
        ("2026-04-05T02:30:00", 15),  # without offset: the first one
        ("2026-10-04T01:30:00", 15),
        ("2026-10-04T03:30:00", 16),  # the hour between does not exist
    ],
)
def test_both_sides_of_the_hour_when_clocks_change(stamp: str, hour: int) -> None:
    moment = one(article(event(GOT, date=stamp))).scans[0].at

    assert (moment.hour, moment.minute) == (hour, 30)


def test_an_event_without_a_day_is_left_out() -> None:
    assert len(one(article(event("Delivered", date=None), event(GOT))).scans) == 1


def test_events_are_put_in_order_by_time() -> None:
    reading = one(article(event(GOT, 2), event("Delivered", 9), event("Departed facility", 5)))

    assert [scan.at.day for scan in reading.scans] == [1, 4, 8]


def test_the_product_is_the_service_if_there_is_one() -> None:
    same = article(event(GOT), number=FIRST, product_type="eParcel")

    assert one(article(event(GOT), product_type="Express Post")).service == "Express Post"
    assert one(same, article(event(GOT), number=SECOND, product_type="Other")).service == ""


# -- the list and the recordings -----------------------------------------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "exception": "other",
    "delayed": "delayed",
    "unknown": "not listed",
}
# Wording -> what we read instead, and why. An entry that is not needed fails the test.
CORRECTED = {
    "Article damaged": ("damaged", "there is a word of its own for it"),
    "Cleared and awaiting international departure": ("in_transit", "customs are done with it"),
    "Item cleared by Customs": ("in_transit", "customs are done with it"),
}
# Recording -> how many scans we read instead, and why.
COUNTED_OTHERWISE = {
    "karrio-schema-consignment.json": (7, "the consignment block repeats two of the article's"),
}


def test_every_row_of_the_list_means_what_the_list_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "australiapost.csv").read_text("utf-8")
    differ = {}

    for row in csv.DictReader(text.splitlines()):
        (scan,) = one(article(event(row["code"]))).scans
        says = scan.meaning
        words = {str(w) for w in (says.status, says.problem) if w} if says else {"not listed"}
        if OLDER_WORDS.get(row["normalized"], row["normalized"]) not in words:
            (differ[row["code"]],) = words

    assert differ == {code: word for code, (word, _) in CORRECTED.items()}


def test_every_wording_we_list_stands_in_the_list(shared: Path) -> None:
    text = (shared / "data" / "codes" / "australiapost.csv").read_text("utf-8")

    known = {
        one(article(event(r["code"]))).scans[0].code for r in csv.DictReader(text.splitlines())
    }

    assert set(Australiapost.codes) <= known


RECORDED: dict[str, object] = {
    "karrio-generic-error.json": Throttled,
    "karrio-international-in-transit.json": ["in_transit", "delivered", "delivered"],
    "karrio-invalid-id.json": ["not found"],
    "karrio-mixed-error-and-delivered.json": ["not found", "delivered"],
    "karrio-schema-consignment.json": ["not found", "delivered"],
    "karrio-too-many-ids.json": Rejected,
}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines())
    mine = [row for row in rows if row["file"].startswith("australiapost/")]
    otherwise = {}

    for row in mine:
        name = Path(row["file"]).name
        told = _told(folder / row["file"])
        if not isinstance(told, list):
            assert told is RECORDED[name]
            assert row["expected_status"].startswith("(error"), name
            continue
        scans = [scan for reading in told for scan in reading.scans]
        assert [_word(reading) for reading in told] == RECORDED[name]
        assert all(word in row["expected_status"] for word in map(_word, told)), name
        if len(scans) != int(row["events"]):
            otherwise[name] = len(scans)
        if row["latest_event_time"]:
            latest = datetime.fromisoformat(row["latest_event_time"])
            assert max(scan.at for scan in scans) == latest, name
        assert all(scan.meaning for scan in scans), name

    assert {Path(row["file"]).name for row in mine} == set(RECORDED)
    assert {file.name for file in (folder / "australiapost").iterdir()} == set(RECORDED)
    assert otherwise == {name: count for name, (count, _) in COUNTED_OTHERWISE.items()}


def _told(file: Path) -> list[Reading] | type[CallError]:
    try:
        return australiapost().decode_body(file.read_bytes(), [])
    except CallError as error:
        return type(error)


def _word(reading: Reading) -> str:
    return "not found" if reading.not_found else str(ends(australiapost(), reading).status)
