"""`tracker-sync run`: passes on a grid, until somebody says stop."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from threading import Event

import click
import structlog

from tracker_sync import daemon
from tracker_sync.cli import common, pulse
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.errors import Busy
from tracker_sync.settings import Settings
from tracker_sync.sync import run_pass
from tracker_sync.sync.lock import only_pass

log = structlog.get_logger()


@common.command("run")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run passes for ever, every `polling.every`; SIGTERM or Ctrl-C ends it cleanly.

    A message that becomes due in between brings the next pass forward.
    """
    settings = common.settings(ctx)
    rounds = Rounds(settings, Event())
    code = daemon.run(
        rounds.once,
        every=settings.polling.every,
        jitter=settings.polling.every / 10,
        next_due=rounds.next_due,
        clock=common.clock,
        stop=rounds.stop,
    )
    ctx.exit(code)


@dataclass(slots=True)
class Rounds:
    """One pass after the other. Database and lock are held during a pass only.

    So the database can be looked at, moved by a backup or used by `sync` in between.
    """

    settings: Settings
    stop: Event
    due: datetime | None = None

    def once(self, now: datetime) -> int:
        """Run a pass; where another process runs one, leave it to that."""
        try:
            with only_pass(self.settings.database, common.clock()):
                return self._pass(now)
        except Busy:
            log.info("run.busy")
            return common.busy_code(self.settings)

    def _pass(self, now: datetime) -> int:
        with pulse.around(self.settings) as beat, closing(open_store(self.settings)) as store:
            house = build(self.settings, store, common.timer(), now)
            report = run_pass(house, now, self.stop)
            beat.ended(report, store, now)
            self.due = store.outbox.next_due()
            return report.exit_code

    def next_due(self, now: datetime) -> datetime | None:
        """When the next message can go. What is due already could not go now: it waits its turn."""
        return self.due if self.due and self.due > now else None
