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
_THROTTLES = 3  # 429 in a row after which the calls of its day count as used up
_BACK_OFF = timedelta(seconds=5)
_ABOUT = timedelta(minutes=10)  # a wait that ends so near midnight, or later, is for the new day
_LONG = timedelta(hours=1)  # and longer than this: a limit by the hour makes us wait no more
_WAITS = "asked to wait"
# Every try with refused keys may bring the account closer to being locked.
_DOWN_AFTER = timedelta(days=1)
_LOCKED_OUT = timedelta(hours=1)
_LOCKED_OUT_AGAIN = timedelta(days=1)


def is_down(lane: Lane) -> bool:
    """Whether a carrier fails and has not answered for so long that another one should."""
    row = lane.house.ledger.carrier(lane.carrier.key)
    heard = maybe_unstamp(row["answered_at"])
    return bool(row["failure"]) and (heard is None or lane.account.began - heard > _DOWN_AFTER)


def lock_out(report: Report, lane: Lane, exc: Rejected) -> None:
    """The keys are refused: stop asking, and tell a person once."""
    ledger, key = lane.house.ledger, lane.carrier.key
    same = ledger.carrier(key)["failure"] == exc.text
    began = lane.account.began
    ledger.block(key, began + (_LOCKED_OUT_AGAIN if same else _LOCKED_OUT))
    ledger.failed(key, exc.text, began)
    lane.stopped = exc.text
    report.finding(f"carrier:{key}", f"{key}: {exc.text}")


def failed(lane: Lane, exc: CallError) -> None:
    """A call failed in a way that may pass."""
    log.warning("poll.failed", carrier=lane.carrier.key, why=exc.text)
    ledger, key = lane.house.ledger, lane.carrier.key
    ledger.failed(key, exc.text, lane.account.began)
    lane.troubles += 1
    if isinstance(exc, Throttled):
        until, before = _wait(lane, exc), ledger.blocked_until(key)
        ledger.block(key, max(until, before or until))
        lane.stopped = _WAITS
    elif lane.troubles >= _TROUBLES:
        lane.stopped = f"left alone after {_TROUBLES} failures"


def _wait(lane: Lane, exc: Throttled) -> datetime:
    """How long a 429 keeps us away: as asked, else briefly, else until the day ends.

    Where that is until the day ends, its calls are used up, and the ledger is told. Calls that were
    under way together and come back alike are one 429 in a row.
    """
    account, key = lane.account, lane.carrier.key
    many = 1 if lane.stopped == _WAITS else lane.house.ledger.throttled(key)
    if exc.retry_after is not None:
        wait = timedelta(seconds=max(1.0, exc.retry_after))
        until = account.now + wait + timedelta(seconds=1)  # the database keeps whole ones
        if wait > _LONG and until > account.midnight - _ABOUT:
            account.used_up()
        return until
    if many < _THROTTLES:
        return account.now + _BACK_OFF * (2 << many)
    account.used_up()
    return account.midnight
