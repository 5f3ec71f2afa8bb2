"""The commands that look and change nothing: read, events, carriers, status, explain."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from passes.world import World, configure, moment, world
from tracker_sync import settings
from tracker_sync.carriers import discover
from tracker_sync.cli import main
from tracker_sync.cli.assembly import open_store
from tracker_sync.cli.common import Shop
from tracker_sync.cli.condition import look
from tracker_sync.cli.moments import ago, span
from tracker_sync.cli.story import rule
from tracker_sync.sandbox.http import Response

NOT_PUBLISHED = "not published"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
A, B, C = "1Z999AA10123456784", "1Z999AA10123456799", "1Z999AA10123456700"
FULL = ("announced 1h", "dispatched 2h", "new_code 6h", "in_transit 8h", "delivered 30h")


pytestmark = pytest.mark.usefixtures("log_as_it_was")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "shop"
    folder.mkdir()
    with world(folder, "ups") as made:
        made.run("0h")
        yield made


def run(*words: str | Path, at: datetime | None = None, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, [str(w) for w in words], input=stdin, obj=Shop(moment=at))


def in_shop(shop: World, *words: str, at: str = "") -> Result:
    config = str(shop.folder / "shop.yaml")
    return run("--config", config, *words, at=moment(at) if at else shop.now)


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


# -- read ------------------------------------------------------------------------


def test_read_prints_one_entry_a_number_and_where_its_history_ends() -> None:
    (entry,) = parsed(run("read", "ups", SAMPLES / "ups" / "delivered.json"))

    assert list(entry) == [
        *("number", "status", "problem", "detail", "occurred_at", "eta", "scans", "unknown"),
        "not_found",
    ]
    assert list(entry["scans"][0]) == ["at", "status", "problem", "code", "text", "place"]
    assert entry["status"] == "delivered"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["occurred_at"])
    assert entry["not_found"] is False


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*/*.json")), ids=lambda p: p.stem)
def test_read_understands_every_sample_without_keys(file: Path) -> None:
    entries = parsed(run("read", file.parent.name, file))

    assert entries
    for entry in entries:
        assert set(entry["unknown"]) == {s["code"] for s in entry["scans"]} & set(entry["unknown"])


@pytest.mark.parametrize("carrier", sorted(discover()))
def test_reading_needs_the_keys_of_no_carrier(carrier: str) -> None:
    (sample,) = (f for f in SAMPLES.glob(f"{carrier}/delivered.*") if "expect" not in f.name)

    statuses = {entry["status"] for entry in parsed(run("read", carrier, sample))}

    assert statuses == {"delivered"}


def test_read_gives_several_numbers_and_takes_standard_input() -> None:
    piece = '<data name="piece-shipment" piece-code="{}" status="x" status-timestamp="{}"/>'
    pieces = piece.format("00340434161094000017", "24.11.2026 09:00")
    pieces += piece.format("00340434161094000024", "24.11.2026 10:00")
    body = f'<data name="piece-shipment-list" code="0">{pieces}</data>'

    entries = parsed(run("read", "dhl_parcel_de", "-", stdin=body.encode()))

    assert [e["number"] for e in entries] == ["00340434161094000017", "00340434161094000024"]
    assert [e["unknown"] for e in entries] == [["x"], ["x"]]


def test_read_lists_unknown_codes_and_they_change_nothing() -> None:
    (entry,) = parsed(run("read", "ups", SAMPLES / "ups" / "new_code.json"))

    assert len(entry["unknown"]) == 1
    assert [s["status"] for s in entry["scans"] if s["code"] in entry["unknown"]] == [None]


def test_a_number_that_is_not_found_is_an_answer() -> None:
    body = b'{"title": "No result found", "detail": "x", "status": 404}'

    (entry,) = parsed(run("read", "dhl_unified", "-", stdin=body))

    assert entry["not_found"] is True
    assert (entry["number"], entry["status"], entry["scans"]) == (None, None, [])


@pytest.mark.parametrize(
    ("carrier", "body", "words"),
    [
        ("dhl_unified", b'{"status": 401, "title": "Unauthorized"}', "is an error of dhl_unified"),
        ("dhl_unified", b'{"status": 429, "title": "Too many"}', "too many requests"),
        ("ups", b"<html>", "is no answer of ups: the answer is not JSON"),
        ("ups", b"", "is no answer of ups"),
        ("ups", b"[]", "is no answer of ups"),
        ("dhl_parcel_de", b'<data name="x" code="5"/>', "is an error of dhl_parcel_de"),
        ("upz", b"{}", 'did you mean "ups"?'),
        ("zzz", b"{}", "`tracker-sync carriers` lists them"),
    ],
)
def test_what_is_no_answer_is_said_in_one_line_and_exits_2(
    carrier: str, body: bytes, words: str
) -> None:
    result = run("read", carrier, "-", stdin=body)

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_exits_2() -> None:
    assert run("read", "ups", "nowhere.json").exit_code == 2


MEANT = {  # the words of the recordings' index, where ours differ: status and problem
    "label_created": ("announced", None),
    "delivery_attempted": ("delivery_failed", None),
    "returned_to_sender": ("returned", None),
    "customs": ("in_transit", "customs"),
    "exception/damage": ("out_for_delivery", "damaged"),
    "delivered/locker": ("delivered", None),
    "delivered (statusCode says pre-transit)": ("delivered", None),
    "unknown (not found)": (None, None),
    "error:bad_number": (None, None),
    "(proof of delivery)": (None, None),
    "(synthetic)": ("announced", None),
}
OURS = ("dhl_parcel_de", "dhl_unified", "ups")


def test_recordings_of_real_answers_read_as_their_index_says(shared: Path) -> None:
    folder = shared / "data" / "samples"
    with (folder / "INDEX.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].split("/")[0] in OURS]

    for row in rows:
        expected = row["expected_status"]
        result = run("read", row["file"].split("/")[0], folder / row["file"])
        if expected in ("error:config", "error:auth", "error:retry"):
            assert result.exit_code == 2, row["file"]
            continue
        (entry,) = parsed(result)
        assert (entry["status"], entry["problem"]) == MEANT.get(expected, (expected, None)), row
        assert entry["not_found"] is ("found" in expected or "bad_number" in expected), row


# -- events and carriers ---------------------------------------------------------------


def test_events_lists_every_kind_with_its_metric() -> None:
    text = run("events").stdout

    assert "Shipment Out for Delivery" in text
    assert "pickup_reminder" in text


def test_events_for_programs_holds_an_example_each() -> None:
    entries = parsed(run("events", "--json"))

    assert len(entries) == 29
    assert all(entry["properties"]["TrackingNumber"] for entry in entries)


def test_events_as_markdown_is_two_whole_tables() -> None:
    lines = run("events", "--markdown").stdout.splitlines()

    assert lines[0] == "| kind | metric | when | sent | night |"
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines if line)
    assert lines.count("") == 1


def test_one_kind_shows_one_example() -> None:
    assert "neighbour" in run("events", "delivered").stdout
    wrong = run("events", "deliverd")
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)
    assert 'did you mean "delivered"?' in wrong.stderr


def test_carriers_needs_no_configuration() -> None:
    result = run("carriers")

    assert result.exit_code == 0
    assert "needs client_id, client_secret" in result.stdout
    assert "configured" not in result.stdout


def test_carriers_for_programs() -> None:
    entries = parsed(run("carriers", "--json"))

    assert {entry["key"] for entry in entries} >= {"dhl_parcel_de", "dhl_unified", "ups"}
    assert all("ours" not in entry for entry in entries)
    (hermes,) = [entry for entry in entries if entry["key"] == "hermes"]
    assert (hermes["who"], hermes["cost"]) == (
        "business customers of Hermes Germany",
        NOT_PUBLISHED,
    )
    assert (hermes["numbers_a_call"], hermes["tells"][0]) == (100, "pickup point")


def test_carriers_says_what_a_merchant_chooses_by_once_each() -> None:
    text = " ".join(run("carriers").stdout.split())

    assert f"who, cost, wait: {NOT_PUBLISHED}" in text
    assert "cost: free: 250 calls a day" in text
    assert "none needed" in text


def test_carriers_fits_a_hundred_columns_and_breaks_no_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in run("carriers").stdout.splitlines()]

    assert max(map(len, lines)) <= 100
    for address in ("developer.royalmail.net", "dev-portal.gls-group.net"):
        assert any(f" {address} " in line for line in lines)


def test_carriers_as_markdown_is_one_whole_table() -> None:
    lines = run("carriers", "--markdown").stdout.splitlines()

    assert lines[0].startswith("| carrier | key | regions | how to get a key |")
    assert {line.count("|") for line in lines} == {9}
    assert "1000 a day, 3 a second, not once delivered" in "".join(lines)
    assert any("| `ups` | world |" in line for line in lines)


def test_carriers_with_a_shop_tells_how_they_do_and_how_to_map_codes(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, *FULL)
    shop.run("7h")

    text = in_shop(shop, "carriers").stdout
    (ups,) = [e for e in parsed(in_shop(shop, "carriers", "--json")) if e["key"] == "ups"]

    assert '      "statusCode:987":   # scans so far: 1\n' in text
    assert "just now" in text
    assert ups["ours"]["used"] == 2  # the token and the number
    assert ups["unknown_codes"][0]["code"] == "statusCode:987"


def test_carriers_still_lists_them_beside_a_broken_configuration(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("carriers: {uqs: {}}\n")

    result = run("carriers", "--config", broken)

    assert result.exit_code == 0
    assert "dhl_unified" in result.stdout
    assert "tracker-sync check" in result.stderr
    assert run("carriers", "--config", tmp_path / "none.yaml").exit_code == 2


# -- status ----------------------------------------------------------------------------


def test_status_is_one_screen_about_everything(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;;1002", "GLS123456789;gls;;1003")
    shop.parcel(A, *FULL)
    shop.parcel(B, "announced 1h", "dispatched 2h", "damaged 3h")
    shop.run("7h")

    text = in_shop(shop, "status").stdout

    assert text.startswith("Muster Shop, 2026-11-02 14:00\n")
    for words in ("all is well", "no recipient known yet", "statusCode:987", "csv inbox/*.csv"):
        assert words in text
    assert "Nobody is asked about 1 of gls" in text
    assert "a@shop" not in text


def test_status_for_programs_counts_the_same(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;;1002")
    shop.parcel(A, *FULL)
    shop.parcel(B, "announced 1h", "dispatched 2h", "damaged 3h")
    shop.run("7h")

    seen = parsed(in_shop(shop, "status", "--json"))

    assert seen["open"] == [{"brand": "ups", "status": "dispatched", "count": 2, "troubled": 1}]
    assert seen["last_pass"]["exit_code"] == 0
    assert [(w["why"], w["count"]) for w in seen["waiting"]] == [("no recipient known yet", 1)]
    assert (seen["wrong"], seen["every"]) == ([], 300)


def test_status_asks_the_same_questions_whatever_the_size(shop: World) -> None:
    def questions() -> int:
        wishes = settings.load(shop.folder / "shop.yaml", environ={})
        with closing(open_store(wishes)) as store:
            asked = list[str]()
            store._connection.raw.set_trace_callback(asked.append)
            look(store, wishes, shop.now)
        return len(asked)

    few = questions()
    shop.csv(f"{A};ups;a@shop.example;1001", f"{B};ups;;1002", f"{C};gls;;1003")
    shop.parcel(A, *FULL)
    shop.run("7h")
    shop.csv("12;ups")
    shop.run("8h")

    assert questions() == few


def test_status_before_the_first_pass_says_what_to_do(shop: World) -> None:
    (shop.folder / "shop.db").unlink()

    result = in_shop(shop, "status")

    assert result.exit_code == 2
    assert "tracker-sync sync" in result.stderr
    assert not (shop.folder / "shop.db").exists()
    assert in_shop(shop, "status", "--health").exit_code == 1


@pytest.mark.parametrize(
    ("klaviyo", "words"),
    [
        (", mode: shadow", "Klaviyo: shadow mode, so what is sent triggers no flow"),
        (', only_to: ["@shop.example"]', "Klaviyo: only pilots get anything (only_to: 1)"),
        ("", ""),
    ],
)
def test_status_says_what_keeps_messages_from_customers(
    shop: World, klaviyo: str, words: str
) -> None:
    configure(shop, "ups", klaviyo=klaviyo)

    text = in_shop(shop, "status").stdout

    assert words in text if words else "Klaviyo" not in text


def health(shop: World, at: str = "") -> tuple[int, str]:
    result = in_shop(shop, "status", "--health", at=at)
    assert len(result.stdout.splitlines()) == 1
    return result.exit_code, result.stdout.strip()


def test_health_is_ok_until_three_intervals_pass_without_a_pass(shop: World) -> None:
    assert health(shop) == (0, "ok")
    assert health(shop, "15m") == (0, "ok")
    assert health(shop, "16m") == (1, "the last good pass was 16 min ago")
    told = in_shop(shop, "status", "--health", "--json", at="16m")
    assert json.loads(told.stdout)["ok"] is False


def test_health_tells_of_messages_that_could_go_and_do_not(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    _without_klaviyo(shop)
    shop.run("3h")
    shop.run("3.5h")

    assert health(shop) == (0, "ok")

    shop.run("4.1h")

    code, line = health(shop)
    assert code == 1
    assert line.startswith("1 message waiting for 66 min: ")


def _without_klaviyo(shop: World) -> None:
    """Let Klaviyo's address be one where nobody listens."""
    path = shop.folder / "shop.yaml"
    path.write_text(path.read_text().replace(shop.urls["klaviyo"], "http://127.0.0.1:9"))


def test_health_lets_held_and_paused_messages_wait(shop: World) -> None:
    shop.csv(f"{A};ups;;1001")
    shop.parcel(A, "announced 1h", "dispatched 2h")
    in_shop(shop, "pause", "in_transit")
    shop.run("3h")
    shop.run("9h")

    assert health(shop) == (0, "ok")
    assert "Paused: in_transit" in in_shop(shop, "status").stdout


def test_refused_keys_need_a_person_until_they_work_again(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.carrier_faults = lambda _carrier, _call: Response(401, {}, b"{}")
    shop.run("1h")

    code, line = health(shop)
    text = in_shop(shop, "status").stdout

    assert code == 1
    assert "ups" in line
    assert "Needs a person:" in text
    assert "not asked before" in text

    shop.carrier_faults = lambda _carrier, _call: None
    shop.run("3h")

    assert health(shop) == (0, "ok")


def test_a_notice_is_told_to_a_monitor_for_a_day_and_to_a_person_for_a_week(shop: World) -> None:
    shop.csv("12;ups;a@shop.example;1001")
    shop.run("1h")

    assert health(shop)[0] == 1

    shop.run("26h")
    assert health(shop) == (0, "ok")
    assert "Lately:" in in_shop(shop, "status").stdout

    shop.run("8d")
    assert "Lately:" not in in_shop(shop, "status").stdout


# -- explain -----------------------------------------------------------------------------


def test_explain_tells_scans_decisions_and_rules(shop: World) -> None:
    shop.csv(f"{A};ups;anna@shop.example;1001")
    shop.parcel(A, *FULL)
    shop.run("7h")
    shop.run("31h")

    text = in_shop(shop, "explain", f" {A[:6]} {A[6:]} ".lower()).stdout

    assert text.startswith(f"ups {A}: delivered since")
    for words in (
        "nothing: the code is not listed (P5)",
        "→ delivered",
        "P6: only what is still true is told",
        "waits: not due yet, until",
        "once more before the waiting follow-up goes",
    ):
        assert words in text
    assert "anna" not in text


def test_explain_for_programs_masks_the_recipient(shop: World) -> None:
    shop.csv(f"{A};ups;anna@shop.example;1001")
    shop.parcel(A, *FULL)
    shop.run("31h")

    result = in_shop(shop, "explain", A, "--json")
    (told,) = parsed(result)

    assert "anna@" not in result.stdout
    assert told["shipment"]["recipient"] == "a•••@s•••.example"
    assert [step["word"] for step in told["steps"]][-1] == "delivered"
    withheld = [m for m in told["messages"] if m["kind"] == "in_transit"]
    assert withheld[0]["reason"] == "overtaken: delivered"


def test_explain_names_scans_of_another_parcel_and_late_ones(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001;;;2026-11-02")
    shop.parcel(A, "dispatched 2h", "in_transit 8h", "delivered 30h")
    shop.lives[A].insert(0, (moment("0h") - timedelta(days=40), "delivered"))
    shop.run("9h")

    (told,) = parsed(in_shop(shop, "explain", A, "--json"))

    assert [scan["did"].split(":")[0] for scan in told["scans"]] == [
        "not believed",
        "→ dispatched",
        "→ in_transit",
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("1Z999AA10123456781", f"do you mean {A} (ups)?"),
        ("456784", f"do you mean {A} (ups)?"),
        ("1001", f"1001 is an order; its parcels are {A}"),
        ("1Z0000000000000000", "compare the number with the label"),
        ("?", "compare the number with the label"),
    ],
)
def test_an_unknown_number_exits_1_and_says_what_to_do(shop: World, asked: str, words: str) -> None:
    shop.csv(f"{A};ups;a@shop.example;1001")
    shop.run("1h")

    result = in_shop(shop, "explain", asked)

    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_explain_says_why_and_when_the_carrier_is_asked_next(shop: World) -> None:
    shop.csv(f"{A};ups;a@shop.example;1", f"{B};ups;a@shop.example;2", "GLS123456789;gls;;3")
    shop.parcel(B, "dispatched 0.5h")
    shop.run("1h")

    def told(number: str) -> str:
        return in_shop(shop, "explain", number).stdout

    assert "asked ever more rarely" in told(A)
    assert "at the pace of parcels that are dispatched" in told(B)
    assert "nobody is asked: no carrier for gls" in told("GLS123456789")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("overtaken: delivered", "P6"),
        ("older than 48h", "P7"),
        ("4 messages in 24 h to one recipient", "max_per_recipient"),
        ("far more at once than usual", "messages.guard"),
        ("ready_for_pickup is over", "follow-up"),
        ("a parcel turned back", "review"),
    ],
)
def test_a_reason_comes_with_its_rule(reason: str, words: str) -> None:
    assert words in rule(reason)


def test_a_reason_without_a_rule_stands_alone() -> None:
    assert rule("something new") == rule("") == ""


def test_moments_are_told_in_their_largest_sensible_unit() -> None:
    now = moment("0h")

    assert ago(now - timedelta(seconds=30), now) == "just now"
    assert ago(now - timedelta(minutes=90), now) == "90 min ago"
    assert ago(now + timedelta(hours=5), now) == "in 5 h"
    assert span(timedelta(days=3)) == "3 days"
    assert span(timedelta(seconds=5)) == "5 s"


def test_every_command_here_has_a_help_text() -> None:
    for name in ("status", "explain", "read", "carriers", "events"):
        found = main.get_command(click.Context(main), name)
        assert found is not None
        assert found.help
