"""A dry run: everything is asked for real, nothing is told to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tracker_sync.klaviyo import Outcome, OutcomeState
from tracker_sync.sync.house import House
from tracker_sync.wire import Wire

_EVER = timedelta(days=36_500)  # no file is deleted in a rehearsal, however old


@dataclass(slots=True)
class Rehearsal:
    """Takes the messages of a dry run; nobody gets them."""

    bodies: list[str] = field(default_factory=list)

    def send(self, _wire: Wire, body: str) -> Outcome:
        """Note one event."""
        self.bodies.append(body)
        return Outcome(OutcomeState.ACCEPTED)

    def send_many(self, _wire: Wire, bodies: Sequence[str]) -> list[Outcome]:
        """Note several."""
        self.bodies.extend(bodies)
        return [Outcome(OutcomeState.ACCEPTED)] * len(bodies)


def rehearse(house: House, stack: ExitStack) -> tuple[House, Rehearsal]:
    """A house on a copy of the database, whose messages go nowhere and whose files stay.

    Only calls and tokens are kept in the real database: they were really used.
    """
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracker-sync-")))
    copy = folder / "copy.db"
    store = house.store.copied(copy)
    stack.callback(store.close)
    takes = Rehearsal()
    rehearsed = replace(house, store=store, sender=takes, arrivals=None, done=lambda *_bundle: None)
    ever = replace(house.bounds, keep_files=_EVER)
    return replace(rehearsed, bounds=ever), takes
