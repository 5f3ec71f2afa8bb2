"""From one version to the next: old databases migrate, newer ones are left alone; copies."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from sqlite_utils import Database, Migrations

from edges.store_builders import NOW, SHOP, asked, opened, outcome, parcel, python, raw, together
from passes.world import world
from tracker_sync import schema
from tracker_sync.cli import main
from tracker_sync.errors import StoreError
from tracker_sync.schema import APPLICATION_ID, SCRIPTS
from tracker_sync.store import backup, stamp

NAMES = list(SCRIPTS)
TOKEN = "a-token-that-opens-an-account"
CHANGED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # when an old database was last written
NAMED = re.compile(r"shop\.db\.backup-(\d{4})-(\d{8}T\d{6}Z)")
NEWER = "INSERT INTO _sqlite_migrations VALUES (99, 'tracker_sync', '9999_drones', '')"
# What a value must look like where a text or a number alone would not do.
VALUES: dict[str, Any] = {
    "brand": "ups",
    "number": "1Z999AA10123456784",
    "first_number": "1Z999AA10123456784",
    "status": "in_transit",
    "direction": "outbound",
    "problems": "",
    "email": "kunde-1@shop-demo.example",
    "detail": None,
    "pickup": None,
    "items": "[]",
    "properties": "{}",
    "advice": "{}",
    "counts": "{}",
    "body": '{"data": {}}',
    "state": "accepted",
    "token": TOKEN,
    "estimate_day": "2026-03-05",
    "estimate_first": "2026-03-05",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


# -- older databases ---------------------------------------------------------------------


def released(path: Path, *names: str, wal: bool = True) -> None:
    """A database as the version left it whose newest migrations are *names*."""
    with closing(raw(path)) as file:
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if wal:
            file.execute("PRAGMA journal_mode = WAL")
        scripts = Migrations("tracker_sync")
        for name in names:
            scripts(name=name)(schema._runs(SCRIPTS.get(name, "")))
        scripts.apply(Database(file))
        fill(file)
    path.chmod(0o600)
    os.utime(path, (CHANGED.timestamp(), CHANGED.timestamp()))


def fill(file: sqlite3.Connection) -> None:
    """A row in every table, with something in every column."""
    for table in tables(file):
        columns = file.execute(f"PRAGMA table_info({table})").fetchall()
        values = [value(table, name, kind) for _, name, kind, *_ in columns]
        marks = ", ".join("?" * len(values))
        file.execute(f"INSERT INTO {table} VALUES ({marks})", values)
    file.execute("INSERT INTO meta VALUES ('salt', '00ff')")


def value(table: str, column: str, kind: str) -> Any:
    if table == "meta":
        return {"name": "shop", "value": SHOP}[column]
    if column.endswith(("_at", "_until", "_slipped_at")) or column in (
        "at",
        "since",
        "active_from",
    ):
        return stamp(NOW)
    return VALUES.get(column, 1 if kind == "INTEGER" else f"some {column}")


def tables(file: sqlite3.Connection) -> list[str]:
    found = file.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '[_s]*sqlite_*'"
        " AND name NOT GLOB 'sqlite_*' ORDER BY rowid"
    )
    return [name for (name,) in found]


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every table of ours, row by row."""
    with closing(raw(path)) as file:
        file.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in file.execute(f"SELECT * FROM {table}")]
            for table in tables(file)
        }


def shape(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The columns of every table and view, and every index."""
    names = [name for (name,) in asked(path, "SELECT name FROM sqlite_master ORDER BY name")]
    return {name: asked(path, f"PRAGMA table_xinfo([{name}])") for name in names}


def backups(path: Path) -> list[Path]:
    return [each for each in sorted(path.parent.iterdir()) if NAMED.fullmatch(each.name)]


@pytest.mark.parametrize("count", range(1, len(NAMES) + 1))
def test_every_released_schema_migrates_and_keeps_its_data(path: Path, count: int) -> None:
    released(path, *NAMES[:count])
    before = content(path)

    opened(path).close()

    after = content(path)
    for table, rows in before.items():
        assert rows, table
        kept = [{column: row[column] for column in rows[0]} for row in after[table]]
        assert kept == rows, table
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]
    assert asked(path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("count", range(1, len(NAMES)))
def test_an_old_database_ends_like_a_new_one(path: Path, count: int) -> None:
    new = path.with_name("new.db")
    opened(new).close()
    released(path, *NAMES[:count])

    opened(path).close()

    assert shape(path) == shape(new)


def test_what_was_owed_before_an_upgrade_is_sent_after_it(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        number = "1Z999AA10123456799"
        _old_shop(shop.folder / "shop.db", number)
        shop.parcel(number, "dispatched 1h", "out_for_delivery 26h", "delivered 30h")

        shop.run("31h")

        assert shop.sent() == ["delivered 30h"]
        assert shop.events()[0].email == "kunde-2@shop-demo.example"
        assert "dispatched 1: withheld overtaken: delivered" in shop.fates()


def _old_shop(path: Path, number: str) -> None:
    """A parcel under way that the first version had taken in; its dispatch was never told."""
    released(path, NAMES[0])
    with closing(raw(path)) as file:
        for table in ("messages", "transitions", "scans", "shipment_orders", "numbers", "carriers"):
            file.execute(f"DELETE FROM {table}")
        file.execute(
            "UPDATE shipments SET number = ?1, first_number = ?1, email = ?2, status = NULL,"
            " status_at = NULL, delivered_at = NULL, closed_at = NULL, first_scan_at = NULL,"
            " last_scan_at = NULL, estimate_day = NULL, found_at = NULL, failures = 0,"
            " shipped_at = '2026-11-02T07:00:00Z', taken_at = '2026-11-02T07:00:00Z',"
            " turned = 0, unknown_to = '', next_poll_at = '2026-11-02T08:00:00Z'",
            (number, "kunde-2@shop-demo.example"),
        )
        file.execute("INSERT INTO numbers VALUES ('ups', ?, 1)", (number,))
        file.execute("UPDATE activations SET what = 'carrier', name = 'ups'")


# -- newer ones --------------------------------------------------------------------------


def family(path: Path, *but: str) -> dict[str, tuple[bytes, int, int]]:
    """Every file of a folder: what is in it, since when, who may read it."""
    return {
        each.name: (each.read_bytes(), each.stat().st_mtime_ns, each.stat().st_mode)
        for each in path.parent.iterdir()
        if not each.name.endswith(but)
    }


def newer(path: Path, *, wal: bool) -> None:
    released(path, *NAMES, wal=wal)
    with closing(raw(path)) as file:
        file.execute("CREATE TABLE drones (id INTEGER PRIMARY KEY) STRICT")
        file.execute(
            "INSERT INTO _sqlite_migrations VALUES (99, 'tracker_sync', '9999_drones', '')"
        )
    path.chmod(0o644)


@pytest.mark.parametrize("wal", [True, False])
def test_a_newer_database_is_refused_untouched(path: Path, wal: bool) -> None:
    newer(path, wal=wal)
    before = family(path)

    with pytest.raises(StoreError, match=r"shop\.db was written by a newer version; update"):
        opened(path)

    assert family(path) == before


def killed_with_a_log(path: Path) -> None:
    """The newer program was killed: what it last wrote stands in the log alone."""
    script = "import os, sqlite3, sys\nfile = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    process = python(f"{script}file.execute({NEWER!r})\nos.kill(os.getpid(), 9)", path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert path.with_name("shop.db-wal").stat().st_size


@pytest.mark.parametrize("index", [True, False])
def test_the_log_of_a_newer_database_is_not_touched_either(path: Path, index: bool) -> None:
    opened(path).close()
    killed_with_a_log(path)
    if not index:
        path.with_name("shop.db-shm").unlink()  # only an index into the log, made at need
    before = family(path, "-shm")

    with pytest.raises(StoreError, match=r"shop\.db was written by a newer version; update"):
        opened(path)

    assert family(path, "-shm") == before


# -- a copy before every migration -----------------------------------------------------------


@pytest.mark.parametrize("count", range(1, len(NAMES)))
def test_what_was_there_before_a_migration_is_kept(path: Path, count: int) -> None:
    released(path, *NAMES[:count])
    before = content(path)

    opened(path).close()

    [kept] = backups(path)
    assert kept.name == f"shop.db.backup-{NAMES[count - 1][:4]}-20260302T093000Z"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    before["carriers"][0] |= {"token": None, "token_until": None}
    assert content(kept) == before
    assert TOKEN.encode() not in kept.read_bytes()
    assert asked(kept, "PRAGMA integrity_check") == [("ok",)]


def test_a_copy_put_back_is_a_database_again(path: Path) -> None:
    released(path, NAMES[0])
    opened(path).close()
    [kept] = backups(path)

    shutil.copy(kept, path)
    opened(path).close()

    assert content(path)["shipments"][0]["number"] == VALUES["number"]


def test_no_copy_is_made_where_nothing_is_migrated(path: Path) -> None:
    opened(path).close()
    opened(path).close()

    assert [each.name for each in path.parent.iterdir()] == ["shop.db"]


def test_a_migration_that_fails_leaves_the_database_and_one_copy(path: Path) -> None:
    released(path, NAMES[0])
    with closing(raw(path)) as file:
        file.execute("CREATE TABLE waiting (obstacle)")  # in the way of a later script
    os.utime(path, (CHANGED.timestamp(), CHANGED.timestamp()))
    before = path.read_bytes()

    for _ in range(3):
        with pytest.raises(StoreError, match="table waiting already exists"):
            opened(path)

    assert path.read_bytes() == before
    assert len(backups(path)) == 1


def test_without_room_for_a_copy_nothing_is_migrated(path: Path) -> None:
    released(path, NAMES[0])
    before = path.read_bytes()
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom edges.store_builders import opened\n"
        "from tracker_sync.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))\n"
        "try:\n    opened(Path(sys.argv[1]))\nexcept StoreError as exc:\n    print(exc)\n"
    )

    said = outcome(python(script, path))

    assert said == (
        f"{path.with_name('shop.db.backup-0001-20260302T093000Z')}: the disk is full; "
        "nothing was lost, free some space and run again"
    )
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["shop.db"]


def test_of_several_that_start_after_an_upgrade_one_migrates(path: Path) -> None:
    released(path, NAMES[0])
    script = (
        "import sys\nfrom pathlib import Path\nfrom edges.store_builders import opened\n"
        "print('ready', flush=True)\nsys.stdin.readline()\nopened(Path(sys.argv[1])).close()\n"
    )
    starts = [python(script, path) for _ in range(3)]

    together(starts)

    assert [outcome(each) for each in starts] == [""] * 3
    assert len(backups(path)) == 1
    assert len(asked(path, "SELECT * FROM _sqlite_migrations")) == len(NAMES)


# -- tracker-sync backup -----------------------------------------------------------------------

CONFIG = """
shop: {id: muster-shop, timezone: Europe/Berlin}
database: shop.db
sources: [{type: csv, path: "inbox/*.csv"}]
carriers: {ups: {client_id: a, client_secret: b}}
"""


@pytest.fixture
def config(path: Path) -> Path:
    """A shop with two parcels, and a token in its database."""
    with closing(opened(path)) as store:
        parcel(store, 1)
        parcel(store, 2)
        store.ledger.carrier("ups")
        store.ledger.keep_token("ups", TOKEN, NOW)
    made = path.with_name("shop.yaml")
    made.write_text(CONFIG, encoding="utf-8")
    made.chmod(0o600)
    return made


def call(config: Path, *words: str) -> Any:
    return CliRunner().invoke(main, ["--config", str(config), "backup", *words])


def test_a_copy_is_complete_private_and_without_tokens(config: Path, path: Path) -> None:
    target = path.with_name("copy.db")

    done = call(config, "--json", str(target))

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["file"] == str(target)
    assert told["schema"] == NAMES[-1][:4]
    assert told["bytes"] == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert TOKEN.encode() in path.read_bytes()
    assert TOKEN.encode() not in target.read_bytes()
    assert len(asked(target, "SELECT * FROM shipments")) == 2
    assert asked(target, "PRAGMA application_id") == [(schema.APPLICATION_ID,)]


def test_without_a_name_the_copy_lies_beside_the_database(config: Path, path: Path) -> None:
    done = call(config)

    [kept] = backups(path)
    assert done.exit_code == 0
    assert done.stdout == (f"{kept}: {kept.stat().st_size / 1e6:.1f} MB, schema {NAMES[-1][:4]}\n")


def test_a_folder_gets_the_copy_under_its_usual_name(config: Path, path: Path) -> None:
    folder = path.parent / "copies"
    folder.mkdir()

    assert call(config, str(folder)).exit_code == 0

    assert [bool(NAMED.fullmatch(each.name)) for each in folder.iterdir()] == [True]


@pytest.mark.parametrize("name", ["notes.txt", "shop.db"])
def test_no_copy_overwrites_anything(config: Path, path: Path, name: str) -> None:
    target = path.with_name(name)
    target.touch()
    before = family(path)

    done = call(config, str(target))

    assert done.exit_code == 2
    assert done.stderr == f"{target} exists and was not touched; name another file\n"
    assert family(path) == before


def test_a_file_that_appears_meanwhile_is_not_overwritten(path: Path) -> None:
    """Of several at once one writes the copy; the others are told so."""
    opened(path).close()
    target = path.with_name("copy.db")
    script = (
        "import sys\nfrom pathlib import Path\nfrom tracker_sync.errors import StoreError\n"
        "from tracker_sync.store import backup\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "try:\n    backup.write(Path(sys.argv[1]), Path(sys.argv[2]))\n    print('written')\n"
        "except StoreError as exc:\n    print(exc)\n"
    )
    writers = [python(script, path, target) for _ in range(3)]

    together(writers)

    said = sorted(map(outcome, writers))

    assert said.count("written") == 1
    assert set(said) == {"written", f"{target} exists and was not touched; name another file"}
    assert sorted(each.name for each in path.parent.iterdir()) == ["copy.db", "shop.db"]


@pytest.mark.parametrize(
    ("target", "said"),
    [("nowhere/copy.db", "nowhere does not exist; make the folder or name another file")],
)
def test_a_place_that_does_not_exist_is_named(
    config: Path, path: Path, target: str, said: str
) -> None:
    done = call(config, str(path.parent / target))

    assert done.exit_code == 2
    assert done.stderr.strip().endswith(said)


def test_a_copy_of_nothing_is_refused(config: Path, path: Path) -> None:
    path.unlink()

    done = call(config)

    assert done.exit_code == 2
    assert "no database at" in done.stderr
    assert not path.exists()


@pytest.mark.parametrize("names", [NAMES[:1], [*NAMES, "9999_drones"]], ids=["older", "newer"])
def test_a_database_of_another_version_is_copied_as_it_is(
    config: Path, path: Path, names: list[str]
) -> None:
    path.unlink()
    released(path, *names)
    before = family(path)

    assert call(config).exit_code == 0

    [kept] = backups(path)
    assert kept.name.startswith(f"shop.db.backup-{names[-1][:4]}-")
    assert [name for (name,) in asked(kept, "SELECT name FROM _sqlite_migrations")] == list(names)
    assert {name: each for name, each in family(path).items() if name in before} == before


def test_a_copy_is_made_while_a_pass_writes(path: Path) -> None:
    """Neither waits for the other, and the copy knows nothing of what is half done."""
    with closing(opened(path)) as store:
        parcel(store, 1)
        with store.transaction():
            parcel(store, 2)
            backup.write(path, path.with_name("copy.db"))
            parcel(store, 3)

    assert len(asked(path.with_name("copy.db"), "SELECT * FROM shipments")) == 1
    assert len(asked(path, "SELECT * FROM shipments")) == 3


def test_a_copy_that_was_killed_leaves_no_copy_of_that_name(path: Path) -> None:
    with closing(opened(path)) as store, store.transaction():
        for serial in range(3000):
            parcel(store, serial)
    script = (
        "import sys\nfrom pathlib import Path\nfrom tracker_sync.store import backup\n"
        "print('ready', flush=True)\nbackup.write(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    target = path.with_name("copy.db")
    process = python(script, path, target)
    assert process.stdout is not None
    process.stdout.readline()

    while process.poll() is None and not list(path.parent.glob("copy.db.*.part")):
        pass
    process.kill()
    process.communicate(timeout=60)

    assert not target.exists() or asked(target, "SELECT count(*) FROM shipments") == [(3000,)]
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_the_command_is_found_and_says_what_it_does() -> None:
    words = [sys.executable, "-m", "tracker_sync", "backup", "--help"]

    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)

    assert "tracker-sync backup [OPTIONS] [FILE]" in done.stdout
    assert "while passes run" in done.stdout
