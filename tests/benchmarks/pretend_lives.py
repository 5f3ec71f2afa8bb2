"""Pretended parcel lives: the carriers' habits are drawn from the seed, then the parcels are.

Times are minutes of local wall-clock time since a Monday 00:00. Parcels of one brand share the
truck that fetches them, the night trains to a region and the hour at which a depot loads its
vans; every parcel may miss any of them on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

DAY = 24 * 60
BRANDS = ("north", "south", "east", "west", "far")
SHARES = (50, 18, 14, 11, 7)
REGIONS = 8
KNOWN_RIGHT = 0.85  # of the delivery days that carriers announce


@dataclass(frozen=True)
class Life:
    """What happens to one parcel: (minute, word, place), and the day its carrier announces."""

    brand: str
    steps: tuple[tuple[int, str, str], ...]
    promised: int | None

    @property
    def events(self) -> list[tuple[int, str]]:
        return [(at, word) for at, word, _ in self.steps]


class Habit:
    """How one brand works."""

    def __init__(self, rng: Random, *, far: bool, evening: bool) -> None:
        self.far = far
        self.days = (0, 1, 2, 3, 4, 5) if rng.random() < 0.6 else (0, 1, 2, 3, 4)
        self.later = 0.0  # hours until the vans are loaded, compared with what is usual
        if evening:
            self.days, self.later = (0, 1, 2, 3, 4, 5, 6), 5.0
        self.fetched = rng.uniform(15, 18)
        self.overnight = 0.0 if far else rng.uniform(0.35, 0.85)
        self.depot_scan = rng.random() < 0.8
        self.loaded = rng.uniform(7.6, 10)
        self.tour = rng.uniform(12.6, 14.6)
        self.spread = rng.uniform(1.9, 2.7)
        self.missed = rng.uniform(0.04, 0.1)
        self.shop = rng.uniform(0.07, 0.15)
        self.left_behind = rng.uniform(0.03, 0.1)
        self.trouble = rng.uniform(0.01, 0.03)
        self.lost = rng.uniform(0.002, 0.01)


class World:
    """One seed: habits, and what parcels of a day share."""

    def __init__(self, seed: int, *, evening: bool = False) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.habits = {
            brand: Habit(self.rng, far=brand == "far", evening=evening) for brand in BRANDS
        }

    def common(self, *what: object, mean: float, sd: float) -> float:
        """An hour that all parcels with the same *what* have in common."""
        return Random(repr((self.seed, *what))).gauss(mean, sd)

    def clock(self, day: int, hour: float, *, low: float, high: float) -> int:
        """A minute of that day near *hour*: each parcel on its own by some minutes."""
        return day * DAY + int(60 * min(high, max(low, self.rng.gauss(hour, 0.12))))


def next_day(day: int, days: tuple[int, ...]) -> int:
    """The next of a brand's days."""
    return next(d for d in range(day + 1, day + 8) if d % 7 in days)


def lives(
    seed: int,
    *,
    per_day: float = 40,
    days: int = 70,
    brands: tuple[str, ...] = BRANDS,
    evening: bool = False,
) -> list[Life]:
    """All parcels that a shop announces, in order; *evening*: tours as the prior knows none."""
    world, found = World(seed, evening=evening), []
    shares = [SHARES[BRANDS.index(brand)] for brand in brands]
    for day in range(days):
        busy = per_day * (1.25, 1.25, 1, 1, 1, 0.55, 0.55)[day % 7]
        for _ in range(round(world.rng.gauss(busy, busy**0.5))):
            hour = world.rng.choice(
                (world.rng.gauss(10.5, 1.2), world.rng.gauss(13.5, 1), world.rng.uniform(0, 24))
            )
            at = day * DAY + int(60 * min(23.9, max(0, hour)))
            found.append(_life(world, world.rng.choices(brands, shares)[0], at))
    return sorted(found, key=lambda life: life.steps[0][0])


def _life(world: World, brand: str, at: int) -> Life:
    steps = [(at, "announced", "shop")]
    promised = _carry(world, brand, steps)
    steps.sort()
    for i, (before, after) in enumerate(pairwise(steps)):
        if after[0] <= before[0]:
            steps[i + 1] = (before[0] + 1, *after[1:])
    return Life(brand, tuple(sorted(steps)), promised)


def _carry(world: World, brand: str, steps: list[tuple[int, str, str]]) -> int | None:
    """From the shop to the depot; returns the promised day."""
    rng, habit = world.rng, world.habits[brand]
    workdays = (0, 1, 2, 3, 4)
    if rng.random() < 0.01:
        return None
    day, minute = divmod(steps[0][0], DAY)
    if day % 7 not in workdays or minute >= 15 * 60:
        day = next_day(day, workdays)
    while rng.random() < 0.08:
        day = next_day(day, workdays)
    fetched = world.common(brand, day, "truck", mean=habit.fetched, sd=0.7)
    steps.append((world.clock(day, fetched, low=11, high=20), "dispatched", "shop"))
    evening = world.common(brand, day, "hub", mean=20.8, sd=0.8)
    steps.append((world.clock(day, evening, low=18.5, high=23.8), "in_transit", "hub"))
    region = str(rng.randrange(REGIONS))
    if rng.random() < habit.lost:
        return None
    day = _long_way(world, brand, steps, day)
    night = world.common(brand, day, region, "night", mean=2.8, sd=1)
    steps.append((world.clock(day + 1, night, low=0.1, high=5), "in_transit", region))
    first = next_day(day, habit.days)
    promised = first if rng.random() < KNOWN_RIGHT else next_day(first, habit.days)
    if rng.random() < habit.trouble:
        steps.append(
            (world.clock(day + 1, rng.uniform(5.2, 10), low=5, high=12), "problem", region)
        )
        first = next_day(day + rng.randint(1, 3), habit.days)
    _deliver(world, brand, region, steps, first)
    return promised


def _long_way(world: World, brand: str, steps: list[tuple[int, str, str]], day: int) -> int:
    """Over the border, or past a second hub; returns the day of the last evening on the road."""
    rng, habit = world.rng, world.habits[brand]
    if habit.far:
        day += rng.randint(2, 5)
        steps.append((world.clock(day, rng.uniform(1, 21), low=0.2, high=22), "in_transit", "port"))
        if rng.random() < 0.1:
            steps.append((world.clock(day, 22.6, low=22.1, high=23), "problem", "port"))
            day += rng.randint(2, 6)
        day += rng.randint(0, 2)
        steps.append(
            (world.clock(day, rng.gauss(22.9, 0.4), low=22, high=23.9), "in_transit", "hub")
        )
    elif rng.random() > habit.overnight:
        day += 1 + (rng.random() < 0.25)
        evening = world.common(brand, day, "second hub", mean=21.5, sd=0.8)
        steps.append((world.clock(day, evening, low=19, high=23.9), "in_transit", "second hub"))
    return day


def _deliver(
    world: World, brand: str, region: str, steps: list[tuple[int, str, str]], day: int
) -> None:
    """From the depot to the door, the shop or back."""
    rng, habit = world.rng, world.habits[brand]
    for attempt in range(3):
        if habit.depot_scan and not attempt:
            early = world.common(brand, day, region, "depot", mean=5.8, sd=0.6)
            steps.append((world.clock(day, early, low=4, high=7.2), "in_transit", region))
        while rng.random() < habit.left_behind:
            day = next_day(day, habit.days)
        loaded = world.common(brand, day, region, "vans", mean=habit.loaded, sd=0.5)
        out = world.clock(day, loaded + habit.later, low=7.2, high=11.5 + habit.later)
        steps.append((out, "out_for_delivery", region))
        tour = rng.gauss(habit.tour, habit.spread) + habit.later
        last = min(23.0, 20.2 + habit.later)
        door = max(out + 25, day * DAY + int(60 * min(last, max(8.5, tour))))
        luck = rng.random()
        if luck < habit.shop or attempt == 2:
            _wait(
                world,
                region,
                steps,
                door
                if rng.random() < 0.5
                else next_day(day, (0, 1, 2, 3, 4, 5)) * DAY + rng.randint(510, 700),
            )
            return
        if luck > habit.shop + habit.missed:
            steps.append((door, "delivered", region))
            return
        steps.append((door, "delivery_failed", region))
        day = next_day(day, habit.days)


def _wait(world: World, region: str, steps: list[tuple[int, str, str]], at: int) -> None:
    """In a parcel shop until somebody comes, or back after a week."""
    rng = world.rng
    steps.append((at, "ready_for_pickup", region))
    days = rng.lognormvariate(0.1, 0.9)
    if days > 7:
        day = at // DAY + 7
        steps.append((day * DAY + rng.randint(1050, 1160), "returning", region))
        steps.append(((day + rng.randint(3, 6)) * DAY + rng.randint(450, 900), "returned", "shop"))
        return
    day, minute = divmod(at + max(30, int(days * DAY)), DAY)
    if minute > 21 * 60:
        day, minute = day + 1, 0
    steps.append(
        (max(at + 30, day * DAY + max(minute, rng.randint(480, 700))), "delivered", region)
    )
