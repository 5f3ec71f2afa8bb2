"""The newest event of a Royal Mail parcel as a mark, the same in a summary and in a history.

Floor 2. It is made of `lastEventCode` and `lastEventDateTime` of the summary block, which both
answers carry; the list of events may lag behind it, so a mark is never made of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from tracker_sync.carriers import _royalmail_answer as answer
from tracker_sync.carriers._royalmail_faults import ABSENT
from tracker_sync.carriers.errands import Glance

Clock = Callable[[str], datetime]


def mark(piece: dict[str, Any], when: Clock) -> str:
    """Return the mark of a piece; "" where it does not say when its newest event was."""
    code, stamp = answer.code_of(answer.last_event(piece)), _stamp(piece)
    return f"{code} {when(stamp).isoformat()}".strip() if stamp else ""


def glances(
    pieces: Sequence[dict[str, Any]], asked: Sequence[str], when: Clock
) -> Iterator[Glance]:
    """Give the mark of each number that the summary tells of.

    A number it leaves out, or cannot tell of just now, is left out here: it is looked at again.
    """
    for number in asked:
        mine = list(answer.meant(number, pieces, alone=len(asked) == 1))
        try:
            told = [_dated(piece, when) for piece in mine if _stamp(piece)]
        except (ValueError, OverflowError):
            continue  # a stamp that cannot be read costs no other number its glance
        if told:
            yield Glance(number, max(told)[1])
        elif mine and ABSENT.issuperset(map(answer.silent, mine)):
            yield Glance(number, "")


def _dated(piece: dict[str, Any], when: Clock) -> tuple[datetime, str]:
    """Return a mark with its moment: of a number that was used again, the newest piece counts."""
    return when(_stamp(piece)), mark(piece, when)


def _stamp(piece: dict[str, Any]) -> str:
    return answer.last_event(piece)["eventDateTime"]
