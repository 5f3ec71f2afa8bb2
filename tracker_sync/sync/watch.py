"""Standing still is loud: at the end of a pass, what should have moved and did not.

An idle pass asks nothing here. Whatever is found is told once and ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tracker_sync.messages.surge import TOO_MANY
from tracker_sync.store.connection import maybe_unstamp
from tracker_sync.sync import backlog
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import Lane
from tracker_sync.sync.report import Report
from tracker_sync.sync.surge import Surge

LATE = "late:messages"
# Half as much again as a carrier did on two days of the last four weeks.
_AT_LEAST = timedelta(hours=4)
_AT_MOST = timedelta(hours=36)


def look(
    house: House, report: Report, lanes: Mapping[str, Lane], now: datetime, *, surge: Surge
) -> None:
    """Look at the carriers that were to be asked, and at the messages that were to go."""
    asked = [lane for lane in lanes.values() if _was_to_be_asked(house, lane)]
    if not asked and not report.met and house.sender:
        return
    with house.store.transaction():
        for lane in asked:
            _heard_or_not(house, report, lane, now)
        if report.met or not house.sender:
            _outbox(house, report, surge, now)


def _was_to_be_asked(house: House, lane: Lane) -> bool:
    """Whether something was due that only this carrier's own failing kept from an answer."""
    if lane.calls or not lane.stopped:
        return bool(lane.calls)
    if lane.spent_all:
        return False
    brands = house.brands_of(lane.carrier)
    return any(house.store.looks.due(brand, lane.now, 1, lane.today) for brand in brands)


def _heard_or_not(house: House, report: Report, lane: Lane, now: datetime) -> None:
    key, vigil = lane.carrier.key, house.store.vigil
    row = house.ledger.carrier(key)
    since, answered = maybe_unstamp(row["silent_since"]), maybe_unstamp(row["answered_at"])
    if answered and answered >= now:
        if since:
            vigil.heard(key, since, now)
            report.over(f"silent:{key}")
        return
    if since is None:
        vigil.silent(key, now)
        return
    since = max(since, answered or since)
    if now - since > _patience(vigil.usual(key, now)):
        _tell(house, report, key, now - since, why=row["failure"])


def _patience(usual: timedelta) -> timedelta:
    return min(max(_AT_LEAST, usual * 1.5), _AT_MOST)


def _tell(house: House, report: Report, key: str, length: timedelta, *, why: str) -> None:
    if house.store.journal.open_keys(f"carrier:{key}"):
        return  # a person knows already, and why
    hours = length // timedelta(hours=1)
    text = f"{key} is asked and has given no good answer for {hours} h"
    report.finding(f"silent:{key}", f"{text}: {why}" if why else text)


def _outbox(house: House, report: Report, surge: Surge, now: datetime) -> None:
    journal = house.store.journal
    rows = house.store.glance.outbox(now)
    paused = {row["kind"] for row in journal.pauses()}
    late = [said for each in backlog.waiting(rows, paused) if (said := each.late(now))]
    if not late:
        report.over(LATE)
    elif not journal.open_keys("klaviyo"):
        report.finding(LATE, "; ".join(late))
    held = {row["kind"]: 0 for row in rows if row["reason"] == TOO_MANY}
    for row in rows:
        if row["reason"] == TOO_MANY:
            held[row["kind"]] += row["count"]
    report.count("too_many", surge.held.total())
    for kind in surge.held:
        report.finding(f"surge:{kind}", too_many(kind, held.get(kind, 0), surge.usual[kind]))
    _released(report, journal.open_keys("surge:"), held)


def too_many(kind: str, count: int, usual: int) -> str:
    """Say how many messages the guard holds, and what to do."""
    return (
        f"{count} {kind} messages are held, more than {usual} in an hour are unusual here:"
        f" `tracker-sync messages release {kind}`, or drop"
    )


def _released(report: Report, keys: Iterable[str], held: Mapping[str, int]) -> None:
    for key in keys:
        if key.removeprefix("surge:") not in held:
            report.over(key)
