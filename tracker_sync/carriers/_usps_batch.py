"""Which part of a USPS answer is about which number: one object in v3, a list in v3r2.

Floor 2. An item of a list may be an error with a status of its own; HTTP says 207 then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker_sync.carriers import _usps_json as usps
from tracker_sync.model import Reading

LARGEST = 35  # numbers the older API took; USPS has not confirmed a maximum for v3r2


def question(numbers: Sequence[str]) -> list[dict[str, str]]:
    """Return the body that asks v3r2 about *numbers*."""
    return [{"trackingNumber": number} for number in numbers]


def parts(payload: Any, asked: Sequence[str]) -> Iterator[tuple[str | None, Any]]:
    """Give each number as it was asked with the part about it; None where nothing is.

    The order of a list is not promised, so an error that names no number counts only if it is the
    same for all numbers that are left.
    """
    items = [item for item in _items(payload) if isinstance(item, dict)]
    named = [(usps.number(item), item) for item in items]
    if not asked:
        yield from named
        return
    found = {number: _about(number, named) for number in asked}
    missing = sum(item is None for item in found.values())
    nameless = [item for name, item in named if not name]
    sure = len(items) == len(asked) == 1 or all(map(gone, nameless))
    spare = nameless[0] if nameless and len(nameless) == missing and sure else None
    for number, item in found.items():
        yield number, spare if item is None else item


def failed(item: Any) -> bool:
    """Tell whether an item is an error; one with events beside it is not."""
    return usps.failed(item) or (_status(item) >= 400 and not item.get("trackingEvents"))


def gone(item: Any) -> bool:
    """Tell whether an error says that USPS does not know the number."""
    return failed(item) and (_status(item) == 404 or usps.absent(item))


def silence(number: str | None, item: Any) -> Reading:
    """Return what an error, or the lack of an item, says about a number."""
    absent = item is not None and gone(item)
    return Reading(number, not_found=absent, unanswered=not absent)


def refusal(payload: Any) -> int:
    """Return the HTTP status of an answer that is an error about all of it, 0 for any other."""
    if isinstance(payload, dict):
        return usps.status_of(payload) if usps.failed(payload) and not usps.absent(payload) else 0
    items = [item for item in _items(payload) if isinstance(item, dict)]
    return 401 if any(_status(item) == 401 for item in items) else 0


def _items(payload: Any) -> list[Any]:
    if not isinstance(payload, list | dict):
        raise TypeError("neither an object nor a list")
    return payload if isinstance(payload, list) else [payload]


def _about(number: str, named: Sequence[tuple[str | None, Any]]) -> Any:
    return next((item for name, item in named if name and usps.same(number, name)), None)


def _status(item: Any) -> int:
    """Return the status of an item; an error may carry it as its code."""
    error = item.get("error")
    code = usps.word(item, "statusCode")
    code = code or (usps.word(error, "code") if isinstance(error, dict) else "")
    return int(code) if code.isascii() and code.isdigit() and len(code) == 3 else 0
