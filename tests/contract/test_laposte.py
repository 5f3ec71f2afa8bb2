"""What only La Poste does: several ids an answer, labels that decide. Its histories are samples."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.samples import ends
from tracker_sync.carriers.laposte import Laposte, LaposteConfig
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Estimate, Meaning, Problem, Reading, Status
from tracker_sync.wire import Timer, Wire

FIRST, SECOND = "LA417009010FR", "LA417009029FR"
AT = "2026-03-03T09:01:00+01:00"


def laposte(**more: Any) -> Laposte:
    return Laposte(LaposteConfig.model_validate({"api_key": "a-key"} | more))


def event(code: str = "ET1", label: str = "", at: str = AT) -> dict[str, Any]:
    return {"code": code, "label": label, "date": at}


def answer(number: str | None, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"returnCode": 200, "shipment": {"idShip": number, "event": list(events), **more}}


def refusal(code: int, number: str | None = None) -> dict[str, Any]:
    return {"returnCode": code, "returnMessage": "non", "idShip": number}


def read(payload: Any, *asked: str, **more: Any) -> dict[str | None, Reading]:
    return {reading.number: reading for reading in laposte(**more).read(payload, asked)}


def status(code: str, label: str, **more: Any) -> Status | None:
    (reading,) = read(answer(FIRST, event(code, label)), FIRST, **more).values()
    return reading.scans[0].status


# -- asking ------------------------------------------------------------------


def test_asks_about_several_numbers_with_the_key_in_a_header() -> None:
    request = laposte().request([FIRST, SECOND], None)

    assert str(request.url) == (
        f"https://api.laposte.fr/suivi/v2/idships/{FIRST},{SECOND}?lang=fr_FR"
    )
    assert request.headers["x-okapi-key"] == "a-key"
    assert request.headers["accept"] == "application/json"


@pytest.mark.parametrize("number", ["..", "../../x", "a/b?c#d", "a,b"])
def test_a_strange_number_stays_inside_the_path(number: str) -> None:
    path = laposte().request([number], None).url.raw_path

    assert path.startswith(b"/suivi/v2/idships/")
    assert path.endswith(b"?lang=fr_FR")
    assert path.count(b"/") == 4
    assert b"," not in path


def test_a_number_that_cannot_be_one_of_theirs_does_not_spoil_the_others() -> None:
    numbers = [FIRST, "123", SECOND]

    path = laposte().request(numbers, None).url.path
    readings = read([answer(FIRST, event()), answer(SECOND, event())], *numbers)

    assert path.endswith(f"/{FIRST},{SECOND}")
    assert set(readings) == {FIRST, SECOND}


def test_such_a_number_alone_is_asked_about() -> None:
    assert laposte().request(["123"], None).url.path.endswith("/123")


@pytest.mark.parametrize(
    ("number", "theirs"),
    [(FIRST, True), ("LA417009010DE", False), ("8R00417001234", False), ("LA41700901FR", False)],
)
def test_only_numbers_posted_in_france_are_unmistakable(number: str, theirs: bool) -> None:
    (pattern,) = Laposte.number_patterns

    assert bool(pattern.fullmatch(number)) is theirs


# -- whose answer ----------------------------------------------------------------


def test_answers_are_matched_by_id_in_whatever_order_and_spelling() -> None:
    asked = (FIRST, "la 417 009 029 fr")

    readings = read([answer(SECOND, event("MD2")), answer(FIRST, event("ET1"))], *asked)

    assert readings[FIRST].scans[0].code == "ET1"
    assert readings["la 417 009 029 fr"].scans[0].code == "MD2"


def test_the_only_answer_is_about_the_only_number() -> None:
    readings = read(answer("LA41700901", event()), FIRST)

    assert list(readings) == [FIRST]


def test_an_answer_without_a_name_is_about_the_number_that_is_left() -> None:
    readings = read([answer(FIRST, event()), refusal(404)], FIRST, SECOND)

    assert readings[SECOND].not_found


def test_an_answer_about_another_parcel_is_dropped() -> None:
    readings = read([answer(FIRST, event()), answer("LA417009999FR", event())], FIRST, SECOND)

    assert set(readings) == {FIRST}


def test_without_a_question_the_numbers_are_those_of_the_answer() -> None:
    readings = read([answer(FIRST, event()), refusal(404, SECOND), refusal(404)])

    assert set(readings) == {FIRST, SECOND, None}


# -- refusals --------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken", [refusal(500), refusal(429, SECOND), refusal(401), {}, None, {"returnCode": 200}]
)
def test_one_answer_that_cannot_be_read_costs_no_other(broken: Any) -> None:
    readings = read([answer(FIRST, event()), broken], FIRST, SECOND)

    assert readings[FIRST].scans
    assert readings[SECOND] == Reading(SECOND, unanswered=True)


def test_an_event_without_a_date_costs_its_own_parcel_only() -> None:
    bad = answer(SECOND, {"code": "ET1", "label": ""})

    readings = read([bad, answer(FIRST, event())], FIRST, SECOND)

    assert readings[FIRST].scans
    assert readings[SECOND] == Reading(SECOND, unanswered=True)
    with pytest.raises(Unreadable):
        laposte().decode_body(json.dumps(bad).encode(), [SECOND])


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, Rejected), (403, Rejected), (429, Throttled), (500, Unavailable), (503, Unavailable)],
)
@pytest.mark.parametrize("several", [False, True])
def test_an_error_inside_an_answer_counts_where_there_is_nothing_else(
    code: int, error: type[CallError], several: bool
) -> None:
    payload = [refusal(code, FIRST), refusal(code, SECOND)] if several else refusal(code)

    with pytest.raises(error):
        read(payload, *([FIRST, SECOND] if several else [FIRST]))


def test_refused_keys_are_named_as_such() -> None:
    with pytest.raises(Rejected) as caught:
        read(refusal(401), FIRST)

    assert caught.value.status == 401


@pytest.mark.parametrize("code", [400, 404])
def test_an_error_status_over_single_answers_is_read(code: int) -> None:
    payload = [answer(FIRST, event()), refusal(code, SECOND)]

    readings = laposte().decode(httpx.Response(code, json=payload), [FIRST, SECOND])

    assert [(r.number, r.not_found) for r in readings] == [(FIRST, False), (SECOND, True)]


@pytest.mark.parametrize("code", [400, 404])
def test_an_error_status_over_single_answers_is_read_where_it_is_asked(code: int) -> None:
    payload = [answer(FIRST, event()), refusal(code, SECOND)]
    transport = httpx.MockTransport(lambda request: httpx.Response(code, json=payload))
    wire = Wire("laposte", Timer(lambda: 0.0, lambda seconds: None), transport=transport)

    readings = laposte().poll(wire, [FIRST, SECOND])
    wire.close()

    assert [(r.number, r.not_found) for r in readings] == [(FIRST, False), (SECOND, True)]


def test_a_400_about_the_number_says_it_is_not_found() -> None:
    response = httpx.Response(400, json=refusal(400, "X1"))

    assert laposte().decode(response, ["X1"]) == [Reading("X1", not_found=True)]


def test_a_404_that_is_no_json_is_not_found() -> None:
    response = httpx.Response(404, text="<html>Not Found</html>")

    assert laposte().decode(response, [FIRST]) == [Reading(FIRST, not_found=True)]


def test_a_400_that_names_no_number_is_about_the_request() -> None:
    with pytest.raises(Rejected):
        laposte().decode(httpx.Response(400, json={"code": "BAD_REQUEST"}), [FIRST])


def test_too_many_calls_are_told_as_such() -> None:
    body = {"code": "TOO_MANY_REQUESTS", "message": "max quota reached (100 calls per 1s)"}
    transport = httpx.MockTransport(lambda request: httpx.Response(429, json=body))
    wire = Wire("laposte", Timer(lambda: 0.0, lambda seconds: None), transport=transport)

    with pytest.raises(Throttled):
        laposte().poll(wire, [FIRST])
    wire.close()


# -- words -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "label", "meant"),
    [
        ("EP1", "Votre lettre n\u2019a pas pu être distribuée.", Status.DELIVERY_FAILED),
        ("EP1", "VOTRE COURRIER N'A PAS PU ETRE DISTRIBUE", Status.DELIVERY_FAILED),
        ("EP1", "En attente d'une nouvelle présentation", Status.DELIVERY_FAILED),
        ("EP1", "Destinataire absent. En attente de présentation", Status.DELIVERY_FAILED),
        ("EP1", "Your item could not be delivered.", Status.DELIVERY_FAILED),
        ("EP1", "En attente de présentation", Status.IN_TRANSIT),
        ("EP1", "Votre colis sera présenté demain.", Status.IN_TRANSIT),
        ("EP1", "Awaiting presentation", Status.IN_TRANSIT),
        ("EP1", "", None),
        ("DI1", "", Status.DELIVERED),
        ("DI1", "Votre colis, confié par l'expéditeur, est livré.", Status.DELIVERED),
        ("DI1", "Votre colis a été retourné à l'expéditeur.", Status.RETURNED),
        ("DI1", "Returned to sender", Status.RETURNED),
        ("DI0", "Distribué en lot", Status.DELIVERED),
        ("DI0", "Lot remis à son expéditeur", Status.RETURNED),
        ("DI2", "Distribué", Status.RETURNED),
        ("ET1", "Votre colis est livré.", Status.IN_TRANSIT),
        ("AG1", "Votre colis est livré en point de retrait.", Status.READY_FOR_PICKUP),
        ("di1", "", None),
        ("", "Votre colis est livré.", None),
    ],
)
def test_a_code_means_what_it_says_and_a_label_only_splits_it(
    code: str, label: str, meant: Status | None
) -> None:
    assert status(code, label) == meant


def test_a_merchants_meaning_of_a_code_covers_every_label() -> None:
    mine = {"EP1": "ready_for_pickup", "DI1/mailbox": "lost"}

    assert status("EP1", "n'a pas pu être distribué", codes=mine) is Status.READY_FOR_PICKUP
    assert status("DI1", "dans la boîte aux lettres", codes=mine) is Status.LOST
    assert status("DI1", "livré", codes=mine) is Status.DELIVERED


def test_an_event_without_a_code_is_remembered_by_its_label() -> None:
    (reading,) = read(answer(FIRST, event("", "Du <b>nouveau</b>")), FIRST).values()

    assert reading.scans[0].code == "du nouveau"
    assert reading.scans[0].meaning is None


def test_a_label_keeps_no_address() -> None:
    (reading,) = read(answer(FIRST, event("ET1", "Écrire à kunde-1@shop.invalid")), FIRST).values()

    assert "shop.invalid" not in reading.scans[0].text


def test_ends_and_problems_are_not_taken_from_the_timeline() -> None:
    """Neither isFinal nor deliveryDate nor a timeline in green makes a delivery."""
    green = {"shortLabel": "Votre colis a été livré", "id": 5, "status": True, "type": 1}
    payload = answer(FIRST, event("ET1"), isFinal=True, deliveryDate=AT, timeline=[green])

    (reading,) = read(payload, FIRST).values()

    assert [scan.meaning for scan in reading.scans] == [Meaning(Status.IN_TRANSIT)]


# -- what else an answer holds -------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("2026-03-04T23:30:00+00:00", date(2026, 3, 5)),
        ("2026-03-04", date(2026, 3, 4)),
        ("bientôt", None),
        ("", None),
        (None, None),
        (7, None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_a_forecast_is_a_day_in_paris_or_none(stamp: Any, day: date | None) -> None:
    (reading,) = read(answer(FIRST, event(), estimDate=stamp), FIRST).values()

    assert reading.estimate == (day and Estimate(day))


def test_the_product_is_the_service() -> None:
    (reading,) = read(answer(FIRST, event(), product="colissimo"), FIRST).values()

    assert reading.service == "colissimo"


def test_a_made_up_midnight_is_kept_as_la_poste_says_it() -> None:
    payload = answer(
        FIRST, event("PC1", at="2026-03-03T00:00:00+01:00"), event("DR1", at=AT), isFinal=False
    )
    carrier = laposte()

    (reading,) = carrier.read(payload, [FIRST])

    assert [scan.code for scan in reading.scans] == ["PC1", "DR1"]
    assert reading.scans[0].at == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert ends(carrier, reading).status is Status.DISPATCHED


# -- recordings --------------------------------------------------------------------

# Code in the list of codes -> what we read instead, and why. Every entry must be needed.
OTHERWISE: dict[str, tuple[Status | Problem | None, str]] = {
    "DO2": (Status.IN_TRANSIT, "what left customs is not held there"),
}
OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "address_problem": "address",
    "exception": "other",
}


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    rows = list(csv.DictReader((folder / "INDEX.csv").read_text("utf-8").splitlines()))
    mine = [row for row in rows if row["file"].startswith("laposte/")]
    carrier = laposte()

    assert mine
    for row in mine:
        (reading,) = carrier.decode_body((folder / row["file"]).read_bytes(), [])
        told = str(ends(carrier, reading).status)
        assert len(reading.scans) == int(row["events"]), row["file"]
        assert ("(error/not found)" if reading.not_found else told) == row["expected_status"]
        if row["latest_event_time"]:
            assert reading.scans[-1].at == datetime.fromisoformat(row["latest_event_time"])


def test_every_code_of_the_list_means_what_the_list_says(shared: Path) -> None:
    text = (shared / "data" / "codes" / "laposte.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    wanted = {r["code"]: OLDER_WORDS.get(r["normalized"], r["normalized"]) for r in rows}

    different = set()
    for row in rows:
        (reading,) = read(answer(FIRST, event(row["code"], row["text"])), FIRST).values()
        (scan,) = reading.scans
        if wanted[row["code"]] not in {scan.status, scan.problem}:
            different.add((row["code"], scan.status or scan.problem))

    assert different == {(code, word) for code, (word, _) in OTHERWISE.items()}
