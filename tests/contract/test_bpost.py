"""What only bpost does: codes without texts, a pickup point on every item, two exceptions."""

from __future__ import annotations

import base64
import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.carriers.bpost import Bpost, Config
from tracker_sync.carriers.tables import meaning
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable
from tracker_sync.model import Estimate, Meaning, Pickup, Problem, Reading, Status

SAMPLES = Path(__file__).parents[1] / "samples" / "bpost"
NUMBER = "323212345659900040000099"
DOWN = b'<systemException xmlns="urn:a"><message>try again</message></systemException>'
NONE = b'<businessException xmlns="urn:b"><code>1</code></businessException>'
POINT = Pickup("", "POINT DE RETRAIT TEST", "RUE DE L'EXEMPLE 1, 1000 BRUXELLES")


def bpost(**more: Any) -> Bpost:
    keys = {"account_id": "an-account", "passphrase": "a-phrase"}
    return Bpost(Config.model_validate(keys | more))


def sample(name: str) -> Reading:
    (reading,) = bpost().decode_body((SAMPLES / f"{name}.xml").read_bytes(), [])
    return reading


def state(code: str, text: str = "", hour: int = 9, stamp: str = "") -> str:
    at = stamp or f"2026-06-03T{hour:02d}:00:00+02:00"
    words = f"<stateCode>{code}</stateCode><stateDescription>{text}</stateDescription>"
    return f"<stateInfo><time>{at}</time>{words}</stateInfo>"


def read(*inside: str, asked: str = NUMBER, **more: Any) -> Reading:
    point = "<pickupPoint><id>1</id><name>TEST</name></pickupPoint>"
    body = f"<itemTracking xmlns='urn:any'>{''.join(inside)}{point}</itemTracking>"
    (reading,) = bpost(**more).decode_body(body.encode(), [asked])
    return reading


def answered(status: int, body: bytes) -> list[Reading]:
    return bpost().decode(httpx.Response(status, content=body), [NUMBER])


# -- asking and errors ------------------------------------------------------------


def test_asks_for_one_number_with_its_login() -> None:
    request = bpost().request([NUMBER], None)

    assert str(request.url) == (
        f"https://api.parcel.bpost.cloud/services/trackedmail/item/{NUMBER}/trackingInfo"
    )
    login = base64.b64encode(b"an-account:a-phrase").decode()
    assert request.headers["authorization"] == f"Basic {login}"


@pytest.mark.parametrize(
    ("number", "own"),
    [("RB123456785BE", True), ("RB123456785DE", False), (NUMBER, False)],
)
def test_only_its_own_form_of_a_number_is_taken_for_its_own(number: str, own: bool) -> None:
    assert any(pattern.fullmatch(number) for pattern in Bpost.number_patterns) is own


@pytest.mark.parametrize("status", [200, 400, 404])
def test_a_business_exception_is_a_number_that_is_not_found(status: int) -> None:
    assert answered(status, NONE) == [Reading(NUMBER, not_found=True)]


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_a_system_exception_passes_and_says_nothing_about_the_number(status: int) -> None:
    with pytest.raises(Unavailable):
        answered(status, DOWN)


@pytest.mark.parametrize(
    ("status", "error"), [(401, Rejected), (403, Rejected), (429, Throttled), (500, Unavailable)]
)
@pytest.mark.parametrize("body", [DOWN, NONE])
def test_refused_keys_and_a_limit_stay_what_they_are(
    status: int, error: type[CallError], body: bytes
) -> None:
    with pytest.raises(error):
        answered(status, body)


def test_the_number_asked_counts_whatever_bpost_prints() -> None:
    assert read("<itemCode>1</itemCode>", asked="MY-1").number == "MY-1"


# -- what a state means -------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "wanted"),
    [
        ("L00", "", Meaning(Status.OUT_FOR_DELIVERY)),
        ("t00", "Whatever", Meaning(Status.IN_TRANSIT)),
        ("Z1", " BoundToRound -  out_for_distribution ", Meaning(Status.OUT_FOR_DELIVERY)),
        ("Z1", "DistributedNormally - regular", Meaning(Status.DELIVERED)),
        ("Z1", "DistributedNormally - to_somebody", None),
        ("Z1", "Delivered", None),
        ("Z1", "out for distribution", None),
        ("Z1", "", None),
        ("U03", "", Meaning(Status.DELIVERED)),
        ("U03", "DeliveredAtPickupPoint - regular", None),
        ("U03", "Distributed - returned_to_sender", None),
    ],
)
def test_a_code_counts_first_then_a_listed_sentence(
    code: str, text: str, wanted: Meaning | None
) -> None:
    (scan,) = read(state(code, text)).scans

    assert (scan.code, scan.meaning) == (code.upper(), wanted)


def test_a_merchants_mapping_wins_over_sentence_and_doubt() -> None:
    codes = {"Z1": Status.RETURNED, "U03": Status.DELIVERED, "text:new words": Problem.OTHER}

    reading = read(
        state("Z1", "DistributedNormally - regular", 8),
        state("U03", "Distributed - at_locker", 9),
        state("Z2", "New words", 10),
        codes=codes,
    )

    assert [scan.meaning for scan in reading.scans] == [
        Meaning(Status.RETURNED),
        Meaning(Status.DELIVERED),
        Meaning(problem=Problem.OTHER),
    ]


def test_states_come_oldest_first() -> None:
    reading = sample("same_minute")

    assert [scan.code for scan in reading.scans] == ["T00", "L00"]
    assert reading.scans[0].at == reading.scans[1].at


def test_offsets_keep_both_sides_of_the_october_hour_apart() -> None:
    assert [scan.at for scan in sample("october").scans] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 10, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2026-10-25T01:59:00", datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T03:00:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_a_stamp_without_offset_is_belgian_time(stamp: str, at: datetime) -> None:
    assert read(state("T00", stamp=stamp)).scans[0].at == at


# -- what goes with it ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["delivered", "out_for_delivery", "announced", "collected"])
def test_a_pickup_point_on_an_item_that_does_not_wait_is_no_signal(name: str) -> None:
    assert "<pickupPoint>" in (SAMPLES / f"{name}.xml").read_text("utf-8")
    assert sample(name).pickup is None


def test_the_pickup_point_is_told_while_a_parcel_waits_there() -> None:
    assert sample("ready_for_pickup").pickup == POINT


@pytest.mark.parametrize("later", ["Z99", "N04"])
def test_what_is_no_status_does_not_end_the_waiting(later: str) -> None:
    assert read(state("N74", hour=9), state(later, hour=10)).pickup == Pickup(name="TEST")


def test_the_forecast_has_its_window() -> None:
    assert sample("estimate_window").estimate == Estimate(
        date(2026, 6, 4),
        datetime(2026, 6, 4, 8, tzinfo=UTC),
        datetime(2026, 6, 4, 10, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("2026-06-04T00:30:00+02:00", Estimate(date(2026, 6, 4))),
        ("2026-06-04T12:00:00", Estimate(date(2026, 6, 4))),
        ("04/06/2026", None),
        ("20260604", None),
        ("", None),
    ],
)
def test_a_forecast_that_cannot_be_read_is_none(told: str, wanted: Estimate | None) -> None:
    assert read(f"<deliveryTime>{told}</deliveryTime>", state("T00")).estimate == wanted


def test_half_a_window_leaves_the_day() -> None:
    window = (
        "<deliveryTime>2026-06-04T12:00:00+02:00</deliveryTime><deliveryTimeWindow>"
        "<plannedDeliveryDateWindowStart>2026-06-05T12:00:00</plannedDeliveryDateWindowStart>"
        "</deliveryTimeWindow>"
    )

    assert read(window).estimate == Estimate(date(2026, 6, 4))


def test_the_time_of_a_delivery_is_no_forecast() -> None:
    assert sample("delivered").estimate is None


@pytest.mark.parametrize("name", ["delivered", "ready_for_pickup"])
def test_nobody_the_answer_names_is_kept(name: str) -> None:
    assert "kunde" not in repr(sample(name)).casefold()


# -- reference data ------------------------------------------------------------------

OLDER = {
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "delivered": "delivered",
    "customs": "!customs",
    "delayed": "!delayed",
    "exception": "!other",
    "address_problem": "!address",
    "delivery_attempted": "delivery_failed",
    "available_for_pickup": "ready_for_pickup",
}
# Code -> what we list instead, and why. An entry that is not needed fails the test.
CORRECTED = {
    "B03": ("delivery_failed!refused", "the row's own text says refused"),
    "B23": ("delivery_failed!refused", "the row's own text says refused"),
    "B05": ("!damaged", "the row's own text says damaged"),
    "B08": ("!damaged", "the row's own text says damaged"),
}


def test_every_code_of_the_table_means_what_it_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "bpost.csv").read_text("utf-8")
    rows = {row["code"]: OLDER[row["normalized"]] for row in csv.DictReader(text.splitlines())}

    differ = {code for code, word in rows.items() if Bpost.codes.get(code) != meaning(word)}

    assert differ == set(CORRECTED)
    assert all(Bpost.codes[code] == meaning(word) for code, (word, _) in CORRECTED.items())
    assert {code for code in Bpost.codes if not code.startswith("text:")} == set(rows)


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = {row["file"]: row for row in rows if row["file"].startswith("bpost/")}

    assert len(mine) == len(list((folder / "bpost").iterdir()))
    for name, row in mine.items():
        body = (folder / name).read_bytes()
        if row["expected_status"].startswith("(error"):
            with pytest.raises(Unavailable):
                bpost().decode_body(body, [])
            continue
        (reading,) = bpost().decode_body(body, [])
        assert len(reading.scans) == int(row["events"])
        assert reading.scans[-1].status == row["expected_status"]
        newest = datetime.fromisoformat(row["latest_event_time"]).replace(microsecond=0)
        assert reading.scans[-1].at == newest
