"""What is concluded from silence, when, and what refutes it: section 6 of the design.

Pretended weeks begin on Monday 2026-11-02, which has no holiday unless a test names one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from pure.histories import (
    BERLIN,
    MONDAY,
    Memory,
    history,
    moment,
    sentences,
    stands,
    steps,
    walked,
    working_week,
)
from tracker_sync.lifecycle.delays import Calendar, next_delay, slipped
from tracker_sync.model import Detail, Estimate, Origin, Problem, Scan

NO_HOLIDAY = working_week()
WEDNESDAY = date(2026, 11, 4)


def concluded(
    scans: Iterable[Scan], estimate: date | None = None, calendar: Calendar = NO_HOLIDAY
) -> Scan | None:
    return next_delay(walked(scans).state, Estimate(estimate) if estimate else None, calendar)


def spelled(scan: Scan | None) -> str:
    """Like `stalled Tue 10.11. 09:00`, Berlin time."""
    if scan is None or scan.meaning is None or scan.meaning.detail is None:
        return "none"
    return f"{scan.meaning.detail} {scan.at.astimezone(BERLIN):%a %d.%m. %H:%M}"


@sentences(
    "scans, estimate, delay",
    ("last heard on Monday", history("in_transit 12h"), None, "stalled Tue 10.11. 09:00"),
    ("last heard on Friday", history("in_transit 4d12h"), None, "stalled Mon 16.11. 09:00"),
    ("last heard on Saturday", history("in_transit 5d12h"), None, "stalled Mon 16.11. 09:00"),
    ("last heard on Sunday", history("in_transit 6d12h"), None, "stalled Mon 16.11. 09:00"),
    (
        "last heard before midnight",
        history("in_transit 23h59m"),
        None,
        "stalled Tue 10.11. 09:00",
    ),
    ("last heard after midnight", history("in_transit 24h"), None, "stalled Wed 11.11. 09:00"),
    (
        "a remark was heard last",
        history("in_transit 12h", "info 1d12h"),
        None,
        "stalled Wed 11.11. 09:00",
    ),
    (
        "an unknown code was heard last",
        history("in_transit 12h", "unknown 2d12h"),
        None,
        "stalled Thu 12.11. 09:00",
    ),
    (
        "a label was made on Monday",
        history("announced 8h"),
        None,
        "not_handed_over Thu 05.11. 09:00",
    ),
    (
        "a label was made on Thursday",
        history("announced 3d"),
        None,
        "not_handed_over Tue 10.11. 09:00",
    ),
    (
        "a label was made on Friday",
        history("announced 4d"),
        None,
        "not_handed_over Wed 11.11. 09:00",
    ),
    (
        "a label was made on Sunday",
        history("announced 6d"),
        None,
        "not_handed_over Wed 11.11. 09:00",
    ),
    (
        "the source made the label",
        history("source announced 8h"),
        None,
        "not_handed_over Thu 05.11. 09:00",
    ),
    (
        "a label was made, an estimate does not matter yet",
        history("announced 8h"),
        date(2026, 11, 2),
        "not_handed_over Thu 05.11. 09:00",
    ),
    (
        "expected on Wednesday",
        history("in_transit 12h"),
        WEDNESDAY,
        "estimate_passed Thu 05.11. 09:00",
    ),
    (
        "expected on Friday",
        history("in_transit 12h"),
        date(2026, 11, 6),
        "estimate_passed Mon 09.11. 09:00",
    ),
    (
        "expected on Saturday",
        history("in_transit 12h"),
        date(2026, 11, 7),
        "estimate_passed Mon 09.11. 09:00",
    ),
    (
        "expected after the silence got long",
        history("in_transit 12h"),
        date(2026, 11, 20),
        "stalled Tue 10.11. 09:00",
    ),
    (
        "the source dispatched it, nobody scanned it",
        history("source dispatched 12h"),
        WEDNESDAY,
        "estimate_passed Thu 05.11. 09:00",
    ),
    (
        "the source dispatched it, nothing is known",
        history("source dispatched 12h"),
        None,
        "none",
    ),
    (
        "it is out for delivery",
        history("out_for_delivery 2d8h"),
        WEDNESDAY,
        "estimate_passed Thu 05.11. 09:00",
    ),
    ("nothing is known", (), WEDNESDAY, "none"),
    ("it is delayed already", history("in_transit 12h", "delayed 1d"), WEDNESDAY, "none"),
    ("it waits in a shop", history("ready_for_pickup 12h"), WEDNESDAY, "none"),
    ("it is delivered", history("delivered 12h"), WEDNESDAY, "none"),
    ("it turned back", history("returning 12h"), WEDNESDAY, "none"),
    ("it is back", history("returned 12h"), WEDNESDAY, "none"),
    ("it is lost", history("lost 12h"), WEDNESDAY, "none"),
    ("it is cancelled", history("announced 8h", "cancelled 12h"), WEDNESDAY, "none"),
)
def test_silence_becomes_a_delay_on_the_next_working_morning(
    scans: tuple[Scan, ...], estimate: date | None, delay: str
) -> None:
    assert spelled(concluded(scans, estimate)) == delay


@pytest.mark.parametrize(
    ("holiday", "scans", "estimate", "delay"),
    [
        (date(2026, 11, 5), history("in_transit 12h"), None, "stalled Wed 11.11. 09:00"),
        (date(2026, 11, 10), history("in_transit 12h"), None, "stalled Wed 11.11. 09:00"),
        (date(2026, 11, 4), history("announced 8h"), None, "not_handed_over Fri 06.11. 09:00"),
        (
            date(2026, 11, 5),
            history("in_transit 12h"),
            WEDNESDAY,
            "estimate_passed Fri 06.11. 09:00",
        ),
        (WEDNESDAY, history("in_transit 12h"), WEDNESDAY, "estimate_passed Thu 05.11. 09:00"),
    ],
    ids=[
        "within the silence",
        "on the morning",
        "before the hand-over",
        "after the estimate",
        "on it",
    ],
)
def test_a_holiday_is_no_working_day(
    holiday: date, scans: tuple[Scan, ...], estimate: date | None, delay: str
) -> None:
    assert spelled(concluded(scans, estimate, working_week(holiday))) == delay


@pytest.mark.parametrize(
    ("scans", "estimate", "delay"),
    [
        (history("in_transit 12h"), None, "stalled Wed 11.11. 09:00"),
        (history("in_transit 12h"), WEDNESDAY, "estimate_passed Fri 06.11. 09:00"),
        (history("announced 8h"), None, "not_handed_over Thu 05.11. 09:00"),
    ],
)
def test_the_hand_over_goes_by_the_senders_calendar_and_the_rest_by_the_recipients(
    scans: tuple[Scan, ...], estimate: date | None, delay: str
) -> None:
    thursday_off = working_week(date(2026, 11, 5))
    calendar = Calendar(BERLIN, thursday_off.workday, sender=NO_HOLIDAY.workday)

    assert spelled(concluded(scans, estimate, calendar)) == delay


@pytest.mark.parametrize(
    ("friday", "morning"),
    [
        (date(2026, 10, 23), datetime(2026, 10, 26, 8, tzinfo=UTC)),
        (date(2026, 3, 27), datetime(2026, 3, 30, 7, tzinfo=UTC)),
    ],
    ids=["winter begins", "summer begins"],
)
def test_nine_oclock_is_nine_on_the_wall(friday: date, morning: datetime) -> None:
    assert NO_HOLIDAY.morning_after(friday) == morning


def test_a_conclusion_says_whose_it_is() -> None:
    delay = concluded(history("in_transit 12h"))

    assert delay is not None
    assert delay.origin is Origin.CLOCK
    assert delay.problem is Problem.DELAYED
    assert delay.code == "silent since 2026-11-02T11:00:00Z"


def given(scan: Scan | None) -> Scan:
    assert scan is not None
    return scan


STALLED = given(concluded(history("in_transit 12h")))
NOT_HANDED_OVER = given(concluded(history("announced 8h")))
ESTIMATE_PASSED = given(concluded(history("in_transit 12h"), WEDNESDAY))


@pytest.mark.parametrize(
    ("scans", "detail"),
    [
        ((*history("in_transit 12h"), STALLED), Detail.STALLED),
        ((*history("announced 8h"), NOT_HANDED_OVER), Detail.NOT_HANDED_OVER),
        ((*history("in_transit 12h"), ESTIMATE_PASSED), Detail.ESTIMATE_PASSED),
    ],
    ids=lambda value: str(value) if isinstance(value, Detail) else "",
)
def test_a_conclusion_opens_a_delay_like_a_scan(scans: tuple[Scan, ...], detail: Detail) -> None:
    traced = walked(scans)

    assert traced.state.problems == {Problem.DELAYED}
    assert traced.state.detail is detail
    assert traced.transitions[-1].at == scans[-1].at
    assert next_delay(traced.state, Estimate(WEDNESDAY), NO_HOLIDAY) is None


def test_a_conclusion_is_no_scan_of_the_carrier() -> None:
    state = walked((*history("in_transit 12h"), STALLED)).state

    assert state.last_scan_at == moment("12h")


@sentences(
    "scans, delay, ends",
    ("silence was no silence", history("in_transit 12h", "info 3d"), STALLED, "dispatched"),
    ("it moved on", history("in_transit 12h", "in_transit 3d"), STALLED, "in_transit"),
    ("it was delivered", history("in_transit 12h", "delivered 3d"), STALLED, "delivered"),
    ("it was never scanned at all", (), STALLED, "nothing"),
    (
        "it was handed over",
        history("announced 8h", "in_transit 1d"),
        NOT_HANDED_OVER,
        "dispatched",
    ),
    (
        "the source saw the hand-over",
        history("announced 8h", "source dispatched 1d"),
        NOT_HANDED_OVER,
        "dispatched",
    ),
    (
        "the label was cancelled",
        history("announced 8h", "cancelled 1d"),
        NOT_HANDED_OVER,
        "cancelled",
    ),
    (
        "it was delivered in time",
        history("in_transit 12h", "delivered 2d"),
        ESTIMATE_PASSED,
        "delivered",
    ),
    (
        "it waited in a shop in time",
        history("in_transit 12h", "ready_for_pickup 2d"),
        ESTIMATE_PASSED,
        "ready_for_pickup",
    ),
    (
        "it had turned back",
        history("in_transit 12h", "returning 2d"),
        ESTIMATE_PASSED,
        "returning",
    ),
)
def test_a_late_scan_refutes_what_silence_seemed_to_say(
    scans: tuple[Scan, ...], delay: Scan, ends: str
) -> None:
    """The scan is dated before the conclusion and was read after it."""
    traced = walked((delay, *scans))

    assert stands(traced.state) == ends
    assert Problem.DELAYED not in {t.word for t in traced.transitions}


@pytest.mark.parametrize(
    ("scans", "delay", "ends"),
    [
        (history("in_transit 12h", "out_for_delivery 9d"), STALLED, "out_for_delivery"),
        (history("in_transit 12h", "in_transit 9d"), STALLED, "in_transit"),
        (history("announced 8h", "in_transit 4d"), NOT_HANDED_OVER, "dispatched"),
        (history("announced 8h", "info 1d"), NOT_HANDED_OVER, "announced + delayed"),
        (
            history("in_transit 12h", "out_for_delivery 2d8h"),
            ESTIMATE_PASSED,
            "out_for_delivery + delayed",
        ),
        (history("in_transit 12h", "delivered 4d"), ESTIMATE_PASSED, "delivered"),
    ],
)
def test_a_true_conclusion_stays_until_the_next_forward_status(
    scans: tuple[Scan, ...], delay: Scan, ends: str
) -> None:
    traced = walked((delay, *scans))

    assert stands(traced.state) == ends
    assert Problem.DELAYED in {t.word for t in traced.transitions}


def test_a_delay_is_told_once_per_shipment() -> None:
    memory = Memory()
    memory.poll(*history("in_transit 12h"))

    first = memory.poll(given(_next(memory)))
    memory.poll(*history("in_transit 9d"))
    again = memory.poll(given(_next(memory)))

    assert (steps(first), again) == ("delayed", ())


def _next(memory: Memory) -> Scan | None:
    return next_delay(memory.traced.state, None, NO_HOLIDAY)


def test_it_does_not_matter_how_late_somebody_looks() -> None:
    """The conclusion is dated when it became true, and told after a weekend without a pass too."""
    on_time = concluded(history("in_transit 12h"))

    assert given(on_time).at == datetime(2026, 11, 10, 9, tzinfo=BERLIN)
    assert on_time == concluded(history("in_transit 12h")[::-1])
    assert given(on_time).at - MONDAY.astimezone(UTC) == timedelta(days=8, hours=9)


def promises(*days: int) -> Estimate:
    """What is kept of forecasts for these days of November, told an hour apart."""
    kept: Estimate | None = None
    for hour, day in enumerate(days):
        kept = slipped(kept, Estimate(date(2026, 11, day)), moment(f"{12 + hour}h"))
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ((5,), None),
        ((5, 6), None),
        ((5, 7), "13h"),
        ((5, 6, 7), "14h"),
        ((5, 7, 8, 9), "13h"),
        ((5, 7, 6), None),
        ((7, 5, 7), "14h"),
    ],
)
def test_a_forecast_slips_when_it_lies_over_a_day_behind_the_first_one(
    days: tuple[int, ...], since: str | None
) -> None:
    kept = promises(*days)

    assert kept.day == date(2026, 11, days[-1])
    assert kept.slipped_at == (moment(since) if since else None)


def test_a_slipped_forecast_is_a_delay_on_the_next_working_morning() -> None:
    state = walked(history("in_transit 12h")).state

    assert spelled(next_delay(state, promises(5, 7), NO_HOLIDAY)) == (
        "estimate_slipped Tue 03.11. 09:00"
    )
    assert spelled(next_delay(state, promises(5, 6), NO_HOLIDAY)).startswith("estimate_passed")
