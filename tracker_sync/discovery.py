"""Find the classes that the modules of a package define: carriers, sources.

Floor 2, below the edges. A file that cannot be loaded stops everything, by name: whoever left it
out silently would leave out parcels.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from tracker_sync.errors import UserError

T = TypeVar("T")

# What a broken file raises while it is imported; its table of codes may be missing or misspelt.
_BROKEN = (SyntaxError, ImportError, OSError, NameError, AttributeError, LookupError, TypeError)


def found(package: ModuleType, base: type[T]) -> Iterator[type[T]]:
    """Import every module of *package*; give each subclass of *base* where it is defined."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = _loaded(f"{package.__name__}.{info.name}")
        for item in vars(module).values():
            mine = getattr(item, "__module__", "") == module.__name__
            if mine and isinstance(item, type) and issubclass(item, base):
                yield item


def _loaded(name: str) -> ModuleType:
    try:
        return import_module(name)
    except (*_BROKEN, ValueError) as exc:
        file = f"{name.replace('.', '/')}.py"
        why = f"{type(exc).__name__}: {exc}"
        raise UserError(f"{file} cannot be loaded; repair or remove it ({why})") from exc
