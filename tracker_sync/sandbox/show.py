"""The demo on a screen: who received what and when, what was withheld and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tracker_sync.sandbox.lives import ZONE
from tracker_sync.sandbox.results import DemoResult, Kept, Mail, Told

_NOT_ENABLED = "not enabled"


def tables(result: DemoResult) -> list[Any]:
    """Return what to print, top to bottom."""
    return [
        _spaced(_opening(result)),
        _received(result),
        _withheld(result),
        *(_spaced(Text(f"For a person: {finding}")) for finding in result.findings),
        _spaced(_closing(result)),
    ]


def _spaced(text: Text) -> Padding:
    return Padding(text, (1, 1, 0, 1), expand=False)


def _opening(result: DemoResult) -> Text:
    first, last = (moment.astimezone(ZONE) for moment in (result.begins, result.ends))
    days = f"{first:%A} {first.day} {first:%B} to {last:%A} {last.day} {last:%B %Y}"
    return Text.assemble(
        ("A week of a small shop", "bold"),
        f" · {days}\n",
        ("Time, parcels, carriers and Klaviyo are pretended on this machine; the ", "dim"),
        (
            "passes are real.\n“held”: it happened in the quiet hours and was told after them.",
            "dim",
        ),
    )


def _received(result: DemoResult) -> Table:
    table = _table("Order", "What the customer received", "When")
    for told in result.orders:
        table.add_row(Text(told.order, "bold"), Text(told.about, "dim"))
        for mail in told.mails:
            table.add_row("", _what(mail), _when(mail))
        if not told.mails:
            table.add_row("", "  nothing")
        table.add_row()
    return table


def _withheld(result: DemoResult) -> Table:
    table = _table("Order", "Withheld", "Why")
    for told in result.orders:
        for reason, kept in _by_reason(told):
            table.add_row(Text(told.order, "bold"), Text(", ".join(kept)), Text(reason))
            table.add_row()
    off = {kept.metric: None for kept in _kept(result) if kept.reason == _NOT_ENABLED}
    if off:
        why = Text("off, unless you enable them")
        table.add_row(Text("all", "bold"), Text(", ".join(off)), why)
    return table


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in names:
        table.add_column(name)
    table.columns[1].max_width = 44
    return table


def _what(mail: Mail) -> Text:
    detail = f" · {_plain(mail.detail)}" if mail.detail else ""
    return Text.assemble("  ", mail.metric, (detail, "dim"))


def _when(mail: Mail) -> Text:
    happened = mail.happened.astimezone(ZONE)
    note = f" · held from {happened:%H:%M}" if mail.waited == "quiet hours" else ""
    return Text.assemble(_moment(mail.at), (note, "dim"))


def _moment(moment: datetime) -> str:
    local = moment.astimezone(ZONE)
    return f"{local:%a} {local.day:>2} {local:%b %H:%M}"


def _by_reason(told: Told) -> Iterator[tuple[str, list[str]]]:
    """The metrics withheld of one order, those with the same reason together."""
    kept = [kept for kept in told.kept if kept.reason != _NOT_ENABLED]
    for reason, group in groupby(kept, key=lambda kept: kept.reason):
        yield _plain(reason), [each.metric for each in group]


def _kept(result: DemoResult) -> Iterator[Kept]:
    return (kept for told in result.orders for kept in told.kept)


def _plain(words: str) -> str:
    return words.replace("_", " ")


def _closing(result: DemoResult) -> Text:
    withheld = sum(kept.reason != _NOT_ENABLED for kept in _kept(result))
    calls = ", ".join(f"{count} {carrier}" for carrier, count in result.calls.items())
    return Text.assemble(
        f"{len(result.orders)} orders with {result.parcels} parcels brought ",
        (f"{result.mails} messages, {result.mails / len(result.orders):.1f} an order", "bold"),
        f"; {withheld} were withheld.\n",
        f"Carriers were called {sum(result.calls.values())} times ({calls}):",
        f" {result.looks / result.parcels:.0f} looks at a parcel.\n",
        f"{result.passes} passes in {result.seconds:.1f} seconds. Nothing left this machine.",
    )
