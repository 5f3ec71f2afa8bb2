"""The floors of the house: who may import whom, who reads the clock and the environment.

Everything here reads source text; nothing is imported. Imports inside functions and under
TYPE_CHECKING count like any other.
"""

from __future__ import annotations

import ast
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "tracker_sync"

# Bottom first. A unit (a module or package directly in tracker_sync) imports from lower floors.
FLOORS: dict[str, tuple[str, ...]] = {
    "0": ("__init__", "model", "errors"),
    "1": ("lifecycle", "messages", "numbers", "polling"),
    "2-": ("wire", "discovery", "late", "plain"),
    "2": ("schema", "store", "klaviyo", "carriers", "sources", "monitoring"),
    "3": ("settings", "sync", "report", "pages", "sandbox"),
    "4": ("log", "daemon", "cli", "__main__"),
}
HEIGHT = {unit: height for height, units in enumerate(FLOORS.values()) for unit in units}
PURE = {*FLOORS["0"], *FLOORS["1"]}

# Imports that do not go down. An entry that nobody needs any more is a failure.
EXCEPTIONS = {
    ("store", "schema"),
    ("__main__", "cli"),
    ("cli", "daemon"),
    ("cli", "log"),
}

# What floors 0 and 1 may use of the standard library: nothing here does I/O or asks for the time.
PURE_LIBRARY = {
    *("__future__", "abc", "array", "base64", "bisect", "calendar", "collections", "copy"),
    *("dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq"),
    *("itertools", "json", "math", "numbers", "operator", "re", "statistics", "string", "struct"),
    *("textwrap", "types", "typing", "unicodedata", "uuid", "zoneinfo"),
}
CALM = ("urllib.parse",)  # the harmless part of a package that is not
CLOCK = {
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    *("datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime"),
    *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
    *("time.sleep", "uuid.uuid1"),
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}
SQL_CLOCK = re.compile(
    r"CURRENT_(?:TIMESTAMP|DATE|TIME)|'now'|(?:unixepoch|julianday|datetime|date)\(\)",
    re.IGNORECASE,
)
AT_THE_TOP = {
    *("pyproject.toml", "README.md", "LICENSE", "crontab.example"),
    *("tracker_sync", "config", "tests"),
}


@dataclass(frozen=True)
class Source:
    """One file of source text, and what can be read off it."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        return str(self.path.relative_to(REPO))

    @property
    def unit(self) -> str:
        """The module or package directly in tracker_sync that this file belongs to."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    def imports(self) -> Iterator[str]:
        """Every imported module or name, dotted."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def units(self) -> set[str]:
        """The other units of tracker_sync that this file imports."""
        dotted = (name.split(".") for name in self.imports())
        ours = {parts[1] for parts in dotted if parts[0] == "tracker_sync" and len(parts) > 1}
        known = {unit if unit in HEIGHT or exists(unit) else "__init__" for unit in ours}
        return known - {self.unit}

    def libraries(self) -> set[str]:
        """The top-level names of everything else."""
        return {name.split(".")[0] for name in self.imports()} - {"tracker_sync"}

    def references(self) -> set[str]:
        """Dotted names of everything imported that is used, aliases resolved."""
        origin = dict(self._origins())
        used = (_dotted(node) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute))
        full = {
            ".".join([origin[parts[0]], *parts[1:]])
            for parts in used
            if parts and parts[0] in origin
        }
        return full | set(origin.values())

    def _origins(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.split(".")[0]
                    yield (alias.asname, alias.name) if alias.asname else (top, top)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def exists(unit: str) -> bool:
    return (PACKAGE / unit).is_dir() or (PACKAGE / f"{unit}.py").is_file()


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return [*before, node.attr] if before else []
    return [node.id] if isinstance(node, ast.Name) else []


@cache
def sources(folder: Path) -> tuple[Source, ...]:
    paths = sorted(folder.rglob("*.py"))
    return tuple(Source(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


OURS = pytest.mark.parametrize("source", sources(PACKAGE), ids=lambda source: source.name)
TESTS = pytest.mark.parametrize("source", sources(REPO / "tests"), ids=lambda source: source.name)


def _written(text: str, unit: str = "sync") -> Source:
    return Source(PACKAGE / f"{unit}.py", ast.parse(text))


@OURS
def test_every_unit_has_its_floor(source: Source) -> None:
    assert source.unit in HEIGHT, f"add {source.unit} to FLOORS, if it belongs in this house"


@OURS
def test_imports_go_down_only(source: Source) -> None:
    wrong = {
        unit
        for unit in source.units()
        if HEIGHT[unit] >= HEIGHT[source.unit] and (source.unit, unit) not in EXCEPTIONS
    }

    assert not wrong, f"{source.name} imports {sorted(wrong)}, which is not below it"


@pytest.mark.parametrize(("importer", "imported"), sorted(EXCEPTIONS))
def test_every_exception_is_still_needed(importer: str, imported: str) -> None:
    needed = {unit for each in sources(PACKAGE) if each.unit == importer for unit in each.units()}

    assert imported in needed, f"{importer} does not import {imported}: remove the exception"


@pytest.mark.parametrize("source", [each for each in sources(PACKAGE) if each.unit in PURE])
def test_pure_floors_import_the_quiet_part_of_the_standard_library_only(source: Source) -> None:
    foreign = [name for name in source.imports() if not name.startswith(("tracker_sync", *CALM))]

    assert {name.split(".")[0] for name in foreign} <= PURE_LIBRARY


@OURS
def test_only_cli_and_daemon_know_the_clock(source: Source) -> None:
    if source.unit not in {"cli", "daemon"}:
        assert not source.references() & CLOCK


@OURS
def test_the_database_is_not_asked_for_the_time_either(source: Source) -> None:
    texts = (node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant))

    assert not [text for text in texts if isinstance(text, str) and SQL_CLOCK.search(text)]


@OURS
def test_only_settings_reads_the_environment(source: Source) -> None:
    if source.unit != "settings":
        keywords = {node.arg for node in ast.walk(source.tree) if isinstance(node, ast.keyword)}
        assert not source.references() & ENVIRONMENT
        assert not keywords & {"envvar", "auto_envvar_prefix"}
        assert "pydantic_settings" not in source.libraries()


@OURS
def test_the_sandbox_is_for_the_demo_only(source: Source) -> None:
    assert source.unit == "cli" or "sandbox" not in source.units()


@OURS
def test_imports_are_absolute(source: Source) -> None:
    froms = [node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom)]

    assert not [node for node in froms if node.level]


@OURS
def test_the_program_does_not_know_its_tests(source: Source) -> None:
    assert not source.libraries() & {"tests", "pytest", "hypothesis", "freezegun", "shared"}


@TESTS
def test_only_tests_of_cli_and_daemon_freeze_time(source: Source) -> None:
    if not source.path.name.startswith(("test_cli", "test_daemon")):
        assert "freezegun" not in source.libraries()


@TESTS
def test_nothing_is_imported_from_beside_the_repository(source: Source) -> None:
    assert "shared" not in source.libraries()


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime\nx = datetime.now()",
        "from datetime import datetime as dt\nx = dt.utcnow",
        "import datetime as d\nx = d.date.today()",
        "import time\ndef f(tick=time.monotonic): ...",
        "from time import sleep",
        "def f():\n    import time\n    return time.time()",
    ],
)
def test_a_look_at_the_clock_is_seen(text: str) -> None:
    assert _written(text).references() & CLOCK


@pytest.mark.parametrize("text", ["x = self.now", "x = context.now()", "import time", "now = 1"])
def test_a_moment_that_was_handed_in_is_no_look_at_the_clock(text: str) -> None:
    assert not _written(text).references() & CLOCK


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("import tracker_sync.store.queries", {"store"}),
        ("from tracker_sync import store, model", {"store", "model"}),
        ("from tracker_sync import __version__", {"__init__"}),
        ("from tracker_sync.sync.pass_ import one", set()),
        ("def f():\n    from tracker_sync.cli import main", {"cli"}),
    ],
)
def test_every_way_of_importing_is_seen(text: str, units: set[str]) -> None:
    assert _written(text).units() == units


def repository() -> tuple[str, ...]:
    """What is in the repository, or would be; skipped where there is none."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=REPO, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return tuple(name for name in found.stdout.split("\0") if name and (REPO / name).is_file())


def test_the_top_level_is_the_customers() -> None:
    top = {name.split("/")[0] for name in repository()}

    assert {name for name in top if not name.startswith(".")} <= AT_THE_TOP


@pytest.mark.parametrize("host", ["192.0.2.1", "shop.invalid"])
def test_no_test_leaves_this_machine(host: str) -> None:
    with pytest.raises(BaseException, match="wanted to reach"):
        socket.create_connection((host, 80), timeout=1)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    path = re.compile(rb"(?<![\w./-])/(?:work|root|Users|tmp/venv)/")

    assert not [name for name in repository() if path.search((REPO / name).read_bytes())]
