"""Around a pass: the heartbeat before and after it, and the metrics it leaves behind.

Floor 4. A pass that dies of an error is a failed one; a rehearsal is none at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tracker_sync.cli import common
from tracker_sync.settings import Settings
from tracker_sync.store import Store
from tracker_sync.sync.report import Report

if TYPE_CHECKING:
    from tracker_sync.monitoring.heartbeat import Heartbeat


@dataclass(slots=True)
class Pulse:
    """What a pass came to, as far as it is known."""

    settings: Settings
    code: int = common.PERSON  # until the pass says otherwise, it failed
    counts: Mapping[str, int] = field(default_factory=dict)

    def ended(self, report: Report, store: Store, now: datetime) -> None:
        """Take what the pass did, and write the metrics."""
        self.code, self.counts = report.exit_code, report.counts
        path = self.settings.monitoring.textfile
        if path:
            from tracker_sync.cli.metrics import metrics
            from tracker_sync.monitoring import textfile

            textfile.write(path, metrics(store, self.settings, now))


@contextmanager
def around(settings: Settings) -> Iterator[Pulse]:
    """Ping before a pass and after it, whatever becomes of it."""
    pulse, heart = Pulse(settings), _heart(settings)
    if heart is None:
        yield pulse
        return
    from tracker_sync.monitoring.heartbeat import FAIL, START, SUCCESS

    heart.ping(START)
    try:
        yield pulse
    finally:
        facts = {"exit": pulse.code, **{k: n for k, n in sorted(pulse.counts.items()) if n}}
        heart.ping(FAIL if pulse.code else SUCCESS, facts)


def _heart(settings: Settings) -> Heartbeat | None:
    url = settings.monitoring.heartbeat
    if url is None:
        return None
    from tracker_sync.monitoring.heartbeat import Heartbeat

    return Heartbeat(url.get_secret_value(), common.timer())
