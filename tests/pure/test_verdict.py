"""May a message still go? Promises P6 and P7, quiet hours, limits, pilots: a row a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import LONG_AGO, at, day, message, policy, return_parcel, shipment, spell
from pure.histories import BERLIN, sentences
from tracker_sync.messages.kinds import SPECS, About
from tracker_sync.messages.message import Message
from tracker_sync.messages.verdict import (
    Action,
    addressee,
    crowded,
    deliverable,
    hours,
    judge,
    known_kind,
    overtaken,
    quiet_until,
    stale,
)
from tracker_sync.model import Direction, Estimate, Kind, Problem, Recipient, Shipment, Status

# -- P6: say only what is still true --------------------------------------------------------------

MOVING = "dispatched in_transit out_for_delivery delivery_failed ready_for_pickup"
TRUE_WHILE = {
    Kind.ANNOUNCED: "announced",
    Kind.DISPATCHED: "dispatched in_transit",
    Kind.IN_TRANSIT: "in_transit",
    Kind.OUT_FOR_DELIVERY: "out_for_delivery",
    Kind.DELIVERY_FAILED: "delivery_failed",
    Kind.READY_FOR_PICKUP: "ready_for_pickup",
    Kind.DELIVERED: "delivered",
    Kind.RETURNING: "returning",
    Kind.RETURNED: "returned",
    Kind.LOST: "lost",
    Kind.CANCELLED: "cancelled",
    Kind.ESTIMATE_CHANGED: f"nothing announced {MOVING} returning",
    Kind.RETURN_LABEL_CREATED: "nothing announced",
    Kind.RETURN_IN_TRANSIT: MOVING,
    Kind.RETURN_ARRIVED: "delivered",
    Kind.ORDER_DISPATCHED: "dispatched in_transit",
    Kind.ORDER_DELIVERED: "delivered",
}
PROBLEMS = {
    Kind.ADDRESS_PROBLEM: Problem.ADDRESS,
    Kind.DELAYED: Problem.DELAYED,
    Kind.DAMAGED: Problem.DAMAGED,
    Kind.CUSTOMS: Problem.CUSTOMS,
    Kind.REFUSED: Problem.REFUSED,
    Kind.PROBLEM: Problem.OTHER,
}
STATUSES = ["nothing", *Status]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", TRUE_WHILE)
def test_a_kind_holds_in_these_states_and_in_no_other(kind: Kind, status: str) -> None:
    attempt = "2026-11-05" if kind is Kind.ESTIMATE_CHANGED else "Tue"
    parcel = shipment(status.replace("nothing", ""), estimate=Estimate(date(2026, 11, 5)))

    reason = overtaken(message(kind, attempt=attempt), parcel, at("Tue 14:00"))

    said = "nothing known" if status == "nothing" else status
    assert reason == ("" if status in TRUE_WHILE[kind].split() else f"overtaken: {said}")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_problem_holds_while_it_is_open_whatever_the_status(kind: Kind, status: str) -> None:
    calm = shipment(status.replace("nothing", ""))
    others = replace(
        calm, state=replace(calm.state, problems=frozenset(Problem) - {PROBLEMS[kind]})
    )
    troubled = replace(calm, state=replace(calm.state, problems=frozenset({PROBLEMS[kind]})))

    told = [overtaken(message(kind), each, at("Tue 14:00")) for each in (calm, others, troubled)]

    assert told == ["the problem is over", "the problem is over", ""]


def test_every_kind_of_a_parcel_is_judged_by_one_of_these_tables() -> None:
    follow_ups = {Kind.REVIEW_REQUEST, Kind.PICKUP_REMINDER}
    returns = {kind for kind, spec in SPECS.items() if spec.about is About.RETURN}

    assert {*TRUE_WHILE, *PROBLEMS} == {*Kind} - follow_ups - returns


@sentences(
    "kind, attempt, stands, now, verdict",
    (
        "in the van, told while it is there",
        *("out_for_delivery", "Tue", ("out_for_delivery", "Tue 08:00"), "Tue 08:05", "go"),
    ),
    (
        "in the van, told a minute before midnight",
        *("out_for_delivery", "Tue", ("out_for_delivery", "Tue 08:00"), "Tue 23:59", "go"),
    ),
    (
        "in the van, told at midnight",
        *("out_for_delivery", "Tue", ("out_for_delivery", "Tue 08:00"), "Wed 00:00"),
        "withhold: overtaken: out_for_delivery",
    ),
    (
        "in the van again the next day, told of the first day",
        *("out_for_delivery", "Tue", ("out_for_delivery", "Wed 08:00"), "Wed 08:05"),
        "withhold: overtaken: out_for_delivery",
    ),
    (
        "in the van again the next day, told of that day",
        *("out_for_delivery", "Wed", ("out_for_delivery", "Wed 08:00"), "Wed 08:05", "go"),
    ),
    (
        "in the van, but delivered meanwhile",
        *("out_for_delivery", "Tue", ("delivered", "Tue 11:00"), "Tue 11:05"),
        "withhold: overtaken: delivered",
    ),
    (
        "nobody at home",
        *("delivery_failed", "Tue", ("delivery_failed", "Tue 12:00"), "Tue 14:00", "go"),
    ),
    (
        "nobody at home, told the next morning",
        *("delivery_failed", "Tue", ("delivery_failed", "Tue 12:00"), "Wed 09:00", "go"),
    ),
    (
        "nobody at home a second time, told of the first",
        *("delivery_failed", "Tue", ("delivery_failed", "Wed 12:00"), "Wed 14:00"),
        "withhold: overtaken: delivery_failed",
    ),
    (
        "nobody at home a second time, told of the second",
        *("delivery_failed", "Wed", ("delivery_failed", "Wed 12:00"), "Wed 14:00", "go"),
    ),
    (
        "nobody at home, in the van again",
        *("delivery_failed", "Tue", ("out_for_delivery", "Wed 08:00"), "Wed 08:05"),
        "withhold: overtaken: out_for_delivery",
    ),
    (
        "nobody at home, now in a shop",
        *("delivery_failed", "Tue", ("ready_for_pickup", "Tue 13:00"), "Tue 14:00"),
        "withhold: overtaken: ready_for_pickup",
    ),
    (
        "delivered and damaged",
        *("damaged", "", ("delivered", "Tue 12:00", "damaged"), "Tue 14:00", "go"),
    ),
    (
        "delivered, then turned back",
        *("delivered", "", ("returned", "Tue 13:00"), "Tue 14:00"),
        "withhold: overtaken: returned",
    ),
)
def test_only_the_attempt_that_is_current_is_told(
    kind: str, attempt: str, stands: tuple[str, ...], now: str, verdict: str
) -> None:
    told = message(kind, stands[1], attempt)

    assert spell(judge(told, shipment(*stands), policy(), at(now))) == verdict


@sentences(
    "zone, attempt, now, holds",
    ("the long day of October, 23:59 winter time", "Europe/Berlin", "2026-10-25", "22:59", True),
    ("the long day of October is over", "Europe/Berlin", "2026-10-25", "23:00", False),
    ("the short day of March, 23:59 summer time", "Europe/Berlin", "2026-03-29", "21:59", True),
    ("the short day of March is over", "Europe/Berlin", "2026-03-29", "22:00", False),
    ("evening in New York, the next day in UTC", "America/New_York", "2026-11-02", "28:59", True),
    ("midnight in New York", "America/New_York", "2026-11-02", "29:00", False),
)
def test_the_day_of_an_attempt_is_the_brands(
    zone: str, attempt: str, now: str, *, holds: bool
) -> None:
    hour, minute = map(int, now.split(":"))
    moment = datetime.fromisoformat(attempt).replace(tzinfo=UTC)
    moment += timedelta(hours=hour, minutes=minute)
    parcel = shipment("out_for_delivery", f"{attempt} 12:00", zone=zone)

    reason = overtaken(message("out_for_delivery", attempt=attempt), parcel, moment)

    assert (reason == "") is holds


@sentences(
    "status, named, holds",
    ("the estimate still says so", "in_transit", "2026-11-05", True),
    ("the estimate changed once more", "in_transit", "2026-11-06", False),
    ("the estimate was taken back", "in_transit", "", False),
    ("it has arrived", "delivered", "2026-11-05", False),
)
def test_a_changed_estimate_is_told_while_it_stands(
    status: str, named: str, *, holds: bool
) -> None:
    estimate = Estimate(date.fromisoformat(named)) if named else None
    told = message("estimate_changed", attempt="2026-11-05")

    reason = overtaken(told, shipment(status, estimate=estimate), at("Tue 14:00"))

    assert (reason == "") is holds


def test_a_name_of_the_merchants_own_is_never_overtaken_here() -> None:
    assert overtaken(message("ask_nicely"), shipment("delivered"), at("Tue 14:00")) == ""
    assert known_kind("ask_nicely") is None


def test_a_requested_label_is_told_until_the_first_scan() -> None:
    label = message("return_label_created")

    assert spell(judge(label, return_parcel(), policy(), at("Tue 14:00"))) == "go"
    assert (
        spell(judge(label, return_parcel("dispatched"), policy(), at("Tue 14:00")))
        == "withhold: overtaken: dispatched"
    )


# -- P7: no old news ------------------------------------------------------------------------------


@sentences(
    "kind, stands, now, verdict",
    ("two days old", "delivered", ("delivered",), "Thu 12:00", "go"),
    ("a second more", "delivered", ("delivered",), "Thu 12:00:01", "withhold: older than 48h"),
    ("old, but still in the shop", "ready_for_pickup", ("ready_for_pickup",), "Sun 12:00", "go"),
    (
        "old, no longer in the shop",
        *("ready_for_pickup", ("delivered",), "Sun 12:00", "withhold: overtaken: delivered"),
    ),
    (
        "old, the address is still wrong",
        *("address_problem", ("in_transit", "Tue 12:00", "address"), "Sun 12:00", "go"),
    ),
    (
        "old, the address was corrected",
        *("address_problem", ("in_transit",), "Sun 12:00", "withhold: the problem is over"),
    ),
    (
        "old, still at customs",
        *("customs", ("in_transit", "Tue 12:00", "customs"), "Sun 12:00"),
        "withhold: older than 48h",
    ),
    (
        "old, still delayed",
        *("delayed", ("in_transit", "Tue 12:00", "delayed"), "Sun 12:00"),
        "withhold: older than 48h",
    ),
)
def test_a_message_dies_of_age_unless_what_it_says_lasts(
    kind: str, stands: tuple[str, ...], now: str, verdict: str
) -> None:
    assert spell(judge(message(kind), shipment(*stands), policy(), at(now))) == verdict


def test_only_a_waiting_parcel_and_a_wrong_address_outlive_their_age() -> None:
    lasting = {k for k in Kind if stale(message(k), policy(), at("2026-12-01 12:00")) is None}

    assert lasting == {Kind.READY_FOR_PICKUP, Kind.ADDRESS_PROBLEM}


def test_the_merchant_says_how_old_news_may_be() -> None:
    wishes = policy(max_age=timedelta(days=3))

    assert stale(message("delivered"), wishes, at("Fri 12:00")) is None
    assert spell(stale(message("delivered"), wishes, at("Fri 13:00"))) == "withhold: older than 3d"


SWITCHED_ON = at("Tue 13:00")


@sentences(
    "onboarding, occurred, status, verdict",
    (
        "silent: what happened before is not told",
        *("silent", "Tue 12:59", "delivered", "withhold: happened before we were switched on"),
    ),
    ("silent: what happens now is told", "silent", "Tue 13:00", "delivered", "go"),
    (
        "backfill: what happened before triggers no flow",
        *("backfill", "Tue 12:59", "delivered", "go as backfill: history"),
    ),
    (
        "backfill: history may be over, and long ago",
        *("backfill", "2026-03-01 12:00", "returned", "go as backfill: history"),
    ),
    ("backfill: what happens now is news", "backfill", "Tue 13:00", "delivered", "go"),
    ("live: what happened before is news", "live", "Tue 12:59", "delivered", "go"),
    (
        "live: old news is old all the same",
        *("live", "2026-03-01 12:00", "delivered", "withhold: older than 48h"),
    ),
    (
        "live: what is over is over all the same",
        *("live", "Tue 12:59", "returned", "withhold: overtaken: returned"),
    ),
)
def test_what_happened_before_we_were_switched_on(
    onboarding: str, occurred: str, status: str, verdict: str
) -> None:
    parcel = shipment(status, active_from=SWITCHED_ON)
    told = judge(
        message("delivered", occurred), parcel, policy(onboarding=onboarding), at("Tue 14:00")
    )

    assert spell(told) == verdict


@sentences(
    "recipient, verdict",
    ("nobody is known yet", Recipient(), "hold: no recipient known yet"),
    ("no pilot", Recipient("kunde-2@shop.invalid"), "withhold: recipient is not a pilot"),
)
def test_history_too_needs_somebody_to_tell(recipient: Recipient, verdict: str) -> None:
    parcel = shipment("delivered", active_from=SWITCHED_ON, recipient=recipient)
    wishes = policy(onboarding="backfill", only_to=("kunde-1@shop.invalid",))

    assert spell(judge(message("delivered"), parcel, wishes, at("Tue 14:00"))) == verdict


def test_a_kind_that_is_off_is_withheld() -> None:
    wishes = policy(sent=frozenset({"delivered"}))

    told = judge(message("in_transit"), shipment("in_transit"), wishes, at("Tue 14:00"))

    assert spell(told) == "withhold: not enabled"


# -- when: quiet hours, settling ------------------------------------------------------------------

NIGHT = (time(21), time(7))
LUNCH = (time(12), time(14))


@sentences(
    "hours, now, until",
    ("before the evening", NIGHT, "Tue 20:59", ""),
    ("the evening begins", NIGHT, "Tue 21:00", "2026-11-04 07:00"),
    ("before midnight", NIGHT, "Tue 23:59", "2026-11-04 07:00"),
    ("at midnight", NIGHT, "Wed 00:00", "2026-11-04 07:00"),
    ("before the morning", NIGHT, "Wed 06:59", "2026-11-04 07:00"),
    ("the morning begins", NIGHT, "Wed 07:00", ""),
    ("the night of October is an hour longer", NIGHT, "2026-10-24 22:00", "2026-10-25 07:00"),
    ("the night of March is an hour shorter", NIGHT, "2026-03-28 22:00", "2026-03-29 07:00"),
    ("before lunch", LUNCH, "Tue 11:59", ""),
    ("lunch begins", LUNCH, "Tue 12:00", "Tue 14:00"),
    ("lunch ends", LUNCH, "Tue 14:00", ""),
    ("off", None, "Tue 23:00", ""),
    (
        "the end comes twice, and this is the second time",
        *((time(1), time(2, 30)), "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
    ),
    (
        "the end comes twice, and this is the first time",
        *((time(1), time(2, 30)), "2026-10-25T02:10+02:00", "2026-10-25T02:30+02:00"),
    ),
    (
        "the end does not come on that day",
        *((time(1), time(2, 30)), "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"),
    ),
)
def test_quiet_hours_end_on_the_shops_clock(
    hours: tuple[time, time] | None, now: str, until: str
) -> None:
    end = quiet_until(policy(quiet_hours=hours), at(now))

    assert end == (at(until) if until else None)


def test_some_kinds_wait_for_the_morning_and_the_others_do_not() -> None:
    waiting = {
        kind
        for kind in Kind
        if spell(deliverable(message(kind), shipment(), policy(), at("Tue 22:00"))) != "go"
    }

    assert waiting == {
        *(Kind.DISPATCHED, Kind.IN_TRANSIT, Kind.DELAYED),
        *(Kind.REVIEW_REQUEST, Kind.PICKUP_REMINDER),
    }


@sentences(
    "occurred, status, since, now, verdict",
    (
        "left late in the evening",
        *("Tue 20:50", "dispatched", "Tue 20:50", "Tue 21:10", "hold: quiet hours until Wed 07:00"),
    ),
    ("told in the morning", "Tue 20:50", "dispatched", "Tue 20:50", "Wed 07:00", "go"),
    (
        "overtaken in the morning",
        *("Tue 20:50", "out_for_delivery", "Wed 06:58", "Wed 07:00"),
        "withhold: overtaken: out_for_delivery",
    ),
    (
        "too old in the morning",
        *("Mon 06:50", "dispatched", "Mon 06:50", "Wed 07:00", "withhold: older than 48h"),
    ),
)
def test_what_waited_for_the_morning_is_judged_again(
    occurred: str, status: str, since: str, now: str, verdict: str
) -> None:
    parcel = shipment(status, since)

    assert spell(judge(message("dispatched", occurred), parcel, policy(), at(now))) == verdict


@sentences(
    "status, now, verdict",
    ("nothing better yet", "delivery_failed", "Tue 13:59", "hold: not due yet until Tue 14:00"),
    ("nothing better came", "delivery_failed", "Tue 14:00", "go"),
    ("a shop took it", "ready_for_pickup", "Tue 13:00", "withhold: overtaken: ready_for_pickup"),
    ("it was delivered after all", "delivered", "Tue 13:00", "withhold: overtaken: delivered"),
)
def test_a_failed_attempt_waits_for_something_better(status: str, now: str, verdict: str) -> None:
    settling = message("delivery_failed", attempt="Tue", due_at=at("Tue 14:00"))

    assert spell(judge(settling, shipment(status), policy(), at(now))) == verdict


# -- whom: recipients, pilots, how many -----------------------------------------------------------

ALL_THREE = Recipient("kunde-1@shop.invalid", "+491700000001", "c-1", consent=True)
PHONE = {"phone_if_no_email": True}
EXTERNAL = {"external_id_if_no_email": True}


@sentences(
    "known, allowed, told",
    ("e-mail comes first", ALL_THREE, {**PHONE, **EXTERNAL}, Recipient(ALL_THREE.email)),
    ("no e-mail, nothing else allowed", replace(ALL_THREE, email=""), {}, None),
    (
        "no e-mail, the phone is allowed",
        *(replace(ALL_THREE, email=""), {**PHONE, **EXTERNAL}, Recipient(phone="+491700000001")),
    ),
    (
        "no e-mail, the external id is allowed",
        *(replace(ALL_THREE, email=""), EXTERNAL, Recipient(external_id="c-1")),
    ),
    ("the phone is allowed, and unknown", Recipient(external_id="c-1"), PHONE, None),
    ("nothing is known", Recipient(), {**PHONE, **EXTERNAL}, None),
)
def test_one_identifier_is_told_to_klaviyo(
    known: Recipient, allowed: dict[str, bool], told: Recipient | None
) -> None:
    found = addressee(known, policy(**allowed))

    assert found == (replace(told, consent=known.consent) if told else None)


def test_without_a_recipient_a_message_waits_and_is_judged_all_the_same() -> None:
    nameless = shipment("delivered", recipient=Recipient())

    now, later = at("Tue 14:00"), at("Fri 14:00")

    assert spell(judge(message("delivered"), nameless, policy(), now)) == (
        "hold: no recipient known yet"
    )
    assert spell(judge(message("delivered"), nameless, policy(), later)) == (
        "withhold: older than 48h"
    )


@sentences(
    "pilots, email, verdict",
    ("everybody", (), "kunde-1@shop.invalid", "go"),
    ("the address", ("kunde-1@shop.invalid",), "kunde-1@shop.invalid", "go"),
    ("the address in capitals", ("KUNDE-1@shop.invalid",), "Kunde-1@Shop.invalid", "go"),
    ("the domain", ("@shop.invalid",), "kunde-1@shop.invalid", "go"),
    ("the domain in capitals", ("@SHOP.invalid",), "kunde-1@shop.INVALID", "go"),
    ("one of several", ("a@b.invalid", "@shop.invalid"), "kunde-1@shop.invalid", "go"),
    ("another address", ("kunde-2@shop.invalid",), "kunde-1@shop.invalid", "no"),
    ("an address that ends alike", ("kunde-1@shop.invalid",), "xkunde-1@shop.invalid", "no"),
    ("a domain that ends alike", ("@shop.invalid",), "kunde-1@myshop.invalid", "no"),
    ("a phone number only", ("@shop.invalid",), "", "no"),
)
def test_only_pilots_are_told(pilots: tuple[str, ...], email: str, verdict: str) -> None:
    parcel = shipment("delivered", recipient=Recipient(email, "+491700000001"))
    wishes = policy(only_to=pilots, phone_if_no_email=True)

    told = spell(judge(message("delivered"), parcel, wishes, at("Tue 14:00")))

    assert told == verdict.replace("no", "withhold: recipient is not a pilot")


def test_in_the_shadow_everything_goes_as_backfill() -> None:
    told = judge(message("delivered"), shipment("delivered"), policy(shadow=True), at("Tue 14:00"))

    assert spell(told) == "go as backfill"


@sentences(
    "sent, most, verdict",
    ("nothing was sent", (), 4, "free"),
    ("three today", ("Tue 08:00", "Tue 09:00", "Tue 10:00"), 4, "free"),
    (
        "four today",
        *(("Tue 11:00", "Tue 08:00", "Tue 09:00", "Tue 10:00"), 4),
        "hold: 4 messages in 24 h to one recipient until Wed 08:00",
    ),
    ("four, the first a day ago", ("Mon 14:00", "Tue 09:00", "Tue 10:00", "Tue 11:00"), 4, "free"),
    (
        "five, sent when more were allowed",
        *(("Mon 15:00", "Tue 08:00", "Tue 09:00", "Tue 10:00", "Tue 11:00"), 4),
        "hold: 5 messages in 24 h to one recipient until Wed 08:00",
    ),
    ("one a day", ("Tue 13:59",), 1, "hold: 1 messages in 24 h to one recipient until Wed 13:59"),
)
def test_nobody_gets_more_than_so_many_a_day(
    sent: tuple[str, ...], most: int, verdict: str
) -> None:
    found = crowded([at(each) for each in sent], policy(max_per_recipient=most), at("Tue 14:00"))

    assert spell(found) == verdict


def test_the_merchant_who_says_nothing_gets_these() -> None:
    plain = policy()

    assert (plain.max_age, plain.settle) == (timedelta(hours=48), timedelta(hours=2))
    assert (plain.quiet_hours, plain.max_per_recipient) == (NIGHT, 4)
    assert (plain.onboarding, plain.shadow, plain.only_to) == ("silent", False, ())


@sentences(
    "span, text",
    ("an hour", timedelta(hours=1), "1h"),
    ("two days", timedelta(days=2), "48h"),
    ("three days", timedelta(days=3), "3d"),
    ("three days and an hour", timedelta(hours=73), "73h"),
)
def test_a_duration_is_spelled_as_the_merchant_writes_it(span: timedelta, text: str) -> None:
    assert hours(span) == text


# -- whatever happens -----------------------------------------------------------------------------

MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda m: LONG_AGO + timedelta(minutes=m))
OF_TWO_DAYS = st.integers(0, 48 * 60).map(lambda m: at("Mon 00:00") + timedelta(minutes=m))
AGES = st.timedeltas(timedelta(0), timedelta(days=9))


@st.composite
def occasions(draw: Any) -> tuple[Message, Shipment, datetime]:
    """Any message about any parcel, judged at any later time."""
    kind, occurred = draw(st.sampled_from(Kind)), draw(MOMENTS)
    status = draw(st.sampled_from(["", *Status]))
    parcel = shipment(
        status,
        occurred.isoformat(),
        *draw(st.sets(st.sampled_from(Problem))),
        active_from=draw(st.sampled_from([LONG_AGO, occurred + timedelta(hours=1)])),
        direction=draw(st.sampled_from(Direction)),
    )
    attempt = occurred.astimezone(BERLIN).date().isoformat()
    told = message(kind, occurred.isoformat(), attempt, due_at=occurred + draw(AGES) / 9)
    return told, parcel, occurred + draw(AGES)


@given(occasions(), st.sampled_from(["silent", "backfill", "live"]), st.booleans())
def test_old_news_never_goes_but_as_history(
    occasion: tuple[Message, Shipment, datetime], onboarding: str, shadow: bool
) -> None:
    told, parcel, now = occasion

    verdict = judge(told, parcel, policy(onboarding=onboarding, shadow=shadow), now)

    if verdict.action is Action.GO and not verdict.backfill:
        lasts = told.kind in (Kind.READY_FOR_PICKUP, Kind.ADDRESS_PROBLEM)
        assert lasts or now - told.occurred_at <= timedelta(hours=48)
        assert told.occurred_at >= parcel.active_from or onboarding == "live"
    if shadow and verdict.action is Action.GO:
        assert verdict.backfill


@given(occasions())
def test_a_withheld_message_says_why_and_a_held_one_until_when(
    occasion: tuple[Message, Shipment, datetime],
) -> None:
    told, parcel, now = occasion

    verdict = judge(told, parcel, policy(), now)

    assert (verdict.action is Action.GO) == (verdict.reason == "")
    if verdict.action is Action.HOLD:
        assert verdict.until is not None
        assert verdict.until > now


@given(occasions(), AGES)
def test_what_was_withheld_for_its_age_stays_withheld(
    occasion: tuple[Message, Shipment, datetime], later: timedelta
) -> None:
    told, parcel, now = occasion
    first = judge(told, parcel, policy(), now)

    if "older" in first.reason or "switched on" in first.reason:
        assert judge(told, parcel, policy(), now + later).action is Action.WITHHOLD


@given(MOMENTS, st.times(), st.times())
def test_quiet_hours_are_over_within_a_day(now: datetime, begin: time, end: time) -> None:
    window = (begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))

    until = quiet_until(policy(quiet_hours=window), now)

    assert until is None or now < until <= now + timedelta(hours=25)


@given(st.lists(OF_TWO_DAYS))
def test_no_day_holds_more_messages_to_one_recipient_than_allowed(wanted: list[datetime]) -> None:
    sent: list[datetime] = []

    for moment in sorted(wanted):
        if crowded(sent, policy(), moment) is None:
            sent.append(moment)

    fifths = zip(sent, sent[4:], strict=False)
    assert all(fifth - first >= timedelta(days=1) for first, fifth in fifths)


@given(st.lists(OF_TWO_DAYS, min_size=4))
def test_a_crowd_has_thinned_when_it_says_so(sent: list[datetime]) -> None:
    found = crowded(sent, policy(), max(sent))

    if found:
        assert found.until is not None
        assert found.until > max(sent)
        assert crowded(sent, policy(), found.until) is None


def test_days_are_spelled_as_attempts_are() -> None:
    assert day("Tue") == "2026-11-03"
