"""Put a house together from settings: the real one, from its classes and wishes.

Floor 4, because it is where settings, edges and the pass meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tracker_sync import carriers, sources
from tracker_sync.carriers import Carrier
from tracker_sync.carriers.brands import others
from tracker_sync.klaviyo import Arrivals, Klaviyo
from tracker_sync.late import Later
from tracker_sync.lifecycle.delays import Workday
from tracker_sync.messages.follow_ups import FollowUp
from tracker_sync.messages.kinds import SPECS
from tracker_sync.messages.properties import Brand, Wording
from tracker_sync.messages.verdict import Policy
from tracker_sync.model import Kind
from tracker_sync.settings import Settings
from tracker_sync.sources import Context, Source
from tracker_sync.store import Store
from tracker_sync.sync.house import Bounds, House, Via
from tracker_sync.sync.planning import Planner
from tracker_sync.wire import Timer

if TYPE_CHECKING:
    import httpx
    from holidays import HolidayBase


def open_store(settings: Settings, path: Path | None = None) -> Store:
    """Open the shop's database, or a copy of it at *path*."""
    known = Later(lambda: zones(carriers.discover()))
    return Store(path or settings.database, shop=settings.shop.id, zones=known)


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
        shop=settings.shop.id,
        bounds=bounds(settings),
        store=store,
        ledger=store.ledger,
        carriers={key: classes[key](config) for key, config in settings.carriers.items()},
        sources=tuple(open_sources(settings, now)),
        sender=Klaviyo(settings.klaviyo) if settings.klaviyo else None,
        policy=policy(settings),
        wording=wording(settings),
        rename=settings.messages.rename,
        prefix=settings.messages.prefix,
        rules=rules(settings),
        brands=Later(lambda: brands(classes)),
        timer=timer,
        planner=Planner(),
        step=step,
        transport=transport,
        via=via(settings, classes),
        workdays=workdays(settings.shop.country),
        guarded=settings.messages.guard,
        arrivals=arrivals(settings),
        log_every_pass=settings.monitoring.log_every_pass,
    )


def arrivals(settings: Settings) -> Arrivals | None:
    """Whoever counts what arrived at Klaviyo: only a private key may."""
    able = settings.klaviyo if settings.monitoring.reconcile else None
    return Arrivals(able) if able and able.private_key else None


def via(settings: Settings, classes: Mapping[str, type[Carrier]]) -> dict[str, Via]:
    """The aggregator behind each brand, as the merchant declared it."""
    found = {brand: Via(block.via, block.via_code) for brand, block in settings.brands.items()}
    for key, config in settings.carriers.items():
        if config.via:
            found.setdefault(classes[key].brand, Via(config.via, config.via_code))
    return found


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


def brands(classes: Mapping[str, type[Carrier]]) -> dict[str, Brand]:
    """How each brand shows itself, from the carriers that speak for it."""
    known = {o.brand: Brand(o.brand, o.title, o.tracking_url) for o in others().values()}
    for cls in classes.values():
        known.setdefault(cls.brand, Brand(cls.brand, brand_title(cls), cls.tracking_url))
    return known


def brand_title(cls: type[Carrier]) -> str:
    """A brand's name for customers: short ones are written in capitals."""
    return cls.brand.replace("_", " ").upper() if len(cls.brand) <= 4 else cls.title


def zones(classes: Mapping[str, type[Carrier]]) -> dict[str, str]:
    """The zone of each brand's calendar days."""
    others_zones = {other.brand: other.zone for other in others().values()}
    return others_zones | {cls.brand: cls.zone for cls in classes.values()}


def bounds(settings: Settings) -> Bounds:
    """How long things may take, and how long they are kept."""
    polling, kept, klaviyo = settings.polling, settings.retention, settings.klaviyo
    return Bounds(
        pass_limit=polling.pass_limit,
        give_up=polling.give_up,
        silent=polling.silent,
        keep_recipients=kept.recipient,
        keep_shipments=kept.shipment,
        keep_files=kept.files,
        senders=klaviyo.workers if klaviyo else 1,
        send_seconds=klaviyo.timeout if klaviyo else 20.0,
    )


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


def workdays(home: str | None) -> Callable[[str], Workday]:
    """The working days of a country by its own weekend and public holidays; blank = *home*.

    Monday to Friday where nobody has listed the country's holidays, or *home* is not known.
    """
    return lambda country: partial(_works, country or home or "")


@lru_cache(4096)
def _works(country: str, day: date) -> bool:
    known = _holidays(country) if country else None
    return known.is_working_day(day) if known is not None else day.weekday() < 5


@cache
def _holidays(country: str) -> HolidayBase | None:
    """Imported when the first silence is judged: it takes longer than the rest of an idle pass."""
    import holidays

    with suppress(NotImplementedError):
        return holidays.country_holidays(country)
    return None
