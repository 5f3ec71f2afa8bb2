"""The machine fails: power cuts, full and read-only disks, clocks that jump, many at once."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from edges.store_builders import asked, parcel
from edges.store_builders import opened as open_store
from kills.lives import START, town
from kills.shop import Shop, opened
from kills.trial import Diary, Verdict, compare, truths
from passes.cutting import cut_pass, lose_the_rest
from passes.processes import ready_for
from passes.test_crash import (
    PASSES,
    A,
    arrive,
    facts,
    prepare,
    run,
    undone,
    world_after,
)
from passes.world import moment, world

ROOT = os.geteuid() == 0
HOUR = timedelta(hours=1)
FULL = "the disk is full; nothing was lost, free some space and run again"
LIVES = town(seed=3, parcels=24, days=1)
MOMENTS = [START + at * HOUR for at in (1, 12, 27, 34, 53, 60, 84, 125, 150, 224)]


# -- power cuts ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return ready_for("passes.cutting")


@pytest.mark.timeout(600)
def test_what_the_disk_had_for_certain_is_enough(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    """Files are moved and messages sent only when the disk itself knows of it."""
    folder, cuts = tmp_path / "shop", 0
    folder.mkdir()
    with world(folder) as shop:
        prepare(shop)
        for at in PASSES[1:4]:
            shop.now = moment(at)
            arrive(shop, at)
            with undone(shop, tmp_path / "aside"):
                assert run(processes, shop, names=tmp_path / "steps") == 0
                expected = world_after(shop)
            names = (tmp_path / "steps").read_text().splitlines()
            for step in (n for n, name in enumerate(names) if n % 4 == 0 or "bundle" in name):
                with undone(shop, tmp_path / "aside"):
                    process = processes.Process(
                        target=cut_pass, args=(str(folder), shop.now.isoformat(), step)
                    )
                    process.start()
                    process.join(60)
                    lose_the_rest(folder)
                    cuts += 1
                    assert run(processes, shop) == 0
                    assert world_after(shop) == expected, f"cut at {at} after {names[step]!r}"
                    assert all(facts(a) == facts(b) for a, b in shop.klaviyo.duplicates)
            assert run(processes, shop) == 0

    assert cuts > 10


def test_a_power_cut_after_a_message_went_changes_nobody_it_goes_to(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    with world(folder) as shop:
        assert run(processes, shop) == 0
        prepare(shop)
        shop.now = moment("3h")
        shop.csv(f"{A};ups;a@shop.example;1001")
        assert run(processes, shop, names=tmp_path / "steps") == 0
        sent = (tmp_path / "steps").read_text().splitlines().index("sent")
        shop.now = moment("27h")
        process = processes.Process(
            target=cut_pass, args=(str(folder), shop.now.isoformat(), sent + 1)
        )
        process.start()
        process.join(60)
        lose_the_rest(folder)
        shop.csv(f"{A};ups;somebody.else@shop.example;1001")

        shop.now = moment("28h")
        assert run(processes, shop) == 0

        told = [event.email for event in shop.events()]
        assert told == ["a@shop.example"] * 2


@pytest.mark.timeout(300)
def test_a_database_copied_while_a_pass_writes_goes_on(calm: Lived, tmp_path: Path) -> None:
    """As after a power cut: the process stands still while its files are copied."""
    dice, copies = random.Random(5), 0
    with lived(tmp_path / "rough") as rough:
        for now in rough.moments():
            process = rough.shop.begin("sync", "--now", now.isoformat())
            time.sleep(dice.uniform(0.2, 0.8))
            if process.poll() is None:
                process.send_signal(signal.SIGSTOP)
                copies += _came_back_from_a_copy(rough.shop.folder, tmp_path / "copy")
                process.kill()
            process.communicate(timeout=60)
            rough.shop.sync(now)
        rough.judge(calm)

    assert copies > 2


def _came_back_from_a_copy(folder: Path, aside: Path) -> bool:
    """Replace the database by its copy; whether there was one. The index of the log is lost."""
    database = folder / "shop.db"
    if not database.exists():
        return False
    aside.mkdir(exist_ok=True)
    for name in ("shop.db", "shop.db-wal"):
        (aside / name).unlink(missing_ok=True)
        if (folder / name).exists():
            shutil.copy(folder / name, aside / name)
        (folder / name).unlink(missing_ok=True)
    (folder / "shop.db-shm").unlink(missing_ok=True)
    if (aside / "shop.db-wal").exists():
        with (aside / "shop.db-wal").open("ab") as log:
            log.write(b"\x5a" * 3000)  # half of what was being written
    for each in aside.iterdir():
        shutil.copy(each, folder / each.name)
    return True


# -- the same lives, undisturbed and disturbed -----------------------------------------------


class Lived:
    """A shop that lives through the moments, and what came of it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.diary = Diary()

    def moments(
        self, shift: Callable[[int], timedelta] = lambda _n: timedelta(0)
    ) -> Iterator[datetime]:
        """Every moment; what was done in it is noted when the next one comes."""
        before = None
        for index, now in enumerate(MOMENTS):
            self.shop.live(before, now, clock=now + shift(index))
            yield now + shift(index)
            self.diary.note(now, self.shop)
            before = now

    def judge(self, calm: Lived, *, clock_was_wrong: bool = False) -> Verdict:
        """Hold it against an undisturbed life."""
        verdict = Verdict()
        gaps = set(MOMENTS) if clock_was_wrong else set()
        compare(verdict, (calm.shop, calm.diary), (self.shop, self.diary), gaps)
        truths(verdict, LIVES, self.shop)
        if clock_was_wrong:  # what would have waited a little, and been replaced, may have gone
            del verdict.wrong["never expected"]
        assert verdict.good, json.dumps(verdict.told(), indent=2)
        return verdict


@contextmanager
def lived(folder: Path) -> Iterator[Lived]:
    with opened(folder, LIVES) as made:
        yield Lived(made)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with lived(tmp_path_factory.mktemp("calm") / "shop") as made:
        for now in made.moments():
            made.shop.calm_pass(now)
        assert len(made.shop.klaviyo.accepted) > 60
        yield made


# -- a full disk ---------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_a_disk_that_fills_up_in_the_middle_of_a_pass_loses_nothing(
    calm: Lived, tmp_path: Path
) -> None:
    """No file may grow beyond a limit that is met now here, now there."""
    dice, full = random.Random(7), 0
    with lived(tmp_path / "rough") as rough:
        for now in rough.moments():
            size = rough.shop.database.stat().st_size if rough.shop.database.exists() else 0
            limit = dice.choice((33_000, 120_000, size + 20_000, max(size, 60_000) // 2))
            said, code = _said(rough.shop, now, limit)
            if code not in (0, 1):
                full += 1
                assert code == 2, said
                assert re.fullmatch(rf".*shop\.db\S*: {FULL}\n", said), said
            rough.shop.sync(now)
        rough.judge(calm)

    assert full > 2


def _said(shop: Shop, now: datetime, limit: int) -> tuple[str, int]:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    process = shop.begin("sync", "--now", now.isoformat(), preexec_fn=small)
    said = process.communicate(timeout=120)[1]
    return "".join(line for line in said.splitlines(True) if FULL in line), process.returncode


def test_a_log_that_was_half_moved_into_the_file_damages_nothing(tmp_path: Path) -> None:
    """A program was killed while it did so: the file alone makes no sense, with its log it does."""
    path, log = tmp_path / "shop.db", tmp_path / "shop.db-wal"
    open_store(path).close()
    before = path.read_bytes()
    with closing(open_store(path)) as store:
        with store.transaction():
            for serial in range(300):
                parcel(store, serial)
        kept = log.read_bytes()
    after = path.read_bytes()
    assert len(after) > len(before)

    path.write_bytes(after[:4096] + before[4096:])
    log.write_bytes(kept)

    with closing(open_store(path)) as store:
        assert store.shipments.get(300)
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own; only root can make one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    if not ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.timeout(300)
def test_a_really_full_disk_loses_nothing(calm: Lived, tmp_path: Path) -> None:
    dice, full = random.Random(11), 0
    with mounted(tmp_path / "small", "8m") as disk, lived(disk / "shop") as rough:
        ballast = disk / "ballast"
        for now in rough.moments():
            found = os.statvfs(disk)
            left = dice.choice((0, 8, 40, 120)) * 1024
            ballast.write_bytes(b"\0" * max(0, found.f_bavail * found.f_frsize - left))
            process = rough.shop.begin("sync", "--now", now.isoformat())
            said = process.communicate(timeout=120)[1]
            full += process.returncode == 2
            assert process.returncode in (0, 1, 2), said
            assert process.returncode != 2 or "disk is full" in said or "No space left" in said, (
                said
            )
            ballast.unlink()
            rough.shop.sync(now)
        rough.judge(calm)

    assert full > 2


# -- a disk that cannot be written ---------------------------------------------------------------


def test_a_read_only_file_system_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "16m") as disk, lived(disk / "shop") as rough:
        moments = rough.moments()
        rough.shop.sync(next(moments))
        now = next(moments)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

        process = rough.shop.begin("sync", "--now", now.isoformat())
        said = process.communicate(timeout=60)[1]

        assert process.returncode == 2
        assert re.fullmatch(r"\S*shop\.db\S* cannot be .*: Read-only file system\n", said), said
        assert not rough.shop.klaviyo.accepted
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        rough.shop.sync(now)
        assert rough.shop.klaviyo.accepted


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
@pytest.mark.parametrize("what", ["shop.db", "."])
def test_a_file_that_may_not_be_written_is_named_and_nothing_is_sent(
    tmp_path: Path, what: str
) -> None:
    with lived(tmp_path / "shop") as rough:
        moments = rough.moments()
        rough.shop.sync(next(moments))
        now, target = next(moments), rough.shop.folder / what
        rights = target.stat().st_mode
        target.chmod(rights & ~0o222)

        process = rough.shop.begin("sync", "--now", now.isoformat())
        said = process.communicate(timeout=60)[1]

        target.chmod(rights)
        assert process.returncode == 2
        assert "cannot be" in said
        assert not rough.shop.klaviyo.accepted
        rough.shop.sync(now)
        assert rough.shop.klaviyo.accepted


# -- clocks ---------------------------------------------------------------------------------------


def _an_hour_back(index: int) -> timedelta:
    return -HOUR if index % 3 == 2 else timedelta(0)


def _a_day_ahead_once(index: int) -> timedelta:
    return timedelta(days=1) if index in (3, 6) else timedelta(0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shift", [_an_hour_back, _a_day_ahead_once])
def test_a_clock_that_jumps_doubles_nothing_and_tells_nothing_false(
    calm: Lived, tmp_path: Path, shift: Callable[[int], timedelta]
) -> None:
    """The machine's clock is wrong in some passes; the world's is not. Late is allowed."""
    with lived(tmp_path / "rough") as rough:
        for now in rough.moments(shift):
            rough.shop.sync(now)
        rough.judge(calm, clock_was_wrong=True)


# -- many at once --------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_many_processes_on_one_database_do_not_disturb_each_other(
    calm: Lived, tmp_path: Path
) -> None:
    number = LIVES.parcels[0].number
    with lived(tmp_path / "rough") as rough:
        shop, codes = rough.shop, []
        for index, now in enumerate(rough.moments()):
            if index in (0, 2, 5):
                codes += _crowd(shop, now, number)
            shop.sync(now)
        rough.judge(calm)

    assert 75 in codes


def _crowd(shop: Shop, now: datetime, number: str) -> list[int]:
    """Start everything at once; the exit codes of the passes."""
    one_pass = ("sync", "--now", now.isoformat())
    passes = [shop.begin(*one_pass) for _ in range(3)]
    passes.append(shop.begin(*one_pass, "--dry-run", "--json"))
    copy = shop.folder / f"copy-{now:%d%H}.db"
    others = {words[0]: shop.begin(*words) for words in (
        ("status", "--json"), ("explain", number, "--json"), ("backup", str(copy)))}  # fmt: skip
    for name, process in others.items():
        said = process.communicate(timeout=120)[1]
        new = re.search("no database|holds nothing yet|no parcel is known", said)
        assert not process.returncode or new, (name, said)
    if copy.exists():
        with closing(sqlite3.connect(copy)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for process in passes:
        said = process.communicate(timeout=120)[1]
        assert process.returncode in (0, 1, 75), said
    return [process.returncode for process in passes]
