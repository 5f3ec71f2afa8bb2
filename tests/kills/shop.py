"""A pretended shop that real processes work for: its folder, its carriers, its Klaviyo."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from kills.lives import Town
from passes.world import Hasty
from tracker_sync import settings
from tracker_sync.cli.assembly import build, open_store
from tracker_sync.sandbox.carriers import PretendCarriers, block
from tracker_sync.sandbox.http import Handler, Request, Response, serve
from tracker_sync.sandbox.klaviyo import PRIVATE_KEY, PretendKlaviyo
from tracker_sync.sync import run_pass
from tracker_sync.sync.lock import only_pass

REPO = Path(__file__).resolve().parents[2]
HEADER = "tracking_number;courier;email;order_id;direction;parcel_count;shipped_at"
NOT_PASSED_ON = ("COV", "TRACKER_SYNC_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY")
PATIENCE = 120  # seconds a pass may take
PLACES = ("before", "after", "later")


@dataclass(frozen=True)
class Blow:
    """When a process is killed: some seconds after its start, or at the nth call it makes."""

    seconds: float = 0.0
    call: int = 0  # 0: by the clock
    place: str = "before"  # before the call is taken, after it and before the answer, or later


@dataclass
class Shop:
    """One shop in a folder; `begin` starts a real process of it."""

    folder: Path
    town: Town
    carriers: PretendCarriers
    klaviyo: PretendKlaviyo
    calls: Counter[str] = field(default_factory=Counter)  # of all processes
    _blow: Blow = field(default_factory=Blow)
    _process: subprocess.Popen[str] | None = None
    _seen: Counter[str] = field(default_factory=Counter)  # calls of the last process
    _files: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def config(self) -> Path:
        """The shop's YAML."""
        return self.folder / "shop.yaml"

    @property
    def database(self) -> Path:
        """The shop's database."""
        return self.folder / "shop.db"

    # -- time goes on ----------------------------------------------------------

    def live(
        self, before: datetime | None, now: datetime, *, clock: datetime | None = None
    ) -> None:
        """Let it be *now*: files that came since lie there, open parcels are due.

        *clock*: what the machine takes the time for, where that is something else.
        """
        self.carriers.now = now
        new = [
            parcel.row
            for parcel in self.town.parcels
            if (before is None or parcel.announced > before) and parcel.announced <= now
        ]
        if new:
            self._files += 1
            path = self.folder / "inbox" / f"{self._files:03}.csv"
            path.write_text("\n".join((HEADER, *new, "1Z/x;ups;;;;;")) + "\n", encoding="utf-8")
        self._hurry(clock or now)

    def _hurry(self, now: datetime) -> None:
        """Every look is due, so that an undisturbed run and this one see the same scans."""
        if not self.database.exists():
            return
        with closing(sqlite3.connect(self.database, isolation_level=None)) as file:
            if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'shipments'").fetchone():
                file.execute(
                    "UPDATE shipments SET next_poll_at = ? WHERE next_poll_at IS NOT NULL AND"
                    " (status IS NULL OR status NOT IN ('delivered', 'returned'))",
                    (f"{now:%Y-%m-%dT%H:%M:%SZ}",),
                )

    # -- passes ----------------------------------------------------------------

    def calm_pass(self, now: datetime) -> None:
        """One pass in this process, undisturbed."""
        wishes = settings.load(self.config, environ={})
        with only_pass(wishes.database, datetime.now(UTC)), closing(open_store(wishes)) as store:
            run_pass(build(wishes, store, Hasty().timer(), now), now)

    def begin(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [*program(), "--config", str(self.config), *words],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def sync(self, now: datetime, blow: Blow | None = None) -> Fallen | None:
        """One pass as a process, killed by *blow*; how it fell, None where it came to its end."""
        with self._lock:
            self._seen, self._blow = Counter(), blow or Blow()
            process = self._process = self.begin("sync", "--now", now.isoformat())
        by_clock = blow is not None and not blow.call
        try:
            said = process.communicate(timeout=blow.seconds if blow and by_clock else PATIENCE)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate(timeout=PATIENCE)[1]
        with self._lock:
            self._process = None
            self.calls += self._seen
        if process.returncode == -signal.SIGKILL and blow:
            return Fallen(dict(self._seen))
        if process.returncode not in (0, 1):
            raise AssertionError(f"a pass ended with {process.returncode}: {said}")
        return None

    # -- what comes in ---------------------------------------------------------

    def watched(self, peer: str, handler: Handler, request: Request) -> Response:
        """Answer a call of a process, or strike."""
        with self._lock:
            if "oauth" not in request.path:
                self._seen[peer] += 1
            struck = 0 < self._blow.call == self._seen.total()
            place = self._blow.place if struck and self._process else ""
            if place == "before":
                self._strike(self._process)
                return Response(cut=True)
        response = handler(request)
        if place == "after":
            self._strike(self._process)
            return Response(cut=True)
        if place == "later":
            delay = random.uniform(0, 0.05)
            threading.Timer(delay, self._strike, [self._process]).start()
        return response

    @staticmethod
    def _strike(process: subprocess.Popen[str] | None) -> None:
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)

    # -- what is there ---------------------------------------------------------

    def rows(self, sql: str) -> list[sqlite3.Row]:
        """Look into the database."""
        with closing(sqlite3.connect(self.database)) as file:
            file.row_factory = sqlite3.Row
            return file.execute(sql).fetchall()

    def files(self) -> list[str]:
        """Every file in the shop's folder of announcements."""
        inbox = self.folder / "inbox"
        return sorted(str(each.relative_to(inbox)) for each in inbox.rglob("*.csv"))


@dataclass(frozen=True)
class Fallen:
    """A process that was killed, and the calls it had made."""

    calls: dict[str, int]

    @property
    def at(self) -> str:
        """What it was at."""
        if self.calls.get("klaviyo"):
            return "sending"
        return "asking" if self.calls else "starting or taking in"


@contextmanager
def opened(folder: Path, town: Town) -> Iterator[Shop]:
    """Open a shop whose carriers know the parcels of *town*."""
    carriers = PretendCarriers([p.life for p in town.parcels], now=town.parcels[0].announced)
    klaviyo = PretendKlaviyo(now=lambda: carriers.now)
    made = Shop(folder, town, carriers, klaviyo)
    (folder / "inbox").mkdir(parents=True)
    with ExitStack() as stack:
        peers = {"carriers": carriers.handle, "klaviyo": klaviyo.handle}
        urls = [
            stack.enter_context(serve(partial(made.watched, peer, handler)))
            for peer, handler in peers.items()
        ]
        made.config.write_text(yaml.safe_dump(wishes(*urls)), encoding="utf-8")
        made.config.chmod(0o600)
        yield made


def wishes(carriers_url: str, klaviyo_url: str) -> dict[str, Any]:
    """The YAML of the shop: fast carriers, and nobody gets too many messages."""
    carriers = block(carriers_url, "ups", "dhl_parcel_de")
    for block_of in carriers.values():
        block_of["budget"] = {"per_second": 200, "per_day": 20_000}
    return {
        "shop": {"id": "kills", "timezone": "Europe/Berlin", "country": "DE"},
        "database": "shop.db",
        "sources": [{"type": "csv", "path": "inbox/*.csv"}],
        "carriers": carriers,
        "klaviyo": {"private_key": PRIVATE_KEY, "base_url": klaviyo_url},
        "messages": {"max_per_recipient": 50},
        "follow_ups": {
            "review_request": {"basis": "existing_customer"},
            "pickup_reminder": {"after": "ready_for_pickup", "delay": "3d"},
        },
    }


def program() -> list[str]:
    """The installed command beside this Python, else the module."""
    command = Path(sys.executable).with_name("tracker-sync")
    return [str(command)] if command.exists() else [sys.executable, "-m", "tracker_sync"]


def environment() -> dict[str, str]:
    """What a process is started with: this copy of the package, nobody's settings."""
    plain = {key: text for key, text in os.environ.items() if not key.startswith(NOT_PASSED_ON)}
    return {**plain, "PYTHONPATH": str(REPO)}
