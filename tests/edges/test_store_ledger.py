"""Budgets, activations, tokens, and how carriers do; and the operator's book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edges.store_builders import DAY, HOUR, MINUTE, NOW, asked, opened, outcome, python
from tracker_sync.store import Store

TODAY = "2026-03-02"
HAMMER = """
import sys
from pathlib import Path
from edges.store_builders import opened
store = opened(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(store.ledger.reserve("dhl_unified", "2026-03-02", 1 + n % 3, 777) for n in range(500)))
"""
CRASH = """
import os, sys
from pathlib import Path
from edges.store_builders import opened
store = opened(Path(sys.argv[1]))
print(store.ledger.reserve("dhl_unified", "2026-03-02", 5, 250), flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(opened(path)) as store:
        yield store


# -- budgets -----------------------------------------------------------------------


def test_no_more_calls_are_granted_than_the_day_has(store: Store) -> None:
    granted = [store.ledger.reserve("ups", TODAY, 4, 10) for _ in range(4)]

    assert granted == [4, 4, 2, 0]
    assert store.ledger.used("ups", TODAY) == 10


def test_another_day_and_another_account_have_their_own_budget(store: Store) -> None:
    store.ledger.reserve("ups", TODAY, 10, 10)

    assert store.ledger.reserve("ups", "2026-03-03", 4, 10) == 4
    assert store.ledger.reserve("dhl_unified", TODAY, 4, 10) == 4


def test_without_a_limit_everything_is_granted_and_counted(store: Store) -> None:
    assert store.ledger.reserve("ups", TODAY, 5000, None) == 5000
    assert store.ledger.reserve("ups", TODAY, 5, 100) == 0  # a limit set later counts them
    assert store.ledger.used("ups", TODAY) == 5000


def test_a_limit_lowered_during_the_day_grants_nothing_more(store: Store) -> None:
    store.ledger.reserve("ups", TODAY, 50, 100)

    assert store.ledger.reserve("ups", TODAY, 1, 20) == 0
    assert store.ledger.reserve("ups", TODAY, -3, 20) == 0
    assert store.ledger.used("ups", TODAY) == 50


def test_calls_not_made_are_given_back_but_never_more_than_were_taken(store: Store) -> None:
    store.ledger.reserve("ups", TODAY, 10, 10)

    store.ledger.give_back("ups", TODAY, 3)
    assert store.ledger.used("ups", TODAY) == 7

    store.ledger.give_back("ups", TODAY, 99)
    store.ledger.give_back("dhl_unified", TODAY, 5)
    assert store.ledger.used("ups", TODAY) == 0
    assert store.ledger.reserve("ups", TODAY, 99, 10) == 10


def test_processes_that_hammer_one_budget_never_exceed_it(path: Path, store: Store) -> None:
    hammers = [python(HAMMER, path) for _ in range(4)]
    for each in hammers:
        assert each.stdout is not None
        assert each.stdout.readline() in {"ready\n"}

    for each in hammers:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    granted = [int(outcome(each)) for each in hammers]

    assert sum(granted) == store.ledger.used("dhl_unified", TODAY) == 777


def test_a_crash_wastes_calls_and_never_forgets_them(path: Path, store: Store) -> None:
    process = python(CRASH, path)
    out, _ = process.communicate(timeout=60)

    assert (out.strip(), process.returncode) == ("5", -9)
    assert store.ledger.used("dhl_unified", TODAY) == 5


def test_a_reservation_inside_a_transaction_is_undone_with_it(store: Store) -> None:
    def crash() -> None:
        with store.transaction():
            store.ledger.reserve("ups", TODAY, 5, 10)
            raise KeyError

    with pytest.raises(KeyError):
        crash()

    assert store.ledger.used("ups", TODAY) == 0


def test_a_call_that_may_count_on_two_days_needs_room_on_both(store: Store) -> None:
    store.ledger.reserve("ups", TODAY, 8, 10)

    assert store.ledger.reserve("ups", "2026-03-03", 5, 10, also=[TODAY]) == 2
    assert store.ledger.used("ups", TODAY) == 10
    assert store.ledger.used("ups", "2026-03-03") == 2


def test_limited_calls_are_on_the_disk_before_they_are_made(store: Store) -> None:
    """A power cut must not bring calls back that were made; unlimited ones may be forgotten."""
    said: list[str] = []
    store._connection.raw.set_trace_callback(said.append)

    store.ledger.reserve("ups", TODAY, 5, None)
    assert not [each for each in said if "synchronous" in each]

    store.ledger.reserve("ups", TODAY, 5, 100)
    first, *_, last = said[-said[::-1].index("PRAGMA synchronous = FULL") - 1 :]
    assert (first, last) == ("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")
    assert store._connection.value("PRAGMA synchronous") == 1


def test_a_carrier_that_says_no_call_is_left_is_believed_until_midnight(store: Store) -> None:
    store.ledger.reserve("ups", TODAY, 30, 100)

    store.ledger.used_up("ups", TODAY, 30, 100)

    assert store.ledger.reserve("ups", TODAY, 1, 100) == 0
    assert store.ledger.reserve("ups", "2026-03-03", 1, 100) == 1


def test_how_early_a_carrier_stopped_us_is_kept_until_it_is_disproved(store: Store) -> None:
    ledger = store.ledger
    assert ledger.gave("ups", "2026-02-23") is None

    ledger.used_up("ups", TODAY, 30, 100)
    assert ledger.gave("ups", "2026-02-23") == 30
    assert ledger.gave("ups", "2026-03-03") is None
    assert ledger.gave("dhl_unified", "2026-02-23") is None

    ledger.reserve("ups", "2026-03-03", 31, 100)
    assert ledger.gave("ups", "2026-02-23") is None


def test_stopped_after_all_that_is_allowed_is_no_news(store: Store) -> None:
    store.ledger.used_up("ups", TODAY, 100, 100)

    assert store.ledger.gave("ups", TODAY) is None


def test_turns_of_a_slow_carrier_are_taken_one_after_the_other(path: Path, store: Store) -> None:
    with closing(opened(path)) as other:
        assert store.ledger.turn("usps", 1000.0, 60.0) == 0
        assert other.ledger.turn("usps", 1010.0, 60.0) == pytest.approx(50)
        assert other.ledger.turn("dhl_unified", 1010.0, 5.0) == 0
        assert other.ledger.turn("usps", 1060.0, 60.0) == 0
        assert store.ledger.turn("usps", 1060.0, 60.0) == pytest.approx(60)


def test_a_turn_from_before_the_machine_started_anew_is_nobodys(store: Store) -> None:
    store.ledger.turn("usps", 90_000.0, 60.0)

    assert store.ledger.turn("usps", 12.0, 60.0) == 0


# -- activations -----------------------------------------------------------------------


def test_the_first_use_is_the_one_that_counts(store: Store) -> None:
    assert store.ledger.activate("source", "csv", NOW) == NOW
    assert store.ledger.activate("source", "csv", NOW + DAY) == NOW
    assert store.ledger.activate("carrier", "csv", NOW + DAY, brand="dhl") == NOW + DAY


# -- how carriers do -------------------------------------------------------------------


def test_a_carrier_is_blocked_until_it_is_not(store: Store) -> None:
    assert store.ledger.blocked_until("ups") is None

    store.ledger.block("ups", NOW + HOUR)
    assert store.ledger.blocked_until("ups") == NOW + HOUR
    assert store.ledger.blocked_until("dhl_unified") is None

    store.ledger.block("ups", None)
    assert store.ledger.blocked_until("ups") is None


def test_throttlings_in_a_row_are_counted_until_an_answer_comes(store: Store) -> None:
    assert [store.ledger.throttled("ups") for _ in range(3)] == [1, 2, 3]
    store.ledger.failed("ups", "too many requests", NOW)

    store.ledger.answered("ups", NOW + MINUTE)

    row = store.ledger.carrier("ups")
    assert (row["throttled"], row["failure"]) == (0, "")
    assert (row["failed_at"], row["answered_at"]) == (
        "2026-03-02T09:00:00Z",
        "2026-03-02T09:01:00Z",
    )
    assert store.ledger.throttled("ups") == 1


def test_a_token_is_kept_until_it_runs_out(store: Store) -> None:
    assert store.ledger.token("ups", NOW) is None

    store.ledger.keep_token("ups", "synthetic-token", NOW + HOUR)
    assert store.ledger.token("ups", NOW) == "synthetic-token"
    assert store.ledger.token("ups", NOW + HOUR) is None
    assert store.ledger.token("dhl_unified", NOW) is None

    store.ledger.keep_token("ups", None, NOW)
    assert store.ledger.token("ups", NOW) is None


# -- the operator's book ------------------------------------------------------------------


def test_a_finding_is_new_once_and_again_when_it_comes_back(store: Store) -> None:
    journal = store.journal

    assert journal.finding("klaviyo", "refused", NOW)
    assert not journal.finding("klaviyo", "refused again", NOW + HOUR)
    assert [row["text"] for row in journal.findings()] == ["refused again"]
    assert journal.findings()[0]["first_at"] == "2026-03-02T09:00:00Z"

    journal.resolve("klaviyo", NOW + HOUR)
    assert not journal.findings()
    assert journal.finding("klaviyo", "refused", NOW + DAY)
    assert journal.findings()[0]["first_at"] == "2026-03-03T09:00:00Z"


def findings(store: Store) -> set[str]:
    return {row["key"] for row in store.journal.findings()}


def test_one_finding_that_is_over_ends_no_other(store: Store) -> None:
    for key in ("carrier:ups", "carrier:ups_eu", "Carrier:ups"):
        store.journal.finding(key, "text", NOW)

    store.journal.resolve("carrier:ups", NOW)

    assert findings(store) == {"carrier:ups_eu", "Carrier:ups"}


def test_notices_of_one_event_are_let_go_and_troubles_are_not(store: Store) -> None:
    for key in (
        "expired:1",
        "rejected:csv:a1",
        "crowded:m1",
        "shipment:1",
        "klaviyo",
        "source:csv",
    ):
        store.journal.finding(key, "text", NOW)
    store.journal.finding("expired:2", "text", NOW + DAY)

    store.journal.let_go(NOW + HOUR)

    assert findings(store) == {"klaviyo", "source:csv", "expired:2"}


def test_a_code_is_unknown_for_the_first_time_once(store: Store) -> None:
    said = [store.journal.unknown("ups", code, "text", NOW) for code in ("XX", "XX", "YY", "XX")]

    assert said == [True, False, True, False]
    counted = [(row["code"], row["count"]) for row in store.journal.unknown_codes()]
    assert counted == [("XX", 3), ("YY", 1)]


def test_a_bundle_is_taken_once_per_source(store: Store) -> None:
    for _ in range(2):
        store.journal.take("csv", "a1", "march.csv", NOW)
    store.journal.take("shop", "b2", "page 1", NOW)

    assert store.journal.taken("csv") == {"a1"}
    assert store.journal.taken("shop") == {"b2"}


def test_something_is_done_once_a_day(store: Store) -> None:
    moments = [NOW, NOW + HOUR, NOW + DAY, NOW + DAY + HOUR]

    assert [store.journal.once_a_day("retention", now) for now in moments] == [
        True,
        False,
        True,
        False,
    ]
    assert store.journal.once_a_day("report", NOW)


def test_a_pass_that_died_has_no_end(path: Path, store: Store) -> None:
    died, ended = store.journal.begin(NOW), store.journal.begin(NOW + HOUR)

    store.journal.end(ended, NOW + HOUR, 1, {"asked": 3})

    rows = asked(path, "SELECT id, ended_at, exit_code, counts FROM passes ORDER BY id")
    assert rows == [
        (died, None, None, "{}"),
        (ended, "2026-03-02T10:00:00Z", 1, '{"asked": 3}'),
    ]
