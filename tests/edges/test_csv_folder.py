from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tracker_sync.errors import UserError
from tracker_sync.sources import Bundle, Context, Reject
from tracker_sync.sources.csv_folder import CsvConfig, CsvFolder

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
GOOD = b"tracking_number,courier\n00340000161094042557,dhl\n1Z0000000000000001,ups\n"
MIXED = b"tracking_number;order_id\r\n00340000161094042557;1001\r\nA/B;1002\r\n1Z12345678;1003\r\n"

Open = Callable[..., CsvFolder]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "shop [1]" / "inbox"  # signs of a glob in the path mean themselves
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def opened(inbox: Path) -> Open:
    def opened(**config: Any) -> CsvFolder:
        context = Context(inbox.parent, "Europe/Berlin", "DE", NOW)
        return CsvFolder(CsvConfig.model_validate({"path": "inbox/*.csv", **config}), context)

    return opened


def rejected(inbox: Path, name: str) -> list[dict[str, str]]:
    text = (inbox / "rejected" / name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_taken_once_and_moves_to_done(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(GOOD)
    source = opened()

    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert bundle.name == "inbox/orders.csv"
    assert [advice.where for advice in bundle.advices] == [
        "inbox/orders.csv:2",
        "inbox/orders.csv:3",
    ]
    assert files(inbox) == ["done/orders.csv"]
    assert list(opened().fetch({bundle.fingerprint})) == []


def test_content_that_was_taken_moves_to_done_under_any_name(inbox: Path, opened: Open) -> None:
    (inbox / "a.csv").write_bytes(GOOD)
    (inbox / "b.csv").write_bytes(GOOD)
    source = opened()

    first, second = source.fetch(())
    for bundle in (first, second):
        source.done(bundle, ())

    assert len(first.advices) == 2
    assert second == Bundle("inbox/b.csv", first.fingerprint, ())
    assert files(inbox) == ["done/a.csv", "done/b.csv"]


def test_a_crash_between_storing_and_moving_costs_nothing(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)
    (stored,) = opened().fetch(())

    source = opened()
    (again,) = source.fetch({stored.fingerprint})
    source.done(again, ())

    assert (again.advices, again.rejects) == ((), ())
    assert files(inbox) == ["done/orders.csv", "rejected/orders.csv"]


def test_bad_rows_and_refused_rows_are_kept_with_their_reasons(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)
    source = opened()

    (bundle,) = source.fetch(())
    source.done(bundle, (Reject("inbox/orders.csv:4", "known under another order"),))

    assert [advice.order for advice in bundle.advices] == ["1001", "1003"]
    assert [(bad.where, bad.row) for bad in bundle.rejects] == [("inbox/orders.csv:3", "A/B;1002")]
    assert rejected(inbox, "orders.csv") == [
        {
            "tracking_number": "A/B",
            "order_id": "1002",
            "reason": "line 3: tracking_number: a tracking number has letters A-Z and digits only, "
            'not "/"',
        },
        {
            "tracking_number": "1Z12345678",
            "order_id": "1003",
            "reason": "line 4: known under another order",
        },
    ]


def test_a_row_refused_twice_names_both_reasons(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)
    source = opened()
    (bundle,) = source.fetch(())

    source.done(bundle, (Reject("inbox/orders.csv:3", "and this"),))

    (row,) = rejected(inbox, "orders.csv")
    assert row["reason"].endswith('not "/"; and this')


def test_a_rejected_file_can_be_corrected_and_dropped_again(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)
    source = opened()
    source.done(*source.fetch(()), ())

    kept = inbox / "rejected" / "orders.csv"
    (inbox / "again.csv").write_bytes(kept.read_bytes())
    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert [bad.where for bad in bundle.rejects] == ["inbox/again.csv:2"]
    assert list(rejected(inbox, "again.csv")[0]) == ["tracking_number", "order_id", "reason"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\r\n\r\n", "the file is empty"),
        (b"sep=;\r\n", "the file is empty"),
        (b"PK\x03\x04rest", "this is an Excel workbook or a zip file; save it as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "this is an old Excel workbook"),
        (b"<!DOCTYPE html><html>", "this is a web page"),
        (b"tracking_number\n\0\1\2", "this is not a text file"),
        (b"tracking_number\n\x81\x8d", "the characters cannot be read"),
        (b"x" * 140_000, "the header line is too long"),
        (b"order,email\n1,2\n", "name it tracking_number in the first line"),
        (b"order,Trakcing_Number\n1,2\n", 'did you mean column 2, "Trakcing_Number"?'),
        (b"Name,Financial Status,Lineitem name\n", "this is Shopify's orders export"),
    ],
)
def test_a_file_that_is_no_use_is_set_aside_whole(
    inbox: Path, opened: Open, content: bytes, reason: str
) -> None:
    (inbox / "orders.csv").write_bytes(content)
    source = opened()

    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert bundle.advices == ()
    assert [bad.where for bad in bundle.rejects] == ["inbox/orders.csv:1"]
    assert reason in bundle.rejects[0].why
    assert (inbox / "rejected" / "orders.csv").read_bytes() == content
    assert reason in (inbox / "rejected" / "orders.csv.reason.txt").read_text(encoding="utf-8")
    assert len(files(inbox)) == 2


def test_a_header_alone_is_noted_and_moves_to_done(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(b"tracking_number,order_id\n")
    source = opened()

    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert bundle.rejects == ()
    assert [note.why for note in bundle.notes] == ["the file has a header and no rows"]
    assert files(inbox) == ["done/orders.csv"]


def test_a_file_that_has_grown_since_stays_and_is_read_again(inbox: Path, opened: Open) -> None:
    path = inbox / "orders.csv"
    path.write_bytes(GOOD)
    source = opened()
    (bundle,) = source.fetch(())

    path.write_bytes(GOOD + b"3SABCD1234567,postnl\n")
    source.done(bundle, ())
    (more,) = source.fetch({bundle.fingerprint})

    assert files(inbox) == ["orders.csv"]
    assert len(more.advices) == 3


def test_a_file_that_was_taken_back_is_no_error(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(GOOD)
    source = opened()
    (bundle,) = source.fetch(())

    (inbox / "orders.csv").unlink()
    source.done(bundle, ())

    assert files(inbox) == []


def test_unfinished_and_foreign_files_are_left_alone(inbox: Path, opened: Open) -> None:
    for name in (".orders.csv", "~$orders.csv", "orders.csv.part", "orders.CSV.tmp", "notes.txt"):
        (inbox / name).write_bytes(GOOD)
    (inbox / "folder.csv").mkdir()

    assert [bundle.name for bundle in opened(path="inbox/*").fetch(())] == ["inbox/notes.txt"]
    assert list(opened().fetch(())) == []


def test_names_match_in_any_case_and_come_in_order(inbox: Path, opened: Open) -> None:
    for name in ("b.csv", "C.CSV", "a.csv"):
        (inbox / name).write_bytes(GOOD + name.encode())

    assert [bundle.name for bundle in opened().fetch(())] == [
        "inbox/C.CSV",
        "inbox/a.csv",
        "inbox/b.csv",
    ]


@pytest.mark.parametrize("path", ["inbox", "inbox/", "./inbox/*.csv", "*/*.csv", "in*/o*.csv"])
def test_a_folder_or_a_pattern_may_be_watched(inbox: Path, opened: Open, path: str) -> None:
    (inbox / "orders.csv").write_bytes(GOOD)
    source = opened(path=path)

    (bundle,) = source.fetch(())
    source.done(bundle, ())

    assert files(inbox) == ["done/orders.csv"]
    assert list(source.fetch(())) == []


def test_an_absolute_path_may_be_watched(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(GOOD)
    source = opened(path=f"{inbox}")

    source.done(*source.fetch(()), ())

    assert files(inbox) == ["done/orders.csv"]


def test_what_was_put_away_is_not_read_again_by_a_wide_pattern(inbox: Path, opened: Open) -> None:
    (inbox / "done").mkdir()
    (inbox / "done" / "orders.csv").write_bytes(GOOD)

    with pytest.raises(UserError, match="no such folder"):
        list(opened(path="inbox/*/*.csv").fetch(()))


def test_a_folder_that_does_not_exist_is_said(opened: Open) -> None:
    with pytest.raises(UserError, match=r"outbox/\*\.csv: there is no such folder; create it"):
        list(opened(path="outbox/*.csv").fetch(()))


def test_a_name_that_is_taken_in_done_gets_a_suffix(inbox: Path, opened: Open) -> None:
    source = opened()
    for more in (b"", b"3SABCD1234567,postnl\n", b"3SABCD1234568,postnl\n"):
        (inbox / "orders.csv").write_bytes(GOOD + more)
        source.done(*source.fetch(()), ())

    assert files(inbox) == ["done/orders-2.csv", "done/orders-3.csv", "done/orders.csv"]


def test_what_is_put_away_is_for_its_owner_alone(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)
    (inbox / "orders.csv").chmod(0o644)
    source = opened()

    source.done(*source.fetch(()), ())

    for name in ("done/orders.csv", "rejected/orders.csv"):
        assert stat.S_IMODE((inbox / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((inbox / "done").stat().st_mode) == 0o700


def test_files_are_purged_by_the_day_they_were_put_away(inbox: Path, opened: Open) -> None:
    path = inbox / "orders.csv"
    path.write_bytes(MIXED)
    os.utime(path, (0, 0))
    source = opened()
    source.done(*source.fetch(()), ())
    (inbox / "new.csv").write_bytes(GOOD)

    early = source.purge(NOW - timedelta(days=1))
    late = source.purge(NOW + timedelta(days=1))

    assert (early, late) == (0, 2)
    assert files(inbox) == ["new.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_does_not_hold_up_the_others(inbox: Path, opened: Open) -> None:
    (inbox / "a.csv").write_bytes(GOOD)
    (inbox / "a.csv").chmod(0)
    (inbox / "b.csv").write_bytes(GOOD)

    given = opened().fetch(())

    assert next(given).name == "inbox/b.csv"
    with pytest.raises(UserError, match=r"inbox/a\.csv: .*; let this user read it"):
        next(given)


def test_a_file_that_cannot_be_moved_is_said(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(GOOD)
    (inbox / "done").write_bytes(b"in the way")
    source = opened()
    (bundle,) = source.fetch(())

    with pytest.raises(UserError, match=r"inbox/orders\.csv is taken but cannot be moved"):
        source.done(bundle, ())


def test_an_entry_is_named_by_its_path_unless_it_has_a_name(opened: Open) -> None:
    assert opened().name == "csv inbox/*.csv"
    assert opened(name="warehouse").name == "warehouse"


@pytest.mark.parametrize(
    ("config", "error"),
    [({"path": ""}, "path"), ({}, "path"), ({"path": "x", "encoding": "utf-9"}, "write auto")],
)
def test_a_wrong_entry_says_what_to_write(config: dict[str, str], error: str) -> None:
    with pytest.raises(ValidationError, match=error):
        CsvConfig.model_validate(config)


def test_a_dry_run_that_never_calls_done_changes_no_file(inbox: Path, opened: Open) -> None:
    (inbox / "orders.csv").write_bytes(MIXED)

    list(opened().fetch(()))

    assert files(inbox) == ["orders.csv"]
