"""One pass at a time: who holds the lock, for how long, and what frees it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from edges.store_builders import MINUTE, NOW, outcome, python
from tracker_sync.errors import Busy, StoreError
from tracker_sync.sync.lock import only_pass, overdue

LIMIT = 4 * MINUTE
HOLD = """
import sys
from pathlib import Path
from edges.store_builders import NOW
from tracker_sync.sync.lock import only_pass
with only_pass(Path(sys.argv[1]), NOW):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


def holding(path: Path) -> None:
    with only_pass(path, NOW):
        pass


@contextmanager
def held_elsewhere(database: Path) -> Iterator[object]:
    """Another process holds the lock; it is killed at the end, if it still runs."""
    process = python(HOLD, database)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_second_pass_is_told_to_come_later(database: Path) -> None:
    with (
        only_pass(database, NOW),
        pytest.raises(Busy, match=r"another pass is running on .*shop\.db"),
    ):
        holding(database)

    holding(database)


def test_a_pass_of_another_process_counts_as_well(database: Path) -> None:
    with held_elsewhere(database), pytest.raises(Busy):
        holding(database)


def test_two_databases_do_not_wait_for_each_other(database: Path) -> None:
    with only_pass(database, NOW):
        holding(database.with_name("other.db"))


def test_a_second_pass_leaves_everything_untouched(database: Path) -> None:
    with held_elsewhere(database):
        before = {each.name: each.read_bytes() for each in database.parent.iterdir()}
        with pytest.raises(Busy):
            holding(database)

        assert {each.name: each.read_bytes() for each in database.parent.iterdir()} == before
    assert not database.exists()


def test_a_killed_pass_frees_the_lock(database: Path) -> None:
    process = python(HOLD, database)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"

    process.kill()
    process.communicate(timeout=60)

    assert process.returncode == -9
    holding(database)


def test_a_pass_that_fails_frees_the_lock(database: Path) -> None:
    with pytest.raises(ValueError, match="in the middle"), only_pass(database, NOW):
        raise ValueError("in the middle")

    assert outcome(python(HOLD.replace("sys.stdin.readline()", "pass"), database)) == "held"


def test_a_holder_is_overdue_after_twice_its_limit(database: Path) -> None:
    ages = [timedelta(0), LIMIT, 2 * LIMIT, 2 * LIMIT + timedelta(seconds=1), timedelta(days=2)]

    with held_elsewhere(database):
        late = [overdue(database, NOW + age, LIMIT) for age in ages]

    assert late == [False, False, False, True, True]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 7}', '{"since": "yesterday"}'])
def test_a_holder_that_cannot_be_read_is_not_called_overdue(database: Path, text: str) -> None:
    database.with_name("shop.db.holder").write_text(text)

    assert not overdue(database, NOW, LIMIT)


def test_nobody_is_not_overdue(database: Path) -> None:
    assert not overdue(database, NOW, LIMIT)


def test_only_the_owner_may_read_what_lies_beside_the_database(database: Path) -> None:
    before = os.umask(0)
    try:
        with only_pass(database, NOW):
            modes = {stat.S_IMODE(each.stat().st_mode) for each in database.parent.iterdir()}
    finally:
        os.umask(before)

    assert modes == {0o600}


def test_a_lock_that_cannot_be_made_is_explained(database: Path) -> None:
    database.with_name("shop.db.lock").mkdir()

    with pytest.raises(StoreError, match=r"shop\.db\.lock cannot be made"):
        holding(database)


def test_a_lock_whose_holder_cannot_be_named_is_free_again(database: Path) -> None:
    obstacle = database.with_name("shop.db.holder")
    obstacle.mkdir()

    with pytest.raises(StoreError, match=r"shop\.db\.lock cannot be made: Is a directory"):
        holding(database)

    obstacle.rmdir()
    holding(database)


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere does not exist; make the folder"):
        holding(tmp_path / "nowhere" / "shop.db")

    assert not list(tmp_path.iterdir())
