"""Reading an answer about several numbers so that one bad part of it spoils no other.

Floor 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tracker_sync.carriers.shapes import SHAPE
from tracker_sync.model import Reading

T = TypeVar("T")
Number = str | None


def singly(
    parts: Iterable[tuple[Number, T]], read: Callable[[Number, T], Reading]
) -> list[Reading]:
    """Read each part; one of another shape leaves its number unanswered, unless none is read."""
    told: list[Reading] = []
    broken: list[Exception] = []
    for number, part in parts:
        try:
            told.append(read(number, part))
        except SHAPE as exc:
            broken.append(exc)
            told.append(Reading(number, unanswered=True))
    if broken and len(broken) == len(told):
        raise broken[0]
    return told
