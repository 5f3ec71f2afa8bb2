"""The pretend Klaviyo is as strict as the real one, and its server behaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PUBLIC_KEY, SCOPES, Fault, PretendKlaviyo

SHARED = Path(__file__).parents[3] / "shared" / "data" / "klaviyo"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HEADERS = {
    "Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}",
    "revision": "2026-07-15",
    "Content-Type": "application/vnd.api+json",
}
BULK = "/api/event-bulk-create-jobs"


def event(**changes: Any) -> dict[str, Any]:
    """The attributes of an event; a change to None takes one away."""
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Shipment Delivered"}}},
        "profile": profile(email="kunde-1@shop.invalid"),
        "properties": {"TrackingNumber": "00340434161094042557"},
        "time": "2026-11-20T10:00:00Z",
        "unique_id": "id-1",
        "backfill": False,
    } | changes
    return {name: value for name, value in attributes.items() if value is not None}


def profile(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": attributes}}


def single(**changes: Any) -> dict[str, Any]:
    return {"data": {"type": "event", "attributes": event(**changes)}}


def element(email: str, *events: dict[str, Any]) -> dict[str, Any]:
    inside = [
        {"type": "event", "attributes": {k: v for k, v in item.items() if k != "profile"}}
        for item in events
    ]
    attributes = {"profile": profile(email=email), "events": {"data": inside}}
    return {"type": "event-bulk-create", "attributes": attributes}


def bulk(*elements: dict[str, Any]) -> dict[str, Any]:
    attributes = {"events-bulk-create": {"data": list(elements)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


class Caller:
    """Talks to a pretend Klaviyo through its handler, without a socket."""

    def __init__(self) -> None:
        self.klaviyo = PretendKlaviyo(now=lambda: NOON)

    def post(self, body: Any, path: str = "/api/events", **headers: str) -> Response:
        given = {k.lower(): v for k, v in (HEADERS | headers).items() if v}
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = {"company_id": PUBLIC_KEY} if path.startswith("/client") else {}
        return self.klaviyo.handle(Request("POST", path, query, given, text))

    def refusal(self, body: Any, path: str = "/api/events") -> str:
        """The pointer of the 400 *body* meets."""
        answer = self.post(body, path)
        assert answer.status == 400
        return str(json.loads(answer.body)["errors"][0]["source"]["pointer"])


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_a_good_event_is_taken_with_an_empty_202(caller: Caller) -> None:
    answer = caller.post(single(backfill=True))

    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["RateLimit-Limit"] == "350, 350;w=1, 3500;w=60"
    (taken,) = caller.klaviyo.accepted
    assert (taken.metric, taken.email) == ("Shipment Delivered", "kunde-1@shop.invalid")
    assert (taken.unique_id, taken.backfill, taken.received) == ("id-1", True, 1)
    assert taken.time == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


A = "/data/attributes"
P = f"{A}/profile/data/attributes"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "x"}, f"{A}/name"),
        ({"metric": None}, f"{A}/metric"),
        ({"profile": None}, f"{A}/profile"),
        ({"properties": None}, f"{A}/properties"),
        ({"properties": []}, f"{A}/properties"),
        ({"properties": {f"p{n}": 1 for n in range(401)}}, f"{A}/properties"),
        ({"properties": {"x": "y" * 103_000}}, f"{A}/properties/x"),
        ({"properties": {"x": 2**63}}, f"{A}/properties/x"),
        ({"properties": {"x": [1] * 4001}}, f"{A}/properties/x"),
        ({"properties": {"x": json.loads("[" * 11 + "]" * 11)}}, f"{A}/properties/x"),
        ({"metric": {"data": {"type": "metrics", "attributes": {}}}}, f"{A}/metric/data/type"),
        ({"profile": profile()}, P),
        ({"profile": profile(email="a@shop.invalid", mail="x")}, f"{P}/mail"),
        ({"profile": profile(email="nobody")}, f"{P}/email"),
        ({"profile": profile(email="a b@shop.invalid")}, f"{P}/email"),
        ({"profile": profile(email="a" * 90 + "@shop.invalid")}, f"{P}/email"),
        ({"profile": profile(phone_number="0170 1")}, f"{P}/phone_number"),
        ({"profile": {"data": {"type": "person", "attributes": {}}}}, f"{A}/profile/data/type"),
        ({"time": "20.11.2026"}, f"{A}/time"),
        ({"time": 1_763_632_800}, f"{A}/time"),
        ({"time": "1989-01-01T00:00:00Z"}, f"{A}/time"),
        ({"time": "2027-12-01T00:00:00Z"}, f"{A}/time"),
        ({"unique_id": ""}, f"{A}/unique_id"),
        ({"unique_id": "x" * 256}, f"{A}/unique_id"),
        ({"backfill": "yes"}, f"{A}/backfill"),
        ({"value": "12"}, f"{A}/value"),
    ],
)
def test_what_klaviyo_refuses_is_refused_with_a_pointer(
    caller: Caller, changes: dict[str, Any], pointer: str
) -> None:
    assert caller.refusal(single(**changes)) == pointer
    assert caller.klaviyo.accepted == []


@pytest.mark.parametrize("name", ["", "x" * 128])
def test_metric_names_have_1_to_127_characters(caller: Caller, name: str) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": name}}}

    assert caller.refusal(single(metric=metric)) == f"{A}/metric/data/attributes/name"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"data":[]}', b"[" * 9999])
def test_a_body_that_is_no_event_is_refused(caller: Caller, body: bytes) -> None:
    assert caller.post(body).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": f"Bearer {PRIVATE_KEY}"}, 401),
        ({"Authorization": "Klaviyo-API-Key pk_other"}, 401),
        ({"revision": ""}, 400),
        ({"revision": "2027-01-15"}, 400),
        ({"revision": "newest"}, 400),
        ({"revision": "2023-01-15", "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1"}, 410),
        ({"revision": "2023-01-15"}, 202),
        ({"revision": "2026-10-15"}, 202),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 202),
    ],
)
def test_headers_are_judged(caller: Caller, headers: dict[str, str], status: int) -> None:
    assert caller.post(single(), **headers).status == status


def test_other_refusals(caller: Caller) -> None:
    assert caller.post(single(), "/api/event").status == 404
    assert caller.post(single(), "/api/accounts").status == 405
    assert caller.post(single(properties={"x": ["y" * 99_000] * 60})).status == 413
    caller.klaviyo.scopes = SCOPES - {"events:write"}
    assert caller.post(single()).status == 403


def test_repeats_are_answered_alike_and_kept_apart(caller: Caller) -> None:
    for changes in ({}, {}, {"unique_id": "id-2"}, {"properties": {"Changed": "1"}}):
        assert caller.post(single(**changes)).status == 202

    assert [taken.unique_id for taken in caller.klaviyo.accepted] == ["id-1", "id-2"]
    same, changed = caller.klaviyo.duplicates
    assert same[0] == same[1]
    assert changed[0] != changed[1]


def test_the_same_id_of_another_customer_or_metric_is_another_event(caller: Caller) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Shipment In Transit"}}}

    caller.post(single())
    caller.post(single(profile=profile(email="kunde-2@shop.invalid")))
    caller.post(single(metric=metric))

    assert len(caller.klaviyo.accepted) == 3


def test_without_an_id_one_event_a_second_is_kept(caller: Caller) -> None:
    for stamp in ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.9Z", "2026-11-20T10:00:01Z", None):
        caller.post(single(unique_id=None, time=stamp))

    assert len(caller.klaviyo.accepted) == 3


@pytest.mark.parametrize("address", ["a@example.com", "a@TEST.com"])
def test_addresses_for_examples_are_taken_and_lost(caller: Caller, address: str) -> None:
    assert caller.post(single(profile=profile(email=address))).status == 202
    assert caller.klaviyo.accepted == []
    assert len(caller.klaviyo.dropped) == 1


def test_blank_properties_are_ignored(caller: Caller) -> None:
    caller.post(single(properties={"A": 0, "B": None, "C": "", "D": "0", "E": False}))

    assert caller.klaviyo.accepted[0].properties == {"D": "0", "E": False}


# -- bulk -----------------------------------------------------------------------------


def test_bulk_takes_all(caller: Caller) -> None:
    body = bulk(
        element("kunde-1@shop.invalid", event(), event(unique_id="id-2", backfill=True)),
        element("kunde-2@shop.invalid", event()),
    )

    assert caller.post(body, BULK).status == 202
    assert [taken.backfill for taken in caller.klaviyo.accepted] == [False, True, False]


def test_bulk_takes_all_or_nothing_and_points_to_the_bad_one(caller: Caller) -> None:
    body = bulk(element("kunde-1@shop.invalid", event()), element("nobody", event()))

    pointer = caller.refusal(body, BULK)

    assert pointer.startswith(f"{A}/events-bulk-create/data/1/attributes/profile/")
    assert caller.klaviyo.accepted == []


def test_bulk_with_the_same_id_twice_is_refused(caller: Caller) -> None:
    assert caller.post(bulk(element("a@shop.invalid", event(), event())), BULK).status == 400
    assert caller.klaviyo.accepted == []


@pytest.mark.parametrize("count", [0, 1001])
def test_bulk_takes_1_to_1000_events(caller: Caller, count: int) -> None:
    events = [event(unique_id=str(n)) for n in range(count)]

    assert caller.post(bulk(element("a@shop.invalid", *events)), BULK).status == 400


def test_the_old_way_takes_single_events_and_one_customer_at_a_time(caller: Caller) -> None:
    one = {"data": element("kunde-1@shop.invalid", event(unique_id="id-2"))}

    assert caller.post(single(), "/client/events", Authorization="").status == 202
    assert caller.post(one, "/client/event-bulk-create", Authorization="").status == 202
    assert len(caller.klaviyo.accepted) == 2
    caller.klaviyo.public_key = "Other1"
    assert caller.post(single(), "/client/events").status == 400


@pytest.mark.skipif(not SHARED.exists(), reason="Klaviyo's examples are not here")
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("event_create_minimal", "/api/events"),
        ("event_bulk_create", BULK),
        ("client_event_bulk_create", "/client/event-bulk-create"),
    ],
)
def test_published_examples_are_taken(caller: Caller, name: str, path: str) -> None:
    body = (SHARED / "examples" / f"{name}.json").read_bytes()

    assert caller.post(body, path).status == 202


# -- faults and the server --------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[tuple[PretendKlaviyo, httpx.Client]]:
    klaviyo = PretendKlaviyo()
    with (
        klaviyo.serve() as base_url,
        httpx.Client(base_url=base_url, headers=HEADERS, timeout=2) as client,
    ):
        yield klaviyo, client


def post(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post("/api/events", content=json.dumps(single(**changes)))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(status=429, retry_after=1), 429),
        (Fault(status=500), 500),
        (Fault(html=True), 403),
    ],
)
def test_the_nth_request_may_fail(
    served: tuple[PretendKlaviyo, httpx.Client], fault: Fault, status: int
) -> None:
    klaviyo, client = served
    klaviyo.faults = lambda nth: fault if nth == 1 else None

    first, second = post(client), post(client)

    assert (first.status_code, second.status_code) == (status, 202)
    assert "ratelimit-limit" not in first.headers
    assert first.headers.get("retry-after") == ("1" if status == 429 else None)
    assert (len(klaviyo.accepted), klaviyo.duplicates, klaviyo.requests) == (1, [], 2)


@pytest.mark.parametrize("fault", [Fault(cut=True), Fault(hang=0.05)])
def test_a_request_may_be_lost(served: tuple[PretendKlaviyo, httpx.Client], fault: Fault) -> None:
    klaviyo, client = served
    klaviyo.faults = lambda nth: fault

    with pytest.raises(httpx.TransportError):
        post(client)

    assert klaviyo.accepted == []


def test_an_answer_may_be_lost_though_the_event_was_taken(
    served: tuple[PretendKlaviyo, httpx.Client],
) -> None:
    klaviyo, client = served
    klaviyo.faults = lambda nth: Fault(cut=True, taken=True) if nth == 1 else None

    with pytest.raises(httpx.TransportError):
        post(client)
    post(client)

    assert (len(klaviyo.accepted), len(klaviyo.duplicates)) == (1, 1)


def test_an_outage_ends(served: tuple[PretendKlaviyo, httpx.Client]) -> None:
    klaviyo, client = served

    klaviyo.outage = True
    assert post(client).status_code == 503
    klaviyo.outage = False
    assert post(client).status_code == 202


def test_accounts_are_read_over_the_network(served: tuple[PretendKlaviyo, httpx.Client]) -> None:
    klaviyo, client = served

    assert client.get("/api/accounts").json()["data"][0]["id"] == PUBLIC_KEY
    klaviyo.scopes = SCOPES - {"accounts:read"}
    assert client.get("/api/accounts").status_code == 403


def test_events_sent_at_the_same_time_are_all_kept(
    served: tuple[PretendKlaviyo, httpx.Client],
) -> None:
    klaviyo, client = served

    def work(worker: int) -> None:
        for n in range(10):
            post(client, unique_id=f"{worker}-{n}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(klaviyo.accepted) == 50
    assert len({taken.received for taken in klaviyo.accepted}) == 50


def test_routes_are_found_by_path_or_by_the_longest_beginning() -> None:
    routes = {
        "/a": lambda _: Response(body=b"exact"),
        "/a/": lambda _: Response(body=b"short"),
        "/a/b/": lambda request: Response(body=request.query["q"].encode()),
    }

    with serve(routes) as base_url, httpx.Client(base_url=base_url) as client:
        texts = [client.get(path).text for path in ("/a", "/a/x", "/a/b/x?q=%C3%BC&r=")]
        missing = client.get("/b").status_code

    assert (texts, missing) == (["exact", "short", "ü"], 404)


def test_the_server_stops_at_once_in_the_middle_of_everything() -> None:
    began = time.monotonic()

    with serve(lambda _: Response(delay=60)) as base_url:
        threading.Thread(target=_swallow, args=(base_url,)).start()
        time.sleep(0.1)

    assert time.monotonic() - began < 3


def _swallow(base_url: str) -> None:
    try:
        httpx.get(base_url, timeout=10)
    except httpx.TransportError:
        return
