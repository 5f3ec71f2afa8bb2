"""`tracker-sync check`: what is configured, whether it suffices, and whether the keys work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from tracker_sync import carriers
from tracker_sync.carriers import Carrier
from tracker_sync.cli import common
from tracker_sync.cli.moments import pace as spoken
from tracker_sync.cli.moments import span
from tracker_sync.polling import calls_a_parcel
from tracker_sync.settings import Settings, warnings
from tracker_sync.store import Store
from tracker_sync.sync.house import budget
from tracker_sync.sync.take_in import who_waits

_DAYS = 3.0  # a parcel is on its way


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is configured."""

    what: str
    name: str
    says: str = ""


@common.command("check")
@click.option("--online", is_flag=True, help="Ask every carrier and Klaviyo whether the keys work.")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, online: bool, as_json: bool) -> None:
    """Check the configuration: every mistake with its line, or what is configured.

    --online makes one harmless call to each carrier, which counts as any other, and asks Klaviyo
    whose key it is. Exit 2 for a mistake, 1 for a key that does not work.
    """
    settings = common.settings(ctx)
    parcels = _open_parcels(ctx, settings)
    lines = [*_shop(settings), *_carriers(settings, parcels), *_wishes(settings)]
    found = [*warnings(settings), *_waiting(settings, parcels), *_nameless(ctx, settings)]
    answers = _asked(ctx) if online else []
    if as_json:
        parts = {"configured": lines, "online": answers}
        listed = {name: [asdict(each) for each in part] for name, part in parts.items()}
        common.print_json({"file": settings.path, **listed, "warnings": found})
    else:
        _show(lines, found, answers)
    ctx.exit(common.PERSON if any(not answer.good for answer in answers) else common.FINE)


def _show(lines: list[Line], found: list[str], answers: list[Any]) -> None:
    common.show(common.table(("", "configured", ""), ((x.what, x.name, x.says) for x in lines)))
    for text in found:
        common.show(f"! {text}")
    if answers:
        rows = ((x.name, "works" if x.good else "FAILS", x.says) for x in answers)
        common.show(common.table(("asked", "", ""), rows))


def _asked(ctx: click.Context) -> list[Any]:
    from tracker_sync.cli.online import ask_all

    return ask_all(common.settings(ctx), common.store(ctx), common.timer(), common.now(ctx))


# -- what is configured ----------------------------------------------------------------


def _shop(settings: Settings) -> Iterator[Line]:
    shop = settings.shop
    yield Line("file", str(settings.path))
    yield Line("shop", shop.id, ", ".join(filter(None, (shop.name, shop.timezone, shop.country))))
    yield Line("database", str(settings.database))
    for config in settings.sources:
        keys = {key: value for key, value in config.model_dump().items() if isinstance(value, str)}
        yield Line("source", keys.pop("type", ""), keys.get("path", ""))


def _wishes(settings: Settings) -> Iterator[Line]:
    klaviyo = settings.klaviyo
    if klaviyo:
        key = "private key" if klaviyo.private_key else f"public key {klaviyo.public_key}"
        pilots = f", only to {len(klaviyo.only_to)} addresses" if klaviyo.only_to else ""
        yield Line("klaviyo", klaviyo.mode, f"{key}{pilots}")
    for kind in settings.messages.enable:
        yield Line("message", kind.value, "enabled")
    for kind in settings.messages.mute:
        yield Line("message", kind.value, "muted")
    for name, rule in settings.follow_ups.items():
        says = f"{span(rule.delay)} after {rule.after}" if rule.enabled else "off"
        yield Line("follow-up", name, says)


# -- whether it suffices ---------------------------------------------------------------


def _open_parcels(ctx: click.Context, settings: Settings) -> Mapping[str, int]:
    """Parcels still asked about, by brand; none before the first pass."""
    if not settings.database.exists():
        return {}
    store: Store = common.store(ctx)
    counts: dict[str, int] = {}
    for row in store.glance.open_shipments():
        counts[row["brand"]] = counts.get(row["brand"], 0) + row["count"]
    return counts


def _waiting(settings: Settings, parcels: Mapping[str, int]) -> Iterator[str]:
    """Brands with parcels that nobody can be asked about."""
    classes = carriers.discover()
    spoken_for = {*settings.brands, *(classes[key].brand for key in settings.carriers)}
    for brand, count in sorted(parcels.items()):
        if brand not in spoken_for:
            able = [key for key, cls in classes.items() if cls.brand == brand]
            what = f"configure {' or '.join(able)}" if able else "no carrier of ours speaks for it"
            yield f"{count} open parcels of {brand} wait and nobody is asked about them: {what}"


def _nameless(ctx: click.Context, settings: Settings) -> Iterator[str]:
    """Announcements that belong to no brand yet."""
    if settings.database.exists():
        for group in common.store(ctx).waiting.groups():
            yield who_waits(group["count"], group["rivals"].split(), group["ends"])


def _carriers(settings: Settings, parcels: Mapping[str, int]) -> Iterator[Line]:
    classes = carriers.discover()
    mine = {key: classes[key](config) for key, config in settings.carriers.items()}
    for key, carrier in mine.items():
        same = [other for other in mine.values() if other.brand == carrier.brand]
        yield Line("carrier", key, _forecast(carrier, same, parcels.get(carrier.brand, 0)))


def _forecast(carrier: Carrier, same: list[Carrier], count: int) -> str:
    """How far the calls of a day go, for all carriers of the brand together."""
    per_day, per_second = budget(carrier)
    pace = f", {spoken(per_second)}" if per_second else ""
    if any(budget(each)[0] is None for each in same):
        return f"{'no limit a day' if per_day is None else f'{per_day} calls a day'}{pace}"
    looks = sum((budget(each)[0] or 0) * each.batch for each in same)
    enough = int(looks * _DAYS / calls_a_parcel(_DAYS))
    stated = f"{per_day} calls a day{pace}"
    if count <= enough:
        return f"{stated}: enough for {enough} open parcels, there are {count}"
    a_parcel = looks * _DAYS / count
    late = _DAYS * 24 / a_parcel / 2
    return (
        f"{stated}: for {count} open parcels that is {a_parcel:.1f} calls a parcel, "
        f"about {late:.0f} h late; {_remedy(carrier, same)}"
    )


def _remedy(carrier: Carrier, same: list[Carrier]) -> str:
    """Another carrier of the brand that asks about more for its calls, or a larger budget."""
    have = {each.key for each in same}
    others = [
        key
        for key, cls in carriers.discover().items()
        if cls.brand == carrier.brand and key not in have and cls.batch > carrier.batch
    ]
    return f"use {others[0]} or ask for more" if others else "ask for more"
