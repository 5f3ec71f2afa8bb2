"""The demo drives the whole house for a week, and tells the customers the right things."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from tracker_sync.cli import week as demo
from tracker_sync.sandbox import show
from tracker_sync.sandbox.lives import ZONE, Parcel, moment, story
from tracker_sync.sandbox.results import DemoResult, Told
from tracker_sync.wire import Timer

CLOCK = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
EVENING = moment("1 19:00")
HASTE = 20  # seconds of the tests' timer in one real second
PLAIN = [
    "Shipment Dispatched",
    "Shipment In Transit",
    "Shipment Out for Delivery",
    "Shipment Delivered",
]
REVIEW = "Review Requested"
WANTED = {
    "1001": [*PLAIN, REVIEW],
    "1002": [
        *PLAIN[:3],
        "Shipment Ready for Pickup",
        "Shipment Pickup Reminder",
        "Shipment Delivered",
        REVIEW,
    ],
    "1003": [
        *PLAIN[:3],
        "Shipment Delivery Failed",
        "Shipment Out for Delivery",
        "Shipment Delivery Failed",
        "Shipment Ready for Pickup",
        "Shipment Delivered",
        REVIEW,
    ],
    "1004": [*PLAIN[:2], "Shipment Address Correction Required", *PLAIN[2:], REVIEW],
    "1005": ["Shipment Delayed", *PLAIN, REVIEW],
    "1006": [PLAIN[0], "Shipment Delayed", *PLAIN[1:], REVIEW],
    "1007": [*PLAIN[:3], "Shipment Returning to Sender"],
    "1008": [*PLAIN, *PLAIN, REVIEW],
    "1009": [*PLAIN, "Return Label Created", "Return In Transit", "Return Arrived"],
    "1010": [*PLAIN, REVIEW],
    "1011": [*PLAIN, REVIEW],
    "1012": [],
    "1013": [*PLAIN[:2], "Shipment Delivered", REVIEW],
    "1014": [*PLAIN[:3], "Shipment Delivery Failed", "Shipment Returning to Sender"],
    "1015": [*PLAIN, REVIEW],
}


def hasty() -> Timer:
    return Timer(lambda: time.monotonic() * HASTE, lambda seconds: time.sleep(seconds / HASTE))


@pytest.fixture(scope="module")
def result() -> DemoResult:
    return demo.run(clock=CLOCK, timer=hasty())


def order(result: DemoResult, number: str) -> Told:
    return next(told for told in result.orders if told.order == number)


def metrics(told: Told) -> list[str]:
    return [mail.metric for mail in told.mails]


def printed(result: DemoResult, tmp_path: Path) -> str:
    with (tmp_path / "screen").open("w+", encoding="utf-8") as file:
        console = Console(file=file, width=100, markup=False, highlight=False)
        console.print(*show.tables(result), sep="\n")
        file.seek(0)
        return file.read()


def test_every_story_has_a_row() -> None:
    assert [told.number for told in story()] == sorted(WANTED)


@pytest.mark.parametrize("number", WANTED)
def test_the_customer_is_told_what_happened(result: DemoResult, number: str) -> None:
    assert metrics(order(result, number)) == WANTED[number]


def test_a_mail_comes_after_what_it_tells_of(result: DemoResult) -> None:
    mails = [mail for told in result.orders for mail in told.mails]

    assert all(mail.happened <= mail.at for mail in mails)
    assert all(result.begins <= mail.at <= result.ends for mail in mails)


def test_quiet_kinds_wait_for_the_morning(result: DemoResult) -> None:
    held = order(result, "1011").mails[1]

    assert held.waited == "quiet hours"
    assert f"{held.at.astimezone(ZONE):%a %H:%M}" == "Wed 07:00"
    assert f"{held.happened.astimezone(ZONE):%a %H:%M}" == "Wed 04:00"


@pytest.mark.parametrize(
    ("number", "metric", "reason"),
    [
        ("1003", "Shipment Pickup Reminder", "ready_for_pickup is over"),
        ("1007", "Shipment Returned to Sender", "not enabled"),
        ("1009", REVIEW, "withdrawn: the customer returns something"),
        *(("1012", metric, "happened before we were switched on") for metric in PLAIN),
        ("1013", "Shipment Out for Delivery", "overtaken: delivered"),
        ("1014", "Shipment Returned to Sender", "not enabled"),
    ],
)
def test_what_is_withheld_has_its_reason(
    result: DemoResult, number: str, metric: str, reason: str
) -> None:
    assert (metric, reason) in {(kept.metric, kept.reason) for kept in order(result, number).kept}


def test_details_are_told(result: DemoResult) -> None:
    details = {told.order: {mail.detail for mail in told.mails} for told in result.orders}

    assert "not_handed_over" in details["1005"]
    assert "neighbour" in details["1010"]
    assert "collected" in details["1002"] & details["1003"]


def test_every_carrier_was_asked_and_nobody_without_end(result: DemoResult) -> None:
    assert set(result.calls) == {"dhl_parcel_de", "dhl_unified", "ups"}
    assert all(1 <= told.looks <= 60 * told.parcels for told in result.orders)
    assert sum(told.looks for told in result.orders) == result.looks


def test_nothing_needs_a_person(result: DemoResult) -> None:
    assert result.findings == ()


def test_what_is_still_owed_is_not_called_withheld() -> None:
    result = demo.run(clock=CLOCK, timer=hasty(), ends=moment("3 12:00"))

    assert all(kept.reason for told in result.orders for kept in told.kept)


def test_progress_is_told() -> None:
    heard: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        heard.append((done, of))

    result = demo.run(clock=CLOCK, timer=hasty(), progress=progress, ends=EVENING)

    assert heard == [(done, result.passes) for done in range(1, result.passes + 1)]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert demo.run(clock=CLOCK, timer=hasty(), ends=EVENING).mails
    assert not list(tmp_path.iterdir())


def test_a_variable_of_the_real_shop_does_not_reach_the_demo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRACKER_SYNC_KLAVIYO__PRIVATE_KEY", "pk_of_a_real_shop")

    result = demo.run(clock=CLOCK, timer=hasty(), ends=EVENING)

    assert order(result, "1001").mails


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_delay_messages_and_never_repeat_or_lose_one(result: DemoResult, seed: int) -> None:
    """What is found out too late may be withheld as overtaken; all else arrives, once."""
    rough = demo.run(clock=CLOCK, timer=hasty(), seed=seed)

    for calm, told in zip(result.orders, rough.orders, strict=True):
        missing = Counter(metrics(calm)) - Counter(metrics(told))
        late = Counter(k.metric for k in told.kept if k.reason.startswith(("overtaken", "older")))
        assert not missing - late, told.order
        assert not Counter(metrics(told)) - Counter(metrics(calm)) - _possible(calm), told.order


def _possible(calm: Told) -> Counter[str]:
    """What the calm week withheld only because something overtook it."""
    return Counter(kept.metric for kept in calm.kept if kept.reason.startswith("overtaken"))


def test_a_screen_of_100_columns_shows_it_all(result: DemoResult, tmp_path: Path) -> None:
    text = printed(result, tmp_path)
    lines = text.splitlines()

    assert max(map(len, map(str.rstrip, lines))) <= 100
    assert "…" not in text
    assert all(told.order in text for told in result.orders)
    assert sum(any(mail in line for mail in (*PLAIN, REVIEW)) for line in lines) > 60
    assert f"{result.mails} messages" in text


def test_a_screen_shows_no_address_and_no_number(result: DemoResult, tmp_path: Path) -> None:
    text = printed(result, tmp_path)

    assert "@" not in text
    assert not any(_number(parcel) in text for told in story() for parcel in told.parcels)


def _number(parcel: Parcel) -> str:
    return parcel.life.number
