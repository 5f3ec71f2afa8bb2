"""Where a history ends and what is told on the way: promise P3, a row a rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pure.histories import BERLIN, MONDAY, Memory, history, moment, sentences, stands, steps, walked
from tracker_sync.lifecycle import ahead, believed, birth
from tracker_sync.model import Detail, Direction, Problem, Scan, Shipment, Status


@dataclass(frozen=True)
class Case:
    """When this is scanned, then these steps are told, and the parcel stands there."""

    when: str
    scans: tuple[Scan, ...]
    steps: str
    ends: str


def cases(*rows: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", rows, ids=[row.when for row in rows])


def check(case: Case, **options: Any) -> None:
    traced = walked(case.scans, **options)

    assert (steps(traced.transitions), stands(traced.state)) == (case.steps, case.ends)


@cases(
    Case("nothing was scanned", (), "", "nothing"),
    Case(
        "all goes well",
        history(
            "announced 0h",
            "dispatched 18h",
            "in_transit 1d3h",
            "out_for_delivery 2d8h",
            "delivered 2d11h",
        ),
        "announced, dispatched, in_transit, out_for_delivery Wed, delivered",
        "delivered",
    ),
    Case(
        "failed twice, then in a shop, then collected",
        history(
            "in_transit 0h",
            "out_for_delivery 1d8h",
            "delivery_failed 1d12h",
            "out_for_delivery 2d8h",
            "delivery_failed 2d12h",
            "ready_for_pickup 2d17h",
            "delivered/collected 4d18h",
        ),
        "dispatched, out_for_delivery Tue, delivery_failed Tue, out_for_delivery Wed,"
        " delivery_failed Wed, ready_for_pickup, delivered",
        "delivered",
    ),
    Case(
        "out for delivery again on the second day",
        history("in_transit 0h", "out_for_delivery 1d8h", "out_for_delivery 2d8h"),
        "dispatched, out_for_delivery Tue, out_for_delivery Wed",
        "out_for_delivery",
    ),
    Case(
        "an early status comes after a high one",
        history("out_for_delivery 8h", "in_transit 9h", "dispatched 10h", "announced 11h"),
        "out_for_delivery Mon",
        "out_for_delivery",
    ),
    Case(
        "each status of the shared rank follows the other",
        history("ready_for_pickup 8h", "delivery_failed 9h", "out_for_delivery 10h"),
        "ready_for_pickup, delivery_failed Mon, out_for_delivery Mon",
        "out_for_delivery",
    ),
)
def test_a_history_goes_forward(case: Case) -> None:
    check(case)


@cases(
    Case(
        "the first scan says in transit",
        history("announced 0h", "in_transit 5h"),
        "announced, dispatched",
        "dispatched",
    ),
    Case("the first scan says dispatched", history("dispatched 5h"), "dispatched", "dispatched"),
    Case(
        "the first scan says more",
        history("announced 0h", "out_for_delivery 5h", "in_transit 6h"),
        "announced, out_for_delivery Mon",
        "out_for_delivery",
    ),
    Case("the first scan is the delivery", history("delivered 5h"), "delivered", "delivered"),
    Case("the first scan turns it back", history("returning 5h"), "returning", "returning"),
    Case(
        "in transit is scanned twice in one minute",
        history("in_transit 5h", "in_transit 5h0m59s"),
        "dispatched",
        "dispatched",
    ),
    Case(
        "in transit is scanned again a minute later",
        history("in_transit 5h0m59s", "in_transit 5h1m"),
        "dispatched, in_transit",
        "in_transit",
    ),
    Case(
        "in transit is scanned in the minute of the dispatch, then later",
        history("dispatched 5h", "in_transit 5h0m30s", "in_transit 9h"),
        "dispatched, in_transit",
        "in_transit",
    ),
    Case(
        "the label and the parcel are scanned at once",
        history("announced 5h", "in_transit 5h"),
        "announced, dispatched",
        "dispatched",
    ),
    Case(
        "only unknown codes and remarks came before",
        history("unknown 1h", "info 2h", "in_transit 5h"),
        "dispatched",
        "dispatched",
    ),
    Case(
        "the source told the dispatch",
        history("source dispatched 0h", "in_transit 5h"),
        "dispatched",
        "dispatched",
    ),
    Case(
        "the source told the dispatch, the label is scanned late",
        history("source dispatched 0h", "announced 1h", "dispatched 5h", "in_transit 9h"),
        "dispatched, in_transit",
        "in_transit",
    ),
    Case(
        "the source told the dispatch, then two scans fall into one minute",
        history("source dispatched 0h", "in_transit 5h", "in_transit 5h"),
        "dispatched",
        "dispatched",
    ),
    Case(
        "the source told the dispatch, the first scan says more",
        history("source dispatched 0h", "out_for_delivery 1d8h"),
        "dispatched, out_for_delivery Tue",
        "out_for_delivery",
    ),
    Case(
        "the source tells the dispatch after the carrier",
        history("in_transit 0h", "source dispatched 5h"),
        "dispatched",
        "dispatched",
    ),
    Case(
        "the source made a label, the carrier took it",
        history("source announced 0h", "in_transit 5h"),
        "announced, dispatched",
        "dispatched",
    ),
)
def test_the_first_physical_scan_is_the_dispatch(case: Case) -> None:
    check(case)


def test_a_single_answer_is_read_without_the_first_scan_rule() -> None:
    check(
        Case("", history("in_transit 5h", "in_transit 5h"), "in_transit", "in_transit"),
        first_scan_rule=False,
    )


def test_a_source_is_no_carrier_scan() -> None:
    state = walked(history("source dispatched 0h")).state

    assert (state.first_scan_at, state.last_scan_at) == (None, None)


@cases(
    Case(
        "out for delivery is scanned twice a day",
        history("out_for_delivery 8h", "out_for_delivery 14h"),
        "out_for_delivery Mon",
        "out_for_delivery",
    ),
    Case(
        "it fails twice a day",
        history("delivery_failed 8h", "out_for_delivery 9h", "delivery_failed 14h"),
        "delivery_failed Mon, out_for_delivery Mon",
        "delivery_failed",
    ),
    Case(
        "it fails, and goes out again the same day",
        history("out_for_delivery 8h", "delivery_failed 9h", "out_for_delivery 14h"),
        "out_for_delivery Mon, delivery_failed Mon",
        "out_for_delivery",
    ),
    Case(
        "it fails day after day without going out",
        history("delivery_failed 8h", "delivery_failed 1d8h", "delivery_failed 2d8h"),
        "delivery_failed Mon, delivery_failed Tue, delivery_failed Wed",
        "delivery_failed",
    ),
    Case(
        "it waits day after day",
        history("ready_for_pickup 8h", "ready_for_pickup 1d8h"),
        "ready_for_pickup",
        "ready_for_pickup",
    ),
    Case(
        "it waits, goes out, and waits again",
        history("ready_for_pickup 8h", "out_for_delivery 1d8h", "ready_for_pickup 1d14h"),
        "ready_for_pickup, out_for_delivery Tue",
        "ready_for_pickup",
    ),
    Case(
        "midnight in Berlin lies between two scans of one UTC day",
        history("out_for_delivery 23h59m", "out_for_delivery 24h1m"),
        "out_for_delivery Mon, out_for_delivery Tue",
        "out_for_delivery",
    ),
    Case(
        "midnight in UTC lies between two scans of one day in Berlin",
        history("out_for_delivery 30m", "out_for_delivery 1h30m"),
        "out_for_delivery Mon",
        "out_for_delivery",
    ),
    Case(
        "the day of 25 hours ends",
        history(
            "out_for_delivery 0h",
            "out_for_delivery 24h59m",
            "out_for_delivery 25h",
            start=datetime(2026, 10, 25, tzinfo=BERLIN),
        ),
        "out_for_delivery Sun, out_for_delivery Mon",
        "out_for_delivery",
    ),
    Case(
        "the day of 23 hours ends",
        history(
            "delivery_failed 0h",
            "delivery_failed 22h59m",
            "delivery_failed 23h",
            start=datetime(2026, 3, 29, tzinfo=BERLIN),
        ),
        "delivery_failed Sun, delivery_failed Mon",
        "delivery_failed",
    ),
)
def test_an_attempt_is_a_calendar_day(case: Case) -> None:
    check(case)


def test_the_calendar_is_the_brands() -> None:
    late_evening_in_berlin = history("out_for_delivery 23h", "out_for_delivery 24h30m")

    traced = walked(late_evening_in_berlin, zone=ZoneInfo("America/New_York"))

    assert steps(traced.transitions) == "out_for_delivery Mon"


@cases(
    Case(
        "delivered, revoked, and delivered again",
        history("out_for_delivery 8h", "delivered 11h", "revoked 12h", "delivered 16h"),
        "out_for_delivery Mon, delivered",
        "delivered",
    ),
    Case(
        "delivered and revoked",
        history("in_transit 0h", "out_for_delivery 8h", "delivered 11h", "revoked 12h"),
        "dispatched, out_for_delivery Mon, delivered",
        "out_for_delivery",
    ),
    Case(
        "delivered, revoked, and out again the day after",
        history("out_for_delivery 8h", "delivered 11h", "revoked 23h", "out_for_delivery 1d8h"),
        "out_for_delivery Mon, delivered, out_for_delivery Tue",
        "out_for_delivery",
    ),
    Case(
        "delivered, revoked in the morning, and out again that day",
        history("out_for_delivery 8h", "delivered 11h", "revoked 1d7h", "out_for_delivery 1d8h"),
        "out_for_delivery Mon, delivered, out_for_delivery Tue",
        "out_for_delivery",
    ),
    Case(
        "one scan of the next day revokes the delivery and takes it out again",
        history("out_for_delivery 8h", "delivered 11h", "revoked+out_for_delivery 1d8h"),
        "out_for_delivery Mon, delivered, out_for_delivery Tue",
        "out_for_delivery",
    ),
    Case(
        "one scan revokes the delivery and says where the parcel is",
        history("out_for_delivery 8h", "delivered 11h", "revoked+ready_for_pickup 12h"),
        "out_for_delivery Mon, delivered, ready_for_pickup",
        "ready_for_pickup",
    ),
    Case(
        "revoked before anything was delivered",
        history("in_transit 0h", "revoked 1h", "in_transit 2h"),
        "dispatched, in_transit",
        "in_transit",
    ),
    Case(
        "revoked in the middle of a return",
        history("returning 0h", "delivered 1d", "revoked 2d"),
        "returning, returned",
        "returned",
    ),
    Case(
        "delivered, out for delivery, and delivered",
        history("delivered 8h", "out_for_delivery 1d8h", "delivered 1d11h"),
        "delivered, out_for_delivery Tue",
        "delivered",
    ),
    Case(
        "delivered, and failed",
        history("delivered 8h", "delivery_failed 9h"),
        "delivered, delivery_failed Mon",
        "delivery_failed",
    ),
    Case(
        "delivered, and waiting in a shop",
        history("delivered 8h", "ready_for_pickup 9h"),
        "delivered, ready_for_pickup",
        "ready_for_pickup",
    ),
    Case(
        "delivered, and said to be in transit",
        history("in_transit 0h", "delivered 8h", "in_transit 1d", "dispatched 1d1h"),
        "dispatched, delivered",
        "delivered",
    ),
    Case(
        "delivered, and a problem is told",
        history("delivered 8h", "other 9h", "customs 10h", "address 11h", "delayed 12h"),
        "delivered, other",
        "delivered + other",
    ),
    Case(
        "delivered, then lost, then cancelled",
        history("delivered 8h", "lost 9h", "cancelled 10h"),
        "delivered",
        "delivered",
    ),
    Case(
        "delivered, and nothing but remarks since",
        history("delivered 8h", "unknown 9h", "info 10h"),
        "delivered",
        "delivered",
    ),
    Case(
        "delivered, and sent back by the recipient",
        history("delivered 8h", "returning 2d", "returned 4d"),
        "delivered, returning, returned",
        "returned",
    ),
)
def test_a_delivery_is_undone_by_a_positive_later_scan_only(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("scans", "delivered"),
    [
        (history("delivered 8h"), "8h"),
        (history("delivered 8h", "delivered 9h"), "8h"),
        (history("delivered 8h", "revoked 9h", "delivered 1d8h"), "1d8h"),
        (history("delivered 8h", "out_for_delivery 1d7h", "delivered 1d8h"), "1d8h"),
        (history("delivered 8h", "in_transit 9h", "damaged 10h"), "8h"),
        (history("delivered 8h", "revoked 9h"), ""),
        (history("delivered 8h", "delivery_failed 9h"), ""),
        (history("delivered 8h", "returning 1d"), ""),
        (history("returning 8h", "delivered 1d"), ""),
    ],
    ids=lambda value: (
        value or "never" if isinstance(value, str) else " ".join(s.code for s in value)
    ),
)
def test_the_last_delivery_starts_the_review_clock(scans: tuple[Scan, ...], delivered: str) -> None:
    assert walked(scans).state.delivered_at == (moment(delivered) if delivered else None)


@cases(
    Case(
        "returning, and delivered to the sender",
        history("delivery_failed 8h", "returning 1d", "delivered 3d"),
        "delivery_failed Mon, returning, returned",
        "returned",
    ),
    Case(
        "returning, with every other status after it",
        history(
            "returning 0h",
            "dispatched 1h",
            "in_transit 2h",
            "out_for_delivery 3h",
            "delivery_failed 4h",
            "ready_for_pickup 5h",
            "returning 6h",
            "cancelled 7h",
        ),
        "returning",
        "returning",
    ),
    Case(
        "returned, with every other status after it",
        history(
            "returned 0h",
            "in_transit 1h",
            "out_for_delivery 2h",
            "ready_for_pickup 3h",
            "delivered 4h",
            "returning 5h",
            "lost 6h",
            "cancelled 7h",
        ),
        "returned",
        "returned",
    ),
    Case(
        "lost on the way back, found again",
        history("returning 0h", "lost 1d", "in_transit 2d"),
        "returning, lost",
        "returning",
    ),
    Case(
        "lost on the way back, and delivered to the sender",
        history("returning 0h", "lost 1d", "lost 2d", "delivered 3d"),
        "returning, lost, returned",
        "returned",
    ),
    Case(
        "lost on the way back, and cancelled",
        history("returning 0h", "lost 1d", "cancelled 2d", "announced 3d"),
        "returning, lost",
        "lost",
    ),
)
def test_a_return_is_a_one_way_door(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("scans", "turned"),
    [
        (history("in_transit 0h", "delivered 1d"), False),
        (history("in_transit 0h", "returning 1d"), True),
        (history("returning 1d", "lost 2d"), True),
        (history("returned 1d"), True),
    ],
)
def test_a_parcel_that_turned_back_says_so(scans: tuple[Scan, ...], turned: bool) -> None:
    assert walked(scans).state.turned is turned


@cases(
    Case(
        "lost, and found in transit",
        history("in_transit 0h", "in_transit 5h", "lost 1d", "in_transit 2d"),
        "dispatched, in_transit, lost",
        "in_transit",
    ),
    Case(
        "lost, and delivered after all",
        history("in_transit 0h", "lost 1d", "delivered 2d"),
        "dispatched, lost, delivered",
        "delivered",
    ),
    Case(
        "lost, and on its way back",
        history("in_transit 0h", "lost 1d", "returning 2d"),
        "dispatched, lost, returning",
        "returning",
    ),
    Case(
        "cancelled, and handed over after all",
        history("announced 0h", "cancelled 1d", "in_transit 2d"),
        "announced, cancelled, dispatched",
        "dispatched",
    ),
    Case(
        "dispatched by the source, cancelled, and scanned after all",
        history("source dispatched 0h", "cancelled 1d", "in_transit 2d", "in_transit 3d"),
        "dispatched, cancelled, in_transit",
        "in_transit",
    ),
    Case(
        "cancelled, and a label is all that follows",
        history("announced 0h", "cancelled 1d", "announced 2d"),
        "announced, cancelled",
        "cancelled",
    ),
    Case(
        "lost, then only words",
        history("in_transit 0h", "lost 1d", "cancelled 2d", "unknown 3d", "info 4d"),
        "dispatched, lost",
        "lost",
    ),
    Case("lost is all we know", history("lost 0h"), "lost", "lost"),
    Case(
        "cancelled, then a problem",
        history("announced 0h", "cancelled 1d", "other 2d"),
        "announced, cancelled, other",
        "cancelled + other",
    ),
)
def test_lost_and_cancelled_yield_to_a_later_physical_scan(case: Case) -> None:
    check(case)


@cases(
    Case(
        "the return is on its way and arrives",
        history("announced 0h", "in_transit 1d", "in_transit 2d", "delivered 3d"),
        "announced, dispatched, in_transit, delivered",
        "delivered",
    ),
    Case(
        "the carrier speaks of it as going back",
        history("returning 1d", "returning 2d", "returned 3d"),
        "dispatched, in_transit, delivered",
        "delivered",
    ),
    Case(
        "it arrived, and still goes back",
        history("in_transit 1d", "returned 2d", "returning 3d"),
        "dispatched, delivered",
        "delivered",
    ),
)
def test_home_is_where_a_return_goes(case: Case) -> None:
    check(case, direction=Direction.RETURN)


@cases(
    Case(
        "out for delivery is listed before the delivery",
        history("out_for_delivery 8h", "delivered 8h"),
        "out_for_delivery Mon, delivered",
        "delivered",
    ),
    Case(
        "the failure is listed before the shop",
        history("delivery_failed 8h", "ready_for_pickup 8h"),
        "delivery_failed Mon, ready_for_pickup",
        "ready_for_pickup",
    ),
    Case(
        "the shop is listed before the failure",
        history("ready_for_pickup 8h", "delivery_failed 8h"),
        "ready_for_pickup, delivery_failed Mon",
        "delivery_failed",
    ),
    Case(
        "a later stamp is listed first",
        history("delivered 9h", "delivery_failed 8h", "ready_for_pickup 8h"),
        "delivery_failed Mon, ready_for_pickup, delivered",
        "delivered",
    ),
)
def test_equal_stamps_keep_the_carriers_order(case: Case) -> None:
    check(case)


@cases(
    Case(
        "a problem is told again and again",
        history("in_transit 0h", "customs 1h", "customs 2h", "customs 1d"),
        "dispatched, customs",
        "dispatched + customs",
    ),
    Case(
        "a problem comes back after it was over",
        history("in_transit 0h", "customs 1h", "in_transit 2h", "customs 3h"),
        "dispatched, customs, in_transit",
        "in_transit",
    ),
    Case(
        "several problems are open",
        history(
            "in_transit 0h", "customs 1h", "delayed 2h", "address 3h", "refused 4h", "other 5h"
        ),
        "dispatched, customs, delayed, address Mon, refused, other",
        "dispatched + address + customs + delayed + other + refused",
    ),
    Case(
        "the next forward status closes all but the damage",
        history("in_transit 0h", "damaged 1h", "customs 2h", "delayed 3h", "out_for_delivery 1d8h"),
        "dispatched, damaged, customs, delayed, out_for_delivery Tue",
        "out_for_delivery + damaged",
    ),
    Case(
        "no forward status follows",
        history("in_transit 0h", "in_transit 1h", "customs 2h", "in_transit 3h", "dispatched 4h"),
        "dispatched, in_transit, customs",
        "in_transit + customs",
    ),
    Case(
        "the damaged parcel is delivered",
        history("in_transit 0h", "damaged 1h", "delivered 1d"),
        "dispatched, damaged, delivered",
        "delivered + damaged",
    ),
    Case(
        "the delivered parcel is damaged, then it goes back",
        history("delivered 0h", "damaged 1h", "returning 1d", "returned 2d"),
        "delivered, damaged, returning, returned",
        "returned + damaged",
    ),
    Case(
        "the failure names the problem",
        history("out_for_delivery 8h", "customs 9h", "delivery_failed+refused 10h"),
        "out_for_delivery Mon, customs, delivery_failed Mon, refused",
        "delivery_failed + refused",
    ),
    Case(
        "the address is wrong twice in one attempt",
        history("delivery_failed+address 8h", "address 12h"),
        "delivery_failed Mon, address Mon",
        "delivery_failed + address",
    ),
    Case(
        "the address is still wrong in the next attempt",
        history(
            "delivery_failed+address 8h", "out_for_delivery 1d8h", "delivery_failed+address 1d9h"
        ),
        "delivery_failed Mon, address Mon, out_for_delivery Tue, delivery_failed Tue, address Tue",
        "delivery_failed + address",
    ),
    Case(
        "the problem opens before anything moved",
        history("announced 0h", "address 1h", "in_transit 1d"),
        "announced, address Mon, dispatched",
        "dispatched",
    ),
    Case("the problem is all we know", history("customs 0h"), "customs", "nothing + customs"),
)
def test_a_problem_opens_once_and_closes_at_the_next_forward_status(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("word", ["unknown", "info"])
@pytest.mark.parametrize(
    "before",
    [
        (),
        history("announced 0h"),
        history("in_transit 0h", "customs 1h"),
        history("delivered 0h"),
        history("lost 0h"),
    ],
    ids=lambda scans: " ".join(scan.code for scan in scans) or "nothing",
)
def test_a_code_that_says_nothing_changes_nothing(before: tuple[Scan, ...], word: str) -> None:
    calm, after = walked(before), walked((*before, *history(f"{word} 1d")))

    assert after.transitions == calm.transitions
    assert after.state == replace(calm.state, last_scan_at=moment("1d"))


def test_a_state_remembers_its_moments() -> None:
    state = walked(
        history(
            "announced 0h", "in_transit 5h", "in_transit 9h", "delivered/neighbour 1d", "info 2d"
        )
    ).state

    assert state.status_at == state.delivered_at == moment("1d")
    assert state.first_scan_at == moment("5h")
    assert state.last_scan_at == moment("2d")
    assert state.detail is Detail.NEIGHBOUR


def test_a_detail_belongs_to_the_status_or_the_open_delay() -> None:
    delayed = history("in_transit 0h", "delayed/stalled 5d")

    assert walked(delayed).state.detail is Detail.STALLED
    assert walked((*delayed, *history("in_transit 6d"))).state.detail is None


def test_a_transition_knows_where_it_came_from() -> None:
    scans = history("in_transit 0h", "delivery_failed+refused 1d8h")
    reworded = replace(scans[1], text="Annahme verweigert")

    first, failed, refused = walked((scans[0], reworded)).transitions

    assert (first.previous, first.attempt, first.at) == (None, "", MONDAY)
    assert (failed.word, failed.previous) == (Status.DELIVERY_FAILED, Status.DISPATCHED)
    assert (failed.attempt, failed.text) == ("2026-11-03", "Annahme verweigert")
    assert (refused.word, refused.previous) == (Problem.REFUSED, Status.DELIVERY_FAILED)


USUAL = history("announced 0h", "in_transit 5h", "in_transit 9h", "out_for_delivery 1d8h")


@sentences(
    "first, then, told",
    ("the same is read again", USUAL, USUAL, ""),
    ("it is read in another order", USUAL, USUAL[::-1], ""),
    (
        "the texts differ",
        USUAL,
        [replace(scan, text="now in other words") for scan in USUAL],
        "",
    ),
    ("the codes differ", USUAL, [replace(scan, code=f"X-{scan.code}") for scan in USUAL], ""),
    ("the answer is empty", USUAL, (), ""),
    ("some scans vanished", USUAL, USUAL[:1], ""),
    ("an early scan comes late", USUAL[2:], USUAL[:2], ""),
    ("a scan between two known ones comes late", (*USUAL[:2], USUAL[3]), USUAL[2:3], ""),
    ("a status between comes late", USUAL, history("delivery_failed 20h"), ""),
    ("a first scan is repeated later", USUAL[:2], history("in_transit 5h0m20s"), ""),
    ("only the last is new", USUAL[:3], USUAL, "out_for_delivery Tue"),
    ("several are new", USUAL[:1], USUAL, "dispatched, in_transit, out_for_delivery Tue"),
    ("a problem is new", USUAL, history("customs 1d9h"), "customs"),
    ("a problem came and went before", USUAL, history("customs 10h"), ""),
    (
        "a problem comes and goes at once",
        USUAL[:3],
        (*USUAL, *history("customs 10h")),
        "customs, out_for_delivery Tue",
    ),
    ("a higher status comes late", USUAL[:3], history("delivered 8h"), "delivered"),
    (
        "the address of an attempt that is over comes late, it is wrong again",
        history("delivery_failed 8h", "out_for_delivery 1d8h", "address 1d9h"),
        history("address 9h"),
        "",
    ),
    (
        "a failure between two deliveries comes late",
        history("delivered 8h", "out_for_delivery 1d8h", "delivered 1d11h"),
        history("delivery_failed 1d9h"),
        "",
    ),
    (
        "a shop comes late, and it has been out for delivery since",
        history("out_for_delivery 8h", "delivery_failed 9h", "out_for_delivery 14h"),
        history("ready_for_pickup 10h"),
        "",
    ),
    (
        "the failure and the next round come together",
        history("out_for_delivery 8h"),
        history("delivery_failed 9h", "out_for_delivery 14h"),
        "delivery_failed Mon",
    ),
    (
        "the round and the second delivery come together",
        history("delivered 8h"),
        history("out_for_delivery 1d8h", "delivered 1d11h"),
        "out_for_delivery Tue",
    ),
    (
        "the revoked delivery is made up for",
        history("delivered 8h"),
        history("revoked 9h", "delivered 10h"),
        "",
    ),
    (
        "the source told the dispatch",
        history("source dispatched 0h"),
        history("in_transit 5h"),
        "",
    ),
)
def test_only_what_is_new_and_not_late_is_told(
    first: tuple[Scan, ...], then: tuple[Scan, ...], told: str
) -> None:
    memory = Memory()
    memory.poll(*first)

    assert steps(memory.poll(*then)) == told


def test_a_late_returning_before_a_known_delivered_means_it_is_back() -> None:
    """The door closed first: what was told as delivered was the sender's door."""
    memory = Memory()
    memory.poll(*history("in_transit 0h", "delivered 3d"))

    told = memory.poll(*history("returning 2d"))

    assert stands(memory.traced.state) == "returned"
    assert told[-1].word is Status.RETURNED
    assert memory.traced.state.delivered_at is None
    assert memory.poll(*history("delivered 3d", "returning 2d")) == ()


def shipment(**known: Any) -> Shipment:
    return Shipment(
        id=1,
        brand="dhl",
        number="00340434000000000014",
        first_number="00340434000000000014",
        numbers=("00340434000000000014",),
        taken_at=MONDAY,
        active_from=MONDAY,
        **known,
    )


@pytest.mark.parametrize(
    ("known", "earliest"),
    [
        ({"shipped_at": MONDAY - timedelta(days=5)}, MONDAY - timedelta(days=7)),
        ({}, MONDAY - timedelta(days=30)),
    ],
    ids=["two days before the ship date", "thirty days before intake"],
)
def test_older_scans_belong_to_another_parcel(known: dict[str, Any], earliest: datetime) -> None:
    parcel = shipment(**known)
    ours, theirs = history("in_transit 0s", "in_transit 1s", start=earliest - timedelta(seconds=1))[
        ::-1
    ]

    assert birth(parcel) == earliest
    assert believed((theirs, ours), parcel, MONDAY) == (ours,)


def test_a_recycled_numbers_old_delivery_is_never_believed() -> None:
    old = history("in_transit 0h", "delivered 1d", start=MONDAY - timedelta(days=400))
    scans = believed((*old, *history("announced 1h")), shipment(), moment("2h"))

    assert steps(walked(scans).transitions) == "announced"


def test_a_scan_ahead_of_time_counts_when_it_is_due() -> None:
    scans = history("in_transit 0h", "in_transit 1h", "delivered 9h", "returned 30h")

    assert believed(scans, shipment(), moment("0h")) == scans[:2]
    assert ahead(scans, moment("0h")) == moment("8h")
    assert believed(scans, shipment(), moment("7h59m59s")) == scans[:2]
    assert believed(scans, shipment(), moment("8h")) == scans[:3]
    assert ahead(scans, moment("8h")) == moment("29h")
    assert ahead(scans, moment("29h")) is None
    assert ahead((), moment("0h")) is None
