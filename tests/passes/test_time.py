"""What the passing of time does: silence, reminders, retention, slow carriers."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from passes.world import BERLIN, START, World, configure, moment, world
from tracker_sync.model import Estimate, Kind, Meaning, Pickup, Reading, Scan, Status
from tracker_sync.sandbox.http import Response
from tracker_sync.sync import looked

A, B = "1Z999AA10123456784", "1Z999AA10123456799"
DHL = "00340434161094042557"
REMIND = """
messages: {quiet_hours: off, enable: [estimate_changed]}
follow_ups:
  pickup_reminder: {after: ready_for_pickup, delay: 3d}
  thank_you: {after: delivered, delay: 1d, metric: "Thank You"}
"""


def answer(shop: World, at: str, reading: Reading) -> None:
    """Let a carrier have said something, without asking it."""
    shop.now = moment(at)
    with shop.house() as house, house.store.transaction():
        (row,) = shop.rows("SELECT id FROM shipments WHERE number = ?", reading.number)
        looked.answered(house, house.carriers["ups"], row["id"], reading, now=shop.now)


def scan(at: str, status: Status) -> Scan:
    return Scan(moment(at), status.value, Meaning(status))


def test_silence_becomes_a_delay_on_the_morning_after_five_working_days(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h")
    shop.runs("3h", "240h", "6h")

    assert shop.kinds() == ["dispatched", "delayed"]
    told = shop.events()[-1].time.astimezone(BERLIN)
    assert f"{told:%a %H:%M}" == "Tue 09:00"  # Monday, then five working days, then the morning
    assert shop.events()[-1].properties["Detail"] == "stalled"


def test_a_label_that_is_never_used_is_told_once(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 2h")
    shop.runs("3h", "200h", "6h")

    assert shop.kinds() == ["delayed"]
    assert shop.events()[0].properties["Detail"] == "not_handed_over"


def test_a_number_nobody_ever_knew_is_given_up_with_one_notice(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.run("1h")
    early, late, later = shop.run("29d"), shop.run("31d"), shop.run("32d")

    assert (early.exit_code, late.exit_code, later.exit_code) == (0, 1, 0)
    assert "never found" in late.new_findings[0]
    assert shop.rows("SELECT closed_reason FROM shipments")[0]["closed_reason"] == "expired"
    assert shop.sent() == []


def test_a_scan_ahead_of_time_is_counted_when_it_is_due(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.run("1h")
    ahead = (scan("2h", Status.DISPATCHED), scan("9h", Status.OUT_FOR_DELIVERY))
    answer(shop, "3h", Reading(A, ahead))
    assert shop.status(A) == "dispatched"

    shop.run("9h")

    assert shop.status(A) == "out_for_delivery"


def test_the_pickup_reminder_comes_before_the_parcel_goes_back(tmp_path: Path) -> None:
    with world(tmp_path, wishes=REMIND) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.run("1h")
        waits = (scan("2h", Status.READY_FOR_PICKUP),)
        answer(shop, "3h", Reading(A, waits, pickup=Pickup("shop", until=moment("72h"))))
        shop.parcel(A, "ready_for_pickup 2h")
        shop.runs("4h", "80h", "2h")

        assert shop.sent() == ["ready_for_pickup 2h", "pickup_reminder 36h"]


def test_a_later_deadline_moves_the_reminder(tmp_path: Path) -> None:
    with world(tmp_path, wishes=REMIND) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.run("1h")
        waits = (scan("2h", Status.READY_FOR_PICKUP),)
        answer(shop, "3h", Reading(A, waits, pickup=Pickup("shop", until=moment("72h"))))
        answer(shop, "4h", Reading(A, waits, pickup=Pickup("shop", until=moment("300h"))))
        shop.parcel(A, "ready_for_pickup 2h")
        shop.runs("5h", "90h", "3h")

        assert shop.sent()[-1] == "pickup_reminder 74h"


def test_a_collected_parcel_needs_no_reminder_and_the_merchants_own_follow_up_goes(
    tmp_path: Path,
) -> None:
    with world(tmp_path, wishes=REMIND) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "ready_for_pickup 2h", "collected 30h")
        shop.runs("3h", "100h", "3h")

        assert shop.sent() == ["ready_for_pickup 2h", "delivered 30h", "Thank You 54h"]
        assert "pickup_reminder 1: withheld ready_for_pickup is over" in shop.fates()


def test_a_new_estimate_is_told_where_it_is_wanted(tmp_path: Path) -> None:
    with world(tmp_path, wishes=REMIND) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.run("1h")
        scans = (scan("2h", Status.DISPATCHED),)
        day = START.date() + timedelta(days=2)
        answer(shop, "3h", Reading(A, scans, estimate=Estimate(day)))
        answer(shop, "4h", Reading(A, scans, estimate=Estimate(day)))
        answer(shop, "5h", Reading(A, scans, estimate=Estimate(day + timedelta(days=1))))
        shop.parcel(A, "dispatched 2h")
        shop.run("6h")

        assert shop.kinds() == ["dispatched", Kind.ESTIMATE_CHANGED]
        assert shop.events()[-1].properties["EstimatedDelivery"] == "2026-11-05"


def test_a_forecast_that_slips_by_more_than_a_day_is_a_delay_on_the_next_morning(
    tmp_path: Path,
) -> None:
    with world(tmp_path, wishes=REMIND) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.run("1h")
        scans = (scan("2h", Status.DISPATCHED),)
        day = START.date() + timedelta(days=3)
        answer(shop, "3h", Reading(A, scans))
        answer(shop, "4h", Reading(A, scans, estimate=Estimate(day)))
        answer(shop, "5h", Reading(A, scans, estimate=Estimate(day + timedelta(days=2))))
        shop.parcel(A, "dispatched 2h", "in_transit 10h")
        shop.runs("6h", "30h", "4h")

        delayed = [e for e in shop.events() if e.properties.get("Detail") == "estimate_slipped"]
        assert [e.time.astimezone(BERLIN).strftime("%a %H:%M") for e in delayed] == ["Tue 09:00"]


def test_a_slow_carrier_holds_up_neither_the_others_nor_the_messages(tmp_path: Path) -> None:
    with world(tmp_path, "ups", "dhl_parcel_de") as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001", f"{DHL};dhl;b@shop.example;1002")
        shop.parcel(A, "dispatched 2h")
        shop.parcel(DHL, "dispatched 2h")
        told: list[float] = []
        shop.klaviyo.faults = lambda _n: told.append(time.monotonic())
        shop.carrier_faults = lambda carrier, _call: (
            Response(500, {}, b"", delay=4.0) if carrier == "ups" else None
        )
        begun = time.monotonic()
        shop.run("3h")

        assert shop.sent() == ["dispatched 2h"]
        assert told[0] - begun < 4.0 <= time.monotonic() - begun


def test_a_pass_ends_in_time_and_leaves_the_rest_due(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        configure(shop, "ups", wishes="polling: {pass_limit: 10s}\nmessages: {quiet_hours: off}\n")
        text = (tmp_path / "shop.yaml").read_text()
        (tmp_path / "shop.yaml").write_text(
            text.replace("client_secret: b,", "client_secret: b, workers: 1,")
        )
        shop.run("0h")
        numbers = [f"1Z999AA1012345{n:04}" for n in range(40)]
        shop.csv(*(f"{number};ups;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
        shop.carrier_faults = lambda _carrier, _call: Response(404, {}, b"{}", delay=0.4)
        begun = time.monotonic()
        report = shop.run("3h")

        assert time.monotonic() - begun < 12
        assert report.counts["asked"] > 5
        left = shop.rows("SELECT * FROM shipments WHERE next_poll_at <= '2026-11-02T09:00:00Z'")
        assert report.counts["asked"] + len(left) == 40
        assert report.counts["left"] == len(left) > 0


def test_recipients_are_forgotten_first_and_shipments_later(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "delivered 26h")
    shop.runs("3h", "110h", "6h")
    shop.run("61d")
    assert len(shop.rows("SELECT * FROM shipments WHERE email <> ''")) == 1

    shop.run("66d")
    assert shop.rows("SELECT email FROM shipments")[0]["email"] == ""
    assert shop.rows("SELECT body FROM messages WHERE body IS NOT NULL") == []

    shop.run("183d")
    assert shop.rows("SELECT * FROM shipments") == []
    shop.csv(f"{A};ups;a@shop.example;1001")
    report = shop.run("184d")
    assert "purged" in report.new_findings[0]
    assert shop.rows("SELECT * FROM shipments") == []


@pytest.mark.parametrize(
    ("onboarding", "sent", "history"),
    [("silent", [], 0), ("live", ["out_for_delivery -20h"], 0), ("backfill", [], 3)],
)
def test_what_happened_before_switching_on(
    tmp_path: Path, onboarding: str, sent: list[str], history: int
) -> None:
    wishes = f"messages: {{quiet_hours: off, onboarding: {onboarding}}}\n"
    with world(tmp_path, wishes=wishes) as shop:
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "dispatched -60h", "in_transit -40h", "out_for_delivery -20h")
        shop.run("0h")

        assert [s for s in shop.sent() if "out_for" not in s] == []
        assert len([e for e in shop.klaviyo.accepted if e.backfill]) == history


def test_the_public_key_of_an_old_set_up_still_works(tmp_path: Path) -> None:
    from tracker_sync.sandbox.klaviyo import PUBLIC_KEY

    with world(tmp_path) as shop:
        text = (tmp_path / "shop.yaml").read_text()
        (tmp_path / "shop.yaml").write_text(
            text.replace("private_key: pk_sandbox", f"public_key: {PUBLIC_KEY}")
        )
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "dispatched 2h")
        shop.run("3h")

        assert shop.sent() == ["dispatched 2h"]


def test_a_changed_recipient_gets_only_what_was_never_tried(shop: World) -> None:
    shop.run("0h")
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "dispatched 2h", "out_for_delivery 26h")
    shop.run("3h")
    shop.csv(f"{A};ups;new@shop.example;1001")
    shop.run("27h")

    assert shop.sent("a@shop.example") == ["dispatched 2h"]
    assert shop.sent("new@shop.example") == ["out_for_delivery 26h"]


def test_a_crowd_of_messages_to_one_recipient_is_held_and_told(tmp_path: Path) -> None:
    with world(tmp_path, wishes="messages: {quiet_hours: off, max_per_recipient: 3}\n") as shop:
        shop.run("0h")
        numbers = [f"1Z999AA1012345{n:04}" for n in range(6)]
        shop.csv(*(f"{number};ups;a@shop.example;{n}" for n, number in enumerate(numbers)))
        for number in numbers:
            shop.parcel(number, "dispatched 2h")
        report = shop.run("3h")
        assert len(shop.sent()) == 3
        assert "held" in report.new_findings[0]

        shop.run("28h")

        assert len(shop.sent()) == 6


def test_quiet_hours_hold_and_the_morning_judges_anew(tmp_path: Path) -> None:
    with world(tmp_path, wishes='messages: {quiet_hours: "21:00-07:00"}\n') as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;b@shop.example;1002")
        shop.parcel(A, "dispatched 15h", "out_for_delivery 23.5h")
        shop.parcel(B, "dispatched 15h")
        shop.run("16h")
        assert shop.sent() == []

        shop.run("24h")

        assert shop.sent("a@shop.example") == ["out_for_delivery 23.5h"]
        assert shop.sent("b@shop.example") == ["dispatched 15h"]


def test_the_merchants_own_follow_up_of_a_problem_counts_from_the_problem(tmp_path: Path) -> None:
    wishes = (
        "messages: {quiet_hours: off}\n"
        'follow_ups: {sorry: {after: delayed, delay: 1d, metric: "Sorry"}}\n'
    )
    with world(tmp_path, wishes=wishes) as shop:
        shop.run("0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "dispatched 2h", "delayed 10h")
        shop.runs("3h", "40h", "1h")

        assert shop.sent() == ["dispatched 2h", "delayed 10h", "Sorry 34h"]


def test_a_slow_carrier_is_asked_at_its_pace_until_the_pass_must_end(tmp_path: Path) -> None:
    with world(tmp_path, "dhl_unified") as shop:
        text = (tmp_path / "shop.yaml").read_text()
        (tmp_path / "shop.yaml").write_text(text.replace("per_second: 50", "per_second: 0.2"))
        shop.run("0h")
        numbers = [f"003404341610940{n:05}" for n in range(100)]
        shop.csv(*(f"{number};dhl;c{n}@shop.example;{n}" for n, number in enumerate(numbers)))
        begun = time.monotonic()
        report = shop.run("3h")

        # 210 of the 240 seconds, a call every five; no thread slept for it.
        assert 40 <= shop.calls["dhl_unified"] <= 43
        assert report.counts["left"] == 100 - shop.calls["dhl_unified"]
        assert time.monotonic() - begun < 30
