"""What differs between DPD's countries: host, login version, language, zone, forms of dates.

"19.08.2021, 17:11" and "8/19/2021 5:11:26 PM" are told by their punctuation and read anywhere; a
slash without AM or PM ("4/3/2021, 17:11") only where the country declares it: Germany, day first.
So "4/3/2021 5:11:26 PM" is always April 3rd. Any other date is refused, never guessed.
Assumptions: dates are local to the country; the Netherlands write them as Belgium does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

from tracker_sync.errors import Unreadable
from tracker_sync.model import Scan, utc

_DOTTED, _DAY_FIRST = "%d.%m.%Y, %H:%M", "%d/%m/%Y, %H:%M"
_MONTH_FIRST = "%m/%d/%Y %I:%M:%S %p"
_USUAL, _LONGEST, _UNLIKELY = (timedelta(hours=hours) for hours in (20, 24, 48))
_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
_TYPES = "http://dpd.com/common/service/types"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Land:
    """One country's service; its own form of dates stands first."""

    services: str
    login: str  # version of its LoginService
    language: str  # the one its form of dates is known in
    zone: str
    forms: tuple[str, ...]

    def url(self, call: str) -> str:
        """Return where *call* (`Service/version/operation`) is asked."""
        service, version, _ = call.split("/")
        return f"{self.services}/{service}/V{version.replace('.', '_')}"

    def moments(self, stamps: Iterable[str]) -> Iterator[datetime]:
        """Read local dates in the order of the list; in the hour that comes twice, it decides.

        There the first round is meant, unless that would be earlier than the step before.
        """
        before = datetime.min.replace(tzinfo=UTC)
        for stamp in stamps:
            naive = _naive(stamp, self.forms).replace(tzinfo=ZoneInfo(self.zone))
            rounds = [utc(naive), utc(naive.replace(fold=1))]
            before = max(rounds) if rounds[0] < before else rounds[0]
            yield before

    def lasts(self, expires: str, answered: str) -> timedelta:
        """Return how long a token may be used, measured on DPD's own clock (its Date header).

        An end without offset is local or UTC: the earlier is taken, which costs a login at worst.
        Where one of the two cannot be read, or they make no sense together, it is the usual.
        """
        try:
            end = datetime.fromisoformat(expires)
            end = end if end.tzinfo else end.replace(tzinfo=ZoneInfo(self.zone))
            span = utc(end) - utc(parsedate_to_datetime(answered))
        except (ValueError, OverflowError):
            return _USUAL
        if not timedelta(0) < span <= _UNLIKELY:
            return _USUAL
        return min(max(span - timedelta(minutes=5), span / 2), _LONGEST)


_NORTH = "https://wsshipper.dpd.{}/soap/services"
_12_HOURS = (_MONTH_FIRST, _DOTTED)
_GERMAN = (_DOTTED, _DAY_FIRST, _MONTH_FIRST)
LANDS = {
    "de": Land("https://public-ws.dpd.com/services", "2.0", "de_DE", "Europe/Berlin", _GERMAN),
    "be": Land(_NORTH.format("be"), "2.1", "en_US", "Europe/Brussels", _12_HOURS),
    "nl": Land(_NORTH.format("nl"), "2.1", "en_US", "Europe/Amsterdam", _12_HOURS),
}


def envelope(call: str, fields: Mapping[str, str], login: Mapping[str, str] | None) -> bytes:
    """Write the question *call*, with the header of a *login* where it needs one."""
    service, _, operation = call.rpartition("/")
    root = Element(f"{_ENVELOPE}Envelope")
    if login is not None:
        head = SubElement(root, f"{_ENVELOPE}Header")
        _fill(SubElement(head, f"{{{_TYPES}/Authentication/2.0}}authentication"), login)
    body = SubElement(root, f"{_ENVELOPE}Body")
    _fill(SubElement(body, f"{{{_TYPES}/{service}}}{operation}"), fields)
    xml: bytes = tostring(root, "utf-8", xml_declaration=True)
    return xml


def settled(dated: Sequence[tuple[Scan, bool]]) -> list[Scan]:
    """Put the step that is marked as the current one at the end; steps after it are not believed.

    Equal stamps are real, so the mark decides among them; a later step waits for it to move on.
    """
    marked = sorted((scan for scan, current in dated if current), key=lambda scan: scan.at)
    scans = [scan for scan, _ in dated]
    if not marked:
        return scans
    now = marked[-1]
    return [*(scan for scan in scans if scan.at <= now.at and scan is not now), now]


def _fill(parent: Element, fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        SubElement(parent, name).text = value and _NOT_XML.sub("", value)


def _naive(stamp: str, forms: Sequence[str]) -> datetime:
    for form in forms:
        with suppress(ValueError):
            return datetime.strptime(" ".join(stamp.split()), form)  # noqa: DTZ007
    raise Unreadable("dpd_soap", "a date has no form DPD is known to write in this country")
