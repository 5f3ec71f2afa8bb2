"""What holds for every history, however strange, and for every way of polling it (P3 to P5).

The rules are written down here a second time, as conditions on two neighbouring states, so that
a mistake in the walk does not hide in its own tests.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import compress

from hypothesis import given, settings
from hypothesis import strategies as st

from pure.histories import BERLIN, Memory, meaning, moment, walked, working_week
from tracker_sync.lifecycle import changes
from tracker_sync.lifecycle.delays import next_delay, overdue
from tracker_sync.model import (
    Direction,
    Estimate,
    Meaning,
    Origin,
    Problem,
    Scan,
    State,
    Status,
    Transition,
)

LAST_MILE = {Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Status.READY_FOR_PICKUP}
ENDS = {Status.CANCELLED, Status.LOST}
ROADS = ("announced", "dispatched", "in_transit")
LEVEL = {
    **{Status(word): level for level, word in enumerate(ROADS)},
    **dict.fromkeys(LAST_MILE, 3),
    Status.DELIVERED: 4,
    Status.RETURNING: 5,
    Status.RETURNED: 6,
}
TURNED = {Status.RETURNING, Status.RETURNED, Status.LOST}

WORDS = (
    *(status.value for status in Status),
    *(problem.value for problem in Problem),
    "delivery_failed+address",
    "delivery_failed+refused",
    "ready_for_pickup+damaged",
    "revoked",
    "revoked+out_for_delivery",
    "info",
    "unknown",
)
MINUTES = st.integers(0, 4 * 24 * 60)
MOST = 9  # scans in a life
TIMES = st.lists(MINUTES, unique=True, max_size=MOST).map(sorted)
often = settings(max_examples=400)  # for what rarely meets
ORIGINS = st.sampled_from([Origin.CARRIER] * 7 + [Origin.SOURCE])


def scanned(minute: int, words: str, origin: Origin = Origin.CARRIER) -> Scan:
    return Scan(moment(f"{minute}m"), words, meaning(words), origin=origin)


@st.composite
def any_life(draw: st.DrawFn) -> tuple[Scan, ...]:
    """Anything at all, oldest first, no two scans in one minute; few words, so that they meet."""
    times = draw(TIMES)
    words = st.sampled_from(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)))
    return tuple(scanned(minute, draw(words), draw(ORIGINS)) for minute in times)


@st.composite
def forward_life(draw: st.DrawFn) -> tuple[Scan, ...]:
    """A life whose statuses never fall in rank: what carriers send when nothing is taken back."""
    times = draw(TIMES)
    statuses = st.sampled_from([status.value for status in LEVEL])
    words = draw(st.lists(statuses, min_size=len(times), max_size=len(times)))
    return tuple(map(scanned, times, sorted(words, key=lambda word: LEVEL[Status(word)])))


@st.composite
def polled(draw: st.DrawFn, life: tuple[Scan, ...]) -> list[tuple[Scan, ...]]:
    """*life* cut into polls, in order."""
    cuts = sorted(draw(st.lists(st.integers(0, len(life)), max_size=5)))
    return [life[a:b] for a, b in zip([0, *cuts], [*cuts, len(life)], strict=True)]


in_order = any_life().flatmap(lambda life: st.tuples(st.just(life), polled(life)))
in_any_order = any_life().flatmap(
    lambda life: st.tuples(
        st.just(life), st.permutations(life).flatmap(lambda mixed: polled(tuple(mixed)))
    )
)
forward_in_any_order = forward_life().flatmap(
    lambda life: st.tuples(
        st.just(life), st.permutations(life).flatmap(lambda mixed: polled(tuple(mixed)))
    )
)
Polls = tuple[tuple[Scan, ...], list[tuple[Scan, ...]]]


# -- polling -----------------------------------------------------------------------------------


@given(any_life())
def test_the_same_reading_twice_tells_nothing(life: tuple[Scan, ...]) -> None:
    memory = Memory()
    memory.poll(*life)

    assert memory.poll(*life) == ()
    assert memory.poll(*(replace(scan, text="reworded") for scan in life)) == ()


@given(any_life().flatmap(lambda life: st.tuples(st.just(life), st.permutations(life))))
def test_the_order_in_a_list_does_not_matter(lives: tuple[tuple[Scan, ...], list[Scan]]) -> None:
    life, mixed = lives

    assert walked(mixed) == walked(life)


@given(in_order)
def test_polling_tells_the_same_steps_however_often_it_looks(polls: Polls) -> None:
    """Keys give ordinals and ids, so they must not depend on who looked when."""
    life, readings = polls
    memory = Memory()

    told = [step for reading in readings for step in memory.poll(*reading)]

    assert tuple(told) == walked(life).transitions


@given(in_order)
def test_a_carrier_that_repeats_its_whole_history_tells_the_same_steps(polls: Polls) -> None:
    life, readings = polls
    memory, read = Memory(), 0
    told: list[Transition] = []
    for reading in readings:
        read += len(reading)
        told += memory.poll(*life[:read])

    assert tuple(told) == walked(life).transitions


@often
@given(in_any_order)
def test_whatever_comes_late_the_same_state_is_reached(polls: Polls) -> None:
    life, readings = polls
    memory = Memory()
    for reading in readings:
        memory.poll(*reading)

    assert memory.traced == walked(life)
    assert len(memory.known) == len(set(memory.known))


@given(forward_in_any_order)
def test_late_scans_of_a_forward_life_never_add_a_step(polls: Polls) -> None:
    """Only there: who is told of the last scans first cannot know the first ones undo them."""
    life, readings = polls
    memory = Memory()
    for reading in readings:
        memory.poll(*reading)

    assert set(memory.known) <= {step.key for step in walked(life).transitions}


@often
@given(in_any_order)
def test_a_status_told_is_higher_or_newer_than_the_one_known(polls: Polls) -> None:
    memory = Memory()
    for reading in polls[1]:
        before = memory.traced.state
        for step in memory.poll(*reading):
            assert isinstance(step.word, Problem) or _higher_or_newer(step, before)


def _higher_or_newer(step: Transition, before: State) -> bool:
    if before.status is None or before.status_at is None or before.status in ENDS:
        return True
    if step.word in ENDS:
        return step.at > before.status_at
    return step.at > before.status_at or level(Status(step.word)) > level(before.status)


@often
@given(in_any_order)
def test_a_problem_told_was_not_over_before_what_is_known(polls: Polls) -> None:
    memory = Memory()
    for reading in polls[1]:
        known = set(memory.known)
        told = memory.poll(*reading)
        path = memory.traced.transitions
        for step in told:
            if isinstance(step.word, Problem) and step.word is not Problem.DAMAGED:
                after = path[path.index(step) + 1 :]
                assert not any(isinstance(s.word, Status) and s.key in known for s in after)


@given(any_life(), st.data())
def test_what_is_known_is_never_told_again(life: tuple[Scan, ...], data: st.DataObject) -> None:
    traced = walked(life)
    keys = [step.key for step in traced.transitions]
    known = data.draw(st.sets(st.sampled_from(keys))) if keys else set()

    told = changes(traced, known, State())

    assert not {step.key for step in told} & known
    assert told == tuple(step for step in traced.transitions if step in told)


# -- one scan more -----------------------------------------------------------------------------


def level(status: Status | None) -> int:
    return LEVEL.get(status, -1) if status else -1


def moves(life: tuple[Scan, ...], direction: Direction) -> list[tuple[State, Scan, State]]:
    """Every scan, between the state before and the state after it."""
    states = [walked(life[:n], direction=direction).state for n in range(len(life) + 1)]
    return list(zip(states, life, states[1:], strict=False))


directions = st.sampled_from(Direction)


@often
@given(any_life(), directions)
def test_nothing_leaves_an_end_but_as_the_rules_allow(
    life: tuple[Scan, ...], direction: Direction
) -> None:
    for before, scan, after in moves(life, direction):
        if after.status is before.status:
            continue
        assert before.status is not Status.RETURNED
        if before.status in ENDS:
            assert scan.status in LEVEL
            assert scan.status is not Status.ANNOUNCED
        if before.status is Status.DELIVERED:
            assert _undone(scan) or (direction is Direction.OUTBOUND and _sent_back(scan))


def _undone(scan: Scan) -> bool:
    return scan.status in LAST_MILE or (scan.meaning is not None and scan.meaning.revokes)


def _sent_back(scan: Scan) -> bool:
    return scan.status in (Status.RETURNING, Status.RETURNED)


@given(any_life(), directions)
def test_a_status_only_falls_where_it_is_taken_back(
    life: tuple[Scan, ...], direction: Direction
) -> None:
    for before, scan, after in moves(life, direction):
        if (
            before.status in ENDS
            or after.status in ENDS
            or level(before.status) <= level(after.status)
        ):
            continue
        assert before.status is Status.DELIVERED
        assert _undone(scan)


@given(any_life())
def test_the_newest_scan_of_the_last_mile_is_current(life: tuple[Scan, ...]) -> None:
    for before, scan, after in moves(life, Direction.OUTBOUND):
        if scan.status in LAST_MILE and not before.turned:
            assert after.status is scan.status


@often
@given(any_life())
def test_every_attempt_is_a_step(life: tuple[Scan, ...]) -> None:
    """Once for each calendar day, also after a delivery was taken back."""
    steps = {(step.word, step.attempt) for step in walked(life).transitions}
    for before, scan, _ in moves(life, Direction.OUTBOUND):
        if scan.status in (Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED) and not before.turned:
            assert (scan.status, scan.at.astimezone(BERLIN).date().isoformat()) in steps


@given(any_life())
def test_who_turned_back_never_goes_forward_again(life: tuple[Scan, ...]) -> None:
    for before, _, after in moves(life, Direction.OUTBOUND):
        assert not before.turned or (after.turned and after.status in TURNED)


@given(any_life())
def test_a_return_never_turns(life: tuple[Scan, ...]) -> None:
    state = walked(life, direction=Direction.RETURN).state

    assert not state.turned
    assert state.status not in (Status.RETURNING, Status.RETURNED)


@given(any_life())
def test_problems_open_by_their_own_scan_and_close_by_a_status(life: tuple[Scan, ...]) -> None:
    for before, scan, after in moves(life, Direction.OUTBOUND):
        assert after.problems - before.problems <= {scan.problem}
        if gone := before.problems - after.problems:
            assert scan.status
            assert Problem.DAMAGED not in gone


@given(any_life())
def test_words_told_once_are_told_once(life: tuple[Scan, ...]) -> None:
    daily = {Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Problem.ADDRESS}
    steps = walked(life).transitions
    once = [step.word for step in steps if step.word not in daily]

    assert len(once) == len(set(once))
    assert all(bool(step.attempt) == (step.word in daily) for step in steps)
    assert [step.at for step in steps] == sorted(step.at for step in steps)


@given(any_life())
def test_delivered_at_is_kept_exactly_while_it_is_delivered(life: tuple[Scan, ...]) -> None:
    state = walked(life).state

    assert (state.delivered_at is not None) == (state.status is Status.DELIVERED)


@given(any_life(), st.lists(st.tuples(MINUTES, st.sampled_from([None, Meaning()])), max_size=5))
def test_scans_that_say_nothing_change_nothing(
    life: tuple[Scan, ...], noise: list[tuple[int, Meaning | None]]
) -> None:
    quiet = tuple(
        Scan(moment(f"{minute}m") + timedelta(seconds=30), "noise", said) for minute, said in noise
    )

    calm, noisy = walked(life), walked((*life, *quiet))

    assert noisy.transitions == calm.transitions
    assert replace(noisy.state, last_scan_at=None) == replace(calm.state, last_scan_at=None)


# -- delays ------------------------------------------------------------------------------------

estimates = st.none() | st.dates(date(2026, 11, 1), date(2026, 11, 10)).map(Estimate)
holidays = st.sets(st.dates(date(2026, 11, 1), date(2026, 12, 1)), max_size=6)


@given(any_life(), estimates, holidays)
def test_a_delay_is_concluded_at_nine_on_a_working_day_and_only_once(
    life: tuple[Scan, ...], estimate: Estimate | None, free: set[date]
) -> None:
    calendar = working_week(*free)
    state = walked(life).state
    delay = next_delay(state, estimate, calendar)
    if delay is None:
        return

    local = delay.at.astimezone(BERLIN)

    assert (local.hour, local.minute, local.second) == (9, 0, 0)
    assert calendar.workday(local.date())
    assert (delay.origin, delay.problem) == (Origin.CLOCK, Problem.DELAYED)
    assert state.status not in {Status.DELIVERED, Status.READY_FOR_PICKUP, *TURNED, *ENDS}


@given(any_life(), estimates, holidays, st.integers(0, 20 * 24))
def test_a_delay_is_overdue_from_the_moment_it_is_concluded_for(
    life: tuple[Scan, ...], estimate: Estimate | None, free: set[date], hours: int
) -> None:
    """The short way, without a look at the holidays, leads to the same."""
    calendar, state = working_week(*free), walked(life).state
    now = moment(f"{hours}h")
    delay = next_delay(state, estimate, calendar)

    assert overdue(state, estimate, calendar, now) == (delay if delay and delay.at <= now else None)


@often
@given(any_life(), st.lists(st.booleans(), min_size=MOST, max_size=MOST), estimates)
def test_a_conclusion_falls_where_it_would_not_be_drawn_any_more(
    life: tuple[Scan, ...], in_time: list[bool], estimate: Estimate | None
) -> None:
    """Scans dated before the conclusion turn up after it was drawn."""
    calendar = working_week()
    read = list(compress(life, in_time))
    delay = next_delay(walked(read).state, estimate, calendar)
    if delay is None or any(scan.at >= delay.at for scan in read):
        return

    really = tuple(scan for scan in life if scan.at < delay.at)
    drawn_now = next_delay(walked(really).state, estimate, calendar)

    if drawn_now is None or drawn_now.at > delay.at:
        assert walked((*really, delay)).state.problems == walked(really).state.problems
