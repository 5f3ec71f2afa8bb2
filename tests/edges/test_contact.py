from __future__ import annotations

import pytest

from tracker_sync.model import Recipient
from tracker_sync.sources import contact


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("kunde-1@shop-demo.example", "kunde-1@shop-demo.example"),
        (" Kunde-1@Shop-Demo.EXAMPLE ", "Kunde-1@shop-demo.example"),
        ("kunde+paket@müller.example", "kunde+paket@müller.example"),
    ],
)
def test_an_address_is_kept_in_one_form(written: str, kept: str) -> None:
    assert contact.email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "kunde-1",
        "kunde-1@shop",
        "kunde 1@shop-demo.example",
        "a@shop-demo.example, b@shop-demo.example",
        "Kunde <a@shop-demo.example>",
        "künde@shop-demo.example",
        "kunde-1@guest.invalid",
        "kunde-1@example.com",
        "kunde-1@Test.com",
        f"{'k' * 61}@{'s' * 30}.example",
    ],
)
def test_an_address_klaviyo_would_refuse_or_drop_is_refused_without_quoting_it(
    written: str,
) -> None:
    with pytest.raises(ValueError, match="e-mail address") as caught:
        contact.email(written)

    assert "unde" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("+49 1512 3456789", "", "+4915123456789"),
        ("0049 1512 3456789", "DE", "+4915123456789"),
        ("01512 / 345 67 89", "de", "+4915123456789"),
        ("0664 1234567", "AT", "+436641234567"),
    ],
)
def test_a_phone_number_is_kept_in_e164(written: str, country: str, kept: str) -> None:
    assert contact.phone(written, country) == kept


@pytest.mark.parametrize(
    ("written", "country"),
    [("01512 3456789", ""), ("4.91512E+12", "DE"), ("12", "DE"), ("", "DE"), ("nein", "DE")],
)
def test_a_phone_number_that_reaches_nobody_is_refused(written: str, country: str) -> None:
    with pytest.raises(ValueError, match=r"^the phone number is not valid; write it as \+49 …$"):
        contact.phone(written, country)


@pytest.mark.parametrize(
    "address",
    [
        "abc123@marketplace.amazon.de",
        "abc123@marketplace.amazon.co.uk",
        "abc123@m.Marketplace.Amazon.com",
        "abc123@members.ebay.com",
        "abc123@kaufland-marktplatz.de",
        "abc123@pc.fw.rakuten.ne.jp",
    ],
)
def test_a_marketplace_relay_is_recognised(address: str) -> None:
    assert contact.is_relay(address)


@pytest.mark.parametrize(
    "address",
    [
        "abc123@privaterelay.appleid.com",
        "abc123@amazon.de",
        "abc123@notmarketplace.amazon-shop.example",
        "marketplace.amazon.de@shop-demo.example",
        "",
    ],
)
def test_an_address_that_reaches_the_customer_is_no_marketplace_relay(address: str) -> None:
    assert not contact.is_relay(address)


def test_behind_a_marketplace_relay_nobody_is_told_by_phone_either() -> None:
    found, notes = contact.recipient(
        email="abc123@members.ebay.de", sms="+49 1512 3456789", external_id="7", consent=True
    )

    assert found == Recipient(consent=True)
    assert len(notes) == 1


def test_what_is_usable_stays_when_the_rest_is_not() -> None:
    found, notes = contact.recipient(
        email="kunde-1@", sms="01512 3456789", external_id=" 7 ", country="DE"
    )

    assert found == Recipient("", "+4915123456789", "7")
    assert notes == ["the e-mail address is not valid"]


def test_both_the_address_and_the_phone_may_be_unusable() -> None:
    found, notes = contact.recipient(email="kunde-1@", sms="12")

    assert not found.known
    assert len(notes) == 2


def test_an_unusable_phone_beside_an_address_is_not_missed() -> None:
    found, notes = contact.recipient(email="kunde-1@shop-demo.example", sms="12")

    assert (found, notes) == (Recipient("kunde-1@shop-demo.example"), [])


def test_without_anything_nobody_is_known_and_nothing_noted() -> None:
    assert contact.recipient() == (Recipient(), [])
