"""Which of several carriers of a brand is asked about a parcel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tracker_sync.carriers import Carrier
from tracker_sync.store import Due

_OTHER_CARRIER_AFTER = timedelta(hours=12)


def choose(
    carriers: Sequence[Carrier],
    due: Due,
    now: datetime,
    *,
    stopped: Collection[str] = (),
    down: Collection[str] = (),
) -> Carrier | None:
    """The first that may be asked; a number it does not know for long goes to the others in turn.

    *carriers* stand in order of cost; None where nobody may be asked now. *stopped* are not asked
    in this pass, *down* did not answer for long. An aggregator takes money for every number, so
    it gets those alone about which no other carrier can tell.
    """
    young = not due.found and now - due.taken_at < _OTHER_CARRIER_AFTER
    able = [carrier for carrier in carriers if _may_ask(carrier, due)]
    hopeful = [carrier for carrier in able if young or carrier.key not in due.unknown_to]
    own = [carrier for carrier in hopeful if not carrier.any_brand and carrier.key not in down]
    asked = own or [carrier for carrier in hopeful if carrier.any_brand] or able
    ready = [carrier for carrier in asked if carrier.key not in stopped]
    if not ready:
        return None
    return ready[0] if hopeful else ready[due.calls_today % len(ready)]


def _may_ask(carrier: Carrier, due: Due) -> bool:
    """Whether the carrier's own rules allow a call about this parcel now."""
    most = carrier.max_per_parcel_day
    spent = most is not None and due.calls_today >= most
    return not spent and (carrier.asks_delivered or not due.delivered)
