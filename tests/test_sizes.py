"""How long things may be, how many arguments they take, and that they say what they are for.

A function's length is all of it from `def` to its last line, signature included, without its
docstring and decorators. A file's length is its lines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tracker_sync"
PURE = {"__init__", "model", "errors", "lifecycle", "messages", "numbers", "polling"}
CONTRACT = {"__init__.py", "errands.py", "facts.py", "brands.py", "shapes.py", "tables.py"}
TYPICAL, LONG, LONGEST = 8, 30, 50
PURE_LINES, EDGE_LINES, SOURCE_LINES, CARRIER_LINES = 200, 250, 150, 120
MOST_POSITIONAL = 4
# Signatures that a library dictates. An entry that is no longer needed is a failure.
DICTATED = {"wire/transport.py:_Backend:connect_tcp"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef | ast.Module


@dataclass(frozen=True)
class Named:
    """A module, class or function, and where it stands."""

    where: str
    node: Documented
    public: bool


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(PACKAGE.rglob("*.py")))


def limit(path: Path) -> int:
    """How many lines the file may have."""
    inside = path.relative_to(PACKAGE)
    if inside.parts[0].removesuffix(".py") in PURE:
        return PURE_LINES
    special = {"carriers": CARRIER_LINES, "sources": SOURCE_LINES}.get(inside.parts[0])
    # What all the others of a package share is no carrier and no source.
    return special if special and inside.name not in CONTRACT else EDGE_LINES


def _inside(where: str, node: ast.AST, *, public: bool) -> Iterator[Named]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            seen = public and not child.name.startswith("_") and not isinstance(node, Function)
            yield Named(f"{where}:{child.name}", child, seen)
            yield from _inside(f"{where}:{child.name}", child, public=seen)
        else:
            yield from _inside(where, child, public=public)


@cache
def everything() -> tuple[Named, ...]:
    found: list[Named] = []
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = str(path.relative_to(PACKAGE))
        found += [Named(where, tree, public=True), *_inside(where, tree, public=True)]
    return tuple(found)


def functions() -> list[tuple[str, Function]]:
    return [(each.where, each.node) for each in everything() if isinstance(each.node, Function)]


def length(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def positional(function: Function) -> list[ast.arg]:
    """The parameters that may be given by position, `self` and `cls` aside."""
    found = [*function.args.posonlyargs, *function.args.args]
    return found[1:] if found and found[0].arg in {"self", "cls"} else found


def switches(function: Function) -> list[str]:
    """Positional parameters that are yes or no: nobody can read such a call."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    told = {each.arg for each in parameters if "bool" in _words(each.annotation)}
    last = parameters[len(parameters) - len(defaults) :]
    given = zip(last, defaults, strict=True)
    told |= {each.arg for each, value in given if _is_bool(value)}
    return sorted(told)


def _words(annotation: ast.expr | None) -> set[str]:
    if annotation is None or isinstance(annotation, ast.Subscript):
        return set()
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}


def _is_bool(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, bool)


def _overload(node: Documented) -> bool:
    decorators = [] if isinstance(node, ast.Module) else node.decorator_list
    names = {ast.unparse(each) for each in decorators}
    return bool(names & {"overload", "override"}) or any(n.endswith(".setter") for n in names)


def _written(text: str) -> Function:
    [function] = ast.parse(text).body
    assert isinstance(function, Function)
    return function


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit(path)


def test_no_function_is_too_long() -> None:
    assert not [(where, length(f)) for where, f in functions() if length(f) > LONGEST]


def test_most_functions_are_short() -> None:
    lengths = sorted(length(function) for _, function in functions())

    assert median(lengths) <= TYPICAL
    assert quantiles(lengths, n=20, method="inclusive")[-1] <= LONG


def test_few_arguments_are_given_by_position() -> None:
    many = {where for where, f in functions() if len(positional(f)) > MOST_POSITIONAL}

    assert many == DICTATED


def test_yes_and_no_are_given_by_name() -> None:
    assert not [(where, switches(f)) for where, f in functions() if switches(f)]


def test_everything_public_says_what_it_is_for() -> None:
    silent = [
        each.where
        for each in everything()
        if each.public and not _overload(each.node) and not ast.get_docstring(each.node)
    ]

    assert not silent


def test_a_docstring_is_no_length_and_a_signature_is() -> None:
    text = 'def f(\n    a,\n    b,\n):\n    """One.\n\n    Two.\n    """\n    return a\n'

    assert length(_written(text)) == 5
    assert length(_written("@g\n@h\ndef f(): ...")) == 1


@pytest.mark.parametrize(
    ("signature", "found"),
    [
        ("a: bool", ["a"]),
        ("a: int, b=True", ["b"]),
        ("a: bool | None = None", ["a"]),
        ("a, /, b: str = ''", []),
        ("*, a: bool = False", []),
        ("a: Callable[[bool], int]", []),
    ],
)
def test_a_positional_switch_is_seen(signature: str, found: list[str]) -> None:
    assert switches(_written(f"def f({signature}): ...")) == found
