"""Klaviyo: the body of an event, what answers mean, single and bulk sending."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tracker_sync.errors import CallError, Rejected, Unavailable, Unreadable
from tracker_sync.klaviyo import (
    REVISION,
    Account,
    Draft,
    Klaviyo,
    KlaviyoConfig,
    Outcome,
    OutcomeState,
    body,
)
from tracker_sync.model import Recipient
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PUBLIC_KEY, PretendKlaviyo
from tracker_sync.wire import Timer, Wire

SPEC = Path(__file__).parents[3] / "shared" / "data" / "klaviyo" / "openapi-subset.json"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KUNDE = Recipient(email="kunde-1@shop.invalid")
TIMER = Timer(time.monotonic, lambda _: None)


def draft(**changes: Any) -> Draft:
    facts: dict[str, Any] = {
        "metric": "Shipment Delivered",
        "recipient": KUNDE,
        "properties": {"TrackingNumber": "00340434161094042557", "Carrier": "dhl"},
        "time": NOON,
        "unique_id": "id-1",
        "backfill": False,
    }
    return Draft(**(facts | changes))


def attributes(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body(draft(**changes)))["data"]["attributes"]
    return found


def properties(**values: Any) -> Any:
    return attributes(properties=values)["properties"]


def config(**changes: Any) -> KlaviyoConfig:
    return KlaviyoConfig.model_validate({"private_key": PRIVATE_KEY} | changes)


def old_way(**changes: Any) -> KlaviyoConfig:
    return KlaviyoConfig.model_validate({"public_key": PUBLIC_KEY} | changes)


def wire(handler: Callable[[httpx.Request], httpx.Response]) -> Wire:
    return Wire("klaviyo", TIMER, transport=httpx.MockTransport(handler))


def answering(*answers: httpx.Response) -> tuple[list[httpx.Request], Wire]:
    """A Klaviyo that gives *answers* in turn, then 202."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers[len(seen) - 1] if len(seen) <= len(answers) else httpx.Response(202)

    return seen, wire(handler)


def error(status: int, code: str = "invalid", **source: str) -> httpx.Response:
    detail = "kunde-1@shop.invalid is wrong"
    found = {"id": "1", "code": code, "title": "t", "detail": detail, "source": source}
    return httpx.Response(status, json={"errors": [found]})


@pytest.fixture
def pretend() -> Iterator[tuple[PretendKlaviyo, str]]:
    server = PretendKlaviyo(now=lambda: NOON)
    with server.serve() as base_url:
        yield server, base_url


# -- the body ------------------------------------------------------------------


def test_a_body_is_compact_and_complete() -> None:
    assert body(draft(metric="Sendung zugestellt: Grüße")) == (
        '{"data":{"type":"event","attributes":{'
        '"metric":{"data":{"type":"metric","attributes":{"name":"Sendung zugestellt: Grüße"}}},'
        '"profile":{"data":{"type":"profile","attributes":{"email":"kunde-1@shop.invalid"}}},'
        '"properties":{"TrackingNumber":"00340434161094042557","Carrier":"dhl"},'
        '"time":"2026-11-20T12:00:00Z","unique_id":"id-1","backfill":false}}}'
    )


@pytest.mark.parametrize(
    ("recipient", "identifier"),
    [
        (Recipient("a@shop.invalid", "+491700000001", "7"), {"email": "a@shop.invalid"}),
        (Recipient(phone="+491700000001", external_id="7"), {"phone_number": "+491700000001"}),
        (Recipient(phone="0170 0000001", external_id="7"), {"external_id": "7"}),
    ],
)
def test_one_identifier_is_sent(recipient: Recipient, identifier: dict[str, str]) -> None:
    profile = attributes(recipient=recipient)["profile"]["data"]

    assert profile == {"type": "profile", "attributes": identifier}


def test_nulls_zeros_and_blanks_are_left_out() -> None:
    kept = properties(
        A=None, B=0, C=0.0, D="", E="  ", F=[], G={}, H=[None, "", 0], I={"x": {"y": ""}},
        J="0", K=False, L=[{"Name": "Hat", "Price": ""}, None], M={"x": 1, "y": None}, N=1.5,
    )  # fmt: skip

    assert kept == {"J": "0", "K": False, "L": [{"Name": "Hat"}], "M": {"x": 1}, "N": 1.5}


def test_moments_are_written_in_utc_to_the_second() -> None:
    berlin = timezone(timedelta(hours=1))
    moment = datetime(2026, 11, 20, 13, 45, 1, 999_999, tzinfo=berlin)

    found = attributes(time=moment, properties={"DeliveredAt": moment})

    assert found["time"] == found["properties"]["DeliveredAt"] == "2026-11-20T12:45:01Z"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": ""}, "metric name"),
        ({"metric": "x" * 128}, "metric name"),
        ({"unique_id": ""}, "unique_id"),
        ({"unique_id": "x" * 256}, "unique_id"),
        ({"recipient": Recipient()}, "no e-mail, no phone number in E.164"),
        ({"recipient": Recipient(phone="0170 1")}, "no phone number in E.164"),
        ({"recipient": Recipient(email="x" * 88 + "@shop.invalid")}, "less than 100"),
        ({"time": NOON.replace(tzinfo=None)}, "naive"),
        ({"time": NOON.replace(year=1990)}, "after 1990"),
        ({"properties": {"$value": 3}}, "never sent"),
        ({"properties": {f"P{n}": "x" for n in range(401)}}, "401 properties"),
        ({"properties": {"Long": "ü" * 50_001}}, "'Long' is longer than 100000 bytes"),
        ({"properties": {"Many": ["x"] * 4001}}, "'Many' has more than 4000 items"),
        ({"properties": {"Deep": json.loads("[" * 11 + "1" + "]" * 11)}}, "'Deep' is nested"),
        ({"properties": {"Odd": float("nan")}}, "'Odd' is a number outside 64 bits"),
        ({"properties": {"Big": 2**63}}, "'Big' is a number outside 64 bits"),
        ({"properties": {"Set": {"x"}}}, r"'Set' is a list|'Set' is of a kind .* \(set\)"),
        ({"properties": {"Bad": "\ud800"}}, "'Bad' has broken characters"),
        ({"properties": {f"P{n}": "x" * 99_000 for n in range(60)}}, "larger than 5000000 bytes"),
    ],
)
def test_what_klaviyo_would_refuse_is_named_before(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        body(draft(**changes))


# -- the configuration -----------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"private_key": "AbC123"}, "six characters: this is the public key"),
        ({"private_key": "Klaviyo-secret"}, 'a private key starts with "pk_"'),
        ({"private_key": "pk_a b-secret"}, "has blanks"),
        ({"public_key": "pk_secret"}, "this is a private key"),
        ({"public_key": "secret-and-long"}, "six letters and digits"),
        ({}, "give private_key"),
        ({"private_key": "pk_secret", "public_key": "AbC123"}, "not both"),
        ({"private_key": "pk_secret", "base_url": "localhost:1"}, "must look like"),
        ({"private_key": "pk_secret", "revision": "latest"}, "must be a date"),
        ({"private_key": "pk_secret", "workers": 0}, "greater than or equal to 1"),
        ({"private_key": "pk_secret", "mode": "test"}, "shadow"),
        ({"private_key": "pk_secret", "privat_key": "x"}, "Extra inputs"),
    ],
)
def test_a_wrong_configuration_is_explained_without_showing_keys(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        KlaviyoConfig.model_validate(given)

    assert words in str(caught.value)
    assert not [word for word in ("secret", "AbC123") if word in str(caught.value)]


def test_keys_are_trimmed_and_hidden() -> None:
    found = config(private_key=" pk_secret\n")

    assert found.private_key is not None
    assert found.private_key.get_secret_value() == "pk_secret"
    assert "secret" not in repr(found)


def test_a_revision_may_be_a_date_as_yaml_reads_it() -> None:
    assert config(revision=datetime(2026, 10, 15).date()).revision == "2026-10-15"  # noqa: DTZ001


def test_only_the_old_way_and_old_revisions_are_warned_of() -> None:
    assert Klaviyo(config()).warnings() == []
    assert "scope events:write" in Klaviyo(old_way()).warnings()[0]
    assert "backfill" in Klaviyo(config(revision="2025-10-15")).warnings()[0]


# -- one event --------------------------------------------------------------------


def test_a_private_key_is_used_as_klaviyo_wants_it() -> None:
    seen, klaviyo = answering()

    outcome = Klaviyo(config()).send(klaviyo, body(draft()))

    assert outcome == Outcome(OutcomeState.ACCEPTED)
    assert str(seen[0].url) == "https://a.klaviyo.com/api/events"
    assert seen[0].content.decode() == body(draft())
    assert seen[0].headers["authorization"] == f"Klaviyo-API-Key {PRIVATE_KEY}"
    assert seen[0].headers["revision"] == REVISION
    assert seen[0].headers["content-type"] == "application/vnd.api+json"


def test_a_public_key_posts_the_same_body_to_the_old_place() -> None:
    seen, klaviyo = answering()

    Klaviyo(old_way(base_url="http://127.0.0.1:1")).send(klaviyo, body(draft()))

    assert str(seen[0].url) == f"http://127.0.0.1:1/client/events?company_id={PUBLIC_KEY}"
    assert seen[0].content.decode() == body(draft())
    assert "authorization" not in seen[0].headers


EMAIL = "/data/attributes/profile/data/attributes/email"
HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "state", "text", "after"),
    [
        (httpx.Response(429, headers={"Retry-After": "7"}), "again", "HTTP 429", 7),
        (httpx.Response(429), "again", "HTTP 429", None),
        (httpx.Response(500), "again", "HTTP 500", None),
        (httpx.Response(503, headers={"Retry-After": "3"}), "again", "HTTP 503", 3),
        (httpx.Response(524), "again", "HTTP 524", None),
        (httpx.Response(408), "again", "HTTP 408", None),
        (httpx.Response(403, headers=HTML), "again", "HTTP 403 from a guard", None),
        (httpx.Response(403, headers={"cf-mitigated": "challenge"}), "again", "guard", None),
        (httpx.Response(400, headers=HTML), "again", "HTTP 400 from a guard", None),
        (error(400, pointer=EMAIL), "refused", f"HTTP 400 invalid at {EMAIL}", None),
        (error(400), "refused", "HTTP 400 invalid", None),
        (httpx.Response(400), "refused", "HTTP 400", None),
        (error(409, "duplicate"), "refused", "HTTP 409 duplicate", None),
        (error(400, header="revision"), "halt", "HTTP 400 invalid: ", None),
        (error(400, parameter="company_id"), "halt", "HTTP 400 invalid: ", None),
        (httpx.Response(413), "too_large", "HTTP 413", None),
        (error(401, "authentication_failed"), "halt", "does not know this key", None),
        (error(403, "permission_denied"), "halt", "permission_denied: the key lacks", None),
        (error(404), "halt", "check klaviyo.base_url", None),
        (error(405), "halt", "check klaviyo.base_url", None),
        (error(410), "halt", "update tracker-sync", None),
        (error(415), "halt", "update tracker-sync", None),
        (httpx.Response(200), "halt", "HTTP 200: not an answer we know", None),
        (httpx.Response(302, headers={"location": "/"}), "halt", "HTTP 302", None),
    ],
)
def test_answers_and_what_becomes_of_the_message(
    answer: httpx.Response, state: str, text: str, after: float | None
) -> None:
    _, klaviyo = answering(answer)

    outcome = Klaviyo(config()).send(klaviyo, body(draft()))

    assert (outcome.state, outcome.after) == (state, after)
    assert text in outcome.text
    assert "kunde-1" not in outcome.text


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b'{"errors":3}', b'{"errors":[3,{"source":"x"}]}', b"[" * 9999]
)
def test_an_error_of_another_shape_is_still_an_outcome(content: bytes) -> None:
    _, klaviyo = answering(httpx.Response(400, content=content))

    assert Klaviyo(config()).send(klaviyo, body(draft())).state is OutcomeState.REFUSED


def test_pointers_that_may_hold_something_personal_are_not_told() -> None:
    _, klaviyo = answering(error(400, "kunde-1@shop.invalid", pointer="/data/kunde-1@shop.invalid"))

    assert Klaviyo(config()).send(klaviyo, body(draft())).text.strip() == "HTTP 400"


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (httpx.ConnectError("x"), OutcomeState.AGAIN),
        (httpx.ReadTimeout("x"), OutcomeState.AGAIN),
        (httpx.RemoteProtocolError("x"), OutcomeState.AGAIN),
        (httpx.LocalProtocolError("x"), OutcomeState.HALT),
    ],
)
def test_a_call_without_an_answer_is_an_outcome_too(
    failure: Exception, state: OutcomeState
) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise failure

    assert Klaviyo(config()).send(wire(handler), body(draft())).state is state


def test_one_attempt_is_one_call() -> None:
    seen, klaviyo = answering(httpx.Response(503))

    Klaviyo(config()).send(klaviyo, body(draft()))

    assert len(seen) == 1


# -- many events --------------------------------------------------------------------


def many(count: int, customers: int = 3, **changes: Any) -> list[str]:
    return [
        body(
            draft(
                recipient=Recipient(email=f"kunde-{n % customers}@shop.invalid"),
                unique_id=f"id-{n}",
                backfill=True,
                **changes,
            )
        )
        for n in range(count)
    ]


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state.value for outcome in outcomes]


def test_many_go_in_one_call_grouped_by_customer(pretend: tuple[PretendKlaviyo, str]) -> None:
    server, base_url = pretend
    klaviyo = Wire("klaviyo", TIMER)

    outcomes = Klaviyo(config(base_url=base_url)).send_many(klaviyo, many(10))
    klaviyo.close()

    assert states(outcomes) == ["accepted"] * 10
    assert server.requests == 1
    assert sorted(event.unique_id or "" for event in server.accepted) == [
        f"id-{n}" for n in range(10)
    ]
    assert all(event.backfill for event in server.accepted)


def test_nothing_to_send_makes_no_call() -> None:
    seen, klaviyo = answering()

    assert Klaviyo(config()).send_many(klaviyo, []) == []
    assert seen == []


def test_calls_stay_within_a_thousand_events_and_five_megabytes() -> None:
    seen, klaviyo = answering()
    sender = Klaviyo(config())

    sender.send_many(klaviyo, many(2500, customers=2500))
    sender.send_many(klaviyo, many(90, properties={"Text": "x" * 99_000}))

    assert [len(request.content) < 5_000_000 for request in seen] == [True] * 5


def test_repeats_are_sent_once_and_share_the_outcome(pretend: tuple[PretendKlaviyo, str]) -> None:
    server, base_url = pretend
    klaviyo = Wire("klaviyo", TIMER)
    other_spelling = body(draft(recipient=Recipient(email="KUNDE-1@shop.invalid")))
    other_metric = body(draft(metric="Shipment In Transit"))
    bodies = [body(draft()), body(draft()), other_spelling, other_metric]

    outcomes = Klaviyo(config(base_url=base_url)).send_many(klaviyo, bodies)
    klaviyo.close()

    assert states(outcomes) == ["accepted"] * 4
    assert [event.metric for event in server.accepted] == [
        "Shipment Delivered",
        "Shipment In Transit",
    ]


def test_external_ids_that_differ_in_case_are_two_customers() -> None:
    seen, klaviyo = answering()
    bodies = [body(draft(recipient=Recipient(external_id=name))) for name in ("a", "A")]

    Klaviyo(config()).send_many(klaviyo, bodies)

    jobs = json.loads(seen[0].content)["data"]["attributes"]["events-bulk-create"]["data"]
    assert len(jobs) == 2


def test_one_bad_event_is_refused_and_the_rest_is_sent_again(
    pretend: tuple[PretendKlaviyo, str],
) -> None:
    server, base_url = pretend
    klaviyo = Wire("klaviyo", TIMER)
    bodies = many(6)
    bodies[2] = body(draft(recipient=Recipient(email="not an address"), unique_id="bad"))
    bodies[4] = body(draft(recipient=Recipient(email="kunde-0@shop.invalid"), time=FAR))

    outcomes = Klaviyo(config(base_url=base_url)).send_many(klaviyo, bodies)
    klaviyo.close()

    assert states(outcomes) == [
        "accepted", "accepted", "refused", "accepted", "refused", "accepted"
    ]  # fmt: skip
    assert "data/1/attributes/profile" in outcomes[2].text or "email" in outcomes[2].text
    assert outcomes[4].text.endswith("/time")
    assert len(server.accepted) == 4


FAR = NOON + timedelta(days=400)


@pytest.mark.parametrize(
    "reason", [httpx.Response(413), httpx.Response(400), error(409, "duplicate")]
)
def test_a_call_refused_without_a_reason_is_halved_in_order(reason: httpx.Response) -> None:
    sizes: list[list[str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        ids = _ids(request)
        sizes.append(ids)
        return reason if "id-2" in ids else httpx.Response(202)

    outcomes = Klaviyo(config()).send_many(wire(handler), many(4, customers=1))

    assert sizes == [
        ["id-0", "id-1", "id-2", "id-3"], ["id-0", "id-1"], ["id-2", "id-3"], ["id-2"], ["id-3"]
    ]  # fmt: skip
    assert [state == "accepted" for state in states(outcomes)] == [True, True, False, True]


@pytest.mark.parametrize("pointer", ["data/7/x", "data/0/attributes/events/data/9/x", "data/x"])
def test_pointers_to_nowhere_do_not_loop(pointer: str) -> None:
    where = f"/data/attributes/events-bulk-create/{pointer}"
    seen, klaviyo = answering(*[error(400, pointer=where)] * 50)

    outcomes = Klaviyo(config()).send_many(klaviyo, many(4))

    assert states(outcomes) == ["refused"] * 4
    assert len(seen) == 7


@pytest.mark.parametrize(("status", "state"), [(503, "again"), (401, "halt"), (429, "again")])
def test_after_a_stop_nothing_more_is_sent(status: int, state: str) -> None:
    seen, klaviyo = answering(httpx.Response(202), httpx.Response(status))

    outcomes = Klaviyo(config()).send_many(klaviyo, many(2500))

    assert len(seen) == 2
    assert states(outcomes) == ["accepted"] * 1000 + [state] * 1500


def test_with_a_public_key_many_are_sent_one_by_one_until_a_stop() -> None:
    seen, klaviyo = answering(httpx.Response(202), error(400), httpx.Response(503))

    outcomes = Klaviyo(old_way()).send_many(klaviyo, many(5))

    assert states(outcomes) == ["accepted", "refused", "again", "again", "again"]
    assert len(seen) == 3


def _ids(request: httpx.Request) -> list[str]:
    jobs = json.loads(request.content)["data"]["attributes"]["events-bulk-create"]["data"]
    return [
        event["attributes"]["unique_id"]
        for job in jobs
        for event in job["attributes"]["events"]["data"]
    ]


# -- the key ------------------------------------------------------------------------


def test_the_account_of_a_key_is_named(pretend: tuple[PretendKlaviyo, str]) -> None:
    _, base_url = pretend
    klaviyo = Wire("klaviyo", TIMER)

    account = Klaviyo(config(base_url=base_url)).account(klaviyo)
    klaviyo.close()

    assert account == Account("Sandbox", PUBLIC_KEY, "Europe/Berlin", test=True)


def test_a_key_without_the_scope_for_accounts_is_valid_all_the_same() -> None:
    _, klaviyo = answering(error(403, "permission_denied"))

    assert Klaviyo(config()).account(klaviyo) == Account()


def test_a_public_key_is_never_asked_about() -> None:
    seen, klaviyo = answering()

    assert Klaviyo(old_way()).account(klaviyo) == Account(public_key=PUBLIC_KEY)
    assert Klaviyo(old_way()).key_allows_events(klaviyo) is None
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401, "authentication_failed"), Rejected),
        (httpx.Response(403, headers=HTML), Unavailable),
        (httpx.Response(500), Unavailable),
        (httpx.Response(200, json={"data": []}), Unreadable),
        (httpx.Response(200, content=b"<html>"), Unreadable),
    ],
)
def test_an_account_that_cannot_be_told_is_an_error(
    answer: httpx.Response, kind: type[CallError]
) -> None:
    _, klaviyo = answering(answer)

    with pytest.raises(kind):
        Klaviyo(config()).account(klaviyo)


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (error(400, pointer="/data/attributes/metric"), True),
        (error(403, "permission_denied"), False),
        (error(401, "authentication_failed"), None),
        (httpx.Response(403, headers=HTML), None),
        (httpx.Response(429), None),
    ],
)
def test_whether_a_key_may_send_is_told_by_an_impossible_event(
    answer: httpx.Response, allowed: bool | None
) -> None:
    _, klaviyo = answering(answer)

    assert Klaviyo(config()).key_allows_events(klaviyo) is allowed


def test_asking_records_nothing(pretend: tuple[PretendKlaviyo, str]) -> None:
    server, base_url = pretend
    klaviyo = Wire("klaviyo", TIMER)
    sender = Klaviyo(config(base_url=base_url))

    assert sender.key_allows_events(klaviyo) is True
    server.scopes = frozenset()
    assert sender.key_allows_events(klaviyo) is False
    klaviyo.close()

    assert server.accepted == []


# -- Klaviyo's own schema -----------------------------------------------------------


def plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema, and strict: what is not named is not allowed."""
    if isinstance(schema, list):
        return [plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: plain(inner) for name, inner in schema.items() if name != "nullable"}
    if made.get("type") == "object" and "properties" in made:
        made["additionalProperties"] = False
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


def validate(name: str, text: str) -> None:
    spec: Mapping[str, Any] = json.loads(SPEC.read_text())
    schema = {"$ref": f"#/components/schemas/{name}"} | {"components": plain(spec["components"])}
    Draft202012Validator(schema).validate(json.loads(text))


FULL = {"Items": [{"ProductName": "Hat", "Quantity": 2}], "ParcelCount": 2, "Correctable": True}


@pytest.mark.skipif(not SPEC.exists(), reason="Klaviyo's published schema is not here")
@pytest.mark.parametrize(
    "recipient", [KUNDE, Recipient(phone="+491700000001"), Recipient(external_id="7")]
)
def test_bodies_fit_klaviyos_published_schema(recipient: Recipient) -> None:
    text = body(draft(recipient=recipient, properties=FULL))
    seen, klaviyo = answering()

    Klaviyo(config()).send_many(klaviyo, [text, *many(5)])

    validate("EventCreateQueryV2", text)
    validate("EventsBulkCreateJob", seen[0].content.decode())


@pytest.mark.skipif(not SPEC.exists(), reason="Klaviyo's published schema is not here")
def test_the_pretend_account_fits_klaviyos_published_schema(
    pretend: tuple[PretendKlaviyo, str],
) -> None:
    _, base_url = pretend
    headers = {"Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}", "revision": REVISION}

    answer = httpx.get(f"{base_url}/api/accounts", headers=headers)

    validate("GetAccountResponseCollection", answer.text)


@pytest.mark.skipif(not SPEC.exists(), reason="Klaviyo's published schema is not here")
def test_the_schema_check_itself_is_strict() -> None:
    text = body(draft()).replace('"backfill"', '"back_fill"')

    with pytest.raises(Exception, match="Additional properties"):
        validate("EventCreateQueryV2", text)
