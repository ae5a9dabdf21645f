"""Existing tests beside what a change makes of them: assertions that are gone, hold always, or ask for less."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from greenloop.domain import Finding, Severity

_ASSERTS = re.compile(r"assert\w*|raises|warns|fail|approx|check\w*|expect\w*|verify\w*")
_SAYS = {
    "assertions-gone": (Severity.ERROR, "has no assertion any more, and had {before}"),
    "fewer-assertions": (Severity.NOTE, "has {after} assertions, and had {before}"),
    "empty-assertion": (Severity.ERROR, "asserts what always holds"),
    "wider-exception": (Severity.WARNING, "accepts any exception, and asked for {before}"),
}
_ANY = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class _Test:
    line: int
    asserts: int
    empty: int
    raises: Counter[str]


def weakened(path: str, before: str, after: str) -> Iterator[Finding]:
    """One finding for each test that both versions have and that asks for less now."""
    old, new = _tests(before), _tests(after)
    for name, test in new.items():
        base = old.get(name)
        if base is None:
            continue
        if base.asserts and not test.asserts:
            yield _finding(path, name, test, "assertions-gone", base.asserts)
        elif test.asserts < base.asserts:
            yield _finding(path, name, test, "fewer-assertions", base.asserts)
        if test.empty > base.empty:
            yield _finding(path, name, test, "empty-assertion", 0)
        narrow = [n for n in base.raises if n not in _ANY and n not in test.raises]
        if narrow and sum(test.raises[n] for n in _ANY) > sum(base.raises[n] for n in _ANY):
            yield _finding(path, name, test, "wider-exception", ", ".join(narrow)[:80])


def fresh_lines(before: str, after: str) -> frozenset[int]:
    """The lines of functions and classes, decorators included, that the file did not have before."""
    known, found = set(_definitions(before)), set[int]()
    for name, node in _definitions(after).items():
        if name not in known:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.update(range(first, (node.end_lineno or node.lineno) + 1))
    return frozenset(found)


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(text: str) -> dict[str, _Definition]:
    """Functions and classes of a file by their name, methods with that of their class."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, _Definition] = {}
    for node in body:
        if isinstance(node, _Definition):
            found[node.name] = node
            inner = node.body if isinstance(node, ast.ClassDef) else []
            found.update({f"{node.name}.{n.name}": n for n in inner if isinstance(n, _Definition)})
    return found


def _finding(path: str, name: str, test: _Test, rule: str, before: object) -> Finding:
    severity, says = _SAYS[rule]
    return Finding(
        check="integrity",
        rule=rule,
        message=f"{name} {says.format(before=before, after=test.asserts)}.",
        path=path,
        line=test.line,
        severity=severity,
        context=f"{name} {rule}",
    )


def _tests(text: str) -> dict[str, _Test]:
    """The tests of a file by their name, with that of their class."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        name: _test(node)
        for name, node in _definitions(text).items()
        if isinstance(node, functions) and node.name.startswith("test")
    }


def _test(function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Test:
    asserts = empty = 0
    raises: Counter[str] = Counter()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            asserts += 1
            empty += _always(node.test)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            asserts += bool(_ASSERTS.fullmatch(name.lower().lstrip("_")))
            if name in {"raises", "assertRaises"} and node.args:
                wanted = node.args[0]
                raises[wanted.attr if isinstance(wanted, ast.Attribute) else getattr(wanted, "id", "?")] += 1
    return _Test(function.lineno, asserts, empty, raises)


def _always(test: ast.expr) -> bool:
    """`True`, `1`, `"text"`, `x or True`, `x == x`, a tuple."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(map(_always, test.values))
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
        return isinstance(test.left, ast.Name) and ast.dump(test.left) == ast.dump(test.comparators[0])
    return (isinstance(test, ast.Constant) and bool(test.value)) or (isinstance(test, ast.Tuple) and bool(test.elts))
