"""Ask the carriers about what is due, and turn every outcome into rows: news, or when to retry."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from tracker_sync.errors import CallError, Rejected
from tracker_sync.model import Reading
from tracker_sync.polling import Look, next_look
from tracker_sync.store import Due, stamp
from tracker_sync.sync import record, trouble
from tracker_sync.sync.choose import choose
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import MOST_DUE, Batch, Lane
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_KEYS = (401, 403)


class Asking:
    """All lanes of a pass."""

    def __init__(self, house: House, report: Report, now: datetime) -> None:
        self._house = house
        self._report = report
        self._now = now
        self.lanes = {key: Lane(house, carrier, now) for key, carrier in house.carriers.items()}
        self.refill()

    def refill(self) -> bool:
        """Line up what is due and not lined up yet; whether there was anything."""
        brands = sorted({carrier.brand for carrier in self._house.carriers.values()})
        return bool(sum(self._line_up(brand) for brand in brands))

    def _line_up(self, brand: str) -> int:
        """Give the due shipments of a brand to its cheapest carrier that may be asked."""
        carriers = [c for c in self._house.of_brand(brand) if not self.lanes[c.key].stopped]
        if not carriers:
            return 0
        zone = ZoneInfo(carriers[0].zone)
        today = self._now.astimezone(zone).date().isoformat()
        due = self._house.store.shipments.due(brand, self._now, MOST_DUE, today)
        shares: dict[str, list[Due]] = {carrier.key: [] for carrier in carriers}
        for one in due:
            chosen = choose(carriers, one, self._now)
            if chosen:
                shares[chosen.key].append(one)
        for key, share in shares.items():
            self.lanes[key].line_up(share)
        lined_up = sum(map(len, shares.values()))
        self._report.count("due", lined_up)
        return lined_up

    # -- the pass drives these -------------------------------------------------

    @property
    def futures(self) -> set[Future[object]]:
        """Calls under way."""
        found: set[Future[object]] = set()
        for lane in self.lanes.values():
            found |= set(lane.running)  # type: ignore[arg-type]  # only waited for
            if lane.token_call:
                found.add(lane.token_call)  # type: ignore[arg-type]
        return found

    @property
    def asked_about(self) -> frozenset[int]:
        """Shipments whose answer is awaited in this pass."""
        open_lanes = [lane for lane in self.lanes.values() if not lane.stopped]
        waiting = [batch for lane in open_lanes for batch in lane.queue]
        running = [batch for lane in self.lanes.values() for batch in lane.running.values()]
        return frozenset(due.id for batch in (*waiting, *running) for due in batch.due)

    @property
    def waiting(self) -> bool:
        """Whether a slow carrier's next call only waits for its time."""
        return any(lane.waiting for lane in self.lanes.values())

    @property
    def left(self) -> int:
        """Shipments lined up and not asked; they stay due."""
        return sum(len(batch.due) for lane in self.lanes.values() for batch in lane.queue)

    def launch(self) -> None:
        """Start whatever may be started."""
        for lane in self.lanes.values():
            lane.launch()

    def stop(self, why: str) -> None:
        """Start nothing more; what is left stays due."""
        for lane in self.lanes.values():
            lane.stopped = lane.stopped or why

    def collect(self, done: Iterable[Future[object]]) -> None:
        """Store what came back, in one transaction."""
        finished = set(done)
        with self._house.store.transaction():
            for lane in self.lanes.values():
                if lane.token_call in finished:
                    self._token(lane)
                for future in [f for f in lane.running if f in finished]:
                    self._answer(lane, future, lane.running.pop(future))
        self._house.step("answers stored")

    def close(self) -> None:
        """End the lanes and tell what they cost."""
        for lane in self.lanes.values():
            lane.close()
            self._report.count(f"calls.{lane.carrier.key}", lane.calls)
            if lane.stopped and lane.queue:
                log.info("lane.stopped", carrier=lane.carrier.key, why=lane.stopped)

    # -- outcomes ----------------------------------------------------------------

    def _token(self, lane: Lane) -> None:
        call, lane.token_call = lane.token_call, None
        if call is None:
            return
        try:
            token = call.result()
        except Rejected as exc:
            trouble.lock_out(self._report, lane, exc)
            return
        except CallError as exc:
            trouble.failed(lane, exc)
            lane.stopped = lane.stopped or exc.text
            return
        lane.token = token.value
        self._house.ledger.keep_token(lane.carrier.key, token.value, self._now + token.lasts)

    def _answer(self, lane: Lane, future: Future[list[Reading]], batch: Batch) -> None:
        try:
            readings = future.result()
        except Rejected as exc:
            if exc.status == _KEYS[0] and lane.refuse_token(batch):
                return
            self._refused(lane, exc, batch)
        except CallError as exc:
            trouble.failed(lane, exc)
            self._later(lane, batch)
        except Exception:  # a fault in one carrier's file stays in this batch
            log.exception("poll.broken", carrier=lane.carrier.key)
            text = f"{lane.carrier.key}: a question or an answer broke; the log has the traceback"
            self._report.finding(f"carrier:{lane.carrier.key}", text)
            self._later(lane, batch)
        else:
            self._good(lane, batch, readings)

    def _good(self, lane: Lane, batch: Batch, readings: list[Reading]) -> None:
        lane.troubles = 0
        self._house.ledger.answered(lane.carrier.key, self._now)
        self._report.over(f"carrier:{lane.carrier.key}")
        by_number = {reading.number: reading for reading in readings}
        if len(batch.due) == 1 and None in by_number:
            by_number[batch.numbers[0]] = by_number[None]
        strangers = set(by_number) - {None, *batch.numbers}
        if strangers:
            log.warning("poll.swapped", carrier=lane.carrier.key, count=len(strangers))
        for due in batch.due:
            absent = Reading(due.number, not_found=True)
            if due.number not in by_number and strangers and len(batch.due) == 1:
                self._later(lane, Batch((due,)))
                continue
            reading = by_number.get(due.number, absent)
            if reading.unanswered:
                self._later(lane, Batch((due,)))
                continue
            self._one(lane, due, reading)

    def _one(self, lane: Lane, due: Due, reading: Reading) -> None:
        """A fault in one shipment stays in that shipment."""
        key = f"shipment:{due.id}"
        news = safely(
            self._house.store, self._report, key, lambda: self._stored(lane, due, reading)
        )
        if news is None:
            self._later(lane, Batch((due,)))
            return
        self._report.over(key)
        self._report.count("asked")
        self._report.count("not_found", int(reading.not_found))
        self._report.count("transitions", news)

    def _stored(self, lane: Lane, due: Due, reading: Reading) -> int:
        self._charge(lane, due)
        return record.answered(self._house, lane.carrier.key, due.id, reading, now=self._now)

    def _charge(self, lane: Lane, due: Due) -> None:
        zone = ZoneInfo(lane.carrier.zone)
        today = self._now.astimezone(zone).date().isoformat()
        self._house.store.shipments.update(
            due.id, {"calls_day": today, "calls_made": due.calls_today + 1}
        )

    def _later(self, lane: Lane, batch: Batch) -> None:
        """The call failed: ask again after a growing pause."""
        for due in batch.due:
            look = Look(
                status=None,
                since=self._now,
                zone=ZoneInfo(lane.carrier.zone),
                jitter=record.jitter(due.id),
                failures=due.failures + 1,
                min_gap=lane.carrier.min_gap,
                calls_today=due.calls_today + 1,
                max_per_day=lane.carrier.max_per_parcel_day,
            )
            again = next_look(look, self._now)
            self._charge(lane, due)
            self._house.store.shipments.update(
                due.id,
                {"failures": due.failures + 1, "next_poll_at": stamp(again) if again else None},
            )
        self._report.count("failed", len(batch.due))

    def _refused(self, lane: Lane, exc: Rejected, batch: Batch) -> None:
        """Refused keys stop the carrier; any other refusal is about these numbers."""
        if exc.status in _KEYS or exc.status is None:
            trouble.lock_out(self._report, lane, exc)
            return
        log.warning("poll.refused", carrier=lane.carrier.key, why=exc.text)
        self._later(lane, batch)
