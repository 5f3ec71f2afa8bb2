"""The command line answers at once: nothing is imported that a command does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tracker_sync import __version__
from tracker_sync.cli import COMMANDS, main

HEAVY = {
    "httpx",
    "pydantic",
    "sqlite_utils",
    "rich",
    "structlog",
    "yaml",
    "apscheduler",
    "holidays",
}
PROBE = """
import json, sys
from tracker_sync.cli import main
try:
    main({words!r}, prog_name="tracker-sync")
except SystemExit as exc:
    code = exc.code
print(json.dumps([code, sorted({{name.split(".")[0] for name in sys.modules}})]))
"""


def run(*words: str) -> tuple[int, set[str], str]:
    """The exit code of a command, the top-level modules it has imported, and what it printed."""
    probe = [sys.executable, "-c", PROBE.format(words=list(words))]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(probe, capture_output=True, text=True, check=True, timeout=60, env=plain)
    *printed, last = done.stdout.splitlines()
    code, modules = json.loads(last)
    return code, set(modules), "\n".join(printed)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["-h"], ["nonsense"]])
def test_nothing_heavy_is_imported_to_say_little(words: list[str]) -> None:
    code, modules, _ = run(*words)

    assert code == (2 if words == ["nonsense"] else 0)
    assert not modules & HEAVY
    assert "sqlite3" not in modules


def test_the_version_is_told() -> None:
    assert run("--version")[2] == f"tracker-sync {__version__}"


def test_the_overview_names_every_command() -> None:
    printed = run("--help")[2]

    for name, (_, _, says) in COMMANDS.items():
        assert name in printed
        assert says.split(",")[0] in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(name: str) -> None:
    code, modules, printed = run(name, "--help")

    assert code == 0
    assert f"tracker-sync {name}" in printed
    assert "apscheduler" not in modules or name == "run"


def test_python_dash_m_is_the_same_program() -> None:
    words = [sys.executable, "-m", "tracker_sync", "--version"]

    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == f"tracker-sync {__version__}\n"


def test_the_version_comes_at_once() -> None:
    """Measured against the one library it needs, because no two machines are equally busy."""

    def seconds(*words: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, check=True, timeout=60)
        return time.perf_counter() - began

    pairs = [
        (seconds("-m", "tracker_sync", "--version"), seconds("-c", "import click"))
        for _ in range(6)
    ]

    assert min(ours / click for ours, click in pairs) < 2


def test_every_command_of_the_overview_exists() -> None:
    assert list(main.commands) == []  # nothing is loaded by heart
    assert len(COMMANDS) == 16
