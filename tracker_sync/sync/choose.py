"""Which of several carriers of a brand is asked about a parcel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tracker_sync.carriers import Carrier
from tracker_sync.store import Due

_OTHER_CARRIER_AFTER = timedelta(hours=12)


def choose(carriers: Sequence[Carrier], due: Due, now: datetime) -> Carrier | None:
    """The first that may be asked; a number it does not know for long goes to the others in turn.

    *carriers* stand in order of cost; None where none of them may be asked now.
    """
    able = [carrier for carrier in carriers if _may_ask(carrier, due)]
    young = not due.found and now - due.taken_at < _OTHER_CARRIER_AFTER
    hopeful = [carrier for carrier in able if young or carrier.key not in due.unknown_to]
    if hopeful or not able:
        return hopeful[0] if hopeful else None
    return able[due.calls_today % len(able)]


def _may_ask(carrier: Carrier, due: Due) -> bool:
    """Whether the carrier's own rules allow a call about this parcel now."""
    most = carrier.max_per_parcel_day
    spent = most is not None and due.calls_today >= most
    return not spent and (carrier.asks_delivered or not due.delivered)
