"""What each carrier's API offers and asks for: the table a merchant chooses from.

Floor 4. Knows no shop; `tracker-sync carriers` sets beside it how the configured ones do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from tracker_sync.carriers import Access, Budget, Carrier
from tracker_sync.cli import common, markdown
from tracker_sync.cli.moments import pace

_WIDTHS = (15, 7, None, 6, 14, 12)  # the third takes what is left
Classes = Iterable[type[Carrier]]


def facts(cls: type[Carrier]) -> dict[str, Any]:
    """Everything a carrier declares, for a program."""
    access = cls.access
    return {
        "key": cls.key,
        "brand": cls.brand,
        "title": cls.title,
        "regions": access.regions,
        "keys": access.keys,
        "who": access.who,
        "cost": access.cost,
        "wait": access.wait,
        "tells": list(access.tells),
        "numbers_a_call": cls.batch,
        "per_day": cls.budget.per_day,
        "per_second": cls.budget.per_second,
        "asks_delivered": cls.asks_delivered,
        "min_gap": int(cls.min_gap.total_seconds()),
        "max_per_parcel_day": cls.max_per_parcel_day,
        "needs": needed(cls),
        "settings": list(cls.Config.model_fields),
        "tracking_url": cls.tracking_url,
        "docs": cls.docs,
    }


def screen(classes: Classes) -> Iterator[Any]:
    """The table for a terminal, and where to read on."""
    listed = list(classes)
    headers = ["carrier", "regions", "how to get a key", "a call", "calls allowed", "also tells"]
    rows = [
        [
            f"{cls.title}\n{cls.key}",
            cls.access.regions.replace(", ", "\n"),
            "\n".join((cls.access.keys, *terms(cls.access), *settings(cls))),
            cls.batch,
            "\n".join(allowed(cls)),
            "\n".join(cls.access.tells),
        ]
        for cls in listed
    ]
    table = common.table(headers, rows)
    table.leading, table.padding = 1, (0, 1, 0, 0)
    for column, width in zip(table.columns, _WIDTHS, strict=True):
        column.width = width
    yield table
    yield "A call: how many numbers it may ask about. Also tells: what else, besides the status.\n"
    longest = max(len(cls.key) for cls in listed)
    yield "\n".join(f"{cls.key:<{longest}}  {cls.docs}" for cls in listed)


def in_markdown(classes: Classes) -> Iterator[str]:
    """The table for a README."""
    headers = ("carrier", "key", "regions", "how to get a key", "terms", "a call", "calls allowed")
    rows = [
        [
            f"[{cls.title}]({cls.docs})",
            f"`{cls.key}`",
            cls.access.regions,
            cls.access.keys,
            "; ".join(terms(cls.access)),
            str(cls.batch),
            ", ".join(allowed(cls)),
            ", ".join(cls.access.tells),
        ]
        for cls in classes
    ]
    yield from markdown.lines((*headers, "also tells"), rows)


def terms(access: Access) -> Iterator[str]:
    """Who may have a key, what it costs and how long it takes; the same answer is said once."""
    answers = [("who", access.who), ("cost", access.cost), ("wait", access.wait)]
    for answer, asked in groupby(answers, key=lambda pair: pair[1]):
        yield f"{', '.join(name for name, _ in asked)}: {answer}"


def settings(cls: type[Carrier]) -> list[str]:
    """The settings it cannot do without, as a line; none where there are none."""
    return [f"needs {', '.join(needed(cls))}"] if needed(cls) else []


def allowed(cls: type[Carrier]) -> Iterator[str]:
    """How often a carrier may be asked, in words."""
    yield from pieces(cls.budget) or ["no limit known"]
    if cls.max_per_parcel_day:
        yield f"{cls.max_per_parcel_day} a parcel and day"
    if not cls.asks_delivered:
        yield "not once delivered"


def pieces(budget: Budget) -> list[str]:
    """A budget in words; nothing where the carrier names no limit."""
    day = f"{budget.per_day} a day" if budget.per_day else ""
    second = pace(budget.per_second) if budget.per_second else ""
    return [words for words in (day, second) if words]


def needed(cls: type[Carrier]) -> list[str]:
    """The settings a carrier cannot do without."""
    return [name for name, field in cls.Config.model_fields.items() if field.is_required()]
