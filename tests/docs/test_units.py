"""What an operator copies: systemd units and the crontab."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tracker_sync.settings import Polling

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "config" / "tracker-sync.service"
TIMER = ROOT / "config" / "tracker-sync.timer"
CRONTAB = ROOT / "crontab.example"
COMMAND = "/opt/tracker-sync/bin/tracker-sync --config /etc/tracker-sync/tracker-sync.yaml sync"
SECONDS = {"s": 1, "min": 60}


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """Section, key, values; a key may stand several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, sign, value = line.partition("=")
            assert sign, f"{path.name}: {line}"
            section.setdefault(key, []).append(value)
    return sections


def seconds(text: str) -> int:
    match = re.fullmatch("([0-9]+)(s|min)", text)
    assert match, text
    return int(match[1]) * SECONDS[match[2]]


def test_the_service_runs_one_pass() -> None:
    service = unit(SERVICE)["Service"]

    assert service["Type"] == ["oneshot"]
    assert service["ExecStart"] == [COMMAND]
    assert service["SuccessExitStatus"] == ["75"]


def test_the_command_is_one_we_install() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert Path(COMMAND.split()[0]).name in scripts["scripts"]


def test_a_pass_ends_by_itself_before_systemd_ends_it() -> None:
    timeout = seconds(unit(SERVICE)["Service"]["TimeoutStartSec"][0])

    assert timeout >= 2 * Polling().pass_limit.total_seconds()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("User", "tracker-sync"),
        ("UMask", "0077"),
        ("StateDirectory", "tracker-sync"),
        ("StateDirectoryMode", "0700"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("RestrictNamespaces", "yes"),
    ],
)
def test_the_service_may_do_no_more_than_it_must(key: str, value: str) -> None:
    assert unit(SERVICE)["Service"][key] == [value]


def test_the_key_is_handed_over_as_the_example_names_it() -> None:
    service = unit(SERVICE)["Service"]
    named = {value.partition(":")[0] for value in service["LoadCredential"]}
    example = (ROOT / "config" / "tracker-sync.example.yaml").read_text(encoding="utf-8")

    assert named == {"klaviyo_private_key"}
    assert "{file: klaviyo_private_key}" in example
    assert "@system-service" in service["SystemCallFilter"]


def test_the_timer_keeps_the_grid_of_the_daemon() -> None:
    timer = unit(TIMER)["Timer"]
    minutes = int(Polling().every.total_seconds() // 60)

    assert timer["OnCalendar"] == [f"*:0/{minutes}"]
    assert seconds(timer["RandomizedDelaySec"][0]) < 60 * minutes
    assert timer["Persistent"] == ["false"]
    assert unit(TIMER)["Install"]["WantedBy"] == ["timers.target"]
    assert TIMER.stem == SERVICE.stem


def test_cron_runs_the_same_command_on_the_same_grid() -> None:
    lines = CRONTAB.read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if line and not line.startswith("#") and "=" not in line]

    assert jobs == [f"*/5 * * * * {COMMAND}"]
    assert any(line.startswith("MAILTO=") for line in lines)
    for code in ("0 fine", "1 something new", "2 the configuration", "75 another pass"):
        assert code in CRONTAB.read_text(encoding="utf-8")


def test_every_line_of_the_crontab_ends_with_a_newline() -> None:
    """cron silently ignores a last line without one."""
    assert CRONTAB.read_bytes().endswith(b"\n")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_wrong_but_the_missing_command() -> None:
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(SERVICE), str(TIMER)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    complaints = [line for line in checked.stderr.splitlines() if "tracker-sync" in line]

    assert [line for line in complaints if "is not executable" not in line] == []


def test_the_licence_is_the_one_the_package_names() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert text.startswith("MIT License")
    assert "tracker_sync contributors" in text
