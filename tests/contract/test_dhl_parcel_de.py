"""DHL Parcel DE: its two logins, its codes that say less than they seem to, its local times."""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import httpx
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.samples import MARK, ends, make
from tracker_sync.carriers import Budget, Order
from tracker_sync.carriers.tables import meaning, table
from tracker_sync.errors import CallError, Rejected, Unavailable, Unreadable
from tracker_sync.model import INFO, Detail, Estimate, Meaning, Problem, Reading, Scan, Status

NUMBER = "00340434190000000015"
OTHER = "00340434190000000022"
KEY = "dhl_parcel_de"


def attributes(pairs: Mapping[str, str]) -> str:
    return " ".join(f"{name}={quoteattr(value)}" for name, value in pairs.items())


def event(code: str = "//", at: str = "17.03.2026 10:02", **more: str) -> str:
    ice, ric, standard = code.split("/")
    said = {"event-timestamp": at, "ice": ice, "ric": ric, "standard-event-code": standard}
    more = {name.replace("_", "-"): value for name, value in more.items()}
    return f'<data name="piece-event" {attributes(said | more)}/>'


def piece(*events: str, number: str = NUMBER, **head: str) -> str:
    said = {"piece-code": number, "searched-piece-code": number, "error-status": "0"}
    more = {name.replace("_", "-"): value for name, value in head.items()}
    inside = f'<data name="piece-event-list">{"".join(events)}</data>' if events else ""
    return f'<data name="piece-shipment" {attributes(said | more)}>{inside}</data>'


def answer(*pieces: str, code: str = "0") -> bytes:
    return f'<data name="piece-shipment-list" code="{code}">{"".join(pieces)}</data>'.encode()


def read(*pieces: str, code: str = "0", asked: Sequence[str] = (NUMBER,)) -> list[Reading]:
    return make(KEY).decode_body(answer(*pieces, code=code), asked)


def one(*events: str, **head: str) -> Reading:
    (reading,) = read(piece(*events, **head))
    return reading


def only(code: str, **more: str) -> Scan:
    (scan,) = one(event(code, **more)).scans
    return scan


def moments(*stamps: str) -> list[str]:
    scans = one(*(event("LDTMV/MVMTV/AA", at=stamp) for stamp in stamps)).scans
    return [f"{scan.at:%d %H:%M}" for scan in scans]


def asked_xml(request: httpx.Request) -> dict[str, str]:
    root = ElementTree.fromstring(request.url.params["xml"], forbid_dtd=True)
    assert root.tag == "data"
    assert len(root) == 0
    return dict(root.attrib)


# -- facts and configuration -------------------------------------------------------


def test_the_facts_are_those_of_the_api() -> None:
    carrier = make(KEY)

    assert (carrier.brand, carrier.zone, carrier.order) == (
        "dhl",
        "Europe/Berlin",
        Order.OLDEST_FIRST,
    )
    assert carrier.budget == Budget(per_day=1000, per_second=3)
    assert carrier.batch == 20
    assert not carrier.asks_delivered


@pytest.mark.parametrize("number", [NUMBER, "JJD000000000000000000"])
def test_its_own_numbers_are_recognised(number: str) -> None:
    assert any(pattern.fullmatch(number) for pattern in make(KEY).number_patterns)


@pytest.mark.parametrize("number", ["123456789012", "1Z9999999999999999", "01234567890123456789"])
def test_numbers_others_have_too_are_not_claimed(number: str) -> None:
    assert not any(pattern.fullmatch(number) for pattern in make(KEY).number_patterns)


def test_only_german_and_english_are_languages_of_the_api() -> None:
    with pytest.raises(ValidationError, match="language"):
        make(KEY, language="fr")


# -- the question -------------------------------------------------------------------


def test_the_question_names_the_user_the_request_and_every_number() -> None:
    request = make(KEY, language="en").request([NUMBER, OTHER], None)

    assert request.method == "GET"
    assert request.url.copy_with(query=None) == (
        "https://api-eu.dhl.com/parcel/de/tracking/v0/shipments"
    )
    assert asked_xml(request) == {
        "appname": f"{MARK}-appname",
        "password": f"{MARK}-password",
        "language-code": "en",
        "request": "d-get-piece-detail",
        "piece-code": f"{NUMBER};{OTHER}",
    }


def test_the_app_logs_in_with_basic_auth() -> None:
    request = make(KEY, api_key="key", api_secret="s:ecrét").request([NUMBER], None)

    scheme, _, credentials = request.headers["authorization"].partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == "key:s:ecrét"


def test_german_is_the_language_nobody_chose() -> None:
    assert asked_xml(make(KEY).request([NUMBER], None))["language-code"] == "de"


@pytest.mark.parametrize(
    "secret", ['"/><data x="', "a&b<c>'d'", "äöü€", "line\nbreak\ttab", "a+b%20=c"]
)
def test_a_password_may_hold_any_character(secret: str) -> None:
    request = make(KEY, password=secret).request([NUMBER], None)

    assert asked_xml(request)["password"] == secret


@pytest.mark.parametrize("number", ['1" password="x', "1'/><data/>", "1/2?x#y", "📦1", "1&2<3"])
def test_a_number_cannot_break_out_of_the_xml(number: str) -> None:
    asked = asked_xml(make(KEY).request([number], None))

    assert asked["piece-code"] == number
    assert len(asked) == 5


@given(number=st.text(min_size=1, max_size=30))
def test_no_number_breaks_the_question(number: str) -> None:
    asked = asked_xml(make(KEY).request([number, NUMBER], None))

    assert asked["piece-code"].endswith(f";{NUMBER}")
    assert asked["piece-code"].count(";") == 1
    assert asked["password"] == f"{MARK}-password"


# -- codes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "problem", "detail"),
    [
        ("PARCV/NRQRD/VA", Status.ANNOUNCED, None, None),
        ("SHRCU/PCKST/ES", Status.DISPATCHED, None, None),
        ("LDTMV/MVMTV/AA", Status.IN_TRANSIT, None, None),
        ("SRTED/NRQRD/PO", Status.OUT_FOR_DELIVERY, None, None),
        ("LDTMV/SERPT/PO", Status.IN_TRANSIT, None, None),  # on the way to the branch
        ("EXPHD/CAPEX/PO", None, Problem.DELAYED, None),
        ("NTDEL/NHOME/ZN", Status.DELIVERY_FAILED, None, None),
        ("NTDEL/RFUSD/ZN", Status.DELIVERY_FAILED, Problem.REFUSED, None),
        ("NTDEL/NTCCN/ZN", Status.RETURNING, None, None),
        ("NTDEL/BDADD/ZN", None, Problem.ADDRESS, None),
        ("HLDCC/LDPCK/LA", Status.READY_FOR_PICKUP, None, None),  # waits in a Packstation
        ("HLDCC/SERPT/ZF", Status.READY_FOR_PICKUP, None, None),
        ("DLVRD/ACCPK/ZU", Status.DELIVERED, None, Detail.COLLECTED),
        ("DLVRD/NGHBR/ZU", Status.DELIVERED, None, Detail.NEIGHBOUR),
        ("DLVRD/SPOUS/ZU", Status.DELIVERED, None, Detail.HOUSEHOLD),
        ("DLVRD/POBOX/ZU", Status.DELIVERED, None, Detail.MAILBOX),
        ("DLVRD/ACCDM/ZU", Status.DELIVERED, Problem.DAMAGED, None),
        ("DLVRD/CUSTM/ZU", None, Problem.CUSTOMS, None),  # handed to customs
        ("DLVRD/HNDTC/ZU", Status.IN_TRANSIT, None, None),  # handed to another carrier
        ("MVARR/NRQRD/ZU", Status.DELIVERED, None, None),  # freight
        ("DSPSD/BDADD/ZU", None, Problem.OTHER, None),  # disposed of
        ("DSPSD/DMGED/ZU", None, Problem.DAMAGED, None),
        ("EXPHD/LOSTX/BV", Status.LOST, None, None),
        ("CANCL/NRQRD/BV", Status.CANCELLED, None, None),
        # the third code is blank or of another kind: the pair has one meaning all the same
        ("DLVRD/CUSTM/", None, Problem.CUSTOMS, None),
        ("DSPSD/NTORD/PO", None, Problem.OTHER, None),
        ("RETRN/RFUSD/", Status.RETURNING, None, None),
        # only the third is listed
        ("//ZU", Status.DELIVERED, None, None),
        ("XXXXX/XXXXX/EE", Status.IN_TRANSIT, None, None),
        ("DLVRD/XXXXX/ZU", Status.DELIVERED, None, None),
        ("SRTED/XXXXX/PO", Status.OUT_FOR_DELIVERY, None, None),
    ],
)
def test_a_code_means(
    code: str, status: Status | None, problem: Problem | None, detail: Detail | None
) -> None:
    scan = only(code)

    assert scan.code == code
    assert scan.meaning == Meaning(status, problem, detail)


@pytest.mark.parametrize(
    "code",
    [
        "DSPSD/XXXXX/ZU",  # disposed of, for a new reason
        "XXXXX/XXXXX/ZU",
        "EXPHD/XXXXX/PO",  # held, for a new reason
        "RETRN/XXXXX/ZN",
        "INFCL/XXXXX/LA",
        "LDTMV/XXXXX/ZF",  # perhaps still on its way there
        "XXXXX/XXXXX/XX",
        "XXXXX/XXXXX/",
        "MVARR/NRQRD/",  # means this or that, as the missing third code decides
        "dlvrd/accpt/zu",
    ],
)
def test_a_code_that_might_mean_something_else_stays_unknown(code: str) -> None:
    scan = only(code, event_text="Etwas ist geschehen.")

    assert (scan.code, scan.meaning) == (code, None)


@pytest.mark.parametrize("code", ["ADVIS/DLVDT/DD", "DLVRD/CODAR/GT", "ADVIS/XXXXX/DD"])
def test_notes_and_money_change_nothing(code: str) -> None:
    assert only(code).meaning == INFO


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Aufgrund einer Beschädigung verzögert sich der Transport der Sendung.", "!damaged"),
        ("  Die Sendung wurde\n erfolgreich zugestellt ", "delivered"),
        ("The shipment has been successfully delivered", "delivered"),
    ],
)
def test_without_codes_the_sentence_decides(text: str, wanted: str) -> None:
    assert only("//", event_text=text).meaning == meaning(wanted)


def test_without_codes_and_with_a_new_sentence_the_state_stays() -> None:
    reading = one(
        event("SRTED/NRQRD/PO", at="17.03.2026 08:00"),
        event("//", event_text="Die Sendung wurde nicht erfolgreich zugestellt."),
    )

    assert reading.scans[-1].meaning is None
    assert reading.scans[-1].code == "die sendung wurde nicht erfolgreich zugestellt"
    assert ends(make(KEY), reading).status is Status.OUT_FOR_DELIVERY


def test_an_event_that_says_nothing_means_nothing() -> None:
    assert only("//") == Scan(datetime(2026, 3, 17, 9, 2, tzinfo=UTC))


def test_the_merchant_can_map_a_new_code_or_sentence() -> None:
    carrier = make(KEY, codes={"XXXXX/XXXXX/XX": "in_transit", "sie ruht": "delayed"})
    body = answer(piece(event("XXXXX/XXXXX/XX"), event("//", event_text="Sie ruht.")))

    (reading,) = carrier.decode_body(body, [NUMBER])

    assert [scan.meaning for scan in reading.scans] == [
        Meaning(status=Status.IN_TRANSIT),
        Meaning(problem=Problem.DELAYED),
    ]


def test_a_deleted_event_takes_the_delivery_back() -> None:
    reading = one(
        event("SRTED/NRQRD/PO", at="17.03.2026 08:00"),
        event("DLVRD/ACCPT/ZU"),
        event("STORN/NRQRD/DD", at="17.03.2026 10:04"),
    )

    assert reading.scans[-1].meaning == Meaning(revokes=True)
    assert ends(make(KEY), reading).status is Status.OUT_FOR_DELIVERY


# -- the way back, and to whom --------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("DLVRD/ACCPT/ZU", Status.RETURNED),
        ("LDTMV/MVMTV/AA", Status.RETURNING),
        ("HLDCC/SERPT/ZF", Status.RETURNING),
        ("PARCV/NRQRD/VA", Status.ANNOUNCED),
        ("ADVIS/DLVDT/DD", None),
        ("DSPSD/BDADD/ZU", None),
    ],
)
def test_a_flagged_event_belongs_to_the_way_back(code: str, status: Status | None) -> None:
    assert only(code, ruecksendung="true").status is status


def test_a_flag_of_the_head_counts_for_the_newest_event_only() -> None:
    reading = one(
        event("DLVRD/ACCPT/ZU", at="01.03.2026 10:00"),
        event("LDTMV/MVMTV/AA", at="05.03.2026 10:00"),
        event("ADVIS/DLVDT/DD", at="05.03.2026 10:01"),
        ruecksendung="true",
        recipient_id="1",
    )

    assert [scan.status for scan in reading.scans] == [Status.DELIVERED, Status.RETURNING, None]
    assert not any(scan.meaning and scan.meaning.detail for scan in reading.scans)


def test_a_returned_parcel_has_no_recipient() -> None:
    reading = one(event("DLVRD/NGHBR/ZU"), ruecksendung="true", recipient_id="4")

    assert reading.scans[0].meaning == Meaning(status=Status.RETURNED)


@pytest.mark.parametrize(
    ("recipient", "detail"),
    [
        ("1", Detail.RECIPIENT),
        ("2", Detail.HOUSEHOLD),
        ("3", Detail.HOUSEHOLD),
        ("4", Detail.NEIGHBOUR),
        ("5", None),
        ("9", None),
        ("", None),
    ],
)
def test_the_recipient_id_says_who_took_it(recipient: str, detail: Detail | None) -> None:
    (scan,) = one(event("DLVRD/OTHER/ZU"), recipient_id=recipient).scans

    assert scan.meaning == Meaning(status=Status.DELIVERED, detail=detail)


def test_the_code_says_better_than_the_recipient_id_who_took_it() -> None:
    (scan,) = one(event("DLVRD/ACCPK/ZU"), recipient_id="1").scans

    assert scan.meaning == Meaning(status=Status.DELIVERED, detail=Detail.COLLECTED)


def test_nobodys_name_is_read() -> None:
    people = {
        "recipient_name": "Empfang Eins",
        "pan_recipient_name": "Empfang Zwei",
        "recipient_street": "Testweg 1",
        "pan_recipient_address": "Testweg 2",
        "shipper_name": "Versand Drei",
    }
    text = "Zugestellt an Empfang Eins für Empfang Zwei von Versand Drei."

    reading = one(event("DLVRD/OTHER/ZU", event_text=text), **people)
    unknown = one(event("//", event_text=text), **people)

    assert reading.scans[0].text == "Zugestellt an … für … von …."
    assert not re.search("(?i)empfang|testweg|versand", repr((reading, unknown)))


# -- times ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamps", "utc"),
    [
        (["15.01.2026 12:00"], ["15 11:00"]),
        (["15.07.2026 12:00"], ["15 10:00"]),
        (["29.03.2026 01:59", "29.03.2026 03:00"], ["29 00:59", "29 01:00"]),
        (["29.03.2026 02:30"], ["29 01:30"]),  # an hour that does not exist, by a wrong clock
        (["25.10.2026 02:30"], ["25 00:30"]),  # the first of two
        (["25.10.2026 02:10", "25.10.2026 02:40"], ["25 00:10", "25 00:40"]),
        (["25.10.2026 02:40", "25.10.2026 02:10"], ["25 00:40", "25 01:10"]),
        (
            ["25.10.2026 02:40", "25.10.2026 02:10", "25.10.2026 02:50"],
            ["25 00:40", "25 01:10", "25 01:50"],
        ),
        (["25.10.2026 02:10", "25.10.2026 02:10"], ["25 00:10", "25 00:10"]),
        (["25.10.2026 02:59", "25.10.2026 03:00"], ["25 00:59", "25 02:00"]),
        (["17.03.2026 10:00", "17.03.2026 09:00"], ["17 08:00", "17 09:00"]),  # just out of order
    ],
)
def test_stamps_are_berlin_time(stamps: list[str], utc: list[str]) -> None:
    assert moments(*stamps) == utc


@pytest.mark.parametrize(
    "stamp",
    ["2026-03-17T10:02:00", "17/03/2026 10:02", "17.03.26 10:02", "17.03.2026", "01.01.0001 00:00"],
)
def test_another_format_of_time_is_not_guessed(stamp: str) -> None:
    with pytest.raises(Unreadable):
        one(event("DLVRD/ACCPT/ZU", at=stamp))


def test_an_event_without_a_time_is_no_scan() -> None:
    assert one(event("DLVRD/ACCPT/ZU", at=""), event("LDTMV/MVMTV/AA")).scans[-1].code == (
        "LDTMV/MVMTV/AA"
    )


# -- forecast, pickup, service -------------------------------------------------------------


def test_the_forecast_is_a_day_with_a_window() -> None:
    reading = one(
        event("LDTMV/MVMTV/AA"),
        delivery_date="25.07.2026",
        delivery_timeframe_from="10:00",
        delivery_timeframe_to="13:30",
        product_name="DHL PAKET",
    )

    assert reading.service == "DHL PAKET"
    assert reading.estimate == Estimate(
        date(2026, 7, 25),
        datetime(2026, 7, 25, 8, 0, tzinfo=UTC),
        datetime(2026, 7, 25, 11, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize("window", [("", ""), ("10:00", ""), ("13:00", "10:00"), ("early", "late")])
def test_half_a_window_is_no_window(window: tuple[str, str]) -> None:
    reading = one(
        event("LDTMV/MVMTV/AA"),
        delivery_date="25.07.2026",
        delivery_timeframe_from=window[0],
        delivery_timeframe_to=window[1],
    )

    assert reading.estimate == Estimate(date(2026, 7, 25))


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-07-25", "00.00.0000"])
def test_a_forecast_that_cannot_be_read_is_left_out(day: str) -> None:
    reading = one(event("LDTMV/MVMTV/AA"), delivery_date=day)

    assert len(reading.scans) == 1
    assert reading.estimate is None


@pytest.mark.parametrize(
    ("codes", "place"),
    [
        (["HLDCC/LDPCK/LA"], "locker"),
        (["CNRFC/PCKST/ZF"], "locker"),
        (["HLDCC/SERPT/ZF"], "branch"),
        (["HLDCC/SERPT/ZF", "ADVIS/DLVDT/DD"], "branch"),
        (["CNRFC/NRQRD/ZF"], None),  # waits, but DHL does not say where
        (["HLDCC/SERPT/ZF", "DLVRD/SERPT/ZU"], None),
        (["SRTED/NRQRD/PO"], None),
    ],
)
def test_a_waiting_parcel_says_what_kind_of_place(codes: list[str], place: str | None) -> None:
    pickup = one(*(event(code) for code in codes)).pickup

    assert (pickup.type if pickup else None) == place


# -- several parcels, and numbers that differ in form ----------------------------------------


def test_a_batch_gives_one_reading_a_number_and_none_for_what_is_missing() -> None:
    third = "00340434190000000039"

    readings = read(
        piece(event("DLVRD/ACCPT/ZU")),
        piece(number=OTHER, error_status="100"),
        asked=[NUMBER, OTHER, third],
    )

    assert [(reading.number, reading.not_found) for reading in readings] == [
        (NUMBER, False),
        (OTHER, True),
    ]


def test_of_several_parcels_with_one_number_the_newest_counts() -> None:
    old = piece(event("DLVRD/ACCPT/ZU", at="01.02.2024 10:00"))
    new = piece(event("PARCV/NRQRD/VA", at="01.03.2026 10:00"))
    none = piece(error_status="200")

    for order in ([old, new, none], [none, new, old], [new, none, old]):
        (reading,) = read(*order)
        assert [scan.status for scan in reading.scans] == [Status.ANNOUNCED]


@pytest.mark.parametrize("asked", [NUMBER, NUMBER[2:], f"{NUMBER[:4]} {NUMBER[4:]}"])
@pytest.mark.parametrize("answered", [NUMBER, NUMBER[2:]])
def test_the_number_comes_back_in_the_form_it_was_asked(asked: str, answered: str) -> None:
    (reading,) = read(piece(event("DLVRD/ACCPT/ZU"), number=answered), asked=[asked])

    assert reading.number == asked


def test_a_number_is_recognised_by_any_of_its_names() -> None:
    renamed = piece(event("DLVRD/ACCPT/ZU"), number=OTHER, searched_piece_code=NUMBER)

    (reading,) = read(renamed, asked=[NUMBER])

    assert reading.number == NUMBER


def test_lost_zeros_are_put_back_when_nobody_knows_what_was_asked() -> None:
    (reading,) = read(piece(event("DLVRD/ACCPT/ZU"), number=NUMBER[2:]), asked=[])

    assert reading.number == NUMBER


# -- response codes: HTTP 200 all of them -----------------------------------------------------


@pytest.mark.parametrize("code", ["100", "200", "61", "41", "57", "64"])
def test_a_number_that_is_not_known_or_mistyped_is_not_found(code: str) -> None:
    whole = read(piece(piece_status=code, error_status=""), code=code)
    nameless = read(code=code)
    at_the_piece = read(piece(error_status=code))

    assert whole == nameless == at_the_piece == [Reading(NUMBER, not_found=True)]


def test_not_found_names_no_number_if_nobody_does() -> None:
    assert read(code="100", asked=[]) == [Reading(None, not_found=True)]


def test_one_unknown_number_does_not_hide_the_others() -> None:
    readings = read(
        piece(event("DLVRD/ACCPT/ZU")), piece(number=OTHER, piece_status="100"), code="100"
    )

    assert [reading.not_found for reading in readings] == [False, True]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("5", "appname or password.*Asking stops"),
        ("6", "Asking stops.*locks.*new password"),
        ("62", "tracking"),
    ],
)
def test_a_refused_login_says_to_stop_and_what_to_do(code: str, says: str) -> None:
    for body in (answer(code=code), answer(piece(piece_status=code), code=code)):
        with pytest.raises(Rejected, match=says) as caught:
            make(KEY).decode_body(body, [NUMBER])
        assert caught.value.permanent


@pytest.mark.parametrize("code", ["5", "6"])
def test_a_login_refused_at_the_piece_is_refused_as_well(code: str) -> None:
    with pytest.raises(Rejected):
        read(piece(event("DLVRD/ACCPT/ZU")), piece(number=OTHER, error_status=code))


@pytest.mark.parametrize("code", ["45", "58", "59", "60"])
def test_a_question_dhl_does_not_take_is_rejected(code: str) -> None:
    with pytest.raises(Rejected, match=f"code {code}"):
        read(code=code)


@pytest.mark.parametrize("code", ["-1", "-2", "-3", "-1000", "63"])
def test_technical_trouble_passes(code: str) -> None:
    with pytest.raises(Unavailable):
        read(code=code)
    with pytest.raises(Unavailable):
        read(piece(error_status=code))


@pytest.mark.parametrize("code", ["-2", "62", "a new one"])
def test_trouble_with_one_number_leaves_it_unanswered_and_costs_no_other(code: str) -> None:
    mine, other = read(piece(event("DLVRD/ACCPT/ZU")), piece(number=OTHER, error_status=code))

    assert (mine.number, mine.scans[-1].status) == (NUMBER, Status.DELIVERED)
    assert other == Reading(OTHER, unanswered=True)


def test_of_two_parcels_with_one_number_the_one_with_scans_counts_beside_trouble() -> None:
    good, bad = piece(event("DLVRD/ACCPT/ZU")), piece(error_status="-2")

    for order in ([good, bad], [bad, good]):
        (reading,) = read(*order)
        assert reading.scans


def test_a_code_that_is_not_listed_is_unreadable_and_not_repeated() -> None:
    with pytest.raises(Unreadable) as caught:
        read(code="a secret?")

    assert "secret" not in str(caught.value)


def test_a_list_without_parcels_says_nothing() -> None:
    assert read() == []


def test_each_number_of_a_public_answer_has_a_code_of_its_own() -> None:
    def part(code: str, number: str, inside: str = "") -> str:
        name = "piece-status-public-list"
        return f'<data name="{name}" code="{code}" _piece-code="{number}">{inside}</data>'

    public = (
        f'<data name="piece-status-public" piece-code="{NUMBER}">{event("DLVRD/ACCPT/ZU")}</data>'
    )
    body = f"<data>{part('0', NUMBER, public)}{part('100', OTHER)}</data>".encode()

    readings = make(KEY).decode_body(body, [])

    assert [(reading.number, reading.not_found) for reading in readings] == [
        (NUMBER, False),
        (OTHER, True),
    ]


def test_the_gateways_page_says_which_login_is_wrong() -> None:
    page = httpx.Response(401, html="<html><body><h1>401</h1></body></html>")

    with pytest.raises(Rejected, match="api_key or api_secret") as caught:
        make(KEY).decode(page, [NUMBER])

    assert caught.value.status == 401


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE data><data code="0"/>',
        b'<!DOCTYPE data [<!ENTITY n "1">]><data code="0"><data piece-code="&n;"/></data>',
        b'<!DOCTYPE data [<!ENTITY n SYSTEM "file:///etc/hostname">]><data code="0">&n;</data>',
        b'<html code="0"/>',
        b"<data/>",
    ],
)
def test_dangerous_and_foreign_xml_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        make(KEY).decode_body(body, [NUMBER])


# -- the collected table, where it lies beside the repository ------------------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "delivery_attempted/refused": "delivery_failed!refused",
    "address_problem": "!address",
    "customs": "!customs",
    "delayed": "!delayed",
    "exception": "!other",
    "exception/damage": "!damaged",
    "exception/lost": "lost",
    "returning_to_sender": "returning",
    "unknown/info": "info",
    "delivered/locker": "delivered:locker",
    "delivered/neighbour": "delivered:neighbour",
    "delivered/safe_place": "delivered:safe_place",
}
# Code -> what we read instead, and why. An entry that is not needed fails the test.
OTHERWISE = {
    "STORN/NRQRD/DD": ("revokes", "the driver deleted the event before it"),
    "DLVRD/ACCPK/ZU": ("delivered:collected", "the customer took it out of the locker"),
    "DLVRD/SERPT/ZU": ("delivered:collected", "the customer took it home from the branch"),
    "DLVRD/FAMLY/ZU": ("delivered:household", "a family member"),
    "DLVRD/SPOUS/ZU": ("delivered:household", "the spouse"),
    "DLVRD/POBOX/ZU": ("delivered:mailbox", "put into the letter box"),
    "DLVRD/ACCDM/ZU": ("delivered!damaged", "accepted, but damaged: not to be asked for a review"),
    "recipient-id/1": ("delivered:recipient", "the recipient"),
    "recipient-id/2": ("delivered:household", "the spouse"),
    "recipient-id/3": ("delivered:household", "a member of the household"),
}


def collected(shared: Path) -> list[dict[str, str]]:
    file = shared / "data" / "codes" / f"{KEY}.csv"
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def key_of(row: Mapping[str, str]) -> str:
    code, kind = row["code"], row["subcode"]
    if kind == "recipient-id":
        return f"recipient-id/{code}"
    return code if kind == "standard-event-code" else f"{code}/{kind}"


def test_every_collected_code_is_listed_and_means_what_was_collected(shared: Path) -> None:
    rows = [row for row in collected(shared) if row["subcode"] != "response-code"]
    words = {key_of(row): OLDER_WORDS.get(row["normalized"], row["normalized"]) for row in rows}
    listed = table(KEY)

    assert len(words) == len(rows)
    assert {code for code in listed if code == code.upper() and "/" in code} <= set(words)
    assert {
        code: listed.get(code) for code in words if listed.get(code) != meaning(words[code])
    } == {code: meaning(ours) for code, (ours, _) in OTHERWISE.items()}


def test_every_collected_response_code_is_told_apart(shared: Path) -> None:
    kinds: dict[str, Any] = {
        "error:auth": Rejected,
        "error:config": Rejected,
        "error:retry": Unavailable,
        "error:bad_number": [Reading(NUMBER, not_found=True)],
        "error:postal_code": [Reading(NUMBER, not_found=True)],
        "unknown": [Reading(NUMBER, not_found=True)],
        "": [],
    }
    rows = [row for row in collected(shared) if row["subcode"] == "response-code"]

    told: dict[str, Any] = {}
    for row in rows:
        try:
            told[row["code"]] = read(code=row["code"])
        except CallError as error:
            told[row["code"]] = type(error)

    # -3 was filed under our mistakes; DHL names it among the technical ones, and those pass.
    assert told == {row["code"]: kinds[row["normalized"]] for row in rows} | {"-3": Unavailable}
