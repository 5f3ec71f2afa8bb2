"""The YAML file as plain text values, each with the place it was written at.

Floor 3. Every scalar stays the text it was typed as (`no`, `012345`, `12:30`); the schema decides
what it means. What YAML would hide (duplicate keys, tags, bombs of aliases) is an error here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tracker_sync.errors import UserError

At = tuple[str, ...]  # where a value stands; entries of a list count from "1"

_NULL = ("", "~", "null", "Null", "NULL")
_DEEPEST = 20
_MOST_VALUES = 10_000
_LARGEST = 200_000
_TEXT_TAG = "tag:yaml.org,2002:str"
_PRINTABLE_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,31}")


@dataclass(slots=True)
class Document:
    """A tree of text values, where each was written, and what is wrong so far."""

    name: str
    tree: dict[str, Any] = field(default_factory=dict)
    places: dict[At, str] = field(default_factory=dict)
    faults: dict[At, str] = field(default_factory=dict)

    def place(self, at: At) -> str:
        """Return file and line, or the variable, of *at* or of the nearest block around it."""
        for length in range(len(at), 0, -1):
            if at[:length] in self.places:
                return self.places[at[:length]]
        return f"{self.name}:1"

    def fault(self, at: At, text: str, *, place: str = "") -> None:
        """Remember the first thing that is wrong with a value; *place* if it is not its own."""
        dotted = ".".join(map(_shown, at))
        said = f"{dotted}{text}" if text.startswith(":") else f"{dotted} {text}"
        key = (*at, place) if place else at
        self.faults.setdefault(key, f"{place or self.place(at)}: {said.strip(' :')}")


def _shown(key: str) -> str:
    """Print a key unless it may be a misplaced secret."""
    word, colon, _ = key.partition(":")
    shown = word if _PRINTABLE_KEY.fullmatch(word) else "…"
    return f"{shown}: (put a blank after the colon)" if colon else shown


def read(path: Path) -> Document:
    """Read *path*; a UserError with file and line where it is no YAML block of keys."""
    document = Document(path.name)
    try:
        tree = parse(document, _text(path), at=(), origin=path.name)
    except Malformed as exc:
        raise UserError(f"{path} cannot be read", [str(exc)]) from None
    if not isinstance(tree, dict):
        what = "is empty" if tree is None else "must be a block of keys, `shop:` first"
        raise UserError(f"{path} cannot be used", [f"{path.name}:1: the file {what}"])
    document.tree = tree
    return document


class Malformed(ValueError):
    """A text that is not the YAML we take; the message begins with its place."""


def parse(document: Document, text: str, *, at: At, origin: str) -> Any:
    """Parse *text* to plain values; *origin* is a file name, or a variable's name."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as exc:
        raise Malformed(_syntax(exc, _Tree(document, origin))) from None
    except yaml.reader.ReaderError as exc:
        place = _Tree(document, origin).line(text.count("\n", 0, exc.position))
        raise Malformed(f"{place}: an invisible character; type the line anew") from None
    return None if node is None else _Tree(document, origin).value(node, at)


class _Loader(yaml.BaseLoader):
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=parent.start_mark)  # type: ignore[union-attr]
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


@dataclass(slots=True)
class _Tree:
    """Turns nodes into values and notes their places."""

    document: Document
    origin: str
    seen: int = 0

    def value(self, node: yaml.Node, at: At) -> Any:
        self.seen += 1
        if self.seen > _MOST_VALUES or len(at) > _DEEPEST:
            raise Malformed(f"{self._line(node)}: far too many values; is an alias repeated?")
        if isinstance(node, yaml.MappingNode):
            return self._block(node, at)
        if isinstance(node, yaml.SequenceNode):
            return self._row(node, at)
        assert isinstance(node, yaml.ScalarNode)  # there is no fourth kind of node
        return self._scalar(node, at)

    def _row(self, node: yaml.SequenceNode, at: At) -> list[Any]:
        row = []
        for number, entry in enumerate(node.value, 1):
            where = (*at, str(number))
            self.document.places[where] = self._line(entry)
            row.append(self.value(entry, where))
        return row

    def _block(self, node: yaml.MappingNode, at: At) -> dict[str, Any]:
        block: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Malformed(f"{self._line(key)}: a key must be a word")
            where = (*at, key.value)
            if key.value in block:
                self._repeated(where, key)
                continue
            self.document.places[where] = self._line(key)
            block[key.value] = self.value(value, where)
        return block

    def _repeated(self, where: At, key: yaml.Node) -> None:
        first = self.document.places[where].rpartition(":")[2]
        text = f"is written twice (first in line {first}); remove one"
        self.document.fault(where, text, place=self._line(key))

    def _scalar(self, node: yaml.ScalarNode, at: At) -> str | None:
        if node.tag != _TEXT_TAG:
            self.document.fault(at, 'begins with "!", a YAML tag; put the value in quotes')
            return None
        if node.style is None and node.value in _NULL:
            return None
        return str(node.value)

    def _line(self, node: yaml.Node) -> str:
        return self.line(node.start_mark.line)

    def line(self, above: int) -> str:
        """Name the line with so many lines *above* it; a variable has no lines."""
        ours = self.origin == self.document.name
        return f"{self.origin}:{above + 1}" if ours else self.origin


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as exc:
        reason = (exc.strerror or "cannot be read").lower()
        raise Malformed(
            f"{path.name}: {reason}; run `tracker-sync init` to write a new one"
        ) from None
    if len(raw) > _LARGEST:
        raise Malformed(f"{path.name}: too big for a configuration")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise Malformed(f"{path.name}:{line}: not UTF-8; save the file as UTF-8") from None


def _syntax(exc: yaml.MarkedYAMLError, tree: _Tree) -> str:
    """Say what is wrong, never the words found there: an unquoted password may be one."""
    mark = exc.problem_mark or exc.context_mark
    place = tree.line(mark.line if mark else 0)
    problem = exc.problem or "not valid YAML"
    if "'\\t'" in problem:
        return f"{place}: a tab; indent with blanks"
    if any(word in problem for word in ("alias", "anchor", " tag", "start any token")):
        return f"{place}: a value begins with a sign YAML keeps for itself; put it in quotes"
    if "<block" in problem:
        return f"{place}: not valid YAML: check how this line and those above are indented"
    return f"{place}: not valid YAML: {problem}"
