"""How many ways lead through a function: one, and one for each place where they part. Pure; nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

_PARTS = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    first: int
    last: int
    ways: int


def functions(source: bytes) -> Mapping[str, Function]:
    """Every function by its qualified name; none of a text that does not parse. Of two with one name the last counts,
    as it does for Python."""
    try:
        tree = ast.parse(source)
        return {function.name: function for function in _found(tree, "")}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def worst(before: bytes, now: bytes, lines: Collection[int]) -> tuple[Function, int | None] | None:
    """Of the functions that have one of these lines, the one that grew to the most ways, with what it had before (None:
    it is new)."""
    old = functions(before)
    touched = (f for f in functions(now).values() if any(f.first <= line <= f.last for line in lines))
    most = max(touched, key=lambda f: f.ways, default=None)
    return None if most is None else (most, old[most.name].ways if most.name in old else None)


def _found(node: ast.AST, inside: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            name = f"{inside}{child.name}"
            if isinstance(child, _FUNCTIONS):
                yield Function(name, child.lineno, child.end_lineno or child.lineno, 1 + _parts(child))
            yield from _found(child, f"{name}.")
        else:
            yield from _found(child, inside)


def _parts(node: ast.AST) -> int:
    """Of a function, without those of the functions in it."""
    count = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            continue
        if isinstance(child, ast.Match):
            count += sum(not _always(case) for case in child.cases)
        count += isinstance(child, _PARTS) + _parts(child)
    return count


def _always(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
