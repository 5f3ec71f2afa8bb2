"""The same lives twice: once undisturbed, once with processes that are killed; and the verdict.

Every moment begins with all open parcels due. Some passes that were killed are not repeated at the
same moment, as from cron: the next one comes later. What such a moment would have told may then
come late, or not at all where it is no longer true. Nothing else may differ.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean
from time import monotonic
from typing import Any

from kills.lives import LATE, START, Parcel, Town, town
from kills.shop import PLACES, Blow, Shop, opened
from passes.world import METRICS
from tracker_sync.sandbox.klaviyo import Event

# Why a message that would have gone on time does not go any more.
NO_LONGER = re.compile(r"overtaken: \w+|\w+ is over|the problem is over|withdrawn: .+|lapsed")
WORDS = {"address": "address_problem", "collected": "delivered"}
AFTER = {"ready_for_pickup": {"pickup_reminder"}, "delivered": {"review_request"}}
RETURNED = {
    "dispatched": "return_in_transit",
    "delivered": "return_arrived",
}


@dataclass(frozen=True)
class Plan:
    """How large a trial is."""

    kills: int
    parcels: int
    seed: int
    days: int = 4  # on which orders come
    hours: tuple[int, ...] = (2, *range(6, 23))  # of a day, when passes run
    quiet: tuple[int, ...] = (8, 18)  # of the last days, when little happens
    given_up: float = 0.15  # share of killed passes that are not repeated at once

    @property
    def moments(self) -> list[datetime]:
        """When passes run: until the last review was asked for."""
        midnight = START.replace(hour=0)
        grid = [
            midnight + timedelta(days=day, hours=hour)
            for day in range(self.days + 9)
            for hour in (self.hours if day < self.days + 3 else self.quiet)
        ]
        return [moment for moment in grid if moment >= START]


@dataclass
class Verdict:
    """What came of a trial; everything under `wrong` must be nought."""

    kills: int = 0
    finished_first: int = 0  # passes that were to be killed, and were faster
    passes: int = 0  # that came to their end
    given_up: int = 0  # moments without a pass that came to its end
    killed_while: dict[str, int] = field(default_factory=dict)
    expected: int = 0
    accepted: int = 0
    sent_again: int = 0  # the same message once more, as it may be after a kill
    late: int = 0
    overtaken: int = 0  # expected, and no longer true when the next pass came
    calls: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.wrong.values())

    def told(self) -> dict[str, Any]:
        """Everything for a program; of what is wrong the number and some examples."""
        counts = {name: len(each) for name, each in self.wrong.items()}
        examples = {name: each[:5] for name, each in self.wrong.items() if each}
        return {**asdict(self), "wrong": counts, "examples": examples, "good": self.good}


@dataclass
class Diary:
    """What Klaviyo had accepted after each moment."""

    moments: list[datetime] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def note(self, now: datetime, found: Shop) -> None:
        """Write down how far it got."""
        self.moments.append(now)
        self.lengths.append(len(found.klaviyo.accepted))

    def arrival(self, accepted: Sequence[Event]) -> dict[str, datetime]:
        """When each message was accepted."""
        found: dict[str, datetime] = {}
        place = 0
        for moment, length in zip(self.moments, self.lengths, strict=True):
            for event in accepted[place:length]:
                found.setdefault(str(event.unique_id), moment)
            place = length
        return found


def trial(
    plan: Plan, folder: Path, progress: Callable[[int, int], None] = lambda done, of: None
) -> Verdict:
    """Live through the plan twice and compare."""
    began, lives = monotonic(), town(plan.seed, plan.parcels, plan.days)
    with ExitStack() as stack:
        calm = stack.enter_context(opened(folder / "calm", lives))
        rough = stack.enter_context(opened(folder / "rough", lives))
        usual, needed = _calm(calm, plan)
        verdict, diary, gaps = _rough(rough, plan, needed, progress)
        compare(verdict, (calm, usual), (rough, diary), gaps)
        truths(verdict, lives, rough)
    verdict.seconds = round(monotonic() - began, 1)
    return verdict


def _calm(found: Shop, plan: Plan) -> tuple[Diary, dict[datetime, int]]:
    """Live undisturbed; what came when, and the calls each pass needed."""
    diary, before = Diary(), None
    needed: dict[datetime, int] = {}
    for now in plan.moments:
        found.live(before, now)
        calls = found._seen.total()
        found.calm_pass(now)
        needed[now] = found._seen.total() - calls
        diary.note(now, found)
        before = now
    return diary, needed


def _rough(
    found: Shop, plan: Plan, needed: dict[datetime, int], progress: Callable[[int, int], None]
) -> tuple[Verdict, Diary, set[datetime]]:
    """Live with kills, until the last one is dealt."""
    verdict, diary, dice = Verdict(), Diary(), Random(f"kills {plan.seed}")
    gaps: set[datetime] = set()
    durations, before = [1.0], None
    moments = plan.moments
    for index, now in enumerate(moments):
        found.live(before, now)
        before = now
        share = _share(plan.kills - verdict.kills, [needed[each] for each in moments[index:]])
        goal = verdict.kills + share
        for blow in _blows(dice, 4 * share, needed[now], durations):
            if verdict.kills == goal:
                break
            fallen = found.sync(now, blow)
            if fallen is None:
                verdict.finished_first += 1
                continue
            verdict.kills += 1
            verdict.killed_while[fallen.at] = verdict.killed_while.get(fallen.at, 0) + 1
            progress(verdict.kills, plan.kills)
        last = index >= len(moments) - 3 or index < 2  # the switch-on, and time to catch up
        if share and not last and dice.random() < plan.given_up:
            gaps.add(now)
        else:
            began = monotonic()
            found.sync(now)
            durations.append(monotonic() - began)
            verdict.passes += 1
        diary.note(now, found)
    verdict.given_up = len(gaps)
    return verdict, diary, gaps


def _share(left: int, calls: list[int]) -> int:
    """How many of the kills that are left fall on the next pass: more where more happens."""
    weights = [5 + count for count in calls]
    return -(-left * weights[0] // sum(weights))


def _blows(dice: Random, count: int, calls: int, durations: list[float]) -> Iterator[Blow]:
    """Half by the clock, over all of a pass; half at one of the calls it has to make."""
    for _ in range(count):
        if calls and dice.random() < 0.6:
            yield Blow(call=dice.randint(1, calls), place=dice.choice(PLACES))
            calls = max(1, calls // 2)  # what was done before is not done again
        else:
            yield Blow(seconds=dice.uniform(0.02, 1.05 * mean(durations[-20:])))


# -- the verdict ----------------------------------------------------------------------


def facts(event: Event) -> tuple[object, ...]:
    """What must be the same: id, metric, recipient, time, body; our own forecast aside.

    It is learned from the order in which answers came, which no two runs have in common.
    """
    body = dict(event.properties)
    if body.get("EstimateSource") != "carrier":
        body.pop("EstimatedDelivery", None)
        body.pop("EstimateSource", None)
    return (event.unique_id, event.metric, event.email, event.time, repr(sorted(body.items())))


def compare(
    verdict: Verdict,
    calm: tuple[Shop, Diary],
    rough: tuple[Shop, Diary],
    gaps: set[datetime],
) -> None:
    """Hold one run against the other."""
    expected = {str(e.unique_id): e for e in calm[0].klaviyo.accepted}
    accepted = {str(e.unique_id): e for e in rough[0].klaviyo.accepted}
    due = calm[1].arrival(calm[0].klaviyo.accepted)
    came = rough[1].arrival(rough[0].klaviyo.accepted)
    fates = {row["id"]: row["reason"] for row in rough[0].rows(
        "SELECT id, reason FROM messages WHERE state = 'withheld'")}  # fmt: skip
    excused = {
        key
        for key in expected.keys() - accepted.keys()
        if due[key] in gaps and NO_LONGER.fullmatch(fates.get(key, ""))
    }
    late = {key for key in expected.keys() & came.keys() if came[key] > due[key]}
    ids = Counter(e.unique_id for e in rough[0].klaviyo.accepted)
    verdict.expected, verdict.accepted = len(expected), len(accepted)
    verdict.sent_again = len(rough[0].klaviyo.duplicates)
    verdict.late, verdict.overtaken = len(late), len(excused)
    verdict.wrong |= {
        "missing": [_said(expected[key], fates.get(key)) for key in
                    expected.keys() - accepted.keys() - excused],
        "doubled": [str(key) for key, count in ids.items() if count > 1],
        "never expected": [_said(accepted[key]) for key in accepted.keys() - expected.keys()],
        "changed": [
            f"{facts(expected[key])} became {facts(accepted[key])}"
            for key in expected.keys() & accepted.keys()
            if facts(expected[key]) != facts(accepted[key])
        ],
        "sent again otherwise": [
            f"{first} became {again}" for first, again in rough[0].klaviyo.duplicates
            if first != again
        ],
        "late without a gap": [_said(expected[key]) for key in late if due[key] not in gaps],
        "refused by Klaviyo": [
            f"{row['kind']}: {row['reason']}" for row in rough[0].rows(
                "SELECT kind, reason FROM messages WHERE state IN ('set_aside', 'dropped')")
        ],
    }  # fmt: skip


def _said(event: Event, reason: str | None = None) -> str:
    why = f" ({reason})" if reason else ""
    return f"{event.metric} of {event.properties.get('TrackingNumber')} at {event.time}{why}"


def truths(verdict: Verdict, lives: Town, rough: Shop) -> None:
    """What must hold whatever any run says: from the lives alone."""
    parcels = lives.by_number
    told: dict[str, Counter[str]] = {number: Counter() for number in parcels}
    false: list[str] = []
    for event in rough.klaviyo.accepted:
        parcel, kind = parcels[str(event.properties["TrackingNumber"])], METRICS[event.metric]
        told[parcel.number][kind] += 1
        if kind not in _reached(parcel, lives) or not _true_time(parcel, kind, event):
            false.append(_said(event))
    silent = [
        f"{number} was delivered and told {told[number]['delivered']} times"
        for number, parcel in parcels.items()
        if parcel.arrives and told[number]["delivered"] != 1
    ]
    used = rough.rows("SELECT account, sum(used) AS calls FROM budgets GROUP BY account")
    booked = {row["account"]: row["calls"] for row in used}
    made = {key: rough.carriers.calls[key] for key in ("ups", "dhl_parcel_de")}
    made["ups"] -= rough.carriers.requests - sum(
        count for peer, count in rough.calls.items() if peer == "carriers"
    )
    verdict.calls = {key: f"{count} of {booked.get(key, 0)} booked" for key, count in made.items()}
    integrity = [row[0] for row in rough.rows("PRAGMA integrity_check")]
    taken = [path for path in rough.files() if "/" not in path]
    rejected = [path for path in rough.files() if path.startswith("rejected/")]
    verdict.wrong |= {
        "a status never reached": false,
        "delivered and not told once": silent,
        "calls without a booking": [
            key for key, count in made.items() if count > booked.get(key, 0)
        ],
        "damage": [text for text in integrity if text != "ok"],
        "files left": taken,
        "rejected rows": [] if len(rejected) == rough._files else rejected,
    }


def _reached(parcel: Parcel, lives: Town) -> set[str]:
    """Every kind that may be told of a parcel."""
    words = {WORDS.get(word, word) for _, word in parcel.steps}
    if parcel.direction:
        return {"return_label_created", *(RETURNED[word] for word in words if word in RETURNED)}
    kinds = words | {kind for word in words for kind in AFTER.get(word, ())}
    if not _completes(lives.orders()[parcel.order]):
        kinds -= {"review_request"}
    return kinds | ({"delayed"} if parcel.fate in LATE else set())


def _completes(parcels: list[Parcel]) -> bool:
    """Whether an order arrives; a label that nobody uses is no parcel, unless it was counted."""
    sent = [parcel for parcel in parcels if not parcel.direction]
    arrived = sum(parcel.arrives for parcel in sent)
    used = sum(parcel.fate != "label" for parcel in sent)
    return used == arrived >= int(parcels[0].count or 1)


def _true_time(parcel: Parcel, kind: str, event: Event) -> bool:
    """A status is told with the time it was reached."""
    times = [at for at, word in parcel.steps if WORDS.get(word, word) == kind]
    return not times or event.time in times
