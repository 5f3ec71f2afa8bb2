"""The planner as simulators drive it: minutes of local wall-clock time since a Monday 00:00."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import tracker_sync
from tracker_sync.model import Status
from tracker_sync.polling import Habits, Look, Price, plan

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
PRIOR = Path(tracker_sync.__file__).parent / "polling" / "prior.csv"
_MINUTE = timedelta(minutes=1)


def moment(minute: int) -> datetime:
    return MONDAY + minute * _MINUTE


def prior() -> list[tuple[str, str, str]]:
    """The rows that are shipped."""
    if not PRIOR.exists():
        return []
    with PRIOR.open(encoding="utf-8", newline="") as file:
        return [("", cell, value) for cell, value in csv.reader(file)]


class Planner:
    """One shop that starts with nothing but the shipped prior."""

    def __init__(self, price: float, habits: Habits | None = None) -> None:
        self.name = f"planner, price {price:g}"
        self.price = Price(price)
        self.habits = habits or Habits(prior())
        self._learned: dict[object, datetime] = {}

    def look(
        self,
        carrier: str,
        status: str,
        since: int,
        *,
        due: int | None = None,
        asked: int | None = None,
    ) -> Look:
        problem = status == "problem"
        return Look(
            status=Status.IN_TRANSIT if problem else Status(status),
            problem=problem,
            since=moment(since),
            zone=UTC,
            jitter=0.5,
            brand=carrier,
            asked=None if asked is None else moment(asked),
            estimate=None if due is None else day(due),
        )

    def next(
        self, carrier: str, status: str, since: int, now: int, *, due: int | None = None
    ) -> int:
        look = self.look(carrier, status, since, due=due)
        when = plan(self.habits, look, self.price, moment(now))
        assert when is not None
        return int((when - MONDAY) / _MINUTE)

    def observe(
        self,
        shipment: object,
        carrier: str,
        history: Sequence[tuple[int, str]],
        now: int,
        final: bool,
        *,
        due: int | None = None,
    ) -> None:
        self._learned[shipment] = self.habits.observe(
            carrier,
            [(status, moment(at)) for at, status in history],
            moment(now),
            zone=UTC,
            after=self._learned.get(shipment),
            estimate=None if due is None else day(due),
        )


def day(number: int) -> date:
    return (MONDAY + timedelta(days=number)).date()


def make(price: float) -> Planner:
    """A planner for which *price* minutes of lateness are worth a call."""
    return Planner(price)
