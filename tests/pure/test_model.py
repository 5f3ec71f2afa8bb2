"""The nouns: what cannot exist, what is filled in; and the tree of exceptions."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at, shipment
from pure.histories import sentences
from tracker_sync import errors, model, polling
from tracker_sync.errors import (
    Busy,
    CallError,
    Rejected,
    StoreError,
    Throttled,
    TrackerError,
    Unavailable,
    Unreadable,
    UserError,
)
from tracker_sync.lifecycle import intake
from tracker_sync.messages import follow_ups, message, properties, verdict
from tracker_sync.model import (
    INFO,
    Meaning,
    Problem,
    Reading,
    Recipient,
    Scan,
    Status,
    Transition,
    utc,
)

NOON = datetime(2026, 11, 3, 11, 0, tzinfo=UTC)


# -- moments --------------------------------------------------------------------------------------


def test_a_moment_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="naive datetime"):
        utc(NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="naive datetime"):
        Scan(NOON.replace(tzinfo=None))


@given(st.datetimes(timezones=st.timezones(), min_value=datetime.min + timedelta(days=2)))  # noqa: DTZ901
def test_a_moment_keeps_its_place_and_is_spelled_in_utc(moment: datetime) -> None:
    try:
        found = utc(moment)
    except OverflowError:
        return

    assert found.tzinfo is UTC
    assert found.timestamp() == moment.timestamp()


def test_a_scan_is_dated_to_the_second_in_utc() -> None:
    assert Scan(at("Tue 12:00") + timedelta(microseconds=7)).at == NOON


# -- scans and readings ---------------------------------------------------------------------------


@sentences(
    "meaning, status, problem",
    ("a code that is not listed says nothing", None, None, None),
    ("a listed code may change nothing", INFO, None, None),
    ("a status", Meaning(Status.DELIVERED), Status.DELIVERED, None),
    ("a problem", Meaning(problem=Problem.CUSTOMS), None, Problem.CUSTOMS),
)
def test_a_scan_says(
    meaning: Meaning | None, status: Status | None, problem: Problem | None
) -> None:
    scan = Scan(NOON, meaning=meaning)

    assert (scan.status, scan.problem) == (status, problem)


def test_a_reading_puts_the_oldest_first_and_keeps_the_carriers_order_within_a_second() -> None:
    late, second, first = (
        Scan(NOON + timedelta(hours=h), code) for h, code in ((2, "c"), (1, "b"), (1, "a"))
    )

    assert [scan.code for scan in Reading("1", (late, second, first)).scans] == ["b", "a", "c"]


@given(st.lists(st.integers(0, 5)))
def test_a_reading_is_sorted_whatever_the_answer_was(hours: list[int]) -> None:
    scans = tuple(Scan(NOON + timedelta(hours=h), str(n)) for n, h in enumerate(hours))

    found = Reading("1", scans).scans

    assert [scan.at for scan in found] == sorted(scan.at for scan in scans)
    assert Reading("1", found).scans == found


# -- people, transitions --------------------------------------------------------------------------


@sentences(
    "recipient, known",
    ("nothing is known", Recipient(), False),
    ("consent alone tells nobody", Recipient(consent=True), False),
    ("an e-mail", Recipient(email="kunde-1@shop.invalid"), True),
    ("a phone", Recipient(phone="+491700000001"), True),
    ("an external id", Recipient(external_id="c-1"), True),
)
def test_a_recipient_is_known(recipient: Recipient, *, known: bool) -> None:
    assert recipient.known is known


def test_a_transition_is_the_same_whatever_its_time_and_words() -> None:
    first = Transition(Status.OUT_FOR_DELIVERY, NOON, "2026-11-03")
    reworded = Transition(Status.OUT_FOR_DELIVERY, at("Tue 13:00"), "2026-11-03", text="reworded")
    next_day = Transition(Status.OUT_FOR_DELIVERY, NOON, "2026-11-04")

    assert first.key == reworded.key == ("out_for_delivery", "2026-11-03")
    assert first.key != next_day.key


def test_every_value_of_the_pure_floors_is_frozen() -> None:
    modules = (model, follow_ups, message, properties, verdict, intake, polling)
    members = [each for module in modules for each in vars(module).values()]
    nouns = [each for each in members if isinstance(each, type) and is_dataclass(each)]

    assert nouns
    assert all(vars(noun)["__dataclass_params__"].frozen for noun in nouns)
    assert not [noun for noun in nouns if fields(noun) and "__slots__" not in vars(noun)]
    with pytest.raises(FrozenInstanceError):
        shipment().number = "2"  # type: ignore[misc]


def test_words_are_spelled_in_small_letters_and_once() -> None:
    sets = [e for e in vars(model).values() if isinstance(e, type) and issubclass(e, StrEnum)]

    assert sets
    assert all(word == word.lower() == word.name.lower() for words in sets for word in words)
    assert not {*Status} & {*Problem}


# -- errors ---------------------------------------------------------------------------------------


def test_a_users_error_shows_all_problems_at_once() -> None:
    error = UserError("shop.yaml cannot be used", ["line 1: no", "line 2: neither"])

    assert str(error) == "shop.yaml cannot be used\n  line 1: no\n  line 2: neither"
    assert str(StoreError("the database is full")) == "the database is full"


@sentences(
    "error, text, permanent",
    (
        "refused",
        Rejected("ups", "the key was refused", status=401),
        "ups: the key was refused",
        True,
    ),
    ("asked too often", Throttled("ups", 30.0), "ups: too many requests", False),
    ("down", Unavailable("ups", "timed out"), "ups: timed out", False),
    ("another shape", Unreadable("ups", "no field status"), "ups: no field status", False),
)
def test_a_failed_call_says_who_and_what(error: CallError, text: str, *, permanent: bool) -> None:
    assert str(error) == text
    assert error.peer == "ups"
    assert error.permanent is permanent


def test_a_failed_call_keeps_what_decides_about_the_next_one() -> None:
    assert Rejected("ups", "refused").status is None
    assert Rejected("ups", "refused", status=403).status == 403
    assert Throttled("ups").retry_after is None
    assert Throttled("ups", 30.0).retry_after == 30.0
    assert Unavailable("ups", "timed out").reached
    assert not Unavailable("ups", "no route", reached=False).reached


def test_the_tree_is_drawn_as_it_grows() -> None:
    grown = {
        e.__name__
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, TrackerError)
    }

    assert all(f" {name} " in (errors.__doc__ or "") for name in grown - {"TrackerError"})
    assert issubclass(StoreError, UserError)
    assert not issubclass(Busy, UserError | CallError)
