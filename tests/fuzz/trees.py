"""A JSON or XML answer as one kind of tree, so that a mutation needs to know neither.

XML becomes dicts: "@name" is an attribute, "#" the text, and every name of children has a list.
A path is the keys and indices from the root down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Steps = tuple[str | int, ...]
Element = ElementTree.Element


@dataclass(frozen=True)
class Tree:
    """A decoded answer; `put` and `cut` give another one."""

    root: Any
    is_xml: bool

    def body(self) -> bytes:
        """Write the answer again."""
        if not self.is_xml:
            return json.dumps(self.root).encode()
        ((tag, element),) = self.root.items()
        return ElementTree.tostring(_element(tag, element))

    def at(self, path: Steps) -> Any:
        node = self.root
        for step in path:
            node = node[step]
        return node

    def put(self, path: Steps, value: Any) -> Tree:
        """Replace what is at *path*."""
        return Tree(_put(self.root, path, value), self.is_xml)

    def cut(self, path: Steps) -> Tree:
        """Leave out what is at *path*."""
        parent, last = self.at(path[:-1]), path[-1]
        if isinstance(parent, dict):
            rest: Any = {key: value for key, value in parent.items() if key != last}
        else:
            rest = [value for index, value in enumerate(parent) if index != last]
        return self.put(path[:-1], rest)

    def nodes(self, below: Steps = ()) -> Iterator[tuple[Steps, Any]]:
        """Everything from the top down; of XML not the root, which must be one element."""
        start = below or (tuple(self.root) if self.is_xml else ())
        return _nodes(start, self.at(start))

    def leaves(self, below: Steps = ()) -> list[tuple[Steps, Any]]:
        """Every value that holds no others."""
        return [(path, node) for path, node in self.nodes(below) if not _holds(node)]

    def containers(self) -> list[Steps]:
        """Every object and every list; a list of XML elements is no container of its own."""
        kinds = dict if self.is_xml else (dict, list)
        return [path for path, node in self.nodes() if isinstance(node, kinds)]

    def lists(self) -> list[Steps]:
        """Every list of objects: what may be doubled. Elements are one where they repeat."""
        least = 2 if self.is_xml else 1
        return [
            path
            for path, node in self.nodes()
            if isinstance(node, list) and len(node) >= least and isinstance(node[0], dict)
        ]


@cache
def tree(answer: Path) -> Tree:
    """Read a sample."""
    if answer.suffix == ".json":
        return Tree(json.loads(answer.read_bytes()), is_xml=False)
    root = ElementTree.fromstring(answer.read_bytes())
    return Tree({root.tag: _node(root)}, is_xml=True)


def nested(depth: int, *, objects: bool) -> Any:
    """Return lists or objects in each other."""
    node: Any = {} if objects else []
    for _ in range(depth - 1):
        node = {"a": node} if objects else [node]
    return node


def _holds(node: Any) -> bool:
    return isinstance(node, dict | list) and bool(node)


def _nodes(path: Steps, node: Any) -> Iterator[tuple[Steps, Any]]:
    yield path, node
    if isinstance(node, dict | list):
        for step, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _nodes((*path, step), child)


def _put(node: Any, path: Steps, value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = _put(node[path[0]], path[1:], value)
    return copy


def _node(element: Element) -> Any:
    text, node = (element.text or "").strip(), dict[str, Any]()
    node |= {f"@{name}": value for name, value in element.attrib.items()}
    for child in element:
        node.setdefault(child.tag, []).append(_node(child))
    return node | {"#": text} if text and node else node or text


def _element(tag: str, node: Any) -> Element:
    element = Element(tag)
    if isinstance(node, list):
        node = {"item": node}
    if not isinstance(node, dict):
        element.text = None if node is None else _text(node)
        return element
    for name, value in node.items():
        if name == "#":
            element.text = _text(value)
        elif name.startswith("@"):
            element.attrib |= {} if value is None else {name[1:]: _text(value)}
        else:
            many = value if isinstance(value, list) else [value]
            element.extend(_element(name, child) for child in many)
    return element


def _text(value: Any) -> str:
    """Return *value* as XML may hold it."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(c for c in text if c >= " " and not 0xD800 <= ord(c) < 0xE000)
