"""The command line answers at once: nothing is imported that a command does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracker_sync import __version__
from tracker_sync.carriers import discover
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
    "phonenumbers",
    "email_validator",
    "stamina",
    "asyncio",
}
# A postponed module has run only if it holds what its file defines.
PROBE = """
import json, sys
sys.argv = ["tracker-sync", *{words!r}]
from tracker_sync.__main__ import main
try:
    main()
except SystemExit as exc:
    code = exc.code
from tracker_sync.late import waiting
ran = {{name for name in sys.modules if name not in waiting()}}
ours = {{name for name in ran if name.startswith("tracker_sync")}}
print(json.dumps([code, sorted({{name.split(".")[0] for name in ran}} | ours)]))
"""
SHOP = """
shop: {id: imports, timezone: Europe/Berlin, country: DE}
sources: [{type: csv, path: "inbox/*.csv"}]
carriers:
  dhl_unified: {api_key: "some-key"}
  gls: {client_id: "some-id", client_secret: "some-secret"}
klaviyo: {private_key: "pk_somesomesomesomesomesome"}
"""
# What a command may import of the heavy ones, on a shop with nothing due.
MAY = {
    ("sync",): {"pydantic", "structlog", "yaml"},
    ("status",): {"pydantic", "structlog", "yaml", "rich"},
    ("status", "--health"): {"pydantic", "structlog", "yaml"},
    ("check",): {"pydantic", "structlog", "yaml", "rich"},
    ("backup",): {"pydantic", "structlog", "yaml"},
    ("messages", "list"): {"pydantic", "structlog", "yaml", "rich"},
    ("events",): {"pydantic", "structlog", "yaml", "rich"},
}


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


@pytest.fixture
def idle(tmp_path: Path) -> tuple[str, str]:
    """The options that name a shop whose database is made and where nothing is due."""
    config = tmp_path / "tracker-sync.yaml"
    config.write_text(SHOP, encoding="utf-8")
    (tmp_path / "inbox").mkdir()
    options = ("--config", str(config))
    assert run("sync", *options)[0] == 0
    return options


@pytest.mark.parametrize("words", MAY, ids=" ".join)
def test_a_command_imports_what_it_uses(words: tuple[str, ...], idle: tuple[str, str]) -> None:
    _, modules, _ = run(*words, *idle)

    assert modules & HEAVY <= MAY[words]


def test_a_pass_imports_the_carriers_that_are_configured(idle: tuple[str, str]) -> None:
    _, modules, _ = run("sync", *idle)

    carriers = {f"tracker_sync.carriers.{key}" for key in discover()}
    assert modules & carriers == {"tracker_sync.carriers.dhl_unified", "tracker_sync.carriers.gls"}


def test_no_carrier_needs_httpx_before_it_is_asked() -> None:
    code = (
        "from tracker_sync.late import postpone, waiting; postpone('httpx');"
        "from tracker_sync.carriers import discover;"
        "used = [key for key, cls in discover().items() if key != cls.key or not waiting()];"
        "assert not used, used"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_postponed_module_is_whole_when_it_is_used() -> None:
    code = (
        "from tracker_sync.late import postpone, waiting; postpone('difflib', 'httpx');"
        "import httpx, difflib; assert waiting() == {'difflib', 'httpx'};"
        "httpx.Request('GET', 'https://shop.invalid'); import httpx._client;"
        "assert waiting() == {'difflib'}; difflib.unified_diff; assert type(httpx) is type(difflib)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


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
    assert len(COMMANDS) == 17
