"""A message as it stands once it has been tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    """A message as it was fixed at its first attempt."""

    id: str
    kind: str
    recipient: str
    body: str
    backfill: bool
    attempts: int
    occurred_at: datetime
