"""One pass: take in, ask, compare, record, send.

The only package that meets both the pure floors and the edges. The main thread owns the database;
worker threads ask carriers and talk to Klaviyo. Whatever is ready is sent while a slow carrier is
still being waited for.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime, timedelta

import structlog

from tracker_sync.sync import care, take_in
from tracker_sync.sync.ask import Asking
from tracker_sync.sync.deliver import Delivery
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_TICK = 1.0


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
    care.time_passes(house, report, now)
    _exchange(house, report, now, (started, stop or threading.Event()))
    care.forget_old(house, report, now)
    with house.store.transaction():
        took = timedelta(seconds=house.timer.monotonic() - started)
        house.store.journal.end(pass_id, now + took, report.exit_code, report.counts)
    house.step("ended")
    counts = {name: count for name, count in report.counts.items() if count}
    tell = log.info if counts else log.debug  # cron mails every line: silence where nothing was
    tell("pass.done", exit=report.exit_code, **counts)
    return report


def _exchange(
    house: House, report: Report, now: datetime, bounds: tuple[float, threading.Event]
) -> None:
    """Ask and send until nothing is left, time is up, or somebody says stop."""
    started, stop = bounds
    limit = house.bounds.pass_limit.total_seconds()
    asking, delivery = Asking(house, report, now), Delivery(house, report, now)
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
            done = wait(futures, timeout=_TICK, return_when=FIRST_COMPLETED).done
            _collect(house, asking, delivery, done)
    finally:
        report.count("left", asking.left)
        asking.close()
        delivery.close()


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
