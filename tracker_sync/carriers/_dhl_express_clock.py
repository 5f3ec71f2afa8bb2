"""When an event of MyDHL was, on a clock that DHL mostly does not name.

The stamp is local to the event's place. Exact where the event carries `GMTOffset`; as good where
the service area names a country with one clock ("Leipzig-DE"). A wide country counts as its
eastern mainland: a stamp may then be some hours early, never late, so nothing of today waits in
the future and pushes what follows. Elsewhere it is the zone the carrier assumes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.model import utc

_CLOCKS = {
    "Europe/Berlin": "AD AL AT BA BE CH CZ DE DK ES FR GI HR HU IT LI LU MC ME MK MT NL NO PL RS"
    " SE SI SK SM VA",
    "Europe/London": "GB GG IM JE",
    "Europe/Dublin": "IE",
    "Europe/Lisbon": "PT",
    "Atlantic/Reykjavik": "IS",
    "Europe/Athens": "BG CY EE FI GR LT LV RO",
    "Europe/Kyiv": "UA",
    "Europe/Istanbul": "TR",
    "Asia/Riyadh": "BH IQ KW QA SA",
    "Asia/Dubai": "AE AM AZ GE OM",
    "Asia/Jerusalem": "IL",
    "Asia/Karachi": "PK UZ",
    "Asia/Kolkata": "IN LK",
    "Asia/Dhaka": "BD",
    "Asia/Bangkok": "KH LA TH VN",
    "Asia/Shanghai": "BN CN HK MO MY PH SG TW",
    "Asia/Tokyo": "JP KR",
    "Africa/Johannesburg": "BW LS MZ SZ ZA ZM ZW",
    "Africa/Lagos": "AO CM DZ NG TN",
    "Africa/Nairobi": "ET KE TZ UG",
    "Africa/Abidjan": "CI GH SN",
    "Africa/Cairo": "EG",
    "Africa/Casablanca": "MA",
    "America/Bogota": "CO JM PA PE",
    "America/Puerto_Rico": "BO DO PR VE",
    "America/Guatemala": "CR GT HN NI SV",
    "America/Argentina/Buenos_Aires": "AR UY",
    # Several clocks: the eastern mainland.
    "America/Guayaquil": "EC",
    "America/Santiago": "CL",
    "America/New_York": "US",
    "America/Halifax": "CA",
    "America/Cancun": "MX",
    "America/Sao_Paulo": "BR",
    "Asia/Jayapura": "ID",
    "Australia/Sydney": "AU",
    "Pacific/Auckland": "NZ",
}
_ZONES = {country: zone for zone, countries in _CLOCKS.items() for country in countries.split()}
_COUNTRY = re.compile(r"-\s*([A-Z]{2})$")


def place(party: Any) -> str:
    """Return the service area of an event, or of the shipper: "Leipzig-DE"."""
    areas = party.get("serviceArea") or [{}]
    return str(areas[0].get("description") or "").strip()


def moment(stamp: str, party: Any, zone: str, after: datetime | None = None) -> datetime:
    """Read a local *stamp*, of *zone* where neither offset nor country is known.

    In the hour that comes twice the first round is meant, unless that would be earlier than
    *after*, the event before it in the list.
    """
    told = datetime.fromisoformat(stamp + str(party.get("GMTOffset") or "").strip())
    if told.tzinfo:
        return utc(told)
    country = _COUNTRY.search(place(party))
    local = told.replace(tzinfo=ZoneInfo(_ZONES.get(country[1], zone) if country else zone))
    rounds = [utc(local), utc(local.replace(fold=1))]
    return max(rounds) if after and rounds[0] < after else rounds[0]
