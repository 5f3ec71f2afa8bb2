"""What is delivered: the version, what it needs, the files beside the code."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import pytest

import tracker_sync

REPO = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]

# Needed at run time although no line imports them. Fails when one is imported after all.
DATA_ONLY = {"tzdata"}
# Come with pydantic-settings, whose bounds hold for them too.
BROUGHT_ALONG = {"pydantic", "pydantic_core"}
IMPORTED_AS = {"pyyaml": "yaml", "email-validator": "email_validator"}


@cache
def imported() -> frozenset[str]:
    found: set[str] = set()
    for path in (REPO / "tracker_sync").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return frozenset(found - sys.stdlib_module_names - {"tracker_sync"})


def module(requirement: str) -> str:
    name = re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0].lower()
    return IMPORTED_AS.get(name, name.replace("-", "_"))


def delivered(pattern: str) -> list[str]:
    folder = Path(str(resources.files("tracker_sync")))
    return sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))


def test_the_version_is_written_the_same_everywhere() -> None:
    assert tracker_sync.__version__ == PROJECT["version"]


def test_the_installed_version_is_this_one() -> None:
    try:
        installed = metadata.version("tracker-sync")
    except metadata.PackageNotFoundError:
        pytest.skip("on the path, but not installed")

    assert installed == tracker_sync.__version__


def test_every_library_that_is_imported_is_asked_for() -> None:
    assert imported() - {module(each) for each in PROJECT["dependencies"]} == BROUGHT_ALONG


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_library_that_is_asked_for_is_used(requirement: str) -> None:
    assert (module(requirement) in imported()) != (module(requirement) in DATA_ONLY)


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_library_has_a_lowest_version(requirement: str) -> None:
    assert ">=" in requirement


def test_the_command_leads_to_the_program() -> None:
    script = metadata.EntryPoint(
        "tracker-sync", PROJECT["scripts"]["tracker-sync"], "console_scripts"
    )

    assert callable(script.load())


@pytest.mark.parametrize(
    "pattern", ["py.typed", "example.yaml", "carriers/codes/*.csv", "sandbox/**/*"]
)
def test_files_beside_the_code_are_part_of_the_package(pattern: str) -> None:
    assert [name for name in delivered(pattern) if Path(name).suffix not in {"", ".py", ".pyc"}]


def test_the_example_is_the_one_in_the_config_folder() -> None:
    ours = resources.files("tracker_sync").joinpath("example.yaml").read_bytes()

    assert (REPO / "config" / "tracker-sync.example.yaml").read_bytes() == ours


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "crontab.example"])
def test_what_the_customer_looks_for_first_is_at_the_top(name: str) -> None:
    assert (REPO / name).read_text(encoding="utf-8").strip()


def test_wheel_and_archive_hold_only_what_exists() -> None:
    targets = PYPROJECT["tool"]["hatch"]["build"]["targets"]
    named = [*targets["wheel"]["packages"], *targets["sdist"]["include"]]

    assert not [name for name in named if not (REPO / name.lstrip("/")).exists()]
