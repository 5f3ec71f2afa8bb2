"""Find the classes that the modules of a package define: carriers, sources.

Floor 2-, below the edges. A file that cannot be loaded stops whoever needs it, by name: to leave it
out silently would leave out parcels.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from tracker_sync.errors import UserError

T = TypeVar("T")

# What a broken file raises while it is imported; its table of codes may be missing or misspelt.
_BROKEN = (SyntaxError, ImportError, OSError, NameError, AttributeError, LookupError, TypeError)


class Shelf(Mapping[str, type[T]]):
    """The classes of a package by key; a module is imported when its class is asked for.

    The key of a class is the name of its file; *but* are files that hold no class to be found.
    """

    def __init__(self, package: ModuleType, base: type[T], *, but: Collection[str] = ()) -> None:
        self._package, self._base = package, base
        self._keys = dict.fromkeys(n for n in _names(package) if n[0] != "_" and n not in but)

    def __getitem__(self, key: str) -> type[T]:
        if key not in self._keys:
            raise KeyError(key)
        for cls in _classes(self._package, key, self._base):
            return cls
        raise UserError(f"{_file(self._package, key)} defines no {self._base.__name__}; remove it")

    def __contains__(self, key: object) -> bool:
        return key in self._keys  # the usual way would import it

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def found(package: ModuleType, base: type[T]) -> Iterator[type[T]]:
    """Import every module of *package*; give each subclass of *base* where it is defined."""
    for name in _names(package):
        yield from _classes(package, name, base)


def _names(package: ModuleType) -> list[str]:
    return sorted(info.name for info in pkgutil.iter_modules(package.__path__))


def _classes(package: ModuleType, name: str, base: type[T]) -> Iterator[type[T]]:
    module = _loaded(package, name)
    for item in vars(module).values():
        mine = getattr(item, "__module__", "") == module.__name__
        if mine and isinstance(item, type) and issubclass(item, base):
            yield item


def _loaded(package: ModuleType, name: str) -> ModuleType:
    try:
        return import_module(f"{package.__name__}.{name}")
    except (*_BROKEN, ValueError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        file = _file(package, name)
        raise UserError(f"{file} cannot be loaded; repair or remove it ({why})") from exc


def _file(package: ModuleType, name: str) -> str:
    return f"{package.__name__.replace('.', '/')}/{name}.py"
