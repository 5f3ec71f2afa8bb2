"""When a follow-up becomes due, and whether it may still go: a row a rule of the design."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.builders import CUSTOMER, at, local, message, policy, return_parcel, shipment, spell, view
from pure.histories import sentences
from tracker_sync.messages.follow_ups import (
    FollowUp,
    OrderView,
    completed_at,
    due,
    is_order_rule,
    judge_order,
    judge_parcel,
    spoiled,
    too_often,
    unchecked,
)
from tracker_sync.model import Kind, Order, Pickup, Recipient, Shipment

REVIEW = FollowUp(
    name="review_request",
    after=Kind.ORDER_DELIVERED,
    delay=timedelta(days=3),
    basis="existing_customer",
)
REMINDER = FollowUp(name="pickup_reminder", after=Kind.READY_FOR_PICKUP, delay=timedelta(days=3))
ARRIVED = shipment("delivered", "Tue 12:00")


def own(after: str, delay: str = "2h") -> FollowUp:
    """A follow-up of the merchant's own."""
    return FollowUp(name="own", after=Kind(after), delay=timedelta(hours=int(delay[:-1])))


def waiting(until: str) -> Shipment:
    """A parcel that waits in a shop since Tuesday noon."""
    return shipment("ready_for_pickup", pickup=Pickup("shop", until=at(until) if until else None))


def asks(parcels: tuple[Shipment, ...], now: str, rule: FollowUp = REVIEW, **seen: Any) -> str:
    """The verdict on a review request due on Friday noon."""
    told = message("review_request", "Fri 12:00", order_id=7)
    return spell(judge_order(told, rule, view(*parcels, **seen), policy(), now=at(now)))


# -- when it is due -------------------------------------------------------------------------------


@sentences(
    "rule, until, moment",
    ("three days after the last delivery", REVIEW, "", "Fri 12:00"),
    ("three days in the shop, no end known", REMINDER, "", "Fri 12:00"),
    ("three days in the shop, kept for a week", REMINDER, "2026-11-10 18:00", "Fri 12:00"),
    ("36 hours before the end, if that is sooner", REMINDER, "Fri 18:00", "Thu 06:00"),
    ("at once, if the end is near", REMINDER, "Wed 18:00", "Tue 12:00"),
    ("the end of pickup matters to no other", own("delivered", "48h"), "Wed 18:00", "Thu 12:00"),
)
def test_a_follow_up_is_due(rule: FollowUp, until: str, moment: str) -> None:
    assert local(due(rule, at("Tue 12:00"), waiting(until))) == moment


@given(st.timedeltas(timedelta(0), timedelta(days=20)), st.timedeltas(timedelta(0)))
def test_a_reminder_is_never_due_before_it_waits_nor_after_its_delay(
    kept: timedelta, delay: timedelta
) -> None:
    since = at("Tue 12:00")
    delay = min(delay, timedelta(days=60))
    parcel = shipment("ready_for_pickup", pickup=Pickup("shop", until=since + kept))

    assert since <= due(replace(REMINDER, delay=delay), since, parcel) <= since + delay


# -- the order is complete ------------------------------------------------------------------------

ON_ITS_WAY = shipment("in_transit", id=2)
LATER = shipment("delivered", "Wed 09:00", id=3)


@sentences(
    "seen, moment",
    ("its only parcel arrived", view(ARRIVED), "Tue 12:00"),
    ("the last of two arrived", view(LATER, ARRIVED), "Wed 09:00"),
    ("one is still on its way", view(ARRIVED, ON_ITS_WAY), "never"),
    ("nothing was scanned yet", view(shipment()), "never"),
    ("there are no parcels", view(), "never"),
    ("two of two arrived", view(ARRIVED, LATER, count=2), "Wed 09:00"),
    ("one of two is known", view(ARRIVED, count=2), "never"),
    ("more arrived than were said", view(ARRIVED, LATER, count=1), "Wed 09:00"),
    ("the source has more to ship", view(ARRIVED, nothing_left=False), "never"),
    ("one was cancelled", view(ARRIVED, shipment("cancelled", id=2)), "Tue 12:00"),
    ("one label was never used", view(ARRIVED, shipment("announced", id=2)), "Tue 12:00"),
    ("one number was never found", view(ARRIVED, shipment(id=2)), "Tue 12:00"),
    (
        "one expired on its way",
        *(view(ARRIVED, shipment("in_transit", id=2, closed_reason="expired")), "Tue 12:00"),
    ),
    ("one was lost", view(ARRIVED, shipment("lost", id=2)), "never"),
    ("one turned back", view(ARRIVED, shipment("returned", id=2)), "never"),
    ("one waits in a shop", view(ARRIVED, shipment("ready_for_pickup", id=2)), "never"),
    ("something comes back", view(ARRIVED, return_parcel("in_transit")), "Tue 12:00"),
    ("only a return arrived", view(return_parcel("delivered")), "never"),
    ("all were cancelled", view(shipment("cancelled")), "never"),
    ("cancelled ones do not count", view(ARRIVED, shipment("cancelled", id=2), count=2), "never"),
)
def test_an_order_is_complete(seen: OrderView, moment: str) -> None:
    assert local(completed_at(seen)) == moment


def test_one_parcel_of_two_orders_completes_both_and_each_for_itself() -> None:
    first, second = (
        OrderView(order=Order(id=n, reference=str(n), subject=f"order:{n}"), parcels=parcels)
        for n, parcels in ((1, (ARRIVED,)), (2, (ARRIVED, ON_ITS_WAY)))
    )

    assert local(completed_at(first)) == "Tue 12:00"
    assert completed_at(second) is None


PARCELS = st.builds(
    shipment,
    st.sampled_from(["", "announced", "in_transit", "delivered", "returned", "lost", "cancelled"]),
    st.sampled_from(["Tue 12:00", "Wed 12:00", "Thu 12:00"]),
)


@given(st.lists(PARCELS, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_parcels_does_not_matter(parcels: list[Shipment], dice: Any) -> None:
    shuffled = dice.sample(parcels, len(parcels))

    assert completed_at(view(*parcels)) == completed_at(view(*shuffled))


@given(st.lists(PARCELS, max_size=5))
def test_a_parcel_on_its_way_keeps_every_order_open(parcels: list[Shipment]) -> None:
    assert completed_at(view(*parcels, ON_ITS_WAY)) is None


# -- it went wrong --------------------------------------------------------------------------------


@sentences(
    "seen, reason",
    ("all went well", view(ARRIVED, LATER), ""),
    ("a parcel turned back", view(ARRIVED, shipment("returning")), "a parcel turned back"),
    ("a parcel is back", view(ARRIVED, shipment("returned")), "a parcel turned back"),
    ("a parcel is lost", view(ARRIVED, shipment("lost")), "a parcel is lost"),
    (
        "delivered, but damaged",
        *(view(shipment("delivered", "Tue 12:00", "damaged")), "a parcel is damaged"),
    ),
    (
        "delivered, but another problem",
        *(view(shipment("delivered", "Tue 12:00", "other")), "a parcel has an open problem"),
    ),
    (
        "late on its way",
        *(view(shipment("in_transit", "Tue 12:00", "delayed")), "a parcel has an open problem"),
    ),
    (
        "a label never used is late for ever",
        *(view(ARRIVED, shipment("announced", "Tue 12:00", "delayed")), ""),
    ),
    (
        "a parcel expired, late",
        *(
            view(ARRIVED, shipment("in_transit", "Tue 12:00", "delayed", closed_reason="expired")),
            "",
        ),
    ),
    (
        "a return was asked for",
        *(view(ARRIVED, return_parcel()), "the customer returns something"),
    ),
    (
        "a return is on its way",
        *(view(ARRIVED, return_parcel("in_transit")), "the customer returns something"),
    ),
    ("a label lay in the parcel", view(ARRIVED, return_parcel(requested=False)), ""),
    (
        "a label that lay in the parcel was announced",
        *(view(ARRIVED, return_parcel("announced", requested=False)), ""),
    ),
    (
        "a label that lay in the parcel is used",
        *(
            view(ARRIVED, return_parcel("dispatched", requested=False)),
            "the customer returns something",
        ),
    ),
    ("the money went back", view(ARRIVED, refunded=True), "the order is refunded"),
)
def test_nobody_is_asked_for_praise_after(seen: OrderView, reason: str) -> None:
    assert spoiled(seen) == reason


# -- judged before it goes ------------------------------------------------------------------------


@sentences(
    "parcels, now, verdict",
    ("it is due", (ARRIVED,), "Fri 12:00", "go"),
    ("it is not due", (ARRIVED,), "Fri 11:00", "hold: not due yet until Fri 12:00"),
    ("it is night", (ARRIVED,), "Fri 22:00", "hold: quiet hours until Sat 07:00"),
    ("a week late", (ARRIVED,), "2026-11-13 12:00", "go"),
    ("more than a week late", (ARRIVED,), "2026-11-13 12:01", "withhold: lapsed"),
    (
        "a parcel turned up meanwhile",
        *((ARRIVED, ON_ITS_WAY), "Fri 12:00", "withhold: the order is not complete"),
    ),
    (
        "a return was asked for meanwhile",
        *((ARRIVED, return_parcel()), "Fri 12:00", "withhold: the customer returns something"),
    ),
)
def test_a_review_request_is_judged_before_it_goes(
    parcels: tuple[Shipment, ...], now: str, verdict: str
) -> None:
    assert asks(parcels, now) == verdict


def test_it_is_older_than_other_news_may_be() -> None:
    old = shipment("delivered", "2026-10-26 12:00")

    assert asks((old,), "Fri 12:00") == "go"


def test_a_refund_withdraws_it() -> None:
    assert asks((ARRIVED,), "Fri 12:00", refunded=True) == "withhold: the order is refunded"


def test_a_muted_review_request_is_withheld() -> None:
    told = message("review_request", "Fri 12:00")

    verdict = judge_order(
        told, REVIEW, view(ARRIVED), policy(sent=frozenset()), now=at("Fri 12:00")
    )

    assert spell(verdict) == "withhold: not enabled"


@pytest.mark.parametrize("consent", [True, False, None])
@pytest.mark.parametrize("basis", ["consent", "existing_customer", "none"])
def test_where_consent_is_the_basis_only_a_stated_one_counts(
    basis: str, consent: bool | None
) -> None:
    parcel = replace(ARRIVED, recipient=replace(CUSTOMER, consent=consent))

    verdict = asks((parcel,), "Fri 12:00", replace(REVIEW, basis=basis))

    allowed = basis != "consent" or consent
    assert verdict == ("go" if allowed else "withhold: no consent")


@sentences(
    "reached, other, verdict",
    ("agreed, the other did not", True, False, "go"),
    ("did not agree, the other did", False, True, "withhold: no consent"),
)
def test_the_consent_of_the_person_who_is_asked_counts(
    *, reached: bool, other: bool, verdict: str
) -> None:
    asked = replace(ARRIVED, recipient=replace(CUSTOMER, consent=reached))
    somebody = replace(LATER, recipient=Recipient("kunde-2@shop.invalid", consent=other))

    rule = replace(REVIEW, basis="consent")

    assert asks((asked, somebody), "Fri 12:00", rule) == verdict


@sentences(
    "until, now, status, verdict",
    ("kept for long", "2026-11-10 18:00", "Fri 12:00", "ready_for_pickup", "go"),
    ("no end known", "", "Fri 12:00", "ready_for_pickup", "go"),
    ("twelve hours are left", "Sat 00:00", "Fri 12:00", "ready_for_pickup", "go"),
    (
        "less than twelve hours are left",
        *("Fri 23:59", "Fri 12:00", "ready_for_pickup", "withhold: too late to collect it"),
    ),
    (
        "the end has passed",
        *("Thu 18:00", "Fri 12:00", "ready_for_pickup", "withhold: too late to collect it"),
    ),
    (
        "it was collected",
        *("2026-11-10 18:00", "Fri 12:00", "delivered", "withhold: ready_for_pickup is over"),
    ),
    (
        "it is on its way back",
        *("2026-11-10 18:00", "Fri 12:00", "returning", "withhold: ready_for_pickup is over"),
    ),
    (
        "at night",
        *("2026-11-10 18:00", "Fri 22:00", "ready_for_pickup", "hold: quiet hours until Sat 07:00"),
    ),
    ("a week late", "", "2026-11-13 12:01", "ready_for_pickup", "withhold: lapsed"),
)
def test_a_pickup_reminder_goes_only_while_it_helps(
    until: str, now: str, status: str, verdict: str
) -> None:
    parcel = shipment(status, pickup=waiting(until).pickup)

    told = judge_parcel(
        message("pickup_reminder", "Fri 12:00"), REMINDER, parcel, policy(), now=at(now)
    )

    assert spell(told) == verdict


@sentences(
    "after, stands, now, verdict",
    ("after a delivery", "delivered", ("delivered",), "Tue 14:00", "go"),
    (
        "after a delivery that was taken back",
        *("delivered", ("out_for_delivery",), "Tue 14:00", "withhold: delivered is over"),
    ),
    ("after a dispatch, on its way", "dispatched", ("in_transit",), "Tue 14:00", "go"),
    ("after a failed attempt", "delivery_failed", ("delivery_failed",), "Wed 14:00", "go"),
    (
        "after a failed attempt, in the van again",
        *(
            "delivery_failed",
            ("out_for_delivery",),
            "Wed 14:00",
            "withhold: delivery_failed is over",
        ),
    ),
    ("in the van, the same day", "out_for_delivery", ("out_for_delivery",), "Tue 14:00", "go"),
    (
        "in the van, the next day",
        *("out_for_delivery", ("out_for_delivery",), "Wed 14:00"),
        "withhold: out_for_delivery is over",
    ),
    (
        "after a delay that lasts",
        *("delayed", ("in_transit", "Tue 12:00", "delayed"), "Tue 14:00", "go"),
    ),
    (
        "after a delay that is over",
        "delayed",
        ("in_transit",),
        "Tue 14:00",
        "withhold: delayed is over",
    ),
    ("turned back", "returning", ("returning",), "Tue 14:00", "go"),
)
def test_a_follow_up_of_the_merchants_own_goes_only_while_its_trigger_is_current(
    after: str, stands: tuple[str, ...], now: str, verdict: str
) -> None:
    told, wishes = message("own", "Tue 14:00"), policy(sent=frozenset({"own"}))

    found = judge_parcel(told, own(after), shipment(*stands), wishes, now=at(now))

    assert spell(found) == verdict


def test_a_follow_up_that_is_off_is_withheld() -> None:
    told = judge_parcel(message("own"), own("delivered"), ARRIVED, policy(), now=at("Tue 14:00"))

    assert spell(told) == "withhold: not enabled"


# -- a fresh look, and not too often --------------------------------------------------------------


def checked(moment: str, parcel: Shipment = ARRIVED, **changes: Any) -> Shipment:
    """A parcel the carrier was last asked about then."""
    return replace(parcel, checked_at=at(moment) if moment else None, **changes)


@sentences(
    "parcels, now, verdict",
    ("asked since it was due", (checked("Fri 12:00"),), "Fri 12:05", "free"),
    (
        "not asked since it was due",
        *((checked("Fri 11:59"),), "Fri 12:05"),
        "hold: asking the carrier once more until Fri 12:20",
    ),
    (
        "never asked",
        *((checked(""),), "Fri 12:05", "hold: asking the carrier once more until Fri 12:20"),
    ),
    (
        "one of two not asked",
        *((checked("Fri 12:00"), checked("Thu 12:00", LATER)), "Fri 12:05"),
        "hold: asking the carrier once more until Fri 12:20",
    ),
    (
        "a day later the last known state decides, not before",
        *((checked("Thu 12:00"),), "Sat 11:59"),
        "hold: asking the carrier once more until Sat 12:14",
    ),
    ("a day later the last known state decides", (checked("Thu 12:00"),), "Sat 12:00", "free"),
    (
        "a carrier that is not asked about delivered parcels",
        *((checked("Thu 12:00", brand="ups"),), "Fri 12:05", "free"),
    ),
    (
        "a return is not asked about",
        (checked("", return_parcel("delivered")),),
        "Fri 12:05",
        "free",
    ),
    (
        "a label never used is not asked about",
        *((checked("Fri 12:00"), checked("", shipment("announced"))), "Fri 12:05", "free"),
    ),
)
def test_the_carrier_is_asked_once_more_before(
    parcels: tuple[Shipment, ...], now: str, verdict: str
) -> None:
    told = message("review_request", "Fri 12:00")

    found = unchecked(told, view(*parcels), at(now), askable=frozenset({"dhl"}))

    assert spell(found) == verdict


@sentences(
    "last, verdict",
    ("never asked before", "", "free"),
    ("asked 30 days ago", "2026-10-07 13:00", "free"),
    ("asked less than 30 days ago", "2026-10-07 13:01", "withhold: asked less than 30d ago"),
)
def test_nobody_is_asked_too_often(last: str, verdict: str) -> None:
    found = too_often(at(last) if last else None, REVIEW, at("Fri 12:00"))

    assert spell(found) == verdict


def test_only_what_follows_a_whole_order_speaks_of_it() -> None:
    assert is_order_rule(REVIEW)
    assert not is_order_rule(REMINDER)
    assert not is_order_rule(own("delivered"))
