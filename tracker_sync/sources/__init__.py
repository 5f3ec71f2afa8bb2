"""What a source is, and which ones we have.

Floor 2. A source is one file: its keys, and one method that gives `Advice` (one shipment each).
It never touches the database: what it must remember between passes it gets and gives as text.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from tracker_sync.discovery import found
from tracker_sync.model import Advice


class SourceConfig(BaseModel):
    """What the merchant writes in one entry of `sources:`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    courier: str = ""  # who moves its parcels, where a row does not say and the number fits several


@dataclass(frozen=True, slots=True)
class Context:
    """What a source needs to know of the house it serves."""

    folder: Path  # relative paths start here
    zone: str  # the shop's time zone, for stamps without offset
    country: str  # ISO 3166 of the shop, for phone numbers without country code; may be blank
    now: datetime


@dataclass(frozen=True, slots=True)
class Reject:
    """A row or record that cannot be taken, and why; *why* holds no personal data."""

    where: str  # file and line
    why: str
    row: str = ""  # the raw row, for the file of rejected rows only


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that is taken as a whole: a file, a page. Named by what must not be taken twice."""

    name: str  # for people: the file's name
    fingerprint: str  # content hash or cursor
    advices: tuple[Advice, ...]
    rejects: tuple[Reject, ...] = ()
    notes: tuple[Reject, ...] = ()  # taken all the same, with something left out: why
    doubts: tuple[str, ...] = ()  # what looks wrong about the whole of it: told to a person


class Source(ABC):
    """One way of learning about shipments."""

    key: ClassVar[str]  # what `type:` says in the YAML
    Config: ClassVar[type[SourceConfig]]

    def __init__(self, config: Any, context: Context) -> None:
        self.config = config
        self.context = context

    @property
    @abstractmethod
    def name(self) -> str:
        """A stable name for this entry: its activation time hangs on it."""

    @property
    def lists_all(self) -> bool:
        """Whether each bundle lists everything that is under way, not only what is new."""
        return False

    @abstractmethod
    def fetch(self, taken: Collection[str]) -> Iterator[Bundle]:
        """Give every bundle whose fingerprint is not in *taken*; UserError if unreadable."""

    @abstractmethod
    def done(self, bundle: Bundle, refused: tuple[Reject, ...]) -> None:
        """Called after the bundle is safely stored; *refused* = what intake did not accept."""

    def purge(self, before: datetime) -> int:
        """Delete what was put away before that moment; how much. Most sources keep nothing."""
        return 0


def discover() -> dict[str, type[Source]]:
    """Return every source class of this package by its key."""
    return {cls.key: cls for cls in found(sys.modules[__name__], Source)}  # type: ignore[type-abstract]
