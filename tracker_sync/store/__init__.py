"""State in SQLite: one method per question, SQL next to it.

Floor 2. Nothing above this package knows it is SQLite.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tracker_sync.store.announced import Announced
from tracker_sync.store.connection import Connection, stamp, unstamp
from tracker_sync.store.frozen import Frozen
from tracker_sync.store.glance import Glance
from tracker_sync.store.journal import Journal
from tracker_sync.store.learned import Learned
from tracker_sync.store.ledger import Ledger
from tracker_sync.store.looks import Due, Looks
from tracker_sync.store.orders import Orders
from tracker_sync.store.outbox import Outbox
from tracker_sync.store.privacy import Privacy
from tracker_sync.store.recoding import Recoding
from tracker_sync.store.shipments import Shipments
from tracker_sync.store.tempo import Tempo
from tracker_sync.store.vigil import Vigil
from tracker_sync.store.waiting import Waiting

__all__ = ["Due", "Frozen", "Store", "stamp", "unstamp"]


class Store:
    """One shop's database; bound to the thread that opened it."""

    def __init__(self, path: Path, *, shop: str, zones: Mapping[str, str]) -> None:
        self._shop, self._zones = shop, zones
        self._connection = Connection(path, shop=shop)
        self.shipments = Shipments(self._connection, zones)
        self.looks = Looks(self._connection)
        self.learned = Learned(self._connection)
        self.recoding = Recoding(self._connection)
        self.waiting = Waiting(self._connection)
        self.announced = Announced(self._connection)
        self.orders = Orders(self._connection)
        self.outbox = Outbox(self._connection)
        self.ledger = Ledger(self._connection)
        self.journal = Journal(self._connection)
        self.privacy = Privacy(self._connection)
        self.glance = Glance(self._connection)
        self.tempo = Tempo(self._connection)
        self.vigil = Vigil(self._connection)

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the write lock from the start; all or nothing. A nested one joins the outer."""
        return self._connection.transaction()

    def attempt(self) -> AbstractContextManager[None]:
        """One item inside a transaction: if it fails, only its own writes are undone."""
        return self._connection.attempt()

    def copied(self, path: Path) -> Store:
        """Write a consistent copy to *path*, readable for its owner alone, and open it."""
        self._connection.copy_to(path)
        return Store(path, shop=self._shop, zones=self._zones)

    def on_disk(self) -> None:
        """Make what was committed outlive a power cut, before the world outside relies on it."""
        self._connection.on_disk()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
