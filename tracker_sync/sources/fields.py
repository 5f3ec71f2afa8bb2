"""The cells of one row by field name: what must be right, and what may be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tracker_sync.sources import columns, headers

_MAX_CELL = 4000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """One row by field name."""

    columns: headers.Columns
    cells: Sequence[str]
    notes: list[str] = field(default_factory=list)

    def at(self, name: str, index: int) -> str:
        """Return the text of one cell; ValueError if no one can have meant it."""
        if len(self.cells[index]) > _MAX_CELL:
            raise ValueError(f"{name}: the cell is longer than {_MAX_CELL} characters")
        return columns.text(self.cells[index])

    @property
    def addressed(self) -> bool:
        """Whether the row names a recipient at all, readable or not."""
        return any(map(self.text, ("email", "sms", "external_id")))

    def text(self, name: str) -> str:
        """Return what the row says about *name*, from the best column that is not blank."""
        found = (self.at(name, index) for index in self.columns.places.get(name, ()))
        return next(filter(None, found), "")

    def need(self, name: str, read: Callable[[str], T], blank: T) -> T:
        """Read a field; a cell that cannot be read costs the row."""
        cell = self.text(name)
        try:
            return read(cell) if cell else blank
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from None

    def want(self, name: str, read: Callable[[str], T], blank: T) -> T:
        """Read a field; a cell that cannot be read is noted and left blank."""
        cell = self.text(name)
        try:
            return read(cell) if cell else blank
        except ValueError as exc:
            self.notes.append(f"{name}: {exc}; left blank")
            return blank
