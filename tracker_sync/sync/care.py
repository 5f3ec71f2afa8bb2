"""What the passing of time alone changes: delays, expiry, retention."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from tracker_sync.model import Shipment
from tracker_sync.store import stamp
from tracker_sync.sync import follow, record
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.report import Report

_PAGE = 500
_LATER = timedelta(hours=1)
_NOTICES = timedelta(days=7)


def time_passes(house: House, report: Report, now: datetime) -> None:
    """Conclude delays that became true, count scans that were ahead of time, give up the silent."""
    store = house.store
    while due := store.shipments.watched(now, _PAGE):
        with store.transaction():
            for shipment_id in due:
                key = f"shipment:{shipment_id}"
                done = safely(store, report, key, partial(_one, house, report, shipment_id, now))
                if done is None:
                    store.shipments.update(shipment_id, {"watch_at": stamp(now + _LATER)})
        house.step("time passed")
        if len(due) < _PAGE:
            return


def _one(house: House, report: Report, shipment_id: int, now: datetime) -> bool:
    shipments = house.store.shipments
    news = record.refresh(house, shipments.get(shipment_id), now)
    report.count("transitions", news)
    shipment = shipments.get(shipment_id)
    end = record.expiry(house, shipment)
    if end and end <= now:
        _give_up(house, report, shipment, now)
    return True


def _give_up(house: House, report: Report, shipment: Shipment, now: datetime) -> None:
    """Close a parcel that was never found, or is silent for too long; one notice."""
    columns = {
        "closed_at": stamp(now),
        "closed_reason": "expired",
        "next_poll_at": None,
        "watch_at": None,
    }
    house.store.shipments.update(shipment.id, columns)
    why = "silent for long" if shipment.found_at else "never found"
    text = f"…{shipment.number[-6:]} ({shipment.brand}) was {why} and is not asked any more"
    report.finding(f"expired:{shipment.id}", text)
    report.count("expired")
    follow.after(house, house.store.shipments.get(shipment.id), now)


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
