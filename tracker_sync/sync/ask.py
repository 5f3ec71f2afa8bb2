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
from tracker_sync.sync import demand, feeds, trouble
from tracker_sync.sync.account import expected
from tracker_sync.sync.answers import Answers
from tracker_sync.sync.calls import Call
from tracker_sync.sync.choose import choose
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import MOST_DUE, Lane
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_WORTH_KEEPING = 200  # parcels that taught something, until it is written down
_NEARLY = timedelta(hours=2)  # due so soon that a free place in a call is taken


class Asking:
    """All lanes of a pass."""

    def __init__(self, house: House, report: Report, now: datetime, begun: float) -> None:
        """*begun*: when the pass of *now* began, on the house's ticking clock."""
        self._house = house
        self._report = report
        self._now = now
        self._answers = Answers(house, report, now)
        self._since = demand.begins(house.store.journal.began(2)[1:], now)
        self.lanes = {key: Lane(house, c, now, begun) for key, c in house.carriers.items()}
        self._down = {key for key, lane in self.lanes.items() if trouble.is_down(lane)}
        for lane in self.lanes.values():
            if window := feeds.next_window(house, lane.carrier, now):
                lane.queue.append(Call(errand=Errand.FEED, window=window))
        self._missed()
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
            self._want(lane, share)
        lined_up = sum(map(len, shares.values()))
        self._report.count("due", lined_up)
        return lined_up

    def _missed(self) -> None:
        """What became due at carriers that must not be asked now was wanted all the same."""
        for brand in self._house.asked_brands:
            carriers = self._house.of_brand(brand)
            first = self.lanes[carriers[0].key]
            if all(self.lanes[c.key].stopped for c in carriers) and self._is_limited(first):
                due = self._house.store.looks.due(brand, self._now, MOST_DUE, first.today)
                self._want(first, due)

    def _want(self, lane: Lane, dues: Sequence[Due]) -> None:
        """Count what became due; the price of a call follows from it."""
        if dues and self._is_limited(lane):
            lane.wanted += demand.wanted(dues, self._since, self._now)

    def _is_limited(self, lane: Lane) -> bool:
        return expected(self._house, lane.carrier, self._now) is not None

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
            lanes = self.lanes.values()
            for lane in lanes:
                if lane.token_call in finished:
                    self._token(lane)
            self._answers.take_all(
                (lane, lane.running.pop(future), future)
                for lane in lanes
                for future in [f for f in lane.running if f in finished]
            )
            for lane in lanes:
                self._answers.register(lane)
            self._house.planner.keep(self._house.store, least=_WORTH_KEEPING)
        self._house.step("answers stored")

    def close(self) -> None:
        """End the lanes and tell what they cost."""
        for lane in self.lanes.values():
            lane.close()
            if lane.wanted:
                self._house.planner.spent(self._house, lane.carrier, lane.wanted, self._now)
            self._report.count(f"calls.{lane.carrier.key}", lane.calls)
            self._report.calls_left[lane.carrier.key] = len(lane.queue)
            if lane.stopped and lane.queue:
                log.info("lane.stopped", carrier=lane.carrier.key, why=lane.stopped)
        self._house.planner.keep(self._house.store)

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
        self._house.ledger.keep_token(
            lane.carrier.key, token.value, lane.account.began + token.lasts
        )


def _may_ride(carrier: Carrier, due: Due, now: datetime) -> bool:
    """Whether a parcel may be asked about already, and costs nothing that may yet be saved."""
    rested = due.asked is None or now - due.asked >= carrier.min_gap
    return rested and (due.found or not carrier.register_batch)
