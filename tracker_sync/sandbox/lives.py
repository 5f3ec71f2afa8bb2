"""Parcel lives: what happens to a parcel, and when, in a carrier's own words.

The lives of the demo stand in `samples/story.yaml`, the carriers' words in `samples/words.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)  # day 1 of the story: no holiday and no change of clocks is near
_COLUMNS = ("tracking_number", "courier", "email", "order_number", "direction", "parcel_count")
_GERMAN = ("Sendungsnummer", "Zusteller", "E-Mail", "Bestellnummer", "Richtung", "Paketanzahl")
_DELIVERIES = ("delivered", "neighbour", "from locker", "from shop")
_BRANDS = {"dhl_parcel_de": "dhl", "dhl_unified": "dhl"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history.

    `code` is the carrier's own key: ICE/RIC/standard code for `dhl_parcel_de`, type/code/statusCode
    for `ups`, statusCode or statusCode|text for `dhl_unified`. `more` is laid over the entry in the
    answer.
    """

    at: datetime
    code: str
    text: str = ""
    place: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """What one carrier's API tells about one number; `more` is laid over the whole parcel."""

    number: str
    carrier: str
    entries: tuple[Entry, ...]
    more: Mapping[str, Any] = field(default_factory=dict)

    def until(self, now: datetime) -> Life:
        """The life as far as it has happened at *now*, oldest entry first."""
        happened = sorted((e for e in self.entries if e.at <= now), key=lambda entry: entry.at)
        return replace(self, entries=tuple(happened))

    @property
    def newest(self) -> Entry:
        """What happened last, wherever it stands in the list."""
        return max(self.entries, key=lambda entry: entry.at)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel of the story, and what the shop's file says about it."""

    life: Life
    feed: datetime  # when the file is there
    direction: str = "outbound"
    count: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the story."""

    number: str
    about: str
    parcels: tuple[Parcel, ...]


def sample(name: str) -> str:
    """Return one file of the package's samples."""
    return (files("tracker_sync.sandbox") / "samples" / name).read_text(encoding="utf-8")


def story() -> tuple[Order, ...]:
    """Return the orders of the demo."""
    return tuple(
        Order(told["order"], told["about"], tuple(map(_parcel, told["parcels"])))
        for told in yaml.safe_load(sample("story.yaml"))
    )


def moment(text: str) -> datetime:
    """Return "2 08:30", day and time of the story, as a moment."""
    day, clock = text.split()
    on = MONDAY + timedelta(days=int(day) - 1)
    return datetime.combine(on, time.fromisoformat(clock), tzinfo=ZONE)


def entry(carrier: str, at: datetime, word: str) -> Entry:
    """Return one line of a history, in the words of *carrier*."""
    code, text = _words()[carrier, word]
    return Entry(at, code, text)


def tells_delivery(carrier: str, entry: Entry) -> bool:
    """Whether *entry* is a delivery in the words of *carrier*."""
    codes = (_words().get((carrier, word)) for word in _DELIVERIES)
    return entry.code in {code[0] for code in codes if code}


def _parcel(told: Mapping[str, Any]) -> Parcel:
    carrier = told.get("carrier", "dhl_parcel_de")
    entries = tuple(_entries(carrier, told["life"]))
    return Parcel(
        Life(told["number"], carrier, entries),
        moment(told["feed"]),
        told.get("direction", "outbound"),
        str(told.get("count", "")),
    )


def _entries(carrier: str, script: str) -> Iterator[Entry]:
    for line in script.splitlines():
        day, clock, word = line.split(maxsplit=2)
        yield entry(carrier, moment(f"{day} {clock}"), word)


@cache
def _words() -> Mapping[tuple[str, str], tuple[str, str]]:
    rows = csv.DictReader(sample("words.csv").splitlines())
    return {(row["carrier"], row["word"]): (row["code"], row["text"]) for row in rows}


def drop(inbox: Path, feed: Sequence[tuple[str, Parcel]], now: datetime) -> None:
    """Drop a file as a shop would: complete at once; in the evening it comes from the warehouse."""
    local = now.astimezone(ZONE)
    evening = local.hour > 12
    path = inbox / f"{'warehouse' if evening else 'orders'}-{local:%Y-%m-%d-%H%M}.part"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";" if evening else ",")
        writer.writerow(_GERMAN if evening else _COLUMNS)
        writer.writerows(_row(order, parcel) for order, parcel in feed)
    path.rename(path.with_suffix(".csv"))


def _row(order: str, parcel: Parcel) -> tuple[str, ...]:
    life = parcel.life
    brand = _BRANDS.get(life.carrier, life.carrier)
    return (life.number, brand, address(order), order, parcel.direction, parcel.count)


def address(order: str) -> str:
    """Return the customer's address of an order."""
    return f"order-{order}@shop.example"
