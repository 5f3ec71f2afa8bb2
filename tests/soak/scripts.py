"""Parcels whose whole lives are written beforehand, by seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tracker_sync.sandbox.lives import MONDAY, ZONE, Life, entry

START = datetime.combine(MONDAY, datetime.min.time(), tzinfo=ZONE) + timedelta(hours=8)
_HOUR = timedelta(hours=1)
_CARRIERS = {"ups": ("ups",), "dhl": ("dhl_parcel_de", "dhl_unified"), "royalmail": ("royalmail",)}
_PLAIN = frozenset({"label", "dropped off", "origin", "destination", "van", "delivered"})
_SHOP = {"dhl": ("in locker", "from locker"), "ups": ("in shop", "from shop")}
_POST_OFFICE = ("in shop", "from shop")


@dataclass
class Script:
    """One parcel: what happens to it, oldest first, and when the shop tells of it."""

    number: str
    brand: str
    order: str
    parcels: int  # of the order
    feed: datetime
    told: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def email(self) -> str:
        """Whose it is."""
        return f"order-{self.order}@shop.example"

    def lives(self) -> Iterator[Life]:
        """What each carrier of the brand tells; one that lacks a word does not know the parcel."""
        for carrier in _CARRIERS[self.brand]:
            if carrier != "dhl_unified" or _PLAIN.issuperset(word for _, word in self.told):
                entries = (entry(carrier, at, word) for at, word in self.told)
                yield Life(self.number, carrier, tuple(entries))

    def row(self) -> str:
        """What the shop's file says."""
        return f"{self.number};{self.brand};{self.email};{self.order};{self.parcels}"


def scripts(seed: int, count: int, days: int) -> list[Script]:
    """Return *count* parcels whose lives begin in the first part of so many *days*."""
    dice = random.Random(f"lives {seed}")
    made: list[Script] = []
    while len(made) < count:
        made += _order(dice, len(made), min(count - len(made), 2), days)
    return made


def _order(dice: random.Random, first: int, most: int, days: int) -> Iterator[Script]:
    brand = dice.choices(("ups", "dhl", "royalmail"), (35, 45, 20))[0]
    parcels = most if dice.random() < 0.1 else 1
    day = timedelta(days=dice.randrange(max(1, round(days * 0.7))))
    feed = START + day + timedelta(minutes=dice.randrange(30, 600))
    for index in range(first, first + parcels):
        script = Script(_number(brand, index), brand, str(10_000 + first), parcels, feed)
        story = dice.choices([tale for tale, _ in _TALES], [weight for _, weight in _TALES])[0]
        _Teller(dice, script).tell(story)
        yield script


def _number(brand: str, index: int) -> str:
    return {
        "ups": f"1Z999AA101{index:08}",
        "dhl": f"0034043416{index:010}",
        "royalmail": f"TS{index:09}GB",
    }[brand]


_TALES = (
    ("plain", 46),
    ("second try", 10),
    ("shop after a try", 9),
    ("waits for days", 7),
    ("bad address", 5),
    ("misrouted", 4),
    ("turned back", 6),
    ("taken back", 4),
    ("late start", 4),
    ("silent", 2),
    ("lost", 1),
    ("scanned again", 4),
)


class _Teller:
    """Writes one life: every entry later than the one before, none in the same minute."""

    def __init__(self, dice: random.Random, script: Script) -> None:
        self._dice = dice
        self._script = script
        self._now = script.feed

    def tell(self, tale: str) -> None:
        """Let the parcel live."""
        if tale != "scanned again" or self._dice.random() < 0.9:
            self._later("label", 0.1, 2)
        if tale == "late start":
            self._now += timedelta(days=self._dice.randint(4, 6))
        self._evening()
        if tale not in ("silent", "lost"):
            self._night()
        getattr(self, f"_{tale.replace(' ', '_')}")()

    # -- the tales -------------------------------------------------------------

    def _plain(self) -> None:
        self._van()
        self._later("delivered", 1, 8)

    _late_start = _plain

    def _second_try(self) -> None:
        for _ in range(self._dice.randint(1, 2)):
            self._van()
            self._later("not home", 1, 7)
        self._plain()

    def _shop_after_a_try(self) -> None:
        self._van()
        self._later("not home", 1, 6)
        self._waits(0.5, 5)

    def _waits_for_days(self) -> None:
        self._van()
        self._waits(1, 6)

    def _waits(self, soonest: float, latest: float) -> None:
        into, out_of = _SHOP.get(self._script.brand, _POST_OFFICE)
        self._later(into, soonest, latest)
        self._later(out_of, 3, 120)

    def _bad_address(self) -> None:
        if self._script.brand != "royalmail":
            self._later("bad address", 1, 4)
            self._now += timedelta(hours=self._dice.randint(20, 60))
        self._plain()

    def _misrouted(self) -> None:
        if self._script.brand != "royalmail":
            self._later("misrouted", 1, 5)
        self._later("destination" if self._script.brand != "ups" else "arrived", 8, 30)
        self._plain()

    def _turned_back(self) -> None:
        if self._dice.random() < 0.6:
            self._van()
            self._later("not home", 1, 6)
        self._later("goes back", 2, 30)
        self._later("home again", 30, 90)

    def _taken_back(self) -> None:
        """Where what was delivered is asked about again: not by DHL, nor in an unfinished order."""
        self._plain()
        if self._script.brand != "dhl" and self._script.parcels == 1:
            self._plain()

    def _silent(self) -> None:
        return

    def _lost(self) -> None:
        if self._script.brand == "ups":
            self._later("lost", 48, 96)

    def _scanned_again(self) -> None:
        self._van()
        self._later("van", 0.1, 1)
        self._later("destination" if self._script.brand != "ups" else "arrived", 0.1, 1)
        self._later("delivered", 1, 4)

    # -- the entries -----------------------------------------------------------

    def _evening(self) -> None:
        self._at(self._dice.uniform(15, 22))
        self._add("dropped off" if self._dice.random() < 0.4 else "origin")
        if self._dice.random() < 0.5:
            self._later("arrived" if self._script.brand == "ups" else "origin", 0.5, 3)

    def _night(self) -> None:
        for _ in range(self._dice.choices((0, 1, 2), (15, 65, 20))[0]):
            self._at(self._dice.uniform(1, 6))
            self._add("arrived" if self._script.brand == "ups" else "destination")

    def _van(self) -> None:
        self._at(self._dice.uniform(6.5, 10))
        self._add("van")

    def _at(self, hour: float) -> None:
        """Move on to the next time the clock shows *hour*."""
        midnight = self._now.replace(hour=0, minute=0)
        moment = midnight + timedelta(minutes=round(hour * 60))
        self._now = moment if moment > self._now else moment + timedelta(days=1)

    def _later(self, word: str, least: float, most: float) -> None:
        self._now += timedelta(minutes=max(1, round(self._dice.uniform(least, most) * 60)))
        self._add(word)

    def _add(self, word: str) -> None:
        self._script.told.append((self._now, word))
