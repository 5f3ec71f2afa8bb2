"""Where dropped files wait, and where they go: `done/`, `rejected/`, and away.

Whatever is put away is readable by its owner alone, dated by when it came, and never overwrites.
"""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from tracker_sync.errors import UserError
from tracker_sync.sources.columns import text
from tracker_sync.sources.headers import fold
from tracker_sync.sources.sheet import MAX_BYTES, Sheet

DONE = "done"
REJECTED = "rejected"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# What makes a spreadsheet calculate: at the start of a cell, or after what it takes for one.
_SIGNS = r"[=+\-@\uff0b\uff0d\uff1d\uff20]"
_FORMULA = re.compile(rf"^\s*{_SIGNS}|^[\t\r\n]")
_INNER = re.compile(rf"([;,\t|\r\n][\s\"]*)(?={_SIGNS})")
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload")


def waiting(base: Path, pattern: str) -> list[str]:
    """Return the files that match *pattern*, as named from *base*; not those being written."""
    places, mask = _split(base, pattern)
    if not places:
        raise UserError(f"{pattern}: there is no such folder; create it or correct `path`")
    return sorted(
        (Path(place) / path.name).as_posix()
        for place in places
        for path in (base / place).iterdir()
        if fnmatchcase(path.name.lower(), mask) and path.is_file() and _finished(path.name)
    )


def watched(base: Path, pattern: str) -> list[Path]:
    """Return the folders in which files of *pattern* are dropped."""
    return [base / place for place in _split(base, pattern)[0]]


def _split(base: Path, pattern: str) -> tuple[list[str], str]:
    path = Path(pattern)
    if (base / path).is_dir():
        return [pattern], "*.csv"
    found = glob.glob(str(path.parent), root_dir=base)  # noqa: PTH207 - Path.glob takes no absolute one
    places = [place for place in found if Path(place).name not in {DONE, REJECTED}]
    return [place for place in places if (base / place).is_dir()], path.name.lower()


def _finished(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.lower().endswith(_UNFINISHED)


def content(path: Path) -> bytes:
    """Read a file, of one that is too large no more than shows it; no link leads elsewhere."""
    with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as file:
        return file.read(MAX_BYTES + 1)


def move(path: Path, folder: str, now: datetime) -> Path:
    """Move *path* into *folder* beside it; say where it lies now."""
    target = _free(_beside(path, folder), path.name)
    path.rename(target)
    _own(target, now)
    return target


def write(path: Path, name: str, content: bytes, now: datetime) -> None:
    """Keep *content* in `rejected/` beside *path*, once however often it is written."""
    folder = _beside(path, REJECTED)
    same = folder / name
    if same.is_file() and same.read_bytes() == content:
        return
    target = _free(folder, name)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    _own(target, now)


def rejected(sheet: Sheet, reasons: Mapping[int, str]) -> bytes:
    """Return the rows of *sheet* on the lines of *reasons* as a file that can be dropped again."""
    width = len(sheet.header)
    if fold(sheet.header[-1]) == "reason":  # it has been through here before
        width -= 1
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=sheet.delimiter, lineterminator="\r\n")
    writer.writerow((*map(harmless, sheet.header[:width]), "reason"))
    for row in sheet.rows:
        if row.line in reasons:
            cells = (row.cells or (row.raw, *[""] * width))[:width]
            writer.writerow((*map(harmless, cells), f"line {row.line}: {reasons[row.line]}"))
    return lines.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """Return *cell* such that no spreadsheet calculates it; we read it as before."""
    if cell.startswith('="') and text(cell) != cell:
        cell = text(cell)  # Excel's own way to keep a number as text
        return f"'{cell}"
    safe = _INNER.sub(r"\1'", cell)
    return f"'{safe}" if _FORMULA.search(safe) else safe


def purge(folders: Iterable[Path], before: datetime) -> int:
    """Delete what lies in `done/` and `rejected/` of *folders* since before then; count it."""
    gone = 0
    for path in (path for folder in folders for path in _kept(folder)):
        if path.lstat().st_mtime < before.timestamp():
            path.unlink()
            gone += 1
    return gone


def _kept(folder: Path) -> list[Path]:
    kept = (folder / name for name in (DONE, REJECTED))
    return [path for place in kept if place.is_dir() for path in place.iterdir() if path.is_file()]


def _beside(path: Path, folder: str) -> Path:
    place = path.parent / folder
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _free(folder: Path, name: str) -> Path:
    target, copy = folder / name, 1
    while target.exists() or target.is_symlink():
        copy += 1
        target = folder / f"{Path(name).stem}-{copy}{Path(name).suffix}"
    return target


def _own(path: Path, now: datetime) -> None:
    # A file uploaded by another user can be moved, but not changed.
    with suppress(PermissionError):
        path.chmod(0o600)
        os.utime(path, (now.timestamp(), now.timestamp()))
