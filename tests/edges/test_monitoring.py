"""Heartbeat and metrics around a pass, over real HTTP on loopback and by the installed command."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from passes.world import World, moment, world
from tracker_sync import settings
from tracker_sync.errors import UserError
from tracker_sync.monitoring import textfile
from tracker_sync.monitoring.heartbeat import FAIL, START, SUCCESS, Heartbeat
from tracker_sync.monitoring.textfile import Metric, Sample
from tracker_sync.sandbox.http import Request, Response, serve
from tracker_sync.wire import Timer

A = "1Z999AA10123456784"
SECRET = "4e7b0ba6-heartbeat-secret"
TIMER = Timer(time.monotonic, lambda _seconds: None)
LINE = re.compile(
    r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9.e+]+'
)


class Monitor:
    """Takes pings."""

    def __init__(self) -> None:
        self.answer = Response(200, {}, b"OK")
        self.pings: list[str] = []
        self.bodies: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.pings.append(f"{request.method} {request.path}")
        self.bodies.append(request.body.decode())
        return self.answer


@contextmanager
def monitored(folder: Path, more: str = "") -> Iterator[tuple[World, Monitor]]:
    """A shop whose heartbeat goes to a monitor on this machine."""
    monitor = Monitor()
    with world(folder, "ups") as shop, serve(monitor) as url:
        path = shop.folder / "shop.yaml"
        text = f'monitoring: {{heartbeat: "{url}/{SECRET}"{more}}}\n'
        path.write_text(path.read_text() + text, encoding="utf-8")
        yield shop, monitor


def sync(shop: World, at: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A pass of the installed program."""
    shop.now = moment(at)
    words = (*words, "--now", shop.now.isoformat())
    command = [sys.executable, "-m", "tracker_sync", "sync", "--config"]
    command += [str(shop.folder / "shop.yaml"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def ended(what: str = "") -> list[str]:
    return [f"POST /{SECRET}/start", f"POST /{SECRET}{what}"]


# -- the heartbeat -----------------------------------------------------------------------


def test_a_good_pass_pings_start_and_success_with_its_counts(tmp_path: Path) -> None:
    with monitored(tmp_path) as (shop, monitor):
        shop.csv(f"{A};ups;a@shop.example;1001")
        done = sync(shop, "1h")

        assert done.returncode == 0, done.stderr
        assert monitor.pings == ended()
        assert monitor.bodies[0] == ""
        assert "exit=0\n" in monitor.bodies[1]
        assert "new=1" in monitor.bodies[1]
        assert "shop.example" not in monitor.bodies[1]
        assert SECRET not in done.stdout + done.stderr


def test_a_pass_that_finds_something_new_pings_failure_and_the_next_one_success(
    tmp_path: Path,
) -> None:
    with monitored(tmp_path) as (shop, monitor):
        shop.csv("12;ups;a@shop.example;1001")

        assert (sync(shop, "1h").returncode, sync(shop, "2h").returncode) == (1, 0)
        assert monitor.pings == [*ended("/fail"), *ended()]


def test_a_pass_that_dies_pings_failure(tmp_path: Path) -> None:
    with monitored(tmp_path) as (shop, monitor):
        (shop.folder / "shop.db").write_bytes(b"not a database, but long enough to be one\n" * 99)

        assert sync(shop, "1h").returncode == 2
        assert monitor.pings == ended("/fail")


def test_a_dry_run_pings_nobody_and_writes_nothing(tmp_path: Path) -> None:
    with monitored(tmp_path, ", textfile: shop.prom") as (shop, monitor):
        sync(shop, "1h", "--dry-run")

        assert monitor.pings == []
        assert not (shop.folder / "shop.prom").exists()


@pytest.mark.parametrize(
    "answer",
    [
        Response(404),
        Response(302, {"Location": "http://127.0.0.1:9/"}),
        Response(500),
        Response(cut=True),
        Response(200, {}, b"x" * 200_000),
    ],
    ids=["404", "redirect", "500", "cut", "endless"],
)
def test_a_failing_monitor_harms_no_pass_and_its_address_is_in_no_log(
    tmp_path: Path, answer: Response
) -> None:
    with monitored(tmp_path) as (shop, monitor):
        monitor.answer = answer
        shop.csv(f"{A};ups;a@shop.example;1001")
        done = sync(shop, "1h", "--verbose")

        assert done.returncode == 0, done.stderr
        assert done.stderr.count("heartbeat.failed") == 2
        assert SECRET not in done.stdout + done.stderr


def test_a_monitor_that_is_silent_costs_seconds_not_a_pass() -> None:
    monitor = Monitor()
    monitor.answer = Response(200, {}, b"OK", delay=30)
    with serve(monitor) as url:
        began = time.monotonic()
        with capture_logs() as lines:
            Heartbeat(f"{url}/x", TIMER).ping(START)
        assert time.monotonic() - began < 10

    assert [line["event"] for line in lines] == ["heartbeat.failed"]


def test_the_word_goes_before_the_query() -> None:
    monitor = Monitor()
    with serve(monitor) as url:
        for what in (START, SUCCESS, FAIL):
            Heartbeat(f"{url}/key/slug/?create=1", TIMER).ping(what)

    assert [ping.split()[1] for ping in monitor.pings] == [
        "/key/slug/start",
        "/key/slug",
        "/key/slug/fail",
    ]


def test_the_daemon_pings_around_each_of_its_passes(tmp_path: Path) -> None:
    with monitored(tmp_path) as (shop, monitor):
        command = [sys.executable, "-m", "tracker_sync", "run", "--config"]
        with subprocess.Popen(
            [*command, str(shop.folder / "shop.yaml")], stderr=subprocess.PIPE, text=True
        ) as process:
            for _ in range(300):
                if len(monitor.pings) == 2:
                    break
                threading.Event().wait(0.1)
            process.terminate()
            _, said = process.communicate(timeout=60)

        assert monitor.pings == ended()
        assert SECRET not in said


# -- metrics -------------------------------------------------------------------------------


def values(path: Path) -> dict[str, float]:
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            found[name.removeprefix("tracker_sync_")] = float(value)
    return found


def test_a_pass_leaves_metrics_behind(tmp_path: Path) -> None:
    with monitored(tmp_path, ", textfile: shop.prom") as (shop, _):
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "announced 0.5h", "dispatched 20h")
        assert sync(shop, "1h").returncode == 0
        assert sync(shop, "27h").returncode == 0
        path = shop.folder / "shop.prom"
        found = values(path)

        assert found["last_pass_exit_code"] == 0
        assert found["healthy"] == 1
        assert found["last_pass_timestamp_seconds"] >= moment("27h").timestamp()
        assert found['last_pass_count{what="accepted"}'] == 1
        assert found['done_total{what="new"}'] == 1
        assert found['done_total{what="asked"}'] == 2
        assert found['open_shipments{brand="ups",status="dispatched"}'] == 1
        assert found["outbox_messages"] == 0
        (used,) = shop.rows("SELECT used FROM budgets WHERE day = '2026-11-03'")
        assert found['carrier_calls_used{carrier="ups"}'] == used["used"] > 0
        (total,) = shop.rows("SELECT sum(used) AS used FROM budgets")
        assert found['carrier_calls_total{carrier="ups"}'] == total["used"]
        answered = found['carrier_last_answer_timestamp_seconds{carrier="ups"}']
        assert moment("27h").timestamp() <= answered < moment("28h").timestamp()
        assert 'carrier_calls_left{carrier="ups"}' not in found  # it has no limit
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert "shop.example" not in path.read_text()
        assert [p.name for p in shop.folder.glob("*prom*")] == ["shop.prom"]


def test_metrics_tell_of_calls_left_and_of_what_waits(tmp_path: Path) -> None:
    with monitored(tmp_path, ", textfile: shop.prom") as (shop, _):
        path = shop.folder / "shop.yaml"
        path.write_text(
            path.read_text().replace("client_id: a", "client_id: a, budget: {per_day: 9}")
        )
        sync(shop, "0h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        shop.parcel(A, "announced 0.5h", "dispatched 2h")
        shop.klaviyo.outage = True
        sync(shop, "3h")
        sync(shop, "5h")
        found = values(shop.folder / "shop.prom")

        assert (
            found['carrier_calls_left{carrier="ups"}']
            == 9 - found['carrier_calls_used{carrier="ups"}']
        )
        assert (found["outbox_messages"], found["outbox_oldest_seconds"]) == (1, 7200)
        assert (found["healthy"], found["findings"], found["last_pass_exit_code"]) == (0, 1, 1)


def test_metrics_are_written_in_the_format_of_the_collector() -> None:
    odd = 'back\\slash "quote"\nline'
    made = textfile.text(
        [
            textfile.gauge("last", "When\nit ended.", 1764012345),
            textfile.gauge("never", "Left out.", None),
            Metric("seen_total", "counter", "Seen.", (Sample(2.5, {"a": odd, "b": "x"}),)),
        ]
    )

    assert made == (
        "# HELP tracker_sync_last When\\nit ended.\n"
        "# TYPE tracker_sync_last gauge\n"
        "tracker_sync_last 1764012345\n"
        "# HELP tracker_sync_seen_total Seen.\n"
        "# TYPE tracker_sync_seen_total counter\n"
        'tracker_sync_seen_total{a="back\\\\slash \\"quote\\"\\nline",b="x"} 2.5\n'
    )


def test_a_folder_that_is_not_there_harms_no_pass(tmp_path: Path) -> None:
    with monitored(tmp_path, ", textfile: nowhere/shop.prom") as (shop, monitor):
        done = sync(shop, "1h")

        assert done.returncode == 0, done.stderr
        assert "textfile.failed" in done.stderr
        assert monitor.pings == ended()


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, stop = tmp_path / "x.prom", threading.Event()
    many = [textfile.gauge(f"m{n}", "x", n) for n in range(500)]
    textfile.write(path, many)
    whole = path.read_text()
    seen: set[bool] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_text() == whole)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        textfile.write(path, many)
    stop.set()
    reader.join()

    assert seen == {True}


# -- a line for every pass ------------------------------------------------------------------


def test_an_idle_pass_is_silent_unless_every_pass_is_to_be_logged(tmp_path: Path) -> None:
    with monitored(tmp_path) as (shop, _):
        assert "pass.done" not in sync(shop, "1h").stderr
        path = shop.folder / "shop.yaml"
        text = path.read_text()
        path.write_text(text.replace("monitoring: {", "monitoring: {log_every_pass: true, "))
        (line,) = [each for each in sync(shop, "2h").stderr.splitlines() if "pass.done" in each]

        for count in ("accepted", "asked", "left", "withheld", "set_aside"):
            assert f'"{count}": 0' in line


# -- keys ------------------------------------------------------------------------------------


def loaded(folder: Path, monitoring: str) -> settings.Settings:
    path = folder / "shop.yaml"
    path.write_text(f"shop: {{id: x, timezone: Europe/Berlin}}\nmonitoring: {monitoring}\n")
    return settings.load(path, environ={}, carriers={}, sources={})


@pytest.mark.parametrize(
    ("monitoring", "words"),
    [
        ('{heartbeat: "http://hc.invalid/secret-word"}', "must begin with https://"),
        ('{heartbeat: "hc.invalid/secret-word"}', "must be an address that begins with https://"),
        ('{heartbeat: "https://hc.invalid/secret word"}', "must be an address"),
        ('{heartbeat: "https://hc.invalid:0/secret-word"}', "must be an address"),
        ("{textfile: metrics.txt}", "must end in .prom"),
        ("{heartbeats: x}", 'did you mean "heartbeat"?'),
        ("{reconcile: perhaps}", "must be true or false"),
    ],
)
def test_a_wrong_key_is_named_without_its_value(
    tmp_path: Path, monitoring: str, words: str
) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, monitoring)

    assert words in str(caught.value)
    assert "secret" not in str(caught.value).replace("is a secret", "")
    assert "shop.yaml:2: monitoring" in str(caught.value)


def test_the_address_may_lie_in_a_file_and_the_metrics_beside_the_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "heart").write_text("https://hc.invalid/uuid\n")

    found = loaded(tmp_path, "{heartbeat: {file: heart}, textfile: x.prom}").monitoring

    assert found.heartbeat is not None
    assert found.heartbeat.get_secret_value() == "https://hc.invalid/uuid"
    assert found.textfile == tmp_path / "x.prom"
    assert "uuid" not in repr(found)


def test_a_folder_that_is_not_there_is_warned_of(tmp_path: Path) -> None:
    found = loaded(tmp_path, "{textfile: nowhere/x.prom}")

    assert any("nowhere does not exist" in text for text in settings.warnings(found, {}))
