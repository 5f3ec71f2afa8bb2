"""From the outbox to what may be sent now: judged once more, then frozen for good."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tracker_sync.klaviyo import Draft, body
from tracker_sync.messages.follow_ups import too_often, unchecked, unseen
from tracker_sync.messages.message import Message
from tracker_sync.messages.properties import properties
from tracker_sync.messages.verdict import (
    Action,
    Policy,
    Verdict,
    addressee,
    crowded,
    judge,
)
from tracker_sync.model import Recipient, Shipment
from tracker_sync.store import Frozen
from tracker_sync.store.rows import message as message_of
from tracker_sync.sync import follow
from tracker_sync.sync.guard import safely
from tracker_sync.sync.house import House
from tracker_sync.sync.occasion import metric_name, occasion
from tracker_sync.sync.report import Report
from tracker_sync.sync.surge import Surge

log = structlog.get_logger()

_PAGE = 500
_PATIENCE = timedelta(days=1)  # before an undatable hold is judged again


@dataclass(frozen=True, slots=True)
class Skip:
    """What is left alone for the moment: messages under way, and parcels being asked about."""

    messages: frozenset[str] = frozenset()
    shipments: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages are judged: everything a judgement needs besides the message."""

    house: House
    report: Report
    now: datetime
    surge: Surge


def release(desk: Desk, skip: Skip, *, most: int = _PAGE) -> list[Frozen]:
    """Judge what is due; return what may be sent, each frozen, *most* of them at a time.

    One message a recipient: the next one goes when this one has arrived.
    """
    ready: list[Frozen] = []
    busy: set[str] = set()
    with desk.house.store.transaction():
        owed = desk.house.store.outbox.owed(desk.now, _PAGE)
        desk.report.met += len(owed)
        for row in owed:
            frozen = _frozen(row) if row["attempts"] else None
            if row["id"] in skip.messages:
                busy.add(row["recipient"])
                continue
            if frozen is None and row["shipment_id"] in skip.shipments:
                continue
            if frozen is None:
                frozen = _decided(desk, row, busy)
            if frozen and frozen.recipient not in busy:
                busy.add(frozen.recipient)
                ready.append(frozen)
            if len(ready) >= most:
                break
    if ready:
        desk.house.store.on_disk()  # what is sent twice is the same, whatever happens
        desk.house.step("frozen")
    return ready


def _decided(desk: Desk, row: sqlite3.Row, busy: set[str]) -> Frozen | None:
    """Judge a message; one that breaks us waits, and holds nothing else up."""
    store, key = desk.house.store, f"message:{row['id']}"
    done = safely(store, desk.report, key, lambda: (_decide(desk, row, busy),))
    if done is None:
        store.outbox.hold(row["id"], "could not be judged; see the log", desk.now + _PATIENCE)
        return None
    return done[0]


def _decide(desk: Desk, row: sqlite3.Row, busy: set[str]) -> Frozen | None:
    """Judge a message that was never attempted; freeze it if it may go."""
    house, now, message = desk.house, desk.now, message_of(row)
    if message.shipment_id is None or message.attempts:
        house.store.outbox.withhold(message.id, "what it said was purged", now)
        return None
    shipment = house.store.shipments.get(message.shipment_id)
    verdict = verdict_on(house, message, shipment, now)
    recipient = addressee(shipment.recipient, house.policy) or Recipient()
    key = house.store.privacy.recipient_key(recipient)
    if verdict.action is Action.GO and not verdict.backfill:
        crowd = _crowd(house, desk.report, (message, shipment, key), now)
        verdict = crowd or desk.surge.hold(row) or verdict
    if verdict.action is Action.WITHHOLD:
        house.store.outbox.withhold(message.id, verdict.reason, now)
        desk.report.count("withheld")
        return None
    if verdict.action is Action.HOLD:
        until = verdict.until or _judged_again(message, house.policy, now)
        house.store.outbox.hold(message.id, verdict.reason, until)
        return None
    if key in busy or house.store.outbox.waits_for(key, message.id):
        return None
    return _freeze(desk, (message, shipment, recipient), row, verdict)


def verdict_on(house: House, message: Message, shipment: Shipment, now: datetime) -> Verdict:
    """The verdict on any message, follow-ups and whole orders included."""
    rule = house.rules.get(message.kind)
    if rule is None and message.order_id is None:
        return judge(message, shipment, house.policy, now)
    if rule is None:
        seen = follow.view(house, house.store.orders.get(message.order_id or 0))
        return follow.judge_of_order(house, message, shipment, seen, now=now)
    verdict = follow.judge_follow_up(house, message, now)
    if verdict.action is not Action.GO:
        return verdict
    if message.order_id is None:
        asked = house.of_brand(shipment.brand)
        return (unseen(message, shipment, now) if asked else None) or verdict
    key = house.store.privacy.recipient_key(
        addressee(shipment.recipient, house.policy) or Recipient()
    )
    last = house.store.outbox.last_to(key, message.kind, message.id)
    seen = follow.view(house, house.store.orders.get(message.order_id))
    askable = frozenset(c.brand for c in house.carriers.values() if c.asks_delivered)
    fresh = unchecked(message, seen, now, askable=askable)
    return too_often(last, rule, now) or fresh or verdict


def _crowd(
    house: House, report: Report, whose: tuple[Message, Shipment, str], now: datetime
) -> Verdict | None:
    message, shipment, key = whose
    crowd = crowded(house.store.outbox.sent_to(key, now), house.policy, now)
    if crowd:
        text = f"a message about …{shipment.number[-6:]} is held: {crowd.reason}"
        report.finding(f"crowded:{message.id}", text)
    return crowd


def _judged_again(message: Message, policy: Policy, now: datetime) -> datetime:
    """A message nobody can be told waits until it is too old, or until a recipient appears."""
    dies = message.occurred_at + policy.max_age + timedelta(seconds=1)
    return dies if dies > now else now + _PATIENCE


def _freeze(
    desk: Desk, whose: tuple[Message, Shipment, Recipient], row: sqlite3.Row, verdict: Verdict
) -> Frozen | None:
    """Fix time, body and recipient; a body Klaviyo could never take is set aside."""
    house, now, (message, shipment, recipient) = desk.house, desk.now, whose
    metric = metric_name(house, message.kind)
    draft = Draft(
        metric=metric,
        recipient=recipient,
        properties=properties(occasion(house, message, shipment, row, now=now), house.wording),
        time=message.occurred_at,
        unique_id=message.id,
        backfill=verdict.backfill or house.policy.shadow,
    )
    try:
        text = body(draft)
    except ValueError as exc:
        house.store.outbox.set_aside(message.id, str(exc), now)
        desk.report.set_aside(message.id, message.kind, str(exc))
        return None
    frozen = Frozen(
        message.id,
        message.kind,
        house.store.privacy.recipient_key(recipient),
        text,
        draft.backfill,
        1,
        message.occurred_at,
    )
    house.store.outbox.freeze(frozen, metric, now)
    if not draft.backfill:
        desk.surge.went(row)
    return frozen


def _frozen(row: sqlite3.Row) -> Frozen | None:
    """A message that was attempted before goes again exactly as it was."""
    if row["body"] is None:
        return None
    return Frozen(
        row["id"],
        row["kind"],
        row["recipient"],
        row["body"],
        bool(row["backfill"]),
        row["attempts"] + 1,
        message_of(row).occurred_at,
    )
