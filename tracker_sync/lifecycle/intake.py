"""Is this announcement the parcel we know, the same parcel again, or another one?

Brand and number identify a parcel; carriers use numbers again, and feeds make mistakes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tracker_sync.model import Advice, Recipient, Shipment

RECYCLED_AFTER = timedelta(days=120)  # since the shipment closed
_NUMBER = re.compile(r"[A-Z0-9]{6,40}")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WHOSE = "the number belongs to another order, and nothing says that the customer is the same"


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


def unfit(advice: Advice) -> str:
    """Say why an announcement can be nobody's parcel; blank = it can."""
    if not _NUMBER.fullmatch(advice.number):
        return "the tracking number is none: 6 to 40 letters A-Z and digits"
    if advice.replaces and not _NUMBER.fullmatch(advice.replaces):
        return "the number it corrects is none: 6 to 40 letters A-Z and digits"
    if ADDRESS.search(advice.order):
        return "the order is an e-mail address; have two columns changed places?"
    return ""


def accept(
    advice: Advice, known: Shipment | None, now: datetime, *, joins: bool = True
) -> Decision:
    """Compare an announcement with the shipment known by its number.

    *joins*: another source told of the shipment, which may name the same order in its own way.
    """
    if known is None:
        return Decision(Intake.NEW)
    order = _same_order(advice, known)
    person = same_person(advice.recipient, known.recipient)
    direction = advice.direction is known.direction
    if known.closed_at and now - known.closed_at >= RECYCLED_AFTER:
        alike = order and (person or bool(advice.order)) and direction
        if not alike:
            return Decision(Intake.NEW_LEG)
    elif not direction:
        return Decision(Intake.REFUSE, f"the number is known as {known.direction.value}")
    elif not order and not person:
        return Decision(Intake.REFUSE, "the number belongs to another order of another customer")
    elif not order and _nobody_says(advice, known) and (known.closed_at or not joins):
        return Decision(Intake.REFUSE, _WHOSE)
    return Decision(Intake.UPDATE, "" if person else "the recipient has changed")


def _same_order(advice: Advice, known: Shipment) -> bool:
    """Blank says nothing; an order that arrives later may still be another one."""
    return not advice.order or any(order.reference == advice.order for order in known.orders)


def _nobody_says(advice: Advice, known: Shipment) -> bool:
    """Whether another order is named, and nothing shows that the customer is the same."""
    named = any(order.reference for order in known.orders)
    return named and not (advice.recipient.known and known.recipient.known)


def same_person(new: Recipient, old: Recipient) -> bool:
    """Blank says nothing; an e-mail address counts before a phone number."""
    pairs = ((new.email, old.email), (new.phone, old.phone), (new.external_id, old.external_id))
    compared = [a.casefold() == b.casefold() for a, b in pairs if a and b]
    return compared[0] if compared else True
