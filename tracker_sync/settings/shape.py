"""What may stand where in the YAML, read off the value classes.

Floor 3. One walk over the classes serves suggestions, names of environment variables and the
question whether a value is a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import PurePath
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from tracker_sync.carriers import Carrier
from tracker_sync.carriers.brands import others
from tracker_sync.carriers.facts import ViaConfig
from tracker_sync.model import Kind
from tracker_sync.settings.blocks import OwnFollowUp, PickupReminder, ReviewRequest, Settings
from tracker_sync.sources import Source

FOLLOW_UPS = {"review_request": ReviewRequest, "pickup_reminder": PickupReminder}


class Sort(Enum):
    """What kind of value a place takes."""

    BLOCK = auto()  # known keys
    TABLE = auto()  # any keys
    ROW = auto()  # a list
    SECRET = auto()
    TEXT = auto()
    OTHER = auto()  # a number, a duration, yes or no …
    UNKNOWN = auto()  # below a key that is none of ours


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand at one place, and below it."""

    sort: Sort = Sort.OTHER
    keys: Mapping[str, Shape] = field(default_factory=dict)
    every: Shape | None = None  # any other key, or every entry

    def at(self, key: str) -> Shape:
        """Return the shape under *key*."""
        return self.keys.get(key) or self.every or UNKNOWN


ANY = Shape()
UNKNOWN = Shape(Sort.UNKNOWN)
TEXT = Shape(Sort.TEXT)
SECRET = Shape(Sort.SECRET, {"file": TEXT})


def whole(
    tree: Mapping[str, Any],
    carriers: Mapping[str, type[Carrier]],
    sources: Mapping[str, type[Source]],
) -> Shape:
    """Return the shape of the file; which keys a source takes depends on its `type`."""
    keys = dict(_block(Settings).keys)
    del keys["path"], keys["brands"]
    rename = Shape(Sort.TABLE, dict.fromkeys(Kind, TEXT))
    keys["messages"] = Shape(Sort.BLOCK, {**keys["messages"].keys, "rename": rename})
    keys["carriers"] = Shape(Sort.TABLE, _Asked(carriers))
    keys["sources"] = Shape(Sort.ROW, dict(_entries(tree.get("sources"), sources)))
    named = {name: _block(cls) for name, cls in FOLLOW_UPS.items()}
    keys["follow_ups"] = Shape(Sort.TABLE, named, _block(OwnFollowUp))
    return Shape(Sort.BLOCK, keys)


class _Asked(Mapping[str, Shape]):
    """What may stand under `carriers`; a carrier that is not mentioned is not even imported."""

    def __init__(self, carriers: Mapping[str, type[Carrier]]) -> None:
        self._carriers = carriers

    def __getitem__(self, key: str) -> Shape:
        if key in self._carriers:
            return _block(self._carriers[key].Config)
        if key in brand_keys(self._carriers):
            return _block(ViaConfig)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from (*sorted(brand_keys(self._carriers)), *self._carriers)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def brand_keys(carriers: Mapping[str, type[Carrier]]) -> set[str]:
    """The brands that may stand under `carriers` with nothing but `via`."""
    return {*others(), *(cls.brand for cls in carriers.values())} - {*carriers}


def _entries(rows: Any, sources: Mapping[str, type[Source]]) -> Iterable[tuple[str, Shape]]:
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        source = sources.get(str(row.get("type"))) if isinstance(row, dict) else None
        known = _block(source.Config).keys if source else {}
        yield str(number), Shape(Sort.BLOCK, {"type": TEXT, **known})


def _block(model: type[BaseModel]) -> Shape:
    fields = model.model_fields.items()
    return Shape(Sort.BLOCK, {f.alias or name: _shape(f.annotation) for name, f in fields})


def _shape(annotation: Any) -> Shape:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _plain(annotation)
    if origin is Annotated:
        return _shape(args[0])
    if origin in (Union, UnionType):
        return _widest(map(_shape, args))
    if origin is Literal:
        return TEXT
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Shape(Sort.TABLE, every=_shape(args[1]))
    if isinstance(origin, type) and issubclass(origin, Sequence | frozenset):
        return Shape(Sort.ROW, every=_shape(args[0]))
    return ANY


def _plain(annotation: Any) -> Shape:
    if not isinstance(annotation, type):
        return ANY
    if issubclass(annotation, BaseModel):
        return _block(annotation)
    if issubclass(annotation, SecretStr):
        return SECRET
    return TEXT if issubclass(annotation, str | PurePath) else ANY


def _widest(shapes: Iterable[Shape]) -> Shape:
    """Of a union, take the member with most to say: a block before a text before nothing."""
    return min(shapes, key=lambda shape: shape.sort.value)
