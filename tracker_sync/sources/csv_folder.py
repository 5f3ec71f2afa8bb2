"""CSV files dropped into a folder.

The sender writes under another name (`.part`, `.tmp` or a leading dot) and renames when the file
is complete. A file that has grown since it was read stays, and is read again on the next pass.
Rows that were not taken are kept in `rejected/`, taken files move to `done/`, files that cannot be
read as a whole to `rejected/`; both folders lie inside the one that is watched.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from tracker_sync.errors import UserError
from tracker_sync.sources import Bundle, Reject, Source, SourceConfig, folders, rows
from tracker_sync.sources.headers import columns
from tracker_sync.sources.sheet import read


class CsvConfig(SourceConfig):
    """Where the files are dropped: by your warehouse, your shop's export, or by hand."""

    type: Literal["csv"] = "csv"
    path: str = Field(min_length=1)  # "inbox/*.csv"; a folder alone means its *.csv
    name: str = ""  # what the entry is called; by default its path
    encoding: str = "auto"  # auto = UTF-8, UTF-16 with its mark, else Windows-1252
    full_list: bool = False  # each file lists everything under way, not only what is new
    enclosed_returns: bool = False  # return rows are labels enclosed in every parcel

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            " ".encode("utf-8" if encoding == "auto" else encoding)  # "hex" is a codec, and no text
            return encoding if encoding == "auto" else codecs.lookup(encoding).name
        except (LookupError, ValueError):
            raise ValueError("not a known encoding; write auto, utf-8 or cp1252") from None


class CsvFolder(Source):
    """A folder of CSV files."""

    key = "csv"
    Config = CsvConfig
    config: CsvConfig

    @property
    def name(self) -> str:
        """The name in the YAML, else the path as it is written there."""
        return self.config.name or f"csv {self.config.path}"

    @property
    def lists_all(self) -> bool:
        """As the merchant says."""
        return self.config.full_list

    def fetch(self, taken: Collection[str]) -> Iterator[Bundle]:
        """Give each file; an empty bundle for content taken before, so that it moves on."""
        seen, unreadable = set(taken), []
        for name in folders.waiting(self.context.folder, self.config.path):
            try:
                content = folders.content(self.context.folder / name)
            except FileNotFoundError:
                continue  # someone took it back
            except OSError as exc:
                unreadable.append(f"{name}: {_unreadable(exc)}")
                continue
            fingerprint = _fingerprint(content)
            empty = Bundle(name, fingerprint, ())
            yield empty if fingerprint in seen else self._filled(empty, content)
            seen.add(fingerprint)
        if unreadable:
            raise UserError(f"{self.name}: some files cannot be read", unreadable)

    def done(self, bundle: Bundle, refused: tuple[Reject, ...]) -> None:
        """Keep the rows that were not taken in `rejected/`, then move the file to `done/`."""
        path = self.context.folder / bundle.name
        try:
            content = folders.content(path)
            if _fingerprint(content) == bundle.fingerprint:
                self._put_away(path, content, (bundle, refused))
        except FileNotFoundError:
            return
        except OSError as exc:
            why = f"{bundle.name} is taken but cannot be moved to done/: {exc.strerror}"
            raise UserError(f"{why}; let this user write in its folder") from exc

    def purge(self, before: datetime) -> int:
        """Delete the files that were put away before then; count them."""
        return folders.purge(folders.watched(self.context.folder, self.config.path), before)

    def _put_away(
        self, path: Path, content: bytes, result: tuple[Bundle, tuple[Reject, ...]]
    ) -> None:
        bundle, refused = result
        if not bundle.advices and not bundle.rejects:  # after a crash the reasons are still wanted
            bundle = self._filled(bundle, content)
        now = self.context.now
        try:
            sheet = read(content, self.config.encoding)
            columns(sheet.header)
        except ValueError as exc:
            kept = folders.move(path, folders.REJECTED, now)
            return folders.write(path, f"{kept.name}.reason.txt", f"{exc}\n".encode(), now)
        if reasons := _by_line((*bundle.rejects, *refused)):
            folders.write(path, path.name, folders.rejected(sheet, reasons), now)
        folders.move(path, folders.DONE, now)
        return None

    def _filled(self, bundle: Bundle, content: bytes) -> Bundle:
        house = rows.House(
            self.context.zone, self.context.country, enclosed=self.config.enclosed_returns
        )
        try:
            return rows.bundle(bundle, read(content, self.config.encoding), house)
        except ValueError as exc:
            return replace(bundle, rejects=(Reject(f"{bundle.name}:1", str(exc)),))


def _unreadable(exc: OSError) -> str:
    if exc.errno == errno.ELOOP:
        return "this is a link; put the file itself there"
    return f"{exc.strerror}; let this user read it"


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _by_line(rejects: Sequence[Reject]) -> dict[int, str]:
    """Several reasons for one line become one text."""
    lines: dict[int, str] = {}
    for reject in rejects:
        line = int(reject.where.rpartition(":")[2])
        lines[line] = f"{lines[line]}; {reject.why}" if line in lines else reject.why
    return lines
