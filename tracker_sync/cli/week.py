"""The demo: a week of a small shop, with pretended carriers, Klaviyo and time.

Everything between the shop's files and Klaviyo is the real thing: the same settings, database and
passes that a shop runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tracker_sync.cli.assembly import build, open_store
from tracker_sync.messages.kinds import SPECS
from tracker_sync.model import Kind, utc
from tracker_sync.sandbox.carriers import PretendCarriers, block, by_seed
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, Event, Fault, PretendKlaviyo
from tracker_sync.sandbox.lives import ZONE, Order, address, drop, moment, story
from tracker_sync.sandbox.results import DemoResult, Kept, Mail, Told
from tracker_sync.settings import Settings, load
from tracker_sync.store import Store
from tracker_sync.sync import run_pass
from tracker_sync.sync.lock import only_pass
from tracker_sync.wire import Timer

BEGINS, ENDS = moment("1 08:00"), moment("9 20:00")
EVERY = timedelta(minutes=30)
_MANY = 1000
_MOODS = (Fault(status=429, retry_after=1), Fault(status=503), Fault(cut=True, taken=True))


def run(
    *,
    clock: datetime,
    timer: Timer,
    progress: Callable[[int, int], None] | None = None,
    seed: int | None = None,
    ends: datetime = ENDS,
) -> DemoResult:
    """Live through the story and return what came of it.

    *clock* is the real time, for the lock; *progress* is told the passes done and their number;
    a *seed* lets carriers and Klaviyo fail now and then; *ends* leaves the story early.
    """
    orders, started = story(), timer.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracker-sync-demo-")))
        shop = _open(stack, folder, orders, seed)
        moments = list(_moments(ends))
        for done, now in enumerate(moments, 1):
            shop.live(now, clock, timer)
            if progress:
                progress(done, len(moments))
        return shop.result(moments, timer.monotonic() - started)


@dataclass(slots=True)
class _Shop:
    """The pretended shop with all around it."""

    settings: Settings
    store: Store
    carriers: PretendCarriers
    klaviyo: PretendKlaviyo
    orders: tuple[Order, ...]
    arrived: list[datetime] = field(default_factory=list)  # of klaviyo.accepted, one by one
    waited: dict[str, str] = field(default_factory=dict)  # message id: the last reason to wait

    def live(self, now: datetime, clock: datetime, timer: Timer) -> None:
        """Let it be *now*, and run a pass."""
        self.carriers.now = now
        feed = [
            (o.number, p) for o in self.orders for p in o.parcels if now - EVERY < p.feed <= now
        ]
        if feed:
            drop(self.settings.folder / "inbox", feed, now)
        house = build(self.settings, self.store, timer, now)
        with only_pass(self.settings.database, clock):
            run_pass(house, now)
        news = len(self.klaviyo.accepted) - len(self.arrived)
        self.arrived += [now] * news
        owed = self.store.outbox.listed(("owed",), _MANY)
        self.waited |= {row["id"]: row["reason"] for row in owed if row["reason"]}

    def result(self, moments: Sequence[datetime], seconds: float) -> DemoResult:
        """Sum up."""
        return DemoResult(
            begins=moments[0],
            ends=moments[-1],
            orders=tuple(map(self._told, self.orders)),
            calls=dict(sorted(self.carriers.calls.items())),
            looks=len(self.carriers.asked),
            passes=len(moments),
            seconds=seconds,
            findings=tuple(row["text"] for row in self.store.journal.findings()),
        )

    def _told(self, order: Order) -> Told:
        numbers = {parcel.life.number for parcel in order.parcels}
        return Told(
            order=order.number,
            about=order.about,
            parcels=len(order.parcels),
            mails=tuple(self._mails(order)),
            kept=tuple(self._kept(order)),
            looks=sum(asked.number in numbers for asked in self.carriers.asked),
        )

    def _mails(self, order: Order) -> Iterator[Mail]:
        for event, at in zip(self.klaviyo.accepted, self.arrived, strict=True):
            if event.email == address(order.number):
                yield _mail(event, at, self.waited.get(event.unique_id or "", ""))

    def _kept(self, order: Order) -> Iterator[Kept]:
        seen: dict[str, Any] = {}
        for parcel in order.parcels:
            for shipment in self.store.shipments.by_number(parcel.life.number):
                seen |= {row["id"]: row for row in self.store.outbox.of_shipment(shipment.id)}
        for row in sorted(seen.values(), key=lambda row: (row["occurred_at"], row["id"])):
            if row["state"] not in ("accepted", "owed"):
                yield Kept(row["kind"], SPECS[Kind(row["kind"])].metric, row["reason"])


def _open(stack: ExitStack, folder: Path, orders: tuple[Order, ...], seed: int | None) -> _Shop:
    lives = [parcel.life for order in orders for parcel in order.parcels]
    rough = None if seed is None else by_seed(seed)
    carriers = PretendCarriers(lives, now=BEGINS, faults=rough)
    moody = None if seed is None else by_seed(seed, among=_MOODS)
    klaviyo = PretendKlaviyo(now=lambda: carriers.now, faults=moody)
    urls = stack.enter_context(carriers.serve()), stack.enter_context(klaviyo.serve())
    (folder / "inbox").mkdir()
    path = folder / "tracker-sync.yaml"
    path.write_text(yaml.safe_dump(_config(*urls), sort_keys=False), encoding="utf-8")
    path.chmod(0o600)
    settings = load(path, environ={})  # a variable of the real shop must not reach the demo
    store = open_store(settings)
    stack.callback(store.close)
    return _Shop(settings, store, carriers, klaviyo, orders)


def _config(carriers_url: str, klaviyo_url: str) -> dict[str, Any]:
    """The YAML of the pretended shop; the second DHL interface may be asked without a pause."""
    carriers = block(carriers_url, "dhl_parcel_de", "dhl_unified", "ups")
    carriers["dhl_unified"]["budget"] = {"per_second": 50}
    review = {"after": "order_delivered", "delay": "3d", "basis": "existing_customer"}
    return {
        "shop": {"id": "demo", "name": "Demo", "timezone": ZONE.key, "country": "DE"},
        "sources": [{"type": "csv", "path": "inbox/*.csv"}],
        "carriers": carriers,
        "klaviyo": {"private_key": PRIVATE_KEY, "base_url": klaviyo_url},
        "messages": {"links": {"review": "https://shop.example/review/{order_number}"}},
        "follow_ups": {
            "review_request": review,
            "pickup_reminder": {"after": "ready_for_pickup", "delay": "3d"},
        },
    }


def _moments(ends: datetime) -> Iterator[datetime]:
    now = utc(BEGINS)
    while now <= ends:
        yield now
        now += EVERY


def _mail(event: Event, at: datetime, waited: str) -> Mail:
    detail = str(event.properties.get("Detail", ""))
    return Mail(event.metric, at, event.time or at, detail, waited)
