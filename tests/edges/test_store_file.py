"""The database file: whose it is, who may read it, and what happens when something breaks."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from edges.store_builders import (
    MINUTE,
    NOW,
    SHOP,
    asked,
    opened,
    outcome,
    owing,
    parcel,
    python,
    raw,
    together,
)
from tracker_sync import schema
from tracker_sync.errors import StoreError
from tracker_sync.model import Status, Transition
from tracker_sync.store import Store
from tracker_sync.store.connection import Connection, stamp, unstamp

ROOT = os.geteuid() == 0
NOBODY = 65534
OPEN = """
import sys
from pathlib import Path
from edges.store_builders import *
"""
COMPLAIN = """
from tracker_sync.errors import StoreError
def complain(what):
    try:
        what()
    except StoreError as exc:
        print(exc)
    else:
        print("no complaint")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def family(path: Path) -> dict[str, tuple[bytes, int]]:
    """Every file of a folder: what is in it, and since when."""
    return {
        each.name: (each.read_bytes(), each.stat().st_mtime_ns)
        for each in path.parent.iterdir()
        if each.is_file()
    }


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


# -- who may read it ---------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_only_its_owner_may_read_the_database(path: Path, mask: int) -> None:
    copy = path.with_name("copy.db")

    with umask(mask), closing(opened(path)) as store, closing(store.copied(copy)):
        parcel(store)
        modes = {each.name: mode(each) for each in path.parent.iterdir()}

    assert {"shop.db", "shop.db-wal", "shop.db-shm", "copy.db"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_restored_backup_becomes_private_again(path: Path) -> None:
    opened(path).close()
    path.chmod(0o644)

    with closing(opened(path)) as store:
        parcel(store)

        assert mode(path) == 0o600
        assert mode(path.with_name("shop.db-wal")) == 0o600


def test_rights_taken_from_the_owner_are_not_given_back(path: Path) -> None:
    opened(path).close()
    path.chmod(0o444)

    message = _as_nobody_or_me(path, "complain(lambda: opened(Path(sys.argv[1])))")

    assert "check owner and rights" in message
    assert not mode(path) & 0o200


def test_a_copy_is_complete_and_independent(path: Path) -> None:
    with closing(opened(path)) as store:
        parcel(store)
        with closing(store.copied(path.with_name("copy.db"))) as copy:
            parcel(copy, 2)

        assert len(asked(path, "SELECT * FROM shipments")) == 1
    assert len(asked(path.with_name("copy.db"), "SELECT * FROM shipments")) == 2


def test_a_copy_spares_what_is_not_ours(path: Path) -> None:
    notes = path.with_name("notes.txt")
    notes.write_text("bread, milk\n" * 300)

    with closing(opened(path)) as store:
        with pytest.raises(StoreError, match=r"notes\.txt is not a SQLite database"):
            store.copied(notes)
        with pytest.raises(StoreError, match="is the database itself"):
            store.copied(path)

    assert notes.read_text().startswith("bread")


# -- whose it is -----------------------------------------------------------------------


def test_the_file_says_what_it_is(path: Path) -> None:
    opened(path).close()

    assert asked(path, "PRAGMA application_id") == [(0x74726B73,)]
    assert path.read_bytes()[68:72] == b"trks"


def _foreign(path: Path) -> None:
    with closing(raw(path)) as other:
        other.execute("CREATE TABLE recipes (name)")


def _foreign_with_a_log(path: Path) -> None:
    _foreign(path)
    with closing(raw(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")


def _stump(path: Path) -> None:
    """Too short to say whose it was."""
    _foreign(path)
    os.truncate(path, 60)


def _text(path: Path) -> None:
    path.write_text("shop: {id: muster-shop}\n")


def _long_text(path: Path) -> None:
    path.write_text("number;order\n" * 1000)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_foreign, "another program's SQLite database and was not touched"),
        (_foreign_with_a_log, "another program's SQLite database and was not touched"),
        (_stump, "another program's SQLite database and was not touched"),
        (_text, "is not a SQLite database"),
        (_long_text, "is not a SQLite database"),
    ],
)
def test_a_foreign_file_is_refused_untouched(
    path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(path)
    path.chmod(0o644)
    before = family(path)

    with pytest.raises(StoreError, match=said) as caught:
        opened(path)

    assert f"{path}" in str(caught.value)
    assert "name another file under `database:`" in str(caught.value)
    assert family(path) == before
    assert mode(path) == 0o644


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is not a file; name a file under `database:`"):
        opened(tmp_path)

    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere does not exist; make the folder"):
        opened(tmp_path / "nowhere" / "shop.db")

    assert not list(tmp_path.iterdir())


def test_an_empty_file_is_ours_to_fill(path: Path) -> None:
    path.touch()

    with closing(opened(path)) as store:
        parcel(store)


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    opened(path).close()
    db = sqlite3.connect(path)
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('tracker_sync', '9999_from_the_future', '2030-01-01')"
    )
    db.commit()
    db.close()

    with pytest.raises(StoreError, match="newer version; update tracker-sync"):
        opened(path)


def test_another_shop_is_refused(path: Path) -> None:
    opened(path).close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"belongs to shop 'muster-shop'.*says 'other-shop'"):
        opened(path, "other-shop")

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["shop.db"]  # it was closed again


def _as_nobody_or_me(path: Path, then: str) -> str:
    """Run a piece of script beside the file without the powers of root; return what it printed."""
    drop = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY})\n" if ROOT else ""
    if ROOT:
        for each in (path.parent, *path.parent.iterdir()):
            os.chown(each, NOBODY, NOBODY)
    script = OPEN + COMPLAIN + "import tracker_sync.store\n" + drop + then
    return outcome(python(script, path.name, cwd=path.parent))


def test_an_unreadable_file_is_refused(path: Path) -> None:
    opened(path).close()
    path.chmod(0)

    message = _as_nobody_or_me(path, "complain(lambda: opened(Path(sys.argv[1])))")

    assert message == (
        "shop.db: cannot be read or written; check owner and rights of the file and its folder"
    )


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_may_not_be_written_is_named(path: Path, exists: bool) -> None:
    if exists:
        opened(path).close()
    path.parent.chmod(0o500)

    message = _as_nobody_or_me(path, "complain(lambda: opened(Path(sys.argv[1])))")
    path.parent.chmod(0o700)

    assert re.fullmatch(r"shop\.db:? cannot be .*; check owner and rights of .*", message)
    assert [each.name for each in path.parent.iterdir()] == ["shop.db"] * exists


# -- when it is damaged --------------------------------------------------------------------


def _used(path: Path) -> int:
    """A database of some pages; returns its size."""
    with closing(opened(path)) as store, store.transaction():
        for serial in range(300):
            parcel(store, serial)
    return path.stat().st_size


def _look_everywhere(path: Path) -> None:
    with closing(opened(path)) as store:
        for serial in range(1, 301):
            store.shipments.get(serial)
        parcel(store, 1000)


@pytest.mark.parametrize("kept", [100, 3000, 4096, 9000, 40_960])
def test_a_truncated_file_is_called_damaged(path: Path, kept: int) -> None:
    size = _used(path)
    assert kept < size
    os.truncate(path, kept)

    with pytest.raises(StoreError, match="is damaged; restore it from a backup"):
        _look_everywhere(path)


def test_garbage_inside_is_called_damaged(path: Path) -> None:
    size = _used(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))

    with pytest.raises(StoreError, match="is damaged; restore it from a backup"):
        _look_everywhere(path)


# -- when there is no room ------------------------------------------------------------------

FILL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = opened(Path(sys.argv[1]))
with store.transaction():
    parcel(store, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
def fill():
    with store.transaction():
        for serial in range(2, 5000):
            parcel(store, serial)
def one_by_one():
    for serial in range(2, 5000):
        with store.transaction():
            parcel(store, serial)
            store.outbox.owe(owing(None, f"kind-{serial}"), NOW)
complain(globals()[sys.argv[2]])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with store.transaction():
    parcel(store, 9000)
"""


@pytest.mark.parametrize("how", ["fill", "one_by_one"])
def test_a_full_disk_loses_nothing_and_says_so_in_one_line(path: Path, how: str) -> None:
    message = outcome(python(OPEN + COMPLAIN + FILL, path, how))

    assert message == f"{path}: the disk is full; nothing was lost, free some space and run again"
    parcels = [n for (n,) in asked(path, "SELECT CAST(substr(number, 9) AS INTEGER) FROM numbers")]
    assert {1, 9000} <= set(parcels)  # what was there, and what came when there was room again
    assert len(parcels) - 2 == len(asked(path, "SELECT id FROM messages"))
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte; only root can make one."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(folder)]
    if not ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk_loses_nothing(tiny_disk: Path) -> None:
    path, ballast = tiny_disk / "shop.db", tiny_disk / "ballast"

    with closing(opened(path)) as store:
        parcel(store, 1)
        ballast.write_bytes(b"\0" * (_free(tiny_disk) - 40_960))
        with pytest.raises(StoreError, match="the disk is full; nothing was lost"):
            _fill_up(store.transaction, lambda serial: parcel(store, serial))
        ballast.unlink()
        parcel(store, 9000)

    assert asked(path, "SELECT count(*) FROM shipments") == [(2,)]


@pytest.mark.parametrize("left", [0, 4096, 8192, 12_288])
def test_a_disk_too_full_to_open_is_said_to_be_full(tiny_disk: Path, left: int) -> None:
    path, ballast = tiny_disk / "shop.db", tiny_disk / "ballast"
    opened(path).close()
    ballast.write_bytes(b"\0" * (_free(tiny_disk) - left))

    with pytest.raises(StoreError, match="the disk is full; nothing was lost"):
        _open_and_write(path)

    ballast.unlink()
    _open_and_write(path)


def _open_and_write(path: Path) -> None:
    with closing(opened(path)) as store:
        parcel(store)


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _fill_up(transaction: Callable[[], object], add: Callable[[int], object]) -> None:
    with transaction():  # type: ignore[attr-defined]
        for serial in range(2, 5000):
            add(serial)


# -- two programs -----------------------------------------------------------------------------


def test_a_database_held_by_another_program_is_said_to_be_held(path: Path) -> None:
    opened(path).close()

    with closing(raw(path)) as other, closing(Connection(path, shop=SHOP, patience=0.05)) as mine:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds the database; close it"):
            mine.run("INSERT INTO pauses VALUES ('*', '')")
        with pytest.raises(StoreError, match="another program holds"), mine.transaction():
            pytest.fail("there is no transaction without the lock")
        other.execute("ROLLBACK")
        with mine.transaction():
            mine.run("INSERT INTO pauses VALUES ('*', '')")

    assert asked(path, "SELECT kind FROM pauses") == [("*",)]


def test_a_reader_disturbs_nobody(path: Path) -> None:
    with closing(opened(path)) as store, closing(raw(path)) as datasette:
        datasette.execute("BEGIN")
        assert datasette.execute("SELECT count(*) FROM shipments").fetchone() == (0,)
        parcel(store)

        assert datasette.execute("SELECT count(*) FROM shipments").fetchone() == (0,)
        datasette.execute("COMMIT")
        assert datasette.execute("SELECT count(*) FROM shipments").fetchone() == (1,)


def test_a_second_look_at_the_file_does_not_free_it_for_others(path: Path) -> None:
    """Closing a file any other way than SQLite does would drop this process's locks on it."""
    with closing(opened(path)) as store:
        parcel(store, 1)
        opened(path).close()
        outcome(python(OPEN + "opened(Path(sys.argv[1])).close()", path))
        parcel(store, 2)

        assert asked(path, "SELECT count(*) FROM shipments") == [(2,)]


def test_many_may_start_at_once(path: Path) -> None:
    script = OPEN + (
        "for attempt in range(5):\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    opened(Path(f'{attempt}.db')).close()\n"
        "print('all open')\n"
    )
    starts = [python(script, cwd=path.parent) for _ in range(3)]

    for _ in range(5):
        together(starts)

    assert [outcome(each) for each in starts] == ["all open"] * 3
    for new in path.parent.glob("*.db"):
        assert len(asked(new, "SELECT * FROM meta")) == 2
        assert len(asked(new, "SELECT * FROM _sqlite_migrations")) == len(_names())


# -- transactions --------------------------------------------------------------------------


class Crash(Exception):
    """Something that goes wrong in the middle."""


def crash(store: Store, inside: AbstractContextManager[None], serial: int) -> None:
    with inside:
        parcel(store, serial)
        raise Crash


def test_status_and_message_are_kept_together(path: Path) -> None:
    with closing(opened(path)) as store:
        shipment_id = parcel(store)

        def record(*, crash: bool) -> None:
            with store.transaction():
                delivered = Transition(Status.DELIVERED, NOW)
                store.shipments.add_transition(shipment_id, delivered, NOW)
                store.shipments.update(shipment_id, {"status": "delivered"})
                if crash:
                    raise Crash
                store.outbox.owe(owing(shipment_id), NOW, transition=delivered)

        with pytest.raises(Crash):
            record(crash=True)
        assert asked(path, "SELECT status FROM shipments") == [(None,)]
        assert not store.shipments.told(shipment_id)

        record(crash=False)
        assert asked(path, "SELECT status FROM shipments") == [("delivered",)]
        assert len(asked(path, "SELECT * FROM outbox")) == 1


def test_a_transaction_inside_another_joins_it(path: Path) -> None:
    with closing(opened(path)) as store:
        with pytest.raises(Crash), store.transaction():
            crash(store, store.transaction(), 1)
        assert not asked(path, "SELECT * FROM shipments")

        with store.transaction():
            with store.transaction():
                parcel(store, 1)
            assert not asked(path, "SELECT * FROM shipments")  # not before the outer one ends
        assert len(asked(path, "SELECT * FROM shipments")) == 1


def test_the_write_lock_is_held_from_the_start(path: Path) -> None:
    with (
        closing(opened(path)) as store,
        closing(raw(path, 0.05)) as other,
        store.transaction(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_an_attempt_undoes_only_its_own(path: Path) -> None:
    with closing(opened(path)) as store, store.transaction():
        parcel(store, 1)
        with pytest.raises(Crash):
            crash(store, store.attempt(), 2)
        with store.attempt():
            parcel(store, 3)
            with pytest.raises(Crash):
                crash(store, store.attempt(), 4)

    assert asked(path, "SELECT substr(number, -1) FROM shipments") == [("1",), ("3",)]


def test_one_bad_row_is_no_fault_of_the_database(path: Path) -> None:
    """It must stay one bad item, so it is not told as a database that cannot be used."""
    with closing(opened(path)) as store, store.transaction():
        parcel(store, 1)
        with pytest.raises(sqlite3.IntegrityError), store.attempt():
            store.shipments.update(1, {"status": "delivered", "leg": None})
        parcel(store, 2)

    assert asked(path, "SELECT status FROM shipments") == [(None,), (None,)]


def test_what_goes_wrong_inside_keeps_its_own_words(path: Path) -> None:
    with (
        closing(opened(path)) as store,
        pytest.raises(FileNotFoundError, match=r"rows\.csv"),
        store.transaction(),
    ):
        (path.parent / "rows.csv").read_text()


def test_a_process_killed_in_the_middle_leaves_nothing_half_done(path: Path) -> None:
    script = OPEN + (
        "import os\nstore = opened(Path(sys.argv[1]))\nparcel(store, 1)\n"
        "with store.transaction():\n"
        "    for serial in range(2, 3000):\n"
        "        parcel(store, serial)\n"
        "    print('written', flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )

    process = python(script, path)
    out, _ = process.communicate(timeout=60)

    assert (out.strip(), process.returncode) == ("written", -9)
    with closing(opened(path)) as store:
        assert store.shipments.get(1)
        assert asked(path, "SELECT count(*) FROM shipments") == [(1,)]
        parcel(store, 2)


# -- the tables -------------------------------------------------------------------------------


def _names() -> list[str]:
    return list(schema.SCRIPTS)


def test_migrations_are_numbered_in_order() -> None:
    numbers = [int(re.fullmatch(r"(\d{4})_[a-z_]+", name)[1]) for name in _names()]  # type: ignore[index]

    assert numbers == list(range(1, len(numbers) + 1))


def test_opening_again_changes_nothing(path: Path) -> None:
    opened(path).close()
    before = path.read_bytes()

    opened(path).close()

    assert path.read_bytes() == before


def test_a_file_that_got_no_further_than_its_mark_is_finished(path: Path) -> None:
    with closing(raw(path)) as other:
        other.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")

    with closing(opened(path)) as store:
        parcel(store)


def test_every_table_is_strict(path: Path) -> None:
    opened(path).close()

    loose = asked(
        path,
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict"
        " AND name NOT LIKE 'sqlite_%'",
    )

    assert loose == [("_sqlite_migrations",)]  # the library's own


def test_every_reference_has_an_index(path: Path) -> None:
    """Else deleting one row would read the whole table that refers to it."""
    opened(path).close()

    for (table,) in asked(path, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        for reference in asked(path, f"PRAGMA foreign_key_list({table})"):
            plan = asked(path, f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE {reference[3]} = 1")
            assert plan[0][3].startswith("SEARCH"), (table, reference[3])


def test_tables_and_views_can_be_read_by_anybody(path: Path) -> None:
    with closing(opened(path)) as store:
        shipment_id = parcel(
            store,
            status="delivered",
            first_scan_at=stamp(NOW - 36 * 60 * MINUTE),
            delivered_at=stamp(NOW),
        )
        store.outbox.owe(owing(shipment_id), NOW)

    found = asked(path, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    for (name,) in found:
        asked(path, f"SELECT * FROM [{name}]")
    assert {("open_shipments",), ("outbox",), ("transit_times",), ("shipments",)} <= set(found)
    assert asked(path, "SELECT brand, status FROM open_shipments") == [("dhl", "delivered")]
    assert asked(path, "SELECT kind FROM outbox") == [("delivered",)]
    assert asked(path, "SELECT days FROM transit_times") == [(1.5,)]


def test_every_connection_is_careful(path: Path) -> None:
    with closing(Connection(path, shop=SHOP)) as mine:
        assert mine.value("PRAGMA foreign_keys") == 1
        assert mine.value("PRAGMA secure_delete") == 1
        assert mine.value("PRAGMA journal_mode") == "wal"


def test_a_time_has_one_spelling() -> None:
    assert stamp(NOW) == "2026-03-02T09:00:00Z"
    assert unstamp(stamp(NOW)) == NOW
    with pytest.raises(ValueError, match="naive"):
        stamp(NOW.replace(tzinfo=None))
