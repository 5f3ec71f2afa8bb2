"""Every key of the YAML can be overridden by a variable: TRACKER_SYNC_SHOP__NAME.

Floor 3. Two underscores go one level down; capitals do not matter; entries of a list count from 1.
A variable that fits no key is an error, since a typing error would silently change nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from tracker_sync.settings.document import At, Document, Malformed, parse
from tracker_sync.settings.shape import Shape, Sort

PREFIX = "TRACKER_SYNC_"
CONFIG = "TRACKER_SYNC_CONFIG"
_AS_TYPED = (Sort.TEXT, Sort.SECRET)


def override(document: Document, shape: Shape, environ: Mapping[str, str]) -> None:
    """Lay the variables over the document; an empty variable counts as not set."""
    names = [name for name in environ if name.upper().startswith(PREFIX) and environ[name]]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        if name.upper() != CONFIG:
            _lay(document, shape, name, environ[name])


def _lay(document: Document, shape: Shape, name: str, text: str) -> None:
    at: At = ()
    value: Any = document.tree
    for part in name[len(PREFIX) :].split("__"):
        known = (*_keys(value), *shape.keys)
        key = _match(part, known, shape)
        if key is None:
            hint = _hint(name, part, known)
            document.faults[(name,)] = f"{name}: fits no key of the configuration{hint}"
            return
        at, shape, value = (*at, key), shape.at(key), _child(value, key)
    try:
        new = text if shape.sort in _AS_TYPED else parse(document, text, at=at, origin=name)
    except Malformed as exc:
        document.faults[at] = str(exc)
        return
    _put(document, at, new, name)


def _hint(name: str, part: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(part.lower(), [other.lower() for other in known], n=1)
    if not near:
        return ""
    before, after = name.split(part, 1)
    return f'; did you mean "{before}{near[0].upper()}{after}"?'


def _match(part: str, known: tuple[str, ...], shape: Shape) -> str | None:
    for key in known:
        if key.lower() == part.lower():
            return key
    if shape.sort is Sort.UNKNOWN:
        return part.lower()  # the file has the parent, which gets its own line
    if shape.every is None or not part or shape.sort is Sort.ROW:
        return None
    return part if shape.every.sort is Sort.TEXT else part.lower()


def _keys(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(number) for number in range(1, len(value) + 1))
    return tuple(value) if isinstance(value, dict) else ()


def _child(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return value[int(key) - 1]
    return value.get(key) if isinstance(value, dict) else None


def _put(document: Document, at: At, new: Any, name: str) -> None:
    """Set the value at *at*, making blocks on the way; a secret's text gives way to a block."""
    holder: Any = document.tree
    for depth, key in enumerate(at[:-1], 1):
        below = _child(holder, key)
        if not isinstance(below, dict | list):
            below = {}
            document.places[at[:depth]] = name
            _set(holder, key, below)
        holder = below
    document.places[at] = name
    _set(holder, at[-1], new)


def _set(holder: Any, key: str, value: Any) -> None:
    holder[int(key) - 1 if isinstance(holder, list) else key] = value
