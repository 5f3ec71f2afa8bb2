"""What the pretend Klaviyo tells about its metrics: their ids, and how many events arrived a day.

Written from Klaviyo's published specification, with its required keys and its closed lists.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tracker_sync.sandbox import replies, rules
from tracker_sync.sandbox.http import Request, Response

Call = tuple[str, str, Callable[[Any], Response]]
_PAGE = 200
_MOST_DAYS = 366
_BOUND = re.compile(r"(greater-or-equal|less-than)\(datetime,([0-9T:-]{19})\)")
_OPTIONAL = "page_cursor interval page_size by return_fields timezone sort"
_MEASUREMENTS = {"count", "sum_value", "unique"}


class Arrived(Protocol):
    """An event that arrived, as far as it is counted."""

    @property
    def metric(self) -> str:
        """The name of its metric."""
        ...

    @property
    def time(self) -> datetime | None:
        """When it happened."""
        ...


def metric_id(name: str) -> str:
    """Six letters and digits, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:6].upper()


def calls(request: Request, events: Iterable[Arrived]) -> dict[str, Call]:
    """Give the calls about metrics: method, scope, and what answers the body."""
    return {
        "/api/metrics": ("GET", "metrics:read", lambda _body: listed(request, events)),
        "/api/metric-aggregates": (
            *("POST", "metrics:read"),
            lambda body: aggregated(body, events),
        ),
    }


def listed(request: Request, events: Iterable[Arrived]) -> Response:
    """Return a page of the metrics that have ever had an event."""
    known = {"filter", "page[cursor]"}
    for name in request.query.keys() - known:
        return replies.error(400, "invalid", {"parameter": name})
    names = sorted({event.metric for event in events})
    start = int(request.query.get("page[cursor]") or 0)
    data = [_metric(name) for name in names[start : start + _PAGE]]
    url = "https://a.klaviyo.com/api/metrics"
    more = start + _PAGE < len(names)
    after = f"{url}?page%5Bcursor%5D={start + _PAGE}" if more else None
    return replies.answer(200, {"data": data, "links": {"self": url, "next": after, "prev": None}})


def _metric(name: str) -> dict[str, Any]:
    known = metric_id(name)
    attributes = {
        "name": name,
        "created": "2026-01-01T00:00:00+00:00",
        "updated": "2026-01-01T00:00:00+00:00",
        "integration": {"object": "integration", "id": "SANDBX", "name": "API"},
    }
    links = {"self": f"https://a.klaviyo.com/api/metrics/{known}"}
    return {"type": "metric", "id": known, "attributes": attributes, "links": links}


def aggregated(body: Any, events: Iterable[Arrived]) -> Response:
    """Count the events of one metric by day."""
    attributes = rules.resource(rules.data(body, ""), "/data", "metric-aggregate")
    at = "/data/attributes"
    required = "metric_id measurements filter"
    asked = rules.fields(attributes, at, required=required, optional=_OPTIONAL)
    if not set(asked["measurements"]) <= _MEASUREMENTS:
        raise rules.Refused(f"{at}/measurements", "Not a measurement.")
    if asked.get("interval", "day") != "day":
        raise rules.Refused(f"{at}/interval", "The sandbox counts by day only.")
    since, until = _bounds(asked["filter"], f"{at}/filter")
    zone = _zone(asked.get("timezone") or "UTC", f"{at}/timezone")
    counts = Counter(
        event.time.astimezone(zone).date()
        for event in events
        if event.time and metric_id(event.metric) == asked["metric_id"]
    )
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    return replies.answer(200, {"data": _table(asked, counts, days)})


def _table(
    asked: Mapping[str, Any], counts: Mapping[date, int], days: Iterable[date]
) -> dict[str, Any]:
    numbers = [float(counts.get(day, 0)) for day in days]
    row = {"dimensions": [], "measurements": dict.fromkeys(asked["measurements"], numbers)}
    dates = [f"{day}T00:00:00+00:00" for day in days]
    attributes = {"dates": dates, "data": [row]}
    links = {"self": "https://a.klaviyo.com/api/metric-aggregates"}
    return {"type": "metric-aggregate", "id": "1", "attributes": attributes, "links": links}


def _bounds(filters: Any, at: str) -> tuple[date, date]:
    """Return the first day and the day after the last: a range is compulsory."""
    found = {}
    for each in filters if isinstance(filters, list) else ():
        if (match := _BOUND.fullmatch(str(each))) is None:
            raise rules.Refused(at, "Not a filter.")
        found[match[1]] = datetime.fromisoformat(match[2]).replace(tzinfo=UTC).date()
    if len(found) < 2:
        raise rules.Refused(at, "A range of datetime is required.")
    since, until = found["greater-or-equal"], found["less-than"]
    if not timedelta(0) < until - since <= timedelta(days=_MOST_DAYS):
        raise rules.Refused(at, "Up to one year.")
    return since, until


def _zone(name: Any, at: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, TypeError, OSError):
        raise rules.Refused(at, "Not a time zone.") from None
