"""How many events arrived: Klaviyo's metrics and their counts, asked as strictly as it wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.klaviyo import Arrivals, Klaviyo, KlaviyoConfig
from tracker_sync.sandbox import metrics
from tracker_sync.sandbox.http import Request
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PretendKlaviyo
from tracker_sync.wire import Timer, Wire

DELIVERED, SENT = "Shipment Delivered", "Shipment Dispatched"
SINCE, UNTIL = date(2026, 11, 16), date(2026, 11, 23)


def body(metric: str, unique_id: str, time: str, email: str = "a@shop.invalid") -> str:
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": metric}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
        "properties": {},
        "time": time,
        "unique_id": unique_id,
    }
    return json.dumps({"data": {"type": "event", "attributes": attributes}})


@contextmanager
def wire(answer: Any = None) -> Iterator[Wire]:
    transport = httpx.MockTransport(answer) if answer else None
    made = Wire("klaviyo", Timer(lambda: 0.0, lambda _s: None), transport=transport)
    with closing(made):
        yield made


def config(url: str | None = None) -> KlaviyoConfig:
    return KlaviyoConfig.model_validate({"private_key": PRIVATE_KEY, "base_url": url})


def test_events_are_counted_by_metric_and_day_in_utc() -> None:
    klaviyo = PretendKlaviyo()
    with klaviyo.serve() as url, wire() as line:
        sender = Klaviyo(config(url))
        for metric, unique_id, time in (
            (DELIVERED, "1", "2026-11-20T00:00:00Z"),
            (DELIVERED, "2", "2026-11-20T23:59:59Z"),
            (DELIVERED, "2", "2026-11-20T23:59:59Z"),
            (DELIVERED, "3", "2026-11-21T00:30:00+01:00"),
            (SENT, "4", "2026-11-22T12:00:00Z"),
            (SENT, "5", "2026-11-23T00:00:00Z"),
        ):
            sender.send(line, body(metric, unique_id, time))
        found = Arrivals(config(url)).counts(line, {DELIVERED, SENT, "Never"}, SINCE, UNTIL)

    assert {key: count for key, count in found.items() if count} == {
        (DELIVERED, "2026-11-20"): 3,
        (SENT, "2026-11-22"): 1,
    }


def test_what_klaviyo_drops_without_a_word_is_not_counted() -> None:
    klaviyo = PretendKlaviyo()
    with klaviyo.serve() as url, wire() as line:
        sender = Klaviyo(config(url))
        sender.send(line, body(SENT, "1", "2026-11-20T00:00:00Z"))
        sender.send(line, body(SENT, "2", "2026-11-20T00:00:00Z", email="a@example.com"))
        found = Arrivals(config(url)).counts(line, {SENT}, SINCE, UNTIL)

    assert found[SENT, "2026-11-20"] == 1


def metric(known: str, name: str, owner: str | None) -> dict[str, Any]:
    attributes = {"name": name, "integration": {"name": owner} if owner else None}
    return {"type": "metric", "id": known, "attributes": attributes}


class Account:
    """Answers as Klaviyo does, with metrics of several owners on several pages."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.method == "GET":
            page = int(request.url.params.get("page[cursor]") or 0)
            more = page + 1 < len(self.pages)
            after = f"https://elsewhere.invalid/x?page%5Bcursor%5D={page + 1}" if more else None
            return httpx.Response(200, json={"data": self.pages[page], "links": {"next": after}})
        table = {"dates": ["2026-11-20T00:00:00+00:00"], "data": [{"measurements": {"count": [2]}}]}
        return httpx.Response(200, json={"data": {"attributes": table}})

    @property
    def metrics(self) -> list[str]:
        bodies = [json.loads(r.content) for r in self.asked if r.method == "POST"]
        return [each["data"]["attributes"]["metric_id"] for each in bodies]


def test_every_page_of_metrics_is_read_from_klaviyo_alone() -> None:
    account = Account([metric("A", "Other", "API")], [metric("B", SENT, "API")])
    with wire(account) as line:
        found = Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)

    assert found == {(SENT, "2026-11-20"): 2}
    assert {request.url.host for request in account.asked} == {"a.klaviyo.com"}


def test_a_metric_of_the_same_name_of_another_tool_is_not_ours() -> None:
    account = Account([metric("S", SENT, "Shopify"), metric("O", SENT, "API")])
    with wire(account) as line:
        Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)

    assert account.metrics == ["O"]


def test_where_no_metric_says_whose_it_is_all_of_the_name_count() -> None:
    account = Account([metric("S", SENT, None), metric("O", SENT, "Own")])
    with wire(account) as line:
        found = Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)

    assert found == {(SENT, "2026-11-20"): 4}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(401), Rejected),
        (httpx.Response(403, json={"errors": []}), Rejected),
        (httpx.Response(403, html="<p>One moment</p>"), Unavailable),
        (httpx.Response(429, headers={"Retry-After": "30"}), Throttled),
        (httpx.Response(500), Unavailable),
        (httpx.Response(302, headers={"Location": "https://elsewhere.invalid"}), Unreadable),
        (httpx.Response(200, text="<html>"), Unreadable),
        (httpx.Response(200, json=[]), Unreadable),
        (httpx.Response(200, json={"data": [{"id": "A"}]}), Unreadable),
        (httpx.Response(200, json={"data": [{"id": "A", "attributes": None}]}), Unreadable),
    ],
)
def test_whatever_else_comes_back_is_an_error_of_the_call(
    response: httpx.Response, error: type[CallError]
) -> None:
    with wire(lambda _request: response) as line, pytest.raises(error) as caught:
        Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)

    assert PRIVATE_KEY not in str(caught.value)


def test_counts_of_another_length_than_the_days_are_no_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": [metric("A", SENT, "API")]})
        table = {"dates": ["2026-11-20"], "data": [{"measurements": {"count": [2, 3]}}]}
        return httpx.Response(200, json={"data": {"attributes": table}})

    with wire(answer) as line, pytest.raises(Unreadable):
        Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)


# -- the pretended one -------------------------------------------------------------------


def aggregate(**changes: Any) -> dict[str, Any]:
    attributes = {
        "metric_id": metrics.metric_id(SENT),
        "measurements": ["count"],
        "interval": "day",
        "filter": [
            "greater-or-equal(datetime,2026-11-16T00:00:00)",
            "less-than(datetime,2026-11-23T00:00:00)",
        ],
        "timezone": "UTC",
    } | changes
    kept = {name: value for name, value in attributes.items() if value is not None}
    return {"data": {"type": "metric-aggregate", "attributes": kept}}


def posted(body: Any, **scopes: frozenset[str]) -> tuple[int, dict[str, Any]]:
    headers = {
        "authorization": f"Klaviyo-API-Key {PRIVATE_KEY}",
        "revision": "2026-07-15",
        "content-type": "application/vnd.api+json",
    }
    path = "/api/metric-aggregates"
    request = Request("POST", path, {}, headers, json.dumps(body).encode())
    answer = PretendKlaviyo(**scopes).handle(request)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"by": ["$flow"], "hours": 3}, "/data/attributes/hours"),
        ({"metric_id": None}, "/data/attributes/metric_id"),
        ({"measurements": ["sum"]}, "/data/attributes/measurements"),
        ({"filter": []}, "/data/attributes/filter"),
        ({"filter": ["greater-or-equal(datetime,2026-11-16)"]}, "/data/attributes/filter"),
        ({"timezone": "Europe/Nowhere"}, "/data/attributes/timezone"),
    ],
)
def test_the_pretended_one_refuses_what_is_not_specified(
    changes: dict[str, Any], pointer: str
) -> None:
    status, answer = posted(aggregate(**changes))

    assert (status, answer["errors"][0]["source"]["pointer"]) == (400, pointer)


def test_the_pretended_one_wants_the_scope() -> None:
    status, answer = posted(aggregate(), scopes=frozenset({"events:write"}))

    assert (status, answer["errors"][0]["code"]) == (403, "permission_denied")


def test_question_and_answers_have_the_published_shape(shared: Path) -> None:
    spec = json.loads((shared / "data" / "klaviyo" / "openapi-subset.json").read_text())

    def valid(value: Any, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
        jsonschema.validate(value, schema)

    klaviyo = PretendKlaviyo()
    answers: list[tuple[str, Any, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.url.params)
        asked = Request(request.method, request.url.path, query, headers, request.content)
        given = klaviyo.handle(asked)
        sent = json.loads(request.content) if request.content else None
        got = json.loads(given.body) if given.body else None
        answers.append((request.url.path, sent, got))
        return httpx.Response(given.status, headers=dict(given.headers), content=given.body)

    with wire(answer) as line:
        Klaviyo(config()).send(line, body(SENT, "1", "2026-11-20T00:00:00Z"))
        Arrivals(config()).counts(line, {SENT}, SINCE, UNTIL)

    (listing,) = [got for path, _, got in answers if path == "/api/metrics"]
    ((asked, table),) = [(s, g) for path, s, g in answers if path == "/api/metric-aggregates"]
    listing["links"] = {name: link for name, link in listing["links"].items() if link}
    valid(listing, "GetMetricResponseCollectionCompoundDocument")
    valid(asked, "MetricAggregateQuery")
    valid(table | {"links": {"self": "x"}}, "PostMetricAggregateResponse")
