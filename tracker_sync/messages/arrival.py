"""What a message says about the day of delivery: expected before it, counted after it.

Our own forecast names two days: by the first one half of the shop's parcels like this one had
arrived, by the second one nine in ten. A mail should print both or the second one: of ten
customers who are told the first day alone, five are told wrong.
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tracker_sync.model import Shipment

Days: TypeAlias = tuple[date, date]  # when half of such parcels have arrived, and nine in ten


def expected(shipment: Shipment, ours: Days | None) -> dict[str, str]:
    """The delivery day: the carrier's word, else *ours*."""
    estimate = shipment.estimate
    if shipment.state.delivered_at or not (estimate or ours):
        return dict.fromkeys(("EstimatedDelivery", "EstimateSource", "EstimatedLatest"), "")
    half, most = ours or (None, None)
    return {
        "EstimatedDelivery": str(estimate.day if estimate else half),
        "EstimateSource": "carrier" if estimate else "history",
        "EstimatedLatest": "" if estimate else str(most),
    }


def transit_days(shipment: Shipment) -> int:
    """Calendar days on the way, the first one counted; 0 while it has not arrived."""
    state, zone = shipment.state, ZoneInfo(shipment.zone)
    if state.delivered_at is None or state.first_scan_at is None:
        return 0
    days = state.delivered_at.astimezone(zone).date() - state.first_scan_at.astimezone(zone).date()
    return days.days + 1
