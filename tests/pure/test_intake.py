"""Is it the parcel we know? Every row of the intake rules, told as what the feed says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pure.builders import CUSTOMER, NUMBER, at, order, shipment
from pure.histories import sentences
from tracker_sync.lifecycle.intake import RECYCLED_AFTER, Intake, accept, unfit
from tracker_sync.model import Advice, Direction, Recipient, Shipment

SOMEBODY = Recipient(email="kunde-2@shop.invalid")
NOBODY = Recipient()
BACK = Direction.RETURN
NEVER = -1

OTHERS = "refuse: the number belongs to another order of another customer"
CHANGED = "update: the recipient has changed"


def advice(
    reference: str = "1001", recipient: Recipient = CUSTOMER, way: str = "outbound"
) -> Advice:
    """What a feed says about the number."""
    return Advice(number=NUMBER, order=reference, recipient=recipient, direction=Direction(way))


def known(days_closed: int = NEVER, *, references: tuple[str, ...] = ("1001",)) -> Shipment:
    """The parcel we know, open or closed so many days ago."""
    closed = at("Tue 12:00") - timedelta(days=days_closed) if days_closed != NEVER else None
    orders = tuple(order(reference) for reference in references)
    return shipment("delivered", orders=orders, closed_at=closed)


def nobodys(days_closed: int = NEVER) -> Shipment:
    """A parcel whose recipient is not known, or not any more."""
    return replace(known(days_closed), recipient=NOBODY)


@sentences(
    "told, shipment, decision",
    ("a number we do not know", advice(), None, "new"),
    ("the same once more", advice(), known(), "update"),
    ("the same, closed yesterday", advice(), known(1), "update"),
    ("the same, closed a year ago", advice(), known(365), "update"),
    ("another order of the same customer", advice("1002"), known(), "update"),
    ("another order of the same customer, just closed", advice("1002"), known(1), "update"),
    ("the same order, another recipient", advice("1001", SOMEBODY), known(), CHANGED),
    ("the same order, another recipient, closed", advice("1001", SOMEBODY), known(365), CHANGED),
    ("another order of another customer", advice("1002", SOMEBODY), known(), OTHERS),
    (
        "another order of another customer, closed 119 d",
        advice("1002", SOMEBODY),
        known(119),
        OTHERS,
    ),
    (
        "another order of another customer, closed 120 d",
        *(advice("1002", SOMEBODY), known(120), "new_leg"),
    ),
    ("another order of the same customer, closed 120 d", advice("1002"), known(120), "new_leg"),
    ("one of its two orders", advice("1002"), known(references=("1001", "1002")), "update"),
    ("no order is said", advice(""), known(), "update"),
    ("no order is said, closed long ago", advice(""), known(365), "update"),
    ("no order is said, another recipient", advice("", SOMEBODY), known(), CHANGED),
    ("no order is said, another recipient, closed", advice("", SOMEBODY), known(365), "new_leg"),
    ("no recipient is said", advice("1001", NOBODY), known(), "update"),
    ("another order, no recipient is said", advice("1002", NOBODY), known(), "update"),
    ("nothing is said but the number", advice("", NOBODY), known(), "update"),
    (
        "its order becomes known, the customer is the same",
        *(advice("1001"), known(references=("",)), "update"),
    ),
    (
        "the number is on its way back",
        *(advice(way="return"), known(), "refuse: the number is known as outbound"),
    ),
    (
        "the number goes out again",
        *(advice(), replace(known(), direction=BACK), "refuse: the number is known as return"),
    ),
    ("the number comes back a year later", advice(way="return"), known(365), "new_leg"),
)
def test_an_announcement_is(told: Advice, shipment: Shipment | None, decision: str) -> None:
    found = accept(told, shipment, at("Tue 12:00"))

    reason = f": {found.reason}" if found.reason else ""
    assert found.intake.value + reason == decision


WHOSE = (
    "refuse: the number belongs to another order, and nothing says that the customer is the same"
)


@sentences(
    "told, shipment, decision",
    ("another order, no recipient", advice("1002", NOBODY), known(), WHOSE),
    ("another order, a recipient, nobody known", advice("1002"), nobodys(), WHOSE),
    ("its first order", advice("1002", NOBODY), known(references=("",)), "update"),
    ("the same order, no recipient", advice("1001", NOBODY), known(), "update"),
    ("another order of the same customer", advice("1002"), known(), "update"),
)
def test_of_a_source_that_told_of_it_before(
    told: Advice, shipment: Shipment, decision: str
) -> None:
    found = accept(told, shipment, at("Tue 12:00"), joins=False)

    reason = f": {found.reason}" if found.reason else ""
    assert found.intake.value + reason == decision


def test_a_closed_parcel_whose_customer_was_blanked_gets_no_other_order() -> None:
    found = accept(advice("1002"), nobodys(70), at("Tue 12:00"))

    assert found.intake is Intake.REFUSE


@sentences(
    "told, why",
    ("a number", advice(), ""),
    ("a path", replace(advice(), number="../../x"), "the tracking number is none"),
    ("small letters", replace(advice(), number="ab12345678"), "the tracking number is none"),
    ("a line", replace(advice(), number="AB12345678\n"), "the tracking number is none"),
    ("a wrong correction", replace(advice(), replaces="?x=y"), "the number it corrects is none"),
    ("an address", advice("a@shop.invalid"), "the order is an e-mail address"),
)
def test_at_the_door(told: Advice, why: str) -> None:
    assert unfit(told).startswith(why)
    assert bool(unfit(told)) is bool(why)


MAIL, PHONE, SHOP_ID = "kunde-1@shop.invalid", "+491700000001", "c-1"


@sentences(
    "told, kept, same",
    ("the e-mail in capitals", Recipient("KUNDE-1@shop.invalid"), Recipient(MAIL), True),
    ("another e-mail", Recipient("kunde-2@shop.invalid"), Recipient(MAIL), False),
    ("a phone number, where an e-mail is known", Recipient("", PHONE), Recipient(MAIL), True),
    ("the same e-mail, another phone", Recipient(MAIL, "+4930000"), Recipient(MAIL, PHONE), True),
    ("another e-mail, the same phone", Recipient("b@c.d", PHONE), Recipient(MAIL, PHONE), False),
    ("another phone, no e-mail", Recipient("", "+4930000"), Recipient(MAIL, PHONE), False),
    ("another external id", Recipient("", "", "c-2"), Recipient("", "", SHOP_ID), False),
    ("the same external id", Recipient("", "", SHOP_ID), Recipient("", "", SHOP_ID), True),
    ("nobody was known", Recipient(MAIL), NOBODY, True),
)
def test_a_recipient_is_the_same(told: Recipient, kept: Recipient, *, same: bool) -> None:
    decision = accept(advice("1001", told), replace(known(), recipient=kept), at("Tue 12:00"))

    assert decision.reason == ("" if same else "the recipient has changed")


ADVICES = st.builds(
    advice,
    st.sampled_from(["", "1001", "1002"]),
    st.sampled_from([NOBODY, CUSTOMER, SOMEBODY]),
    st.sampled_from(["outbound", "return"]),
)
CLOSED = st.integers(NEVER, 400)


@given(ADVICES, CLOSED)
def test_a_new_leg_needs_a_parcel_that_was_closed_for_long(told: Advice, days: int) -> None:
    decision = accept(told, known(days), at("Tue 12:00"))

    if decision.intake is Intake.NEW_LEG:
        assert timedelta(days=days) >= RECYCLED_AFTER
    if decision.intake is Intake.REFUSE:
        assert timedelta(days=days) < RECYCLED_AFTER
        assert decision.reason


@given(ADVICES, CLOSED)
def test_a_reason_names_nobody(told: Advice, days: int) -> None:
    reason = accept(told, known(days), at("Tue 12:00")).reason

    assert not any(secret in reason for secret in ("@", NUMBER, "1001", "1002"))
