"""May it still go? Judged when a message is recorded and again before its first attempt.

Promises P6 and P7 of the design, quiet hours, pilots, limits. Pure: what is known comes in, a
verdict with its reason goes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from tracker_sync.messages.kinds import SPECS, problem_of
from tracker_sync.messages.message import Message
from tracker_sync.model import FINAL, LAST_MILE, Kind, Recipient, Shipment, Status


class Action(StrEnum):
    """What happens to an owed message."""

    GO = "go"
    HOLD = "hold"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An action, the rule behind it, and when to judge again (None = when something changes)."""

    action: Action
    reason: str = ""
    until: datetime | None = None
    backfill: bool = False


NO_RECIPIENT = "no recipient known yet"

_EARLY = frozenset({Status.DISPATCHED, Status.IN_TRANSIT})
_WHILE: Mapping[Kind, frozenset[Status | None]] = {
    Kind.DISPATCHED: _EARLY,
    Kind.ORDER_DISPATCHED: _EARLY,
    Kind.ORDER_DELIVERED: frozenset({Status.DELIVERED}),
    Kind.RETURN_LABEL_CREATED: frozenset({None, Status.ANNOUNCED}),
    Kind.RETURN_IN_TRANSIT: _EARLY | LAST_MILE,
    Kind.RETURN_ARRIVED: frozenset({Status.DELIVERED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The merchant's wishes, as far as they decide about messages."""

    zone: tzinfo  # the shop's
    sent: frozenset[str]  # kinds that are sent at all
    quiet_hours: tuple[time, time] | None = (time(21), time(7))
    quiet_kinds: frozenset[str] = frozenset(kind for kind, spec in SPECS.items() if spec.quiet)
    max_age: timedelta = timedelta(hours=48)
    settle: timedelta = timedelta(hours=2)
    max_per_recipient: int = 4  # a day
    onboarding: str = "silent"  # or "backfill", "live"
    shadow: bool = False
    only_to: tuple[str, ...] = ()  # pilots: addresses, or domains with a leading @
    phone_if_no_email: bool = False
    external_id_if_no_email: bool = False


def judge(message: Message, shipment: Shipment, policy: Policy, now: datetime) -> Verdict:
    """Decide about a message of one parcel by what is true of it at *now*."""
    if message.kind not in policy.sent:
        return Verdict(Action.WITHHOLD, "not enabled")
    old = message.occurred_at < shipment.active_from
    if old and policy.onboarding == "silent":
        return Verdict(Action.WITHHOLD, "happened before we were switched on")
    if old and policy.onboarding == "backfill":
        return reachable(shipment, policy) or Verdict(Action.GO, "history", backfill=True)
    untrue = overtaken(message, shipment, now)
    if untrue:
        return Verdict(Action.WITHHOLD, untrue)
    return stale(message, policy, now) or deliverable(message, shipment, policy, now)


def stale(message: Message, policy: Policy, now: datetime) -> Verdict | None:
    """P7: old news dies, except what lasts."""
    kind = known_kind(message.kind)
    if (kind and SPECS[kind].lasts) or now - message.occurred_at <= policy.max_age:
        return None
    return Verdict(Action.WITHHOLD, f"older than {hours(policy.max_age)}")


def deliverable(message: Message, shipment: Shipment, policy: Policy, now: datetime) -> Verdict:
    """Whether somebody can be told, and told now."""
    missing = reachable(shipment, policy)
    if missing:
        return missing
    if message.kind in policy.quiet_kinds:
        end = quiet_until(policy, now)
        if end:
            return Verdict(Action.HOLD, "quiet hours", until=end)
    if message.due_at > now:
        return Verdict(Action.HOLD, "not due yet", until=message.due_at)
    return Verdict(Action.GO, backfill=policy.shadow)


def reachable(shipment: Shipment, policy: Policy) -> Verdict | None:
    """None where the recipient is known and may be told, else why not."""
    recipient = addressee(shipment.recipient, policy)
    if recipient is None:
        return Verdict(Action.HOLD, NO_RECIPIENT)
    if policy.only_to and not _pilot(recipient.email, policy.only_to):
        return Verdict(Action.WITHHOLD, "recipient is not a pilot")
    return None


def addressee(recipient: Recipient, policy: Policy) -> Recipient | None:
    """The one identifier Klaviyo gets; e-mail alone unless the merchant allowed another."""
    if recipient.email:
        return Recipient(email=recipient.email, consent=recipient.consent)
    if policy.phone_if_no_email and recipient.phone:
        return Recipient(phone=recipient.phone, consent=recipient.consent)
    if policy.external_id_if_no_email and recipient.external_id:
        return Recipient(external_id=recipient.external_id, consent=recipient.consent)
    return None


def crowded(sent: Collection[datetime], policy: Policy, now: datetime) -> Verdict | None:
    """At most so many messages a day to one recipient; *sent* = when the last ones went."""
    day = timedelta(days=1)
    recent = sorted(moment for moment in sent if moment > now - day)
    if len(recent) < policy.max_per_recipient:
        return None
    free = recent[-policy.max_per_recipient] + day
    return Verdict(Action.HOLD, f"{len(recent)} messages in 24 h to one recipient", until=free)


def overtaken(message: Message, shipment: Shipment, now: datetime) -> str:
    """P6: why it is no longer true, blank while it is."""
    status, kind = shipment.state.status, known_kind(message.kind)
    if kind is None or holds(kind, message, shipment, now):
        return ""
    if problem_of(kind):
        return "the problem is over"
    return f"overtaken: {status.value if status else 'nothing known'}"


def holds(kind: Kind, message: Message, shipment: Shipment, now: datetime) -> bool:
    """Whether what *kind* says is still so; without an attempt, of whichever is current."""
    state, problem = shipment.state, problem_of(kind)
    if problem:
        return problem in state.problems
    if kind in _WHILE:
        return state.status in _WHILE[kind]
    if kind is Kind.ESTIMATE_CHANGED:
        day = shipment.estimate.day.isoformat() if shipment.estimate else ""
        return day == message.attempt and state.status not in FINAL
    if state.status is None or state.status.value != kind.value:
        return False
    reached = local_day(state.status_at or now, shipment)
    if kind is Kind.OUT_FOR_DELIVERY:
        return (message.attempt or reached) == local_day(now, shipment)
    return kind is not Kind.DELIVERY_FAILED or message.attempt in ("", reached)


def local_day(moment: datetime, shipment: Shipment) -> str:
    """The calendar day of *moment* where the parcel is delivered, as attempts are named."""
    return moment.astimezone(ZoneInfo(shipment.zone)).date().isoformat()


def quiet_until(policy: Policy, now: datetime) -> datetime | None:
    """When the quiet hours that *now* falls into end; None outside them."""
    if policy.quiet_hours is None:
        return None
    start, end = policy.quiet_hours
    local = now.astimezone(policy.zone)
    clock = local.time()
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end.replace(fold=local.fold), policy.zone).astimezone(UTC)


def hours(span: timedelta) -> str:
    """A duration as the merchant writes it."""
    total = int(span.total_seconds() // 3600)
    return f"{total // 24}d" if total % 24 == 0 and total > 48 else f"{total}h"


def _pilot(email: str, only_to: tuple[str, ...]) -> bool:
    address = email.casefold()
    return any(
        address.endswith(p.casefold()) if p.startswith("@") else address == p.casefold()
        for p in only_to
    )


def known_kind(name: str) -> Kind | None:
    """The kind of that name; None for the merchant's own follow-ups."""
    return Kind(name) if name in frozenset(Kind) else None
