"""What is made when it is first used: a pass with nothing due needs little of it.

Floor 2-. Libraries are put off by the program alone, before it imports anything else; whoever uses
this package as a library sees ordinary imports. (Python's own LazyLoader fills a module as soon as
a second file imports it, and lets threads see half of one.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any, TypeVar

V = TypeVar("V")
_FILLING = RLock()
_POSTPONED: dict[str, str] = {}  # by name, what it must not find


def postpone(*names: str, without: str = "") -> None:
    """Put off running the files of top-level modules until an attribute of them is read.

    *without* is a module they use where there is one, and are to do without.
    """
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec:
            module = module_from_spec(spec)
            module.__dict__.pop("__path__", None)  # so that submodules do not come before it
            module.__class__ = _Unfilled
            sys.modules[name] = module
            _POSTPONED[name] = without


def waiting() -> set[str]:
    """The postponed modules that nobody has used so far."""
    return {*_POSTPONED}


class _Unfilled(ModuleType):
    """A module whose file has not been run yet."""

    def __getattr__(self, name: str) -> Any:
        with _FILLING:  # other threads wait until it is whole; its own files see it half done
            if self.__name__ in _POSTPONED:
                with _hidden(_POSTPONED.pop(self.__name__)):
                    self._fill()
            return ModuleType.__getattribute__(self, name)

    def _fill(self) -> None:
        spec = self.__spec__
        assert spec is not None
        assert spec.loader is not None  # or it had not been postponed
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(self)
        self.__class__ = ModuleType  # type: ignore[assignment]


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let nobody find the module *name* meanwhile."""
    before = sys.modules.get(name)
    if name:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before:
            sys.modules[name] = before
        else:
            sys.modules.pop(name, None)


class Later(Mapping[str, V]):
    """A mapping that is made when somebody looks into it."""

    def __init__(self, make: Callable[[], Mapping[str, V]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, V]:
        return self._make()

    def __getitem__(self, key: str) -> V:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
