"""Klaviyo: writes events, sends them, and says which were accepted.

Floor 2. An event body is written once and kept by the caller, who sends it as it is, later and
possibly several times: Klaviyo keeps the first of several with one profile, metric and unique id.
"""

from __future__ import annotations

from tracker_sync.klaviyo.arrivals import Arrivals
from tracker_sync.klaviyo.body import Draft, body
from tracker_sync.klaviyo.client import PEER, Account, Klaviyo
from tracker_sync.klaviyo.config import REVISION, KlaviyoConfig
from tracker_sync.klaviyo.outcome import Outcome, OutcomeState

# Klaviyo counts in fixed windows for all keys of an account together (350 a second and 3500 a
# minute; bulk 10 and 150): these leave room for the shop's other tools.
EVENTS_PER_SECOND = 50.0
BULK_PER_SECOND = 2.0

__all__ = [
    "BULK_PER_SECOND",
    "EVENTS_PER_SECOND",
    "PEER",
    "REVISION",
    "Account",
    "Arrivals",
    "Draft",
    "Klaviyo",
    "KlaviyoConfig",
    "Outcome",
    "OutcomeState",
    "body",
]
