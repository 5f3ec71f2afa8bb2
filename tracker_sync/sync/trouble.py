"""What a failed call means for its carrier: wait, be left alone for this pass, or be locked out."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from tracker_sync.errors import CallError, Rejected, Throttled
from tracker_sync.store.connection import maybe_unstamp
from tracker_sync.sync.lanes import Lane
from tracker_sync.sync.report import Report

log = structlog.get_logger()

_TROUBLES = 3  # failed calls in a row after which a carrier is left alone for this pass
_THROTTLES = 3  # 429 in a row after which it is left alone until its midnight
_BACK_OFF = timedelta(seconds=5)
# Every try with refused keys may bring the account closer to being locked.
_DOWN_AFTER = timedelta(days=1)
_LOCKED_OUT = timedelta(hours=1)
_LOCKED_OUT_AGAIN = timedelta(days=1)


def is_down(lane: Lane) -> bool:
    """Whether a carrier fails and has not answered for so long that another one should."""
    row = lane.house.ledger.carrier(lane.carrier.key)
    heard = maybe_unstamp(row["answered_at"])
    return bool(row["failure"]) and (heard is None or lane.now - heard > _DOWN_AFTER)


def lock_out(report: Report, lane: Lane, exc: Rejected) -> None:
    """The keys are refused: stop asking, and tell a person once."""
    ledger, key = lane.house.ledger, lane.carrier.key
    same = ledger.carrier(key)["failure"] == exc.text
    ledger.block(key, lane.now + (_LOCKED_OUT_AGAIN if same else _LOCKED_OUT))
    ledger.failed(key, exc.text, lane.now)
    lane.stopped = exc.text
    report.finding(f"carrier:{key}", f"{key}: {exc.text}")


def failed(lane: Lane, exc: CallError) -> None:
    """A call failed in a way that may pass."""
    log.warning("poll.failed", carrier=lane.carrier.key, why=exc.text)
    ledger, key = lane.house.ledger, lane.carrier.key
    ledger.failed(key, exc.text, lane.now)
    lane.troubles += 1
    if isinstance(exc, Throttled):
        lane.stopped = "asked to wait"
        ledger.block(key, _wait(lane, exc))
    elif lane.troubles >= _TROUBLES:
        lane.stopped = f"left alone after {_TROUBLES} failures"


def _wait(lane: Lane, exc: Throttled) -> datetime:
    """How long a 429 keeps us away: as asked, else briefly, else until the day ends."""
    in_a_row = lane.house.ledger.throttled(lane.carrier.key)
    if exc.retry_after is not None:
        return lane.now + timedelta(seconds=max(1.0, exc.retry_after))
    if in_a_row >= _THROTTLES:
        return lane.midnight
    return lane.now + _BACK_OFF * (2 << in_a_row)
