"""The rows of a CSV file as the shipments they announce.

A row is refused where the parcel is in doubt: number, direction, dates, parcel count. What only
helps a message (address, language, amount …) is noted and left blank. `order_id` is the order's
number unless a column has that; a shipment's `title` and people's names are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tracker_sync.lifecycle.intake import ADDRESS
from tracker_sync.model import Advice, Direction
from tracker_sync.sources import Bundle, Reject, columns, contact, headers, words
from tracker_sync.sources.fields import Fields
from tracker_sync.sources.sheet import Sheet

_MANY, _SHARE = 5, 0.2  # rows, and their share, from which it is no accident


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
    lost = Counter[bool]()
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
        lost[_lost(fields, advices[-1])] += fields.addressed
    if not sheet.rows:
        notes.append((f"{empty.name}:{sheet.line}", "the file has a header and no rows"))
    return replace(
        empty,
        advices=tuple(advices),
        rejects=tuple(rejects),
        notes=_gathered(notes),
        doubts=_doubts(empty.name, lost[True], lost.total()),
    )


def _lost(row: Fields, advice: Advice) -> bool:
    """Whether the row names somebody whom nobody could write to."""
    return not advice.recipient.known and not contact.is_relay(row.text("email"))


def _doubts(name: str, lost: int, addressed: int) -> tuple[str, ...]:
    """Say it where so many addresses are none that they must be something else."""
    if lost < 2 or (lost < addressed and (lost < _MANY or lost <= _SHARE * addressed)):
        return ()
    return (
        f"{name}: {lost} of {addressed} addresses are none; does the column hold something else?"
        " Nobody is told about these parcels until a file names the recipients",
    )


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
        order=_order(row),
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


def _order(row: Fields) -> str:
    order = row.text("order_number") or row.text("order_id")
    if ADDRESS.search(order):
        raise ValueError("order_id: this is an e-mail address; have two columns changed places?")
    return order


def _country(destination: str, home: str) -> str:
    """Say how a number without country code is read; blank where two countries could."""
    return home or destination if destination in {"", home} or not home else ""


def _shipped(row: Fields, zone: str) -> datetime | None:
    at = row.need("shipped_at", partial(columns.moment, zone=zone), None)
    return at or row.need("tracking_ship_date", partial(columns.compact_day, zone=zone), None)


def _properties(row: Fields) -> dict[str, str]:
    named = ((name, row.at(name, index)) for name, index in row.columns.properties)
    return {name: value for name, value in named if value}
