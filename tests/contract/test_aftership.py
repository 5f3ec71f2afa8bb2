"""What only AfterShip does: any courier, a list of changes, registrations, subtags and tags."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.samples import SAMPLES, ends, make
from tracker_sync.carriers import Carrier, Parcel, errands
from tracker_sync.carriers.errands import Changes, Registered, Window
from tracker_sync.carriers.tables import table
from tracker_sync.errors import CallError, Rejected, Throttled, Unreadable
from tracker_sync.lifecycle import trace
from tracker_sync.model import Direction, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

NUMBER, OTHER = "60000000501", "60000000502"
SHIPPED = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNTIL = datetime(2026, 3, 6, 12, tzinfo=UTC)
WINDOW = Window(UNTIL - timedelta(hours=2), UNTIL)


def aftership(**more: Any) -> Carrier:
    return make("aftership", **more)


def entry(subtag: str, day: int = 4, stamp: str = "", **more: Any) -> dict[str, Any]:
    said = {"subtag": subtag, "tag": subtag.partition("_")[0], "slug": "gls", "message": "so"}
    return {**said, "checkpoint_time": stamp or f"2026-03-{day:02d}T10:00:00+01:00", **more}


def tracking(*entries: dict[str, Any], number: str = NUMBER, **more: Any) -> dict[str, Any]:
    tag = entries[-1]["tag"] if entries else "Pending"
    whole = {"tracking_number": number, "slug": "gls", "tag": tag, "checkpoints": list(entries)}
    return {**whole, **more}


def page(*trackings: Any, cursor: str = "") -> dict[str, Any]:
    pages = {"next_cursor": cursor, "has_next_page": bool(cursor)}
    data = {"pagination": pages, "trackings": list(trackings)}
    return {"meta": {"code": 200}, "data": data}


def one(*entries: dict[str, Any], codes: dict[str, str] | None = None, **more: Any) -> Reading:
    carrier = aftership(codes=codes or {})
    (reading,) = carrier.read(page(tracking(*entries, **more)), [NUMBER])
    return reading


def end(*entries: dict[str, Any], **more: Any) -> Status | None:
    return ends(aftership(), one(*entries, **more)).status


def whose(*trackings: Any, hint: str = "", shipped_at: datetime | None = None) -> Reading:
    parcel = Parcel(NUMBER, "gls", hint, shipped_at)
    (reading,) = aftership().read_for(page(*trackings), [parcel])
    return reading


# -- questions ----------------------------------------------------------------------


def test_the_key_stands_in_a_header_and_nowhere_else() -> None:
    carrier = make("aftership", api_key="secret")
    parcels = [Parcel(NUMBER)]
    asked = [carrier.request([NUMBER], None), carrier.feed_request(WINDOW, None)]

    for request in (*asked, carrier.register_request(parcels, None)):
        assert request.headers["as-api-key"] == "secret"
        assert "secret" not in str(request.url) + request.read().decode()


def test_a_list_of_changes_is_asked_for_in_one_stretch_with_a_cursor() -> None:
    first = aftership().feed_request(WINDOW, None).url.params
    second = aftership().feed_request(Window(WINDOW.since, UNTIL, "c2"), None).url.params

    assert first["updated_at_min"] == "2026-03-06T10:00:00+00:00"
    assert first["updated_at_max"] == "2026-03-06T12:00:00+00:00"
    assert first["created_at_min"] == "2025-11-07T12:00:00+00:00"
    assert (first["limit"], "cursor" in first) == ("200", False)
    assert second["cursor"] == "c2"


def test_a_month_is_one_stretch_and_ends_where_the_kept_data_do() -> None:
    feed = aftership().feed

    assert feed
    assert feed.window > feed.reach + feed.overlap
    assert feed.reach < timedelta(days=119)
    assert feed.every == aftership().min_gap == timedelta(hours=1)


@pytest.mark.parametrize(
    ("hint", "body"),
    [
        ("", {"tracking_number": NUMBER}),
        ("dhl-germany", {"tracking_number": NUMBER, "slug": "dhl-germany"}),
    ],
)
def test_a_number_is_registered_without_anything_about_the_recipient(
    hint: str, body: dict[str, str]
) -> None:
    parcel = Parcel(NUMBER, "dhl", hint, SHIPPED)

    request = aftership().register_request([parcel], None)

    assert request.method == "POST"
    assert json.loads(request.read()) == body


# -- registration ---------------------------------------------------------------------


def registered(status: int, code: int) -> list[Registered]:
    body = {"meta": {"code": code, "message": f"about {NUMBER}"}, "data": {}}
    answer = httpx.Response(status, json=body)
    timer = Timer(monotonic=lambda: 0.0, sleep=lambda _: None)
    wire = Wire("aftership", timer, transport=httpx.MockTransport(lambda _: answer))
    try:
        return errands.register(aftership(), wire, [Parcel(NUMBER)], None)
    finally:
        wire.close()


@pytest.mark.parametrize(("status", "code"), [(200, 200), (201, 201), (400, 4003)])
def test_a_number_that_is_there_already_is_as_good_as_new(status: int, code: int) -> None:
    assert registered(status, code) == [Registered(NUMBER)]


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (400, 4012, "cannot tell the courier"),
        (404, 4004, "does not know"),
        (400, 4005, "AfterShip answers 4005"),
    ],
)
def test_a_number_that_is_refused_says_why_without_the_number(
    status: int, code: int, why: str
) -> None:
    (outcome,) = registered(status, code)

    assert why in outcome.why
    assert NUMBER not in outcome.why


@pytest.mark.parametrize(("status", "error"), [(401, Rejected), (403, Rejected), (429, Throttled)])
def test_a_registration_is_not_refused_by_what_is_wrong_with_the_account(
    status: int, error: type[CallError]
) -> None:
    with pytest.raises(error):
        registered(status, status)


# -- errors ---------------------------------------------------------------------------


def test_a_throttle_lasts_until_the_calls_are_counted_anew() -> None:
    stamp = {"date": "Fri, 06 Mar 2026 12:00:00 GMT"}
    reset = {"x-ratelimit-reset": str(int(UNTIL.timestamp()) + 40)}

    def waits(headers: dict[str, str]) -> float | None:
        with pytest.raises(Throttled) as caught:
            aftership().decode(httpx.Response(429, headers=headers), [])
        return caught.value.retry_after

    assert waits(stamp | reset) == 40
    assert waits(stamp | reset | {"retry-after": "7"}) == 7
    assert waits(reset) is None
    assert waits(stamp | {"x-ratelimit-reset": "40"}) is None  # seconds or a moment? nobody says


@pytest.mark.parametrize(
    ("code", "error"), [(401, Rejected), (429, Throttled), (4008, Rejected), (500, CallError)]
)
def test_an_error_inside_a_good_answer_is_an_error(code: int, error: type[CallError]) -> None:
    body = json.dumps({"meta": {"code": code}, "data": {}}).encode()

    with pytest.raises(error):
        aftership().decode_body(body, [NUMBER])


# -- subtags and tags --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subtag", "expected"),
    [
        ("InfoReceived_099", Status.ANNOUNCED),
        ("InTransit_099", Status.IN_TRANSIT),
        ("OutForDelivery_099", Status.OUT_FOR_DELIVERY),
        ("AttemptFail_099", Status.DELIVERY_FAILED),
    ],
)
def test_an_unlisted_subtag_means_what_its_tag_means(subtag: str, expected: Status) -> None:
    reading = one(entry(subtag))

    assert [(scan.status, scan.code) for scan in reading.scans] == [(expected, subtag)]


@pytest.mark.parametrize("subtag", ["Delivered_099", "Exception_099", "AvailableForPickup_099"])
def test_a_tag_that_may_say_several_things_explains_no_subtag(subtag: str) -> None:
    (scan,) = one(entry(subtag)).scans

    assert scan.meaning is None
    assert scan.code == subtag


def test_a_merchant_can_say_what_an_unlisted_subtag_means() -> None:
    mapped = {"Delivered_099": "ready_for_pickup", "InTransit_099": "delayed"}
    scans = one(entry("InTransit_099"), entry("Delivered_099", 5), codes=mapped).scans

    assert [scan.problem or scan.status for scan in scans] == ["delayed", "ready_for_pickup"]


def test_a_tag_alone_is_enough() -> None:
    assert end(entry("", tag="Delivered"), tag="Delivered") is Status.DELIVERED


def test_an_entry_without_any_tag_is_kept_and_reported() -> None:
    (scan,) = one(entry("", tag=None)).scans

    assert (scan.code, scan.meaning) == ("without tag", None)


def test_nobody_who_signed_is_kept() -> None:
    signed = entry("Delivered_003", message="Delivered - signed for by M MUSTERNAME")

    assert "mustername" not in repr(one(signed, signed_by="M MUSTERNAME")).casefold()


# -- deliveries that are none ---------------------------------------------------------------

GOT, HERE = entry("InTransit_002", 2), entry("Delivered_001", 5)


@pytest.mark.parametrize(
    "back", [{"shipment_direction": "return"}, {"forward_shipment": {"id": "0" * 32}}]
)
def test_a_return_leg_is_an_arrival_at_the_shop_and_never_a_delivery(back: dict[str, Any]) -> None:
    reading = one(GOT, HERE, **back)
    as_return = trace(reading.scans, zone=UTC, direction=Direction.RETURN).state

    assert ends(aftership(), reading).status is Status.RETURNED
    assert as_return.status is Status.DELIVERED


@pytest.mark.parametrize("odd", ["odd", 7, [7]])
def test_a_forward_shipment_of_a_wrong_type_is_neither_a_return_nor_a_delivery(odd: object) -> None:
    body = json.dumps(page(tracking(GOT, HERE, forward_shipment=odd))).encode()

    with pytest.raises(Unreadable):
        aftership().decode_body(body, [NUMBER])


def test_a_forward_shipment_that_says_nothing_is_none() -> None:
    assert end(GOT, HERE, forward_shipment={"id": None}) is Status.DELIVERED


def test_a_delivery_told_twice_is_doubted_twice() -> None:
    assert end(GOT, HERE, HERE, tag="Exception") is not Status.DELIVERED


def test_a_return_leg_that_turns_back_never_arrives() -> None:
    reading = one(GOT, entry("Exception_010", 3), HERE, shipment_direction="return")
    state = trace(reading.scans, zone=UTC, direction=Direction.RETURN).state

    assert state.status is Status.DISPATCHED
    assert state.problems == frozenset({Problem.OTHER})


def test_a_subtag_that_is_not_listed_turns_with_its_leg() -> None:
    assert end(entry("InTransit_099"), shipment_direction="return") is Status.RETURNING


def test_a_link_to_a_later_return_takes_no_delivery_back() -> None:
    linked = {"id": "0" * 32, "tracking_number": OTHER, "slug": "gls"}

    assert end(GOT, HERE, return_shipment=linked) is Status.DELIVERED


def test_a_delivery_to_the_door_is_one_although_partners_are_named() -> None:
    miles = {"first_mile": {"slug": "yunexpress"}, "last_mile": {"slug": "gls"}}

    assert end(GOT, HERE, **miles) is Status.DELIVERED


@pytest.mark.parametrize(
    "against",
    [
        {"tag": "Exception"},
        {"tag": "AvailableForPickup"},
        {"first_mile": {"slug": "gls"}, "last_mile": {"slug": "bring"}},
    ],
)
def test_a_delivery_its_own_tracking_contradicts_is_not_believed(against: dict[str, Any]) -> None:
    reading = one(GOT, HERE, **against)

    assert ends(aftership(), reading).status is Status.DISPATCHED
    assert [s.code for s in reading.scans if not s.meaning] == ["doubtful/Delivered_001"]


def test_a_doubtful_delivery_can_be_mapped() -> None:
    mapped = {"doubtful/Delivered_001": "ready_for_pickup"}

    assert end(GOT, HERE, tag="Exception", codes=mapped) is Status.READY_FOR_PICKUP


# -- which parcel -------------------------------------------------------------------------


def test_a_number_that_is_missing_in_the_list_is_not_watched() -> None:
    answer = page(tracking(GOT))
    found = {r.number: r for r in aftership().read(answer, [NUMBER, OTHER])}

    assert found[OTHER] == Reading(OTHER, unregistered=True)
    assert found[NUMBER].scans


def test_a_number_may_stand_on_a_page_that_was_not_read() -> None:
    answer = page(tracking(GOT), cursor="more")

    assert [*aftership().read(answer, [OTHER])] == [Reading(OTHER, unanswered=True)]


def test_a_number_comes_back_as_it_was_asked() -> None:
    (reading,) = aftership().read(page(tracking(GOT, number="rr 1234-5678 de")), ["RR12345678DE"])

    assert reading.number == "RR12345678DE"


@pytest.mark.parametrize("tag", ["Pending", "Expired"])
def test_what_is_watched_and_has_no_news_is_not_found(tag: str) -> None:
    assert one(tag=tag) == Reading(NUMBER, not_found=True)


GLS = tracking(GOT)
UPS = tracking(entry("InTransit_002", 2, slug="ups"), entry("Delivered_001", 5, slug="ups"))
UPS["slug"] = "ups"
OLD = {**UPS, "checkpoints": [entry("Delivered_001", stamp="2025-08-01T10:00:00Z", slug="ups")]}


@pytest.mark.parametrize(("hint", "scans"), [("gls", 1), ("ups", 2)])
def test_the_courier_the_merchant_names_decides(hint: str, scans: int) -> None:
    assert len(whose(GLS, UPS, hint=hint).scans) == scans


def test_a_partner_of_the_last_mile_is_a_name_of_the_parcel_too() -> None:
    far = {**GLS, "slug": "yunexpress", "last_mile": {"slug": "gls-italy"}}

    assert whose(far, UPS, hint="gls-italy").scans


def test_nothing_decides_between_two_couriers() -> None:
    assert whose(GLS, UPS) == Reading(NUMBER, ambiguous=True)
    assert whose(GLS, UPS, shipped_at=SHIPPED) == Reading(NUMBER, ambiguous=True)


def test_the_day_of_shipping_decides_against_a_number_of_last_year() -> None:
    assert whose(GLS, OLD) == Reading(NUMBER, ambiguous=True)
    assert len(whose(GLS, OLD, shipped_at=SHIPPED).scans) == 1


def test_what_has_no_news_says_nothing_against_what_has() -> None:
    assert whose(GLS, tracking(slug="ups")).scans


def test_another_couriers_parcel_is_not_believed_by_its_number_alone() -> None:
    assert whose(UPS, hint="gls") == Reading(NUMBER, ambiguous=True)
    assert whose(UPS, hint="gls", shipped_at=SHIPPED).scans
    assert whose(OLD, hint="gls", shipped_at=SHIPPED).ambiguous


def test_one_tracking_of_no_sense_spoils_only_itself() -> None:
    odd = tracking(entry("InTransit_001", stamp="yesterday"), number=OTHER)
    found = {r.number: r for r in aftership().read(page(GLS, odd), [NUMBER, OTHER])}

    assert found[NUMBER].scans
    assert found[OTHER] == Reading(OTHER, unanswered=True)
    with pytest.raises(Unreadable):
        aftership().decode_body(json.dumps(page(odd)).encode(), [OTHER])


# -- the list of changes --------------------------------------------------------------------


def changed(*trackings: Any, cursor: str = "", window: Window = WINDOW) -> Changes:
    return aftership().read_feed(page(*trackings, cursor=cursor), window)


def test_a_page_of_changes_tells_whole_histories() -> None:
    there = tracking(GOT, HERE, number=OTHER)

    told = changed(GLS, there, cursor="c2")

    assert [(r.number, len(r.scans)) for r in told.readings] == [(NUMBER, 1), (OTHER, 2)]
    assert (told.moved, told.next_page) == ((), "c2")


def test_what_a_page_cannot_decide_is_worth_a_call() -> None:
    odd = tracking(entry("InTransit_001", stamp="yesterday"), number=OTHER)

    assert changed(GLS, UPS, odd) == Changes((), (NUMBER, OTHER))


def test_a_page_says_nothing_of_what_has_no_news() -> None:
    assert changed(tracking()) == Changes()


def test_a_list_that_does_not_end_is_left() -> None:
    with pytest.raises(ValueError, match="does not end"):
        changed(GLS, cursor="c2", window=Window(WINDOW.since, UNTIL, "c2"))


# -- when -------------------------------------------------------------------------------------


def moment(stamp: str, **more: Any) -> datetime:
    return one(entry("InTransit_001", stamp=stamp, **more)).scans[0].at


@pytest.mark.parametrize(
    ("stamp", "country", "expected"),
    [
        ("2026-03-04T10:00:00+08:00", "DEU", "2026-03-04T02:00:00+00:00"),
        ("2026-03-04T10:00:00.000Z", "DEU", "2026-03-04T10:00:00+00:00"),
        ("2026-03-04T10:00:00", "DEU", "2026-03-04T09:00:00+00:00"),
        ("2026-03-04T10:00:00", "USA", "2026-03-04T15:00:00+00:00"),  # New York: the first
        ("2026-03-04T10:00:00", None, "2026-03-03T20:00:00+00:00"),  # the first anywhere
        ("2026-10-25T02:10:00", "DEU", "2026-10-25T00:10:00+00:00"),  # first round
        ("2026-10-25T02:10:00+01:00", "DEU", "2026-10-25T01:10:00+00:00"),  # and second
        ("2026-03-29T02:30:00", "DEU", "2026-03-29T01:30:00+00:00"),  # does not exist
    ],
)
def test_a_local_time_is_never_taken_for_later_than_it_was(
    stamp: str, country: str | None, expected: str
) -> None:
    assert moment(stamp, country_region=country) == datetime.fromisoformat(expected)


def test_a_parcel_that_leaves_no_country_is_scanned_there() -> None:
    ends_in: dict[str, Any] = {"origin_country_region": "DEU", "destination_country_region": "DEU"}
    (scan,) = one(entry("InTransit_001", stamp="2026-03-04T10:00:00"), **ends_in).scans

    assert scan.at == datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_the_order_of_the_list_holds_where_a_zone_is_missing() -> None:
    out = entry("OutForDelivery_001", stamp="2026-03-04T08:00:00+01:00")
    here = entry("Delivered_001", stamp="2026-03-04T11:00:00")
    back = entry("OutForDelivery_001", stamp="2026-03-04T08:00:00")
    there = entry("Delivered_001", stamp="2026-03-04T08:30:00+01:00")

    assert end(out, here) is Status.DELIVERED  # not half a day before it went out
    assert end(back, there) is Status.DELIVERED  # not taken back by what came before it


def test_an_entry_without_a_time_is_left_out() -> None:
    assert len(one(GOT, entry("Delivered_001", checkpoint_time=None)).scans) == 1


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ({"type": "specific", "datetime": "2026-03-04"}, "2026-03-04"),
        ({"type": "specific", "datetime": "2026-03-04T23:30:00Z"}, "2026-03-04"),
        ({"datetime_min": "2026-03-04", "datetime_max": "2026-03-06"}, "2026-03-06"),
        ({"datetime": None}, None),
    ],
)
def test_a_forecast_is_a_day_of_the_recipient(told: dict[str, Any], day: str | None) -> None:
    estimate = one(GOT, latest_estimated_delivery=told).estimate

    assert (estimate and estimate.day.isoformat()) == day


# -- the list of tags and the recordings --------------------------------------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "address_issue": "address",
    "exception": "other",
    "expired": "info",
    "not_found": "info",
}
# Code -> what we read instead, and why. An entry that is not needed fails the test.
CORRECTED = {
    "InTransit_002": ("dispatched", "an acceptance scan: picked up"),
    "OutForDelivery_004": ("info", "a day was agreed on, nothing is in the van"),
    "Exception_009": ("other", "the courier does not take it: nobody rang at a door"),
}
# Recording -> what it reads as instead, and why.
OTHERWISE: dict[str, tuple[object, str]] = {
    "java_MarkAsCompletedResult.json": (
        ["out_for_delivery"],
        "closed as lost without an entry: nothing dates it, but its delivery is doubted",
    ),
    "aftership-api-v4-openapi.json": (Unreadable, "a description, no answer"),
    "java_Error.json": (Rejected, "an error"),
    "java_DeleteTrackingResult.json": ([None], "what was deleted: a number without a status"),
    "java_ReTrackResult.json": ([None], "a receipt without a status"),
    "TrackingTestCase_test_retrack__0.json": ([None], "a receipt without a status"),
}


def test_every_row_of_the_list_means_what_the_list_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "aggregators.csv").read_text("utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["source"] == "aftership"]
    codes, differ = table("aftership"), {}

    for row in rows:
        says = codes[row["raw"]]
        words = {str(word) for word in (says.status, says.problem) if word} or {"info"}
        if OLDER_WORDS.get(row["normalized"], row["normalized"]) not in words:
            (differ[row["raw"]],) = words

    assert {row["raw"] for row in rows} == set(codes)
    assert differ == {code: word for code, (word, _) in CORRECTED.items()}


def told(file: Path) -> object:
    try:
        found = aftership().decode_body(file.read_bytes(), [])
    except CallError as error:
        return type(error)
    return ["not_found" if r.not_found else ends(aftership(), r).status for r in found]


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines())
    mine = {Path(r["file"]).name: r for r in rows if r["file"].startswith("aftership/")}
    otherwise = {}

    for name, row in mine.items():
        found = told(folder / "aftership" / name)
        words = row["expected_status"].replace("expired", "not_found").split("|")
        if found != words:
            otherwise[name] = found

    assert {file.name for file in (folder / "aftership").iterdir()} == set(mine)
    assert otherwise == {name: found for name, (found, _) in OTHERWISE.items()}


def test_every_listed_code_says_one_of_the_nine_tags() -> None:
    codes = table("aftership")

    assert {code.partition("_")[0] for code in codes} == {c for c in codes if "_" not in c}


def test_samples_name_no_recipient() -> None:
    for path in SAMPLES.glob("aftership/*.json"):
        assert "@" not in path.read_text("utf-8")
