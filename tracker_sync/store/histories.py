"""Questions about what happened to a parcel: its scans, and the transitions they brought."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

from tracker_sync.model import Problem, Scan, Transition
from tracker_sync.store import rows
from tracker_sync.store.connection import Connection, stamp, unstamp
from tracker_sync.store.memory import Entry, History, Told, understood

_ADD_SCAN = (
    "INSERT INTO scans (shipment_id, carrier, at, position, origin, code, listed,"
    " status, problem, detail, revokes, text, place, seen_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET listed = 1, status = excluded.status,"
    " problem = excluded.problem, detail = excluded.detail, revokes = excluded.revokes"
)
_PLACE_SCAN = (
    "UPDATE scans SET position = ? WHERE shipment_id = ? AND carrier = ? AND at = ? AND code = ?"
)
_ADD_TRANSITION = (
    "INSERT INTO transitions (shipment_id, word, attempt, ordinal, at, detail, previous,"
    " recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)

Key = tuple[str, str]  # stamp and code: what makes a scan of one carrier the same


class Histories:
    """What happened to the parcels."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def _known(self, shipment_id: int) -> History | None:
        """What happened to a parcel that is remembered; None where it is not."""
        memory = self._db.memory
        found = memory.scans.get(shipment_id)
        if found is None:
            return None
        made = memory.histories.get(shipment_id)
        if made is None:
            entries = {
                (row["carrier"], row["at"], row["code"]): Entry(
                    row["at"], row["position"], row["id"], rows.scan(row)
                )
                for row in found
            }
            made = memory.histories[shipment_id] = History(entries, memory.told[shipment_id])
        return made

    # -- scans ---------------------------------------------------------------

    def scans(self, shipment_id: int) -> list[Scan]:
        """The stored history, oldest first, the carrier's own order where stamps are equal."""
        if known := self._known(shipment_id):
            return list(known.scans())
        found = self._db.rows(
            "SELECT * FROM scans WHERE shipment_id = ? ORDER BY at, position, id", shipment_id
        )
        return list(map(rows.scan, found))

    def add_scans(
        self,
        shipment_id: int,
        carrier: str,
        scans: Sequence[Scan],
        now: datetime,
        *,
        settled: Collection[str] = (),
    ) -> list[Scan]:
        """Keep the scans not seen before, or explained anew; return those.

        The carrier may explain an entry later ("delivered" was the return): then it is understood
        anew. What it no longer explains, and what has a *settled* code, stays as it was.
        """
        stored = self._stored(shipment_id, carrier)
        fresh: list[Scan] = []
        placed: dict[Key, int] = {}
        keyed = [((stamp(scan.at), scan.code), scan) for scan in scans]
        for position, (key, scan) in enumerate(keyed):
            before = stored.get(key)
            if before is not None and (scan.code in settled or not rows.differs(scan, before)):
                continue
            placed.setdefault(key, position if before is None else -1)
            stored[key] = scan.status, scan.problem
            fresh.append(scan)
            self._add((shipment_id, carrier), scan, position, now)
        moments = {at for at, _ in placed}
        for position, (key, _) in enumerate(keyed):
            if key[0] in moments and placed.get(key) != position:
                self._place((shipment_id, carrier), key, position)
        return fresh

    def _stored(self, shipment_id: int, carrier: str) -> dict[Key, Told]:
        """How what is stored of a carrier's scans was understood."""
        known = self._db.memory.understood(shipment_id, carrier)
        if known is not None:
            return known
        found = self._db.rows(
            "SELECT carrier, at, code, status, problem FROM scans"
            " WHERE shipment_id = ? AND carrier = ?",
            *(shipment_id, carrier),
        )
        return understood(found, carrier)

    def _add(self, whose: tuple[int, str], scan: Scan, position: int, now: datetime) -> None:
        values = rows.scan_values(scan, position)
        self._db.later(_ADD_SCAN, *whose, *values, stamp(now))
        if known := self._known(whose[0]):
            known.add((whose[1], values[0], scan.code), position, scan)

    def _place(self, whose: tuple[int, str], key: Key, position: int) -> None:
        """What shares a stamp with a new one is put in its place."""
        self._db.later(_PLACE_SCAN, position, *whose, *key)
        if known := self._known(whose[0]):
            known.place((whose[1], *key), position)

    # -- transitions ---------------------------------------------------------

    def told(self, shipment_id: int) -> set[tuple[str, str]]:
        """The keys of the transitions already recorded."""
        if known := self._known(shipment_id):
            return set(known.told)
        found = self._db.rows(
            "SELECT word, attempt FROM transitions WHERE shipment_id = ?", shipment_id
        )
        return {(row["word"], row["attempt"]) for row in found}

    def opened_at(self, shipment_id: int, problem: Problem) -> datetime | None:
        """When a problem opened last; None where it never did."""
        text = self._db.value(
            "SELECT max(at) FROM transitions WHERE shipment_id = ? AND word = ?",
            *(shipment_id, problem),
        )
        return unstamp(text) if text else None

    def transition(self, row_id: int | None) -> sqlite3.Row | None:
        """One recorded transition."""
        return self._db.row("SELECT * FROM transitions WHERE id = ?", row_id)

    def add_transition(self, shipment_id: int, transition: Transition, now: datetime) -> int:
        """Record a transition; return its ordinal among those of the same word."""
        word = transition.word.value
        known = self._known(shipment_id)
        told = known.told if known else self.told(shipment_id)
        ordinal = 1 + sum(before == word for before, _ in told)
        self._db.later(
            _ADD_TRANSITION,
            shipment_id,
            word,
            transition.attempt,
            ordinal,
            stamp(transition.at),
            transition.detail,
            transition.previous,
            stamp(now),
        )
        if known:
            known.told.add((word, transition.attempt))
        return ordinal
