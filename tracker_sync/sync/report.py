"""What one pass did, and what a person should know about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tracker_sync.sources import Bundle, Reject
from tracker_sync.store.journal import Journal

log = structlog.get_logger()


@dataclass(slots=True)
class Report:
    """Counts and findings of a pass; a finding is reported once, then only shown."""

    journal: Journal
    now: datetime
    counts: Counter[str] = field(default_factory=Counter)
    new_findings: list[str] = field(default_factory=list)
    _over: set[str] = field(default_factory=set)

    def count(self, what: str, by: int = 1) -> None:
        """Count something."""
        self.counts[what] += by

    def finding(self, key: str, text: str) -> None:
        """Note what needs a person."""
        self._over.discard(key)
        if self.journal.finding(key, text, self.now):
            self.new_findings.append(text)
            log.warning("finding.new", key=key.split(":")[0], text=text)

    def over(self, key: str) -> None:
        """Note that a finding no longer holds; asked often, done once a pass."""
        if key not in self._over:
            self._over.add(key)
            self.journal.resolve(key, self.now)

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

    @property
    def exit_code(self) -> int:
        """1 where something new needs a person."""
        return 1 if self.new_findings else 0
