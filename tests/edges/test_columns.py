"""How one cell is read: numbers, moments, amounts."""

from __future__ import annotations

from datetime import datetime

import pytest

from tracker_sync.sources import columns

NUMBER = "00340000161094042557"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" 3400-0016.1094 042557 ", NUMBER),
        (f"'{NUMBER}", NUMBER),
        (f'="{NUMBER}"', NUMBER),
        ("340000161094042557", NUMBER),
        ("1z0000000000000001", "1Z0000000000000001"),
        ("420101159400100000000000000000", "9400100000000000000000"),
        ("EE123456789DE", "EE123456789DE"),
        ("12E34567", "12E34567"),
    ],
)
def test_a_number_is_kept_as_text_in_one_form(written: str, kept: str) -> None:
    assert columns.normalised(written) == kept
    assert columns.normalised(kept) == kept


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("3.4E+11", "a spreadsheet has cut this number"),
        ("1,23E+15", "a spreadsheet has cut this number"),
        ("3E+11", "a spreadsheet has cut this number"),
        ("340434161094042000", "a spreadsheet has cut this number"),
        ("", "is blank"),
        ("n/a", "is blank"),
        ("12345", "6 to 40 characters, this one 5"),
        ("1" * 41, "6 to 40 characters, this one 41"),
        ("AB1234/56", 'letters A-Z and digits only, not "/"'),
        ("AB123456 📦", "letters A-Z and digits only"),
        ("ÄB123456", "letters A-Z and digits only"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "letters A-Z and digits only"),
        ("AB123456,AB123457", 'not ","'),
    ],
)
def test_what_cannot_be_a_number_is_refused(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        columns.normalised(written)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-10-07", "2026-10-06T22:00:00"),
        ("2026-10-07T09:50:26+02:00", "2026-10-07T07:50:26"),
        ("2026-10-07 09:50:26 +0200", "2026-10-07T07:50:26"),
        ("2026-10-07T09:50:26.123Z", "2026-10-07T09:50:26"),
        ("2026-10-07 09:50:26 UTC", "2026-10-07T09:50:26"),
        ("2026-10-07 09:50", "2026-10-07T07:50:00"),
        ("07.10.2026", "2026-10-06T22:00:00"),
        ("7.1.2026", "2026-01-06T23:00:00"),
        ("07.10.2026 09:50", "2026-10-07T07:50:00"),
        ("07.10.2026, 09:50:26 Uhr", "2026-10-07T07:50:26"),
    ],
)
def test_a_date_is_read_in_the_shops_zone_unless_it_names_one(written: str, at: str) -> None:
    assert columns.moment(written, "Europe/Berlin") == datetime.fromisoformat(f"{at}+00:00")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("12", "12.00"), ("12.5", "12.50"), ("12,34", "12.34"), ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"), ("1.234.567", "1234567.00"), ("€ 12,34", "12.34"),
        ("12,34 EUR", "12.34"), ("1'234.50", "1234.50"), ("1 234,50", "1234.50"),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_point_or_comma(written: str, kept: str) -> None:
    assert columns.amount(written) == kept


@pytest.mark.parametrize("written", ["1.234", "1,234", "1,234,56", "12,345,6", "-5", "", "abc"])
def test_an_amount_that_is_not_clear_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        columns.amount(written)
