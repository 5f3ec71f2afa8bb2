"""The daemon: one pass after the other, on a grid, until somebody says stop.

Floor 4. APScheduler keeps the time; what it would do badly is done here:

* its interval drifts by the jitter of every run, so the grid is our own trigger;
* it starts after one interval, so the first run is asked for at once;
* a job that raises leaves it running for ever, so three failures in a row end the daemon;
* SIGTERM would kill it in the middle of a pass, so a signal only asks for the end;
* its `shutdown(wait=True)` waits with its locks held, on which a pass that looks at its own job
  would hang, so the running pass is awaited first.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event
from types import FrameType

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    JobExecutionEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import (
    BackgroundScheduler,
)
from apscheduler.triggers.base import BaseTrigger

from tracker_sync.errors import UserError

JOB = "pass"  # there is only this one
FAILURES = 3  # passes in a row that may raise before the daemon gives up
SIGNALS = (signal.SIGTERM, signal.SIGINT)
GLANCE = 0.5  # seconds between two looks at a stop that came without a signal

log = structlog.get_logger()


class Grid(BaseTrigger):  # type: ignore[misc]
    """Every multiple of *every* since the epoch, each put off by chance, at most by *jitter*.

    So the same minute is hit whenever the daemon was started, and many shops do not ask together.
    """

    def __init__(self, every: timedelta, jitter: timedelta) -> None:
        self.every = every
        self.jitter = jitter

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """Return the next time, strictly later than *now*; missed ones are never made up for."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        point = epoch + ((now - epoch) // self.every + 1) * self.every
        return point + self.jitter * random.random()  # noqa: S311

    def __str__(self) -> str:
        return f"every {self.every}"


@dataclass(frozen=True, slots=True)
class End:
    """Why the daemon ends, and with which exit code."""

    code: int
    reason: str


@dataclass(slots=True)
class Rounds:
    """What is done at every point of the grid, and what is remembered in between."""

    passes: Callable[[datetime], int | None]
    next_due: Callable[[datetime], datetime | None]
    clock: Callable[[], datetime]
    stop: Event
    least: timedelta  # distance of two passes, however urgent the outbox is
    scheduler: BackgroundScheduler
    ends: SimpleQueue[End] = field(default_factory=SimpleQueue)
    failures: int = 0

    def once(self) -> int:
        """Run one pass; return its exit code."""
        if self.stop.is_set():
            return 0
        code = self.passes(self.clock()) or 0
        if not self.stop.is_set():
            self.bring_forward()
        return code

    def bring_forward(self) -> None:
        """Let the next pass begin when a message becomes due, if that is before the grid says."""
        now = self.clock()
        due = self.next_due(now)
        job = self.scheduler.get_job(JOB)
        if due is None or job is None:
            return
        when = max(due, now + self.least)
        if when < job.next_run_time:
            with suppress(JobLookupError):  # the daemon ends just now
                self.scheduler.modify_job(JOB, next_run_time=when)

    def after(self, event: JobExecutionEvent) -> None:
        """Log how a pass ended; too many that raised, one after the other, end the daemon."""
        if event.exception is None:
            self.failures = 0
            _log_code(event.retval)
            return
        self.failures += 1
        _log_failure(event.exception, self.failures)
        if self.failures >= FAILURES:
            self.ends.put(End(1, f"{FAILURES} passes in a row failed"))
            self.stop.set()


def _log_code(code: int) -> None:
    say = {0: log.debug, 75: log.info}.get(code, log.warning)
    say("daemon.pass_ended", code=code)


def _log_failure(error: BaseException, in_a_row: int) -> None:
    if isinstance(error, UserError):
        log.error("daemon.pass_failed", in_a_row=in_a_row, reason=str(error))
        return
    log.error("daemon.pass_failed", in_a_row=in_a_row, exc_info=error)


def run(
    passes: Callable[[datetime], int | None],
    *,
    every: timedelta,
    jitter: timedelta,
    next_due: Callable[[datetime], datetime | None],
    clock: Callable[[], datetime],
    stop: Event,
) -> int:
    """Run *passes* now and at every point of the grid until a signal; return the exit code.

    Main thread only, as signals are. *passes* and *next_due* are called one at a time, always in
    the same other thread; *passes* returns early when it sees *stop* set. *clock* is the machine's.
    """
    if stop.is_set():
        return 0
    scheduler, worker = BackgroundScheduler(timezone=UTC), ThreadPoolExecutor(1)
    scheduler.add_executor(worker)
    rounds = Rounds(passes, next_due, clock, stop, least=every / 10, scheduler=scheduler)
    scheduler.add_listener(rounds.after, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(rounds.once, Grid(every, jitter), id=JOB, next_run_time=clock(), **options)
    with _signals_into(rounds.ends):
        log.info("daemon.started", every_seconds=every.total_seconds())
        scheduler.start()
        end = _awaited(rounds.ends, stop)
        log.info("daemon.stopping", reason=end.reason)
        _close(scheduler, worker, stop)
    log.info("daemon.stopped", code=end.code)
    return end.code


def _awaited(ends: SimpleQueue[End], stop: Event) -> End:
    while True:
        with suppress(Empty):
            return ends.get(timeout=GLANCE)
        if stop.is_set():
            return End(0, "asked to")


def _close(scheduler: BackgroundScheduler, worker: ThreadPoolExecutor, stop: Event) -> None:
    stop.set()
    scheduler.remove_job(JOB)
    worker.shutdown(wait=True)
    scheduler.shutdown(wait=False)


@contextmanager
def _signals_into(ends: SimpleQueue[End]) -> Iterator[None]:
    # Event.set() takes a lock that the interrupted code may hold; SimpleQueue.put() never waits.
    def ask(number: int, _frame: FrameType | None) -> None:
        ends.put(End(0, signal.Signals(number).name))
        for each in SIGNALS:  # who asks twice does not want to wait
            signal.signal(each, signal.SIG_DFL)

    before = {each: signal.signal(each, ask) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
