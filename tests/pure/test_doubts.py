"""When a whole bundle looks wrong, and when it only has a quiet day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pure.builders import at
from pure.histories import sentences
from tracker_sync.lifecycle.doubts import Size, Told, disputed, doubt, shrunk
from tracker_sync.model import Advice, Recipient

NOW = at("Tue 12:00")


def person(n: int) -> Recipient:
    return Recipient(f"kunde-{n}@shop.invalid")


def rows(*persons: int) -> list[Advice]:
    """The n-th row is the n-th parcel and order, of these persons; 0 names nobody."""
    return [
        Advice(number=f"AB{n:06}", order=str(n), recipient=person(p) if p else Recipient())
        for n, p in enumerate(persons, 1)
    ]


def told(count: int, *, own: bool = True, firm: bool = True) -> list[Told]:
    """What was told of the first parcels: the n-th is the n-th person's."""
    return [Told(person(n), frozenset({str(n)}), own, firm) for n in range(1, count + 1)]


PLACES = "recipients of {} known parcels have changed places"
CHANGE = "{} of {} known parcels would change their recipient or order"


@sentences(
    "bundle, known, why",
    ("nothing", [], [], ""),
    ("all as it was", rows(1, 2, 3), told(3), ""),
    ("one corrected address", rows(1, 2, 9), told(3), ""),
    ("two corrected addresses", rows(8, 9), told(2), ""),
    ("two that changed places", rows(2, 1), told(2), PLACES.format(2)),
    ("a slip by one, the last is new", rows(2, 3, 9), told(3), PLACES.format(3)),
    ("a slip by one, of few known", rows(9, 1, 2, 3), [*told(2), None, None], PLACES.format(2)),
    ("nobody is named any more", rows(0, 0, 0, 0, 0), told(5), ""),
    ("four others", rows(6, 7, 8, 9), told(4), ""),
    ("five others", rows(6, 7, 8, 9, 10), told(5), CHANGE.format(5, 5)),
    ("five others of 25", rows(*range(51, 56), *range(6, 26)), told(25), ""),
    ("five others of 24", rows(*range(51, 56), *range(6, 25)), told(24), CHANGE.format(5, 24)),
    ("five others, another source counts more", rows(6, 7, 8, 9, 10), told(5, firm=False), ""),
    ("nothing is known", rows(*range(1, 30)), [None] * 29, ""),
    ("one customer, nine orders", rows(*[1] * 9), [None] * 9, ""),
    (
        "one customer, ten orders",
        *(rows(*[1] * 10), [None] * 10, "one recipient stands in the rows of 10 different orders"),
    ),
    ("one customer, ten orders of twenty", rows(*[1] * 10, *range(11, 21)), [None] * 20, ""),
)
def test_a_bundle_with(bundle: list[Advice], known: list[Told | None], why: str) -> None:
    assert doubt(bundle, known) == why


def test_without_recipients_the_orders_are_compared_of_the_same_source_only() -> None:
    bundle = [replace(row, order=f"x{row.order}") for row in rows(0, 0, 0, 0, 0)]

    assert doubt(bundle, list(told(5))) == CHANGE.format(5, 5)
    assert doubt(bundle, list(told(5, own=False))) == ""


@given(st.permutations(range(1, 9)))
def test_any_exchange_of_people_is_noticed(order: list[int]) -> None:
    assert bool(doubt(rows(*order), list(told(8)))) == (order != sorted(order))


@given(st.integers(1, 30), st.integers(1, 29))
def test_a_slip_is_noticed_however_far(count: int, by: int) -> None:
    people = list(range(1, count + 1))
    slipped = people[-by:] + people[:-by] if by < count else people

    assert bool(doubt(rows(*slipped), list(told(count)))) == (slipped != people)


def test_a_number_of_two_customers_is_disputed() -> None:
    first, second, third = rows(1, 2, 3)
    same = replace(second, number=first.number)

    assert disputed([first, same, third]) == {("", first.number)}
    assert not disputed([first, replace(same, order=first.order)])
    assert not disputed([first, replace(same, recipient=first.recipient)])
    assert not disputed([first, replace(same, courier="ups")])


def sizes(*counts: int, days: int = 1) -> list[Size]:
    """A bundle each so many days, the last one yesterday."""
    return [Size(NOW - timedelta(days=days * n), c) for n, c in enumerate(reversed(counts), 1)]


EIGHT = (40, 44, 12, 41, 40, 39, 42, 40)


@sentences(
    "count, before, lists_all, says",
    ("the first list", 0, [], True, ""),
    ("the first file", 0, [], False, ""),
    ("a list as always", 40, sizes(40), True, ""),
    ("a list a little shorter", 21, sizes(40), True, ""),
    ("a list half its size", 20, sizes(40), True, "20 rows, usually 40"),
    ("an empty list", 0, sizes(40, 41), True, "no rows, usually 40"),
    ("an empty list, as before", 0, sizes(40, 0, 0, 0), True, "no rows, usually 40"),
    ("an empty list of a small shop", 0, sizes(2), True, ""),
    ("half the list of a small shop", 3, sizes(6), True, ""),
    ("an empty file in the first week", 0, sizes(*EIGHT[:6]), False, ""),
    ("a file like the smallest", 12, sizes(*EIGHT), False, ""),
    ("a file a little smaller", 7, sizes(*EIGHT), False, ""),
    ("half the smallest", 6, sizes(*EIGHT), False, "6 rows, at least 12 in each of the 8 before"),
    ("an empty file", 0, sizes(*EIGHT), False, "no rows, at least 12 in each of the 8 before"),
    ("an empty file, as on Sundays", 0, sizes(*EIGHT, 0), False, ""),
)
def test_short_is(count: int, before: list[Size], *, lists_all: bool, says: str) -> None:
    assert shrunk(count, before, NOW, lists_all=lists_all) == says
