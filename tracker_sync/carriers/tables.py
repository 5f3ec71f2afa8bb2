"""Code tables as package data: one CSV a carrier, two columns.

`code` is the key the carrier's `read` builds; `meaning` is written
`status[:detail][!problem]`, `!problem`, `info` (listed, changes nothing) or `revokes`
(takes a delivery back). A further column `words` may say what the code stands for.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from tracker_sync.model import INFO, Detail, Meaning, Problem, Status


@cache
def table(name: str) -> MappingProxyType[str, Meaning]:
    """Return the code table *name*; ValueError names a code that is listed twice or misspelt."""
    text = (files("tracker_sync.carriers") / "codes" / f"{name}.csv").read_text(encoding="utf-8")
    meanings: dict[str, Meaning] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["code"] in meanings:
            raise ValueError(f"{name}: {row['code']} is listed twice")
        meanings[row["code"]] = meaning(row["meaning"])
    return MappingProxyType(meanings)


def meaning(text: str) -> Meaning:
    """Read one meaning as the tables write it."""
    if text == "info":
        return INFO
    if text == "revokes":
        return Meaning(revokes=True)
    progress, _, problem = text.partition("!")
    status, _, detail = progress.partition(":")
    return Meaning(
        status=Status(status) if status else None,
        problem=Problem(problem) if problem else None,
        detail=Detail(detail) if detail else None,
    )
