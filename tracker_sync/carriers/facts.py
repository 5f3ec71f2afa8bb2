"""What a carrier declares about itself, and what the merchant may write about every carrier.

Floor 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tracker_sync.model import Problem, Scan, Status
from tracker_sync.wire.answers import secure


class Order(StrEnum):
    """How a carrier's list of scans is sorted."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"
    LIST_IS_TRUTH = "list_is_truth"  # oldest first, and stamps may run backwards


def never_backwards(scans: Iterable[Scan]) -> Iterator[Scan]:
    """Lift the stamps of a list that is the truth, so that sorting keeps its order."""
    latest: datetime | None = None
    for scan in scans:
        latest = max(scan.at, latest) if latest else scan.at
        yield replace(scan, at=latest)


class Budget(BaseModel):
    """The calls we let ourselves make. None = the carrier names no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    per_day: int | None = Field(default=None, ge=1)
    per_second: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it may be used (already shortened for safety)."""

    value: str
    lasts: timedelta


class CarrierConfig(BaseModel):
    """What the merchant may write under every `carriers: <key>:`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str | None = Field(default=None, description="replaces scheme, host and port")
    budget: Budget = Field(default=Budget(), description="calls per day and per second")
    timeout: float = Field(default=20, gt=0, le=120, description="seconds for one whole call")
    workers: int | None = Field(default=None, ge=1, le=64, description="calls at the same time")
    via: str | None = Field(default=None, description="aggregator asked in its place")
    via_code: str = Field(default="", description="what the aggregator calls the brand")
    codes: dict[str, Status | Problem] = Field(
        default_factory=dict, description="meanings for codes that are not listed yet"
    )

    @field_validator("base_url")
    @classmethod
    def _secure(cls, url: str | None) -> str | None:
        return secure(url)


class ViaConfig(BaseModel):
    """A brand no carrier of ours asks by itself: an aggregator tells about it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    via: str = Field(min_length=1, description="the aggregator, as it stands under `carriers`")
    via_code: str = Field(default="", description="what the aggregator calls the brand")


class Tells(StrEnum):
    """What an answer can say besides the status."""

    PICKUP = "pickup point"
    ESTIMATE = "ETA"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a merchant wants to know before he chooses; "not published" where nobody says."""

    regions: str  # where its parcels go, like "DE" or "US, world"
    keys: str  # where a key comes from
    who: str  # who may apply
    cost: str
    wait: str  # from the application until the key works
    tells: tuple[Tells, ...] = ()
