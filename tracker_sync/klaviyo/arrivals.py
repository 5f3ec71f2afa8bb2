"""How many events arrived: Klaviyo's own counts, by metric and day.

Klaviyo answers 202 before it has processed an event, and drops some afterwards without a word. Its
counts by the event's time are the only way to learn of that. Needs the scope metrics:read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tracker_sync.errors import Rejected, Unavailable, Unreadable
from tracker_sync.klaviyo.body import compact
from tracker_sync.klaviyo.client import PEER, call
from tracker_sync.klaviyo.config import KlaviyoConfig
from tracker_sync.klaviyo.outcome import challenged
from tracker_sync.wire import Wire, check, on_loopback

_PER_SECOND = 1.0  # Klaviyo allows 60 a minute, for all keys of the account together
_MOST_PAGES = 50  # of 200 metrics: an account has a few hundred
_OURS = "api"  # the integration our events belong to; others may have metrics of the same name


class Arrivals:
    """Counts what arrived, with the private key of the configuration."""

    def __init__(self, config: KlaviyoConfig) -> None:
        self._config = config

    @property
    def per_second(self) -> float | None:
        """Calls that may be made; a pretended Klaviyo on this machine has no limit to share."""
        return None if on_loopback(self._config.base_url) else _PER_SECOND

    def counts(
        self, wire: Wire, metrics: Collection[str], since: date, until: date
    ) -> dict[tuple[str, str], int]:
        """Count the events of *metrics* on the days from *since* to before *until*, in UTC.

        Raises Rejected with status 403 where the key lacks the scope.
        """
        found: dict[tuple[str, str], int] = {}
        known = self._metrics(wire)
        for name in sorted(metrics):
            for metric_id in _ids(known.get(name, ())):
                for day, count in self._days(wire, metric_id, since, until):
                    found[name, day] = found.get((name, day), 0) + count
        return found

    def _metrics(self, wire: Wire) -> dict[str, list[tuple[str, str]]]:
        """Every metric by its name: its id and the integration it belongs to."""
        found: dict[str, list[tuple[str, str]]] = {}
        cursor = ""
        for _ in range(_MOST_PAGES):
            params = {"page[cursor]": cursor} if cursor else None
            page = _read(wire, call(self._config, "GET", "/api/metrics", params=params))
            with _shape():
                for each in page["data"]:
                    attributes = each["attributes"]
                    owner = str((attributes.get("integration") or {}).get("name", ""))
                    found.setdefault(attributes["name"], []).append((str(each["id"]), owner))
                cursor = _cursor((page.get("links") or {}).get("next"))
            if not cursor:
                break
        return found

    def _days(self, wire: Wire, metric_id: str, since: date, until: date) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        filters = [
            f"greater-or-equal(datetime,{since}T00:00:00)",
            f"less-than(datetime,{until}T00:00:00)",
        ]
        attributes = {
            "metric_id": metric_id,
            "measurements": ["count"],
            "interval": "day",
            "filter": filters,
            "timezone": "UTC",
        }
        body = compact({"data": {"type": "metric-aggregate", "attributes": attributes}})
        page = _read(wire, call(self._config, "POST", "/api/metric-aggregates", body))
        with _shape():
            answer = page["data"]["attributes"]
            days = [str(day)[:10] for day in answer["dates"]]
            for row in answer["data"]:
                counts = [int(count) for count in row["measurements"]["count"]]
                found += zip(days, counts, strict=True)
        return found


@contextmanager
def _shape() -> Iterator[None]:
    """What cannot be read inside this block is an answer we do not know."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        text = f"its counts have another shape than expected ({type(exc).__name__})"
        raise Unreadable(PEER, text) from None


def _ids(found: Collection[tuple[str, str]]) -> list[str]:
    """The metrics our events may belong to: those of the API, or all where none says so."""
    ours = [metric_id for metric_id, owner in found if owner.lower() == _OURS]
    return ours or [metric_id for metric_id, _ in found]


def _cursor(link: Any) -> str:
    """The next page's place; only that is taken from the link, never its host."""
    query = parse_qs(urlsplit(str(link)).query) if link else {}
    return query.get("page[cursor]", [""])[0]


def _read(wire: Wire, request: httpx.Request) -> Any:
    response = wire.send(request, repeatable=True)
    if response.status_code == HTTPStatus.FORBIDDEN:
        if challenged(response):
            raise Unavailable(PEER, "HTTP 403 from a guard in front of Klaviyo")
        raise Rejected(PEER, "the key lacks the scope metrics:read", status=403)
    check(PEER, response)
    with _shape():
        return json.loads(response.content)
