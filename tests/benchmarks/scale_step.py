"""One measured step in a process of its own: `python scale_step.py STEP FOLDER MANY ASKED`.

Prints what it took as JSON. `serve` is the carrier and Klaviyo of all the others; it prints its
port and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker_sync.settings import Settings

PASSES = ("idle", "due", "first of a day")
PREPARED = ("fill", "renew", "new day")
CONFIG, MODULES = "tracker-sync.yaml", "modules.json"


def imports(folder: Path) -> None:
    """Import all that a pass with parcels due has imported."""
    for name in json.loads((folder / MODULES).read_text(encoding="utf-8")):
        with suppress(ImportError):
            import_module(name)


@dataclass(slots=True)
class Clock:
    """Seconds by the clock and by the processor, from here to `stop`."""

    seconds: float = field(default_factory=lambda: -time.perf_counter())
    cpu: float = field(default_factory=lambda: -time.process_time())

    def stop(self) -> dict[str, float]:
        """What it took, threads included."""
        return {
            "seconds": self.seconds + time.perf_counter(),
            "cpu": self.cpu + time.process_time(),
        }


def run(folder: Path, asked: int) -> dict[str, float]:
    """A pass from opening the database to closing it; *asked* parcels must have been asked."""
    from tracker_sync import log
    from tracker_sync.cli.assembly import build, open_store
    from tracker_sync.sync import run_pass
    from tracker_sync.wire import Timer

    scale_shop, wishes = _shop(folder)
    log.configure(lambda: scale_shop.NOW, verbose=False)
    timer = Timer(time.monotonic, time.sleep)
    clock = Clock()
    store = open_store(wishes)
    report = run_pass(build(wishes, store, timer, scale_shop.NOW), scale_shop.NOW)
    store.close()
    took = clock.stop()
    counts = report.counts
    if (counts["asked"], counts["accepted"], report.exit_code) != (asked, -(-asked // 10), 0):
        raise SystemExit(f"not the pass that was to be measured: {counts} {report.new_findings}")
    if asked:
        (folder / MODULES).write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")
    return took


def command(folder: Path, words: Sequence[str], *, fine: int) -> None:
    """A command as people call it, which may end with the exit code *fine*."""
    sys.argv = ["tracker-sync", *words, "--config", str(folder / CONFIG)]
    from tracker_sync.__main__ import main

    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            main()
        except SystemExit as exc:
            if exc.code not in (None, fine):
                raise


def new_day(folder: Path) -> None:
    """Let the next pass be the first one of its day, which applies the retention times."""
    import sqlite3

    with sqlite3.connect(folder / "shop.db") as db:
        db.execute("DELETE FROM meta WHERE name IN ('retention', 'arrivals asked')")
    db.close()


def _shop(folder: Path) -> tuple[Any, Settings]:
    import scale_shop

    from tracker_sync.settings import load

    return scale_shop, load(folder / CONFIG, environ={})


def commands(many: int) -> dict[str, tuple[str, ...]]:
    """What a person or a monitor calls."""
    known = f"00340434{many // 2 + 3:012}"
    return {
        "status": ("status",),
        "status --health": ("status", "--health"),
        "explain": ("explain", known),
        "explain, unknown": ("explain", "00340499999999999999"),
        "messages list": ("messages", "list"),
    }


def prepare(step: str, folder: Path, many: int, asked: int) -> None:
    """What is not measured."""
    if step == "new day":
        new_day(folder)
        return
    scale_shop, wishes = _shop(folder)
    if step == "fill":
        scale_shop.fill(wishes, many, asked)
        os.sync()
    else:
        scale_shop.renew(wishes.database, many, asked)


def measured(step: str, folder: Path, many: int, asked: int) -> dict[str, float]:
    """Do one step; return what it took."""
    if step in PASSES:
        return run(folder, asked if step == "due" else 0)
    clock = Clock()
    if step == "imports":
        imports(folder)
    elif step in PREPARED:
        prepare(step, folder, many, asked)
    else:
        fine = int(step in ("status --health", "explain, unknown"))
        command(folder, commands(many)[step], fine=fine)
    return clock.stop()


class Peer(asyncio.Protocol):
    """One connection to DHL or Klaviyo."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport: Any = transport
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request, its body included."""
        self._begun += data
        while b"\r\n\r\n" in self._begun:
            head, _, rest = self._begun.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self._begun = rest[length:]
            self._transport.write(reply(head))


def reply(head: bytes) -> bytes:
    """DHL tells about a parcel; Klaviyo takes every event, and counts none."""
    _, _, asked = head.partition(b"trackingNumber=")
    if asked:
        body = answer(asked[:20].decode())
        said = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return f"HTTP/1.1 200 OK\r\n{said}".encode() + body
    status = "202 Accepted" if head.startswith(b"POST /api/events") else "403 Forbidden"
    said = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    return f"HTTP/1.1 {status}\r\n{said}".encode()


def answer(number: str) -> bytes:
    """What DHL says of a parcel."""
    import scale_shop

    events = [
        {
            "timestamp": (scale_shop.NOW - hours * scale_shop.HOUR).isoformat(),
            "location": {"address": {"addressLocality": f"Depot {position}"}},
            "statusCode": "transit",
            "description": text,
        }
        for position, (hours, text, _) in enumerate(scale_shop.told(number))
    ]
    shipment = {"id": number, "service": "parcel-de", "status": events[-1], "events": events[::-1]}
    return json.dumps({"shipments": [shipment]}).encode()


async def serve() -> None:
    """Answer until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Peer, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1] == "serve":
        asyncio.run(serve())
        return
    step, folder, many, asked = sys.argv[1:]
    took = measured(step, Path(folder), int(many), int(asked))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({**took, "mb": most}) + "\n")


if __name__ == "__main__":
    main()
