"""How the shop does, as metrics: what `status` knows, in numbers.

Floor 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from tracker_sync import __version__
from tracker_sync.cli.carriers import CarrierHealth
from tracker_sync.cli.condition import Condition, Pass, look
from tracker_sync.monitoring.textfile import Metric, Sample, gauge, table
from tracker_sync.settings import Settings
from tracker_sync.store import Store

_NOT_FOUND = "not_found"


def metrics(store: Store, settings: Settings, now: datetime) -> list[Metric]:
    """Everything worth a graph or an alarm; no number, no name, no text of anybody."""
    condition = look(store, settings, now)
    return [
        Metric("info", "gauge", "Version.", (Sample(1, {"version": __version__}),)),
        gauge("healthy", "Whether status --health says ok.", int(not condition.wrong())),
        gauge("findings", "Things that need a person.", len(condition.wrong())),
        *_pass(condition.last_good_pass, store.journal.tallies()),
        *_outbox(condition),
        *_parcels(condition),
        *_carriers(condition.carriers),
        table(
            "source_last_bundle_timestamp_seconds",
            "When a source gave something for the last time.",
            "source",
            ((one.name, _unix(one.taken_at)) for one in condition.sources),
        ),
    ]


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _pass(last: Pass | None, totals: dict[str, int]) -> Iterator[Metric]:
    if last is None or last.ended_at is None:
        return
    took = (last.ended_at - last.started_at).total_seconds()
    yield gauge("last_pass_timestamp_seconds", "When a pass last ended.", _unix(last.ended_at))
    yield gauge("last_pass_duration_seconds", "How long it took.", took)
    yield gauge("last_pass_exit_code", "Its exit code.", last.exit_code)
    counts = [(what, n) for what, n in sorted(last.counts.items()) if not what.startswith("calls.")]
    yield table("last_pass_count", "What it did.", "what", counts)
    grown = [(what, n) for what, n in sorted(totals.items()) if not what.startswith("calls.")]
    samples = tuple(Sample(n, {"what": what}) for what, n in grown)
    yield Metric("done_total", "counter", "What all passes did.", samples)
    calls = [(k.removeprefix("calls."), n) for k, n in sorted(totals.items()) if k[:6] == "calls."]
    samples = tuple(Sample(n, {"carrier": carrier}) for carrier, n in calls)
    yield Metric("carrier_calls_total", "counter", "Calls made to a carrier.", samples)


def _outbox(condition: Condition) -> Iterator[Metric]:
    stuck = [each.stuck_since for each in condition.waiting if each.stuck_since]
    late = (condition.at - min(stuck)).total_seconds() if stuck else 0
    owed = sum(each.count for each in condition.waiting)
    yield gauge("outbox_messages", "Messages owed to Klaviyo.", owed)
    yield gauge("outbox_oldest_seconds", "How long one waits that no rule holds.", max(0, late))
    yield gauge("outbox_set_aside", "Messages Klaviyo refused.", condition.set_aside)


def _parcels(condition: Condition) -> Iterator[Metric]:
    samples = tuple(
        Sample(each.count, {"brand": each.brand, "status": each.status or _NOT_FOUND})
        for each in condition.open
    )
    yield Metric("open_shipments", "gauge", "Parcels on their way.", samples)
    troubled: Counter[str] = Counter()
    for each in condition.open:
        troubled[each.brand] += each.troubled
    found = sorted(troubled.items())
    yield table("open_shipments_with_a_problem", "Of them with a problem.", "brand", found)
    unknown = [(code.carrier, code.count) for code in condition.unknown_codes]
    seen = Counter[str]()
    for carrier, count in unknown:
        seen[carrier] += count
    yield table("unknown_codes_seen", "Scans without a meaning.", "carrier", sorted(seen.items()))


def _carriers(carriers: tuple[CarrierHealth, ...]) -> Iterator[Metric]:
    def each(name: str, help_: str, values: Sequence[float | None]) -> Metric:
        keys = [one.key for one in carriers]
        return table(f"carrier_{name}", help_, "carrier", zip(keys, values, strict=True))

    answered = [_unix(one.answered_at) for one in carriers]
    left = [None if c.per_day is None else max(0, c.per_day - c.used) for c in carriers]
    yield each("last_answer_timestamp_seconds", "When it last gave a good answer.", answered)
    yield each("calls_used", "Calls on its day.", [one.used for one in carriers])
    yield each("calls_left", "Calls left on its day.", left)
    yield each("failing", "Whether its last call failed.", [bool(c.failure) for c in carriers])
