"""One pass: take in, ask, compare, record, send.

The only package that meets both the pure floors and the edges. The main thread owns the database;
worker threads ask carriers and talk to Klaviyo. Whatever is ready is sent while a slow carrier is
still being waited for.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime, timedelta

from tracker_sync.sync import care, reconcile, take_in, watch
from tracker_sync.sync.ask import Asking
from tracker_sync.sync.deliver import Delivery
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

_TICK = 1.0
_GATHER = 0.02


def run_pass(house: House, now: datetime, stop: threading.Event | None = None) -> Report:
    """Run one pass as of *now*; *stop* ends it early and cleanly. What is left stays due."""
    started = house.timer.monotonic()
    with house.store.transaction():
        pass_id = house.store.journal.begin(now)
        for carrier in house.carriers.values():
            house.store.ledger.activate("carrier", carrier.key, now, brand=carrier.brand)
    house.step("begun")
    report = Report(house.store.journal, now)
    take_in.take_all(house, report, now)
    silent = care.time_passes(house, report, now)
    _exchange(house, report, now, (started, stop or threading.Event()))
    care.last_answers(house, report, silent, now)
    care.forget_old(house, report, now)
    if stop is None or not stop.is_set():
        reconcile.compare(house, report, now, left=_left(house, started))
    with house.store.transaction():
        took = timedelta(seconds=house.timer.monotonic() - started)
        house.store.journal.end(pass_id, now + took, report.exit_code, report.counts)
    house.step("ended")
    report.tell(always=house.log_every_pass)
    return report


def _left(house: House, started: float) -> float:
    """Seconds until the pass is to be over."""
    spent = house.timer.monotonic() - started
    return house.bounds.pass_limit.total_seconds() - spent


def _exchange(
    house: House, report: Report, now: datetime, bounds: tuple[float, threading.Event]
) -> None:
    """Ask and send until nothing is left, time is up, or somebody says stop."""
    started, stop = bounds
    limit = house.bounds.pass_limit.total_seconds()
    asking, delivery = Asking(house, report, now, started), Delivery(house, report, now)
    try:
        while True:
            spent = house.timer.monotonic() - started
            if stop.is_set() or spent > limit - house.bounds.last_word:
                asking.stop("the pass has no time left")
            if stop.is_set() or spent > limit:
                delivery.stop("the pass has no time left")
            asking.launch()
            delivery.launch(asking.asked_about)
            futures = asking.futures | delivery.futures
            if not futures and not delivery.pending and not asking.waiting:
                if asking.refill() or delivery.last_round():
                    continue
                break
            if not futures:
                house.timer.sleep(_TICK if asking.waiting else min(_TICK, delivery.delay))
                continue
            _collect(house, asking, delivery, _done(futures))
    finally:
        report.count("left", asking.left)
        asking.close()
        delivery.close()
    watch.look(house, report, asking.lanes, now, surge=delivery.surge)


def _done(futures: set[Future[object]]) -> set[Future[object]]:
    """What came back; once something did, what follows closely is stored with it."""
    first = wait(futures, timeout=_TICK, return_when=FIRST_COMPLETED)
    return wait(futures, timeout=_GATHER).done if first.done else first.done


def _collect(house: House, asking: Asking, delivery: Delivery, done: set[Future[object]]) -> None:
    answered = done & asking.futures
    sent = done & delivery.futures
    if answered or sent:
        house.step("came back")
    if answered:
        asking.collect(answered)
        delivery.wake()
    if sent:
        delivery.collect(sent)
