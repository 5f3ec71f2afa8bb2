"""Answers as nobody would write them, made out of a sample: seeded, so that each can be made again.

Values, structure, doubling, removal, stamps that change places, texts, truncation, byte noise.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from contract.samples import CARRIERS
from fuzz.trees import Steps, Tree, nested

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 10**30, 1e308, [], {}, [[]], [None], {"odd": 7}),
    *("", " ", "null", "0", "true", "x" * 999, "\x00", "é😀", "\ud800", "zz-unheard-of"),
)
ODD_STAMPS = (
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "01.01.0001 00:00", "20261399"),
    *("2026-10-25T02:30:00", "2026-03-29T02:30:00", "2099-01-01T00:00:00Z", "24:00:00"),
)
MOST = 4  # mutations an answer

Mutation = Callable[[Tree, str, Random], Tree]


def mutated(tree: Tree, key: str, random: Random) -> bytes:
    """Return a sample of the carrier *key* with a few mutations."""
    if random.random() < 0.1:
        return _noise(tree.body(), random)
    for _ in range(random.randint(1, MOST)):
        mutation = random.choice(MUTATIONS)
        tree = mutation(tree, key, random)
    body = tree.body()
    return _noise(body, random) if random.random() < 0.05 else body


def _any(tree: Tree, random: Random, *, leaf: bool) -> Steps | None:
    """A place in the tree that may be put or cut."""
    nodes = tree.leaves() if leaf else [*tree.nodes()]
    paths = [path for path, _ in nodes if len(path) > tree.is_xml]
    return random.choice(paths) if paths else None


def value(tree: Tree, key: str, random: Random) -> Tree:
    """Replace a value: by nonsense, by a stamp, by a code the carrier lists."""
    path = _any(tree, random, leaf=True)
    listed = random.choice([*CARRIERS[key].codes])
    new = random.choice([*ODD, *ODD_STAMPS, listed, listed.partition("/")[0]])
    return tree if path is None else tree.put(path, new)


def structure(tree: Tree, key: str, random: Random) -> Tree:
    """Replace anything by something nested, or by what stands elsewhere in the answer."""
    path, other = _any(tree, random, leaf=False), _any(tree, random, leaf=False)
    if path is None or other is None:
        return tree
    deep = nested(random.randint(1, 64), objects=random.random() < 0.5)
    return tree.put(path, random.choice([deep, [tree.at(path)], tree.at(other)]))


def removal(tree: Tree, key: str, random: Random) -> Tree:
    """Leave something out."""
    path = _any(tree, random, leaf=random.random() < 0.5)
    return tree if path is None else tree.cut(path)


def doubling(tree: Tree, key: str, random: Random) -> Tree:
    """List an entry twice, or all of them, or in another order."""
    lists = tree.lists()
    if not lists:
        return tree
    path = random.choice(lists)
    entries = list(tree.at(path))
    again = random.choice([[random.choice(entries)], entries, []])
    entries += again
    if random.random() < 0.5:
        random.shuffle(entries)
    return tree.put(path, entries)


def swap(tree: Tree, key: str, random: Random) -> Tree:
    """Let two values of one name change places: stamps, codes, texts."""
    path = _any(tree, random, leaf=True)
    if path is None:
        return tree
    alike = [p for p, _ in tree.leaves() if _name(p) == _name(path)]
    other = random.choice(alike)
    return tree.put(path, tree.at(other)).put(other, tree.at(path))


def text(tree: Tree, key: str, random: Random) -> Tree:
    """Write a text in other words: cut, longer, in other letters, with signs nobody expects."""
    texts = [(path, node) for path, node in tree.leaves() if isinstance(node, str) and node]
    texts = [(path, node) for path, node in texts if len(path) > tree.is_xml]
    if not texts:
        return tree
    path, old = random.choice(texts)
    ways = [old[: len(old) // 2], old + old, old.upper(), old.lower(), f" {old}\t", f"{old}\u202e"]
    ways += [old.replace(" ", "\u00a0"), f"<b>{old}</b>", f"not {old}", f"{old} - returned"]
    return tree.put(path, random.choice(ways))


def _name(path: Steps) -> str | int:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _noise(body: bytes, random: Random) -> bytes:
    """Cut a body off, or overwrite some of its bytes."""
    start = random.randrange(len(body) + 1)
    if random.random() < 0.3:
        return body[:start]
    end = start + random.randrange(9)
    return body[:start] + random.randbytes(random.randint(0, 8)) + body[end:]


MUTATIONS: tuple[Mutation, ...] = (value, structure, removal, doubling, swap, text)
