"""One lane a carrier: who is asked, in which batches, with which token, until what stops it.

The main thread owns the lanes and the database; worker threads only ask.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker_sync.carriers import Carrier, Token
from tracker_sync.carriers.errands import Changes, Errand, Window
from tracker_sync.store import Due
from tracker_sync.sync import feeds
from tracker_sync.sync.account import Account
from tracker_sync.sync.calls import Answer, Call, NotAsked, make
from tracker_sync.sync.house import House
from tracker_sync.sync.workers import Workers
from tracker_sync.wire import Wire

MOST_DUE = 2000  # shipments a lane loads at a time
_WORKERS = 8
_AHEAD = 64
_HURRIED = 50.0  # calls a second; below, the pace decides and not how fast we are
_MANY = 10_000  # calls a day; with fewer, a crash should not waste what is lined up
_QUOTA_EVERY = timedelta(hours=12)
_REFUSALS = 3  # refused questions in a row that are not explained by one number among many


@dataclass(slots=True)
class Lane:
    """The state of one carrier in this pass."""

    house: House
    carrier: Carrier
    now: datetime
    begun: float  # when the pass began, on the house's ticking clock
    queue: deque[Call] = field(default_factory=deque)
    running: dict[Future[Answer], Call] = field(default_factory=dict)
    token_call: Future[Token] | None = None
    token: str | None = None
    wanted: int = 0  # looks that became due, whether there was a call for them or not
    spent_all: bool = False  # the calls of the day are used up
    answers: bool = False  # the last call was answered, and that is noted
    troubles: int = 0  # failed calls in a row
    refusals: int = 0  # questions refused in a row, one number after the other
    unregistered: list[Due] = field(default_factory=list)  # to be watched by an aggregator
    stopped: str = ""  # why nothing more is asked
    account: Account = field(init=False)
    _has_tokens: bool | None = None  # None: not known before the first call
    _workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self.account = Account(self.house, self.carrier, self.now, self.begun)
        self._workers = Workers(
            self.house,
            self.carrier.key,
            self.workers,
            seconds=self.carrier.config.timeout,
            per_second=None if self.account.gap else self.account.per_second,
        )
        if self._quota_is_old():
            self.queue.append(Call(errand=Errand.QUOTA))
        until = self.house.ledger.blocked_until(self.carrier.key)
        if until and until > self.account.now:
            self.stopped = f"not asked before {until:%Y-%m-%d %H:%M} UTC"
            self.spent_all = self.account.spent

    def _quota_is_old(self) -> bool:
        if not self.carrier.has_quota:
            return False
        told = self.house.ledger.quota(self.carrier.key)[1]
        return told is None or self.account.began - told > _QUOTA_EVERY

    # -- what there is to do -------------------------------------------------

    @property
    def today(self) -> str:
        """The brand's own calendar day, for the calls a parcel costs."""
        return self.now.astimezone(ZoneInfo(self.carrier.zone)).date().isoformat()

    @property
    def calls(self) -> int:
        """Calls made in this pass."""
        return self.account.made

    @property
    def waiting(self) -> bool:
        """Whether the next call only waits for its time."""
        return bool(self.queue) and not self.stopped and not self.busy

    @property
    def workers(self) -> int:
        """Calls at the same time: what pace and latency need."""
        per_second = self.account.per_second
        needed = _WORKERS if per_second is None else max(1, min(_WORKERS, round(per_second * 2)))
        return self.carrier.config.workers or needed

    @property
    def depth(self) -> int:
        """Calls under way or lined up for the next free worker, so that none waits for us."""
        fast = (self.account.per_second or _HURRIED) >= _HURRIED
        many = (self.account.per_day or _MANY) >= _MANY
        return self.workers + _AHEAD if fast and many else self.workers

    def line_up(self, due: Sequence[Due]) -> None:
        """Make calls; what failed before is asked alone, it may be the cause."""
        well = [d for d in due if not d.failures]
        self.group([d for d in well if self._marked(d)], Errand.GLANCE, self.carrier.glance_batch)
        self.group([d for d in well if not self._marked(d)], Errand.HISTORY, self.carrier.size)
        self.group([d for d in due if d.failures], Errand.HISTORY, 1)

    def group(self, due: Sequence[Due], errand: Errand, size: int) -> None:
        """Line up calls for *size* shipments each."""
        for start in range(0, len(due), size or 1):
            self.queue.append(Call(tuple(due[start : start + size]), errand))

    @property
    def refuses_all(self) -> bool:
        """Whether so many questions were refused that no single number can be to blame."""
        most = max(self.carrier.size, self.carrier.glance_batch)
        return self.refusals > most.bit_length() + _REFUSALS

    def halve(self, call: Call) -> bool:
        """Split a question that was refused, to find the number to blame; False = it is one."""
        self.refusals += 1
        middle = len(call.due) // 2
        if not middle or self.refuses_all:
            return False
        for part in (call.due[middle:], call.due[:middle]):
            self.queue.appendleft(replace(call, due=part))
        return True

    @property
    def full_registration(self) -> bool:
        """Whether there is enough to register for a call of its own."""
        return len(self.unregistered) >= self.carrier.register_batch

    def feed_on(self, call: Call, page: Changes) -> None:
        """A page of the feed was stored: read the next one, or the next stretch."""
        if call.window is None:
            return
        if page.next_page:
            window: Window | None = replace(call.window, page=page.next_page)
        else:
            self.house.store.ledger.feed_read(self.carrier.key, call.window.until)
            window = feeds.rest_of(self.carrier, call.window, self.now)
        if window:
            self.queue.appendleft(replace(call, window=window))

    def _marked(self, due: Due) -> bool:
        glances = bool(self.carrier.glance_batch)
        return glances and bool(due.mark) and due.carrier == self.carrier.key

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self.running) or self.token_call is not None

    # -- asking --------------------------------------------------------------

    def launch(self) -> None:
        """Start as many calls as workers and budget allow."""
        while self.queue and not self.stopped and len(self.running) < self.depth:
            if not self.account.rested or self._reads_feed or self._needs_token():
                return
            if not self._reserve() or not self.account.start():
                return
            call = replace(self.queue.popleft(), token=self.token, days=self.account.days)
            self.running[self._submit(call)] = call
            self.house.step("asked")

    @property
    def _reads_feed(self) -> bool:
        """Whether a list of changes is on its way: what it says may spare other calls."""
        feeds_too = self.carrier.feed is not None
        return feeds_too and any(call.errand is Errand.FEED for call in self.running.values())

    def _submit(self, call: Call) -> Future[Answer]:
        hints = self.house.hints(self.carrier)
        return self._workers.submit(lambda wire: self._make(call, hints, wire))

    def _make(self, call: Call, hints: dict[str, str], wire: Wire) -> Answer:
        """In a worker's thread: make the call, unless the lane was stopped, or its day ended."""
        given_up = self.stopped and not self.spent_all  # the last call of a day is made
        if given_up or not self.account.covers(call.days):
            raise NotAsked
        return make(call, self.carrier, hints, wire)

    def not_asked(self, call: Call) -> None:
        """A call that was lined up was not made; it stays due."""
        self.account.not_made(call.days)
        self.queue.appendleft(call)

    def _needs_token(self) -> bool:
        """Start fetching a token where one is needed and none is kept."""
        if self._has_tokens is None:
            self._has_tokens = self.carrier.token_request() is not None
        if not self._has_tokens:
            return False
        if self.token_call is not None:
            return True
        if self.token is None:
            self.token = self.house.ledger.token(self.carrier.key, self.account.now)
        if self.token is not None:
            return False
        counts = self.carrier.tokens_count
        if self.running or (counts and not self._reserve()):
            return True
        if not self.account.start(counted=counts):
            return True
        self.token_call = self._workers.submit(self.carrier.fetch_token)
        return True

    def _reserve(self) -> bool:
        """Take one call from the budget; stop the lane where none is left."""
        got = self.account.reserve(len(self.queue) + 1, at_once=self.depth)
        if not got:
            self.stopped, self.spent_all = "the calls of the day are used up", True
        return got

    def refuse_token(self, call: Call) -> bool:
        """After a 401: ask again once with a new token; False where that was tried."""
        if call.token is None or call.again:
            return False
        if self.token == call.token:
            self.token = None
            self.house.ledger.keep_token(self.carrier.key, None, self.account.began)
        self.queue.appendleft(replace(call, token=None, again=True))
        return True

    def close(self) -> None:
        """Stop the workers; give back calls that were reserved and never made."""
        self._workers.close(wait=not self.busy)
        self.account.give_back()
