"""Messages on their way into the outbox, and the verdict that may end them at once."""

from __future__ import annotations

from datetime import datetime

from tracker_sync.messages.message import Message, parcel_subject, unique_id
from tracker_sync.messages.verdict import Action, Verdict
from tracker_sync.model import Shipment
from tracker_sync.sync.house import House


def parcel_message(
    house: House, shipment: Shipment, kind: str, at: datetime, *, ordinal: int = 1
) -> Message:
    """A message about one parcel, due at once."""
    subject = parcel_subject(shipment.brand, shipment.first_number, shipment.leg)
    return Message(
        id=unique_id(house.shop, subject, kind, ordinal),
        kind=kind,
        subject=subject,
        ordinal=ordinal,
        shipment_id=shipment.id,
        occurred_at=at,
        due_at=at,
    )


def withheld(verdict: Verdict) -> str | None:
    """Why a message cannot go any more; None where it may yet."""
    return verdict.reason if verdict.action is Action.WITHHOLD else None


def judged(house: House, message: Message, verdict: Verdict, now: datetime) -> bool:
    """Record at once what cannot go any more; whether the message is still owed."""
    if verdict.action is not Action.WITHHOLD:
        return True
    house.store.outbox.withhold(message.id, verdict.reason, now)
    return False
