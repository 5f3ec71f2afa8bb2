"""Compare how long commands take to start: `python tests/benchmarks/startup.py [--json]`.

Every row is a process of its own, started in turns with the others so that a busy machine slows
all alike; the first round, which compiles the files, is thrown away. Ratios are medians
against a bare `python -c pass`: `wall` by the clock, `cpu` by the processor (which other programs
on the machine disturb less). `sync` and `status` work on a small shop: two carriers, Klaviyo, a
folder without files, nothing due.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

REPO = Path(__file__).resolve().parents[2]
LIBRARIES = ("httpx", "apscheduler.schedulers.background", "sqlite_utils", "pydantic_settings")
LIMITS = {"--help": 7.0, "sync, nothing due": 25.0}  # times a bare python, by the clock
ENTRY = "from tracker_sync.__main__ import main; main()"  # what the installed script holds
SHOP = """\
shop:
  id: benchmark
  timezone: Europe/Berlin
  country: DE
sources:
  - type: csv
    path: "inbox/*.csv"
carriers:
  dhl_unified:
    api_key: "benchmark-key"
  gls:
    client_id: "benchmark-id"
    client_secret: "benchmark-secret"
klaviyo:
  private_key: "pk_benchmarkbenchmarkbenchmark"
"""


@dataclass(slots=True)
class Row:
    """One command, and what its runs took."""

    name: str
    words: tuple[str, ...]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, environ: Mapping[str, str]) -> None:
        """Start it once, wait for its end and note both times."""
        command = [sys.executable, *self.words]
        used, began = processor(), time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, cwd=REPO, env=environ, timeout=60)
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(processor() - used)


def processor() -> float:
    """Seconds of the processor that all ended children have used."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def rows(shop: Path) -> list[Row]:
    """A bare python first, then the libraries, then what people call."""

    def ours(name: str, *words: str) -> Row:
        return Row(name, ("-c", ENTRY, *words))

    config = ("--config", str(shop / "tracker-sync.yaml"))
    return [
        Row("bare python", ("-c", "pass")),
        *(Row(f"import {name.split('.')[0]}", ("-c", f"import {name}")) for name in LIBRARIES),
        Row("import all four", ("-c", f"import {', '.join(LIBRARIES)}")),
        ours("--version", "--version"),
        ours("--help", "--help"),
        ours("sync, nothing due", "sync", *config),
        ours("status", "status", *config),
    ]


def surroundings(folder: Path) -> dict[str, str]:
    """An environment in which files are compiled once, as they are when a package is installed."""
    hindered = ("COV", "PYTHONDONTWRITEBYTECODE", "TRACKER_SYNC_")
    plain = {key: value for key, value in os.environ.items() if not key.startswith(hindered)}
    return {**plain, "PYTHONPYCACHEPREFIX": str(folder)}


def measure(found: Sequence[Row], rounds: int, environ: Mapping[str, str]) -> None:
    """Run all of them in turns."""
    for number in range(rounds + 1):
        for row in found:
            row.run(environ)
            if not number:
                row.wall.clear()
                row.cpu.clear()


def results(found: Sequence[Row]) -> list[dict[str, object]]:
    """What each took, and how often that is a bare python."""
    bare = found[0]
    return [
        {
            "name": row.name,
            "seconds": round(median(row.wall), 4),
            "wall": round(median(row.wall) / median(bare.wall), 2),
            "cpu": round(median(row.cpu) / median(bare.cpu), 2),
            "limit": LIMITS.get(row.name),
        }
        for row in found
    ]


def table(told: Sequence[dict[str, object]]) -> str:
    """Lay it out for people."""
    lines = [f"{'':24}{'ms':>8}{'wall':>8}{'cpu':>8}   (wall, cpu: times a bare python)"]
    for each in told:
        limit = f"   at most {each['limit']:g}" if each["limit"] else ""
        ms = float(str(each["seconds"])) * 1000
        lines.append(f"{each['name']:24}{ms:8.1f}{each['wall']:8.2f}{each['cpu']:8.2f}{limit}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the options, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder)
        (shop / "inbox").mkdir()
        (shop / "tracker-sync.yaml").write_text(SHOP, encoding="utf-8")
        found = rows(shop)
        measure(found, options.rounds, surroundings(shop / "compiled"))
    told = results(found)
    sys.stdout.write(json.dumps(told, indent=2) + "\n" if options.json else table(told))


if __name__ == "__main__":
    main()
