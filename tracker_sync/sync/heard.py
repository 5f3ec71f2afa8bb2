"""Readings that came back, stored together: hundreds in a transaction, a few statements for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from tracker_sync.model import Reading
from tracker_sync.store import Due
from tracker_sync.sync import looked
from tracker_sync.sync.guard import safely, together
from tracker_sync.sync.house import House
from tracker_sync.sync.lanes import Lane
from tracker_sync.sync.report import Report

_TOGETHER = 200  # shipments whose rows are in memory at a time


@dataclass(frozen=True, slots=True)
class Item:
    """What one carrier said about one shipment."""

    lane: Lane
    due: Due
    reading: Reading | None  # None: nothing moved
    day: str = ""  # the brand's calendar day to which the call is charged; blank: it cost none


class Heard:
    """What was heard and is not stored yet."""

    def __init__(
        self, house: House, report: Report, now: datetime, lost: Callable[[Item], None]
    ) -> None:
        """*lost*: what to do about one that could not be stored."""
        self._house = house
        self._report = report
        self._now = now
        self._lost = lost
        self._items: list[Item] = []

    def add(self, item: Item) -> None:
        """Keep what was heard."""
        self._items.append(item)

    def store(self) -> None:
        """Store everything; a fault in one shipment stays in that shipment."""
        waiting = iter(self._items)
        self._items = []
        while group := list(islice(waiting, _TOGETHER)):
            for item, news in self._stored(group):
                if news is None:
                    self._lost(item)
                else:
                    self._count(item, news)

    def _stored(self, group: list[Item]) -> Iterator[tuple[Item, int | None]]:
        """How many transitions each brought; None where it failed."""
        news = together(self._house.store, lambda: self._all(group))
        if news is not None:
            return zip(group, news, strict=True)
        return ((item, self._alone(item)) for item in group)

    def _all(self, group: list[Item]) -> list[int]:
        told = {item.due.id for item in group if item.reading}
        everybody = {item.due.id for item in group}
        self._house.store.shipments.remember(everybody, histories=told)
        return [self._one(item) for item in group]

    def _alone(self, item: Item) -> int | None:
        key = f"shipment:{item.due.id}"
        return safely(self._house.store, self._report, key, lambda: self._one(item))

    def _one(self, item: Item) -> int:
        if item.day:
            charge(self._house, item.due, item.day)
        if item.reading is None:
            looked.unmoved(self._house, item.due.id, self._now)
            return 0
        carrier = item.lane.carrier
        return looked.answered(self._house, carrier, item.due.id, item.reading, now=self._now)

    def _count(self, item: Item, news: int) -> None:
        self._report.over(f"shipment:{item.due.id}")
        self._report.count("asked")
        self._report.count("not_found", int(item.reading is not None and item.reading.not_found))
        self._report.count("transitions", news)


def charge(house: House, due: Due, day: str) -> None:
    """Count a call about a parcel on the brand's calendar *day*."""
    columns = {"calls_day": day, "calls_made": due.calls_today + 1}
    house.store.shipments.update(due.id, columns)
