"""What a checkpoint says, and when it happened.

A time without offset is local to the scan. Its country's easternmost clock gives the first moment
it can have been: the very moment where a country has one clock. Without a country it is the
easternmost clock there is. No scan is taken for later than it was, which could put an old "out for
delivery" behind a delivery, nor for earlier than one that stands before it in the list.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker_sync.model import ENDS, Meaning, Problem, Status

RETURN, DOUBTFUL = "return", "doubtful"
_ONE_THING = ("InfoReceived", "InTransit", "OutForDelivery", "AttemptFail", "Pending", "Expired")
_TURNS = frozenset({"Exception_010", "Exception_011"})
SILENT = ("Pending", "Expired")  # no news: without a scan, as good as not found
_SAYS_NOTHING = "without tag"
_ANYWHERE = "Pacific/Kiritimati"  # UTC+14: it is never earlier anywhere
_EASTERNMOST = re.findall(
    r"([A-Z]{3}) (\S+)",
    """
AUT Europe/Vienna BEL Europe/Brussels BGR Europe/Sofia CAN America/St_Johns CHE Europe/Zurich
CHN Asia/Shanghai CZE Europe/Prague DEU Europe/Berlin DNK Europe/Copenhagen ESP Europe/Madrid
EST Europe/Tallinn FIN Europe/Helsinki FRA Europe/Paris GBR Europe/London GRC Europe/Athens
HKG Asia/Hong_Kong HRV Europe/Zagreb HUN Europe/Budapest IND Asia/Kolkata IRL Europe/Dublin
ITA Europe/Rome JPN Asia/Tokyo KOR Asia/Seoul LIE Europe/Vaduz LTU Europe/Vilnius
LUX Europe/Luxembourg LVA Europe/Riga MLT Europe/Malta NLD Europe/Amsterdam NOR Europe/Oslo
POL Europe/Warsaw PRT Europe/Lisbon ROU Europe/Bucharest SGP Asia/Singapore SVK Europe/Bratislava
SVN Europe/Ljubljana SWE Europe/Stockholm TUR Europe/Istanbul USA America/New_York
""",
)
CLOCKS: dict[str, str] = dict(_EASTERNMOST)


def tag_of(subtag: str) -> str:
    """Return the tag of a subtag where every subtag below it says much the same."""
    tag = subtag.partition("_")[0]
    return tag if tag in _ONE_THING else subtag


def homeward(says: Meaning) -> Meaning:
    """Return what a scan says on the way back: for the customer's parcel that is its return.

    A return that goes back to its own sender is with the customer again, not with the shop.
    """
    if says.status in (Status.RETURNING, Status.RETURNED):
        return Meaning(problem=Problem.OTHER)
    if says.status is None or says.status in ENDS | {Status.ANNOUNCED}:
        return says
    arrived = says.status is Status.DELIVERED
    return Meaning(Status.RETURNED if arrived else Status.RETURNING, says.problem)


def codes(tracking: Any, checkpoints: list[Any]) -> list[str]:
    """Return the code of each of *checkpoints*, oldest first."""
    words = [str(each.get("subtag") or each.get("tag") or _SAYS_NOTHING) for each in checkpoints]
    forward = tracking.get("forward_shipment") or {}  # no object: refused, it may mean anything
    back = tracking.get("shipment_direction") == "return" or any(forward.values())
    flagged = tracking.get("return_to_sender") is True and not _TURNS & {*words}
    found: list[str] = []
    for place, word in enumerate(words):
        arrived, before = word.partition("_")[0] == "Delivered", {*words[:place]}
        # An entry may be listed twice: then both are the last one.
        last, way = checkpoints[place] == checkpoints[-1], ""
        if back or (arrived and flagged):
            way = f"{DOUBTFUL}/" if arrived and back and _TURNS & before else f"{RETURN}/"
        elif arrived and _doubtful(tracking, checkpoints[place], last=last):
            way = f"{DOUBTFUL}/"
        found.append(way + word)
    return found


def _doubtful(tracking: Any, checkpoint: Any, *, last: bool) -> bool:
    """Whether a delivery may be one to a partner, or is no longer believed."""
    first, then = ((tracking.get(f"{end}_mile") or {}).get("slug") for end in ("first", "last"))
    to_partner = bool(then) and first == checkpoint.get("slug") != then
    return to_partner or (last and tracking.get("tag") not in ("Delivered", None))


def moments(tracking: Any, checkpoints: list[Any]) -> list[datetime]:
    """Return when each of *checkpoints*, oldest first, happened."""
    found: list[datetime] = []
    for each in checkpoints:
        stamp = datetime.fromisoformat(each["checkpoint_time"])
        before = max(found, default=None)
        found.append(stamp if stamp.tzinfo else _local(stamp, _country(tracking, each), before))
    return found


def _local(stamp: datetime, country: str, before: datetime | None) -> datetime:
    """Return the first moment a local time can have been, *before* being over."""
    clock = ZoneInfo(CLOCKS.get(country, _ANYWHERE))
    rounds = [stamp.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if before is None:
        return rounds[0]
    return min((each for each in rounds if each >= before), default=before)


def _country(tracking: Any, checkpoint: Any) -> str:
    """Return the country of a scan: its own, or the one a parcel never leaves."""
    ends = {_named(tracking, "origin_country"), _named(tracking, "destination_country")}
    return _named(checkpoint, "country") or (ends.pop() if len(ends) == 1 else "")


def _named(block: Any, what: str) -> str:
    return str(block.get(f"{what}_region") or block.get(f"{what}_iso3") or "")
