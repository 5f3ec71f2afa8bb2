"""How moments are told to people: in the shop's zone, and how long ago.

Floor 4.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def local(moment: datetime, zone: tzinfo) -> str:
    """A moment to the minute in the shop's zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def span(length: timedelta) -> str:
    """A length of time in its largest sensible unit."""
    if length < _MINUTE:
        return f"{int(length.total_seconds())} s"
    if length < 2 * _HOUR:
        return f"{length // _MINUTE} min"
    return f"{length // _HOUR} h" if length < 2 * _DAY else f"{length // _DAY} days"


def ago(moment: datetime, now: datetime) -> str:
    """How far a moment lies back, or ahead."""
    if abs(now - moment) < _MINUTE:
        return "just now"
    return f"{span(now - moment)} ago" if moment < now else f"in {span(moment - now)}"


def when(moment: datetime | None, now: datetime, zone: tzinfo) -> str:
    """A moment both ways; `never` for None."""
    return f"{local(moment, zone)} ({ago(moment, now)})" if moment else "never"


def pace(per_second: float) -> str:
    """Calls per second as people say it: "3 a second", "1 in 5 seconds"."""
    return f"{per_second:g} a second" if per_second >= 1 else f"1 in {1 / per_second:g} seconds"
