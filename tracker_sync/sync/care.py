"""What the passing of time alone changes: silence, expiry, retention.

Silence is a fact only once a carrier was asked about it: a machine that was off, or a carrier that
was down, knows nothing about the parcels. So a silence that became long makes us ask, and the
answer decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from tracker_sync.model import Shipment
from tracker_sync.store import stamp
from tracker_sync.sync import follow, record
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

_PAGE = 500
_LATER = timedelta(hours=1)  # until a parcel that broke the program is tried again
_LOOK_AGAIN = timedelta(hours=6)  # whether the carrier has answered by then
_IN_VAIN = 20  # failed calls in a row, four days at least: no answer will come
_NOTICES = timedelta(days=7)
_ENDS = 3  # numbers shown of those given up

Gone: TypeAlias = defaultdict[tuple[str, str], list[Shipment]]  # by brand and reason


def time_passes(house: House, report: Report, now: datetime) -> list[int]:
    """Count scans that were ahead of time, ask about the silent, give up those silent for long.

    Return who is to be asked one last time: `last_answers` decides about them within the pass.
    """
    waiting: list[int] = []
    while due := house.store.shipments.watched(now, _PAGE):
        waiting += _page(house, report, due, now)
        if len(due) < _PAGE:
            break
    return waiting


def last_answers(house: House, report: Report, waiting: Sequence[int], now: datetime) -> None:
    """Give up the parcels of which even the last look brought nothing."""
    for start in range(0, len(waiting), _PAGE):
        _page(house, report, waiting[start : start + _PAGE], now)


def _page(house: House, report: Report, due: Sequence[int], now: datetime) -> list[int]:
    store, waiting = house.store, list[int]()
    gone: Gone = defaultdict(list)
    with store.transaction():
        for shipment_id in due:
            key = f"shipment:{shipment_id}"
            one = partial(_one, house, report, gone, shipment_id, now=now)
            waits = safely(store, report, key, one)
            if waits is None:
                store.shipments.update(shipment_id, {"watch_at": stamp(now + _LATER)})
            elif waits:
                waiting.append(shipment_id)
        for (brand, why), parcels in gone.items():
            _notice(report, brand, why, parcels)
    house.step("time passed")
    return waiting


def _one(house: House, report: Report, gone: Gone, shipment_id: int, *, now: datetime) -> bool:
    """Let time pass for one parcel; whether a last answer decides about it."""
    shipments = house.store.shipments
    report.count("transitions", record.refresh(house, shipments.get(shipment_id), now))
    shipment = shipments.get(shipment_id)
    end = record.expiry(house, shipment)
    if end and end <= now:
        if not _decided(house, shipment, end):
            _ask_first(house, shipment, end, now)
            return True
        _give_up(house, shipment, now)
        gone[shipment.brand, _why(house, shipment)].append(shipment)
    elif since := record.silence(house, shipment, now):
        _ask_first(house, shipment, since, now)
    return False


def _ask_first(house: House, shipment: Shipment, since: datetime, now: datetime) -> None:
    """Nothing is concluded from a silence before a carrier was asked after it became long."""
    past = house.store.looks.of(shipment.id, "")
    asked = shipment.checked_at
    if not past.failures and (asked is None or asked < since):
        carrier = house.carriers.get(past.carrier)
        rested = asked + carrier.min_gap if asked and carrier else now
        house.store.looks.wake([shipment.id], max(now, rested))
    house.store.shipments.update(shipment.id, {"watch_at": stamp(now + _LOOK_AGAIN)})


def _decided(house: House, shipment: Shipment, end: datetime) -> bool:
    """Whether an answer came after the end, or none can."""
    answered = shipment.checked_at is not None and shipment.checked_at >= end
    in_vain = house.store.looks.of(shipment.id, "").failures >= _IN_VAIN
    return answered or in_vain or not house.of_brand(shipment.brand)


def _give_up(house: House, shipment: Shipment, now: datetime) -> None:
    """Close a parcel that was never found, or is silent for too long."""
    columns = {
        "closed_at": stamp(now),
        "closed_reason": "expired",
        "next_poll_at": None,
        "watch_at": None,
    }
    house.store.shipments.update(shipment.id, columns)
    follow.after(house, house.store.shipments.get(shipment.id), now)


def _why(house: House, shipment: Shipment) -> str:
    """Blank where nobody need know: most labels enclosed in a parcel are never used."""
    if shipment.found_at:
        return "silent for long"
    if not shipment.requested:
        return ""
    return "never found" if house.of_brand(shipment.brand) else "never found (nobody is asked)"


def _notice(report: Report, brand: str, why: str, parcels: Sequence[Shipment]) -> None:
    """Tell a person once about all that are given up together."""
    report.count("expired", len(parcels))
    if not why:
        return
    ends = ", ".join(f"…{parcel.number[-6:]}" for parcel in parcels[:_ENDS])
    more = f" and {len(parcels) - _ENDS} more" if len(parcels) > _ENDS else ""
    are = "is" if len(parcels) == 1 else "are"
    was = "was" if len(parcels) == 1 else "were"
    text = f"{ends}{more} ({brand}) {was} {why} and {are} not asked any more"
    report.finding(f"expired:{parcels[0].id}", text)


def forget_old(house: House, report: Report, now: datetime) -> None:
    """Apply the retention times."""
    privacy, wishes = house.store.privacy, house.bounds
    with house.store.transaction():
        if not house.store.journal.once_a_day("retention", now):
            return
        house.store.journal.let_go(now - _NOTICES)
        house.store.journal.forget_taken(now - wishes.keep_files)
        report.count("recipients_blanked", privacy.expire_recipients(now - wishes.keep_recipients))
    purged = _PAGE
    while purged == _PAGE:
        with house.store.transaction():
            purged = privacy.purge_shipments(now - wishes.keep_shipments, now, _PAGE)
        report.count("purged", purged)
    for source in house.sources:
        source.purge(now - wishes.keep_files)
    house.step("old forgotten")
