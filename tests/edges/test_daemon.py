"""The daemon runs passes on its grid, survives a bad one, and stops when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, get_ident

import pytest
from structlog.testing import capture_logs

from tracker_sync.daemon import Grid, run
from tracker_sync.errors import UserError

SHORT = timedelta(milliseconds=150)
LONG = timedelta(days=365)
NONE = timedelta(0)


def now() -> datetime:
    return datetime.now(UTC)


def never(_now: datetime) -> datetime | None:
    return None


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Diary:
    """Passes that write down when they ran, and ask for the end after the last one."""

    def __init__(self, *codes: int | BaseException) -> None:
        self.codes = list(codes)
        self.at: list[datetime] = []
        self.threads: set[int] = set()
        self.stop = Event()

    def __call__(self, at: datetime) -> int:
        self.at.append(at)
        self.threads.add(get_ident())
        code = self.codes[len(self.at) - 1]
        if len(self.at) == len(self.codes):
            self.stop.set()
        if isinstance(code, BaseException):
            raise code
        return code

    def run(
        self,
        every: timedelta = SHORT,
        *,
        next_due: Callable[[datetime], datetime | None] = never,
    ) -> int:
        return run(self, every=every, jitter=NONE, next_due=next_due, clock=now, stop=self.stop)


def at(minute: int, second: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 11, 22, 10, minute, second, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "point"),
    [
        (at(0, 0, 1), at(5)),
        (at(4, 59, 999_999), at(5)),
        (at(5), at(10)),
        (at(7, 30), at(10)),
    ],
)
def test_the_grid_is_the_same_whenever_the_daemon_was_started(
    moment: datetime, point: datetime
) -> None:
    grid = Grid(timedelta(minutes=5), NONE)

    assert grid.get_next_fire_time(None, moment) == point
    assert grid.get_next_fire_time(at(0), moment) == point


def test_a_point_is_put_off_a_little_and_the_grid_does_not_drift() -> None:
    grid = Grid(timedelta(minutes=5), timedelta(seconds=30))

    found = {grid.get_next_fire_time(at(5, 29), at(5, 29)) for _ in range(100)}

    assert len(found) > 1
    assert all(at(10) <= moment <= at(10, 30) for moment in found)


def test_the_first_pass_runs_at_once() -> None:
    begun, diary = now(), Diary(0)

    assert diary.run(LONG) == 0

    assert diary.at[0] - begun < timedelta(seconds=5)


def test_passes_follow_each_other_on_the_grid_in_one_thread() -> None:
    diary = Diary(0, 0, 0, 0)

    assert diary.run() == 0

    assert len(diary.threads) == 1
    assert diary.at == sorted(diary.at)
    assert len(diary.at) == 4


def test_nothing_runs_when_the_end_was_asked_for_before() -> None:
    diary = Diary(0)
    diary.stop.set()

    assert diary.run() == 0

    assert diary.at == []


def test_a_message_that_becomes_due_before_the_next_point_gets_its_pass() -> None:
    diary = Diary(0, 0, 0)
    every, due = timedelta(seconds=8), timedelta(seconds=1)

    diary.run(every, next_due=lambda moment: moment + due)

    assert due <= diary.at[2] - diary.at[0] < every  # the grid alone needs more than one interval


def test_a_message_that_is_overdue_does_not_make_the_daemon_spin() -> None:
    diary = Diary(0, 0, 0)

    every = timedelta(seconds=5)

    diary.run(every, next_due=lambda moment: moment - timedelta(days=1))

    # A tenth of the interval lies between two passes; one point of the grid may come in between.
    assert every / 10 <= diary.at[2] - diary.at[0] + timedelta(milliseconds=50) < every


def test_a_message_due_after_the_next_point_changes_nothing() -> None:
    diary = Diary(0, 0)

    assert diary.run(next_due=lambda moment: moment + LONG) == 0

    assert len(diary.at) == 2


def test_a_pass_that_raises_is_logged_and_the_daemon_goes_on() -> None:
    diary = Diary(ValueError("first"), ValueError("second"), 0, ValueError("third"), 0)

    with capture_logs() as logs:
        code = diary.run()

    failed = [line for line in logs if line["event"] == "daemon.pass_failed"]
    assert code == 0
    assert [line["in_a_row"] for line in failed] == [1, 2, 1]
    assert str(failed[0]["exc_info"]) == "first"
    assert failed[0]["exc_info"].__traceback__ is not None


def test_three_failures_in_a_row_end_the_daemon_with_1() -> None:
    diary = Diary(0, *[OSError("disk full")] * 3, 0)

    assert diary.run() == 1

    assert len(diary.at) == 4


def test_what_the_merchant_can_fix_is_said_without_a_traceback() -> None:
    with capture_logs() as logs:
        Diary(UserError("no such folder", ["sources: inbox"])).run()

    [failed] = [line for line in logs if line["event"] == "daemon.pass_failed"]
    assert failed["reason"] == "no such folder\n  sources: inbox"
    assert "exc_info" not in failed


def test_an_outbox_that_cannot_be_asked_is_a_failure_too() -> None:
    diary = Diary(0, 0, 0, 0)

    def broken(_now: datetime) -> datetime:
        raise OSError("disk full")

    assert diary.run(next_due=broken) == 1


def test_how_a_pass_ended_is_logged_as_loud_as_it_matters() -> None:
    with capture_logs() as logs:
        Diary(0, 1, 75, 0).run()

    ended = [line for line in logs if line["event"] == "daemon.pass_ended"]
    assert [(line["code"], line["log_level"]) for line in ended][:3] == [
        (0, "debug"),
        (1, "warning"),
        (75, "info"),
    ]


def test_a_pass_is_never_joined_by_a_second_one() -> None:
    stop, running, passes = Event(), [0], [0]

    def slow(_now: datetime) -> int:
        running[0] += 1
        passes[0] += 1
        assert running[0] == 1
        time.sleep(3 * SHORT.total_seconds())
        running[0] -= 1
        if passes[0] == 3:
            stop.set()
        return 0

    assert run(slow, every=SHORT, jitter=NONE, next_due=never, clock=now, stop=stop) == 0


def test_signals_are_left_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    Diary(0).run()

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


PROGRAM = """
import sys, threading, time
from datetime import UTC, datetime, timedelta
from tracker_sync.daemon import run

stop = threading.Event()

def say(word):
    print(word, flush=True)

def obeys(now):
    say("begun")
    stop.wait(60)
    time.sleep(0.2)
    say("finished")

def stubborn(now):
    say("begun")
    time.sleep(60)

def quick(now):
    say("begun")

def due(now):
    return now + timedelta(seconds=1)

passes = {"obeys": obeys, "stubborn": stubborn, "quick": quick}[sys.argv[1]]
code = run(
    passes, every=timedelta(hours=1), jitter=timedelta(0), next_due=due,
    clock=lambda: datetime.now(UTC), stop=stop,
)
say(f"returned {code}")
sys.exit(code)
"""


@contextmanager
def started(folder: Path, passes: str) -> Iterator[subprocess.Popen[str]]:
    """A daemon in a process of its own, whose first pass has begun."""
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(program), passes]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process:
        try:
            assert process.stdout is not None
            assert any(line == "begun\n" for line in process.stdout)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_pass_finish(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "obeys") as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)

    assert out.index("finished") < out.index("returned 0")
    assert process.returncode == 0


def test_a_signal_between_two_passes_ends_the_daemon_at_once(tmp_path: Path) -> None:
    with started(tmp_path, "quick") as process:
        time.sleep(0.3)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)

    assert "returned 0" in out
    assert time.monotonic() - asked < 5


def test_the_second_signal_does_not_wait_for_a_stubborn_pass(tmp_path: Path) -> None:
    with started(tmp_path, "stubborn") as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert any("daemon.stopping" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT
