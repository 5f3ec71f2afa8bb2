"""Stored scans whose code the merchant has given a meaning since."""

from __future__ import annotations

from collections.abc import Collection

from tracker_sync.model import Meaning
from tracker_sync.store.connection import Connection

_DIFFERS = (
    "carrier = ? AND code = ? AND origin = 'carrier'"
    " AND (NOT listed OR (status, problem) IS NOT (?, ?))"
)

_ANEW = (
    "UPDATE scans SET listed = 1, status = ?, problem = ?, detail = NULL, revokes = 0"
    " WHERE shipment_id = ?"
)


class Recoding:
    """Reads scans anew, by the merchant's own table."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def differing(self, carrier: str, code: str, meaning: Meaning) -> tuple[int, set[int]]:
        """How many scans with that code are understood otherwise, and whose they are."""
        found = self._db.rows(
            f"SELECT shipment_id FROM scans WHERE {_DIFFERS}",  # noqa: S608  a constant
            *(carrier, code, meaning.status, meaning.problem),
        )
        return len(found), {row["shipment_id"] for row in found}

    def read_anew(self, shipment_id: int, carrier: str, code: str, meaning: Meaning) -> None:
        """Understand the scans of one shipment with that code like this."""
        self._db.run(
            f"{_ANEW} AND {_DIFFERS}",
            *(meaning.status, meaning.problem, shipment_id),
            *(carrier, code, meaning.status, meaning.problem),
        )

    def known(self, carrier: str, codes: Collection[str]) -> None:
        """Take codes off the list of the unknown ones."""
        for code in codes:
            self._db.run("DELETE FROM unknown_codes WHERE carrier = ? AND code = ?", carrier, code)
