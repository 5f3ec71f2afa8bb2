"""Once a day: did everything Klaviyo accepted arrive?

Its counts of the last days are laid beside the outbox, by metric and day. More than we sent is no
news, other tools may write the same metric; fewer is, and is told once for each metric and day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from tracker_sync.errors import CallError, Rejected
from tracker_sync.klaviyo import PEER
from tracker_sync.store import stamp
from tracker_sync.sync.house import Arrivals, House
from tracker_sync.sync.report import Report
from tracker_sync.wire import Limits, Pacer

log = structlog.get_logger()

NOTE = "arrivals"
_ASKED = "arrivals asked"
_DAYS = timedelta(days=7)
_SHOWN_AFTER = timedelta(hours=3)  # minutes pass until Klaviyo counts an event; hours, at times
_SECONDS = 60.0  # of a pass that must be left to begin with it
_Counts = Mapping[tuple[str, str], int]


def compare(house: House, report: Report, now: datetime, *, left: float) -> None:
    """Compare once a day, in a pass that has *left* seconds to go."""
    if house.arrivals is None or left < _SECONDS:
        return
    with house.store.transaction():
        if not house.store.journal.once_a_day(_ASKED, now - _SHOWN_AFTER):
            return
        if house.ledger.carrier(PEER)["failure"]:
            house.store.journal.note(_ASKED, "")  # not now: it has enough to do
            return
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until = today if now - today >= _SHOWN_AFTER else today - timedelta(days=1)
    ours = house.store.tempo.accepted(until - _DAYS, until, now - _SHOWN_AFTER)
    if not ours:
        return
    house.step("arrivals")
    metrics = {metric for metric, _ in ours}
    theirs, why = _theirs(house, house.arrivals, metrics, days=(until - _DAYS, until))
    with house.store.transaction():
        missing = 0 if why else _tell(house, report, ours, theirs)
        facts = {"at": stamp(now), "accepted": sum(ours.values()), "missing": missing, "why": why}
        house.store.journal.note(NOTE, json.dumps(facts))
    house.step("arrivals noted")


def _theirs(
    house: House, arrivals: Arrivals, metrics: set[str], *, days: tuple[datetime, datetime]
) -> tuple[_Counts, str]:
    """Klaviyo's counts, or why there are none."""
    since, until = (moment.date() for moment in days)
    pacer = Pacer(arrivals.per_second, house.timer)
    wire = house.wire(PEER, limits=Limits(house.bounds.send_seconds), pacer=pacer)
    try:
        return arrivals.counts(wire, metrics, since, until), ""
    except CallError as exc:
        tell = log.info if isinstance(exc, Rejected) else log.warning
        tell("arrivals.not_counted", why=exc.text)
        return {}, exc.text
    finally:
        wire.close()


def _tell(house: House, report: Report, ours: _Counts, theirs: _Counts) -> int:
    """Tell of what is missing, once for each metric and day; how many are."""
    told = set(house.store.journal.open_keys("missing:"))
    missing = 0
    for (metric, day), accepted in sorted(ours.items()):
        key, arrived = f"missing:{metric}:{day}", theirs.get((metric, day), 0)
        if arrived >= accepted:
            if key in told:
                report.over(key)
            continue
        missing += accepted - arrived
        if key not in told:
            report.finding(key, _lost(metric, day, accepted, arrived))
    return missing


def _lost(metric: str, day: str, accepted: int, arrived: int) -> str:
    return (
        f"{accepted - arrived} of {accepted} {metric} events of {day} were accepted by Klaviyo and"
        " never arrived: it drops addresses it takes for made up, and those it deletes on request"
    )
