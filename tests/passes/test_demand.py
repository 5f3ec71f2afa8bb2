"""How many looks a pass wanted: each once, whether there was a call for it or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tracker_sync.store import Due
from tracker_sync.sync.demand import begins, wanted

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def due(at: datetime, *, asked: datetime | None = None) -> Due:
    return Due(1, "1", 0, 0, frozenset(), found=True, taken_at=NOON, due_at=at, asked=asked)


@pytest.mark.parametrize(
    ("minutes", "pause", "count"),
    [
        pytest.param(3, 120, 1, id="due since the last pass"),
        pytest.param(0, 120, 1, id="due now"),
        pytest.param(5, 120, 0, id="due in the last pass"),
        pytest.param(90, 120, 0, id="waits"),
        pytest.param(122, 120, 1, id="waits so long that the look after it is due, too"),
        pytest.param(127, 120, 0, id="and waits on"),
        pytest.param(243, 120, 1, id="and so is a third one"),
        pytest.param(3, 0, 1, id="no pause is shorter than five minutes"),
        pytest.param(61, 0, 1, id="so one look a pass at the most"),
    ],
)
def test_a_look_is_wanted_when_it_becomes_due(minutes: int, pause: int, count: int) -> None:
    at = NOON - minutes * MINUTE
    since = begins([NOON - 5 * MINUTE], NOON)

    assert wanted([due(at, asked=at - pause * MINUTE)], since, NOON) == count


def test_every_pass_counts_on_where_the_last_one_ended() -> None:
    one = due(NOON, asked=NOON - HOUR)
    passes = [NOON + n * 7 * MINUTE for n in range(60)]

    counted = sum(wanted([one], begins([before], now), now) for before, now in pairwise(passes))

    assert counted + wanted([one], begins([], NOON), NOON) == 7  # in seven hours, one an hour


def test_what_piled_up_while_no_pass_ran_is_no_demand_of_this_hour() -> None:
    one = due(NOON - 72 * HOUR, asked=NOON - 73 * HOUR)

    assert wanted([one], begins([NOON - 72 * HOUR], NOON), NOON) == 1


def test_a_clock_that_was_set_back_wants_nothing_twice() -> None:
    one = due(NOON - HOUR, asked=NOON - 2 * HOUR)

    assert wanted([one], begins([NOON + HOUR], NOON), NOON) == 0
    assert wanted([due(NOON)], begins([], NOON), NOON) == 1  # never asked
