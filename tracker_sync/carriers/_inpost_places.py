"""Where a parcel of InPost waits: what kind of place, and which one where that is sure.

Floor 2.
"""

from __future__ import annotations

from typing import Any

from tracker_sync.model import Pickup, Reading

# What kind of place a parcel waits in. A reminder says nothing about the place.
_WAITS_IN = {
    "ready_to_pickup": "locker",
    "stack_in_box_machine": "locker",
    "ready_to_pickup_from_pok": "shop",
    "ready_to_pickup_from_pok_registered": "shop",
    "courier_avizo_in_customer_service_point": "shop",
    "ready_to_pickup_from_branch": "branch",
    "ready_for_collection": "",
}
# After one of these nobody says whether the target that is named is the old or the new one.
_MOVED = frozenset(
    {
        "readdressed",
        "redirect_to_box",
        "canceled_redirect_to_box",
        "permanently_redirected_to_box_machine",
        "permanently_redirected_to_customer_service_point",
    }
)


def pickup(reading: Reading, attributes: Any) -> Pickup | None:
    """Return where the parcel waits or waited last; the target is named only where it is that."""
    codes = [scan.code for scan in reading.scans]
    last = next((code for code in reversed(codes) if code in _WAITS_IN), None)
    if last is None:
        return None
    if last != "ready_to_pickup" or _MOVED.intersection(codes):
        return Pickup(_WAITS_IN[last])
    return Pickup(_WAITS_IN[last], text(attributes, "target_machine_id"), _address(attributes))


def _address(attributes: Any) -> str:
    """Return the two address lines of the target; "" where they come in another shape."""
    match attributes:
        case {"target_machine_detail": {"address": lines}}:
            return ", ".join(filter(None, (text(lines, "line1"), text(lines, "line2"))))
    return ""


def text(block: Any, key: str) -> str:
    """Return one field if it is text, else ""."""
    value = block.get(key) if isinstance(block, dict) else None
    return value.strip() if isinstance(value, str) else ""
