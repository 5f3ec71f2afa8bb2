"""A CSV file as rows: character set, delimiter, quotes, line numbers.

One broken row stays one broken row: a quote that is opened and never closed costs its own line,
not the rest of the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracker_sync.sources.headers import known

MAX_BYTES = 50_000_000
_SPAN = 100  # a row longer than this many lines is an unclosed quote
_DELIMITERS = ";,\t|"
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line
_QUOTE = 'a quote (") is opened and not closed in the right place; double the quotes inside a cell'
_MAGIC = {
    b"PK\x03\x04": "this is an Excel workbook or a zip file",
    b"\xd0\xcf\x11\xe0": "this is an old Excel workbook",
    b"\x1f\x8b": "this is a gzip file",
    b"%PDF": "this is a PDF file",
}
_SAVE_AS = "save it as CSV (UTF-8) and drop it again"


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line it starts on; *fault* says why its cells cannot be trusted."""

    line: int
    cells: tuple[str, ...]
    raw: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole file."""

    header: tuple[str, ...]
    line: int  # of the header
    delimiter: str
    rows: tuple[Row, ...]


def read(content: bytes, encoding: str = "auto") -> Sheet:
    """Read a file; ValueError says why the whole of it cannot be used."""
    lines = list(io.StringIO(_decoded(content, encoding), newline=""))
    start = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    delimiters = _DELIMITERS
    if start < len(lines) and (match := _SEP.fullmatch(lines[start])):
        start, delimiters = start + 1, match[1]
    if start >= len(lines):
        raise ValueError("the file is empty; drop an export with a header line")
    header, delimiter, used = _header(lines[start : start + _SPAN], delimiters)
    rows = tuple(_rows(lines, start + used, (len(header), delimiter)))
    return Sheet(header, start + 1, delimiter, rows)


def _decoded(content: bytes, encoding: str) -> str:
    if len(content) > MAX_BYTES:
        raise ValueError(f"the file is larger than {MAX_BYTES // 1_000_000} MB; split it")
    for magic, what in _MAGIC.items():
        if content.startswith(magic):
            raise ValueError(f"{what}; {_SAVE_AS}")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and encoding == "auto" and b"\0" in content:
        raise ValueError(f"this is not a text file; {_SAVE_AS}")
    # Windows-1252 knows nearly every byte, so it comes last: it cannot say "not mine".
    tries = ("utf-16",) if wide else ("utf-8-sig", "cp1252")
    for name in tries if encoding == "auto" else (encoding,):
        try:
            return content.decode(name).removeprefix("\ufeff")
        except UnicodeError:
            continue
    raise ValueError(f"the characters cannot be read ({encoding}); {_SAVE_AS}, or set `encoding`")


def _header(lines: Sequence[str], delimiters: str) -> tuple[tuple[str, ...], str, int]:
    """Split the header the way that yields most names we know; data rows may hold any sign."""
    if lines[0].lstrip().startswith("<"):
        raise ValueError(f"this is a web page or XML, not CSV; {_SAVE_AS}")
    best: tuple[int, int, tuple[str, ...], str, int] = (-1, 0, (), "", 0)
    for delimiter in delimiters:
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            cells = tuple(next(reader))
        except csv.Error as exc:
            raise ValueError("the header line is too long; is this a CSV file?") from exc
        score = (known(cells), len(cells))
        if score > best[:2]:
            best = (*score, cells, delimiter, reader.line_num)
    return best[2:]


def _rows(lines: Sequence[str], start: int, shape: tuple[int, str]) -> Iterator[Row]:
    at = start
    while at < len(lines):
        row, used = _row(lines[at : at + _SPAN], at + 1, shape)
        if row.fault or any(cell.strip() for cell in row.cells):
            yield row
        at += used


def _row(ahead: Sequence[str], line: int, shape: tuple[int, str]) -> tuple[Row, int]:
    """Read the row that begins *ahead*, and count the lines it takes."""
    width, delimiter = shape
    reader = csv.reader(ahead, delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except csv.Error as exc:
        long = "limit" in str(exc)
        return _broken(ahead[0], line, "a cell is far too long" if long else _QUOTE), 1
    used = reader.line_num
    if any(_whole(more, shape) for more in ahead[1:used]):
        return _broken(ahead[0], line, _QUOTE), 1
    if any(cell.strip() for cell in cells) and _misfit(cells, width):
        return _broken(ahead[0], line, f"the row has {len(cells)} cells, the header {width}"), 1
    return Row(line, tuple(cells[:width]), "".join(ahead[:used]).rstrip("\r\n")), used


def _broken(raw: str, line: int, fault: str) -> Row:
    return Row(line, (), raw.rstrip("\r\n"), fault)


def _whole(line: str, shape: tuple[int, str]) -> bool:
    """Whether a line inside a quoted cell looks like a row that the quote has swallowed."""
    width, delimiter = shape
    return line.count(delimiter) >= width - 1 and '"' not in line.partition(delimiter)[0]


def _misfit(cells: Sequence[str], width: int) -> bool:
    """Too few, or too many that are not just blank."""
    return len(cells) < width or any(cell.strip() for cell in cells[width:])
