"""`tracker-sync status`: one screen about parcels, messages, carriers and what needs a person.

Floor 4. `--health` says the same to a monitor: one line, and an exit code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, tzinfo
from typing import Any

import click

from tracker_sync.cli import common
from tracker_sync.cli.carriers import CarrierHealth, table
from tracker_sync.cli.condition import Condition, Pass, look
from tracker_sync.cli.moments import ago, local, span, when
from tracker_sync.lifecycle import RANK
from tracker_sync.model import Status
from tracker_sync.sync.planning import relearn_all

_ORDER: tuple[str | None, ...] = (None, *RANK, Status.CANCELLED, Status.LOST)
_NOT_FOUND = "not found yet"
_COUNTS = {
    "asked": "asked",
    "transitions": "changed",
    "accepted": "sent",
    "withheld": "withheld",
    "failed": "failed",
    "left": "left",
}
_MOST_CODES = 10


@common.command("status")
@click.option("--health", is_flag=True, help="For a monitor: one line, exit 1 if all is not well.")
@click.option("--relearn", is_flag=True, help="First learn anew from every scan that is stored.")
@common.as_json
@click.pass_context
def command(ctx: click.Context, *, health: bool, relearn: bool, as_json: bool) -> None:
    """Show how the shop's parcels, carriers and messages do.

    "still wanted": the calls today's parcels will want from a carrier until its midnight, where
    it allows so many a day.
    """
    wishes, now = common.settings(ctx), common.now(ctx)
    if health and not wishes.database.exists():
        _answer(["no pass has run yet"], as_json=as_json)
    if relearn:
        _relearn(ctx, now)
    condition = look(common.store(ctx, existing=True), wishes, now)
    condition = replace(condition, carriers=_with_forecast(ctx, condition, now))
    if health:
        _answer(condition.wrong(), as_json=as_json)
    elif as_json:
        common.print_json(facts(condition))
    else:
        common.show(*screen(condition, wishes.shop.zone))


def _with_forecast(
    ctx: click.Context, condition: Condition, now: datetime
) -> tuple[CarrierHealth, ...]:
    """Add how many calls will be wanted today, where they are limited."""
    house = common.house(ctx, now)
    return tuple(
        replace(one, wanted=house.planner.forecast(house, house.carriers[one.key], now))
        if one.per_day is not None
        else one
        for one in condition.carriers
    )


def _relearn(ctx: click.Context, now: datetime) -> None:
    """Forget what the planner learned, and learn it anew from the stored scans."""
    with common.alone(ctx):
        house = common.house(ctx, now)
        count = relearn_all(house, now)
    click.echo(f"learned anew from {count} parcels", err=True)


def _answer(wrong: list[str], *, as_json: bool) -> None:
    """Say everything that is not well in one line, or ok; end with 1 or 0."""
    line = "; ".join(" ".join(text.split()) for text in wrong)
    if as_json:
        common.print_json({"ok": not wrong, "wrong": wrong})
    else:
        common.say(line or "ok")
    raise click.exceptions.Exit(common.PERSON if wrong else common.FINE)


def facts(condition: Condition) -> dict[str, Any]:
    """Everything for a program; durations in seconds."""
    every = int(condition.every.total_seconds())
    return {**asdict(condition), "every": every, "wrong": condition.wrong()}


def screen(condition: Condition, zone: tzinfo) -> Iterator[Any]:
    """What a person sees, from the whole to the single thing."""
    yield f"{condition.shop}, {local(condition.at, zone)}"
    yield f"last pass: {_pass(condition.last_pass, condition, zone)}"
    if condition.klaviyo:
        yield f"Klaviyo: {condition.klaviyo}"
    yield from _arrived(condition, zone)
    yield from _needs_a_person(condition)
    yield _parcels(condition)
    yield from _messages(condition, zone)
    yield from _carriers(condition, zone)
    yield from _sources(condition, zone)
    yield from _unknown(condition)


def _arrived(condition: Condition, zone: tzinfo) -> Iterator[str]:
    last = condition.arrived
    if last is None:
        return
    at = when(last.at, condition.at, zone)
    if last.why:
        yield f"arrived at Klaviyo: could not be compared {at}: {last.why}"
        return
    arrived = last.accepted - last.missing
    yield f"arrived at Klaviyo: {arrived} of {last.accepted} events in a week, compared {at}"


def _pass(last: Pass | None, condition: Condition, zone: tzinfo) -> str:
    if last is None:
        return "never; run `tracker-sync sync`"
    begun = when(last.started_at, condition.at, zone)
    if last.ended_at is None:
        return f"{begun}, still running or broken off"
    took = last.ended_at - last.started_at
    lasted = f", took {span(took)}" if took else ""
    counts = [f"{last.counts[k]} {word}" for k, word in _COUNTS.items() if last.counts.get(k)]
    return f"{begun}{lasted}, exit {last.exit_code}: {', '.join(counts) or 'nothing new'}"


def _needs_a_person(condition: Condition) -> Iterator[Any]:
    """Everything that is not well, and the notices of the last days."""
    wrong = condition.wrong()
    old = [f.text for f in condition.findings if f.text not in wrong]
    since = {f.text: f" ({ago(f.since, condition.at)})" for f in condition.findings}
    yield "\nNeeds a person:" if wrong else "all is well"
    yield from (f"  ! {text}{since.get(text, '')}" for text in wrong)
    if old:
        yield "\nLately:"
    yield from (f"  - {text}{since[text]}" for text in old)
    yield ""


def _parcels(condition: Condition) -> Any:
    brands = sorted({group.brand for group in condition.open})
    if not brands:
        return "Open parcels: none"
    counts = {(group.brand, group.status): group.count for group in condition.open}
    troubled = Counter[str | None]()
    for group in condition.open:
        troubled[group.status] += group.troubled
    rows = [
        [status or _NOT_FOUND, *(counts.get((b, status)) for b in brands), troubled[status] or None]
        for status in _ORDER
        if any((brand, status) in counts for brand in brands)
    ]
    total = [sum(g.count for g in condition.open if g.brand == brand) for brand in brands]
    if len(rows) > 1:
        rows.append(["all", *total, sum(troubled.values()) or None])
    return common.table(["open parcels", *brands, "with a problem"], rows)


def _messages(condition: Condition, zone: tzinfo) -> Iterator[Any]:
    if condition.waiting or condition.set_aside:
        rows: list[list[object]] = [
            [g.why, g.count, local(g.oldest, zone), local(g.next, zone)] for g in condition.waiting
        ]
        if condition.set_aside and condition.set_aside_since:
            oldest = local(condition.set_aside_since, zone)
            rows.append(["refused by Klaviyo, set aside", condition.set_aside, oldest, "never"])
        headers = ["messages waiting", "count", "oldest", "next look"]
        yield common.table(headers, rows)
    else:
        yield "Messages waiting: none\n"
    for kind, since in condition.pauses.items():
        what = "every kind" if kind == "*" else kind
        yield f"Paused: {what}, since {local(since, zone)}; `tracker-sync resume` lets it go\n"


def _carriers(condition: Condition, zone: tzinfo) -> Iterator[Any]:
    if condition.carriers:
        yield table(condition.carriers, condition.at, zone)
    for brand in condition.without_carrier:
        count = sum(group.count for group in condition.open if group.brand == brand)
        yield f"Nobody is asked about {count} of {brand}: no carrier for it is configured\n"


def _sources(condition: Condition, zone: tzinfo) -> Iterator[Any]:
    if condition.sources:
        rows = [
            [s.name, s.bundles, when(s.taken_at, condition.at, zone)] for s in condition.sources
        ]
        yield common.table(["source", "bundles", "last one"], rows)


def _unknown(condition: Condition) -> Iterator[Any]:
    codes = condition.unknown_codes
    if codes:
        rows = [[u.carrier, u.code, u.count, u.text] for u in codes[:_MOST_CODES]]
        yield common.table(["carrier", "unknown code", "seen", "its words"], rows)
        more = f"{len(codes) - _MOST_CODES} more; " if len(codes) > _MOST_CODES else ""
        yield f"{more}`tracker-sync carriers` shows how to give them a meaning"
