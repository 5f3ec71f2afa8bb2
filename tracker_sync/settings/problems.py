"""What pydantic finds, said to a merchant: file, line, key, what to do.

Floor 3. pydantic's own texts quote the value, which may be a key; ours never do.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tracker_sync.settings.document import At, Document
from tracker_sync.settings.shape import Shape, Sort
from tracker_sync.settings.words import suggestion

_TEXTS = {
    "missing": "is missing",
    "string_type": "must be text",
    "path_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": "must be a block of keys",
    "model_attributes_type": "must be a block of keys",
    "dict_type": "must be a block of keys",
    "mapping_type": "must be a block of keys",
    "tuple_type": "must be a list, like [a, b]",
    "list_type": "must be a list, like [a, b]",
    "string_too_short": "must not be empty",
}
_VERBS = ("is", "has", "must", "may", "needs", "begin", "cannot", "keeps")
_CHOICE = ("enum", "literal_error")


def note(document: Document, shape: Shape, exc: ValidationError, *, at: At, value: Any) -> None:
    """Add every error about *value*, which stands at *at*, to the document's faults."""
    errors = exc.errors(include_url=False)
    for where, group in groupby(errors, key=lambda error: _where(error, value)):
        below = (*at, *where)
        if not any(below[:length] in document.faults for length in range(1, len(below) + 1)):
            document.fault(below, _text(list(group), shape, below))


def _where(error: ErrorDetails, value: Any) -> At:
    """Return the keys of *error* as written; pydantic adds the names of types it tried."""
    at: list[str] = []
    for part in error["loc"]:
        try:
            value = value[part]
        except (LookupError, TypeError):
            if error["type"] != "missing":
                break
        at.append(str(part + 1) if isinstance(part, int) else part)
    return tuple(at)


def _text(group: list[ErrorDetails], shape: Shape, at: At) -> str:
    error = group[0]
    if all(other["type"] in _CHOICE for other in group):
        return _choice(group)
    if error["type"] == "extra_forbidden":
        return unknown(shape, at)
    if error["type"] == "value_error":
        said = str(error["ctx"]["error"])
        return said if said.partition(" ")[0] in _VERBS else f": {said}"
    said = re.sub(r"^\w+( instance)? should ", "must ", error["msg"])
    return _TEXTS.get(error["type"], said[:1].lower() + said[1:])


def _choice(group: list[ErrorDetails]) -> str:
    words = [word for e in group for word in re.findall("'([^']*)'", e["ctx"]["expected"])]
    listed = ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
    return f"must be {listed}{suggestion(str(group[0]['input']), words)}"


def unknown(shape: Shape, at: At) -> str:
    """Say that the last key of *at* is none of ours, and which one may be meant."""
    *parents, key = at
    for parent in parents:
        shape = shape.at(parent)
    hint = suggestion(key, shape.keys) or _lower(shape, key)
    return f"is not a setting we know{hint}"


def _lower(shape: Shape, key: str) -> str:
    for name, below in shape.keys.items():
        if below.sort is Sort.BLOCK and key in below.keys:
            return f'; it belongs under "{name}:"'
    return ""
