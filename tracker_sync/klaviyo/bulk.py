"""Many events in one call.

Klaviyo takes such a call whole or not at all: one bad event refuses the rest with it, and so does
a unique id that stands twice for one profile and metric. So repeats are taken out first, the event
an error points to is taken out and the others are sent again, and where an error does not say
which one it means, the call is halved until it does.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracker_sync.klaviyo.body import MAX_BYTES, compact
from tracker_sync.klaviyo.outcome import Outcome, OutcomeState, faults, judge

if TYPE_CHECKING:
    import httpx

STOPS = (OutcomeState.AGAIN, OutcomeState.HALT)
_MAX_EVENTS = 1_000
_ENVELOPE = 100  # bytes around an event that stands in a profile of its own
_POINTER = re.compile(r"/events-bulk-create/data/(\d+)(?:/attributes/events/data/(\d+))?")

Post = Callable[[str], "httpx.Response | Outcome"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One event to be sent, and where its outcome belongs."""

    index: int
    size: int
    profile: str  # the same text = the same customer
    attributes: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """What Klaviyo tells events apart by."""
        metric = self.attributes["metric"]["data"]["attributes"]["name"]
        return (self.profile, metric, self.attributes["unique_id"])


def send_many(bodies: Sequence[str], post: Post) -> list[Outcome]:
    """Send *bodies* through *post*; one outcome each, in their order."""
    entries = [_entry(index, body) for index, body in enumerate(bodies)]
    firsts: dict[tuple[str, str, str], _Entry] = {}
    for entry in entries:
        firsts.setdefault(entry.key, entry)
    outcomes = _send(deque(_parcels(firsts.values())), post)
    return [outcomes[firsts[entry.key].index] for entry in entries]


def _send(waiting: deque[list[_Entry]], post: Post) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    while waiting:
        entries = waiting.popleft()
        groups = _grouped(entries)
        answer = post(_text(groups))
        outcome = answer if isinstance(answer, Outcome) else judge(answer)
        if outcome.state in STOPS:
            entries.extend(entry for parcel in waiting for entry in parcel)
            return outcomes | {entry.index: outcome for entry in entries}
        blamed = set() if isinstance(answer, Outcome) else set(_blamed(answer, groups))
        if outcome.state is OutcomeState.REFUSED and blamed:
            outcomes |= dict.fromkeys(blamed, outcome)
            rest = [entry for entry in entries if entry.index not in blamed]
            waiting.extendleft([rest] if rest else [])
        elif outcome.state is OutcomeState.ACCEPTED or len(entries) == 1:
            outcomes |= {entry.index: outcome for entry in entries}
        else:
            half = len(entries) // 2
            waiting.extendleft([entries[half:], entries[:half]])
    return outcomes


def _entry(index: int, body: str) -> _Entry:
    attributes = json.loads(body)["data"]["attributes"]
    size = len(body.encode()) + _ENVELOPE
    return _Entry(index, size, _customer(attributes["profile"]), attributes)


def _customer(profile: dict[str, Any]) -> str:
    email = profile["data"]["attributes"].get("email")
    return email.lower() if email else compact(profile)


def _parcels(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """Cut *entries* into calls within the limits, keeping their order."""
    parcel: list[_Entry] = []
    size = _ENVELOPE
    for entry in entries:
        if parcel and (len(parcel) == _MAX_EVENTS or size + entry.size >= MAX_BYTES):
            yield parcel
            parcel, size = [], _ENVELOPE
        parcel.append(entry)
        size += entry.size
    if parcel:
        yield parcel


def _grouped(entries: Iterable[_Entry]) -> list[list[_Entry]]:
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.profile, []).append(entry)
    return list(groups.values())


def _text(groups: Iterable[Sequence[_Entry]]) -> str:
    jobs = {"data": [_element(group) for group in groups]}
    attributes = {"events-bulk-create": jobs}
    return compact({"data": {"type": "event-bulk-create-job", "attributes": attributes}})


def _element(group: Sequence[_Entry]) -> dict[str, Any]:
    """One profile with its events."""
    events = [
        {"type": "event", "attributes": _without_profile(entry.attributes)} for entry in group
    ]
    attributes = {"profile": group[0].attributes["profile"], "events": {"data": events}}
    return {"type": "event-bulk-create", "attributes": attributes}


def _without_profile(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != "profile"}


def _blamed(response: httpx.Response, groups: Sequence[Sequence[_Entry]]) -> Iterator[int]:
    """Yield the entries the errors point to: one event, or all of one profile."""
    for fault in faults(response):
        found = _POINTER.search(fault.pointer)
        if not found or int(found[1]) >= len(groups):
            continue
        group = groups[int(found[1])]
        if found[2] is None:
            yield from (entry.index for entry in group)
        elif int(found[2]) < len(group):
            yield group[int(found[2])].index
