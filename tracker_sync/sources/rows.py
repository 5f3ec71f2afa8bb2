"""The rows of a CSV file as the shipments they announce.

A row is refused where the parcel is in doubt: number, direction, dates, parcel count. What only
helps a message (address, language, amount …) is noted and left blank. `order_id` is the order's
number unless a column has that; a shipment's `title` and people's names are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from tracker_sync.model import Advice, Direction
from tracker_sync.sources import Bundle, Reject, columns, contact, headers, words
from tracker_sync.sources.sheet import Sheet

_MAX_CELL = 4000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """One row by field name."""

    columns: headers.Columns
    cells: Sequence[str]
    notes: list[str] = field(default_factory=list)

    def at(self, name: str, index: int) -> str:
        """Return the text of one cell; ValueError if no one can have meant it."""
        if len(self.cells[index]) > _MAX_CELL:
            raise ValueError(f"{name}: the cell is longer than {_MAX_CELL} characters")
        return columns.text(self.cells[index])

    def text(self, name: str) -> str:
        """Return what the row says about *name*, from the best column that is not blank."""
        found = (self.at(name, index) for index in self.columns.places.get(name, ()))
        return next(filter(None, found), "")

    def need(self, name: str, read: Callable[[str], T], blank: T) -> T:
        """Read a field; a cell that cannot be read costs the row."""
        cell = self.text(name)
        try:
            return read(cell) if cell else blank
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from None

    def want(self, name: str, read: Callable[[str], T], blank: T) -> T:
        """Read a field; a cell that cannot be read is noted and left blank."""
        cell = self.text(name)
        try:
            return read(cell) if cell else blank
        except ValueError as exc:
            self.notes.append(f"{name}: {exc}; left blank")
            return blank


@dataclass(frozen=True, slots=True)
class House:
    """What the rows do not say: the shop's zone and country, and whether returns are enclosed."""

    zone: str
    country: str
    enclosed: bool


def bundle(empty: Bundle, sheet: Sheet, house: House) -> Bundle:
    """Fill *empty* with the rows of *sheet*; ValueError where no column holds the number."""
    found, advices, rejects = headers.columns(sheet.header), [], []
    notes: list[tuple[str, str]] = []
    for row in sheet.rows:
        where, fields = f"{empty.name}:{row.line}", Fields(found, row.cells)
        try:
            if row.fault:
                raise ValueError(row.fault)
            advices.append(_advice(fields, where, house))
        except ValueError as exc:
            rejects.append(Reject(where, str(exc), row.raw))
            continue
        notes += ((where, note) for note in fields.notes)
    if not sheet.rows:
        notes.append((f"{empty.name}:{sheet.line}", "the file has a header and no rows"))
    return replace(empty, advices=tuple(advices), rejects=tuple(rejects), notes=_gathered(notes))


def _gathered(notes: Sequence[tuple[str, str]]) -> tuple[Reject, ...]:
    """One note for a file however many rows it is true of, at the first of them."""
    counts = Counter(note for _, note in notes)
    first = {note: where for where, note in reversed(notes)}
    more = {note: f" (and {n - 1} more rows)" if n > 1 else "" for note, n in counts.items()}
    return tuple(Reject(first[note], f"{note}{more[note]}") for note in counts)


def _advice(row: Fields, where: str, house: House) -> Advice:
    """Return the shipment of one row; ValueError says why there is none."""
    number = row.need(headers.NUMBER, columns.normalised, "")
    if not number:
        raise ValueError(f"{headers.NUMBER}: the cell is blank")
    replaces = row.need("corrects", columns.normalised, "")
    direction, requested = row.need("direction", words.direction, words.direction(""))
    destination = row.want("destination_country", words.country, "")
    to, notes = contact.recipient(
        email=row.text("email"),
        sms=row.text("sms"),
        external_id=row.text("external_id"),
        consent=row.want("marketing_consent", words.consent, None),
        country=_country(destination, house.country),
    )
    row.notes.extend(notes)
    return Advice(
        number=number,
        courier=row.text("courier"),
        direction=direction,
        requested=requested and not (house.enclosed and direction is Direction.RETURN),
        order=row.text("order_number") or row.text("order_id"),
        order_id=row.text("order_id") if row.text("order_number") else "",
        order_url=row.want("order_path", words.link, ""),
        recipient=to,
        language=row.want("language", words.language, ""),
        origin_country=row.want("origin_country", words.country, ""),
        destination_country=destination,
        shipped_at=_shipped(row, house.zone),
        dispatched_at=row.need("dispatched_at", partial(columns.moment, zone=house.zone), None),
        parcel_count=row.need("parcel_count", words.count, None),
        items=row.want("items", words.items, ()),
        value=row.want("value", columns.amount, ""),
        currency=row.want("currency", words.currency, ""),
        replaces="" if replaces == number else replaces,
        properties=_properties(row),
        where=where,
    )


def _country(destination: str, home: str) -> str:
    """Say how a number without country code is read; blank where two countries could."""
    return home or destination if destination in {"", home} or not home else ""


def _shipped(row: Fields, zone: str) -> datetime | None:
    at = row.need("shipped_at", partial(columns.moment, zone=zone), None)
    return at or row.need("tracking_ship_date", partial(columns.compact_day, zone=zone), None)


def _properties(row: Fields) -> dict[str, str]:
    named = ((name, row.at(name, index)) for name, index in row.columns.properties)
    return {name: value for name, value in named if value}
