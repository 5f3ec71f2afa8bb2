"""One call tells what changed on a whole account: a shop with PostNL's feed, pass by pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import httpx
import pytest

from passes.world import World, moment, spelled, world
from tracker_sync.carriers.errands import Feed
from tracker_sync.carriers.postnl import Postnl
from tracker_sync.cli.rehearsal import rehearse
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sync import run_pass
from tracker_sync.sync.report import Report

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIFTY = [f"3STSYN{number:07d}" for number in range(50)]
A, B = FIFTY[:2]
REACH, LONGEST = timedelta(hours=48), timedelta(hours=2)
# What happens to a parcel: its status, and the event that only a look-up tells.
HAPPENS = {
    "announced": ("1", "A01"),
    "dispatched": ("2", "B01"),
    "in_transit": ("5", "J01"),
    "out_for_delivery": ("7", "J05"),
    "delivered": ("11", "I01"),
    "returned": ("11", "J63"),
}


class Died(BaseException):
    """The process is gone: nothing under test may take it for an error."""


class Spelled(httpx.HTTPTransport):
    """Repeats the query in a header: the small server keeps one value of each name."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["x-query"] = request.url.query.decode()
        return super().handle_request(request)


class Tight(Postnl):
    """Asks as far back as PostNL keeps anything."""

    @property
    def feed(self) -> Feed | None:
        told = super().feed
        return told and replace(told, reach=REACH)


@dataclass
class PretendPostnl:
    """Answers as PostNL does, as strict about windows, and counts."""

    shop: World
    asked: list[str] = field(default_factory=list)  # numbers looked up
    windows: list[tuple[datetime, datetime]] = field(default_factory=list)
    refused: list[tuple[datetime, datetime]] = field(default_factory=list)
    tries: int = 0
    down: bool = False

    def __call__(self, request: Request) -> Response:
        if request.headers.get("apikey") != "a-key":
            return answer(401, {"fault": {"faultstring": "Invalid ApiKey"}})
        if request.path.endswith("/10000001/updatedshipments"):
            self.tries += 1
            return answer(503, {}) if self.down else self._changes(request.headers["x-query"])
        self.asked.append(request.path.rsplit("/", 1)[1])
        return answer(200, self._history(self.asked[-1]))

    def _changes(self, query: str) -> Response:
        since, until = map(datetime.fromisoformat, parse_qs(query)["period"])
        now = self.shop.now.astimezone(AMSTERDAM).replace(tzinfo=None)
        if until - since > LONGEST or since < now - REACH or until < since:
            self.refused.append((since, until))
            return answer(400, {"fault": {"faultstring": "Invalid period"}})
        self.windows.append((since, until))
        told = [(n, at, word) for n in self.shop.lives for at, word in self.shop.life(n)]
        within = [one for one in told if since <= local(one[1]) <= until]
        return answer(200, [change(*one) for one in within])

    def _history(self, number: str) -> object:
        life = self.shop.life(number)[::-1]
        if not life:
            return {"CompleteStatus": {}, "Warnings": [{"Code": "2"}]}
        stamps = [(f"{local(at):%d-%m-%Y %H:%M:%S}", *HAPPENS[word]) for at, word in life]
        old = [{"TimeStamp": at, "StatusCode": code} for at, code, _ in stamps]
        events = [{"TimeStamp": at, "Code": event} for at, _, event in stamps]
        parcel = {"Barcode": number, "Status": old[0], "OldStatus": old, "Event": events}
        return {"CompleteStatus": {"Shipment": parcel}}

    def forget(self) -> None:
        """Count from here."""
        self.asked.clear()
        self.windows.clear()
        self.tries = 0


def local(at: datetime) -> datetime:
    return at.astimezone(AMSTERDAM).replace(tzinfo=None)


def change(number: str, at: datetime, word: str) -> dict[str, object]:
    told = {"Timestamp": local(at).isoformat(), "StatusCode": HAPPENS[word][0]}
    return {"Barcode": number, "CreationDate": "2026-11-01T00:00:00", "Status": told}


def answer(status: int, payload: object) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(payload).encode())


@dataclass
class Shop:
    """A shop whose carrier is PostNL, and PostNL."""

    world: World
    postnl: PretendPostnl

    def run(self, at: str, step: Callable[[str], None] = lambda _name: None) -> Report:
        """One pass; nothing is due that is not due by itself."""
        self.world.now = moment(at)
        with self.world.house(step=step) as house:
            return run_pass(replace(house, transport=Spelled), self.world.now)

    def runs(self, first: str, last: str, every: timedelta = timedelta(minutes=10)) -> int:
        """Passes on a grid; how many."""
        at, count = moment(first), 0
        while at <= moment(last):
            self.run(spelled(at))
            at, count = at + every, count + 1
        return count

    def start(self, *numbers: str, word: str = "dispatched") -> None:
        """Take parcels in that PostNL has known for an hour, and look at each."""
        for number in numbers:
            self.world.parcel(number, f"{word} -1h")
        self.world.csv(*(f"{n};postnl;{n.lower()}@shop.example;{n[-4:]}" for n in numbers))
        self.run("0h")
        assert Counter(self.postnl.asked) == Counter(numbers)
        self.postnl.forget()

    def scans(self) -> list[tuple[str, ...]]:
        """What is stored about every parcel."""
        sql = "SELECT shipment_id, at, code FROM scans WHERE carrier = 'postnl' ORDER BY 1, 2, 3"
        return [tuple(map(str, row)) for row in self.world.rows(sql)]

    @property
    def feed_at(self) -> str:
        """Up to when the changes are known."""
        (row,) = self.world.rows("SELECT feed_at FROM carriers WHERE carrier = 'postnl'")
        return str(row["feed_at"])


@contextmanager
def opened(folder: Path, customer: str = 'customer_number: "10000001", ') -> Iterator[Shop]:
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        shop = stack.enter_context(world(folder))
        postnl = PretendPostnl(shop)
        url = stack.enter_context(serve(postnl))
        more = f'{customer}base_url: "{url}", budget: {{per_second: 50}}'
        line = f"  postnl: {{api_key: a-key, {more}}}"
        text = (folder / "shop.yaml").read_text(encoding="utf-8")
        text = text.replace("carriers:\n", f"carriers:\n{line}\n")
        (folder / "shop.yaml").write_text(text, encoding="utf-8")
        yield Shop(shop, postnl)
        assert not postnl.refused


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose customer number PostNL knows."""
    with opened(tmp_path) as made:
        yield made


# -- a healthy feed ----------------------------------------------------------------


def test_fifty_known_parcels_cost_one_call_a_pass_and_no_look_up_for_a_day(shop: Shop) -> None:
    shop.start(*FIFTY)

    passes = shop.runs("10m", "23.8h")

    assert shop.postnl.asked == []
    assert shop.postnl.tries == passes > 140


def test_passes_in_quick_succession_do_not_read_the_feed_again(shop: Shop) -> None:
    shop.start(A)

    shop.runs("1m", "60m", timedelta(minutes=1))

    assert shop.postnl.tries == 6


def test_every_parcel_is_looked_up_once_in_a_while_all_the_same(shop: Shop) -> None:
    shop.start(*FIFTY[:5])

    shop.runs("10m", "27h")

    assert Counter(shop.postnl.asked) == Counter(FIFTY[:5])


def test_a_change_that_needs_no_look_up_is_told_and_stored_once(shop: Shop) -> None:
    shop.start(A, word="announced")
    shop.world.parcel(A, "dispatched 5h")

    shop.runs("10m", "6h")
    told, stored = shop.world.kinds(), shop.scans()
    looked_up = list(shop.postnl.asked)
    shop.runs("6.2h", "32h", timedelta(hours=1))

    assert (told, looked_up) == (["dispatched"], [])
    assert set(shop.postnl.asked) == {A}
    assert shop.scans() == stored
    assert shop.world.kinds() == ["dispatched"]


def test_what_the_feed_calls_delivered_is_told_delivered(shop: Shop) -> None:
    shop.start(A, B)
    shop.world.parcel(A, "out_for_delivery 2h", "delivered 5h")

    shop.runs("10m", "6h")

    assert shop.world.sent() == ["out_for_delivery 2h", "delivered 5h"]
    assert set(shop.postnl.asked) == {A}


def test_what_the_feed_calls_delivered_may_be_the_return(shop: Shop) -> None:
    shop.start(A)
    shop.world.parcel(A, "returned 5h")

    shop.runs("10m", "6h")

    assert shop.world.status(A) == "returned"
    assert "delivered" not in shop.world.kinds()


def test_a_parcel_of_the_account_that_nobody_announced_costs_nothing(shop: Shop) -> None:
    shop.start(A)
    shop.world.parcel(B, "dispatched 1h", "out_for_delivery 2h")

    shop.runs("10m", "3h")

    assert shop.postnl.asked == []


# -- outages -----------------------------------------------------------------------


def test_a_short_outage_is_caught_up_window_by_window(shop: Shop) -> None:
    shop.start(*FIFTY[:5])
    shop.world.parcel(A, "out_for_delivery 2h", "delivered 5h")

    report = shop.run("20h")

    assert set(shop.postnl.asked) == {A}
    assert report.counts["woken"] == 0
    windows = shop.postnl.windows
    assert len(windows) >= 20
    assert all(one[1] == other[0] for one, other in pairwise(windows))
    assert windows[0][0] < local(moment("0h"))
    assert windows[-1][1] == local(moment("20h"))
    assert shop.world.kinds() == ["delivered"]


def test_nothing_is_asked_for_that_the_list_no_longer_has(shop: Shop) -> None:
    shop.start(A)

    for at in ("48h", "96.1h", "150h"):
        shop.world.now = moment(at)
        with shop.world.house() as house:
            tight = Tight(house.carriers["postnl"].config)
            run_pass(replace(house, transport=Spelled, carriers={"postnl": tight}), moment(at))

    assert min(since for since, _ in shop.postnl.windows) == local(moment("0h"))
    assert not shop.postnl.refused


def test_after_an_outage_of_everything_each_parcel_is_looked_up_once(shop: Shop) -> None:
    shop.start(*FIFTY)
    shop.world.parcel(A, "delivered 59h")

    shop.run("60h")
    once = Counter(shop.postnl.asked)
    shop.runs("60.2h", "62h")

    assert once == Counter(FIFTY)
    assert Counter(shop.postnl.asked) == once
    assert shop.world.kinds() == ["delivered"]


def test_when_a_feed_that_was_away_too_long_is_back_each_parcel_is_looked_up_once(
    shop: Shop,
) -> None:
    shop.start(*FIFTY[:10])
    shop.postnl.down = True
    shop.runs("1h", "49h", timedelta(hours=1))
    usual = len(shop.postnl.asked)
    shop.runs("50h", "60h", timedelta(minutes=30))
    since = len(shop.postnl.asked) - usual
    shop.postnl.down = False
    shop.postnl.forget()

    report = shop.run("60.2h")
    shop.runs("60.4h", "62h")

    assert 0 < report.counts["woken"] <= len(FIFTY[:10])
    assert Counter(shop.postnl.asked) == Counter(FIFTY[:10])
    assert since < usual


def test_while_the_feed_is_away_parcels_are_looked_up_at_their_usual_times(shop: Shop) -> None:
    shop.start(A)
    shop.postnl.down = True
    shop.world.parcel(A, "out_for_delivery 50h", "delivered 55h")

    shop.runs("10m", "58h", timedelta(hours=1))

    assert shop.world.kinds() == ["out_for_delivery", "delivered"]
    assert len(shop.postnl.asked) < 40


# -- crashes and rehearsals ----------------------------------------------------------

STORY = (
    *((A, "dispatched 0.5h"), (B, "dispatched 1.5h"), (A, "out_for_delivery 2.2h")),
    *((B, "in_transit 2.3h"), (A, "delivered 3.2h")),
)


def caught_up(shop: Shop) -> tuple[list[str], list[tuple[str, ...]]]:
    """Where the story ends: what was told, and what is stored."""
    return sorted(shop.world.sent()), shop.scans()


def crashing(name: str, time: int) -> Callable[[str], None]:
    """A step that dies when *name* is reached for the *time*th time."""
    reached = Counter[str]()

    def step(at: str) -> None:
        reached[at] += 1
        if at == name and reached[at] == time:
            raise Died

    return step


def told(shop: Shop) -> None:
    shop.start(A, B, word="announced")
    for number, entry in STORY:
        shop.world.parcel(number, entry)


@pytest.mark.parametrize("name", ["came back", "answers stored"])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_a_crash_between_two_windows_reads_on_and_doubles_nothing(
    tmp_path: Path, name: str, time: int
) -> None:
    with opened(tmp_path / "whole") as shop:
        told(shop)
        shop.run("3.6h")
        expected = caught_up(shop)
        assert "delivered 3.2h" in expected[0]
    with opened(tmp_path / "crashed") as shop:
        told(shop)
        with pytest.raises(Died):
            shop.run("3.6h", crashing(name, time))
        known, read = datetime.fromisoformat(shop.feed_at), list(shop.postnl.windows)
        shop.postnl.forget()
        shop.run("3.6h")

        assert caught_up(shop) == expected
        assert shop.world.klaviyo.duplicates == []
        assert shop.postnl.windows[0][0] < local(known)
        assert len(read) == time
        assert shop.postnl.windows[-1][1] == local(moment("3.6h"))


def test_a_dry_run_takes_no_change_away_from_the_next_pass(shop: Shop) -> None:
    told(shop)
    before = shop.feed_at
    shop.world.now = moment("3.6h")
    with shop.world.house() as house, ExitStack() as stack:
        copy, rehearsal = rehearse(replace(house, transport=Spelled), stack)
        run_pass(copy, shop.world.now)
    after_rehearsal = shop.feed_at

    shop.run("3.7h")

    assert rehearsal.bodies
    assert after_rehearsal == before
    assert "delivered 3.2h" in shop.world.sent()


# -- without a customer number ---------------------------------------------------------


def test_without_a_customer_number_every_parcel_is_looked_up(tmp_path: Path) -> None:
    with opened(tmp_path, customer="") as shop:
        shop.start(*FIFTY[:5])
        shop.world.parcel(A, "out_for_delivery 24h", "delivered 28h")

        shop.runs("1h", "32h", timedelta(hours=1))

        assert shop.postnl.tries == 0
        assert min(Counter(shop.postnl.asked).values()) >= 2
        assert set(shop.postnl.asked) == set(FIFTY[:5])
        assert shop.world.sent() == ["out_for_delivery 24h", "delivered 28h"]
