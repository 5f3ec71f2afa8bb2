"""Compare shops of several sizes: `python tests/benchmarks/scale.py [--small] [--json]`.

Databases of 10 k to 1 M open shipments, made by our own migrations and kept in `--dir` for the
next time (1 M takes about 5 GB and, the first time, some minutes), do the same work: a pass with
nothing due, a pass that asks a loopback server about the same 1,000 parcels, the first pass of a
day, `status`, `explain`, `messages list`. Every measurement is a process of its own, sizes in
turns, and the first round, which warms the caches, is thrown away. A pass is timed from opening
the database to closing it, imports aside; a command as a whole. `times` compares medians with the
smallest shop by the clock, `cpu_times` by the processor (which other programs on the machine
disturb less); `mb` is the most memory a process had beyond one that has only imported what a pass
with parcels due imports.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
STEP = HERE / "scale_step.py"
SCHEMA = HERE.parents[1] / "tracker_sync" / "schema"
SIZES, SMALL = (10_000, 50_000, 100_000, 1_000_000), (1_000, 10_000)
ASKED, FEW = 1_000, 100
PASSES = {"idle": None, "due": "renew", "first of a day": "new day"}  # and what comes before each
COMMANDS = ("status", "status --health", "explain", "explain, unknown", "messages list")
IMPORTS = "imports"  # a process that has only imported what a pass imports
STEPS = (*PASSES, *COMMANDS)
OFTEN = {"idle": 5}  # runs a round: a short step needs more of them
TIMES = {"idle": 1.2, "due": 1.5}  # at most, the largest shop against the smallest
YAML = """\
shop: {{id: benchmark, name: Benchmark, timezone: Europe/Berlin, country: DE}}
database: shop.db
sources: [{{type: csv, path: "inbox/*.csv"}}]
carriers:
  dhl_unified: {{api_key: k, base_url: "{url}", budget: {{per_day: 9000000, per_second: 9000}}}}
  gls: {{client_id: i, client_secret: s, base_url: "{url}"}}
  ups: {{client_id: i, client_secret: s, base_url: "{url}"}}
klaviyo: {{private_key: pk_benchmarkbenchmarkbenchmark, base_url: "{url}"}}
follow_ups: {{review_request: {{after: order_delivered, delay: 3d, basis: existing_customer}}}}
"""
MEGABYTES = {50_000: 40.0, 1_000_000: 100.0}  # at most, beyond the imports

Took = dict[tuple[str, int], list[dict[str, float]]]


def child(step: str, folder: Path, many: int, asked: int) -> dict[str, float]:
    """Do one step in a process of its own."""
    words = [sys.executable, str(STEP), step, str(folder), str(many), str(asked)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise SystemExit(f"{step} at {many:,} failed:\n{done.stdout}{done.stderr}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextmanager
def peer() -> Iterator[str]:
    """The carrier and Klaviyo, in a second process."""
    words = [sys.executable, str(STEP), "serve"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout
        yield f"http://127.0.0.1:{served.stdout.readline().strip()}"


def shop(folder: Path, many: int, asked: int, url: str) -> Path:
    """The folder of a shop of that size, filled unless it is there already."""
    made_by = [HERE / "scale_shop.py", *sorted(SCHEMA.glob("*.py"))]
    version = zlib.crc32(b"".join(path.read_bytes() for path in made_by))
    mine = folder / f"{many}-{asked}-{version:08x}"
    (mine / "inbox").mkdir(parents=True, exist_ok=True)
    (mine / "tracker-sync.yaml").write_text(YAML.format(url=url), encoding="utf-8")
    if not (mine / "filled").exists():
        (mine / "shop.db").unlink(missing_ok=True)
        child("fill", mine, many, asked)
        (mine / "filled").touch()
    return mine


def measure(shops: dict[int, Path], steps: Sequence[str], asked: int, rounds: int) -> Took:
    """Steps at all sizes in turns; one round more than is counted, but where it is the only one."""
    took: Took = defaultdict(list)
    smallest = min(shops)
    for number in range(rounds + 1):
        for step in dict.fromkeys(("due", *steps)):
            for _ in range(OFTEN.get(step, 1) if rounds else 1):
                for many, folder in shops.items():
                    if before := PASSES.get(step):
                        child(before, folder, many, asked)
                    took[step, many].append(child(step, folder, many, asked))
        took[IMPORTS, smallest].append(child(IMPORTS, shops[smallest], smallest, asked))
        if rounds and not number:
            took.clear()
    return took


def results(shops: dict[int, Path], steps: Sequence[str], took: Took) -> dict[str, Any]:
    """Medians and ratios by step and size."""
    smallest, largest = min(shops), max(shops)
    bare = _median(took[IMPORTS, smallest], "mb")
    rows = []
    for step in steps:
        first = {what: _median(took[step, smallest], what) for what in ("seconds", "cpu")}
        for many in shops:
            now = {what: _median(took[step, many], what) for what in first}
            rows.append(
                {
                    "step": step,
                    "open": many,
                    "seconds": round(now["seconds"], 4),
                    "cpu": round(now["cpu"], 4),
                    "times": round(now["seconds"] / first["seconds"], 2),
                    "cpu_times": round(now["cpu"] / first["cpu"], 2),
                    "times_limit": TIMES.get(step) if many == largest > smallest else None,
                    "mb": round(_median(took[step, many], "mb") - bare, 1),
                    "mb_limit": MEGABYTES.get(many),
                }
            )
    return {
        "imports_mb": round(bare, 1),
        "file_mb": {str(many): _size(folder) for many, folder in shops.items()},
        "rows": rows,
    }


def _median(found: Sequence[dict[str, float]], what: str) -> float:
    return median(one[what] for one in found)


def _size(folder: Path) -> float:
    return round((folder / "shop.db").stat().st_size / 2**20, 1)


def table(told: dict[str, Any]) -> str:
    """Lay it out for people."""
    sizes = ", ".join(f"{int(many):,}: {mb:,.0f} MB" for many, mb in told["file_mb"].items())
    lines = [f"file by open shipments: {sizes}", ""]
    head = f"{'':18}{'open':>10}{'ms':>9}{'times':>7}{'cpu ms':>9}{'times':>7}{'MB':>8}"
    lines.append(head)
    for row in told["rows"]:
        limits = (f"{name} at most {row[key]:g}" for name, key in _LIMITS.items() if row[key])
        lines.append(
            f"{row['step']:18}{row['open']:10,}{row['seconds'] * 1000:9.1f}{row['times']:7.2f}"
            f"{row['cpu'] * 1000:9.1f}{row['cpu_times']:7.2f}{row['mb']:8.1f}"
            f"   {', '.join(limits)}".rstrip()
        )
    return "\n".join(lines) + "\n"


_LIMITS = {"times": "times_limit", "MB": "mb_limit"}


def main() -> None:
    """Read the options, make the shops, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="open shipments")
    parser.add_argument("--asked", type=int, default=ASKED, help="parcels that are due")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS, metavar="STEP")
    parser.add_argument("--rounds", type=int, default=5, help="0: the one that is not warm")
    parser.add_argument("--small", action="store_true", help="1 k and 10 k, 100 due, one round")
    parser.add_argument("--dir", type=Path, help="where databases are kept for the next time")
    parser.add_argument("--json", action="store_true")
    wish = parser.parse_args()
    if wish.small:
        wish.sizes, wish.asked, wish.rounds = SMALL, FEW, 0
    with tempfile.TemporaryDirectory() as temporary, peer() as url:
        folder = wish.dir or Path(temporary)
        shops = {many: shop(folder, many, wish.asked, url) for many in sorted(wish.sizes)}
        took = measure(shops, wish.steps, wish.asked, wish.rounds)
        told = {"asked": wish.asked, **results(shops, wish.steps, took)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n" if wish.json else table(told))


if __name__ == "__main__":
    main()
