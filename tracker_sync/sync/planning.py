"""The planner at work: what is learned is kept, and every parcel gets its next look.

What the parcels teach is read from the database when it is first needed, and what changed is
written with the answers that taught it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from tracker_sync import polling
from tracker_sync.carriers import Carrier
from tracker_sync.lifecycle import believed
from tracker_sync.model import Direction, Origin, Scan, Shipment, Status
from tracker_sync.polling import Habits, Look, Needs, Price, plan, value, word
from tracker_sync.store import Due, Store
from tracker_sync.store.learned import Row
from tracker_sync.sync.account import expected, used
from tracker_sync.sync.house import House

_SHOP = "*"  # what all brands of a shop have in common
_RETURNS = 4.0  # a parcel on its way back must be worth so much more
_GAP = polling.LEAST


class Planner:
    """What one pass knows of when news comes, and what a call is worth."""

    def __init__(self) -> None:
        self._habits: Habits | None = None
        self._loaded: set[str] = set()
        self._learned: dict[int, datetime] = {}  # up to when parcels taught what is not kept yet
        self._needs: dict[str, Needs] = {}
        self._prices: dict[str, Price] = {}
        self._open: dict[str, int] = {}  # parcels by carrier
        self._counted: dict[str, tuple[int, datetime]] = {}  # of them, those not kept yet

    # -- asking --------------------------------------------------------------

    def next_look(
        self,
        house: House,
        shipment: Shipment,
        past: Due,
        carrier: Carrier | None,
        *,
        now: datetime,
        deadline: datetime | None = None,
    ) -> datetime | None:
        """When to ask about a parcel next; None = no more."""
        state = shipment.state
        look = Look(
            status=state.status,
            since=state.status_at or shipment.taken_at,
            zone=ZoneInfo(shipment.zone),
            jitter=jitter(shipment.id),
            failures=past.failures,
            min_gap=carrier.min_gap if carrier else _GAP,
            calls_today=past.calls_today,
            max_per_day=carrier.max_per_parcel_day if carrier else None,
            brand=shipment.brand,
            problem=bool(state.problems),
            scanned=state.last_scan_at,
            estimate=shipment.estimate.day if shipment.estimate else None,
            deadline=deadline,
        )
        price = self.price(house, carrier, now) if carrier else Price(polling.CHEAPEST)
        if shipment.direction is Direction.RETURN:
            price = price.times(_RETURNS)
        return plan(self._known(house.store, shipment.brand), look, price, now)

    def best_first(
        self, house: House, carrier: Carrier, dues: list[Due], now: datetime
    ) -> list[Due]:
        """Order what is due by what a call about it is worth, where the calls do not suffice."""
        per_day = expected(house, carrier, now)
        if per_day is None or len(dues) <= self._left(house, carrier, per_day, now):
            return dues
        worth = {due.id: self._value(house, due, carrier, now) for due in dues}
        return sorted(dues, key=lambda due: -worth[due.id])

    def _left(self, house: House, carrier: Carrier, per_day: int, now: datetime) -> int:
        return (per_day - used(house, carrier, now)) * carrier.size

    def _value(self, house: House, due: Due, carrier: Carrier, now: datetime) -> float:
        look = Look(
            status=Status(due.status) if due.status else None,
            since=due.since or due.taken_at,
            zone=ZoneInfo(carrier.zone),
            jitter=0.5,
            brand=due.brand,
            problem=due.problem,
            scanned=due.scanned,
            asked=due.asked,
            estimate=due.estimate,
        )
        worth = value(self._known(house.store, due.brand), look, now)
        return worth / _RETURNS if due.returns else worth

    # -- what a call is worth --------------------------------------------------

    def price(self, house: House, carrier: Carrier, now: datetime) -> Price:
        """What a call must be worth at that carrier today; the same for a whole pass."""
        if carrier.key not in self._prices:
            self._prices[carrier.key] = self._price(house, carrier, now)
        return self._prices[carrier.key]

    def _price(self, house: House, carrier: Carrier, now: datetime) -> Price:
        per_day = expected(house, carrier, now)
        if per_day is None:
            return Price(polling.CHEAPEST)
        spent = used(house, carrier, now) * carrier.size
        parcels = self._parcels(house, carrier, now)
        needs = self._needed(house.store, carrier)
        return needs.price(parcels, quota=per_day * carrier.size, used=spent, now=now)

    def forecast(self, house: House, carrier: Carrier, now: datetime) -> int:
        """Calls that will be wanted from now until the carrier's midnight."""
        parcels = self._parcels(house, carrier, now)
        looks = self._needed(house.store, carrier).forecast(
            parcels, self.price(house, carrier, now).today, now
        )
        return -(-looks // carrier.size)

    def spent(self, house: House, carrier: Carrier, looks: int, now: datetime) -> None:
        """Count what a pass asked and would have asked, where the calls are limited."""
        if expected(house, carrier, now) is not None:
            self._needed(house.store, carrier).spent(
                looks,
                price=self.price(house, carrier, now).today,
                parcels=self._parcels(house, carrier, now),
                now=now,
            )

    def _parcels(self, house: House, carrier: Carrier, now: datetime) -> int:
        if carrier.key not in self._open:
            learned = house.store.learned
            known = learned.counted(carrier.key, now)
            if known is None:
                known = learned.count(house.brands_of(carrier))
                self._counted[carrier.key] = known, now
            self._open[carrier.key] = known
        return self._open[carrier.key]

    def _needed(self, store: Store, carrier: Carrier) -> Needs:
        if carrier.key not in self._needs:
            account = f"account {carrier.key}"
            rows = store.learned.rows(account)
            self._needs[carrier.key] = Needs(account, ZoneInfo(carrier.budget_zone), rows)
        return self._needs[carrier.key]

    # -- learning --------------------------------------------------------------

    def learn(self, store: Store, shipment: Shipment, scans: Sequence[Scan], now: datetime) -> None:
        """Learn from the believed history of a parcel, each moment of it once."""
        history = list(_steps(scans))
        if not history or shipment.direction is Direction.RETURN:
            return
        until = self._known(store, shipment.brand).observe(
            shipment.brand,
            history,
            now,
            zone=ZoneInfo(shipment.zone),
            after=self._learned.get(shipment.id) or store.learned.until(shipment.id),
            estimate=shipment.estimate.day if shipment.estimate else None,
        )
        self._learned[shipment.id] = until

    def keep(self, store: Store, *, least: int = 0) -> None:
        """Write what was learned since the last time, from *least* parcels or more."""
        if len(self._learned) < least:
            return
        rows: list[Row] = self._habits.changed() if self._habits else []
        for needs in self._needs.values():
            rows += needs.changed()
        if rows or self._learned or self._counted:
            with store.transaction():  # the lesson, and that it was learned
                self._keep(store, rows)

    def _keep(self, store: Store, rows: Sequence[Row]) -> None:
        store.learned.learned(self._learned)
        self._learned.clear()
        store.learned.keep(rows)
        for key, (count, at) in self._counted.items():
            store.learned.keep_count(key, count, at)
        self._counted.clear()

    def delivery(self, store: Store, shipment: Shipment, today: date) -> tuple[date, date] | None:
        """Our own forecast: the days by which half and nine in ten such parcels were delivered."""
        state = shipment.state
        if state.status is None or state.status_at is None:
            return None
        since = state.status_at.astimezone(ZoneInfo(shipment.zone)).date()
        habits = self._known(store, shipment.brand)
        return polling.estimate(habits, shipment.brand, state.status, since, today=today)

    def _known(self, store: Store, brand: str) -> Habits:
        """The learned table, with the rows of that brand."""
        if self._habits is None:
            self._habits = Habits(prior())
            self._habits.load(store.learned.rows(_SHOP))
        if brand not in self._loaded:
            self._loaded.add(brand)
            self._habits.load(store.learned.rows(brand))
        return self._habits


def relearn_all(house: House, now: datetime) -> int:
    """Learn anew from every stored history, all or nothing; from how many parcels."""
    store, planner, count = house.store, Planner(), 0
    with store.transaction():
        store.learned.forget()
        for shipment_id in store.learned.scanned():
            shipment = store.shipments.get(shipment_id)
            scans = believed(store.shipments.scans(shipment_id), shipment, now)
            planner.learn(store, shipment, scans, now)
            count += 1
        planner.keep(store)
    return count


@cache
def prior() -> tuple[Row, ...]:
    """What is known before the first parcel: shipped with the program."""
    text = (files(polling) / "prior.csv").read_text(encoding="utf-8")
    return tuple(("", cell, tally) for cell, tally in csv.reader(text.splitlines()))


def _steps(scans: Iterable[Scan]) -> Iterator[tuple[str, datetime]]:
    """A history as the planner learns it: the word a parcel stood under, at every scan."""
    status: Status | None = None
    for scan in scans:
        if scan.origin is not Origin.CARRIER:
            continue
        status = scan.status or status
        if status:
            yield word(status, problem=scan.problem is not None), scan.at


def jitter(shipment_id: int) -> float:
    """A fixed number from 0 to 1 for a parcel, so that neighbours do not move in step."""
    return (shipment_id * 2654435761 % 2**32) / 2**32
