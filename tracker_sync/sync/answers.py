"""What becomes of the outcome of a call: news, another call, or a later try."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import structlog

from tracker_sync.carriers.errands import Changes, Errand, Glance, Registered
from tracker_sync.errors import CallError, Rejected
from tracker_sync.model import Reading
from tracker_sync.polling import Look, next_look
from tracker_sync.store import Due, stamp
from tracker_sync.sync import feeds, trouble
from tracker_sync.sync.calls import Answer, Call, NotAsked
from tracker_sync.sync.heard import Heard, Item, charge
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import Lane
from tracker_sync.sync.planning import jitter
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_KEYS = (401, 403)
_NO_QUOTA = "no registrations are left"
_NOT_TAKEN = timedelta(days=1)  # until a number that was not registered is tried again


class Answers:
    """Takes the outcomes of calls, inside the transaction of whoever collected them."""

    def __init__(self, house: House, report: Report, now: datetime) -> None:
        self._house = house
        self._report = report
        self._now = now
        self._asked: set[int] = set()  # shipments a carrier has answered about in this pass
        self._heard = Heard(house, report, now, self._lost)

    def take_all(self, outcomes: Iterable[tuple[Lane, Call, Future[Answer]]]) -> None:
        """Store answers, or say when to try again."""
        for lane, call, future in outcomes:
            self._take(lane, call, future)
        self._heard.store()

    def _take(self, lane: Lane, call: Call, future: Future[Answer]) -> None:
        key = lane.carrier.key
        try:
            answer = future.result()
        except NotAsked:
            lane.not_asked(call)
        except Rejected as exc:
            if exc.status != _KEYS[0] or not lane.refuse_token(call):
                self._refused(lane, exc, call)
        except CallError as exc:
            lane.answers = False
            trouble.failed(lane, exc)
            self._later(lane, call.due)
        except Exception:  # a fault in one carrier's file stays in this call
            lane.answers = False
            log.exception("poll.broken", carrier=key)
            text = f"{key}: a question or an answer broke; the log has the traceback"
            self._report.finding(f"carrier:{key}", text)
            self._later(lane, call.due)
        else:
            lane.troubles = lane.refusals = 0
            if not lane.answers:
                lane.answers = True
                self._house.ledger.answered(key, lane.account.began)
                self._report.over(f"carrier:{key}")
            self._good(lane, call, answer)

    def _good(self, lane: Lane, call: Call, answer: Answer) -> None:
        match call.errand:
            case Errand.HISTORY:
                self._history(lane, call, cast(list[Reading], answer))
            case Errand.GLANCE:
                self._glances(lane, call, cast(list[Glance], answer))
            case Errand.REGISTER:
                self._registered(lane, call.due, cast(list[Registered], answer))
            case Errand.FEED:
                self._changes(lane, call, cast(Changes, answer))
            case Errand.QUOTA:
                self._house.ledger.keep_quota(lane.carrier.key, cast(int, answer), self._now)

    # -- histories -------------------------------------------------------------

    def _history(self, lane: Lane, call: Call, readings: list[Reading]) -> None:
        by_number = {reading.number: reading for reading in readings}
        if len(call.due) == 1 and None in by_number:
            by_number[call.numbers[0]] = by_number[None]
        strangers = set(by_number) - {None, *call.numbers}
        if strangers:
            log.warning("poll.swapped", carrier=lane.carrier.key, count=len(strangers))
        for due in call.due:
            reading = by_number.get(due.number)
            if reading is None and strangers:  # which may have come in its place
                self._later(lane, (due,))
            else:
                self._reading(lane, due, reading or Reading(due.number, not_found=True))

    def _reading(self, lane: Lane, due: Due, reading: Reading) -> None:
        if reading.unanswered:
            self._later(lane, (due,))
            return
        if reading.unregistered:
            charge(self._house, due, lane.today)
            lane.unregistered.append(due)
            return
        key = f"ambiguous:{due.id}"
        if reading.ambiguous:
            text = f"…{due.number[-6:]} ({due.brand}) is the number of several parcels; none counts"
            self._report.finding(key, f"{text}: name the day it was shipped in the feed")
        self._asked.add(due.id)
        self._heard.add(Item(lane, due, None if reading.unmoved else reading, lane.today))

    def _lost(self, item: Item) -> None:
        self._later(item.lane, (item.due,))

    # -- further errands ---------------------------------------------------------

    def _glances(self, lane: Lane, call: Call, glances: list[Glance]) -> None:
        """What has not moved is done; the rest is asked for its history."""
        marks = {glance.number: glance.mark for glance in glances}
        moved = [due for due in call.due if marks.get(due.number, "") not in ("", due.mark)]
        silent = [due for due in call.due if due.number not in marks]
        self._later(lane, silent)
        for due in call.due:
            if due not in moved and due not in silent:
                self._heard.add(Item(lane, due, None, lane.today))
        lane.group(moved, Errand.HISTORY, lane.carrier.size)

    def register(self, lane: Lane) -> None:
        """Line up what an aggregator does not watch yet, as far as its quota goes."""
        if not lane.unregistered or (lane.queue and not lane.full_registration):
            return
        waiting, lane.unregistered = lane.unregistered, []
        left = self._house.ledger.quota(lane.carrier.key)[0]
        taken = len(waiting) if left is None else left
        lane.group(waiting[:taken], Errand.REGISTER, lane.carrier.register_batch)
        outcomes = [Registered(due.number, _NO_QUOTA) for due in waiting[taken:]]
        self._registered(lane, waiting[taken:], outcomes)

    def _registered(self, lane: Lane, dues: Sequence[Due], outcomes: list[Registered]) -> None:
        """A number that is watched now is asked about soon; one that is not, tomorrow."""
        why = {outcome.number: outcome.why for outcome in outcomes}
        key, ledger = lane.carrier.key, self._house.ledger
        for due in dues:
            pause = _NOT_TAKEN if why.get(due.number, "no answer") else lane.carrier.min_gap
            self._house.store.looks.known_to(due.id, key, known=False)
            columns = {"next_poll_at": stamp(self._now + pause), "checked_at": stamp(self._now)}
            self._house.store.shipments.update(due.id, columns)
        reasons = sorted({reason for reason in why.values() if reason})
        done = sum(not reason for reason in why.values())
        if reasons:
            text = f"{key} does not watch {len(why) - done} numbers: {'; '.join(reasons)}"
            self._report.finding(f"register:{key}", text)
        elif done:
            self._report.over(f"register:{key}")
        if done and (left := ledger.quota(key)[0]) is not None:
            ledger.keep_quota(key, max(0, left - done), self._now)
        self._report.count("registered", done)

    def _changes(self, lane: Lane, call: Call, changes: Changes) -> None:
        """Take what the feed says itself, wake what is worth a call, and read on."""
        if call.window and not call.window.page:
            woken = feeds.lost_touch(self._house, lane.carrier, self._now)
            self._report.count("woken", woken)
        readings = {r.number: r for r in changes.readings if r.number}
        brands, today = self._house.brands_of(lane.carrier), lane.today
        for due in self._house.store.looks.named(brands, readings, today):
            if reading := readings.get(due.number):
                self._heard.add(Item(lane, due, reading))
        self._heard.store()
        moved = self._house.store.looks.named(brands, changes.moved, today)
        again = (due.id for due in moved if due.id not in self._asked)
        self._house.store.looks.wake(again, self._now)
        lane.feed_on(call, changes)

    # -- failures ----------------------------------------------------------------

    def _later(self, lane: Lane, dues: Iterable[Due]) -> None:
        """The call failed: ask again after a growing pause."""
        for due in dues:
            look = Look(
                status=None,
                since=self._now,
                zone=ZoneInfo(lane.carrier.zone),
                jitter=jitter(due.id),
                failures=due.failures + 1,
                min_gap=lane.carrier.min_gap,
                calls_today=due.calls_today + 1,
                max_per_day=lane.carrier.max_per_parcel_day,
            )
            again = next_look(look, self._now)
            charge(self._house, due, lane.today)
            self._house.store.shipments.update(
                due.id,
                {"failures": due.failures + 1, "next_poll_at": stamp(again) if again else None},
            )
            self._report.count("failed")

    def _refused(self, lane: Lane, exc: Rejected, call: Call) -> None:
        """Refused keys stop the carrier; any other refusal is about one of these numbers."""
        lane.answers = False
        if exc.status in _KEYS or exc.status is None:
            trouble.lock_out(self._report, lane, exc)
            return
        log.warning("poll.refused", carrier=lane.carrier.key, why=exc.text)
        if lane.halve(call):
            return
        self._later(lane, call.due)
        everything = lane.carrier.size > 1 and lane.refuses_all
        if everything or not call.due:
            lane.stopped = exc.text if everything else lane.stopped
            self._report.finding(f"carrier:{lane.carrier.key}", f"{lane.carrier.key}: {exc.text}")
