"""How a Royal Mail answer is built: pieces and their names, events, the forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from tracker_sync.carriers._whose import stranger
from tracker_sync.model import Estimate


def word(block: Any, key: str) -> str:
    """Return one field as text; "" where block or field is absent."""
    return str((block or {}).get(key) or "").strip()


def pieces(payload: Any) -> list[dict[str, Any]]:
    """Return the pieces: one object in an answer with events, a list in a summary."""
    found = payload["mailPieces"]
    return [found] if isinstance(found, dict) else list(found)


def names(piece: dict[str, Any]) -> list[str]:
    """Return what a piece is called, the number on the label first."""
    summary = piece.get("summary")
    listed = (word(summary, "oneDBarcode"), word(piece, "mailPieceId"))
    return [name for name in (*listed, word(summary, "uniqueItemId")) if name]


def meant(number: str | None, among: Sequence[dict[str, Any]], *, alone: bool) -> Iterator[Any]:
    """Give the pieces of *number*; an only one may be called otherwise."""
    for piece in among:
        own = [name.casefold() for name in names(piece)]
        mine = not own if number is None else number.casefold() in own
        if mine or (alone and len(among) == 1 and not stranger(own, number)):
            yield piece


def silent(piece: dict[str, Any]) -> str:
    """Return the error of a piece that tells nothing else, "" where it tells or has none.

    A piece can carry an error and data; the data count.
    """
    told = piece.get("events") or word(piece.get("summary"), "lastEventDateTime")
    return "" if told else word(piece.get("error"), "errorCode")


def last_event(piece: dict[str, Any]) -> dict[str, str]:
    """Return the newest event as the summary tells it, in the words of the list."""
    summary = piece.get("summary")
    return {
        "eventCode": word(summary, "lastEventCode"),
        "eventName": word(summary, "lastEventName"),
        "eventDateTime": word(summary, "lastEventDateTime"),
        "locationName": word(summary, "lastEventLocationName"),
    }


def code_of(event: dict[str, Any]) -> str:
    """Return the key of an event; one without a code is known by its name."""
    name = word(event, "eventName").casefold()
    return word(event, "eventCode").upper() or (f"name:{name}" if name else "")


def dated(events: Sequence[Any]) -> Iterator[Any]:
    """Leave out the events that do not say when."""
    return (event for event in events if word(event, "eventDateTime"))


def estimate(piece: dict[str, Any], when: Callable[[str], datetime]) -> Estimate | None:
    """Return the forecast; one that cannot be read is none."""
    promise = piece.get("estimatedDelivery") or {}
    day = word(promise, "date")
    clocks = (word(promise, f"{end}OfEstimatedWindow") for end in ("start", "end"))
    try:
        begins, ends = (when(f"{day}T{clock}") if clock else None for clock in clocks)
        return Estimate(date.fromisoformat(day), begins, ends) if day else None
    except (ValueError, OverflowError):
        return None
