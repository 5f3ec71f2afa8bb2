"""What surrounds a message: its metric, its transition, its place in the order."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker_sync.messages.arrival import Days
from tracker_sync.messages.kinds import SPECS
from tracker_sync.messages.message import Message
from tracker_sync.messages.properties import Occasion
from tracker_sync.messages.verdict import known_kind
from tracker_sync.model import Detail, Direction, Kind, Problem, Shipment, Status
from tracker_sync.store import Store
from tracker_sync.sync.house import House
from tracker_sync.sync.planning import Planner

_ON_ITS_WAY = frozenset({Status.DISPATCHED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})


def metric_name(house: House, kind: str) -> str:
    """The name of the metric: renamed in full, or prefixed."""
    known, rule = known_kind(kind), house.rules.get(kind)
    if known and known in house.rename:
        return house.rename[known]
    if rule and rule.metric:
        return rule.metric
    return house.prefix + (SPECS[known].metric if known else kind)


def occasion(
    house: House, message: Message, shipment: Shipment, row: sqlite3.Row, *, now: datetime
) -> Occasion:
    """What surrounds a message."""
    fact = house.store.shipments.transition(row["transition_id"])
    word = fact["word"] if fact else None
    rule = house.rules.get(message.kind)
    number, count = _place(house, shipment)
    about_order = message.order_id is not None
    return Occasion(
        message=message,
        shipment=shipment,
        brand=house.brand(shipment.brand),
        status=Status(word) if word in frozenset(Status) else shipment.state.status,
        previous=Status(fact["previous"]) if fact and fact["previous"] else None,
        problem=Problem(word) if word in frozenset(Problem) else None,
        detail=_detail(fact, shipment, message),
        parcel_number=0 if about_order else number,
        parcel_count=count,
        basis=rule.basis if rule and rule.basis != "none" else "",
        correctable=message.kind == Kind.ADDRESS_PROBLEM and shipment.state.first_scan_at is None,
        forecast=forecast(house.planner, house.store, shipment, now),
    )


def forecast(planner: Planner, store: Store, shipment: Shipment, now: datetime) -> Days | None:
    """The days by which half and nine in ten such parcels arrived, where the carrier says none.

    Nobody promised them: a parcel that takes longer is not "delayed" for that.
    """
    on_its_way = shipment.state.status in _ON_ITS_WAY and not shipment.state.problems
    if shipment.estimate or not on_its_way or shipment.direction is Direction.RETURN:
        return None
    today = now.astimezone(ZoneInfo(shipment.zone)).date()
    return planner.delivery(store, shipment, today)


def _detail(fact: sqlite3.Row | None, shipment: Shipment, message: Message) -> Detail | None:
    if message.kind in (Kind.DELIVERED, Kind.RETURN_ARRIVED):
        return shipment.state.detail
    return Detail(fact["detail"]) if fact and fact["detail"] else None


def _place(house: House, shipment: Shipment) -> tuple[int, int]:
    """Which parcel of the order it is, and of how many."""
    if not shipment.orders:
        return 1, 1
    order = shipment.orders[0]
    parcels = [
        parcel.id
        for parcel in house.store.shipments.of_order(order.id)
        if parcel.direction is shipment.direction and parcel.state.status is not Status.CANCELLED
    ]
    number = parcels.index(shipment.id) + 1 if shipment.id in parcels else 1
    expected = order.parcel_count or 1 if shipment.direction is Direction.OUTBOUND else 1
    return number, max(len(parcels), expected)
