"""Everything one pass needs, put together once from the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays
import httpx

from tracker_sync.carriers import Carrier
from tracker_sync.klaviyo import Outcome
from tracker_sync.lifecycle.delays import Calendar
from tracker_sync.messages.follow_ups import FollowUp
from tracker_sync.messages.kinds import SPECS
from tracker_sync.messages.properties import Brand, Wording
from tracker_sync.messages.verdict import Policy
from tracker_sync.model import Kind
from tracker_sync.settings import Settings
from tracker_sync.sources import Bundle, Reject, Source
from tracker_sync.store import Store
from tracker_sync.store.ledger import Ledger
from tracker_sync.wire import Timer, Wire


class Sender(Protocol):
    """Whoever takes the messages: Klaviyo, or the printer of a dry run."""

    def send(self, wire: Wire, body: str) -> Outcome:
        """Send one event."""
        ...

    def send_many(self, wire: Wire, bodies: Sequence[str]) -> list[Outcome]:
        """Send history in bulk."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One shop, ready for a pass."""

    settings: Settings
    store: Store
    ledger: Ledger  # of the real database, also when `store` is a copy
    carriers: Mapping[str, Carrier]
    sources: tuple[Source, ...]
    sender: Sender | None  # None: Klaviyo is not configured
    policy: Policy
    wording: Wording
    rules: Mapping[str, FollowUp]
    brands: Mapping[str, Brand]
    timer: Timer
    step: Callable[[str], None] = lambda _name: None  # told at every step; tests crash here
    done: Callable[[Source, Bundle, tuple[Reject, ...]], None] = lambda source, bundle, refused: (
        source.done(bundle, refused)
    )
    transport: Callable[[], httpx.BaseTransport] | None = None
    workdays: Callable[[date], bool] = field(default=lambda day: day.weekday() < 5)

    @property
    def shop(self) -> str:
        """The shop's id, part of every message id."""
        return self.settings.shop.id

    def calendar(self, zone: str) -> Calendar:
        """Working days in a brand's zone."""
        return Calendar(ZoneInfo(zone), self.workdays)

    def of_brand(self, brand: str) -> list[Carrier]:
        """The configured carriers of a brand, the cheapest first: many numbers a call."""
        mine = (c for c in self.carriers.values() if c.brand == brand)
        return sorted(mine, key=lambda c: (-c.batch, -(budget(c)[0] or 10**9), c.key))

    def brand(self, key: str) -> Brand:
        """How a brand shows itself; its key where no carrier speaks for it."""
        return self.brands.get(key) or Brand(key, key.upper())


def budget(carrier: Carrier) -> tuple[int | None, float | None]:
    """Calls per day and per second: the merchant's figures before the carrier's."""
    mine, own = carrier.config.budget, carrier.budget
    return mine.per_day or own.per_day, mine.per_second or own.per_second


def brands(classes: Mapping[str, type[Carrier]]) -> dict[str, Brand]:
    """How each brand shows itself, from the carriers that speak for it."""
    known: dict[str, Brand] = {}
    for cls in classes.values():
        known.setdefault(cls.brand, Brand(cls.brand, brand_title(cls), cls.tracking_url))
    return known


def brand_title(cls: type[Carrier]) -> str:
    """A brand's name for customers: short ones are written in capitals."""
    return cls.brand.replace("_", " ").upper() if len(cls.brand) <= 4 else cls.title


def zones(classes: Mapping[str, type[Carrier]]) -> dict[str, str]:
    """The zone of each brand's calendar days."""
    return {cls.brand: cls.zone for cls in classes.values()}


def policy(settings: Settings) -> Policy:
    """The merchant's wishes about what goes when."""
    wishes, klaviyo = settings.messages, settings.klaviyo
    return Policy(
        zone=ZoneInfo(settings.shop.timezone),
        sent=_sent(settings),
        quiet_hours=wishes.quiet_hours,
        quiet_kinds=frozenset(k for k, spec in SPECS.items() if spec.quiet)
        | frozenset(settings.follow_ups),
        max_age=wishes.max_age,
        settle=wishes.settle,
        max_per_recipient=wishes.max_per_recipient,
        onboarding=wishes.onboarding.value,
        shadow=bool(klaviyo and klaviyo.mode == "shadow"),
        only_to=klaviyo.only_to if klaviyo else (),
        phone_if_no_email=wishes.phone_if_no_email,
        external_id_if_no_email=wishes.external_id_if_no_email,
    )


def _sent(settings: Settings) -> frozenset[str]:
    on = {kind.value for kind, spec in SPECS.items() if spec.on}
    on -= {Kind.REVIEW_REQUEST.value, Kind.PICKUP_REMINDER.value}
    on |= {kind.value for kind in settings.messages.enable}
    on |= {name for name, rule in settings.follow_ups.items() if rule.enabled}
    return frozenset(on - {kind.value for kind in settings.messages.mute})


def rules(settings: Settings) -> dict[str, FollowUp]:
    """The follow-ups that are on."""
    return {
        name: FollowUp(
            name=name,
            after=rule.after,
            delay=rule.delay,
            metric=rule.metric or "",
            basis=rule.basis.value if rule.basis else "",
            at_most_every=rule.at_most_every or timedelta(0),
        )
        for name, rule in settings.follow_ups.items()
        if rule.enabled
    }


def wording(settings: Settings) -> Wording:
    """The merchant's wishes about what is said."""
    wishes = settings.messages
    return Wording(
        zone=ZoneInfo(settings.shop.timezone),
        language=settings.shop.language,
        items=wishes.items.value,
        also_as=wishes.also_as,
        properties=wishes.properties,
        review_link=wishes.links.review,
        tracking_page_link=wishes.links.tracking_page,
    )


def workdays(country: str | None) -> Callable[[date], bool]:
    """Monday to Friday without the public holidays of the shop's country."""
    free = holidays.country_holidays(country) if country else {}
    return lambda day: day.weekday() < 5 and day not in free
