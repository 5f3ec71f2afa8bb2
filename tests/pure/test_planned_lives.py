"""Whole lives under the planner: the gaps it keeps, and what it promises about the delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pretend_lives import DAY, Life, lives
from pure.histories import BERLIN
from tracker_sync.model import Status
from tracker_sync.polling import Habits, Look, Price, estimate, plan

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; the clocks change four weeks later
MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=2, hours=1)
WORDS = [str(status) for status in Status] + ["problem"]
STEPS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(1, 4 * DAY)), min_size=1, max_size=8)


def moment(minutes: int) -> datetime:
    return START + minutes * MINUTE


def history(steps: Sequence[tuple[str, int]]) -> list[tuple[str, datetime]]:
    """Steps with their pauses, as a history."""
    found, at = [], 0
    for word, pause in steps:
        at += pause
        found.append((word, moment(at)))
    return found


@settings(max_examples=60)
@given(
    told=st.lists(STEPS, max_size=4),
    life=STEPS,
    gap=st.timedeltas(timedelta(), timedelta(hours=3)),
    most=st.sampled_from([None, 1, 2, 5]),
    price=st.floats(1, 400),
    jitter=st.floats(0, 1),
)
def test_whatever_was_learned_the_rules_are_kept_through_a_whole_life(
    told: list[list[tuple[str, int]]],
    life: list[tuple[str, int]],
    gap: timedelta,
    most: int | None,
    price: float,
    jitter: float,
) -> None:
    habits = Habits()
    for steps in told:
        habits.observe("dhl", history(steps), history(steps)[-1][1], zone=BERLIN)
    scans = history(life)
    now, calls = scans[0][1], Counter[date]()

    for _ in range(25):
        word, since = [step for step in scans if step[1] <= now][-1]
        today = now.astimezone(BERLIN).date()
        look = Look(
            status=Status.IN_TRANSIT if word == "problem" else Status(word),
            problem=word == "problem",
            since=since,
            zone=BERLIN,
            jitter=jitter,
            brand="dhl",
            min_gap=gap,
            calls_today=calls[today],
            max_per_day=most,
        )
        when = plan(habits, look, Price(price), now)
        if when is None:
            break
        assert max(gap, 5 * MINUTE) <= when - now <= LONGEST
        now = when
        calls[now.astimezone(BERLIN).date()] += 1

    assert most is None or all(made <= most for made in calls.values())


# -- our own delivery day -------------------------------------------------------------------------


def local(minute: int) -> date:
    return moment(minute).date()


def delivered(life: Life) -> date | None:
    at, word, _ = life.steps[-1]
    return local(at) if word == "delivered" else None


def reached(life: Life, word: str) -> date | None:
    return next((local(at) for at, each, _ in life.steps if each == word), None)


def test_nine_in_ten_parcels_come_by_the_day_that_says_so() -> None:
    habits = Habits()
    parcels = lives(77, per_day=15, days=63, brands=("north", "south"))
    cut = 42 * DAY
    for life in [life for life in parcels if life.steps[-1][0] < cut]:
        steps = [(word, moment(at)) for at, word in life.events]
        habits.observe(life.brand, steps, steps[-1][1], zone=UTC)

    kept = {0.5: 0, 0.9: 0}
    told = 0
    for life in [life for life in parcels if life.steps[0][0] >= cut]:
        since, came = reached(life, "in_transit"), delivered(life)
        days = since and estimate(habits, life.brand, "in_transit", since, today=since)
        if since and days and came:
            told += 1
            for share, day in zip(kept, days, strict=True):
                kept[share] += came <= day

    assert told > 150
    assert kept[0.5] / told >= 0.45
    assert 0.85 <= kept[0.9] / told <= 0.99
