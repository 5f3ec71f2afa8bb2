"""Log lines go to stderr, and nobody's data with them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tracker_sync.log import configure, masked, redact

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PARCEL = "00340434161094015902"
MAIL = "kunde-1@shop.invalid"


pytestmark = pytest.mark.usefixtures("log_as_it_was")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


SECRETS = [
    (f"sent to {MAIL} today", "sent to [email] today"),
    (f"<{MAIL}>, {MAIL}", "<[email]>, [email]"),
    ('"kunde eins"@shop.invalid', "[email]"),
    ("müller@läden.invalid", "[email]"),
    ("kunde\uff20shop.invalid", "[email]"),
    ("kunde\u200b-1@shop.invalid", "[email]"),
    ("mail=kunde%40shop.invalid&x", "mail=[email]&x"),
    ("kunde@localhost", "[email]"),
    ("call +49 (151) 234-56789 now", "call [phone] now"),
    ("+4915123456789", "[phone]"),
    ("+49.151.234.567.89", "[phone]"),
    ("0151 23456789", "[phone]"),
    ("(030) 1234-567", "[phone]"),
    ("0151/2345 6789", "[phone]"),
    ("015123456789", "…456789"),
    ("key pk_0a1b2c3d4e5f refused", "key pk_… refused"),
    ("shpat_0a1b2c3d", "shpat_…"),
    ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [hidden]"),
    ('{"Authorization": "Klaviyo-API-Key pk_ab12"}', '{"Authorization": "[hidden]"}'),
    ('Digest: authorization = Digest u="a", r="b"', "Digest: authorization = [hidden]"),
    ("(b'authorization', b'Bearer abc.def')", "(b'authorization', b'Bearer [hidden]')"),
    ("bearer abc-def", "bearer [hidden]"),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln", "[hidden]"),
    ("client_secret=hunter2&x=1", "client_secret=[hidden]&x=1"),
    ("{'x-api-key': 'topsecret'}", "{'x-api-key': '[hidden]'}"),
    ('{\\"token\\": \\"topsecret\\"}', '{\\"token\\": \\"[hidden]"}'),
    ("password: hunter2", "password: [hidden]"),
    (f"GET https://api.carrier.invalid/track?n={PARCEL}", "GET https://api.carrier.invalid/…"),
    (f"https://user:word@h.invalid:8443/a/{PARCEL}.", "https://h.invalid:8443/…"),
    (f'"https://h.invalid?mail={MAIL}"', '"https://h.invalid/…"'),
    (f"for url '/track?trackingNumber={PARCEL}'", "for url '/track?…'"),
    ("postgres://me:word@h.invalid/db", "postgres://h.invalid/…"),
    (PARCEL, "…015902"),
    (f"number_{PARCEL}_label", "number_…015902_label"),
    ("1Z999AA10123456784 is unknown", "…456784 is unknown"),
    ("1z999aa10123456784", "…456784"),
    ("RR123456785DE", "…6785DE"),
    ("3404 3416 1094 0159 02", "…015902"),
    ("0034 0434 1610 9401 5902", "[phone]902"),
    ("1Z 999 AA1 01 2345 6784", "…456784"),
    ("3404-3416-1094-0159", "…940159"),
    ("a\x1b[31mred\x00", "a\ufffd[31mred\ufffd"),
]
HARMLESS = [
    "poll.answered",
    "2026-11-22T10:00:00Z",
    "2026-11-22 10:00:00.123456+00:00",
    "01.02.2026 10:15",
    "carrier dhl_unified answered 200 in 0.25 s",
    "5f3c1d2e-1234-5678-9abc-012345678901",
    "tracker_sync/carriers/dhl_unified.py, line 120",
    "https://api.carrier.invalid",
    "http://127.0.0.1:8080",
    "inbox/orders-2026-11-22.csv:17",
    "…015902",
    "in_transit",
    "the token expired, the password: missing",
    "250 of 250 calls",
    "2 @ once",
]


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_what_looks_personal_or_secret_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_an_operator_needs_is_kept(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("text", [text for text, _ in SECRETS] + HARMLESS)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert masked(masked(text)) == masked(text)


WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(WORDS, WORDS, st.text("abcdefgh.-", min_size=1, max_size=40))
def test_an_address_is_masked_wherever_it_stands(before: str, after: str, local: str) -> None:
    assert f"{local}@shop.invalid" not in masked(f"{before} {local}@shop.invalid {after}")


@given(WORDS, st.text("0123456789", min_size=10, max_size=34), WORDS)
def test_a_number_is_never_shown_whole(before: str, number: str, after: str) -> None:
    assert number not in masked(f"{before} {number} {after}")


@given(st.text(" .,:;=\"'()/?-", max_size=9), st.text("abcdef0123456789", min_size=6, max_size=40))
def test_a_private_key_is_never_shown(before: str, key: str) -> None:
    assert key not in masked(f"{before}pk_{key}")


@given(st.text(max_size=300))
def test_any_text_can_be_masked(text: str) -> None:
    masked(text)


@pytest.mark.parametrize(
    "unit", ["a", "a@", "0 ", "A0 ", "+1 ", "?a=", "a://", '"', "api_key", "0-", " "]
)
def test_a_hostile_text_costs_little(unit: str) -> None:
    assert len(masked(unit * 1_000_000)) < 100_000


def test_the_end_of_an_endless_text_is_kept_because_tracebacks_end_with_the_error() -> None:
    text = "start " + f"{MAIL} " * 10_000 + "ValueError"

    shown = masked(text)

    assert shown.startswith("start")
    assert shown.endswith("ValueError")
    assert "kunde" not in shown


class Colour(StrEnum):
    RED = "red"


@dataclass
class Recipient:
    name: str


def test_values_are_masked_however_deep_they_lie() -> None:
    nested: Any = {"items": [({"mail": MAIL},), {PARCEL}], MAIL: b"kunde-2@shop.invalid"}
    nested["self"] = nested

    shown = json.dumps(redact(None, "info", {"event": "a.b", "deep": nested}))

    assert "kunde" not in shown
    assert PARCEL not in shown


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("api_key", "abc", "[hidden]"),
        ("x-api-key", "abc", "[hidden]"),
        ("Authorization", ["abc"], "[hidden]"),
        ("client_secret", {"file": "abc"}, "[hidden]"),
        ("pass_word", "abc", "abc"),
        ("recipient", "Muster", "[hidden]"),
        ("customer_name", "Muster", "[hidden]"),
        ("signed_by", "Muster", "[hidden]"),
        ("password", None, None),
        ("token", "", ""),
        ("emails", 3, 3),
        ("sent", True, True),
        ("seconds", 0.25, 0.25),
        ("count", 12_000, 12_000),
        ("number", int(PARCEL), "…015902"),
        ("at", NOON, "2026-11-22 10:00:00+00:00"),
        ("every", timedelta(minutes=5), "0:05:00"),
        ("path", Path("inbox/a.csv"), "inbox/a.csv"),
        ("status", Colour.RED, "red"),
        ("id", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("error", ValueError(f"no {MAIL}"), "no [email]"),
        ("what", Recipient("Muster"), "<Recipient>"),
    ],
)
def test_a_value_is_shown_by_what_it_is(key: str, value: object, shown: object) -> None:
    assert redact(None, "info", {key: value}) == {key: shown}


def test_a_line_is_json_on_stderr_with_the_time_of_the_clock(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(lambda: NOON.astimezone(timezone(timedelta(hours=1))))

    structlog.get_logger().info("poll.answered", carrier="ups", number=PARCEL)

    assert lines(capsys) == [
        {
            "timestamp": "2026-11-22T10:00:00Z",
            "event": "poll.answered",
            "carrier": "ups",
            "number": "…015902",
            "level": "info",
        }
    ]


def test_a_person_reads_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure(lambda: NOON, json=False)

    structlog.get_logger().info("poll.answered", number=PARCEL)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("2026-11-22T10:00:00Z [info")
    assert "number=…015902" in captured.err


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_is_shown_without_what_the_error_says_of_a_person(
    capsys: pytest.CaptureFixture[str], *, json_lines: bool
) -> None:
    configure(lambda: NOON, json=json_lines)
    mail = MAIL

    try:
        raise ValueError(f"cannot write to {mail}")
    except ValueError as error:
        structlog.get_logger().error("message.failed", exc_info=error)

    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "cannot write to [email]" in err
    assert MAIL not in err


@pytest.mark.parametrize(
    ("verbose", "events"), [(True, ["a.debug", "a.info"]), (False, ["a.info"])]
)
def test_details_are_shown_when_asked_for(
    capsys: pytest.CaptureFixture[str], verbose: bool, events: list[str]
) -> None:
    configure(lambda: NOON, verbose=verbose)
    log = structlog.get_logger()

    log.debug("a.debug")
    log.info("a.info")

    assert [line["event"] for line in lines(capsys)] == events


def test_a_logger_used_before_obeys_too(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger()
    log.info("before.configure")
    capsys.readouterr()

    configure(lambda: NOON)
    configure(lambda: NOON)
    log.info("after.configure")
    logging.getLogger("some.library").warning("once")

    assert [line["event"] for line in lines(capsys)] == ["after.configure", "library.said"]


def test_bound_facts_are_masked_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    configure(lambda: NOON)

    with structlog.contextvars.bound_contextvars(pass_id="a1", order=MAIL):
        structlog.get_logger().info("a.b")

    [line] = lines(capsys)
    assert (line["pass_id"], line["order"]) == ("a1", "[email]")


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "apscheduler.scheduler"])
def test_libraries_are_quiet_and_masked(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure(lambda: NOON, verbose=True)
    library = logging.getLogger(name)

    library.info("GET https://h.invalid/?mail=%s", MAIL)
    library.warning("GET https://h.invalid/?mail=%s", MAIL)

    [line] = lines(capsys)
    assert line["library"] == name
    assert line["text"] == "GET https://h.invalid/…"
    assert line["level"] == "warning"


def test_a_libraries_traceback_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure(lambda: NOON)
    mail = MAIL

    try:
        raise ValueError(mail)
    except ValueError:
        logging.getLogger("some.library").exception("failed")

    [line] = lines(capsys)
    assert line["exception"].endswith("ValueError: [email]")


def test_a_broken_line_of_a_library_shows_nothing_of_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(lambda: NOON)

    record = logging.LogRecord("some.library", logging.WARNING, "a.py", 1, "%d", (MAIL,), None)

    logging.getLogger().handlers[-1].handle(record)

    assert capsys.readouterr().err == "log.line_lost library=some.library\n"


def test_a_warning_is_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure(lambda: NOON)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"{MAIL} is old", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    [line] = lines(capsys)
    assert line["library"] == "py.warnings"
    assert "[email] is old" in line["text"]


CRASH = """
from datetime import UTC, datetime
from tracker_sync.log import configure
configure(lambda: datetime(2026, 11, 22, 10, tzinfo=UTC))
raise {error}
"""


def crashed(error: str) -> subprocess.CompletedProcess[str]:
    code = CRASH.format(error=error)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_crash_is_logged_masked_and_still_a_crash() -> None:
    process = crashed('ValueError("kunde-1" + "@shop.invalid")')

    line = json.loads(process.stderr)

    assert process.returncode == 1
    assert line["event"] == "program.crashed"
    assert line["exception"].endswith("ValueError: [email]")


def test_an_interrupt_is_no_crash() -> None:
    assert "program.crashed" not in crashed("KeyboardInterrupt").stderr
