"""Compare a pass with the bare HTTP client: `python tests/benchmarks/throughput.py [--json]`.

A fast carrier answers in a second process. In turns, and with the same number of threads, a bare
loop of `httpx.Client.get` fetches every number once, and a whole pass chooses who is due, asks,
reads, compares, plans and stores. Three kinds of pass: `first` meets every parcel for the first
time (eight scans each), in `same` nothing has happened, in `tenth` one parcel in ten has moved on.
Ratios are medians of rounds, pass against bare loop, by the clock and by the processor. A database
and a shop of their own are made in a temporary folder. With karrio installed, its fetching and
parsing of the same answers stands beside it.

`--split` tells where the time of a pass goes; `--latency 0.1` lets the carrier wait, and compares
with the ideal rate of so many workers.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import structlog

from tracker_sync import settings
from tracker_sync.carriers import discover
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.sync import run_pass, take_in
from tracker_sync.sync.report import Report
from tracker_sync.wire import Timer, Wire

SERVER = Path(__file__).with_name("fast_server.py")
FIRST = datetime(2026, 11, 3, 9, tzinfo=UTC)
APART = timedelta(hours=2)  # between two looks at everything
TIMER = Timer(time.monotonic, time.sleep)
SHOP = """\
shop: {{id: benchmark, name: Benchmark, timezone: Europe/Berlin, country: DE}}
sources: [{{type: csv, path: "inbox/*.csv"}}]
carriers:
  dhl_unified:
    api_key: benchmark
    base_url: "{url}"
    workers: {workers}
    budget: {{per_day: 100000000, per_second: 1000000}}
klaviyo: {{private_key: pk_benchmark, base_url: "http://127.0.0.1:9"}}
messages: {{mute: [dispatched, in_transit, announced, delayed]}}
"""
KINDS = ("first", "same", "tenth")
WIDTHS = (8, 32, 64)  # more than 64 workers cannot be configured
Took = tuple[float, float]  # seconds by the clock, and of the processor


@contextmanager
def carrier(latency: float) -> Iterator[str]:
    """A fast carrier in a process of its own; its address."""
    command = [sys.executable, str(SERVER), "--latency", str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def timed(action: Callable[[], object]) -> Took:
    """What an action takes."""
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - clock, time.process_time() - processor


def bare(url: str, numbers: list[str], workers: int) -> None:
    """Fetch every number once, with a plain client in every thread."""
    context = httpx.create_ssl_context()
    left, lock = iter(numbers), threading.Lock()

    def work() -> None:
        with httpx.Client(verify=context) as client:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                asked = {"trackingNumber": number, "language": "en"}
                answer = client.get(
                    f"{url}/track/shipments", params=asked, headers={"DHL-API-Key": "benchmark"}
                )
                assert len(answer.content) > 4000

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Shop:
    """A shop whose parcels are all due at every pass."""

    def __init__(self, folder: Path, url: str, *, workers: int) -> None:
        (folder / "inbox").mkdir()
        (folder / "shop.yaml").write_text(SHOP.format(url=url, workers=workers))
        self._inbox, self._url = folder / "inbox", url
        self._settings = settings.load(folder / "shop.yaml", environ={})
        self._count = 0
        self.store = open_store(self._settings)
        self._now = FIRST
        self.round()  # so that the carrier has been in use since before the parcels

    def announce(self, numbers: list[str]) -> None:
        """Let the feed bring these parcels, each of an order of its own."""
        rows = "".join(f"{number};dhl;{number}\n" for number in numbers)
        (self._inbox / "parcels.csv").write_text("tracking_number;courier;order_id\n" + rows)
        house = build(self._settings, self.store, TIMER, self._now)
        self._count = len(numbers)
        take_in.take_all(house, Report(self.store.journal, self._now), self._now)

    def round(self) -> None:
        """One pass, two hours later, in which everything is due."""
        self._now += APART
        with self.store.transaction():
            self.store.looks.wake(range(1, self._count + 1), self._now)
        self.asked = run_pass(build(self._settings, self.store, TIMER, self._now), self._now).counts


def compare(url: str, numbers: list[str], workers: int) -> dict[str, tuple[Took, Took]]:
    """One round: what the bare loop and the pass took, for each kind of pass."""
    took: dict[str, tuple[Took, Took]] = {}
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder), url, workers=workers)
        with closing(shop.store):
            shop.announce(numbers)
            for kind in KINDS:
                if kind == "tenth":
                    httpx.get(f"{url}/turn")
                loop = timed(lambda: bare(url, numbers, workers))
                took[kind] = loop, timed(shop.round)
                assert shop.asked["asked"] == len(numbers), (kind, shop.asked)
    return took


def ratios(rounds: list[dict[str, tuple[Took, Took]]], count: int) -> dict[str, Any]:
    """Medians over the rounds, for each kind of pass."""

    def row(kind: str) -> dict[str, float]:
        pairs = [each[kind] for each in rounds]
        return {
            "bare per second": count / median(loop[0] for loop, _ in pairs),
            "pass per second": count / median(whole[0] for _, whole in pairs),
            "clock ratio": median(loop[0] / whole[0] for loop, whole in pairs),
            "processor ratio": median(loop[1] / whole[1] for loop, whole in pairs),
            "pass microseconds of processor": median(1e6 * w[1] / count for _, w in pairs),
        }

    return {kind: row(kind) for kind in KINDS}


def split(url: str, numbers: list[str]) -> dict[str, float]:
    """Microseconds of processor for the parts of a pass, each alone and in one thread."""
    cls = discover()["dhl_unified"]
    one = cls(cls.Config(api_key="benchmark", base_url=url))
    wire = Wire("dhl_unified", TIMER)
    answers = [(n, wire.send(one.request([n], None))) for n in numbers]
    with closing(wire):
        asking = timed(lambda: [wire.send(one.request([n], None)) for n in numbers])
    reading = timed(lambda: [one.decode(answer, [n]) for n, answer in answers])
    loop = timed(lambda: bare(url, numbers, 1))
    parts = {"bare loop": loop, "asking": asking, "reading": reading}
    return {name: 1e6 * took[1] / len(numbers) for name, took in parts.items()}


def karrio(url: str, numbers: list[str]) -> float | None:
    """Answers a second that karrio fetches and parses, ten numbers a call; None: not installed."""
    try:
        from karrio import sdk
        from karrio.core.models import TrackingRequest
        from karrio.providers.dhl_universal.utils import Settings
    except ImportError:
        return None
    Settings.server_url = property(lambda _: url)
    door = sdk.gateway["dhl_universal"].create({"consumer_key": "b", "consumer_secret": "b"})
    batches = [TrackingRequest(numbers[i : i + 10]) for i in range(0, len(numbers), 10)]
    took = timed(lambda: [sdk.Tracking.fetch(b).from_(door).parse() for b in batches])
    return len(numbers) / took[0]


def widths(url: str, numbers: list[str], rounds: int) -> dict[str, float]:
    """Answers a second of the pass at several widths, each a median."""
    found: dict[str, list[float]] = {str(width): [] for width in WIDTHS}
    for _ in range(rounds):
        for width in WIDTHS:
            whole = compare(url, numbers, width)["tenth"][1]
            found[str(width)].append(len(numbers) / whole[0])
    return {width: median(rates) for width, rates in found.items()}


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    numbers = [f"00340{n:015d}" for n in range(args.parcels)]
    with carrier(args.latency) as url:
        if args.latency:
            ideal = args.workers / args.latency
            rates = ratios([compare(url, numbers, args.workers)], len(numbers))
            return {"ideal per second": ideal} | {
                kind: {"of the ideal rate": rate["pass per second"] / ideal}
                for kind, rate in rates.items()
            }
        rounds = [compare(url, numbers, args.workers) for _ in range(args.rounds)]
        result = ratios(rounds, len(numbers))
        if args.split:
            result["split"] = split(url, numbers)
        if args.widths:
            result["widths"] = widths(url, numbers, args.rounds)
        if (rate := karrio(url, numbers[:500])) is not None:
            result["karrio per second"] = rate
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parcels", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--split", action="store_true", help="where the time goes")
    parser.add_argument("--widths", action="store_true", help=f"also with {WIDTHS} workers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    result = measured(args)
    sys.stdout.write(json.dumps(result, indent=1) + "\n" if args.json else table(result))


def table(result: dict[str, Any]) -> str:
    """The figures for people."""
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{name:8} {what:32} {number:10.2f}" for what, number in value.items()]
        else:
            lines.append(f"{name:41} {value:10.2f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
