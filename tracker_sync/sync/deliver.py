"""Send what was released to Klaviyo, in order per recipient, and mark what it accepted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from tracker_sync.klaviyo import EVENTS_PER_SECOND, Outcome, OutcomeState
from tracker_sync.store import Frozen
from tracker_sync.sync.house import House
from tracker_sync.sync.release import Desk, Skip, release
from tracker_sync.sync.report import Report
from tracker_sync.sync.surge import Surge
from tracker_sync.sync.workers import Workers
from tracker_sync.wire import Wire

log = structlog.get_logger()

PATIENCE = 20.0  # seconds a pass retries Klaviyo
_NEXT_PASS = timedelta(minutes=15)  # at the latest
_BULK = 500
_PEER = "klaviyo"
_AHEAD = 4  # sends queued for every worker


class Delivery:
    """The outbox of one pass."""

    def __init__(self, house: House, report: Report, now: datetime) -> None:
        self._house = house
        self._report = report
        self._now = now
        self.surge = Surge(house, now)
        self._desk = Desk(house, report, now, self.surge)
        self._running: dict[Future[list[Outcome]], list[Frozen]] = {}
        self._again: list[tuple[Frozen, Outcome]] = []
        # After trouble one message feels the way, and the others are not tried in vain.
        self._probing = bool(house.ledger.carrier(_PEER)["failure"])
        self._trouble_since: float | None = None
        self._retries = 0
        self._resume_at = 0.0
        self.stopped = "" if house.sender else "klaviyo is not configured"
        self._workers = Workers(
            house,
            _PEER,
            house.bounds.senders,
            seconds=house.bounds.send_seconds,
            per_second=EVENTS_PER_SECOND,
        )
        self._drained = False
        self._waits = False

    # -- the pass drives these -------------------------------------------------

    @property
    def futures(self) -> set[Future[object]]:
        """Sends under way."""
        return set(self._running)  # type: ignore[arg-type]  # only waited for

    @property
    def pending(self) -> bool:
        """Whether something is still to be sent in this pass."""
        return bool(self._running) or not (self.stopped or self._drained)

    @property
    def delay(self) -> float:
        """Seconds until Klaviyo may be tried again."""
        if self.stopped:
            return 0.0
        return max(0.0, self._resume_at - self._house.timer.monotonic())

    def last_round(self) -> bool:
        """Once no answer is awaited any more: look again at what waited for one."""
        waited, self._waits = self._waits, False
        if waited:
            self.wake()
        return waited

    def wake(self) -> None:
        """There may be new messages."""
        self._drained = False

    def launch(self, asked_about: Callable[[], frozenset[int]]) -> None:
        """Send what may go now; what is said of the parcels *asked_about* waits for the answer."""
        if self.stopped or self._drained or self.delay > 0 or self._room <= 0:
            return
        ready = self._retries_now() or self._released(asked_about())
        repeats = [f.id for f in ready if f.attempts > 1]
        if repeats:
            with self._house.store.transaction():
                self._house.store.outbox.try_again(repeats)
        history = [f for f in ready if f.backfill]
        for start in range(0, len(history), _BULK):
            self._submit(history[start : start + _BULK])
        for one in ready:
            if not one.backfill:
                self._submit([one])
        self._drained = not ready

    @property
    def _room(self) -> int:
        """Sends that may be started now: one while probing, else refilled by halves."""
        if self._probing:
            return 1 - len(self._running)
        room = _AHEAD * self._house.bounds.senders - len(self._running)
        return room if room >= _AHEAD * self._house.bounds.senders / 2 else 0

    def _released(self, asked_about: frozenset[int]) -> list[Frozen]:
        self._waits = bool(asked_about)
        under_way = [f for group in self._running.values() for f in group]
        waiting = [f for f, _ in self._again]
        skip = Skip(frozenset(f.id for f in (*under_way, *waiting)), asked_about)
        history = self._house.policy.onboarding == "backfill" and not self._probing
        most = max(self._room, _BULK if history else 0)
        return release(self._desk, skip, most=most)

    def _retries_now(self) -> list[Frozen]:
        """What failed in this pass and is tried once more."""
        chosen, self._again = self._again[: self._room], self._again[self._room :]
        return [f if outcome.refused else _once_more(f) for f, outcome in chosen]

    def collect(self, done: Iterable[Future[object]]) -> None:
        """Mark what came back, in one transaction."""
        finished = set(done)
        with self._house.store.transaction():
            for future in [f for f in self._running if f in finished]:
                group = self._running.pop(future)
                self._mark_all(future, group)
        self._house.step("accepted stored")
        self._drained = False

    def stop(self, why: str) -> None:
        """Send nothing more; it stays owed."""
        self.stopped = self.stopped or why

    def close(self) -> None:
        """End the workers; what was frozen and never sent is judged anew next time."""
        self._workers.close(wait=True)
        with self._house.store.transaction():
            for future, group in self._running.items():
                if future.cancelled():
                    for frozen in group:
                        self._house.store.outbox.unfreeze(frozen.id)
                else:
                    self._mark_all(future, group)
            for frozen, outcome in self._again:
                self._leave(frozen, outcome)

    # -- outcomes ----------------------------------------------------------------

    def _mark_all(self, future: Future[list[Outcome]], group: list[Frozen]) -> None:
        try:
            outcomes = future.result()
        except Exception:  # a fault of ours: these messages are set aside, the others go
            log.exception("message.broken", count=len(group))
            broken = Outcome(
                OutcomeState.REFUSED, "it broke the program; the log has the traceback"
            )
            outcomes = [broken] * len(group)
        for frozen, outcome in zip(group, outcomes, strict=True):
            self._mark(frozen, outcome)

    def _mark(self, frozen: Frozen, outcome: Outcome) -> None:
        outbox = self._house.store.outbox
        if outcome.state is OutcomeState.ACCEPTED:
            outbox.accepted(frozen.id, self._now)
            self._report.count("accepted")
            self._well()
        elif outcome.state in (OutcomeState.REFUSED, OutcomeState.TOO_LARGE):
            outbox.set_aside(frozen.id, outcome.text, self._now)
            self._report.set_aside(frozen.id, frozen.kind, outcome.text)
        elif outcome.state is OutcomeState.HALT:
            outbox.hold(frozen.id, outcome.text, self._now)
            outbox.unfreeze(frozen.id)
            self._report.finding(_PEER, f"Klaviyo takes nothing: {outcome.text}")
            self._house.ledger.failed(_PEER, outcome.text, self._now)
            self.stop(outcome.text)
        else:
            self._trouble(frozen, outcome)

    def _well(self) -> None:
        self._report.over(_PEER)
        if self._probing or self._trouble_since is not None:
            self._house.ledger.answered(_PEER, self._now)
        self._trouble_since, self._probing, self._retries = None, False, 0

    def _trouble(self, frozen: Frozen, outcome: Outcome) -> None:
        """Retry for a short while; then leave it to a later pass."""
        clock = self._house.timer.monotonic()
        if self._trouble_since is None:
            self._trouble_since, self._probing = clock, True
            self._house.ledger.failed(_PEER, outcome.text, self._now)
        pause = outcome.after if outcome.after is not None else self._pause()
        if self.stopped or pause > PATIENCE - (clock - self._trouble_since):
            self._leave(frozen, outcome)
            self.stop(f"no answer from Klaviyo: {outcome.text}")
            return
        self._again.append((frozen, outcome))
        self._resume_at = max(self._resume_at, clock + pause)

    def _leave(self, frozen: Frozen, outcome: Outcome) -> None:
        """Leave a message to a later pass."""
        wait = timedelta(seconds=max(outcome.after or 0.0, 60.0))
        outbox = self._house.store.outbox
        outbox.hold(frozen.id, outcome.text, self._now + min(wait, _NEXT_PASS))
        if outcome.refused:
            outbox.unfreeze(frozen.id)
        self._report.count("postponed")

    def _pause(self) -> float:
        self._retries += 1
        return random.uniform(0, min(8.0, 0.5 * 2**self._retries))  # noqa: S311  jitter

    # -- workers -----------------------------------------------------------------

    def _submit(self, group: list[Frozen]) -> None:
        self._running[self._workers.submit(partial(self._send, group))] = group
        self._house.step("sent")

    def _send(self, group: list[Frozen], wire: Wire) -> list[Outcome]:
        sender = self._house.sender
        if sender is None:
            return []
        if len(group) == 1 and not group[0].backfill:
            return [sender.send(wire, group[0].body)]
        return sender.send_many(wire, [frozen.body for frozen in group])


def _once_more(frozen: Frozen) -> Frozen:
    return replace(frozen, attempts=frozen.attempts + 1)
