"""What only InPost does: no keys, places to wait in, an error body. Its histories are samples."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.carriers.inpost import Inpost, InpostConfig
from tracker_sync.carriers.tables import meaning as written
from tracker_sync.errors import Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Detail, Meaning, Pickup, Problem, Reading, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "inpost"
NUMBER = "620000000000000000000100"
LOCKER = {
    "target_machine_id": "XYZ01M",
    "target_machine_detail": {"address": {"line1": "ul. Testowa 1", "line2": "00-000 Warszawa"}},
}


def inpost(**settings: Any) -> Inpost:
    return Inpost(InpostConfig.model_validate(settings))


def body(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def sample(name: str) -> Reading:
    (reading,) = inpost().decode_body(body(name), [])
    return reading


def answer(*codes: str, **more: Any) -> dict[str, Any]:
    """Write an answer with one scan an hour, *codes* oldest first."""
    hours = [
        {"status": code, "origin_status": "X", "agency": None, "datetime": f"2026-03-02T{hour:02}"}
        for hour, code in enumerate(codes, start=8)
    ]
    for hour in hours:
        hour["datetime"] = f"{hour['datetime']}:00:00.000+01:00"
    return {"tracking_number": NUMBER, "tracking_details": hours[::-1], **more}


def read(payload: Any, asked: str | None = NUMBER, **settings: Any) -> Reading:
    (reading,) = inpost(**settings).read(payload, [asked] if asked else [])
    return reading


def fault(error: str, status: int) -> dict[str, Any]:
    return {"status": status, "error": error, "message": f"{NUMBER} shipment.", "details": {}}


# -- asking --------------------------------------------------------------------------


def test_asks_for_one_number_without_any_key() -> None:
    request = inpost().request([NUMBER], None)

    assert str(request.url) == f"https://api-shipx-pl.easypack24.net/v1/tracking/{NUMBER}"
    assert "authorization" not in request.headers
    assert inpost().token_request() is None


@pytest.mark.parametrize("number", ["../statuses?lang=en_GB#x", "..", "."])
def test_a_strange_number_stays_a_part_of_the_path(number: str) -> None:
    path = inpost().request([number], None).url.raw_path

    assert path.startswith(b"/v1/tracking/%2E")
    assert path.count(b"/") == 3


# -- locker, shop and branch ---------------------------------------------------------


WAITING = [
    "ready_in_locker",
    "reminder",
    "temporary_locker",
    "from_temporary_to_target_locker",
    "parcel_point",
    "branch",
    "redirected",
]


@pytest.mark.parametrize("name", WAITING)
def test_a_parcel_that_waits_is_not_delivered(name: str) -> None:
    scans = sample(name).scans

    assert Status.DELIVERED not in {scan.status for scan in scans}
    assert scans[-1].status is Status.READY_FOR_PICKUP


def test_one_code_alone_says_delivered() -> None:
    delivered = {code for code, m in Inpost.codes.items() if m.status is Status.DELIVERED}

    assert delivered == {"delivered"}


def test_the_status_beside_the_history_is_not_believed() -> None:
    """It has no time of its own."""
    assert json.loads(body("status_ahead_of_history"))["status"] == "delivered"
    assert sample("status_ahead_of_history").scans[-1].status is Status.READY_FOR_PICKUP


def test_the_locker_is_named_where_the_parcel_waits_in_it() -> None:
    pickup = sample("ready_in_locker").pickup

    assert pickup == Pickup("locker", "XYZ01M", "ul. Testowa 1, 00-000 Warszawa")


def test_a_reminder_does_not_change_the_place() -> None:
    codes = ("ready_to_pickup", "pickup_reminder_sent")

    assert read(answer(*codes, custom_attributes=LOCKER)).pickup == Pickup(
        "locker", "XYZ01M", "ul. Testowa 1, 00-000 Warszawa"
    )


@pytest.mark.parametrize(
    ("codes", "pickup"),
    [
        (["out_for_delivery"], None),
        (["pickup_reminder_sent"], None),
        (["stack_in_box_machine"], Pickup("locker")),
        (["ready_to_pickup", "ready_to_pickup_from_branch"], Pickup("branch")),
        (["ready_to_pickup_from_pok"], Pickup("shop")),
        (["ready_for_collection"], Pickup()),
        (["redirect_to_box", "ready_to_pickup"], Pickup("locker")),
    ],
)
def test_another_place_than_the_target_is_not_given_its_name(
    codes: list[str], pickup: Pickup | None
) -> None:
    assert read(answer(*codes, custom_attributes=LOCKER)).pickup == pickup


@pytest.mark.parametrize(
    ("attributes", "pickup"),
    [
        (None, Pickup("locker")),
        ([], Pickup("locker")),
        ({"target_machine_id": 7}, Pickup("locker")),
        ({"target_machine_id": "XYZ01M"}, Pickup("locker", "XYZ01M")),
        ({**LOCKER, "target_machine_detail": "here"}, Pickup("locker", "XYZ01M")),
        ({**LOCKER, "target_machine_detail": {"address": None}}, Pickup("locker", "XYZ01M")),
    ],
)
def test_a_locker_in_another_shape_is_left_blank(attributes: object, pickup: Pickup) -> None:
    assert read(answer("ready_to_pickup", custom_attributes=attributes)).pickup == pickup


# -- what a scan means ---------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "pickup_time_expired",
        "stack_parcel_pickup_time_expired",
        "stack_parcel_in_box_machine_pickup_time_expired",
    ],
)
def test_a_parcel_nobody_collected_goes_back(code: str) -> None:
    assert Inpost.codes[code] == Meaning(Status.RETURNING)


def test_a_refused_parcel_goes_back_for_that_reason() -> None:
    assert Inpost.codes["rejected_by_receiver"] == Meaning(Status.RETURNING, Problem.REFUSED)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("readdressed", "a wish moves no parcel: the first scan would be told as the dispatch"),
        ("redirect_to_box", "the same"),
        ("canceled_redirect_to_box", "the same"),
        ("permanently_redirected_to_box_machine", "the same"),
        ("permanently_redirected_to_customer_service_point", "the same"),
        ("returned_to_agency", "an agency is a branch; the turn would hide a later delivery"),
    ],
)
def test_what_neither_moves_nor_turns_a_parcel_changes_nothing(code: str, why: str) -> None:
    assert Inpost.codes[code] == Meaning(), why


@pytest.mark.parametrize("code", ["", "other", "DELIVERED", "delivered_to_box", "XXX"])
def test_a_word_that_is_not_listed_says_nothing(code: str) -> None:
    (scan,) = read(answer(code)).scans

    assert (scan.code, scan.meaning) == (code, None)


def test_a_merchant_can_say_what_a_new_word_means() -> None:
    (scan,) = read(answer("teleported"), codes={"teleported": "in_transit"}).scans

    assert scan.status is Status.IN_TRANSIT


def test_service_and_branch_are_kept_and_the_inner_status_is_not() -> None:
    reading = sample("delivered")

    assert reading.service == "inpost_locker_standard"
    assert (reading.scans[3].code, reading.scans[3].place) == ("collected_from_sender", "AAA")
    assert {scan.text for scan in reading.scans} == {""}


def test_scans_of_one_second_keep_the_order_of_the_list() -> None:
    codes = [scan.code for scan in sample("same_minute").scans]

    assert codes[-3:] == ["out_for_delivery", "ready_to_pickup", "delivered"]


def test_a_stamp_without_offset_is_polish_time() -> None:
    summer = {"status": "delivered", "datetime": "2026-07-01T12:00:00"}

    (scan,) = read({"tracking_number": NUMBER, "tracking_details": [summer]}).scans

    assert scan.at == datetime(2026, 7, 1, 10, tzinfo=UTC)


# -- which parcel, and faults --------------------------------------------------------


def test_the_number_that_was_asked_counts_and_else_the_one_in_the_answer() -> None:
    assert read(answer("delivered"), "6200 0000").number == "6200 0000"
    assert read(answer("delivered"), None).number == NUMBER
    assert read({"tracking_details": []}, None).number is None


@pytest.mark.parametrize("details", [[], None])
def test_a_parcel_without_history_is_found(details: object) -> None:
    assert read({"tracking_number": NUMBER, "tracking_details": details}) == Reading(NUMBER)


def test_not_found_is_no_error() -> None:
    response = httpx.Response(404, json=fault("resource_not_found", 404))

    assert inpost().decode(response, [NUMBER]) == [Reading(NUMBER, not_found=True)]
    assert read(fault("resource_not_found", 404)) == Reading(NUMBER, not_found=True)


def test_a_saved_not_found_names_its_number() -> None:
    assert read(fault("resource_not_found", 404), None).number == NUMBER
    assert read(fault("resource_not_found", 404) | {"message": "no"}, None).number is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, Unreadable),
        (403, Rejected),
        (404, Unreadable),
        (429, Throttled),
        (500, Unavailable),
        ("soon", Unreadable),
    ],
)
def test_another_error_body_is_never_not_found(status: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        inpost().decode_body(json.dumps(fault("something_else", status)).encode(), [NUMBER])


@pytest.mark.parametrize("stamp", ["datetime", "03.02.2026 10:00", None, 1772000000])
def test_a_date_that_is_none_is_never_guessed(stamp: object) -> None:
    payload = {"tracking_details": [{"status": "delivered", "datetime": stamp}]}

    with pytest.raises(Unreadable):
        inpost().decode_body(json.dumps(payload).encode(), [NUMBER])


# -- recordings and the table of others, where they lie beside the repository --------

# Recording -> why its body is no answer of this API as it stands. An entry too many is a failure.
UNREADABLE = {
    "group-track-parcels-synthetic.json": "made up, in the shape of the Group API",
    "mobile-app-courier-parcel.json": "an answer to InPost's app; its sequence is read below",
    "mobile-app-parcel-locker.json": "an answer to InPost's app; its sequence is read below",
    "shipx-success.json": "its author masked the dates; read below with dates",
}
WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "address_problem": "!address",
    "delayed": "!delayed",
    "exception": "!other",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
}
# Code -> what we take it for instead; the reasons stand at the tests above.
OTHERWISE = {
    "readdressed": "info",
    "redirect_to_box": "info",
    "canceled_redirect_to_box": "info",
    "permanently_redirected_to_box_machine": "info",
    "permanently_redirected_to_customer_service_point": "info",
    "returned_to_agency": "info",
    "rejected_by_receiver": "returning!refused",
}


def recordings(shared: Path) -> dict[str, dict[str, str]]:
    rows = csv.DictReader((shared / "data/samples/INDEX.csv").read_text("utf-8").splitlines())
    return {r["file"].partition("/")[2]: r for r in rows if r["file"].startswith("inpost/")}


def dated(recorded: dict[str, Any]) -> dict[str, Any]:
    """Return a recording as ShipX would answer: the app's event log, or dates for masked ones."""
    log = recorded.get("eventLog")
    if log is None:
        words = [detail["status"] for detail in recorded["tracking_details"]]
        return recorded | answer(*reversed(words))
    history = [{"status": e["name"].lower(), "datetime": e["date"]} for e in log]
    return {"tracking_number": recorded["shipmentNumber"], "tracking_details": history}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    unreadable = set()
    for name, row in recordings(shared).items():
        try:
            (reading,) = inpost().decode_body(
                (shared / "data/samples" / row["file"]).read_bytes(), []
            )
        except Unreadable:
            unreadable.add(name)
            continue
        assert (row["expected_status"], reading.not_found) == ("(error/not found)", True)
        assert len(reading.scans) == int(row["events"])

    assert unreadable == set(UNREADABLE)


@pytest.mark.parametrize("name", sorted(set(UNREADABLE) - {"group-track-parcels-synthetic.json"}))
def test_recorded_sequences_end_as_the_index_says(shared: Path, name: str) -> None:
    row = recordings(shared)[name]
    recorded = json.loads((shared / "data/samples" / row["file"]).read_bytes())

    scans = read(dated(recorded)).scans

    assert scans[-1].status == WORDS.get(row["expected_status"], row["expected_status"])
    assert len(scans) == int(row["events"])
    assert all(scan.meaning for scan in scans)
    if "masked" not in row["latest_event_time"]:
        moment = datetime.fromisoformat(row["latest_event_time"])
        assert scans[-1].at == moment.replace(microsecond=0)


def test_the_table_says_what_others_read_but_for_a_few(shared: Path) -> None:
    rows = csv.DictReader((shared / "data/codes/inpost.csv").read_text("utf-8").splitlines())
    theirs = {row["code"]: row["normalized"] for row in rows if row["subcode"] == "shipx"}
    expected = {code: written(WORDS.get(word, word)) for code, word in theirs.items()}

    differing = {code for code in expected if Inpost.codes[code] != expected[code]}

    assert differing == set(OTHERWISE)
    assert dict(Inpost.codes) == expected | {c: written(w) for c, w in OTHERWISE.items()}


def test_no_delivery_has_a_detail_the_carrier_does_not_tell() -> None:
    details: set[Detail | None] = {meaning.detail for meaning in Inpost.codes.values()}

    assert details == {None}
