"""Which articles an Australia Post result is about, and how several are told as one.

A number may be one article or a consignment of many. Of several, the scans are put together, but
none of them ends the whole before all have ended the same way: until then it is kept under a key
of its own, "part: delivered", which changes nothing. So a consignment is delivered when its last
article is, returned when all are, and never while an article is missing from the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker_sync.carriers._australiapost_words import Lookup, text_of
from tracker_sync.carriers._whose import strange
from tracker_sync.model import ENDS, INFO, LAST_MILE, Scan, Status

_THE_END = ENDS | {Status.DELIVERED, Status.RETURNING, Status.RETURNED}

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Article:
    """One article: its events as listed, and the statuses that may be meant for it, best first."""

    number: str
    service: str
    events: tuple[Block, ...]
    statuses: tuple[str, ...]


def results(payload: Block) -> list[Block]:
    """Return the results, one a number that was asked."""
    listed = list(payload["tracking_results"])
    found: list[Block] = [result for result in listed if isinstance(result, dict)]
    if listed and not found:
        raise TypeError("no result is an object")
    return found


def number_of(result: Block) -> str | None:
    """Return the number a result answers, None where it names none."""
    return text_of(result, "tracking_id") or None


def meant(number: str | None, among: Sequence[Block], *, alone: bool) -> list[Block]:
    """Return the results of *number*; one asked for *alone* may be called by another form."""
    if alone and len(among) == 1:
        return [each for each in among if not strange(number_of(each), number)]
    return [each for each in among if _same(number_of(each), number)]


def _same(name: str | None, number: str | None) -> bool:
    return (name or "").casefold() == (number or "").casefold()


def told(number: str | None, result: Block) -> tuple[list[Article], int]:
    """Return the articles *number* is about, and how many they should be, listed or not."""
    blocks = result.get("trackable_items") or result.get("consignment") or ()
    found = [_article(item, [block, result]) for block in blocks for item in _items(block)]
    if len(found) > 1:  # a status further up may be that of another one
        found = [replace(article, statuses=article.statuses[:1]) for article in found]
    if not any(_same(text_of(block, "consignment_id"), number) for block in blocks):
        own = [article for article in found if _same(article.number, number)]
        if own:
            return own, len(own)
    said = sum(int(block.get("number_of_items") or 0) for block in blocks)
    return found, max(said, len(found))


def _items(block: Block) -> Sequence[Block]:
    return block.get("items") or (block,)


def _article(item: Block, above: Sequence[Block]) -> Article:
    return Article(
        text_of(item, "article_id"),
        text_of(item, "product_type"),
        tuple(event for event in item.get("events") or () if event.get("date")),
        tuple(text_of(block, "status") for block in (item, *above)),
    )


def service(found: Sequence[Article]) -> str:
    """Return the product, if all articles have the same."""
    names = {article.service for article in found}
    return names.pop() if len(names) == 1 else ""


def joined(histories: Sequence[Sequence[Scan]], wanted: int, meaning: Lookup) -> tuple[Scan, ...]:
    """Put the histories together, each oldest first; an end counts when all have come to it."""
    scans = [scan for history in histories for scan in history]
    if wanted <= 1:
        return tuple(scans)
    ends = {_end(history) for history in histories}
    whole = len(histories) >= wanted and len(ends) == 1 and None not in ends
    last = max((s.at for s in scans if s.status in _THE_END), default=None) if whole else None
    early = (scan.status in _THE_END and scan.at != last for scan in scans)
    return tuple(_part(s, meaning) if held else s for s, held in zip(scans, early, strict=True))


def _end(history: Sequence[Scan]) -> Status | None:
    """Return the end a history has come to, None where it has not, or it was taken back."""
    end: Status | None = None
    for scan in history:
        if scan.status in _THE_END:
            end = scan.status
        elif scan.status in LAST_MILE or (scan.status and end in ENDS):
            end = None
    return end


def _part(scan: Scan, meaning: Lookup) -> Scan:
    code = f"part: {scan.code}"
    return replace(scan, code=code, meaning=meaning(code) or INFO)
