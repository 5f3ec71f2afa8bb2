"""What is allowed in a configuration, but probably not meant.

Floor 3. Shown by `tracker-sync check`.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping

from tracker_sync import carriers as carrier_files
from tracker_sync.carriers import Carrier
from tracker_sync.klaviyo import Klaviyo
from tracker_sync.settings.blocks import Settings


def warnings(settings: Settings, carriers: Mapping[str, type[Carrier]] | None = None) -> list[str]:
    """Say what is allowed but probably not meant."""
    carriers = carrier_files.discover() if carriers is None else carriers
    found: list[str] = []
    if settings.path.exists() and settings.path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        found.append(f"{settings.path} can be read by everybody here; run chmod 600 on it")
    if not settings.sources:
        found.append("no sources: nothing tells us about new parcels")
    if not settings.carriers:
        found.append("no carriers: nobody can be asked where a parcel is")
    if settings.klaviyo is None:
        found.append("no klaviyo: messages are kept and go nowhere")
    else:
        found.extend(Klaviyo(settings.klaviyo).warnings())
    return [
        *found,
        *_monitoring(settings),
        *_rivals(settings, carriers),
        *_abroad(settings, carriers),
    ]


def _monitoring(settings: Settings) -> Iterator[str]:
    wishes, klaviyo = settings.monitoring, settings.klaviyo
    if wishes.textfile and not wishes.textfile.parent.is_dir():
        yield f"monitoring.textfile: {wishes.textfile.parent} does not exist, so nothing is written"
    if klaviyo and not klaviyo.private_key and "reconcile" in wishes.model_fields_set:
        yield "monitoring.reconcile: only a private key may ask Klaviyo what arrived"


def _abroad(settings: Settings, carriers: Mapping[str, type[Carrier]]) -> Iterator[str]:
    """Who else learns of the parcels."""
    for key in settings.carriers:
        cls = carriers.get(key)
        if cls and cls.goes_to:
            brands = [brand for brand, block in settings.brands.items() if block.via == key]
            behind = [k for k, config in settings.carriers.items() if config.via == key]
            named = ", ".join(sorted({*brands, *behind})) or "no brand yet: name it by `via`"
            yield f"{key}: tracking numbers leave for {cls.goes_to} ({named})"


def _rivals(settings: Settings, carriers: Mapping[str, type[Carrier]]) -> Iterator[str]:
    brands: dict[str, list[str]] = {}
    for key in settings.carriers:
        if key in carriers and carriers[key].brand:
            brands.setdefault(carriers[key].brand, []).append(key)
    for brand, keys in brands.items():
        if len(keys) > 1:
            yield f"{' and '.join(keys)} both answer for {brand}: each pass chooses one of them"
