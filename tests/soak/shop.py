"""A shop that lives through the scripted parcels while everything around it misbehaves."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from passes.world import Hasty
from soak.certificate import OPENSSL, unbelievable
from soak.oracle import Owed, expected
from soak.scripts import START, Script, scripts
from soak.verdict import PATIENCE, Bounds, Fate, Key, Outcome, compare, fates, out_of_order
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.sandbox.carriers import PretendCarriers, block
from tracker_sync.sandbox.faults import ONLY_CARRIERS, Faults, Trouble, even
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, Event, PretendKlaviyo
from tracker_sync.settings import Settings, load
from tracker_sync.store import Store
from tracker_sync.sync import run_pass
from tracker_sync.sync.lock import only_pass

SLOW = 2.0  # seconds a silence lasts
HEADER = "tracking_number;courier;email;order_id;parcel_count"
GRACE = timedelta(days=1)  # without faults, for what is still owed
WRONG_CERTIFICATE = "wrong certificate"


@dataclass(frozen=True)
class Plan:
    """How long, how many, how rough."""

    seed: int = 0
    days: int = 14
    parcels: int = 2000
    every: timedelta = timedelta(minutes=30)
    share: float = 0.15  # of all requests
    waits: float = 1.0  # seconds our side waits for an answer
    patience: timedelta = PATIENCE  # how late a message may be before it must have gone
    strangers: float = 0.04  # of all passes, in which somebody else stands where a service stood

    @property
    def end(self) -> datetime:
        """When the faults end."""
        return (START + timedelta(days=self.days)).astimezone(UTC)

    def moments(self) -> Iterator[datetime]:
        """The moments of the passes."""
        now = START.astimezone(UTC)
        while now <= self.end + GRACE:
            yield now
            now += self.every


@dataclass
class Soaked:
    """What came of it."""

    outcome: Outcome
    faults: dict[str, Counter[str]]  # by service
    out_of_order: list[str]
    changed: int  # repeats that differed from the first
    repeats: int
    passes: int
    asked: int
    calls: int
    seconds: float
    findings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether late was all that happened."""
        return self.outcome.good and not self.out_of_order and not self.changed


def soak(folder: Path, plan: Plan, progress: Callable[[int, int], None] | None = None) -> Soaked:
    """Live through *plan* in *folder*."""
    began = time.monotonic()
    with ExitStack() as stack:
        shop = Shop(stack, folder, plan)
        moments = list(plan.moments())
        for done, now in enumerate(moments, 1):
            shop.live(now)
            if progress:
                progress(done, len(moments))
        return shop.soaked(len(moments), time.monotonic() - began)


class Shop:
    """The shop, its parcels and the services around it."""

    def __init__(self, stack: ExitStack, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.scripts = scripts(plan.seed, plan.parcels, plan.days)
        self.feeds = _by_feed(self.scripts)
        self.fallen: Counter[str] = Counter()
        self.carriers, self.klaviyo = self._services()
        urls = {
            "carriers": stack.enter_context(self.carriers.serve()),
            "klaviyo": stack.enter_context(self.klaviyo.serve()),
        }
        if OPENSSL:
            tls = unbelievable(folder, self.fallen)
            urls["stranger"] = stack.enter_context(serve(self._robbed, tls=tls))
        (folder / "inbox").mkdir()
        self.settings = _settings(folder, urls, self.plan.waits)
        self.store: Store = open_store(self.settings["well"])
        stack.callback(self.store.close)
        self.arrived: list[tuple[Event, datetime]] = []
        self.files = 0

    def _services(self) -> tuple[PretendCarriers, PretendKlaviyo]:
        plan = self.plan
        lives = [life for script in self.scripts for life in script.lives()]
        rough = Faults(plan.seed, even(plan.share), slow=SLOW)
        moods = [t for t in Trouble if t not in ONLY_CARRIERS | {Trouble.DRIPS}]
        moody = Faults(plan.seed, even(plan.share, moods), slow=SLOW)
        carriers = PretendCarriers(lives, now=START, rough=rough)
        return carriers, PretendKlaviyo(now=lambda: carriers.now, rough=moody)

    def _robbed(self, _request: Request) -> Response:
        """Nobody may ever say a word to a stranger."""
        self.fallen["spoken to"] += 1
        return Response(202)

    def live(self, now: datetime) -> None:
        """Let it be *now*, and run a pass."""
        self.carriers.now = now
        if now > self.plan.end:
            self.carriers.rough = self.klaviyo.rough = None
        self._feed(now)
        house = build(self._who(now), self.store, Hasty().timer(), now)
        with only_pass(self.settings["well"].database, datetime.now(UTC)):
            run_pass(house, now)
        news = self.klaviyo.accepted[len(self.arrived) :]
        self.arrived += [(event, now) for event in news]

    def _who(self, now: datetime) -> Settings:
        """Whose settings: now and then a stranger answers where a service did."""
        dice = random.Random(f"{self.plan.seed} {now}")
        if now > self.plan.end or not OPENSSL or dice.random() >= self.plan.strangers:
            return self.settings["well"]
        return self.settings[dice.choice(("carriers", "klaviyo"))]

    def _feed(self, now: datetime) -> None:
        rows = [
            script.row()
            for feed in list(self.feeds)
            if feed <= now
            for script in self.feeds.pop(feed)
        ]
        if rows:
            self.files += 1
            path = self.settings["well"].folder / "inbox" / f"{self.files:04}.csv"
            path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")

    def owed(self) -> list[Owed]:
        """What a perfect observer would have sent by the end."""
        return expected(self.scripts, self.plan.end + GRACE)

    def fates(self) -> dict[tuple[Key, datetime], Fate]:
        """What became of every message."""
        with closing(sqlite3.connect(self.settings["well"].database)) as db:
            return dict(fates(db))

    def soaked(self, passes: int, seconds: float) -> Soaked:
        """Sum up."""
        outcome = compare(
            self.owed(), self.arrived, self.fates(), Bounds(self.plan.end, self.plan.patience)
        )
        faults = {
            "carriers": Counter({t.value: n for t, n in self.carriers.injected.items()}),
            "klaviyo": Counter({t.value: n for t, n in self.klaviyo.injected.items()}),
            "stranger": Counter({WRONG_CERTIFICATE: self.fallen["greetings"]}),
        }
        if self.fallen["spoken to"]:
            outcome.complain(
                outcome.wrong, "stranger", f"spoken to {self.fallen['spoken to']} times"
            )
        repeats = self.klaviyo.duplicates
        return Soaked(
            outcome,
            faults,
            out_of_order(self.arrived),
            changed=sum(first != repeat for first, repeat in repeats),
            repeats=len(repeats),
            passes=passes,
            asked=len(self.carriers.asked),
            calls=self.carriers.requests,
            seconds=seconds,
            findings=[row["text"] for row in self.store.journal.findings()],
        )


def _by_feed(made: list[Script]) -> dict[datetime, list[Script]]:
    feeds: defaultdict[datetime, list[Script]] = defaultdict(list)
    for script in made:
        feeds[script.feed].append(script)
    return feeds


def _settings(folder: Path, urls: Mapping[str, str], waits: float) -> dict[str, Settings]:
    """The shop's settings, and those where a stranger answers for the carriers or for Klaviyo."""
    stranger = urls.get("stranger", urls["carriers"])
    return {
        name: _load(folder / f"{name}.yaml", _wishes(*urls_of, waits))
        for name, urls_of in {
            "well": (urls["carriers"], urls["klaviyo"]),
            "carriers": (stranger, urls["klaviyo"]),
            "klaviyo": (urls["carriers"], stranger),
        }.items()
    }


def _wishes(carriers_url: str, klaviyo_url: str, waits: float) -> dict[str, Any]:
    carriers = block(carriers_url)
    for keys in carriers.values():
        keys |= {"timeout": waits, "budget": {"per_day": 100_000, "per_second": 200}}
    return {
        "shop": {"id": "soak", "name": "Soak", "timezone": "Europe/Berlin", "country": "DE"},
        "database": "shop.db",
        "sources": [{"type": "csv", "path": "inbox/*.csv"}],
        "carriers": carriers,
        "klaviyo": {"private_key": PRIVATE_KEY, "base_url": klaviyo_url, "timeout": waits},
        "messages": {"max_per_recipient": 50},
        "follow_ups": {
            "review_request": {"delay": "3d", "basis": "existing_customer"},
            "pickup_reminder": {"delay": "3d"},
        },
    }


def _load(path: Path, wishes: Mapping[str, Any]) -> Settings:
    path.write_text(yaml.safe_dump(dict(wishes)), encoding="utf-8")
    path.chmod(0o600)
    return load(path, environ={})
