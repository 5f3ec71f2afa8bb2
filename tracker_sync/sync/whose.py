"""Whose parcel is it? What looks odd about one announcement, in words that name nobody."""

from __future__ import annotations

from datetime import datetime

from tracker_sync.lifecycle.doubts import comparable
from tracker_sync.lifecycle.intake import RECYCLED_AFTER, same_person
from tracker_sync.model import Advice, Direction, Shipment
from tracker_sync.store import Store
from tracker_sync.store.rows import recipient


def swapped(store: Store, advice: Advice) -> str:
    """Say where a parcel nobody knows has another's number for its order, or the reverse."""
    if not advice.order or advice.order == advice.number or advice.direction is Direction.RETURN:
        return ""
    if store.orders.find(advice.number):
        return "the tracking number is a known order's; have two columns changed places?"
    if store.shipments.by_number(advice.order.upper()):
        return "the order is a known tracking number; have two columns changed places?"
    return ""


def odd(store: Store, advice: Advice, now: datetime) -> str:
    """Say where the order of a new parcel is known with another recipient."""
    if not advice.order or not advice.recipient.known:
        return ""
    others = store.announced.orders([advice.order], now - RECYCLED_AFTER)
    told = [recipient(row) for row in others]
    same = [same_person(advice.recipient, to) for to in told if comparable(advice.recipient, to)]
    if not same or any(same):
        return ""
    return "is of an order that is known with another recipient; each parcel keeps its own"


def changed(store: Store, known: Shipment, *, firm: bool) -> str:
    """Say what another recipient means for a parcel we know."""
    if not firm:
        return "has another recipient here than in the source that counts more, which stays"
    sent = sum(row["attempts"] > 0 for row in store.outbox.of_shipment(known.id))
    if not sent:
        return "has another recipient now"
    return f"has another recipient now; messages that went to the one before: {sent}"
