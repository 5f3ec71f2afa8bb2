"""Find the classes that the modules of a package define: carriers, sources.

Floor 2, below the edges.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def found(package: ModuleType, base: type[T]) -> Iterator[type[T]]:
    """Import every module of *package*; give each subclass of *base* where it is defined."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = import_module(f"{package.__name__}.{info.name}")
        for item in vars(module).values():
            mine = getattr(item, "__module__", "") == module.__name__
            if mine and isinstance(item, type) and issubclass(item, base):
                yield item
