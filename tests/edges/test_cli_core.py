"""The commands that run the shop: exit codes, what they print, what they leave untouched."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from freezegun import freeze_time

from tracker_sync.cli import common, main
from tracker_sync.model import Recipient
from tracker_sync.sandbox.carriers import PretendCarriers, block
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PretendKlaviyo
from tracker_sync.sandbox.lives import Entry, Life
from tracker_sync.sync.lock import only_pass

START = datetime(2026, 3, 3, 8, tzinfo=UTC)  # a Tuesday, 9:00 in Berlin
NUMBER = "00340434161094022115"
EMAIL = "kunde-1@shop-demo.example"
ORIGIN, DESTINATION, VAN = "LDTMV/MVMTV/AA", "ULFMV/UNLDD/EE", "SRTED/NRQRD/PO"
HOUR = timedelta(hours=1)


pytestmark = pytest.mark.usefixtures("log_as_it_was")


@dataclass
class Shop:
    """A shop in a folder, with pretended carriers and a pretended Klaviyo."""

    folder: Path
    carriers: PretendCarriers
    klaviyo: PretendKlaviyo
    urls: tuple[str, str]
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "shop.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "tracker-sync.db"

    def configure(self, **blocks: Any) -> None:
        self.config |= blocks
        self.path.touch(mode=0o600)
        self.path.write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def parcel(self, number: str, *entries: tuple[datetime, str]) -> None:
        lived = tuple(Entry(at, code) for at, code in entries)
        self.carriers.add(Life(number, "dhl_parcel_de", lived))

    def csv(self, *rows: str) -> None:
        text = "\n".join(("tracking_number,courier,email,order_id", *rows))
        (self.folder / "inbox" / f"{len(rows)}.csv").write_text(text, encoding="utf-8")

    def __call__(self, *words: str, now: datetime | None = None, typed: str = "") -> Result:
        """Run a command here; *now* adds --now and sets the carriers' clock."""
        if now:
            self.carriers.now = now
            words = (*words, "--now", now.isoformat())
        return CliRunner().invoke(main, [*words, "--config", str(self.path)], input=typed)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command as a process of its own."""
        command = [sys.executable, "-m", "tracker_sync", "--config", str(self.path), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    def rows(self, sql: str) -> list[sqlite3.Row]:
        connection = sqlite3.connect(self.database)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def dump(self, *but: str) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database, some tables aside."""
        names = [row["name"] for row in self.rows("SELECT name FROM sqlite_master")]
        tables = [
            row["name"] for row in self.rows("SELECT * FROM sqlite_master WHERE type='table'")
        ]
        assert set(but) <= set(names)
        return {
            t: list(map(tuple, self.rows(f"SELECT * FROM {t}"))) for t in tables if t not in but
        }


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    carriers, klaviyo = PretendCarriers(now=START), PretendKlaviyo()
    with ExitStack() as stack:
        urls = stack.enter_context(carriers.serve()), stack.enter_context(klaviyo.serve())
        made = Shop(tmp_path, carriers, klaviyo, urls)
        (tmp_path / "inbox").mkdir()
        made.configure(
            shop={"id": "test", "timezone": "Europe/Berlin", "country": "DE"},
            sources=[{"type": "csv", "path": "inbox/*.csv"}],
            carriers=block(urls[0], "dhl_parcel_de"),
            klaviyo={"private_key": PRIVATE_KEY, "base_url": urls[1]},
        )
        yield made


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop with a parcel that was dispatched an hour ago and found in a first pass."""
    shop.csv(f"{NUMBER},dhl,{EMAIL},1001")
    shop.parcel(NUMBER, (START + HOUR, ORIGIN), (START + 5 * HOUR, DESTINATION))
    assert shop("sync", now=START).exit_code == 0
    return shop


# -- init ------------------------------------------------------------------------------


def test_init_writes_a_private_file_and_says_what_comes_next(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.yaml"

    done = CliRunner().invoke(main, ["init", "--config", str(path)])

    assert done.exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / "new" / "inbox").is_dir()
    assert f"tracker-sync --config {path} check" in done.stdout


def test_init_without_a_name_writes_to_the_usual_place(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        done = CliRunner().invoke(main, ["init"])

    assert done.exit_code == 0
    assert (tmp_path / "config" / "tracker-sync.yaml").is_file()
    assert "tracker-sync sync --dry-run" in done.stdout


def test_init_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("precious", encoding="utf-8")

    done = CliRunner().invoke(main, ["--config", str(path), "init"])

    assert done.exit_code == 2
    assert "was not touched" in done.stderr
    assert path.read_text(encoding="utf-8") == "precious"


def test_what_init_wrote_is_refused_until_it_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    CliRunner().invoke(main, ["init", "--config", str(path)])

    done = CliRunner().invoke(main, ["check", "--config", str(path)])

    assert done.exit_code == 2
    assert "shop.id still holds" in done.stderr


# -- errors become text and an exit code ---------------------------------------------


def test_without_a_configuration_the_next_step_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["sync", "--config", str(tmp_path / "none.yaml")])

    assert done.exit_code == 2
    assert "run `tracker-sync init`" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("before", [True, False])
def test_the_configuration_may_be_named_before_and_after_the_command(
    shop: Shop, *, before: bool
) -> None:
    words = ["--config", str(shop.path)]

    done = CliRunner().invoke(main, [*words, "check"] if before else ["check", *words])

    assert done.exit_code == 0
    assert "dhl_parcel_de" in done.stdout


def test_a_name_after_the_command_counts_more(shop: Shop) -> None:
    words = ["--config", "/nowhere.yaml", "check", "--config", str(shop.path)]

    assert CliRunner().invoke(main, words).exit_code == 0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda file: file.write_bytes(b"no database at all, but long" * 9), "not a SQLite"),
        (lambda file: sqlite3.connect(file).execute("CREATE TABLE t (a)"), "another program's"),
        (lambda file: file.mkdir(), "not a file"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_foreign_database_is_refused_in_one_line(
    shop: Shop, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(shop.database)

    done = shop("sync")

    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def unmeasured() -> dict[str, str]:
    """The environment without coverage, which wants to write files of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def test_a_disk_that_is_full_is_one_line(busy: Shop) -> None:
    """SQLite itself says it is full where the file may not grow."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({8192}, {8192}));"
        "from tracker_sync.__main__ import main; main()"
    )
    words = [sys.executable, "-c", program, "--config", str(busy.path), "sync"]

    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=60, env=unmeasured()
    )

    assert done.returncode == 2, done.stderr
    assert str(busy.database) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# -- check -----------------------------------------------------------------------------


def test_check_shows_what_is_configured_and_makes_no_database(shop: Shop) -> None:
    done = shop("check")

    assert done.exit_code == 0
    assert "Europe/Berlin" in done.stdout
    assert "inbox/*.csv" in done.stdout
    assert PRIVATE_KEY not in done.output
    assert not shop.database.exists()


def test_check_names_every_mistake(shop: Shop) -> None:
    shop.configure(polling={"evry": "5m"}, klaviyo={})

    done = shop("check")

    assert done.exit_code == 2
    assert "evry" in done.stderr
    assert "klaviyo" in done.stderr


def test_check_says_how_far_the_budget_goes(busy: Shop) -> None:
    busy.configure(carriers={"dhl_unified": {"api_key": "k" * 32, "budget": {"per_day": 1}}})

    told = json.loads(busy("check", "--json").stdout)

    [says] = [each["says"] for each in told["configured"] if each["what"] == "carrier"]
    assert "3.0 calls a parcel, about 12 h late; use dhl_parcel_de or ask for more" in says


def test_check_names_brands_that_nobody_is_asked_about(busy: Shop) -> None:
    busy.configure(carriers={})

    assert "1 open parcels of dhl wait" in busy("check").stdout


def test_check_online_says_whose_account_it_is(shop: Shop) -> None:
    done = shop("check", "--online")

    assert done.exit_code == 0, done.output
    assert "account " in done.stdout
    assert "may send events" in done.stdout
    assert shop.carriers.calls["dhl_parcel_de"] == 1
    assert [row["used"] for row in shop.rows("SELECT * FROM budgets")] == [1]
    assert not shop.klaviyo.accepted


def test_a_key_that_is_refused_needs_a_person(shop: Shop) -> None:
    shop.configure(klaviyo={"private_key": "pk_another0", "base_url": shop.urls[1]})

    done = shop("check", "--online", "--json")

    assert done.exit_code == 1
    answers = {each["name"]: each for each in json.loads(done.stdout)["online"]}
    assert answers["dhl_parcel_de"]["good"] is True
    assert answers["klaviyo"]["good"] is False
    assert "pk_another0" not in done.output


def test_a_carrier_that_works_again_is_let_in_at_once(shop: Shop) -> None:
    keys = shop.config["carriers"]
    shop.configure(carriers={"dhl_parcel_de": {**keys["dhl_parcel_de"], "password": "wrong"}})
    shop.csv(f"{NUMBER},dhl,{EMAIL},1001")
    shop("sync")
    assert shop("check", "--online").exit_code == 1
    shop.configure(carriers=keys)

    done = shop("check", "--online")

    assert done.exit_code == 0, done.output
    assert {row["blocked_until"] for row in shop.rows("SELECT * FROM carriers")} == {None}


# -- sync ------------------------------------------------------------------------------


def test_a_pass_tells_customers_and_prints_nothing_but_log_lines(busy: Shop) -> None:
    done = busy("sync", now=START + 3 * HOUR)

    assert done.exit_code == 0
    assert done.stdout == ""
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()][-1] == "pass.done"
    assert [event.metric for event in busy.klaviyo.accepted] == ["Shipment Dispatched"]


def test_a_pass_can_be_counted_by_a_program(busy: Shop) -> None:
    told = json.loads(busy("sync", "--json", now=START + 3 * HOUR).stdout)

    assert told["counts"]["accepted"] == 1
    assert told["calls"] == {"dhl_parcel_de": 1}
    assert told["exit_code"] == 0


def test_what_needs_a_person_is_told_once(shop: Shop) -> None:
    shop.csv("12,dhl,,1001")

    assert [shop("sync").exit_code, shop("sync").exit_code] == [1, 0]


def test_a_pass_on_a_frozen_clock_is_dated_by_it(shop: Shop) -> None:
    with freeze_time(START, ignore=["concurrent.futures"]):
        shop("sync")

    assert [row["started_at"] for row in shop.rows("SELECT * FROM passes")] == [
        "2026-03-03T08:00:00Z"
    ]


@pytest.mark.parametrize("moment", ["2026-03-03T10:00:00", "yesterday", "2026-03-03"])
def test_another_time_needs_its_offset(shop: Shop, moment: str) -> None:
    done = shop("sync", "--now", moment)

    assert done.exit_code == 2
    assert "offset" in done.stderr


def test_another_time_is_refused_where_real_customers_would_hear_of_it(shop: Shop) -> None:
    shop.configure(klaviyo={"private_key": PRIVATE_KEY})

    done = shop("sync", "--now", "2026-03-03T10:00:00Z")

    assert done.exit_code == 2
    assert "--dry-run" in done.stderr
    assert not shop.database.exists()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:9", True),
        ("http://127.8.8.8", True),
        ("http://localhost:9", True),
        ("http://[::1]:9", True),
        ("https://127.0.0.1.shop-demo.example", False),
        ("https://192.0.2.1", False),
        ("https://localhost.shop-demo.example", False),
    ],
)
def test_only_this_machine_is_loopback(shop: Shop, url: str, *, here: bool) -> None:
    from tracker_sync.cli.sync import on_loopback
    from tracker_sync.settings import load

    shop.configure(klaviyo={"private_key": PRIVATE_KEY, "base_url": url})

    assert on_loopback(load(shop.path, environ={})) is here


# -- dry run ---------------------------------------------------------------------------


def test_a_dry_run_changes_nothing_but_the_ledger(busy: Shop) -> None:
    aside = ("budgets", "carriers")
    before, ledger = busy.dump(*aside), busy.rows("SELECT used FROM budgets")[0]["used"]
    busy.csv("12,dhl,,1", "13,dhl,,2")

    done = busy("sync", "--dry-run", now=START + 3 * HOUR)

    assert busy.dump(*aside) == before
    assert busy.rows("SELECT used FROM budgets")[0]["used"] == ledger + 1
    assert not busy.klaviyo.accepted
    assert [file.name for file in (busy.folder / "inbox").glob("*.csv")] == ["2.csv"]
    assert done.exit_code == 1  # the rows it would reject


def test_a_dry_run_shows_each_message_and_hides_who_gets_it(busy: Shop) -> None:
    done = busy("sync", "--dry-run", now=START + 3 * HOUR)

    assert done.exit_code == 0
    assert "k•••@s•••.example" in done.stdout
    assert EMAIL not in done.output
    assert NUMBER not in done.output
    assert (
        "1 would be sent; nothing was.\nCalls made to carriers: 1 to dhl_parcel_de." in done.stdout
    )


def test_a_dry_run_gives_the_reason_why_a_message_is_withheld(busy: Shop) -> None:
    """Three days later the dispatch is no news any more."""
    told = json.loads(busy("sync", "--dry-run", "--json", now=START + 72 * HOUR).stdout)

    parts = {part["kind"]: part for part in told["messages"]}
    assert parts["dispatched"]["action"] == "withhold"
    assert parts["dispatched"]["reason"]
    assert told["calls"] == {"dhl_parcel_de": 1}
    assert parts["dispatched"]["number"] == f"…{NUMBER[-6:]}"


def test_a_dry_run_needs_no_pretended_klaviyo(busy: Shop) -> None:
    busy.configure(klaviyo={"private_key": PRIVATE_KEY})

    assert busy("sync", "--dry-run", now=START + 3 * HOUR).exit_code == 0


# -- one pass at a time ------------------------------------------------------------------


@dataclass
class Gate:
    """A carrier that lets nobody through until it is opened."""

    arrived: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _request: Request) -> Response:
        self.arrived.set()
        self.opened.wait(20)
        return Response(503)


@pytest.fixture
def gate(shop: Shop) -> Iterator[Gate]:
    """From now on the carrier of the shop keeps callers waiting."""
    made = Gate()
    with serve(made) as url:
        shop.configure(carriers=block(url, "dhl_parcel_de"))
        yield made
        made.opened.set()


def later() -> str:
    return (START + 3 * HOUR).isoformat()


def test_of_two_passes_at_once_one_works_and_one_leaves(busy: Shop, gate: Gate) -> None:
    first = busy.start("sync", "--now", later())
    assert gate.arrived.wait(20)
    passes = busy.rows("SELECT * FROM passes")

    second = busy.start("sync", "--now", later())
    out, err = second.communicate(timeout=30)

    assert second.returncode == 75
    assert (out, len(err.splitlines())) == ("", 1)
    assert busy.rows("SELECT * FROM passes") == passes
    gate.opened.set()
    first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_pass_that_is_asked_to_stop_ends_cleanly(busy: Shop, gate: Gate) -> None:
    running = busy.start("sync", "--now", later())
    assert gate.arrived.wait(20)

    running.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    gate.opened.set()
    _, err = running.communicate(timeout=30)

    assert running.returncode == 0, err
    assert "Traceback" not in err
    assert busy.rows("SELECT * FROM passes ORDER BY id DESC")[0]["ended_at"] is not None


def test_a_holder_that_hangs_needs_a_person(shop: Shop) -> None:
    now = datetime.now(UTC)

    with only_pass(shop.database, now - HOUR):
        hanging = shop("sync").exit_code
    with only_pass(shop.database, now):
        fresh = shop("sync").exit_code

    assert (hanging, fresh) == (1, 75)


def test_the_lock_is_gone_with_its_process(busy: Shop, gate: Gate) -> None:
    running = busy.start("sync", "--now", later())
    assert gate.arrived.wait(20)
    running.kill()
    running.communicate(timeout=30)
    gate.opened.set()

    assert busy("sync", now=START + 3 * HOUR).exit_code != 75


# -- run -------------------------------------------------------------------------------


def test_the_daemon_works_until_it_is_told_to_stop(shop: Shop) -> None:
    running = shop.start("run")
    deadline = time.monotonic() + 30
    while not (shop.database.exists() and _passes(shop)) and time.monotonic() < deadline:
        time.sleep(0.05)

    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)

    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert running.returncode == 0, err
    assert events[0] == "daemon.started"
    assert _passes(shop)
    assert events[-1] == "daemon.stopped"


def _passes(shop: Shop) -> int:
    try:
        found = shop.rows("SELECT count(*) AS n FROM passes WHERE ended_at IS NOT NULL")
    except sqlite3.OperationalError:  # not made yet
        return 0
    return int(found[0]["n"])


def test_the_daemon_stops_in_the_middle_of_a_pass(shop: Shop, gate: Gate) -> None:
    shop.csv(f"{NUMBER},dhl,{EMAIL},1001")
    running = shop.start("run")
    assert gate.arrived.wait(20)

    running.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    gate.opened.set()
    _, err = running.communicate(timeout=30)

    assert running.returncode == 0, err
    assert _passes(shop) == 1


def test_the_daemon_leaves_a_pass_of_another_process_alone(shop: Shop) -> None:
    from threading import Event

    from tracker_sync.cli.run import Rounds
    from tracker_sync.settings import load

    rounds = Rounds(load(shop.path, environ={}), Event())

    with only_pass(shop.database, datetime.now(UTC)):
        code = rounds.once(datetime.now(UTC))

    assert code == 75
    assert rounds.once(datetime.now(UTC)) == 0


def test_the_daemon_waits_for_the_grid_where_nothing_can_go_earlier(busy: Shop) -> None:
    from threading import Event

    from tracker_sync.cli.run import Rounds
    from tracker_sync.settings import load

    rounds = Rounds(load(busy.path, environ={}), Event(), due=START)

    assert rounds.next_due(START + HOUR) is None
    assert rounds.next_due(START - HOUR) == START


# -- add -------------------------------------------------------------------------------


def test_a_parcel_is_taken_in_by_hand(shop: Shop) -> None:
    words = ("--courier", "DHL Paket", "--email", EMAIL, "--order", "1001", "--language", "de")

    done = shop("add", "0034 0434 1610 9402 2115", *words, "--shipped-at", "02.03.2026")

    assert done.exit_code == 0, done.output
    [row] = shop.rows("SELECT * FROM shipments")
    assert (row["brand"], row["number"], row["email"]) == ("dhl", NUMBER, EMAIL)
    assert (row["shipped_at"], row["source"]) == ("2026-03-01T23:00:00Z", "cli")
    assert EMAIL not in done.output
    assert NUMBER not in done.output


def test_a_parcel_taken_in_by_hand_yields_to_its_source(busy: Shop) -> None:
    done = busy("add", NUMBER, "--email", "kunde-2@shop-demo.example", "--order", "1001")

    assert done.exit_code == 0, done.output
    assert "known already" in done.stdout
    assert [row["email"] for row in busy.rows("SELECT * FROM shipments")] == [EMAIL]


def test_the_address_can_be_read_from_standard_input(shop: Shop) -> None:
    done = shop("add", NUMBER, "--courier", "dhl", "--email", "-", typed=f"{EMAIL}\n")

    assert done.exit_code == 0
    assert [row["email"] for row in shop.rows("SELECT * FROM shipments")] == [EMAIL]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("123",), "NUMBER: a tracking number has 6 to 40"),
        (("3.4E+11", "--courier", "dhl"), "cut this number"),
        (("987654321",), "add --courier"),
        (("987654321", "--courier", "dlh"), 'did you mean "dhl"?'),
        ((NUMBER, "--courier", "dhl", "--email", "nobody"), "--email: the e-mail address"),
        ((NUMBER, "--courier", "dhl", "--shipped-at", "03/04/26"), "two ways"),
    ],
)
def test_what_cannot_be_taken_in_is_said(shop: Shop, words: tuple[str, ...], says: str) -> None:
    done = shop("add", *words)

    assert done.exit_code == 2
    assert says in done.stderr
    assert not shop.database.exists() or not shop.rows("SELECT * FROM shipments")


def test_a_parcel_without_carrier_is_taken_in_and_waits(shop: Shop) -> None:
    done = shop("add", "987654321", "--courier", "gls")

    assert done.exit_code == 0
    assert "No carrier is configured for gls" in done.stderr


# -- messages, pause, resume -------------------------------------------------------------


@pytest.fixture
def refused(busy: Shop) -> str:
    """The id of a message Klaviyo refused."""
    assert busy("pause").exit_code == 0
    busy("sync", now=START + 3 * HOUR)
    change = "UPDATE messages SET state = 'set_aside', reason = 'no' WHERE kind = 'dispatched'"
    with sqlite3.connect(busy.database) as connection:
        assert connection.execute(change).rowcount == 1
    connection.close()
    assert busy("resume").exit_code == 0
    return str(busy.rows("SELECT id FROM messages WHERE state = 'set_aside'")[0]["id"])


def test_messages_are_listed_without_anything_personal(busy: Shop, refused: str) -> None:
    done = busy("messages", "list", "--state", "set_aside")

    assert done.exit_code == 0
    for text in (refused[:8], "dispatched", "1001", f"…{NUMBER[-6:]}", "set_aside"):
        assert text in done.stdout
    assert EMAIL not in done.output
    assert NUMBER not in done.output


def test_messages_are_listed_for_programs(busy: Shop, refused: str) -> None:
    [part] = json.loads(busy("messages", "list", "--json").stdout)

    assert (part["id"], part["state"], part["order"]) == (refused, "set_aside", "1001")


def test_a_refused_message_is_sent_again(busy: Shop, refused: str) -> None:
    done = busy("messages", "retry", refused[:8])

    assert done.exit_code == 0
    assert (
        busy.rows("SELECT state FROM messages WHERE id = '" + refused + "'")[0]["state"] == "owed"
    )


def test_a_message_is_dropped(busy: Shop, refused: str) -> None:
    assert busy("messages", "drop", refused).exit_code == 0

    again = busy("messages", "drop", refused)

    assert again.exit_code == 2
    assert "is dropped" in again.stderr


@pytest.mark.parametrize("start", ["zzz", "…", ""])
def test_a_message_that_is_not_there_is_said(busy: Shop, refused: str, start: str) -> None:
    done = busy("messages", "retry", start)

    assert done.exit_code == 2
    assert "tracker-sync messages list" in done.stderr


def test_an_empty_outbox_is_said(busy: Shop) -> None:
    assert "No messages" in busy("messages", "list").stdout


def test_messages_of_a_shop_that_never_ran_are_no_new_database(shop: Shop) -> None:
    done = shop("messages", "list")

    assert done.exit_code == 2
    assert "run `tracker-sync sync` first" in done.stderr
    assert not shop.database.exists()


def test_a_paused_kind_waits_until_it_is_resumed(busy: Shop) -> None:
    assert "are held back" in busy("pause", "dispatched").stdout
    busy("sync", now=START + 3 * HOUR)
    assert not busy.klaviyo.accepted

    assert "go again" in busy("resume", "dispatched").stdout

    busy("sync", now=START + 4 * HOUR)
    assert [event.metric for event in busy.klaviyo.accepted] == ["Shipment Dispatched"]


def test_resuming_one_kind_does_not_hide_that_all_are_held(shop: Shop) -> None:
    shop("pause")
    shop("pause", "delivered")

    assert "All messages are still held back" in shop("resume", "delivered").stdout
    assert "All messages go again" in shop("resume").stdout
    assert "were not held back" in shop("resume").stdout


def test_a_kind_that_does_not_exist_is_no_pause(shop: Shop) -> None:
    done = shop("pause", "delivred")

    assert done.exit_code == 2
    assert 'did you mean "delivered"?' in done.stderr


def test_a_follow_up_of_the_merchants_own_can_be_paused(shop: Shop) -> None:
    tips = {"after": "delivered", "delay": "1d", "metric": "Care Tips"}
    shop.configure(follow_ups={"care_tips": tips})

    assert shop("pause", "care_tips").exit_code == 0


# -- forget ------------------------------------------------------------------------------


def test_a_person_is_forgotten(busy: Shop) -> None:
    busy("sync", now=START + 3 * HOUR)

    done = busy("forget", typed=f"  {EMAIL.upper()} \n")

    assert done.exit_code == 0
    assert "erased from 1 parcels and 1 messages" in done.stdout
    assert [row["email"] for row in busy.rows("SELECT * FROM shipments")] == [""]
    assert EMAIL not in done.output.lower()


def test_nobody_to_forget_is_fine(busy: Shop) -> None:
    done = busy("forget", "--json", typed="+49 151 23456789\n")

    assert (done.exit_code, json.loads(done.stdout)) == (0, {"messages": 0, "shipments": 0})


def test_an_address_is_not_taken_from_the_command_line(busy: Shop) -> None:
    done = busy("forget", EMAIL)

    assert done.exit_code == 2
    assert [row["email"] for row in busy.rows("SELECT * FROM shipments")] == [EMAIL]


@pytest.mark.parametrize("typed", ["", "\n", "kunde-1@\n", "12\n"])
def test_what_is_no_address_is_said(shop: Shop, typed: str) -> None:
    assert shop("forget", typed=typed).exit_code == 2


# -- demo, and what all share ------------------------------------------------------------


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker_sync", "demo"]

    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Shipment Delivered" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("recipient", "shown"),
    [
        (Recipient("anna@deutsch.example.de"), "a•••@d•••.de"),
        (Recipient(phone="+4915123456789"), "+49•••89"),
        (Recipient(external_id="4711"), "id •••"),
        (Recipient(), ""),
    ],
)
def test_nobody_is_recognised_by_what_is_shown(recipient: Recipient, shown: str) -> None:
    assert common.masked(recipient) == shown


def test_words_of_others_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    common.show(common.table(("a", "b"), [("\x1b[31mred", "[bold]plain[/bold]"), (None, 1)]))

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[bold]plain[/bold]" in out


def test_a_variable_of_the_environment_names_the_configuration(shop: Shop) -> None:
    environment: Mapping[str, str] = {**os.environ, "TRACKER_SYNC_CONFIG": str(shop.path)}
    command = [sys.executable, "-m", "tracker_sync", "check"]

    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)

    assert done.returncode == 0


def test_verbose_may_stand_before_and_after(shop: Shop) -> None:
    before = CliRunner().invoke(main, ["-v", "--config", str(shop.path), "sync"])
    after = shop("sync", "-v")

    assert (before.exit_code, after.exit_code) == (0, 0)
