"""Put a house together from settings: the real one, or one that only rehearses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tracker_sync import carriers, sources
from tracker_sync.klaviyo import Klaviyo, Outcome, OutcomeState
from tracker_sync.settings import Settings
from tracker_sync.sources import Context, Source
from tracker_sync.store import Store
from tracker_sync.sync import house as parts
from tracker_sync.sync.house import House
from tracker_sync.wire import Timer, Wire


def open_store(settings: Settings, path: Path | None = None) -> Store:
    """Open the shop's database, or a copy of it at *path*."""
    zones = parts.zones(carriers.discover())
    return Store(path or settings.database, shop=settings.shop.id, zones=zones)


def build(
    settings: Settings,
    store: Store,
    timer: Timer,
    now: datetime,
    *,
    step: Callable[[str], None] = lambda _name: None,
    transport: Callable[[], httpx.BaseTransport] | None = None,
) -> House:
    """Make a house that works for real."""
    classes = carriers.discover()
    return House(
        settings=settings,
        store=store,
        ledger=store.ledger,
        carriers={key: classes[key](config) for key, config in settings.carriers.items()},
        sources=tuple(open_sources(settings, now)),
        sender=Klaviyo(settings.klaviyo) if settings.klaviyo else None,
        policy=parts.policy(settings),
        wording=parts.wording(settings),
        rules=parts.rules(settings),
        brands=parts.brands(classes),
        timer=timer,
        step=step,
        transport=transport,
        workdays=parts.workdays(settings.shop.country),
    )


def open_sources(settings: Settings, now: datetime) -> list[Source]:
    """Every source of the YAML, in its order: the first wins."""
    context = Context(
        folder=settings.path.parent,
        zone=settings.shop.timezone,
        country=settings.shop.country or "",
        now=now,
    )
    by_config = {cls.Config: cls for cls in sources.discover().values()}
    return [by_config[type(config)](config, context) for config in settings.sources]


@dataclass(slots=True)
class Rehearsal:
    """Takes the messages of a dry run; nobody gets them."""

    bodies: list[str] = field(default_factory=list)

    def send(self, _wire: Wire, body: str) -> Outcome:
        """Note one event."""
        self.bodies.append(body)
        return Outcome(OutcomeState.ACCEPTED)

    def send_many(self, _wire: Wire, bodies: Sequence[str]) -> list[Outcome]:
        """Note several."""
        self.bodies.extend(bodies)
        return [Outcome(OutcomeState.ACCEPTED)] * len(bodies)


def rehearse(house: House, stack: ExitStack) -> tuple[House, Rehearsal]:
    """A house on a copy of the database, whose messages go nowhere and whose files stay.

    Only calls and tokens are kept in the real database: they were really used.
    """
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracker-sync-")))
    copy = folder / "copy.db"
    house.store.copy_to(copy)
    store = open_store(house.settings, copy)
    stack.callback(store.close)
    takes = Rehearsal()
    rehearsed = replace(house, store=store, sender=takes, done=lambda *_bundle: None)
    return rehearsed, takes
