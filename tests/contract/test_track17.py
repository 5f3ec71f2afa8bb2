"""What only 17TRACK does: registrations, per-number refusals, several histories of one number."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.carriers import Parcel
from tracker_sync.carriers.errands import Registered
from tracker_sync.carriers.track17 import Config, Track17
from tracker_sync.errors import Rejected, Unavailable, Unreadable
from tracker_sync.lifecycle import trace
from tracker_sync.model import INFO, Meaning, Problem, Reading, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "track17"
NUMBER, OTHER = "T00AA0000000001", "T00AA0000000002"
NOT_FOUND = Reading(NUMBER, not_found=True)


def track17(**more: Any) -> Track17:
    return Track17(Config.model_validate({"api_key": "a-key", **more}))


def parcel(number: str = NUMBER, hint: str = "", shipped: datetime | None = None) -> Parcel:
    return Parcel(number, "evri", hint, shipped)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def answer(*accepted: Any, **codes: int) -> dict[str, Any]:
    rejected = [{"number": n, "error": {"code": code, "message": ""}} for n, code in codes.items()]
    return {"code": 0, "data": {"accepted": list(accepted), "rejected": rejected}}


def event(sub: str = "InTransit_Arrival", stamp: str = "2026-03-03T02:00:00Z") -> dict[str, Any]:
    return {"time_utc": stamp, "stage": None, "sub_status": sub, "description": "Words"}


def provider(key: int, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"provider": {"key": key, "name": "X"}, "events": list(events), **more}


def item(*providers: Any, carrier: int = 100331, **info: Any) -> dict[str, Any]:
    tracking = {"providers": list(providers)}
    return {"number": NUMBER, "carrier": carrier, "track_info": {"tracking": tracking, **info}}


def read(payload: Any, *parcels: Parcel) -> Reading:
    (reading,) = track17().read_for(payload, parcels or (parcel(),))
    return reading


def registered(payload: Any, *parcels: Parcel) -> list[Registered]:
    return list(track17().read_registered(payload, parcels or (parcel(),)))


def body(request: httpx.Request) -> Any:
    return json.loads(request.content)


# -- asking ------------------------------------------------------------------


def test_asks_by_post_with_the_key_and_nothing_but_the_numbers() -> None:
    request = track17().request([NUMBER, OTHER], None)

    assert (request.method, str(request.url)) == (
        "POST",
        "https://api.17track.net/track/v2.4/gettrackinfo",
    )
    assert request.headers["17token"] == "a-key"
    assert body(request) == [{"number": NUMBER}, {"number": OTHER}]


def test_the_merchants_carrier_number_is_sent_as_carrier() -> None:
    asked = (parcel(hint="100331"), parcel(OTHER))

    for request in (track17().request_for(asked, None), track17().register_request(asked, None)):
        assert body(request) == [{"number": NUMBER, "carrier": 100331}, {"number": OTHER}]


def test_neither_order_nor_person_is_sent() -> None:
    shipped = parcel(hint="100331", shipped=datetime(2026, 3, 1, tzinfo=UTC))

    assert body(track17().register_request([shipped], None)) == [
        {"number": NUMBER, "carrier": 100331}
    ]


def test_one_call_after_the_other_at_most_hourly_a_parcel() -> None:
    assert track17().config.workers == 1
    assert (Track17.batch, Track17.register_batch) == (40, 40)
    assert Track17.budget.per_second is not None
    assert Track17.budget.per_second <= 3
    assert Track17.min_gap == timedelta(hours=1)


def test_says_where_the_numbers_go() -> None:
    assert Track17.any_brand
    assert "17TRACK" in Track17.goes_to


# -- the remaining registrations ---------------------------------------------


def test_the_rest_of_the_plan_is_read() -> None:
    told = {"code": 0, "data": {"quota_total": 100, "quota_used": 88, "quota_remain": 12}}

    assert track17().has_quota
    assert str(track17().quota_request(None).url).endswith("/track/v2.4/getquota")
    assert track17().read_quota(told) == 12
    assert track17().read_quota({"code": 0, "data": {"quota_remain": -3}}) == 0


# -- registering -------------------------------------------------------------


def test_a_number_taken_or_taken_before_is_watched() -> None:
    payload = answer({"number": NUMBER, "carrier": 100331}, **{OTHER: -18019901})

    assert registered(payload, parcel(), parcel(OTHER)) == [Registered(NUMBER), Registered(OTHER)]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (-18019903, "17TRACK does not recognise the carrier: add via_code"),
        (-18019907, "17TRACK's limit of registrations a day is reached"),
        (-18019908, "the registrations of the 17TRACK plan are used up"),
        (-18010018, "17TRACK wants a postal code"),
        (-18010019, "17TRACK wants a postal code"),
        (-18010020, "17TRACK wants a postal code"),
        (-18010012, "17TRACK does not take numbers of this form"),
        (-18012345, "17TRACK does not take them (error -18012345)"),
    ],
)
def test_a_number_that_is_not_taken_says_why(code: int, why: str) -> None:
    (outcome,) = registered(answer(**{NUMBER: code}))

    assert outcome.number == NUMBER
    assert outcome.why.startswith(why)
    assert NUMBER not in outcome.why


@pytest.mark.parametrize("code", [-18019907, -18019908])
def test_a_used_up_plan_said_of_the_whole_call_is_said_of_each_number(code: int) -> None:
    outcomes = registered({"code": code, "data": None}, parcel(), parcel(OTHER))

    assert [o.number for o in outcomes] == [NUMBER, OTHER]
    assert all(o.why for o in outcomes)


def test_a_carrier_number_that_is_none_costs_no_registration() -> None:
    wrong, right = parcel(hint="evri"), parcel(OTHER, hint="100331")

    request = track17().register_request([wrong, right], None)
    outcomes = registered(answer({"number": OTHER}), wrong, right)

    assert body(request) == [{"number": OTHER, "carrier": 100331}]
    assert outcomes == [
        Registered(NUMBER, "via_code must be the carrier's number at 17TRACK, in digits"),
        Registered(OTHER),
    ]
    assert registered({"code": -18010010, "data": None}, wrong)[0].why


def test_an_empty_answer_to_a_registration_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        registered(answer())


# -- what is said of a number ------------------------------------------------


def test_only_what_17track_does_not_watch_is_unregistered() -> None:
    assert read(answer(**{NUMBER: -18019902})) == Reading(NUMBER, unregistered=True)
    assert read(answer(**{NUMBER: -18019909})) == NOT_FOUND
    assert read(answer(**{NUMBER: -18010012})) == NOT_FOUND
    assert read(answer(**{NUMBER: -18012345})) == Reading(NUMBER, unanswered=True)


def test_a_number_left_out_of_an_answer_is_not_unknown() -> None:
    """Calls at the same time were seen to come back empty."""
    readings = track17().read_for(answer(**{NUMBER: -18019909}), [parcel(), parcel(OTHER)])

    assert list(readings) == [NOT_FOUND, Reading(OTHER, unanswered=True)]


def test_a_number_comes_back_in_the_form_it_was_asked_in() -> None:
    reading = read(answer(**{NUMBER: -18019902}), parcel(NUMBER.lower()))

    assert reading.number == NUMBER.lower()


def test_a_registered_number_without_history_is_not_found() -> None:
    bare = {"number": NUMBER, "carrier": 100331, "track_info": None}

    assert read(answer(bare)) == NOT_FOUND
    assert read(answer(item(latest_status={"status": "NotFound", "sub_status": None}))) == NOT_FOUND


# -- refusals of a whole call -------------------------------------------------


@pytest.mark.parametrize("http", [200, 400, 401, 403])
@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (-18010002, 401, "compare api_key"),
        (-18010001, 403, "add this machine's IP address to its whitelist"),
        (-18010014, 400, "refuses the numbers"),
    ],
)
def test_a_refusal_says_what_to_do(http: int, code: int, status: int, words: str) -> None:
    inside = {"code": 0, "data": {"errors": [{"code": code, "message": "no"}]}}

    for payload in ({"code": code, "data": None}, inside):
        with pytest.raises(Rejected, match=words) as caught:
            track17().decode(httpx.Response(http, json=payload), [NUMBER])

        assert caught.value.status == status


def test_an_error_we_do_not_know_may_pass() -> None:
    with pytest.raises(Unavailable, match="-18010003"):
        track17().decode(httpx.Response(200, json={"code": -18010003, "data": None}), [NUMBER])


@pytest.mark.parametrize("payload", [{}, {"code": 0}, {"code": 0, "data": {"accepted": []}}])
def test_half_an_envelope_is_unreadable(payload: Any) -> None:
    with pytest.raises(Unreadable):
        track17().decode(httpx.Response(200, json=payload), [NUMBER])


# -- whose history -------------------------------------------------------------

OLD = event("Delivered_Other", "2025-08-04T13:05:00Z")
NEW = event("Delivered_Other", "2026-03-04T13:05:00Z")


@pytest.mark.parametrize(
    ("told", "scans"),
    [
        (item(provider(7, OLD), provider(100331, event())), 1),
        (item(provider(100331, event(), event()), provider(7, NEW)), 2),
        (item(provider(7, NEW)), 1),
        (item(provider(100331), provider(7, NEW)), 1),
        (item(provider(9, OLD), provider(7, event(), event()), misc_info={"local_key": 7}), 2),
    ],
    ids=["registered", "not the newest", "alone", "alone with events", "named partner"],
)
def test_one_carriers_history_counts(told: Any, scans: int) -> None:
    reading = read(answer(told))

    assert len(reading.scans) == scans
    assert not reading.ambiguous


def test_the_partner_of_the_last_leg_counts_once_it_has_newer_news() -> None:
    misc = {"local_key": 7}

    newer = item(provider(100331, event()), provider(7, NEW), misc_info=misc)
    older = item(provider(100331, NEW), provider(7, event()), misc_info=misc)

    assert [s.code for s in read(answer(newer)).scans] == ["Delivered_Other"]
    assert [s.code for s in read(answer(older)).scans] == ["Delivered_Other"]


def test_where_nothing_decides_nobody_is_believed() -> None:
    strangers = item(provider(7, NEW), provider(9, OLD))
    twice = answer(item(provider(100331, event())), item(provider(7, NEW), carrier=7))

    assert read(answer(strangers)) == Reading(NUMBER, ambiguous=True)
    assert read(twice) == Reading(NUMBER, ambiguous=True)


def test_the_merchants_carrier_number_decides_between_registrations() -> None:
    twice = answer(item(provider(100331, event())), item(provider(7, NEW), carrier=7))

    assert read(twice, parcel(hint="7")).scans[-1].code == "Delivered_Other"
    assert read(twice, parcel(hint="100331")).scans[-1].code == "InTransit_Arrival"


def test_the_ship_date_decides_between_registrations() -> None:
    twice = answer(item(provider(100331, event())), item(provider(7, OLD), carrier=7))

    def shipped(day: int, month: int = 3) -> Reading:
        return read(twice, parcel(shipped=datetime(2026, month, day, tzinfo=UTC)))

    assert shipped(2).scans[-1].code == "InTransit_Arrival"
    assert shipped(1, month=4) == NOT_FOUND


def test_a_number_asked_for_two_brands_is_believed_for_neither() -> None:
    twice = answer(item(provider(100331, event())), item(provider(7, NEW), carrier=7))

    assert read(twice, parcel(hint="7"), parcel(hint="100331")).ambiguous


# -- codes ---------------------------------------------------------------------


def test_a_stage_speaks_where_there_is_no_sub_status() -> None:
    bare = {**event(), "sub_status": None, "stage": "PickedUp"}

    (scan,) = read(answer(item(provider(100331, bare)))).scans

    assert (scan.code, scan.status) == ("PickedUp", Status.DISPATCHED)


@pytest.mark.parametrize("code", ["InTransit_ByBalloon", "Unstated", "Arrival/Delivered_Other"])
def test_whatever_a_code_looks_like_a_merchant_can_map_it(code: str) -> None:
    assert track17().meaning(code) is None
    assert track17(codes={code: "delivered"}).meaning(code) == Meaning(status=Status.DELIVERED)


def test_the_status_of_the_whole_is_never_put_on_an_older_event() -> None:
    """The latest event may stand in a history that does not count."""
    bare = {**event(), "sub_status": None}
    told = item(
        provider(100331, bare),
        provider(7, NEW),
        latest_event=NEW,
        latest_status={"status": "Delivered", "sub_status": "Delivered_Other"},
    )

    (scan,) = read(answer(told)).scans

    assert (scan.code, scan.meaning) == ("Unstated", None)


def test_a_signer_is_not_kept() -> None:
    signed = {**NEW, "description": "Delivered, signed for by: A PERSON"}

    (scan,) = read(answer(item(provider(100331, signed)))).scans

    assert "PERSON" not in scan.text


# -- times ---------------------------------------------------------------------


def raw(day: str, time: str | None, zone: str | None, sub: str = "InTransit_Other") -> Any:
    return {"time_raw": {"date": day, "time": time, "timezone": zone}, "sub_status": sub}


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (event(), "2026-03-03T02:00:00+00:00"),
        ({"time_iso": "2026-03-03T02:00:00+08:00"}, "2026-03-02T18:00:00+00:00"),
        (raw("2026-03-03", "02:00:00", "-05:00"), "2026-03-03T07:00:00+00:00"),
        (raw("2026-03-03", "02:00:00", "Z"), "2026-03-03T02:00:00+00:00"),
        (raw("2026-03-03", "02:00:00", None), "2026-03-03T02:00:00+00:00"),
        (raw("2026-03-03", "02:00:00", "Moscow"), "2026-03-03T02:00:00+00:00"),
        (raw("2026-03-03", None, None), "2026-03-03T12:00:00+00:00"),
    ],
)
def test_a_time_has_three_forms(told: Any, at: str) -> None:
    (scan,) = read(answer(item(provider(100331, told)))).scans

    assert scan.at.isoformat() == at


def test_a_date_in_a_form_we_do_not_know_is_not_guessed() -> None:
    told = answer(item(provider(100331, raw("03/04/2026", "02:00:00", None))))

    with pytest.raises(Unreadable):
        track17().decode(httpx.Response(200, json=told), [NUMBER])


def test_a_time_without_zone_is_not_after_17tracks_own_look() -> None:
    """Eight hours ahead of UTC, the clock on the wall shows what UTC has still to see."""
    synced = provider(
        100331, raw("2026-03-03", "20:00:00", None), latest_sync_time="2026-03-03T13:00:00Z"
    )

    (scan,) = read(answer(item(synced))).scans

    assert scan.at == datetime(2026, 3, 3, 13, tzinfo=UTC)


def test_times_without_zone_keep_their_order_and_both_hours_of_october() -> None:
    autumn = [raw("2026-10-25", f"0{hour}:30:00", None) for hour in (3, 2, 2, 1)]

    stamps = [scan.at for scan in read(answer(item(provider(100331, *autumn)))).scans]

    assert stamps == sorted(stamps)
    assert [stamp.hour for stamp in stamps] == [1, 2, 2, 3]


def test_a_delivered_parcel_has_no_forecast() -> None:
    forecast = {"estimated_delivery_date": {"source": "Official", "from": "2026-03-05T00:00:00Z"}}

    assert read(answer(item(provider(100331, event()), time_metrics=forecast))).estimate
    assert not read(answer(item(provider(100331, NEW), time_metrics=forecast))).estimate


# -- reference data of others, where it lies beside the repository -----------------

OLDER = {
    "not_found": INFO,
    "expired": INFO,
    "label_created": Meaning(Status.ANNOUNCED),
    "exception": Meaning(problem=Problem.OTHER),
    "address_issue": Meaning(problem=Problem.ADDRESS),
    "damaged": Meaning(problem=Problem.DAMAGED),
    "delayed": Meaning(problem=Problem.DELAYED),
}
REFUSED = Meaning(Status.DELIVERY_FAILED, Problem.REFUSED)
# Code -> our meaning, and why it is not the table's. An entry that is not needed fails the test.
CORRECTED = {
    "InTransit_PickedUp": (
        Meaning(Status.DISPATCHED),
        "the table's words have none for it; its comment says the order left the warehouse",
    ),
    "InTransit_CustomsRequiringInformation": (
        Meaning(problem=Problem.CUSTOMS),
        "we have a word for what customs want",
    ),
    "DeliveryFailure_Rejected": (REFUSED, "refused is a problem of its own beside the attempt"),
    "Exception_Rejected": (REFUSED, "refused is a problem of its own beside the attempt"),
}


def older(word: str) -> Meaning:
    return OLDER.get(word) or Meaning(Status(word))


def test_codes_mean_what_the_table_says_or_a_reviewed_correction(shared: Path) -> None:
    path = shared / "data" / "codes" / "aggregators.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "17track"]
    wanted = {row["raw"]: older(row["normalized"]) for row in rows}

    assert len(wanted) > 30
    assert {
        code: Track17.codes.get(code) for code, m in wanted.items() if Track17.codes.get(code) != m
    } == {code: meaning for code, (meaning, _) in CORRECTED.items()}


# Recording -> why it is no answer to a question of ours.
NOT_OURS = {
    "consumer_packages_response.json": "the consumer site's answer, numeric states",
    "consumer_packages_response_with_unknown_state.json": "the consumer site's, numeric states",
    "consumer_summary_response.json": "the consumer site's answer, numeric states",
    "v1_profile_openapi.yml": "a third party's description of version 1",
    "v1_profile_openapi_2.yml": "a third party's description of version 1",
    "v24_gettracklist_page.json": "a list without histories, which we do not ask for",
    "v24_webhook_tracking_stopped.json": "a webhook, which we do not take",
}
HISTORIES = {
    "v24_gettrackinfo_correios_2151.json": "delivered",
    "v24_gettrackinfo_exception_returning.json": "returning",
    "v24_gettrackinfo_yanwen_190012.json": "in_transit",
}
ERRANDS = {"v24_getquota.json", "v24_register_already_registered.json", "v24_register_mixed.json"}


def recording(shared: Path, name: str) -> Any:
    return json.loads((shared / "data" / "samples" / "17track" / name).read_text("utf-8"))


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        index = {row["file"]: row["expected_status"] for row in csv.DictReader(file)}
    ours = {name.split("/")[1]: word for name, word in index.items() if name.startswith("17track/")}

    told = {}
    for name in HISTORIES:
        first, *_ = track17().decode_body((folder / "17track" / name).read_bytes(), [])
        told[name] = str(trace(first.scans, zone=UTC, first_scan_rule=False).state.status)

    assert told == HISTORIES == {name: ours[name] for name in HISTORIES}
    assert {path.name for path in (folder / "17track").iterdir()} == {
        *NOT_OURS,
        *HISTORIES,
        *ERRANDS,
    }


def test_the_recorded_code_of_the_future_is_unknown_and_its_rejection_is_read(shared: Path) -> None:
    payload = recording(shared, "v24_gettrackinfo_yanwen_190012.json")

    known, missing = track17().read(payload, [])

    assert [s.code for s in known.scans if s.meaning is None] == ["InTransit_QuantumTunnelling"]
    assert missing.unregistered


def test_recorded_errands_read(shared: Path) -> None:
    mixed = recording(shared, "v24_register_mixed.json")
    again = recording(shared, "v24_register_already_registered.json")
    taken, wrong = parcel("AA123456789BR"), parcel("1234")

    assert track17().read_quota(recording(shared, "v24_getquota.json")) == 1098
    assert registered(again, taken) == [Registered(taken.number)]
    assert [o.why for o in registered(mixed, taken, wrong)] == [
        "",
        "17TRACK does not take numbers of this form",
    ]


@pytest.mark.parametrize("name", sorted(NOT_OURS))
def test_what_is_not_ours_is_refused_and_tells_of_no_parcel(shared: Path, name: str) -> None:
    content = (shared / "data" / "samples" / "17track" / name).read_bytes()

    with pytest.raises(Unreadable):
        track17().decode_body(content, [NUMBER])
