"""One owed message, and the ids that make it the same message however often it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

_NAMESPACE = UUID("7d1f6a52-0c3b-5b0e-9a57-0f6f4b1f8c11")
_SPELT = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a customer is owed, before anybody decides whether it may still go."""

    id: str
    kind: str  # a `Kind`, or the name of the merchant's own follow-up
    subject: str
    ordinal: int = 1
    shipment_id: int | None
    order_id: int | None = None
    occurred_at: datetime  # becomes the event's time
    due_at: datetime
    attempt: str = ""  # the calendar day of the attempt it speaks of
    backfill: bool = False
    attempts: int = 0  # tries so far; from the first on, nothing about it changes


def unique_id(shop: str, subject: str, kind: str, ordinal: int) -> str:
    """The id Klaviyo deduplicates by: UUIDv5 of shop, subject, kind and ordinal (promise P2)."""
    return str(uuid5(_NAMESPACE, _SPELT.encode([shop, subject, kind, ordinal])))


def parcel_subject(brand: str, first_number: str, leg: int) -> str:
    """The parcel, for ids: never a row, a carrier or a corrected number."""
    return f"parcel:{brand}:{first_number}:{leg}"


def order_subject(reference: str) -> str:
    """The order, for ids: its reference as first recorded."""
    return f"order:{reference}"
