"""A new carrier is one file and its samples; and one that is broken is named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
CACHES = shutil.ignore_patterns("__pycache__", ".*")

# The whole of an invented API: GET /v1/parcels/<number>, a key in a header, events newest first
# with offset, seven codes, {"error": "unknown"} for a number it does not know.
PAKETFUX = '''"""Paketfux tracking v1: JSON, one number a call.

An answer is a history of codes with offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from tracker_sync.carriers import Access, Carrier, CarrierConfig, Tells, quoted
from tracker_sync.model import INFO, Detail, Meaning, Problem, Reading, Scan, Status


class Config(CarrierConfig):
    """A key from the desk of Paketfux."""

    api_key: SecretStr = Field(min_length=1, description="key of the account")


class Paketfux(Carrier):
    """Paketfux tracking v1."""

    key = "paketfux"
    title = "Paketfux"
    brand = "paketfux"
    docs = "https://developer.paketfux.invalid"
    tracking_url = "https://www.paketfux.invalid/track/{number}"
    zone = "Europe/Berlin"
    aliases = ("paket fux",)
    access = Access(
        regions="DE",
        keys="desk at developer.paketfux.invalid",
        who="business customers",
        cost="not published",
        wait="not published",
        tells=(Tells.RETURNS,),
    )
    codes: ClassVar = {
        "PF00": Meaning(Status.ANNOUNCED),
        "PF10": Meaning(Status.IN_TRANSIT),
        "PF20": Meaning(Status.OUT_FOR_DELIVERY),
        "PF29": Meaning(Status.DELIVERY_FAILED, Problem.ADDRESS),
        "PF30": Meaning(Status.DELIVERED),
        "PF31": Meaning(Status.DELIVERED, detail=Detail.NEIGHBOUR),
        "PF40": Meaning(Status.RETURNED),
        "PF90": INFO,
    }
    Config: ClassVar[type[CarrierConfig]] = Config

    def request(self, numbers: Sequence[str], token: str | None) -> httpx.Request:
        """Ask for one number."""
        url = self.url(f"https://api.paketfux.invalid/v1/parcels/{quoted(numbers[0])}")
        key = self.config.api_key.get_secret_value()
        return httpx.Request("GET", url, headers={"X-Key": key})

    def read(self, payload: Any, asked: Sequence[str]) -> Iterator[Reading]:
        """One parcel an answer."""
        if payload.get("error") == "unknown":
            yield Reading(asked[0] if asked else None, not_found=True)
            return
        yield self.reading(str(payload["parcel"]), map(self._scan, payload["events"]))

    def _scan(self, event: Any) -> Scan:
        code, text = str(event["code"]), str(event.get("text") or "")
        return self.scan(self.when(event["at"]), code, text, str(event.get("town") or ""))
'''

HISTORY = {
    "PF00": ("2026-03-02T10:00:00+01:00", "Angemeldet"),
    "PF10": ("2026-03-02T18:30:00+01:00", "Im Bau"),
    "PF20": ("2026-03-03T08:05:00+01:00", "Unterwegs"),
    "PF30": ("2026-03-03T11:20:00+01:00", "Zugestellt"),
    "PF40": ("2026-03-09T09:00:00+01:00", "Beim Absender"),
    "PF77": ("2026-03-03T09:00:00+01:00", "Verbuddelt"),
}
SAMPLES: dict[str, tuple[list[str], str]] = {
    "announced": (["PF00"], "announced"),
    "delivered": (["PF30", "PF20", "PF10", "PF00"], "delivered"),
    "new_code": (["PF77", "PF10", "PF00"], "in_transit"),
    "same_minute": (["PF30", "PF20", "PF10", "PF00"], "delivered"),
    "returned": (["PF40", "PF10", "PF00"], "returned"),
}


def answer(name: str) -> dict[str, Any]:
    codes = SAMPLES[name][0]
    events = [{"code": code, "at": HISTORY[code][0], "text": HISTORY[code][1]} for code in codes]
    if name == "same_minute":
        events[1]["at"] = events[0]["at"]
    return {"parcel": "FUX0000000001", "events": events}


def expectation(name: str) -> dict[str, Any]:
    codes, status = SAMPLES[name]
    return {
        "number": "FUX0000000001",
        "status": status,
        "problem": None,
        "detail": None,
        "scans": len(codes),
        "last_scan": HISTORY[codes[0]][0],
        "unknown": ["PF77"] if "PF77" in codes else [],
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program and of what the tests of carriers need, with one carrier more."""
    shutil.copytree(REPO / "tracker_sync", tmp_path / "tracker_sync", ignore=CACHES)
    for name in ("contract", "fuzz", "samples"):
        shutil.copytree(REPO / "tests" / name, tmp_path / "tests" / name, ignore=CACHES)
    shutil.copy(REPO / "tests" / "conftest.py", tmp_path / "tests")
    shutil.copy(REPO / "pyproject.toml", tmp_path)
    carrier = tmp_path / "tracker_sync" / "carriers" / "paketfux.py"
    carrier.write_text(PAKETFUX, encoding="utf-8")
    folder = tmp_path / "tests" / "samples" / "paketfux"
    folder.mkdir()
    for name in SAMPLES:
        (folder / f"{name}.json").write_text(json.dumps(answer(name)), encoding="utf-8")
        # YAML reads JSON, and a moment only where it is no string.
        wanted = json.dumps(expectation(name))
        moment = HISTORY[SAMPLES[name][0][0]][0]
        text = wanted.replace(f'"{moment}"', moment.replace("T", " "))
        (folder / f"{name}.expect.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy), "NO_COLOR": "1", "HOME": str(copy)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_one_file_and_its_samples_are_a_carrier(copy: Path) -> None:
    files = [f"tests/contract/{name}.py" for name in ("test_carriers", "test_bad_answers")]
    options = ["-q", "-p", "no:cacheprovider", "-k", "paketfux or without"]

    tests = python(copy, "-m", "pytest", *options, *files, "tests/contract/test_fuzz.py")

    assert tests.returncode == 0, tests.stdout
    assert " passed" in tests.stdout


def test_it_is_listed_and_read_without_being_registered(copy: Path) -> None:
    sample = "tests/samples/paketfux/delivered.json"

    listed = python(copy, "-m", "tracker_sync", "carriers", "--json")
    read = python(copy, "-m", "tracker_sync", "read", "paketfux", sample)

    assert "paketfux" in [carrier["key"] for carrier in json.loads(listed.stdout)]
    (parcel,) = json.loads(read.stdout)
    assert (parcel["status"], len(parcel["scans"])) == ("delivered", 4)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ('from tracker_sync.carriers.tables import table\n\nCODES = table("paketfux")\n', "csv"),
        ("class Paketfux(:\n", "SyntaxError"),
        ("import a_module_nobody_has\n", "a_module_nobody_has"),
        ("from tracker_sync.model import Status\n\nSTATUS = Status.EATEN\n", "EATEN"),
    ],
)
def test_a_broken_file_is_named_in_one_line(copy: Path, broken: str, why: str) -> None:
    (copy / "tracker_sync" / "carriers" / "paketfux.py").write_text(broken, encoding="utf-8")

    run = python(copy, "-m", "tracker_sync", "carriers", "--json")

    assert run.returncode == 2
    assert "tracker_sync/carriers/paketfux.py cannot be loaded" in run.stderr
    assert why in run.stderr
    assert "Traceback" not in run.stderr
