"""Ask the carriers about what is due: all lanes of a pass, filled, driven and closed together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from itertools import islice

import structlog

from tracker_sync.carriers import Carrier
from tracker_sync.carriers.errands import Errand
from tracker_sync.errors import CallError, Rejected
from tracker_sync.store import Due
from tracker_sync.sync import feeds, trouble
from tracker_sync.sync.answers import Answers
from tracker_sync.sync.calls import Call
from tracker_sync.sync.choose import choose
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import MOST_DUE, Lane
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_NEARLY = timedelta(hours=2)  # due so soon that a free place in a call is taken


class Asking:
    """All lanes of a pass."""

    def __init__(self, house: House, report: Report, now: datetime) -> None:
        self._house = house
        self._report = report
        self._now = now
        self._answers = Answers(house, report, now)
        self.lanes = {key: Lane(house, carrier, now) for key, carrier in house.carriers.items()}
        self._down = {key for key, lane in self.lanes.items() if trouble.is_down(lane)}
        for lane in self.lanes.values():
            if window := feeds.next_window(house, lane.carrier, now):
                lane.queue.append(Call(errand=Errand.FEED, window=window))
        self.refill()

    def refill(self) -> bool:
        """Line up what is due and not lined up yet; whether there was anything."""
        return bool(sum(self._line_up(brand) for brand in self._house.asked_brands))

    def _line_up(self, brand: str) -> int:
        """Give the due shipments of a brand to its cheapest carrier that may be asked."""
        carriers = self._house.of_brand(brand)
        stopped = {c.key for c in carriers if self.lanes[c.key].stopped}
        if len(stopped) == len(carriers):
            return 0
        today = self.lanes[carriers[0].key].today
        due = self._house.store.looks.due(brand, self._now, MOST_DUE, today)
        shares: dict[str, list[Due]] = {carrier.key: [] for carrier in carriers}
        for one in due:
            chosen = self._chosen(carriers, one, stopped)
            if chosen:
                shares[chosen.key].append(one)
        for carrier in carriers:
            share, lane = shares[carrier.key], self.lanes[carrier.key]
            share = self._house.planner.best_first(self._house, carrier, share, self._now)
            lane.line_up(share + self._riders(carriers, lane, share, stopped))
            lane.wanted += len(share)
        lined_up = sum(map(len, shares.values()))
        self._report.count("due", lined_up)
        return lined_up

    def _chosen(
        self, carriers: Sequence[Carrier], due: Due, stopped: Collection[str]
    ) -> Carrier | None:
        return choose(carriers, due, self._now, stopped=stopped, down=self._down)

    def _riders(
        self, carriers: Sequence[Carrier], lane: Lane, share: list[Due], stopped: Collection[str]
    ) -> list[Due]:
        """Neighbours that are nearly due fill up a call that is made anyway."""
        room = -len(share) % lane.carrier.size
        if not room:
            return []
        until = self._now + _NEARLY
        nearly = self._house.store.looks.nearly(share[0].brand, self._now, until, lane.today)
        able = (due for due in nearly if _may_ride(lane.carrier, due, self._now))
        fitting = (d for d in able if self._chosen(carriers, d, stopped) is lane.carrier)
        return list(islice(fitting, room))

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
                    self._answers.take(lane, lane.running.pop(future), future)
                self._answers.register(lane)
            self._house.planner.keep(self._house.store)
        self._house.step("answers stored")

    def close(self) -> None:
        """End the lanes and tell what they cost."""
        for lane in self.lanes.values():
            lane.close()
            if lane.wanted:
                asked = lane.wanted - sum(len(call.due) for call in lane.queue)
                looks = max(0, asked) + self._missed(lane)
                self._house.planner.spent(self._house, lane.carrier, looks, self._now)
            self._report.count(f"calls.{lane.carrier.key}", lane.calls)
            if lane.stopped and lane.queue:
                log.info("lane.stopped", carrier=lane.carrier.key, why=lane.stopped)
        self._house.planner.keep(self._house.store)

    def _missed(self, lane: Lane) -> int:
        """Looks the account had no call left for, counted once a day."""
        left = sum(len(call.due) for call in lane.queue)
        if not left or not lane.spent_all:
            return 0
        first = self._house.ledger.reserve(f"{lane.carrier.key} missed", lane.day, 1, 1)
        return left if first else 0

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


def _may_ride(carrier: Carrier, due: Due, now: datetime) -> bool:
    """Whether a parcel may be asked about already, and costs nothing that may yet be saved."""
    rested = due.asked is None or now - due.asked >= carrier.min_gap
    return rested and (due.found or not carrier.register_batch)
