"""The walk through a history: one rule of the design a method."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from tracker_sync.model import (
    ENDS,
    FINAL,
    LAST_MILE,
    Detail,
    Origin,
    Problem,
    Scan,
    State,
    Status,
    Transition,
)

RANK = {
    Status.ANNOUNCED: 0,
    Status.DISPATCHED: 1,
    Status.IN_TRANSIT: 2,
    Status.OUT_FOR_DELIVERY: 3,
    Status.DELIVERY_FAILED: 3,
    Status.READY_FOR_PICKUP: 3,
    Status.DELIVERED: 4,
    Status.RETURNING: 5,
    Status.RETURNED: 6,
}

SETTLED = FINAL | {Status.READY_FOR_PICKUP, None}  # nothing can be late any more, or yet
PHYSICAL = frozenset(RANK) - {Status.ANNOUNCED}
_EARLY = frozenset({Status.DISPATCHED, Status.IN_TRANSIT})
_ONCE_A_DAY = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Problem.ADDRESS})
_MOOT_AT_THE_END = frozenset({Problem.ADDRESS, Problem.DELAYED, Problem.CUSTOMS})
_HOMEWARD = {Status.RETURNING: Status.IN_TRANSIT, Status.RETURNED: Status.DELIVERED}


@dataclass(slots=True)
class Walk:
    """The walk so far."""

    zone: tzinfo
    homeward: bool
    first_scan_rule: bool
    status: Status | None = None
    status_at: datetime | None = None
    detail: Detail | None = None
    before_delivery: Status | None = None
    delivered_at: datetime | None = None
    first_scan_at: datetime | None = None
    last_scan_at: datetime | None = None
    turned: bool = False
    problems: set[Problem] = field(default_factory=set)
    steps: dict[tuple[str, str], Transition] = field(default_factory=dict)

    def take(self, scan: Scan) -> None:
        """Let one scan change the state, or not."""
        if self._refuted(scan):
            return
        if scan.meaning and scan.meaning.revokes:
            self._revoke(scan)
        if scan.status:
            self._progress(scan, self._translated(scan.status))
        if scan.problem:
            self._open(scan, scan.problem)
        if scan.origin is Origin.CARRIER:
            self.last_scan_at = scan.at

    def state(self) -> State:
        """Freeze the walk."""
        return State(
            status=self.status,
            status_at=self.status_at,
            detail=self.detail,
            problems=frozenset(self.problems),
            first_scan_at=self.first_scan_at,
            last_scan_at=self.last_scan_at,
            delivered_at=self.delivered_at,
            turned=self.turned,
        )

    def _translated(self, status: Status) -> Status:
        return _HOMEWARD.get(status, status) if self.homeward else status

    def _revoke(self, scan: Scan) -> None:
        if self.status is Status.DELIVERED:
            # It was somebody's hands: the parcel is on its way, however little else is known.
            self.status, self.status_at = self.before_delivery or Status.DISPATCHED, scan.at
            self.delivered_at = self.detail = None

    def _progress(self, scan: Scan, status: Status) -> None:
        target = self._target(scan, status)
        if status in PHYSICAL and scan.origin is Origin.CARRIER and self.first_scan_at is None:
            self.first_scan_at = scan.at
        if target is None:
            return
        self._step(scan, target)
        if target is Status.DELIVERED:
            self.before_delivery = self.status
        self.delivered_at = scan.at if target is Status.DELIVERED else None
        self.turned = self.turned or target in (Status.RETURNING, Status.RETURNED)
        self.problems &= {Problem.DAMAGED}
        self.status, self.status_at = target, scan.at
        self.detail = scan.meaning.detail if scan.meaning else None

    def _target(self, scan: Scan, status: Status) -> Status | None:
        """The status this scan leads to, None where it leads nowhere."""
        if self.turned:
            return self._after_the_turn(status)
        if status in _EARLY and self.first_scan_rule:
            early = self._first_or_later(scan, status)
            if early is None:
                return None
            status = early
        if self.status is None or self.status in ENDS:
            return status if status in PHYSICAL or self.status is None else None
        if status in ENDS:
            return None if self.status is Status.DELIVERED else status
        if status in LAST_MILE and self.status in LAST_MILE | {Status.DELIVERED}:
            return None if self._same_attempt(scan, status) else status
        return status if RANK[status] > RANK[self.status] else None

    def _after_the_turn(self, status: Status) -> Status | None:
        """The one-way door: whatever is delivered now is back at the sender."""
        if self.status is Status.RETURNED:
            return None
        if status in (Status.DELIVERED, Status.RETURNED):
            return Status.RETURNED
        if self.status is Status.LOST and status in PHYSICAL:
            return Status.RETURNING
        return status if status is Status.LOST and self.status is not Status.LOST else None

    def _first_or_later(self, scan: Scan, status: Status) -> Status | None:
        """The first physical scan is the dispatch; in transit needs a later minute."""
        if self.first_scan_at is None:
            told = self.status is Status.DISPATCHED and scan.origin is Origin.CARRIER
            return None if told else Status.DISPATCHED
        later = _minute(scan.at) > _minute(self.first_scan_at)
        return status if later or status is Status.DISPATCHED else None

    def _same_attempt(self, scan: Scan, status: Status) -> bool:
        return status is self.status and (status.value, self._attempt(scan, status)) in self.steps

    def _open(self, scan: Scan, problem: Problem) -> None:
        over = self.status in (Status.DELIVERED, Status.RETURNED)
        if (over and problem in _MOOT_AT_THE_END) or not self._step(scan, problem):
            return
        self.problems.add(problem)
        if scan.meaning and scan.meaning.detail:
            self.detail = scan.meaning.detail

    def _step(self, scan: Scan, word: Status | Problem) -> bool:
        """Remember a transition; False where it is an old one."""
        attempt = self._attempt(scan, word)
        detail = scan.meaning.detail if scan.meaning else None
        step = Transition(word, scan.at, attempt, detail, self.status, scan.text)
        return self.steps.setdefault(step.key, step) is step

    def _attempt(self, scan: Scan, word: Status | Problem) -> str:
        return scan.at.astimezone(self.zone).date().isoformat() if word in _ONCE_A_DAY else ""

    def _refuted(self, scan: Scan) -> bool:
        """Whether a conclusion from silence fell, because a scan turned up after all."""
        if scan.origin is not Origin.CLOCK or scan.meaning is None:
            return False
        if self.turned or self.status in SETTLED:
            return True
        if scan.meaning.detail is Detail.NOT_HANDED_OVER:
            return self.status is not Status.ANNOUNCED
        return scan.meaning.detail is Detail.STALLED and scan.code != silence(self.last_scan_at)


def silence(last: datetime | None) -> str:
    """The code of a conclusion from silence: it names the scan after which nothing came."""
    return f"silent since {last:%Y-%m-%dT%H:%M:%SZ}" if last else "silent"


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
