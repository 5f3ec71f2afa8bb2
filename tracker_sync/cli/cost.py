"""What a pass costs: calls to each carrier, what is left of the day's, and what else it will want.

Floor 4. A dry run asks for real, so that a pass right after it costs the same once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker_sync.carriers import Carrier
from tracker_sync.cli import common
from tracker_sync.sync.account import used
from tracker_sync.sync.house import House, budget
from tracker_sync.sync.report import Report


def costs(house: House, report: Report, now: datetime) -> list[dict[str, Any]]:
    """What the pass that *report* tells of cost at each configured carrier.

    `not_made`: calls for what was due that had to wait. `used`: calls on the carrier's own day, of
    `per_day`. `wanted`: what today's parcels will want from now until the carrier's midnight.
    """
    return [_cost(house, carrier, report, now) for carrier in house.carriers.values()]


def _cost(house: House, carrier: Carrier, report: Report, now: datetime) -> dict[str, Any]:
    key, per_day, so_far = carrier.key, budget(carrier)[0], used(house, carrier, now)
    limited = per_day is not None
    return {
        "carrier": key,
        "made": report.counts[f"calls.{key}"],
        "not_made": report.calls_left[key],
        "used": so_far,
        "per_day": per_day,
        "left": max(0, per_day - so_far) if per_day is not None else None,
        "wanted": house.planner.forecast(house, carrier, now) if limited else None,
    }


def show(found: Sequence[dict[str, Any]]) -> None:
    """Print it."""
    made = (f"{one['made']} to {one['carrier']}" for one in found if one["made"])
    common.show(f"Calls made to carriers: {', '.join(made) or 'none'}.")
    if not found:
        return
    limited = [{**one, "left": "no limit"} if one["left"] is None else one for one in found]
    names = ("carrier", "made", "not_made", "used", "left", "wanted")
    headers = ("carrier", "calls made", "not made", "used today", "left", "still wanted today")
    common.show(common.table(headers, ([one[name] for name in names] for one in limited)))
    common.show("A pass costs as many once more: a dry run asks for real.")
