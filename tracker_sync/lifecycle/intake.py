"""Is this announcement the parcel we know, the same parcel again, or another one?

Brand and number identify a parcel; carriers use numbers again, and feeds make mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tracker_sync.model import Advice, Recipient, Shipment

RECYCLED_AFTER = timedelta(days=120)  # since the shipment closed


class Intake(StrEnum):
    """What to do with an announcement."""

    NEW = "new"
    UPDATE = "update"
    NEW_LEG = "new_leg"  # the number was used again for another parcel
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and the reason where somebody should hear of it."""

    intake: Intake
    reason: str = ""


def accept(advice: Advice, known: Shipment | None, now: datetime) -> Decision:
    """Compare an announcement with the shipment known by its number."""
    if known is None:
        return Decision(Intake.NEW)
    order = _same_order(advice, known)
    person = _same_person(advice.recipient, known.recipient)
    direction = advice.direction is known.direction
    if known.closed_at and now - known.closed_at >= RECYCLED_AFTER:
        alike = order and (person or bool(advice.order)) and direction
        if not alike:
            return Decision(Intake.NEW_LEG)
    elif not direction:
        return Decision(Intake.REFUSE, f"the number is known as {known.direction.value}")
    elif not order and not person:
        return Decision(Intake.REFUSE, "the number belongs to another order of another customer")
    return Decision(Intake.UPDATE, "" if person else "the recipient has changed")


def _same_order(advice: Advice, known: Shipment) -> bool:
    """Blank says nothing; an order that arrives later may still be another one."""
    return not advice.order or any(order.reference == advice.order for order in known.orders)


def _same_person(new: Recipient, old: Recipient) -> bool:
    """Blank says nothing; an e-mail address counts before a phone number."""
    pairs = ((new.email, old.email), (new.phone, old.phone), (new.external_id, old.external_id))
    compared = [a.casefold() == b.casefold() for a, b in pairs if a and b]
    return compared[0] if compared else True
