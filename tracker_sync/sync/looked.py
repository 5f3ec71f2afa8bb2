"""One answer into the database: the scans that are new, what they change, and the next look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from tracker_sync import lifecycle
from tracker_sync.carriers import Carrier
from tracker_sync.lifecycle.delays import slipped
from tracker_sync.messages.follow_ups import ONCE_MORE
from tracker_sync.model import Reading, Scan, Shipment, Status
from tracker_sync.store import Due, stamp
from tracker_sync.store.connection import maybe_stamp
from tracker_sync.store.rows import reading_columns
from tracker_sync.sync import feeds, follow, record
from tracker_sync.sync.house import House
from tracker_sync.sync.planning import jitter

log = structlog.get_logger()


def answered(
    house: House, by: Carrier, shipment_id: int, reading: Reading, *, now: datetime
) -> int:
    """Record what a carrier said about a shipment; return how many transitions it brought."""
    shipments = house.store.shipments
    known = shipments.get(shipment_id)
    past = _past(house, known, now)
    fresh = _kept(house, by, known, reading, now=now)
    past = _known_to(house, by, past, reading)
    columns = _columns(by, known, reading, now)
    news, heard = 0, not reading.not_found
    if fresh or _says_more(known, reading) or (heard and record.silence(house, known, now)):
        news = record.refresh(house, known, now, columns, heard=heard)
        known = shipments.get(shipment_id)
        columns = {}
    if fresh:
        _learn(house, known, now)
    _plan(house, known, past, columns, now=now)
    return news


def unmoved(house: House, shipment_id: int, now: datetime) -> None:
    """Record that a look found nothing new."""
    known = house.store.shipments.get(shipment_id)
    past = _past(house, known, now)
    columns: dict[str, Any] = {"checked_at": stamp(now), "failures": 0}
    if record.silence(house, known, now):
        record.refresh(house, known, now, heard=True)
        known = house.store.shipments.get(shipment_id)
    _plan(house, known, past, columns, now=now)


def _past(house: House, known: Shipment, now: datetime) -> Due:
    today = now.astimezone(ZoneInfo(known.zone)).date().isoformat()
    return house.store.looks.of(known.id, today)


def _kept(
    house: House, by: Carrier, known: Shipment, reading: Reading, *, now: datetime
) -> Sequence[Scan]:
    """Keep what was not seen before, and count the codes nobody knows."""
    fresh = house.store.shipments.add_scans(
        known.id, by.key, reading.scans, now, settled=by.config.codes
    )
    for scan in fresh:
        if scan.meaning is None and house.store.journal.unknown(by.key, scan.code, scan.text, now):
            log.warning("code.unknown", carrier=by.key, code=scan.code, number=known.number[-6:])
    return fresh


def _known_to(house: House, by: Carrier, past: Due, reading: Reading) -> Due:
    """Remember whether this carrier knows the parcel."""
    others = past.unknown_to - {by.key}
    unknown_to = others | {by.key} if reading.not_found else others
    if unknown_to != past.unknown_to:
        house.store.looks.known_to(past.id, by.key, known=not reading.not_found)
    found = past.found or not reading.not_found
    return replace(past, unknown_to=unknown_to, found=found, failures=0)


def _columns(by: Carrier, known: Shipment, reading: Reading, now: datetime) -> dict[str, Any]:
    columns: dict[str, Any] = {"checked_at": stamp(now), "failures": 0}
    if not reading.not_found:
        columns |= {"carrier": by.key, "mark": reading.mark}
        columns["found_at"] = stamp(known.found_at or now)
    if lifecycle.believed(reading.scans, known, now):
        columns |= reading_columns(_promised(known, reading, now))
    return columns


def _promised(known: Shipment, reading: Reading, now: datetime) -> Reading:
    """Compare the forecast of a parcel under way with what was promised before."""
    if reading.estimate is None or known.state.first_scan_at is None:
        return reading
    return replace(reading, estimate=slipped(known.estimate, reading.estimate, now))


def _says_more(known: Shipment, reading: Reading) -> bool:
    """Whether an answer without new scans says anything that is not known."""
    old, new = known.estimate, reading.estimate
    moved = new is not None and (
        old is None or (old.day, old.begins, old.ends) != (new.day, new.begins, new.ends)
    )
    pickup = reading.pickup is not None and reading.pickup != known.pickup
    words = (reading.service, known.service), (reading.reroute_url, known.reroute_url)
    first = known.found_at is None and not reading.not_found
    return first or moved or pickup or any(told and told != had for told, had in words)


def _learn(house: House, shipment: Shipment, now: datetime) -> None:
    """Let the planner learn when the news came."""
    scans = lifecycle.believed(house.store.shipments.scans(shipment.id), shipment, now)
    house.planner.learn(house.store, shipment, scans, now)


def _plan(
    house: House, shipment: Shipment, past: Due, columns: dict[str, Any], *, now: datetime
) -> None:
    """Set the next look; what waited for this answer may go."""
    if shipment.state.delivered_at:
        house.store.outbox.hasten(shipment.id, ONCE_MORE, now)
        shipment = replace(shipment, checked_at=now)
    delivered = shipment.state.status is Status.DELIVERED
    if past.failures or past.delivered is not delivered:
        past = replace(past, failures=0, delivered=delivered)
    again = next_poll(house, shipment, past, now)
    columns = {**columns, "next_poll_at": maybe_stamp(again)}
    house.store.shipments.update(shipment.id, columns)


def plan_anew(house: House, shipment_id: int, now: datetime) -> None:
    """Set the next look of a parcel whose history is read otherwise now."""
    shipment = house.store.shipments.get(shipment_id)
    _plan(house, shipment, _past(house, shipment, now), {}, now=now)


def next_poll(house: House, shipment: Shipment, past: Due, now: datetime) -> datetime | None:
    """When the carrier is asked next: the plan, or the re-check before a waiting follow-up."""
    if shipment.closed_reason == "expired":
        return None
    carriers = house.of_brand(shipment.brand)
    if past.delivered and not past.failures:
        askable = any(carrier.asks_delivered for carrier in carriers)
        return follow.recheck_at(house, shipment, now) if askable else None
    hopeful = [c for c in carriers if c.key not in past.unknown_to] or carriers
    carrier = hopeful[0] if hopeful else None
    spared = feeds.rest(house, carrier, now) if carrier and past.found else None
    if spared:
        return now + spared * (1 + jitter(shipment.id) / 10)
    needed = follow.needed_at(house, shipment, now)
    return house.planner.next_look(house, shipment, past, carrier, now=now, deadline=needed)
