"""What the cells of a column hold: numbers, moments, amounts (more in `words`).

Every reader takes the text of one cell and returns a value, or raises ValueError with a reason
that says what to write instead and quotes nothing of the cell: it may stand in the wrong column.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from tracker_sync.plain import kept

_BLANK = {"-", "\u2013", "n/a", "#n/a", "null", "nan", "none"}  # what exports write for nothing
_FORMULA = re.compile(r'="(.*)"')  # Excel's way to keep a number as text
_POWER = re.compile(r"\d([.,]\d+)?E\+\d+|\d[.,]\d+E-?\d+", re.IGNORECASE)
_IGNORED = re.compile(r"[\s.\-\u2010-\u2015\u200b\u200e\ufeff]")
_USPS_ZIP = re.compile(r"420(?:\d{5}|\d{9})(9[1-5]\d{20})")
_ISO = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d?)-(?P<d>\d\d?)"
    r"(?:[T ]+(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,]\d+)?)?)?"
    r" ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
_GERMAN = re.compile(
    r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})"
    r"(?:[T, ]+(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d))?(?: Uhr)?)?(?P<zone>)"
)
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)")
_TWO_WAYS = re.compile(r"\d\d?[/.\-]\d\d?[/.\-]\d\d(\d\d)?\b.*|\d{4}/.*")
_WRITE = "write it as 2026-10-07, 2026-10-07T09:50:26+02:00 or 07.10.2026"
_CUT = "a spreadsheet has cut this number (as in 3.4E+11); export it again as text"


def text(cell: str) -> str:
    """Return the text of *cell* without the wrapping of spreadsheets; blank for "n/a" and such.

    What steers a terminal or turns a line around stays outside.
    """
    plain = kept(" ".join(cell.split()))
    if wrapped := _FORMULA.fullmatch(plain):
        plain = wrapped[1].strip()
    plain = plain.removeprefix("'").strip()
    return "" if plain.casefold() in _BLANK else plain


def normalised(number: str) -> str:
    """Return a tracking number as we keep it; ValueError for what cannot be one."""
    plain = text(number)
    if not plain:
        raise ValueError("the tracking number is blank")
    if _POWER.fullmatch(plain):
        raise ValueError(_CUT)
    plain = _IGNORED.sub("", plain).upper()
    if wrong := re.search(r"[^A-Z0-9]", plain):
        raise ValueError(f'a tracking number has letters A-Z and digits only, not "{wrong[0]}"')
    if not 6 <= len(plain) <= 40:
        raise ValueError(f"a tracking number has 6 to 40 characters, this one {len(plain)}")
    if zip_prefixed := _USPS_ZIP.fullmatch(plain):
        return zip_prefixed[1]
    if not re.fullmatch(r"340\d{15}", plain):
        return plain
    # DHL's 00340… has lost its zeros in a spreadsheet, which may keep 15 digits only.
    if plain.endswith("000") and not _checks(plain):
        raise ValueError(_CUT)
    return f"00{plain}"


def _checks(digits: str) -> bool:
    """Whether the last digit is right by GS1's rule."""
    weighted = sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


def moment(cell: str, zone: str) -> datetime:
    """Read a date or time, without offset in *zone*; a date is the start of that day there."""
    match = _ISO.fullmatch(cell) or _GERMAN.fullmatch(cell)
    if not match:
        two = "the date can be read in two ways" if _TWO_WAYS.fullmatch(cell) else "not a date"
        raise ValueError(f"{two}; {_WRITE}")
    return _moment(match, zone)


def compact_day(cell: str, zone: str) -> datetime:
    """Read the YYYYMMDD of AfterShip's `tracking_ship_date`, or any form of `moment`."""
    match = _COMPACT.fullmatch(cell)
    return _moment(match, zone) if match else moment(cell, zone)


def _moment(match: re.Match[str], zone: str) -> datetime:
    parts = match.groupdict()
    figures = [int(parts.get(name) or 0) for name in "ymdHMS"]
    if not 2000 <= figures[0] < 2100:
        raise ValueError("the year is not of this century")
    try:
        naive = datetime.fromisoformat("{}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*figures))
    except ValueError:
        raise ValueError(f"there is no such day or time; {_WRITE}") from None
    return naive.replace(tzinfo=_zone(parts.get("zone") or "", zone)).astimezone(UTC)


def _zone(offset: str, zone: str) -> timezone | ZoneInfo:
    if not offset:
        return ZoneInfo(zone)
    if offset in {"Z", "UTC"}:
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError("there is no such offset from UTC")
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1))


def amount(cell: str) -> str:
    """Read an amount of money with decimal point or comma, as "1234.50"."""
    plain = re.sub(r"[€$£\s]|\b[A-Z]{3}\b", "", cell)
    parts = re.fullmatch(r"(?P<whole>.+?)(?:(?P<point>[.,])(?P<cents>\d\d?))?", plain)
    whole, point, cents = parts.group("whole", "point", "cents") if parts else ("", None, None)
    grouped = re.fullmatch(r"\d{1,3}(?P<by>[.,'\u2019])\d{3}((?P=by)\d{3})*", whole)
    # "1.234" alone may be a thousand or three decimals.
    clear = grouped and grouped["by"] != point and (point or whole.count(grouped["by"]) > 1)
    if not clear and not re.fullmatch(r"\d+", whole):
        raise ValueError("the amount is not clear; write it as 1234.50 or 1234,50")
    return f"{re.sub('[^0-9]', '', whole)}.{cents or '':0<2}"
