"""Wall-clock minutes of a zone, counted from a Monday: people and vans live by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60
MONDAY = datetime(1, 1, 1)  # naive: the wall clock's own beginning  # noqa: DTZ001


def minute(moment: datetime, zone: tzinfo) -> int:
    """The wall-clock minute of a moment."""
    local = moment.astimezone(zone)
    return (local.toordinal() - 1) * DAY + local.hour * HOUR + local.minute


def moment(minute: float, zone: tzinfo) -> datetime:
    """The moment when the wall clock shows that minute, in UTC."""
    return (MONDAY + timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(UTC)
