"""Arm follow-ups when their trigger happens, and take them back when it no longer holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tracker_sync.messages.follow_ups import (
    FollowUp,
    OrderView,
    completed_at,
    due,
    is_order_rule,
    judge_order,
    judge_parcel,
)
from tracker_sync.messages.kinds import problem_of
from tracker_sync.messages.message import Message, unique_id
from tracker_sync.messages.verdict import Action, Verdict, holds, judge
from tracker_sync.model import FINAL, Direction, Kind, Order, Shipment, Status
from tracker_sync.store import stamp
from tracker_sync.sync.house import House
from tracker_sync.sync.owing import judged, parcel_message, withheld

_LAST_CHANCE = timedelta(hours=24)


def after(house: House, shipment: Shipment, now: datetime) -> None:
    """Look at every follow-up that hangs on a parcel that was just read or announced."""
    for rule in house.rules.values():
        if not is_order_rule(rule):
            _after_parcel(house, rule, shipment, now)
    for order in shipment.orders:
        _after_order(house, view(house, order), now)


def view(house: House, order: Order) -> OrderView:
    """An order with everything known of it."""
    return OrderView(order=order, parcels=house.store.shipments.of_order(order.id))


def _after_parcel(house: House, rule: FollowUp, shipment: Shipment, now: datetime) -> None:
    problem = problem_of(rule.after)
    opened = house.store.shipments.opened_at(shipment.id, problem) if problem else None
    since = opened or shipment.state.status_at
    if since is None or shipment.direction is Direction.RETURN:
        return
    if since < shipment.active_from and house.policy.onboarding != "live":
        return
    probe = parcel_message(house, shipment, rule.name, since)
    if not holds(rule.after, probe, shipment, now):
        return
    when = due(rule, since, shipment)
    message = replace(probe, occurred_at=when, due_at=max(now, when))
    if not house.store.outbox.owe(message, now):
        house.store.outbox.reschedule(message)


def _after_order(house: House, seen: OrderView, now: datetime) -> None:
    """The whole order arrived, or is no longer all there."""
    store, order = house.store, seen.order
    done, before = completed_at(seen), store.orders.completed_at(order.id)
    _first_parcel(house, seen, now)
    if done == before:
        return
    store.orders.complete(order.id, done)
    if done is None:
        withdraw(house, order, "the order is not complete", now)
        return
    last = next(p for p in seen.parcels if p.state.delivered_at == done)
    _owe_order(house, seen, Kind.ORDER_DELIVERED, (last, done), now=now)
    if done < last.active_from and house.policy.onboarding != "live":
        return
    for rule in house.rules.values():
        if is_order_rule(rule):
            _arm(house, rule, order, (last, done), now=now)


def _first_parcel(house: House, seen: OrderView, now: datetime) -> None:
    moving = [
        p
        for p in seen.parcels
        if p.direction is Direction.OUTBOUND and p.state.status not in (None, Status.ANNOUNCED)
    ]
    if moving:
        first = min(moving, key=lambda p: p.state.first_scan_at or p.state.status_at or now)
        at = first.state.first_scan_at or first.state.status_at or now
        _owe_order(house, seen, Kind.ORDER_DISPATCHED, (first, at), now=now)


def _owe_order(
    house: House, seen: OrderView, kind: Kind, cause: tuple[Shipment, datetime], *, now: datetime
) -> None:
    shipment, at = cause
    message = Message(
        id=unique_id(house.shop, seen.order.subject, kind, 1),
        kind=kind,
        subject=seen.order.subject,
        shipment_id=shipment.id,
        order_id=seen.order.id,
        occurred_at=at,
        due_at=max(now, at),
    )
    verdict = judge_of_order(house, message, shipment, seen, now=now)
    house.store.outbox.owe(message, now, withheld=withheld(verdict))


def judge_of_order(
    house: House, message: Message, shipment: Shipment, seen: OrderView, *, now: datetime
) -> Verdict:
    """Judge a message that speaks of a whole order by the parcel that brought it about."""
    if message.kind == Kind.ORDER_DELIVERED and completed_at(seen) is None:
        return Verdict(Action.WITHHOLD, "the order is not complete")
    return judge(message, shipment, house.policy, now)


def _arm(
    house: House, rule: FollowUp, order: Order, cause: tuple[Shipment, datetime], *, now: datetime
) -> None:
    """Queue a follow-up of the order; the last delivery sets its clock."""
    shipment, done = cause
    when = due(rule, done, shipment)
    message = Message(
        id=unique_id(house.shop, order.subject, rule.name, 1),
        kind=rule.name,
        subject=order.subject,
        shipment_id=shipment.id,
        order_id=order.id,
        occurred_at=when,
        due_at=max(now, when),
    )
    outbox, seen = house.store.outbox, view(house, order)
    if not (outbox.owe(message, now) or outbox.owe_again(message, now)):
        return
    verdict = judge_order(message, rule, seen, house.policy, now=now)
    if not judged(house, message, verdict, now):
        return
    for parcel in seen.parcels:
        askable = any(carrier.asks_delivered for carrier in house.of_brand(parcel.brand))
        if askable and parcel.state.delivered_at:
            house.store.shipments.update(parcel.id, {"next_poll_at": stamp(max(now, when))})


def withdraw(house: House, order: Order, reason: str, now: datetime) -> None:
    """Take back the waiting follow-ups of an order."""
    for rule in house.rules.values():
        if is_order_rule(rule):
            for message in house.store.outbox.waiting(order.id, rule.name):
                house.store.outbox.withhold(message.id, f"withdrawn: {reason}", now)
                house.store.shipments.rest(order.id)


def judge_follow_up(house: House, message: Message, now: datetime) -> Verdict:
    """Judge a follow-up before it goes."""
    rule = house.rules.get(message.kind)
    if rule is None:
        return Verdict(Action.WITHHOLD, "not enabled")
    if message.order_id is not None:
        seen = view(house, house.store.orders.get(message.order_id))
        return judge_order(message, rule, seen, house.policy, now=now)
    shipment = house.store.shipments.get(message.shipment_id or 0)
    return judge_parcel(message, rule, shipment, house.policy, now=now)


def recheck_at(house: House, shipment: Shipment, now: datetime) -> datetime | None:
    """When a delivered parcel is asked once more: just before a waiting follow-up goes."""
    waiting = [
        message.occurred_at
        for order in shipment.orders
        for rule in house.rules.values()
        if is_order_rule(rule)
        for message in house.store.outbox.waiting(order.id, rule.name)
    ]
    checked = shipment.checked_at or shipment.taken_at
    open_ = [when for when in waiting if checked < when and now < when + _LAST_CHANCE]
    return max(now, min(open_)) if open_ else None


def needed_at(house: House, shipment: Shipment, now: datetime) -> datetime | None:
    """When a follow-up about a parcel's own status goes: no answer may be older by then."""
    state = shipment.state
    if state.status_at is None or state.status in FINAL or shipment.direction is Direction.RETURN:
        return None
    mine = (rule for rule in house.rules.values() if rule.after.value == state.status)
    moments = (due(rule, state.status_at, shipment) for rule in mine)
    return min((moment for moment in moments if moment > now), default=None)
