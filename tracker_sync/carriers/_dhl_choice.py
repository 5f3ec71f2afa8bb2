"""Which shipment of an answer of DHL's unified API is meant by a number.

Floor 2. Several divisions may know one number, and several parcels share one reference: a foreign
delivery must not be told as this one's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker_sync.carriers._newest import age
from tracker_sync.carriers._reuse import meant
from tracker_sync.carriers._whose import strange
from tracker_sync.model import Reading

Life = tuple[dict[str, Any], datetime | None, Reading]  # a shipment, its first event, its history

# Not of the brand DHL as shops mean it: Express is a brand of its own, the others carry freight.
_OTHER_BRANDS = frozenset({"dgf", "dsc", "express", "freight"})


def named(
    shipments: list[dict[str, Any]], number: str | None, service: str | None
) -> list[dict[str, Any]]:
    """Return the shipments that carry *number*: those of the brand, where others do, too.

    A shipment's own id counts before its pieces, those before its references. An answer with one
    shipment means that one, since ids come in other forms, unless it is another id of the very
    same form. The setting `service` leaves one
    division alone.
    """
    pool = [s for s in shipments if service in (None, s.get("service"))]
    for names in (_own, _pieces, _references):
        hits = [s for s in pool if _spelt(number) in map(_spelt, names(s))]
        if hits:
            break
    else:
        known = [s for s in pool if not strange(str(s.get("id")), number)]
        hits = known if len(pool) == 1 else []
    return [s for s in hits if s.get("service") not in _OTHER_BRANDS] or hits


def believed(number: str | None, lives: Sequence[Life], shipped_at: datetime | None) -> Reading:
    """Return the history that is meant: none fits, or several do, and then none is believed.

    The day of shipping decides between several. Without it the newest life of one shipment
    counts, but nothing decides between two shipments.
    """
    if len(lives) > 1 and shipped_at:
        lives = meant([(began, (one, began, told)) for one, began, told in lives], shipped_at)
    if len({_identity(shipment) for shipment, _, _ in lives}) > 1:
        return Reading(number, ambiguous=True)
    return max((told for _, _, told in lives), key=age, default=Reading(number, not_found=True))


def _identity(shipment: dict[str, Any]) -> tuple[str, str]:
    return str(shipment.get("service")), str(shipment.get("id"))


def _spelt(number: object) -> str:
    return re.sub(r"\W", "", str(number)).upper().lstrip("0")


def _own(shipment: dict[str, Any]) -> list[Any]:
    return [shipment.get("id")]


def _pieces(shipment: dict[str, Any]) -> list[Any]:
    return (shipment.get("details") or {}).get("pieceIds") or []


def _references(shipment: dict[str, Any]) -> list[Any]:
    """References come as a list, or as one alone."""
    given = (shipment.get("details") or {}).get("references") or []
    return [one.get("number") for one in ([given] if isinstance(given, dict) else given)]
