"""The benchmarks run, whatever they measure on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


KEYS = ("step", "open", "seconds", "cpu", "times", "cpu_times", "times_limit", "mb", "mb_limit")


def run(*words: str) -> Any:
    """What a benchmark prints as JSON."""
    done = subprocess.run(
        [sys.executable, *words, "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=BENCHMARKS,
        timeout=280,
    )
    return json.loads(done.stdout)


@pytest.mark.timeout(300)
def test_sizes_are_compared_in_one_run(tmp_path: Path) -> None:
    sizes = ("--sizes", "200", "400", "--asked", "20", "--rounds", "0")

    told = run("scale.py", *sizes, "--steps", "due", "--dir", str(tmp_path))

    assert set(told) == {"asked", "imports_mb", "file_mb", "rows"}
    assert set(told["file_mb"]) == {"200", "400"}
    assert [(row["step"], row["open"]) for row in told["rows"]] == [("due", 200), ("due", 400)]
    assert [row["times_limit"] for row in told["rows"]] == [None, 1.5]
    for row in told["rows"]:
        assert set(row) == set(KEYS)
        assert row["seconds"] > 0
