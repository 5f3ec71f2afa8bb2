"""The ids that make a message the same message: promise P2."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_sync.messages.message import order_subject, parcel_subject, unique_id

TEXT = st.text(max_size=12)
PARTS = st.tuples(TEXT, TEXT, TEXT, st.integers(1, 99))
BRANDS = st.from_regex("[a-z0-9_]{1,12}", fullmatch=True)
PARCELS = st.tuples(BRANDS, TEXT, st.integers(1, 99))


def test_an_id_is_the_same_in_every_version_of_this_program() -> None:
    subject = parcel_subject("dhl", "00340434161094000017", 1)

    assert unique_id("muster-shop", subject, "delivered", 1) == (
        "2fd878a3-b331-59ab-9802-babfdae59359"
    )
    assert unique_id("muster-shop", order_subject("1001"), "review_request", 1) == (
        "e0897374-75dc-5a4e-a43a-3d633751f9c9"
    )
    assert unique_id("muster-shop", order_subject("Ä-1"), "review_request", 1) == (
        "9ed5e64c-9b07-5bbf-bfc0-b957de9341c5"
    )


@pytest.mark.parametrize(
    "other",
    [
        ("other-shop", "parcel:dhl:1:1", "delivered", 1),
        ("muster-shop", "parcel:dhl:2:1", "delivered", 1),
        ("muster-shop", "parcel:dhl:1:2", "delivered", 1),
        ("muster-shop", "parcel:ups:1:1", "delivered", 1),
        ("muster-shop", "order:1", "delivered", 1),
        ("muster-shop", "parcel:dhl:1:1", "returned", 1),
        ("muster-shop", "parcel:dhl:1:1", "delivered", 2),
    ],
)
def test_another_shop_subject_kind_or_attempt_has_another_id(
    other: tuple[str, str, str, int],
) -> None:
    assert unique_id(*other) != unique_id("muster-shop", "parcel:dhl:1:1", "delivered", 1)


@given(PARTS, PARTS)
def test_ids_are_equal_if_and_only_if_all_parts_are(
    one: tuple[str, str, str, int], two: tuple[str, str, str, int]
) -> None:
    assert (unique_id(*one) == unique_id(*two)) is (one == two)


@given(TEXT, TEXT, st.sampled_from([":", ",", '"', '","', "\\", "|", " ", "\0"]))
def test_a_separator_inside_a_value_is_no_border(left: str, right: str, sign: str) -> None:
    ids = {
        unique_id(left + sign, right, "k", 1),
        unique_id(left, sign + right, "k", 1),
        unique_id(left, right, sign + "k", 1),
    }

    assert len(ids) == 3


@given(PARTS)
def test_an_id_is_a_uuid_of_version_five(parts: tuple[str, str, str, int]) -> None:
    assert UUID(unique_id(*parts)).version == 5


@given(PARCELS, PARCELS)
def test_no_two_parcels_share_a_subject(
    one: tuple[str, str, int], two: tuple[str, str, int]
) -> None:
    assert (parcel_subject(*one) == parcel_subject(*two)) is (one == two)


@given(TEXT, TEXT, PARCELS)
def test_no_order_shares_a_subject_with_another_or_with_a_parcel(
    one: str, two: str, parcel: tuple[str, str, int]
) -> None:
    assert (order_subject(one) == order_subject(two)) is (one == two)
    assert order_subject(one) != parcel_subject(*parcel)
