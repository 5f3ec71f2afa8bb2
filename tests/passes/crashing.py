"""A process that runs one pass and may die in the middle of it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog

from tracker_sync import settings
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.sync import run_pass
from tracker_sync.sync.lock import only_pass
from tracker_sync.wire import Timer

CRASHED = 9


def one_pass(folder: str, now: str, dies_at: int | None, names: str | None = None) -> None:
    """Run the pass of *now*; `os._exit` at step number *dies_at*; write the steps to *names*."""
    structlog.configure(logger_factory=lambda *_: structlog.testing.ReturnLogger())
    moment = datetime.fromisoformat(now)
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)
        if len(steps) - 1 == dies_at:  # the step itself is done
            os._exit(CRASHED)

    wishes = settings.load(Path(folder) / "shop.yaml", environ={})
    with only_pass(wishes.database, datetime.now(UTC)):
        store = open_store(wishes)
        house = build(wishes, store, Timer(time.monotonic, time.sleep), moment, step=step)
        for carrier in house.carriers:
            store.ledger.block(carrier, None)
        store._connection.run(
            "UPDATE shipments SET next_poll_at = ? WHERE next_poll_at IS NOT NULL"
            " AND (status IS NULL OR status <> 'delivered')",
            now.replace("+00:00", "Z"),
        )
        run_pass(house, moment)
        store.close()
    if names:
        Path(names).write_text("\n".join(steps), encoding="utf-8")
