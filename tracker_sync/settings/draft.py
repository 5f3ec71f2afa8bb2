"""The filled-in tree, checked block by block, until it is Settings.

Floor 3. Each carrier, source and follow-up is checked by its own class, so that all problems are
found in one go and each stands at its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tracker_sync.carriers import Carrier, CarrierConfig
from tracker_sync.carriers.brands import brand_called
from tracker_sync.carriers.facts import ViaConfig
from tracker_sync.model import Kind
from tracker_sync.settings.blocks import FollowUp, OwnFollowUp, Settings
from tracker_sync.settings.document import Document
from tracker_sync.settings.problems import note, unknown
from tracker_sync.settings.shape import FOLLOW_UPS, Shape, brand_keys
from tracker_sync.settings.words import suggestion
from tracker_sync.sources import Source, SourceConfig

M = TypeVar("M", bound=BaseModel)
_NAME = re.compile("[a-z][a-z0-9_]*")
_KINDS = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Draft:
    """A filled-in tree on its way to settings."""

    document: Document
    shape: Shape
    tree: dict[str, Any]

    def whole(self, values: dict[str, Any]) -> Settings | None:
        """Check everything that is not a carrier, a source or a follow-up."""
        for ours in {"path", "brands"} & {*self.tree}:
            self.document.fault((ours,), unknown(self.shape, (ours,)))
        try:
            return Settings(**values)
        except ValidationError as exc:
            note(self.document, self.shape, exc, at=(), value=values)
            return None

    def carriers(self, known: Mapping[str, type[Carrier]]) -> dict[str, CarrierConfig]:
        """Check each block under `carriers:` by the carrier's own Config."""
        configs: dict[str, CarrierConfig] = {}
        for key, value in self._table("carriers"):
            if key in known and not _is_via(value):
                config = self._part(known[key].Config, value, ("carriers", key))
                configs |= {key: config} if config else {}
            elif key not in known and key not in brand_keys(known):
                names = {*known, *brand_keys(known)}
                hint = suggestion(key, names) or "; `tracker-sync carriers` lists them"
                self.document.fault(("carriers", key), f"is not a carrier we know{hint}")
        return configs

    def brands(
        self, known: Mapping[str, type[Carrier]], configured: Mapping[str, CarrierConfig]
    ) -> dict[str, ViaConfig]:
        """The brands that stand under `carriers:` with nothing but an aggregator."""
        found: dict[str, ViaConfig] = {}
        for key, value in self._table("carriers"):
            via = value.get("via") if isinstance(value, dict) else None
            if isinstance(via, str) and not (via in configured and known[via].any_brand):
                able = [name for name, cls in known.items() if cls.any_brand]
                text = f"names no aggregator that is configured; known are {', '.join(able)}"
                self.document.fault(("carriers", key, "via"), text)
            brand = known[key].brand if key in known else key
            if _is_via(value) if key in known else key in brand_keys(known):
                config = self._part(ViaConfig, value, ("carriers", key))
                found |= {brand: config} if config else {}
        return found

    def sources(self, known: Mapping[str, type[Source]]) -> list[SourceConfig]:
        """Check each entry under `sources:` by the Config of its `type`."""
        rows = self.tree.get("sources", [])
        if not isinstance(rows, list):
            self.document.fault(("sources",), "must be a list; begin each entry with a dash")
            return []
        entries = (self._source(row, str(i), known) for i, row in enumerate(rows, 1))
        return [entry for entry in entries if entry]

    def _source(
        self, row: Any, number: str, known: Mapping[str, type[Source]]
    ) -> SourceConfig | None:
        at = ("sources", number)
        if not isinstance(row, dict) or "type" not in row:
            self.document.fault(at, f"needs a type; known are {', '.join(known)}")
            return None
        source = known.get(str(row["type"]))
        if source is None:
            hint = suggestion(str(row["type"]), known) or f"; known are {', '.join(known)}"
            self.document.fault((*at, "type"), f"is not a source we know{hint}")
            return None
        takes_type = "type" in source.Config.model_fields
        entry = row if takes_type else {key: row[key] for key in row if key != "type"}
        config = self._part(source.Config, entry, at)
        if config and config.courier and brand_called(config.courier) is None:
            text = "is nobody we know; `tracker-sync carriers` lists them"
            self.document.fault((*at, "courier"), text)
        return config

    def follow_ups(self) -> dict[str, FollowUp]:
        """Check each block under `follow_ups:`; the pickup reminder is on unless switched off."""
        stated = dict(self._table("follow_ups"))
        found: dict[str, FollowUp] = {}
        for name, value in {"pickup_reminder": {}, **stated}.items():
            model = FOLLOW_UPS.get(name, OwnFollowUp)
            if model is OwnFollowUp and (name in _KINDS or not _NAME.fullmatch(name)):
                text = "cannot be the name of a follow-up; use a new word such as care_tips"
                self.document.fault(("follow_ups", name), text)
            if config := self._part(model, value, ("follow_ups", name)):
                found[name] = config
        return found

    def _table(self, name: str) -> Iterator[tuple[str, Any]]:
        table = self.tree.get(name, {})
        if isinstance(table, dict):
            yield from table.items()
        else:
            self.document.fault((name,), "must be a block of keys")

    def _part(self, model: type[M], value: Any, at: tuple[str, ...]) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as exc:
            note(self.document, self.shape, exc, at=at, value=value)
            return None


def _is_via(block: Any) -> bool:
    """Whether a block says nothing but which aggregator answers for the brand."""
    return isinstance(block, dict) and "via" in block and {*block} <= {*ViaConfig.model_fields}
