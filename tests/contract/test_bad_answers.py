"""Bad input of every kind, for every carrier: made out of its samples, whatever their shape.

A new file in `carriers/` is tested without a change here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest

from contract.samples import CARRIERS, expected, make, sample_files
from fuzz.judge import attempt, unjustified, walk
from fuzz.trees import Steps, Tree, nested, tree
from tracker_sync import lifecycle
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Reading, Scan, Shipment, State, utc
from tracker_sync.store import Store, stamp
from tracker_sync.wire import Timer, Wire

WRONG: tuple[Any, ...] = (None, 7, "odd", [7], {"odd": 7})
DEEP = 64
NEVER_SEEN = "zz-unheard-of"
HOUR = timedelta(hours=1)
ANOTHER = str.maketrans("0123456789", "1234567890")

every_carrier = pytest.mark.parametrize("key", sorted(CARRIERS))
every_sample = pytest.mark.parametrize(
    "answer", sample_files(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)


def read(key: str, answer: Tree) -> Sequence[Reading]:
    outcome = attempt(key, answer.body())
    return outcome if isinstance(outcome, list) else ()


@cache
def before(answer: Path) -> list[Reading] | CallError:
    """What the sample reads as while nobody has touched it."""
    return attempt(answer.parent.name, answer.read_bytes())


def says_nothing_new(answer: Path, changed: Tree) -> None:
    """Check that a changed answer is refused or says only what its codes say."""
    key, body = answer.parent.name, changed.body()

    after = attempt(key, body)

    assert not unjustified(key, body, before(answer), after), body.decode()
    walk(key, after if isinstance(after, list) else ())


def ending(key: str, scans: Sequence[Scan]) -> State:
    return lifecycle.trace(scans, zone=ZoneInfo(CARRIERS[key].zone), first_scan_rule=False).state


@every_sample
def test_a_sample_survives_being_taken_apart(answer: Path) -> None:
    """Everything below stands on this: a tree is written as the answer it was read from."""
    assert read(answer.parent.name, tree(answer)) == (
        before(answer) if isinstance(before(answer), list) else ()
    )


@every_sample
def test_a_wrong_type_anywhere_is_refused_or_changes_no_status(answer: Path) -> None:
    for path, _ in tree(answer).leaves():
        for wrong in WRONG:
            says_nothing_new(answer, tree(answer).put(path, wrong))


@every_sample
@pytest.mark.parametrize("objects", [True, False], ids=["objects", "lists"])
def test_a_deep_nesting_anywhere_is_refused_or_changes_no_status(
    answer: Path, objects: bool
) -> None:
    for path in tree(answer).containers():
        says_nothing_new(answer, tree(answer).put(path, nested(DEEP, objects=objects)))


@every_sample
def test_a_missing_field_is_refused_or_changes_no_status(answer: Path) -> None:
    for path, _ in tree(answer).nodes():
        if len(path) > tree(answer).is_xml:
            says_nothing_new(answer, tree(answer).cut(path))


# -- other numbers ----------------------------------------------------------------


@every_carrier
def test_the_history_of_another_number_is_not_taken_for_ours(key: str) -> None:
    named = [(answer, expected(answer)["number"]) for answer in sample_files(key)]
    strangers = [(answer, str(name).translate(ANOTHER)) for answer, name in named if name]

    taken = [
        answer.stem
        for answer, number in strangers
        for reading in readings_for(number, answer)
        if reading.number == number and reading.scans
    ]

    assert not taken


def readings_for(number: str, answer: Path) -> Sequence[Reading]:
    outcome = attempt(answer.parent.name, answer.read_bytes(), [number])
    return outcome if isinstance(outcome, list) else ()


# -- events: found by what happens without them ---------------------------------------


class Event(NamedTuple):
    """One entry of a history: where it stands, and the scan that goes with it."""

    path: Steps
    scan: Scan


def scans(readings: Sequence[Reading]) -> list[Scan]:
    return [scan for reading in readings for scan in reading.scans]


@cache
def losses(answer: Path) -> dict[Steps, Scan]:
    """Every object whose loss is the loss of exactly one scan."""
    key, whole = answer.parent.name, tree(answer)
    base, found = scans(read(key, whole)), {}
    for path, node in whole.nodes():
        if isinstance(node, dict) and len(path) > 1:
            rest = scans(read(key, whole.cut(path)))
            lost = [scan for scan in base if scan not in rest]
            if len(lost) == 1 and len(rest) == len(base) - 1:
                found[path] = lost[0]
    return found


def shape(path: Steps) -> Steps:
    return tuple("*" if isinstance(step, int) else step for step in path)


@cache
def frequent(key: str) -> Counter[Steps]:
    """How often each kind of object is a scan, over all samples of a carrier."""
    return Counter(shape(path) for answer in sample_files(key) for path in losses(answer))


def better(path: Steps, other: Steps, key: str) -> bool:
    """Whether of two objects, one inside the other, *other* is the entry."""
    small, big = sorted((path, other), key=len)
    if path == other or big[: len(small)] != small:
        return False
    counts = frequent(key)
    entry = big if counts[shape(big)] > counts[shape(small)] else small
    return entry == other


@cache
def events(answer: Path) -> tuple[Event, ...]:
    """The entries of the histories of a sample."""
    key, found = answer.parent.name, losses(answer)
    return tuple(
        Event(path, scan)
        for path, scan in found.items()
        if not any(better(path, other, key) for other in found)
    )


def histories(answer: Path) -> tuple[Steps, ...]:
    """The lists of entries."""
    lists = dict.fromkeys(path[:-1] for path, _ in events(answer) if isinstance(path[-1], int))
    return tuple(lists)


@every_carrier
def test_the_entries_of_a_history_are_found(key: str) -> None:
    """Without this, the tests below could pass by testing nothing."""
    assert any(events(answer) for answer in sample_files(key))


# -- duplicates --------------------------------------------------------------------


def doubled(answer: Path) -> Tree:
    """Return the sample with every entry of every history twice."""
    whole = tree(answer)
    for path in histories(answer):
        twice = [entry for entry in whole.at(path) for _ in range(2)]
        whole = whole.put(path, twice)
    return whole


@every_carrier
def test_a_history_told_twice_is_the_same_history(key: str) -> None:
    assert not [answer.stem for answer in sample_files(key) if not same_twice(answer)]


def same_twice(answer: Path) -> bool:
    key, once = answer.parent.name, read(answer.parent.name, tree(answer))

    double = read(key, doubled(answer))

    return [(r.number, set(r.scans), ending(key, r.scans)) for r in double] == [
        (r.number, set(r.scans), ending(key, r.scans)) for r in once
    ]


NOW = datetime(2026, 12, 31, tzinfo=UTC)
PARCEL = {
    "brand": "any",
    "number": "1",
    "first_number": "1",
    "leg": 1,
    "direction": "outbound",
    "requested": 1,
    "source": "csv",
    "taken_at": stamp(NOW),
    "active_from": stamp(NOW),
}


@every_carrier
def test_no_scan_is_kept_twice(key: str, tmp_path: Path) -> None:
    with closing(Store(tmp_path / "db", shop="a-shop", zones={})) as store:
        for serial, answer in enumerate(a for a in sample_files(key) if histories(a)):
            parcel = store.shipments.insert(
                {**PARCEL, "number": str(serial), "first_number": str(serial)}
            )
            told = scans(read(key, doubled(answer)))
            for _ in range(2):
                store.shipments.add_scans(parcel, key, told, NOW)

            kept = store.shipments.scans(parcel)

            assert len({(scan.at, scan.code) for scan in kept}) == len(kept)
            assert len(kept) == len({(scan.at, scan.code) for scan in told})


# -- the future --------------------------------------------------------------------

YEAR = re.compile(r"(?<!\d)2026(?=\D?\d\d)|(?<=\D)2026(?!\d)")


def parcel(at: datetime) -> Shipment:
    return Shipment(
        id=1,
        brand="any",
        number="1",
        first_number="1",
        numbers=("1",),
        taken_at=at,
        active_from=at,
    )


def in_years(whole: Tree, path: Steps) -> Tree:
    """Move the entry at *path* into another year, and nothing else."""
    for leaf, value in whole.leaves(path):
        if isinstance(value, str):
            whole = whole.put(leaf, YEAR.sub("2031", value))
    return whole


@every_sample
def test_an_event_of_the_future_is_not_taken_before_its_time(answer: Path) -> None:
    key = answer.parent.name
    for event in events(answer):
        now = max(scan.at for scan in scans(read(key, tree(answer)))) + HOUR
        for reading in read(key, in_years(tree(answer), event.path)):
            told = lifecycle.believed(reading.scans, parcel(now), now)

            state = ending(key, told)

            assert state.status_at is None or state.status_at <= now
            assert state.last_scan_at is None or state.last_scan_at <= now
        says_nothing_new(answer, in_years(tree(answer), event.path))


# -- codes never seen ------------------------------------------------------------------


@cache
def words_of(answer: Path, event: Event) -> list[Steps]:
    """The fields of an entry that may say what happened: without them it happened just the same."""
    key, whole = answer.parent.name, tree(answer)
    base = [scan.at for scan in scans(read(key, whole))]
    return [
        path
        for path, value in whole.leaves(event.path)
        if isinstance(value, str)
        and [scan.at for scan in scans(read(key, whole.put(path, NEVER_SEEN)))] == base
    ]


def obscured(answer: Path, *entries: Event) -> Tree:
    """Return the sample with codes and texts in these entries that nobody has ever seen."""
    whole = tree(answer)
    for entry in entries:
        for path in words_of(answer, entry):
            whole = whole.put(path, NEVER_SEEN)
    return whole


@every_sample
def test_a_code_never_seen_changes_no_status(answer: Path) -> None:
    """Only what stands outside the history, and is no part of any entry, may still say more."""
    key = answer.parent.name
    outside = {scan.status for scan in scans(read(key, obscured(answer, *events(answer))))}
    for event in events(answer):
        for scan in scans(read(key, obscured(answer, event))):
            if NEVER_SEEN in scan.code.casefold():
                assert scan.meaning is None or scan.status in outside


@every_carrier
def test_a_code_never_seen_is_kept_to_be_reported(key: str) -> None:
    after = (
        scan
        for answer in sample_files(key)
        for event in events(answer)
        for scan in scans(read(key, obscured(answer, event)))
    )

    assert any(NEVER_SEEN in scan.code.casefold() and scan.meaning is None for scan in after)


# -- one minute, and the hour that comes twice ---------------------------------------------


@every_carrier
def test_scans_of_one_minute_keep_the_order_of_the_list(key: str) -> None:
    """Where two neighbours change places, so do their scans, or the carrier knows an order."""
    (answer,) = (answer for answer in sample_files(key) if answer.stem == "same_minute")
    whole, told = tree(answer), events(answer)
    before = scans(read(key, whole))
    for one, two in pairwise(told):
        if one.scan.at != two.scan.at or one.path[:-1] != two.path[:-1]:
            continue
        swapped = whole.put(one.path, whole.at(two.path)).put(two.path, whole.at(one.path))
        after = scans(read(key, swapped))

        assert Counter(after) == Counter(before)
        assert [s for s in after if s not in (one.scan, two.scan)] == [
            s for s in before if s not in (one.scan, two.scan)
        ]


ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def twice(zone: str) -> datetime | None:
    """Return a moment of 2026 by a clock of *zone* whose hour comes twice, or None."""
    start = datetime(2026, 1, 1, 0, 30, tzinfo=ZoneInfo(zone))
    return next((start + n * HOUR for n in range(365 * 24) if is_twice(start + n * HOUR)), None)


def is_twice(first: datetime) -> bool:
    return utc(first.replace(fold=1)) > utc(first)


def stamped(answer: Path, event: Event, clock: str) -> list[datetime]:
    """The moment of an entry whose ISO stamps say *clock*, with an offset where they had one."""
    whole = tree(answer)
    for leaf, value in whole.leaves(event.path):
        if isinstance(value, str) and (found := ISO.fullmatch(value)):
            whole = whole.put(leaf, clock if found[2] else clock[:19])
    base = scans(read(answer.parent.name, tree(answer)))
    return [scan.at for scan in scans(read(answer.parent.name, whole)) if scan not in base]


def single(key: str) -> tuple[Path, Event] | None:
    """A history of one entry with an ISO stamp, which no other entry can push around."""
    for answer in sample_files(key):
        mine = events(answer)
        if len(mine) == 1 == len(scans(read(key, tree(answer)))):
            leaves = [str(value) for _, value in tree(answer).leaves(mine[0].path)]
            if len([value for value in leaves if ISO.fullmatch(value)]) == 1:
                return answer, mine[0]
    return None


@every_carrier
def test_an_offset_tells_the_two_hours_apart_and_its_lack_means_the_first(key: str) -> None:
    local, found = twice(CARRIERS[key].zone), single(key)
    if local is None or found is None:
        pytest.skip("no hour comes twice there, or no stamp is ISO: its own file has the test")
    first, second = local.isoformat(), local.replace(fold=1).isoformat()

    moments = stamped(*found, first), stamped(*found, second)

    second_at = utc(local.replace(fold=1)) if has_offset(*found) else utc(local)
    assert moments == ([utc(local)], [second_at])


def has_offset(answer: Path, event: Event) -> bool:
    stamps = (ISO.fullmatch(str(value)) for _, value in tree(answer).leaves(event.path))
    return any(found[2] for found in stamps if found)


# -- failures by their names --------------------------------------------------------------

PAGE = b"<!doctype html><html><body><h1>Down for maintenance</h1></body></html>"
FAILURES: dict[str, tuple[int, bytes, type[CallError]]] = {
    "wrong key": (401, b"", Rejected),
    "not allowed": (403, b"", Rejected),
    "throttled": (429, b"", Throttled),
    "broken": (500, PAGE, Unavailable),
    "gateway": (502, PAGE, Unavailable),
    "down": (503, b"", Unavailable),
    "page": (200, PAGE, Unreadable),
    "empty": (200, b"", Unreadable),
    "cut off": (200, b'{"shipments": [{"id": ', Unreadable),
}


def polled(key: str, answer: Callable[[httpx.Request], httpx.Response]) -> list[Reading]:
    timer = Timer(monotonic=lambda: 0.0, sleep=lambda _: None)
    wire = Wire(key, timer, transport=httpx.MockTransport(answer))
    try:
        return make(key).poll(wire, ["00340434190000000015"], "a-token")
    finally:
        wire.close()


@every_carrier
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_has_its_right_name(key: str, name: str) -> None:
    status, body, error = FAILURES[name]

    with pytest.raises(CallError) as caught:
        polled(key, lambda _: httpx.Response(status, content=body))

    assert type(caught.value) is error
    assert caught.value.peer == key


@every_carrier
def test_a_carrier_asks_us_to_wait_as_long_as_it_says(key: str) -> None:
    with pytest.raises(Throttled) as caught:
        polled(key, lambda _: httpx.Response(429, headers={"retry-after": "77"}))

    assert caught.value.retry_after in (77, None) or caught.value.retry_after > 77


@every_carrier
@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
def test_a_line_that_breaks_is_unavailable(key: str, fault: type[httpx.TransportError]) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise fault("the line broke", request=request)

    with pytest.raises(Unavailable):
        polled(key, broken)


@every_carrier
def test_a_number_that_is_not_found_is_no_failure(key: str) -> None:
    (reading,) = polled(key, lambda _: httpx.Response(404))

    assert reading.not_found
    assert not reading.unanswered
