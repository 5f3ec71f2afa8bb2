"""What one pass did, and what a person should know about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tracker_sync.sources import Bundle, Reject
from tracker_sync.store.journal import Journal

log = structlog.get_logger()

# Counted in the line of every pass, where every pass is to have one.
_ALWAYS = (
    *("asked", "transitions", "failed", "left"),
    *("accepted", "withheld", "postponed", "too_many", "set_aside"),
)


@dataclass(slots=True)
class Report:
    """Counts and findings of a pass; a finding is reported once, then only shown."""

    journal: Journal
    now: datetime
    counts: Counter[str] = field(default_factory=Counter)
    calls_left: Counter[str] = field(default_factory=Counter)  # that had to wait, by carrier
    new_findings: list[str] = field(default_factory=list)
    met: int = 0  # owed messages that were looked at
    _known: set[str] | None = None

    def count(self, what: str, by: int = 1) -> None:
        """Count something."""
        self.counts[what] += by

    def finding(self, key: str, text: str) -> None:
        """Note what needs a person."""
        if self._known is not None:
            self._known.add(key)
        if self.journal.finding(key, text, self.now):
            self.new_findings.append(text)
            log.warning("finding.new", key=key.split(":")[0], text=text)

    def over(self, key: str) -> None:
        """Note that a finding no longer holds, where there was one."""
        if key in self._open():
            self._open().discard(key)
            self.journal.resolve(key, self.now)

    def _open(self) -> set[str]:
        """The keys of what is not over, read once a pass."""
        if self._known is None:
            self._known = set(self.journal.open_keys(""))
        return self._known

    def set_aside(self, message_id: str, kind: str, why: str) -> None:
        """Note a message that Klaviyo refuses, or never could take."""
        self.count("set_aside")
        text = f"Klaviyo refused a {kind} message: {why}; see `tracker-sync messages`"
        self.finding(f"set_aside:{message_id}", text)

    def bundle(self, source: str, bundle: Bundle, refused: tuple[Reject, ...]) -> None:
        """Note what came of a bundle."""
        rejects = (*bundle.rejects, *refused)
        log.info(
            "source.taken",
            source=source,
            name=bundle.name,
            taken=len(bundle.advices) - len(refused),
            rejected=len(rejects),
        )
        for note in bundle.notes:
            log.warning("source.noted", source=source, where=note.where, what=note.why)
        self.count("noted", len(bundle.notes))
        self.count("rejected", len(rejects))
        if rejects:
            first = f"{rejects[0].where}: {rejects[0].why}"
            more = f" (and {len(rejects) - 1} more)" if len(rejects) > 1 else ""
            self.finding(f"rejected:{source}:{bundle.fingerprint[:12]}", f"{first}{more}")

    def tell(self, *, always: bool = False) -> None:
        """Log what the pass did; one in which nothing happened only where that is wanted."""
        counts = {name: count for name, count in self.counts.items() if count}
        # Cron mails every line.
        say = log.info if counts or always else log.debug
        shown = {**dict.fromkeys(_ALWAYS, 0), **self.counts} if always else counts
        say("pass.done", exit=self.exit_code, **shown)

    @property
    def exit_code(self) -> int:
        """1 where something new needs a person."""
        return 1 if self.new_findings else 0
