"""When a parcel is asked about next: the pace, the night, failures, the carrier's own rules."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at, local
from pure.histories import BERLIN, sentences
from tracker_sync.model import Status
from tracker_sync.polling import Look, calls_a_parcel, next_look

HOUR = timedelta(hours=1)
UNKNOWN = "not known yet"


def look(status: str = "in_transit", since: str = "Tue 08:00", **changes: Any) -> Look:
    """What decides about a parcel in Germany, without jitter unless said."""
    facts = {
        "status": None if status == UNKNOWN else Status(status),
        "since": at(since),
        "zone": BERLIN,
        "jitter": 0.0,
    }
    return Look(**{**facts, **changes})


@sentences(
    "what, now, moment",
    ("announced", look("announced"), "Tue 09:00", "Tue 12:00"),
    ("dispatched", look("dispatched"), "Tue 09:00", "Tue 12:00"),
    ("on the road", look("in_transit"), "Tue 09:00", "Tue 12:00"),
    ("in the van", look("out_for_delivery"), "Tue 09:00", "Tue 09:30"),
    ("nobody at home", look("delivery_failed"), "Tue 09:00", "Tue 11:00"),
    ("waiting in a shop", look("ready_for_pickup"), "Tue 09:00", "Tue 15:00"),
    ("on its way back", look("returning"), "Tue 09:00", "Tue 21:00"),
    ("lost, but it may turn up", look("lost"), "Tue 09:00", "Wed 09:00"),
    ("cancelled, but it may be used", look("cancelled"), "Tue 09:00", "Wed 09:00"),
    ("lost for a week", look("lost", "2026-10-27 09:00"), "Tue 09:00", "Wed 09:00"),
    ("lost for more than a week", look("lost", "2026-10-27 08:59"), "Tue 09:00", "never"),
    ("cancelled for more than a week", look("cancelled", "2026-10-20 09:00"), "Tue 09:00", "never"),
    ("delivered", look("delivered"), "Tue 09:00", "never"),
    ("back at the sender", look("returned"), "Tue 09:00", "never"),
    ("not known yet, just announced to us", look(UNKNOWN, "Tue 09:00"), "Tue 09:00", "Tue 11:00"),
    ("not known yet, for sixteen hours", look(UNKNOWN, "Mon 17:00"), "Tue 09:00", "Tue 11:00"),
    ("not known yet, for two days", look(UNKNOWN, "Sun 09:00"), "2026-11-10 09:00", "Tue 15:00"),
    ("not known yet, for weeks", look(UNKNOWN, "2026-10-01 09:00"), "Tue 09:00", "Wed 09:00"),
    ("announced to us for tomorrow", look(UNKNOWN, "Wed 09:00"), "Tue 09:00", "Tue 11:00"),
)
def test_the_pace_follows_the_parcel(what: Look, now: str, moment: str) -> None:
    assert local(next_look(what, at(now))) == moment


@sentences(
    "what, now, moment",
    ("just before the night", look("out_for_delivery"), "Tue 21:29", "Tue 21:59"),
    ("the night begins", look("out_for_delivery"), "Tue 21:30", "Wed 06:00"),
    ("after midnight", look("out_for_delivery"), "Wed 01:00", "Wed 06:00"),
    ("before the morning", look("out_for_delivery"), "Wed 05:29", "Wed 06:00"),
    ("the morning begins", look("out_for_delivery"), "Wed 05:30", "Wed 06:00"),
    ("a Sunday is a day like any other", look(), "Sun 09:00", "Sun 12:00"),
    (
        "the night of October is an hour longer",
        *(look(), "2026-10-24 23:00", "Sun 06:00"),
    ),
    ("the night of March is an hour shorter", look(), "2026-03-28 23:00", "Sun 06:00"),
    (
        "the night is the brand's",
        *(look(zone=ZoneInfo("America/New_York")), "Tue 09:00", "Tue 12:00"),
    ),
    (
        "it is night in New York",
        *(look(zone=ZoneInfo("America/New_York")), "Tue 08:00", "Tue 12:00"),
    ),
    ("a failed call is repeated in the morning too", look(failures=1), "Tue 21:58", "Wed 06:00"),
)
def test_nobody_is_asked_at_night(what: Look, now: str, moment: str) -> None:
    assert local(next_look(what, at(now))) == moment


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [
        (1, 5),
        (2, 10),
        (3, 20),
        (4, 40),
        (5, 80),
        (6, 160),
        (7, 320),
        (8, 360),
        (9, 360),
        (500, 360),
    ],
)
def test_a_failed_call_is_repeated_after_a_growing_pause(failures: int, minutes: int) -> None:
    found = next_look(look(failures=failures), at("Tue 09:00"))

    assert found == at("Tue 09:00") + timedelta(minutes=minutes)


def test_after_a_failure_a_parcel_that_ended_is_asked_again_all_the_same() -> None:
    assert local(next_look(look("delivered", failures=1), at("Tue 09:00"))) == "Tue 09:05"


@sentences(
    "what, moment",
    ("the pace is slower than the gap", look(min_gap=HOUR), "Tue 12:00"),
    ("the pace is faster than the gap", look("out_for_delivery", min_gap=HOUR), "Tue 10:00"),
    ("a failed call keeps the gap", look(min_gap=HOUR, failures=1), "Tue 10:00"),
    ("calls are left today", look(max_per_day=10, calls_today=9), "Tue 12:00"),
    ("no calls are left today", look(max_per_day=10, calls_today=10), "Wed 06:00"),
    ("more were made than allowed", look(max_per_day=10, calls_today=11), "Wed 06:00"),
    (
        "no calls are left after a failure",
        *(look(max_per_day=10, calls_today=10, failures=1), "Wed 06:00"),
    ),
    (
        "the next look is later than tomorrow morning",
        *(look("lost", max_per_day=1, calls_today=1), "Wed 09:00"),
    ),
    ("no calls are allowed", look(max_per_day=0), "Wed 06:00"),
)
def test_the_carriers_own_rules_are_kept(what: Look, moment: str) -> None:
    assert local(next_look(what, at("Tue 09:00"))) == moment


@sentences(
    "what, latest",
    ("on the road", look(jitter=1.0), "Tue 12:18"),
    ("after a failure", look(jitter=1.0, failures=8), "Tue 15:36"),
    ("in the morning", look("out_for_delivery", jitter=1.0, failures=0), "Tue 09:33"),
    (
        "when the day's calls are used up",
        look(jitter=1.0, max_per_day=1, calls_today=1),
        "Wed 06:30",
    ),
)
def test_neighbours_do_not_move_in_step(what: Look, latest: str) -> None:
    assert local(next_look(what, at("Tue 09:00"))) == latest


def test_in_the_morning_not_all_are_asked_at_once() -> None:
    found = {local(next_look(look(jitter=j / 4), at("Tue 22:00"))) for j in range(5)}

    assert found == {"Wed 06:00", "Wed 06:07", "Wed 06:15", "Wed 06:22", "Wed 06:30"}


# -- whatever happens -----------------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
LOOKS = st.builds(
    Look,
    status=st.sampled_from([None, *Status]),
    since=MOMENTS,
    zone=st.sampled_from([BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]),
    jitter=st.floats(0, 1),
    failures=st.integers(0, 40),
    min_gap=st.timedeltas(timedelta(minutes=5), timedelta(hours=3)),
    calls_today=st.integers(0, 12),
    max_per_day=st.sampled_from([None, 1, 10]),
)


@given(LOOKS, MOMENTS)
def test_the_next_look_is_by_day_after_the_gap_and_within_two_days(
    what: Look, now: datetime
) -> None:
    found = next_look(what, now)

    if found is not None:
        clock = found.astimezone(what.zone).time()
        assert time(6) <= clock < time(22)
        assert now + what.min_gap <= found <= now + timedelta(days=2)


@given(LOOKS, MOMENTS)
def test_only_an_end_is_never_asked_about_again(what: Look, now: datetime) -> None:
    if next_look(what, now) is None:
        assert what.status in {Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED}
        assert not what.failures


@given(LOOKS, MOMENTS)
def test_no_day_sees_more_calls_than_the_carrier_allows(what: Look, now: datetime) -> None:
    found = next_look(what, now)

    if found and what.max_per_day is not None and what.calls_today >= what.max_per_day:
        assert found.astimezone(what.zone).date() > now.astimezone(what.zone).date()


def test_a_forecast_counts_what_a_parcel_costs_where_calls_are_plenty() -> None:
    assert calls_a_parcel() == pytest.approx(18.5)
    assert calls_a_parcel(days=6) == pytest.approx(32)
