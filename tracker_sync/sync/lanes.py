"""One lane a carrier: who is asked, in which batches, with which token, until what stops it.

The main thread owns the lanes and the database; worker threads only ask.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker_sync.carriers import Carrier, Token
from tracker_sync.model import Reading
from tracker_sync.store import Due
from tracker_sync.sync.house import House, budget
from tracker_sync.wire import Limits, Pacer, Wire

MOST_DUE = 2000  # shipments a lane loads at a time
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Shipments asked about in one call."""

    due: tuple[Due, ...]
    token: str | None = None
    again: bool = False  # the token was refused once already

    @property
    def numbers(self) -> list[str]:
        """What the carrier is asked."""
        return [due.number for due in self.due]


@dataclass(slots=True)
class Lane:
    """The state of one carrier in this pass."""

    house: House
    carrier: Carrier
    now: datetime
    queue: deque[Batch] = field(default_factory=deque)
    running: dict[Future[list[Reading]], Batch] = field(default_factory=dict)
    token_call: Future[Token] | None = None
    token: str | None = None
    granted: int = 0
    calls: int = 0
    troubles: int = 0  # failed calls in a row
    stopped: str = ""  # why nothing more is asked
    renewed: bool = False
    _local: threading.local = field(default_factory=threading.local)
    _wires: list[Wire] = field(default_factory=list)
    _executor: ThreadPoolExecutor | None = None
    _pacer: Pacer | None = None

    def __post_init__(self) -> None:
        until = self.house.ledger.blocked_until(self.carrier.key)
        if until and until > self.now:
            self.stopped = f"not asked before {until:%Y-%m-%d %H:%M} UTC"

    # -- what there is to do -------------------------------------------------

    @property
    def day(self) -> str:
        """The carrier's own calendar day, for its budget."""
        return self.now.astimezone(ZoneInfo(self.carrier.budget_zone)).date().isoformat()

    @property
    def midnight(self) -> datetime:
        """When the carrier's day ends."""
        zone = ZoneInfo(self.carrier.budget_zone)
        day = self.now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)

    @property
    def workers(self) -> int:
        """Calls at the same time: what pace and latency need."""
        per_second = budget(self.carrier)[1]
        needed = _WORKERS if per_second is None else max(1, min(_WORKERS, round(per_second * 2)))
        return self.carrier.config.workers or needed

    def line_up(self, due: Sequence[Due]) -> None:
        """Make batches; what failed before is asked alone, it may be the cause."""
        well = [d for d in due if not d.failures]
        size = self.carrier.batch
        groups = [tuple(well[i : i + size]) for i in range(0, len(well), size)]
        self.queue.extend(Batch(group) for group in groups)
        self.queue.extend(Batch((d,)) for d in due if d.failures)

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self.running) or self.token_call is not None

    # -- asking --------------------------------------------------------------

    def launch(self) -> None:
        """Start as many calls as workers and budget allow."""
        while self.queue and not self.stopped and len(self.running) < self.workers:
            if self._needs_token():
                return
            if not self._reserve():
                return
            batch = self.queue.popleft()
            batch = Batch(batch.due, self.token, batch.again)
            self.calls += 1
            self.running[self._submit(batch)] = batch
            self.house.step("asked")

    def _submit(self, batch: Batch) -> Future[list[Reading]]:
        return self._pool().submit(
            lambda: self.carrier.poll(self._wire(), batch.numbers, batch.token)
        )

    def _needs_token(self) -> bool:
        """Start fetching a token where one is needed and none is kept."""
        if self.token_call is not None:
            return True
        if self.token is None:
            self.token = self.house.ledger.token(self.carrier.key, self.now)
        if self.token is not None or self.carrier.token_request() is None:
            return False
        if self.running or (self.carrier.tokens_count and not self._reserve()):
            return True
        self.calls += int(self.carrier.tokens_count)
        self.token_call = self._pool().submit(lambda: self.carrier.fetch_token(self._wire()))
        return True

    def _reserve(self) -> bool:
        """Take one call from the budget; stop the lane where none is left."""
        if self.granted > self.calls:
            return True
        wanted = min(self.workers, len(self.queue) + 1)
        per_day = budget(self.carrier)[0]
        got = self.house.ledger.reserve(self.carrier.key, self.day, wanted, per_day)
        self.house.step("reserved")
        self.granted += got
        if not got:
            self.stopped = "the calls of the day are used up"
        return bool(got)

    def refuse_token(self, batch: Batch) -> bool:
        """After a 401: ask again once with a new token; False where that was tried."""
        if batch.token is None or batch.again:
            return False
        if self.token == batch.token:
            self.token = None
            self.house.ledger.keep_token(self.carrier.key, None, self.now)
        self.queue.appendleft(Batch(batch.due, None, again=True))
        return True

    def close(self) -> None:
        """Stop the workers; give back calls that were reserved and never made."""
        if self._executor:
            self._executor.shutdown(wait=not self.busy, cancel_futures=True)
        for wire in self._wires:
            wire.close()
        if self.granted > self.calls:
            self.house.ledger.give_back(self.carrier.key, self.day, self.granted - self.calls)

    # -- workers -------------------------------------------------------------

    def _pool(self) -> ThreadPoolExecutor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix=self.carrier.key)
        return self._executor

    def _wire(self) -> Wire:
        """The calling thread's own client."""
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is None:
            if self._pacer is None:
                self._pacer = Pacer(budget(self.carrier)[1], self.house.timer)
            wire = self._local.wire = Wire(
                self.carrier.key,
                self.house.timer,
                limits=Limits(min(self.carrier.config.timeout, self.house.bounds.last_word)),
                pacer=self._pacer,
                transport=self.house.transport() if self.house.transport else None,
            )
            self._wires.append(wire)
        return wire
