"""Does a whole bundle of announcements look wrong, before any of it is taken in?

One contradiction is a corrected address. Many at once, or people who have changed places, are a
column that has slipped. A list that is suddenly short is an export that broke off.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker_sync.lifecycle.intake import same_person
from tracker_sync.model import Advice, Recipient

_MANY, _SHARE = 5, 0.2  # rows that contradict, and their share of those we can compare
_ALIKE, _MOST = 10, 0.5  # rows of different orders with one address, and their share
_WEEK, _ENOUGH = timedelta(days=7), 7  # what must be known of a source before it can surprise
_USUAL = 10  # rows of a list whose half is not just a quiet day
_FEW = 3  # rows of a list that does not just happen to be empty


@dataclass(frozen=True, slots=True)
class Told:
    """What was told about a parcel, or an order, before."""

    recipient: Recipient
    orders: frozenset[str]
    own: bool = True  # the source that tells now told it
    firm: bool = True  # the source that tells now may overwrite it


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows a bundle of a source had."""

    at: datetime
    rows: int


def doubt(rows: Sequence[Advice], told: Sequence[Told | None]) -> str:
    """Say why none of *rows* can be trusted; blank = nothing speaks against them.

    *told* is what was told before of each row's parcel, or else of its order.
    """
    pairs = [(row, known) for row, known in zip(rows, told, strict=True) if known]
    against = [(row, known) for row, known in pairs if contradicts(row, known)]
    old = Counter(_who(known.recipient) for _, known in against)
    moved = sum(old[_who(row.recipient)] > 0 for row, _ in against if row.recipient.known)
    if moved and len(against) > 1:
        return f"recipients of {len(against)} known parcels have changed places"
    firm = sum(known.firm for _, known in against)
    if firm >= _MANY and firm > _SHARE * len(pairs):
        return f"{firm} of {len(pairs)} known parcels would change their recipient or order"
    return _copied(rows)


def contradicts(row: Advice, known: Told) -> bool:
    """Whether a row names somebody else; without anybody to compare, another order."""
    if comparable(row.recipient, known.recipient):
        return not same_person(row.recipient, known.recipient)
    # Another source may name the same order in its own way.
    return known.own and bool(row.order and known.orders and row.order not in known.orders)


def comparable(one: Recipient, other: Recipient) -> bool:
    """Whether two recipients name the same kind of thing."""
    pairs = (
        (one.email, other.email),
        (one.phone, other.phone),
        (one.external_id, other.external_id),
    )
    return any(a and b for a, b in pairs)


def _copied(rows: Sequence[Advice]) -> str:
    """One address filled down a column."""
    orders: dict[str, set[str]] = {}
    for row in rows:
        if row.recipient.known and row.order:
            orders.setdefault(_who(row.recipient), set()).add(row.order)
    most = max(map(len, orders.values()), default=0)
    if most >= _ALIKE and most > _MOST * sum(map(len, orders.values())):
        return f"one recipient stands in the rows of {most} different orders"
    return ""


def _who(recipient: Recipient) -> str:
    return (recipient.email or recipient.phone or recipient.external_id).casefold()


def disputed(rows: Sequence[Advice]) -> frozenset[tuple[str, str]]:
    """Courier and number of parcels that *rows* give to different customers and orders."""
    first: dict[tuple[str, str], Advice] = {}
    found = set()
    for row in rows:
        key = (row.courier, row.number)
        other = first.setdefault(key, row)
        same = same_person(row.recipient, other.recipient)
        if not same and row.order != other.order and row.order and other.order:
            found.add(key)
    return frozenset(found)


def shrunk(rows: int, before: Sequence[Size], now: datetime, *, lists_all: bool) -> str:
    """Say it where a list is suddenly empty or half its size; blank = as usual.

    What lists everything is compared with its usual size. What lists only the news has quiet days,
    so it is compared with the smallest of more than a week.
    """
    sizes = [size.rows for size in before if size.rows or not lists_all]
    if not sizes:
        return ""
    usual = int(statistics.median(sizes)) if lists_all else min(sizes)
    known_long = len(sizes) >= _ENOUGH and now - min(size.at for size in before) >= _WEEK
    if not lists_all and not known_long:
        return ""
    if 2 * rows > usual or usual < (_USUAL if rows else _FEW):
        return ""
    was = (
        f"usually {usual}" if lists_all else f"at least {usual} in each of the {len(sizes)} before"
    )
    return f"{rows or 'no'} rows, {was}"
