"""`tracker-sync events`: the catalogue of messages Klaviyo may get.

Floor 4. Needs no configuration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from tracker_sync.cli import common
from tracker_sync.cli import markdown as written
from tracker_sync.errors import UserError
from tracker_sync.messages.catalogue import Entry, catalogue, where_used
from tracker_sync.model import Kind
from tracker_sync.settings.words import suggestion

_FEW = 3  # kinds named beside a property


@common.command("events")
@click.argument("kind", required=False)
@click.option("--markdown", is_flag=True, help="Print it as tables for a README.")
@common.as_json
def command(*, kind: str | None, markdown: bool, as_json: bool) -> None:
    """List all messages Klaviyo may get; with KIND, everything an example of it says."""
    entries = _chosen(kind)
    if as_json:
        common.print_json([_facts(entry) for entry in entries])
    elif markdown:
        click.echo("\n".join(_markdown(entries)))
    elif kind:
        common.show(*_one(entries[0]))
    else:
        common.show(*_all(entries))


def _chosen(kind: str | None) -> tuple[Entry, ...]:
    entries = catalogue()
    if kind and kind not in frozenset(Kind):
        hint = suggestion(kind, Kind) or "; `tracker-sync events` lists them"
        raise UserError(f"{kind} is not a kind of message we know{hint}")
    return tuple(entry for entry in entries if kind in (None, entry.kind))


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "metric": entry.spec.metric,
        "when": entry.spec.says,
        "sent": entry.sent,
        "quiet": entry.spec.quiet,
        "lasts": entry.spec.lasts,
        "about": entry.spec.about,
        "properties": dict(entry.example),
    }


def _row(entry: Entry) -> list[str]:
    spec = entry.spec
    return [entry.kind, spec.metric, spec.says, entry.sent, "waits" if spec.quiet else ""]


_HEADERS = ("kind", "metric", "when", "sent", "night")


def _all(entries: Sequence[Entry]) -> Iterator[Any]:
    listed = common.table(_HEADERS, map(_row, entries))
    listed.columns[1].no_wrap, listed.padding = True, (0, 1, 0, 0)
    yield listed
    yield (
        "Sent: on unless muted (messages.mute), off unless enabled (messages.enable); a review "
        "request only if set up (follow_ups). Night: waits for the end of messages.quiet_hours."
    )
    yield common.table(("property", "example", "in"), _properties(entries))
    yield "A property without a value is left out. `tracker-sync events KIND` shows one example."


def _one(entry: Entry) -> Iterator[Any]:
    yield f"{entry.spec.metric} ({entry.kind}): {entry.spec.says}"
    rows = [[name, _spelt(value)] for name, value in entry.example.items()]
    yield common.table(("property", "example"), rows)


def _properties(entries: Sequence[Entry]) -> Iterator[list[str]]:
    for name, value, kinds in where_used(entries):
        named = ", ".join(kinds) if len(kinds) <= _FEW else "many"
        yield [name, _spelt(value), "all" if len(kinds) == len(entries) else named]


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _markdown(entries: Sequence[Entry]) -> Iterator[str]:
    rows = [[f"`{row[0]}`", *row[1:]] for row in map(_row, entries)]
    yield from written.lines(_HEADERS, rows)
    yield ""
    listed = [[name, f"`{value}`", where] for name, value, where in _properties(entries)]
    yield from written.lines(("property", "example", "in"), listed)
