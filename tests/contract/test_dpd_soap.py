"""What only DPD's SOAP does: a login, dates of three forms, a mark, a word for shop and hand."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from defusedxml import ElementTree
from pydantic import ValidationError

from contract.samples import MARK, ends, make
from tracker_sync.carriers import Carrier
from tracker_sync.carriers._dpdsoap_lands import LANDS
from tracker_sync.carriers.dpd_soap import DpdSoap
from tracker_sync.carriers.tables import meaning
from tracker_sync.errors import CallError, Rejected, Throttled, Unavailable, Unreadable
from tracker_sync.model import Meaning, Pickup, Reading, Scan, Status
from tracker_sync.wire import Timer, Wire

NUMBER = "09990000000001"
TYPES = "http://dpd.com/common/service/types"
AUTHENTICATION = f"{{{TYPES}/Authentication/2.0}}authentication"


def dpd(**more: Any) -> Carrier:
    return make("dpd_soap", **more)


def envelope(inner: str) -> bytes:
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def step(status: str, date: str, text: str = "", **flags: str) -> str:
    told = {"statusHasBeenReached": "true", "isCurrentStatus": "false"} | flags
    words = {"label": "Step", "description": text, "date": date}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    texts = "".join(f"<{n}><content>{escape(v)}</content></{n}>" for n, v in words.items() if v)
    return f"<statusInfo><status>{status}</status>{inside}{texts}</statusInfo>"


def head(service: str, more: str = "") -> str:
    described = f"<serviceDescription><content>{service}</content></serviceDescription>"
    return f"<shipmentInfo>{described}{more}</shipmentInfo>"


def answer(*parts: str) -> bytes:
    response = f'<r:getTrackingDataResponse xmlns:r="{TYPES}/ParcelLifeCycleService/2.0">'
    inside = f"<trackingresult>{''.join(parts)}</trackingresult>"
    return envelope(f"{response}{inside}</r:getTrackingDataResponse>")


def fault(code: str, kind: str = "trackingFault") -> bytes:
    detail = f"<{kind}><errorCode>{code}</errorCode><errorMessage>{MARK}</errorMessage></{kind}>"
    return envelope(f"<s:Fault><faultcode>s:Server</faultcode><detail>{detail}</detail></s:Fault>")


def login(token: str = "a-token", expires: str = "") -> bytes:
    inside = f"<authToken>{token}</authToken><authTokenExpires>{expires}</authTokenExpires>"
    return envelope(f"<getAuthResponse><return>{inside}</return></getAuthResponse>")


def read(*parts: str, **more: Any) -> Reading:
    (reading,) = dpd(**more).decode_body(answer(*parts), [NUMBER])
    return reading


def only(status: str, text: str = "", service: str = "") -> Scan:
    (scan,) = read(head(service), step(status, "17.03.2026, 10:02", text)).scans
    return scan


def at(stamp: str, country: str) -> str:
    (scan,) = read(step("Depot", stamp), country=country).scans
    return f"{scan.at:%Y-%m-%d %H:%M:%S}"


def wire(body: bytes, status: int = 200, date: str = "") -> Wire:
    headers = {"date": date} if date else {}
    reply = httpx.Response(status, content=body, headers=headers)
    timer = Timer(lambda: 0.0, lambda seconds: None)
    return Wire("dpd_soap", timer, transport=httpx.MockTransport(lambda request: reply))


# -- asking --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "base", "version", "language"),
    [
        ("de", "https://public-ws.dpd.com/services", "V2_0", "de_DE"),
        ("be", "https://wsshipper.dpd.be/soap/services", "V2_1", "en_US"),
        ("nl", "https://wsshipper.dpd.nl/soap/services", "V2_1", "en_US"),
    ],
)
def test_each_country_is_asked_at_its_own_host_in_the_language_of_its_dates(
    country: str, base: str, version: str, language: str
) -> None:
    carrier = dpd(country=country)
    asked, logged_in = carrier.request([NUMBER], "a-token"), carrier.token_request()

    assert logged_in is not None
    assert str(asked.url) == f"{base}/ParcelLifeCycleService/V2_0"
    assert str(logged_in.url) == f"{base}/LoginService/{version}"
    assert f"/LoginService/{version[1:].replace('_', '.')}" in logged_in.content.decode()
    for request in (asked, logged_in):
        assert f"<messageLanguage>{language}</messageLanguage>" in request.content.decode()
        assert request.headers["content-type"] == "text/xml; charset=utf-8"


def test_a_question_carries_the_token_and_never_the_password() -> None:
    request = dpd(delis_id="me & you").request(["0999<&\x00"], "to<ken")
    root = ElementTree.fromstring(request.content, forbid_dtd=True)
    (sent,) = root.iter(AUTHENTICATION)

    assert {e.tag: e.text for e in sent} == {
        "delisId": "me & you",
        "authToken": "to<ken",
        "messageLanguage": "de_DE",
    }
    assert [e.text for e in root.iter("parcelLabelNumber")] == ["0999<&"]
    assert request.headers["soapaction"].endswith('/ParcelLifeCycleService/2.0/getTrackingData"')
    assert MARK not in request.content.decode()


def test_the_login_sends_name_and_password_in_the_body_only() -> None:
    request = dpd(delis_id="shop", password="p<&w").token_request()
    assert request is not None
    root = ElementTree.fromstring(request.content, forbid_dtd=True)

    (asked,) = root.iter(f"{{{TYPES}/LoginService/2.0}}getAuth")
    assert {e.tag: e.text for e in asked} == {
        "delisId": "shop",
        "password": "p<&w",
        "messageLanguage": "de_DE",
    }
    assert list(root.iter(AUTHENTICATION)) == []
    assert "shop" not in str(request.url)


def test_only_the_three_countries_can_be_configured() -> None:
    with pytest.raises(ValidationError, match="country"):
        dpd(country="fr")


def test_the_zone_is_that_of_the_country_and_the_class_keeps_its_own() -> None:
    zones = {country: dpd(country=country).zone for country in LANDS}

    assert zones == {"de": "Europe/Berlin", "be": "Europe/Brussels", "nl": "Europe/Amsterdam"}
    assert DpdSoap.zone == "Europe/Berlin"


# -- login and token -------------------------------------------------------------

NOON = "Tue, 17 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("expires", "date", "hours"),
    [
        ("2026-03-17T18:05:00Z", NOON, 6),
        ("2026-03-17T19:05:00+01:00", NOON, 6),
        ("2026-03-17T19:05:00.0", NOON, 6),  # local is earlier than UTC
        ("2026-03-17T12:04:00Z", NOON, 1 / 30),  # half of what is left
        ("2026-03-19T11:00:00Z", NOON, 24),  # never longer than a day
        ("2026-04-17T18:05:00Z", NOON, 20),  # makes no sense: the usual
        ("2026-03-17T11:00:00Z", NOON, 20),
        ("2020-05-08T13:02:56.06", NOON, 20),
        ("17.03.2026, 19:05", NOON, 20),
        ("", NOON, 20),
        ("9999-12-31T23:59:59-14:00", NOON, 20),
        ("2026-03-17T18:05:00Z", "", 20),
        ("2026-03-17T18:05:00Z", "today", 20),
    ],
)
def test_a_token_lasts_about_a_day_or_as_long_as_dpd_says_for_certain(
    expires: str, date: str, hours: float
) -> None:
    token = dpd().fetch_token(wire(login(" a-token ", expires), date=date))

    assert (token.value, token.lasts) == ("a-token", timedelta(hours=hours))


def test_an_answer_without_a_token_is_none() -> None:
    with pytest.raises(Unreadable):
        dpd().fetch_token(wire(login("")))


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("DELICOM_ERR_AUTHENTICATION", "authenticationFault"),
        ("DELICOM_ERR_AUTHENTICATION", "x"),
        ("LOGIN_5", "x"),
        ("LOGIN_6", "authenticationFault"),
        ("Something new", "authenticationFault"),
    ],
)
def test_wrong_keys_and_an_old_token_are_refused_as_401(status: int, code: str, kind: str) -> None:
    body, carrier = fault(code, kind), dpd()

    with pytest.raises(Rejected) as at_login:
        carrier.fetch_token(wire(body, status))
    with pytest.raises(Rejected) as asking:
        carrier.poll(wire(body, 200 if status == 400 else status), [NUMBER], "old")

    for caught in (at_login, asking):
        assert caught.value.status == 401
        assert "delis_id, password and country" in caught.value.text
        assert MARK not in str(caught.value)
        assert "Something" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 500])
def test_a_login_that_fails_for_another_reason_is_tried_later(status: int) -> None:
    with pytest.raises(Unavailable):
        dpd().fetch_token(wire(fault("COMMON_1"), status))


@pytest.mark.parametrize(
    ("status", "error"), [(403, Rejected), (429, Throttled), (503, Unavailable)]
)
def test_a_login_is_told_by_its_http_status_where_the_body_says_nothing(
    status: int, error: type[CallError]
) -> None:
    with pytest.raises(error):
        dpd().fetch_token(wire(b"<html/>", status))


# -- errors of one number ------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_that_is_not_listed_never_says_there_is_no_parcel(status: int) -> None:
    (reading,) = dpd().poll(wire(fault("NOBODY_LISTED_THIS"), status), [NUMBER], "a-token")

    assert reading == Reading(NUMBER, unanswered=True)


def test_a_fault_under_another_http_status_is_told_by_that() -> None:
    with pytest.raises(Throttled):
        dpd().poll(wire(fault("NOBODY_LISTED_THIS"), 429), [NUMBER], "a-token")


def test_an_empty_result_is_not_found_and_a_result_without_steps_is_not() -> None:
    assert read() == Reading(NUMBER, not_found=True)
    assert read(head("DPD HOME")) == Reading(NUMBER, service="DPD HOME")


def test_a_login_answer_is_no_history() -> None:
    with pytest.raises(Unreadable):
        dpd().decode_body(login(), [NUMBER])


# -- dates ---------------------------------------------------------------------------


@pytest.mark.parametrize("country", LANDS)
@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("8/19/2021 5:11:26 PM", "2021-08-19 15:11:26"),
        ("8/19/2021 5:11:26 AM", "2021-08-19 03:11:26"),
        ("8/19/2021 12:11:26 PM", "2021-08-19 10:11:26"),
        ("8/19/2021 12:11:26 AM", "2021-08-18 22:11:26"),
        ("8/19/2021 5:11:26\u202fpm", "2021-08-19 15:11:26"),
        ("4/3/2021 5:11:26 PM", "2021-04-03 15:11:26"),
        ("19.08.2021, 17:11", "2021-08-19 15:11:00"),
        ("03.04.2021, 05:11", "2021-04-03 03:11:00"),
    ],
)
def test_a_date_told_by_its_punctuation_is_read_in_every_country(
    country: str, stamp: str, utc: str
) -> None:
    assert at(stamp, country) == utc


def test_a_slash_without_am_or_pm_is_read_only_where_the_country_says_how() -> None:
    assert at("4/3/2021, 17:11", "de") == "2021-03-04 16:11:00"
    for country in ("be", "nl"):
        with pytest.raises(Unreadable, match="form"):
            at("4/3/2021, 17:11", country)


@pytest.mark.parametrize("country", LANDS)
@pytest.mark.parametrize(
    "stamp",
    [
        "4/3/2021",
        "4/3/2021 17:11",
        "4/3/2021 17:11:26",
        "4/3/2021 17:11:26 PM",
        "19/8/2021 5:11:26 PM",
        "8/19/2021, 17:11",
        "4/3/21, 17:11",
        "04-03-2021 17:11",
        "2021-08-19T17:11:26",
        "19.08.2021 17:11",
        "31.02.2021, 17:11",
        "yesterday",
    ],
)
def test_any_other_date_is_refused_and_not_guessed(country: str, stamp: str) -> None:
    with pytest.raises(Unreadable):
        at(stamp, country)


def test_a_date_at_the_end_of_the_calendar_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        at("01.01.0001, 00:10", "de")


@pytest.mark.parametrize(
    ("stamps", "utc"),
    [
        (("25.10.2026, 01:59", "25.10.2026, 02:00"), ["23:59", "00:00"]),
        (("25.10.2026, 02:59", "25.10.2026, 03:00"), ["00:59", "02:00"]),
        (("25.10.2026, 02:40", "25.10.2026, 02:10"), ["00:40", "01:10"]),
        (
            ("25.10.2026, 02:40", "25.10.2026, 02:10", "25.10.2026, 02:50"),
            ["00:40", "01:10", "01:50"],
        ),
        (("29.03.2026, 01:59", "29.03.2026, 03:00"), ["00:59", "01:00"]),
    ],
)
def test_in_the_hour_that_comes_twice_the_list_decides(
    stamps: tuple[str, ...], utc: list[str]
) -> None:
    scans = read(*(step("Depot", stamp) for stamp in stamps)).scans

    assert [f"{scan.at:%H:%M}" for scan in scans] == utc


def test_an_hour_that_comes_twice_is_read_in_twelve_hours_too() -> None:
    stamps = ("10/25/2026 2:40:00 AM", "10/25/2026 2:10:00 AM", "10/25/2026 2:10:00 PM")
    scans = read(*(step("Depot", stamp) for stamp in stamps), country="be").scans

    assert [f"{scan.at:%H:%M}" for scan in scans] == ["00:40", "01:10", "13:10"]


# -- which steps count ------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["false", "", "0", "maybe"])
def test_a_step_not_reached_has_not_happened(flag: str) -> None:
    planned = step("DELIVERED", "18.03.2026, 10:00", statusHasBeenReached=flag)
    reading = read(step("ON_THE_ROAD", "17.03.2026, 10:00"), planned)

    assert ends(dpd(), reading).status is Status.IN_TRANSIT


def test_the_newest_of_two_marks_counts() -> None:
    steps = [
        step("OUT_FOR_DELIVERY", "17.03.2026, 08:00", isCurrentStatus="true"),
        step("DELIVERED", "17.03.2026, 10:00", isCurrentStatus="true"),
        step("OUT_FOR_DELIVERY", "17.03.2026, 10:01"),
    ]

    assert ends(dpd(), read(*steps)).status is Status.DELIVERED


def test_without_a_mark_the_dates_decide() -> None:
    steps = [step("DELIVERED", "17.03.2026, 10:00"), step("OUT_FOR_DELIVERY", "17.03.2026, 08:00")]

    assert ends(dpd(), read(*steps)).status is Status.DELIVERED


def test_the_head_counts_only_where_no_step_does() -> None:
    inside = step("DELIVERED", "17.03.2026, 10:00").removeprefix("<statusInfo>")
    reached = head("DPD HOME", inside.removesuffix("</statusInfo>"))

    alone, beside = read(reached), read(reached, step("Courier", "17.03.2026, 08:00"))

    assert [scan.code for scan in alone.scans] == ["DELIVERED"]
    assert [scan.code for scan in beside.scans] == ["Courier"]


def test_picked_up_after_the_shop_is_no_step_back() -> None:
    steps = [step("ParcelShop", "17.03.2026, 10:00"), step("PickedUp", "17.03.2026, 11:00")]
    reading = read(*steps)

    assert ends(dpd(), reading).status is Status.READY_FOR_PICKUP
    assert reading.pickup == Pickup("shop")


@pytest.mark.parametrize("code", ["Courier", "ReturningFromDelivery", "Delivered"])
def test_what_left_the_shop_waits_there_no_more(code: str) -> None:
    reading = read(step("ParcelShop", "17.03.2026, 10:00"), step(code, "17.03.2026, 11:00"))

    assert reading.pickup is None


# -- what a word means --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "text", "service", "code"),
    [
        ("Delivered", "Your parcel has been delivered.", "DPD HOME", "Delivered"),
        ("DELIVERED", "Ihr Paket wurde zugestellt.", "DPD CLASSIC", "DELIVERED"),
        # In Belgium and the Netherlands the shop has a word of its own.
        ("Delivered", "Your parcel has been delivered.", "DPD PARCELSHOP DELIVERY", "Delivered"),
    ],
)
def test_delivered_is_delivered(status: str, text: str, service: str, code: str) -> None:
    scan = only(status, text, service)

    assert (scan.code, scan.status) == (code, Status.DELIVERED)


@pytest.mark.parametrize("status", ["Delivered", "DELIVERED"])
def test_delivered_to_the_shop_by_the_driver_waits_there(status: str) -> None:
    scan = only(status, "Delivered by driver to Pickup parcelshop.", "DPD HOME")

    assert scan.status is Status.READY_FOR_PICKUP


@pytest.mark.parametrize(
    ("status", "text", "service", "code"),
    [
        ("DELIVERED", "", "DPD PARCELSHOP DELIVERY", "DELIVERED/shop"),
        ("DELIVERED", "Zugestellt.", "DPD Shop Zustellung", "DELIVERED/shop"),
        ("DELIVERED", "Ihr Paket liegt im Pickup Paketshop.", "", "DELIVERED/shop"),
        ("Delivered", "Waiting in the Pickup parcelshop", "", "Delivered/shop"),
        ("Delivered", "Returned to the sender", "", "Delivered/unclear"),
        ("DELIVERED", "Zurück an den Absender", "", "DELIVERED/unclear"),
    ],
)
def test_delivered_that_may_be_a_shop_or_the_sender_is_not_believed(
    status: str, text: str, service: str, code: str
) -> None:
    scan = only(status, text, service)

    assert (scan.code, scan.meaning) == (code, None)


def test_a_merchant_can_say_what_an_unclear_delivery_is() -> None:
    steps = head("DPD SHOP"), step("DELIVERED", "17.03.2026, 10:02")
    reading = read(*steps, codes={"DELIVERED/shop": "ready_for_pickup"})

    assert reading.scans[0].status is Status.READY_FOR_PICKUP


@pytest.mark.parametrize("status", ["OnHoliday", "parcelshop", "delivered_somewhere", "13", "23"])
def test_what_is_not_listed_means_nothing_and_keeps_its_word(status: str) -> None:
    scan = only(status)

    assert (scan.code, scan.meaning) == (status, None)


def test_a_step_without_a_word_is_known_by_its_label() -> None:
    assert (only("").code, only("").meaning) == ("step", None)


@pytest.mark.parametrize("status", ["Delivered", "DELIVERED", "OnHoliday"])
def test_a_description_that_may_name_somebody_is_not_kept(status: str) -> None:
    scan = only(status, "Handed to the household of the recipient")

    assert scan.text == "Step"


def test_a_receiver_is_never_read() -> None:
    receiver = f"<receiver><content><content>{MARK}</content></content></receiver>"
    inside = step("Delivered", "17.03.2026, 10:02").replace("</status>", f"</status>{receiver}")

    assert MARK not in repr(read(head("DPD HOME", receiver), inside))


# -- tables and recordings beside the repository --------------------------------------------

OLDER_WORDS = {
    "label_created": "announced",
    "picked_up": "dispatched",
    "available_for_pickup": "ready_for_pickup",
    "delivery_attempted": "delivery_failed",
    "returning_to_sender": "returning",
    "exception": "!other",
}
OURS = {"be_nl", "group"}
# Vocabularies of other interfaces of DPD: not one of their words may mean anything here, unless
# ours has the same word.
OF_OTHERS = {
    "push": "DPD calls the merchant's server",
    "scan": "the page for recipients",
    "cloud": "the German Cloud service",
    "france": "Webtrace of DPD France",
}
RECORDED_BY_OTHERS = {
    "cloud-": "the German Cloud service",
    "france-": "Webtrace of DPD France",
    "plc-json-": "the page for recipients",
    "push-": "DPD calls the merchant's server",
}
SHARED_WORDS = {"Delivered"}


def rows(shared: Path) -> list[dict[str, str]]:
    text = (shared / "data" / "codes" / "dpd.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_collected_word_means_what_was_collected(shared: Path) -> None:
    ours = {row["code"]: row["normalized"] for row in rows(shared) if row["subcode"] in OURS}

    wanted = {code: meaning(OLDER_WORDS.get(word, word)) for code, word in ours.items()}

    assert wanted == {code: DpdSoap.codes[code] for code in wanted}
    assert {code for code in DpdSoap.codes if "/" not in code} == set(wanted)


def test_words_of_other_interfaces_mean_nothing_here(shared: Path) -> None:
    others = [row for row in rows(shared) if row["subcode"] not in OURS]

    assert {row["subcode"] for row in others} == set(OF_OTHERS)
    assert {row["code"] for row in others if row["code"] in DpdSoap.codes} == SHARED_WORDS


def recordings(shared: Path) -> dict[str, dict[str, str]]:
    text = (shared / "data" / "samples" / "INDEX.csv").read_text("utf-8")
    found = {row["file"]: row for row in csv.DictReader(text.splitlines())}
    return {
        name.removeprefix("dpd/"): row for name, row in found.items() if name.startswith("dpd/")
    }


def test_recordings_read_as_their_index_says(shared: Path) -> None:
    folder, listed = shared / "data" / "samples" / "dpd", recordings(shared)
    ours = {name: row for name, row in listed.items() if name.startswith("karrio-")}
    histories = {name: row for name, row in ours.items() if row["events"] != "0"}

    assert {file.name for file in folder.iterdir()} <= set(listed)
    assert len(histories) == 2
    for name, row in histories.items():
        carrier = dpd(country="be")
        (reading,) = carrier.decode_body((folder / name).read_bytes(), [NUMBER])
        assert len(reading.scans) == int(row["events"]), name
        wanted = OLDER_WORDS.get(row["expected_status"], row["expected_status"])
        assert ends(carrier, reading).status == wanted, name
        (last,) = read(step("Depot", row["latest_event_time"]), country="be").scans
        assert reading.scans[-1].at == last.at, name
        assert None not in {scan.meaning for scan in reading.scans}


@pytest.mark.parametrize("name", ["karrio-login-fault.xml", "karrio-auth-fault-tracking.xml"])
def test_recorded_faults_are_refused_keys(shared: Path, name: str) -> None:
    body = (shared / "data" / "samples" / "dpd" / name).read_bytes()

    with pytest.raises(Rejected, match="DELICOM_ERR_AUTHENTICATION") as at_login:
        dpd().fetch_token(wire(body, 500))
    with pytest.raises(Rejected) as asking:
        dpd().poll(wire(body, 500), [NUMBER], "old")

    assert (at_login.value.status, asking.value.status) == (401, 401)


def test_a_recorded_login_gives_a_token(shared: Path) -> None:
    body = (shared / "data" / "samples" / "dpd" / "karrio-login-response.xml").read_bytes()
    date = "Thu, 07 May 2020 23:00:00 GMT"

    token = dpd(country="be").fetch_token(wire(body, date=date))

    assert len(token.value) > 40
    assert timedelta(hours=11) < token.lasts < timedelta(hours=12)


def test_recordings_of_other_interfaces_are_no_history(shared: Path) -> None:
    folder, listed = shared / "data" / "samples" / "dpd", recordings(shared)
    others = [name for name in listed if not name.startswith("karrio-")]

    for name in others:
        assert name.startswith(tuple(RECORDED_BY_OTHERS)), name
        try:
            told = dpd().decode_body((folder / name).read_bytes(), [NUMBER])
        except Unreadable:
            continue
        assert not any(reading.scans for reading in told), name
    assert all(any(name.startswith(prefix) for name in others) for prefix in RECORDED_BY_OTHERS)


def test_a_meaning_of_its_own_is_listed_only_for_a_shop() -> None:
    added = {code: means for code, means in DpdSoap.codes.items() if "/" in code}

    assert set(added.values()) == {Meaning(Status.READY_FOR_PICKUP)}
