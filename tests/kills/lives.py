"""Orders of a pretended shop by seed: parcels that arrive, wait, stall, turn back, are returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from passes.world import PARCEL_DE, UPS
from tracker_sync.sandbox.lives import Entry, Life, address

START = datetime(2026, 3, 2, 5, tzinfo=UTC)  # a Monday, 6:00 in Berlin
CODES = {"ups": {word: "/".join(parts) for word, parts in UPS.items()}, "dhl_parcel_de": PARCEL_DE}
BRANDS = {"ups": "ups", "dhl_parcel_de": "dhl"}
ARRIVED = ("delivered", "collected")

# What may happen: its share, and "day hour word" for each scan, the day of dispatch being 0.
FATES: dict[str, tuple[int, str]] = {
    "next day": (50, "0 16 dispatched, 1 4 in_transit, 1 8 out_for_delivery, 1 12 delivered"),
    "slow": (12, "0 17 dispatched, 1 5 in_transit, 2 3 in_transit, 3 8 out_for_delivery,"
                 " 3 11 delivered"),
    "missed": (9, "0 16 dispatched, 1 8 out_for_delivery, 1 13 delivery_failed,"
                  " 2 8 out_for_delivery, 2 14 delivered"),
    "shop": (8, "0 16 dispatched, 1 9 out_for_delivery, 1 12 delivery_failed,"
                " 1 17 ready_for_pickup, 3 18 delivered"),
    "locker": (5, "0 15 dispatched, 1 5 in_transit, 1 10 ready_for_pickup, 5 17 delivered"),
    "odd": (4, "0 16 dispatched, 1 2 new_code, 1 9 out_for_delivery, 1 13 collected"),
    "address": (4, "0 16 dispatched, 1 7 address, 3 8 out_for_delivery, 3 12 delivered"),
    "back": (4, "0 16 dispatched, 1 8 out_for_delivery, 1 14 delivery_failed, 3 9 returning,"
                " 5 12 returned"),
    "stalled": (2, "0 16 dispatched, 1 4 in_transit"),
    "label": (2, "0 10 announced"),
}  # fmt: skip
LATE = ("stalled", "label")


@dataclass(frozen=True)
class Parcel:
    """One parcel, and what the shop's file says about it."""

    number: str
    carrier: str
    steps: tuple[tuple[datetime, str], ...]
    order: str
    announced: datetime  # from then on it stands in a file
    fate: str
    count: str = ""
    direction: str = ""

    @property
    def life(self) -> Life:
        """As the carrier replays it."""
        codes = CODES[self.carrier]
        return Life(self.number, self.carrier, tuple(Entry(at, codes[w]) for at, w in self.steps))

    @property
    def row(self) -> str:
        """As the shop's file announces it."""
        cells = (self.number, BRANDS[self.carrier], address(self.order), self.order)
        return ";".join((*cells, self.direction, self.count, f"{self.announced:%Y-%m-%d %H:%M}"))

    @property
    def arrives(self) -> bool:
        """Whether its customer gets it."""
        return not self.direction and self.steps[-1][1] in ARRIVED


@dataclass
class Town:
    """Everything that will happen to a shop."""

    parcels: list[Parcel] = field(default_factory=list)

    @property
    def by_number(self) -> dict[str, Parcel]:
        """Every parcel by its number."""
        return {parcel.number: parcel for parcel in self.parcels}

    def orders(self) -> dict[str, list[Parcel]]:
        """The parcels of each order."""
        found: dict[str, list[Parcel]] = {}
        for parcel in self.parcels:
            found.setdefault(parcel.order, []).append(parcel)
        return found


def town(seed: int, parcels: int, days: int) -> Town:
    """Orders of *days* days with so many parcels, the same ones for the same *seed*."""
    dice, made, serial = Random(f"town {seed}"), Town(), 1000
    while len(made.parcels) < parcels:
        serial += 1
        day = len(made.parcels) * days // parcels
        size = min(dice.choice((1, 1, 1, 1, 2, 2, 3)), parcels - len(made.parcels))
        told = str(size) if dice.random() < 0.5 else ""
        for _ in range(size):
            made.parcels.append(_parcel(dice, made, str(serial), day=day, count=told))
        if made.parcels[-1].arrives and dice.random() < 0.08 and len(made.parcels) < parcels:
            made.parcels.append(_return(dice, made, made.parcels[-1]))
    return made


def _parcel(dice: Random, made: Town, order: str, *, day: int, count: str) -> Parcel:
    fate = dice.choices(list(FATES), [share for share, _ in FATES.values()])[0]
    script = [step.split() for step in FATES[fate][1].split(", ")]
    able = [key for key, codes in CODES.items() if all(word in codes for *_, word in script)]
    morning = START + timedelta(days=day)
    steps = tuple((_at(dice, morning, int(on), int(hour)), word) for on, hour, word in script)
    carrier = dice.choice(able)
    return Parcel(_number(made, carrier), carrier, steps, order, morning, fate, count)


def _return(dice: Random, made: Town, sent: Parcel) -> Parcel:
    """The customer sends the whole order back, two days after it came."""
    morning = sent.steps[-1][0].replace(hour=START.hour, minute=0) + timedelta(days=2)
    script = (("0", "17", "dispatched"), ("1", "5", "in_transit"), ("2", "11", "delivered"))
    steps = tuple((_at(dice, morning, int(on), int(hour)), word) for on, hour, word in script)
    number = _number(made, sent.carrier)
    return Parcel(number, sent.carrier, steps, sent.order, morning, "return", "", "return")


def _at(dice: Random, morning: datetime, day: int, hour: int) -> datetime:
    """About that hour of the day, to the minute."""
    midnight = morning.replace(hour=0)
    return midnight + timedelta(days=day, hours=hour, minutes=dice.randint(-50, 50))


def _number(made: Town, carrier: str) -> str:
    serial = len(made.parcels) + 1
    return f"1Z999AA1{serial:010}" if carrier == "ups" else f"00340434{serial:012}"
