"""The nouns: shipments, readings, scans, transitions.

Floor 0. Standard library only; every value is frozen; every moment is an aware datetime in UTC
(`utc` is the one gate).
"""

from tracker_sync.model.scans import INFO, Estimate, Meaning, Pickup, Reading, Scan, utc
from tracker_sync.model.shipments import Advice, Item, Order, Recipient, Shipment, State, Transition
from tracker_sync.model.words import (
    ENDS,
    FINAL,
    LAST_MILE,
    Detail,
    Direction,
    Kind,
    Origin,
    Problem,
    Status,
)

__all__ = [
    "ENDS",
    "FINAL",
    "INFO",
    "LAST_MILE",
    "Advice",
    "Detail",
    "Direction",
    "Estimate",
    "Item",
    "Kind",
    "Meaning",
    "Order",
    "Origin",
    "Pickup",
    "Problem",
    "Reading",
    "Recipient",
    "Scan",
    "Shipment",
    "State",
    "Status",
    "Transition",
    "utc",
]
