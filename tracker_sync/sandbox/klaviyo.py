"""A pretend Klaviyo: as strict as the real one, and it remembers what it was told.

Written from what Klaviyo publishes and what its users observed; where both are silent it takes the
stricter reading. It serves the calls `tracker_sync.klaviyo` makes and no others.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tracker_sync.sandbox import metrics, replies, rules
from tracker_sync.sandbox.faults import ONLY_CARRIERS, Faults, Trouble
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.replies import Fault

__all__ = ["PRIVATE_KEY", "PUBLIC_KEY", "SCOPES", "Event", "Fault", "PretendKlaviyo"]

PRIVATE_KEY = "pk_sandbox"
PUBLIC_KEY = "SANDBX"
SCOPES = frozenset({"events:write", "accounts:read", "metrics:read"})
_NEWEST, _OLDEST = "2026-10-15", "2024-10-15"
_MAX_BYTES = 5_000_000
_MEDIA_TYPES = ("application/vnd.api+json", "application/json")
_SWALLOWED = re.compile(r".*@(example|test)\.(com|org|net)", re.IGNORECASE)
_QUOTA = {
    "RateLimit-Limit": "350, 350;w=1, 3500;w=60",
    "RateLimit-Remaining": "3499",
    "RateLimit-Reset": "60",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was received; the order of arrival does not count for equality."""

    metric: str
    email: str
    phone: str
    external_id: str
    properties: Mapping[str, Any]
    time: datetime | None
    unique_id: str | None
    backfill: bool
    received: int = field(compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What Klaviyo tells events apart by: profile, metric, unique id."""
        profile = (self.email.lower(), self.phone, self.external_id)
        return (*profile, self.metric, self.unique_id or self.time or self.received)


class PretendKlaviyo:
    """Takes events like Klaviyo; `faults` says what happens to the nth request, from 1 on.

    `rough` draws faults by what is asked, counted in `injected`.

    `now` tells the time for "up to one year ahead"; without it that rule rests.
    """

    def __init__(
        self,
        *,
        private_key: str = PRIVATE_KEY,
        public_key: str = PUBLIC_KEY,
        scopes: frozenset[str] = SCOPES,
        faults: Callable[[int], Fault | None] | None = None,
        rough: Faults | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.private_key = private_key
        self.public_key = public_key
        self.scopes = scopes
        self.faults = faults
        self.rough = rough
        self.injected: Counter[Trouble] = Counter()
        self.now = now
        self.outage = False
        self.requests = 0
        self.accepted: list[Event] = []
        self.dropped: list[Event] = []  # answered with 202, never seen again
        self.duplicates: list[tuple[Event, Event]] = []
        self._firsts: dict[tuple[object, ...], Event] = {}
        self._received = 0
        self._lock = threading.Lock()

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer on loopback; gives the base URL."""
        with serve(self.handle) as base_url:
            yield base_url

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        with self._lock:
            self.requests += 1
            fault = Fault(status=503) if self.outage else None
            if fault is None and self.faults is not None:
                fault = self.faults(self.requests)
            if fault is None and self.rough is not None:
                fault = self._drawn(self.rough, request)
            takes = fault is None or fault.taken
            response = self._respond(request) if takes else Response(202)
        if fault is not None:
            return replies.faulty(fault, response, self._today())
        return replace(response, headers=_QUOTA | dict(response.headers))

    def _drawn(self, rough: Faults, request: Request) -> Fault | None:
        """Draw a fault; one that only carriers have is none."""
        drawn = rough.on(request)
        if drawn is None or drawn[0] in ONLY_CARRIERS:
            return None
        self.injected[drawn[0]] += 1
        return rough.fault(drawn[0])

    def _respond(self, request: Request) -> Response:
        calls = {
            "/api/events": ("POST", "events:write", self._event),
            "/client/events": ("POST", "", self._event),
            "/api/event-bulk-create-jobs": ("POST", "events:write", self._bulk_job),
            "/client/event-bulk-create": ("POST", "", self._client_bulk),
            "/api/accounts": ("GET", "accounts:read", lambda _: replies.accounts(self.public_key)),
            **metrics.calls(request, self.accepted),
        }
        if request.path not in calls:
            return replies.error(404, "not_found")
        method, scope, call = calls[request.path]
        refusal = self._refusal(request, method, scope)
        if refusal is not None:
            return refusal
        try:
            return call(json.loads(request.body) if request.body else None)
        except rules.Refused as exc:
            return replies.error(400, "invalid", {"pointer": exc.pointer}, exc.detail)
        except (ValueError, RecursionError):
            return replies.error(400, "invalid", {"pointer": "/data"}, "Invalid JSON.")

    def _refusal(self, request: Request, method: str, scope: str) -> Response | None:
        """Judge everything but the body."""
        if request.method != method:
            return replies.error(405, "method_not_allowed")
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if method == "POST" and kind not in _MEDIA_TYPES:
            return replies.error(415, "unsupported_media_type")
        if len(request.body) > _MAX_BYTES:
            return replies.error(413, "payload_too_large")
        return self._stranger(request, scope) or _outdated(request)

    def _stranger(self, request: Request, scope: str) -> Response | None:
        if not scope:
            known = request.query.get("company_id") == self.public_key
            return None if known else replies.error(400, "invalid", {"parameter": "company_id"})
        if request.headers.get("authorization") != f"Klaviyo-API-Key {self.private_key}":
            return replies.error(401, "authentication_failed", {"pointer": "/data/"})
        if scope not in self.scopes:
            return replies.error(403, "permission_denied", {"pointer": "/data/"})
        return None

    def _event(self, body: Any) -> Response:
        attributes = rules.resource(rules.data(body, ""), "/data", "event")
        at = "/data/attributes"
        if not isinstance(attributes, dict) or "profile" not in attributes:
            raise rules.Refused(f"{at}/profile", "'profile' is a required field.")
        rest = {name: value for name, value in attributes.items() if name != "profile"}
        who = rules.profile(attributes["profile"], f"{at}/profile")
        self._keep([self._made(rules.event(rest, at, self._today()), who)])
        return Response(202)

    def _bulk_job(self, body: Any) -> Response:
        attributes = rules.resource(rules.data(body, ""), "/data", "event-bulk-create-job")
        at = "/data/attributes"
        found = rules.fields(attributes, at, required="events-bulk-create")["events-bulk-create"]
        at = f"{at}/events-bulk-create"
        self._keep_all(rules.items(found, at), f"{at}/data/")
        return Response(202)

    def _client_bulk(self, body: Any) -> Response:
        self._keep_all([rules.data(body, "")], None)
        return Response(202)

    def _keep_all(self, elements: list[Any], prefix: str | None) -> None:
        """Take all elements or none; *prefix* = where a list of them stands."""
        events: list[Event] = []
        for index, element in enumerate(elements):
            events += self._element(element, "/data" if prefix is None else f"{prefix}{index}")
        if not 0 < len(events) <= 1000:
            raise rules.Refused("/data", "1 to 1000 events are taken in one request.")
        if len({event.key for event in events}) < len(events):
            raise rules.Refused("/data", "A unique_id stands twice for one profile and metric.")
        self._keep(events)

    def _element(self, element: Any, at: str) -> Iterator[Event]:
        attributes = rules.resource(element, at, "event-bulk-create")
        at = f"{at}/attributes"
        found = rules.fields(attributes, at, required="profile events", optional="backfill")
        who = rules.profile(found["profile"], f"{at}/profile")
        backfill = rules.flag(found.get("backfill"), f"{at}/backfill")
        for index, item in enumerate(rules.items(found["events"], f"{at}/events")):
            place = f"{at}/events/data/{index}"
            attributes = rules.resource(item, place, "event")
            event = rules.event(attributes, f"{place}/attributes", self._today())
            yield self._made(replace(event, backfill=event.backfill or backfill), who)

    def _today(self) -> datetime | None:
        return self.now() if self.now else None

    def _made(self, event: rules.Checked, who: Mapping[str, str]) -> Event:
        self._received += 1
        return Event(
            event.metric,
            who.get("email", ""),
            who.get("phone_number", ""),
            who.get("external_id", ""),
            event.properties,
            event.time,
            event.unique_id,
            event.backfill,
            self._received,
        )

    def _keep(self, events: list[Event]) -> None:
        for event in events:
            first = self._firsts.setdefault(event.key, event)
            if first is not event:
                self.duplicates.append((first, event))
            elif _SWALLOWED.fullmatch(event.email):
                self.dropped.append(event)
            else:
                self.accepted.append(event)


def _outdated(request: Request) -> Response | None:
    """Judge the revision: a retired one is answered with the oldest, unless that is refused."""
    revision = request.headers.get("revision", "")
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", revision) or revision > _NEWEST:
        return replies.error(400, "invalid", {"header": "revision"})
    strict = request.headers.get("x-klaviyo-revision-fall-forward-opt-out") == "1"
    return replies.error(410, "gone") if strict and revision < _OLDEST else None
