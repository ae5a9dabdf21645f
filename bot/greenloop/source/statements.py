"""The import statements of one Python file, wherever they stand in it, without running it.

Also what imports by name: `importlib.import_module("a.b")`, `patch("a.b.c")`, `pytest_plugins`. A file that does not
parse, or is too large to parse in good time, is read by its lines.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_LARGEST = 1_000_000  # bytes; beyond it parsing costs seconds
_CALLS = frozenset(
    {"import_module", "__import__", "importorskip", "run_module", "patch", "setattr", "delattr", "find_spec"}
)
_DOTTED = re.compile(r"\.*[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LINE = re.compile(rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+([^#\n]*)|import[ \t]+([^#\n]*))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Import:
    """`from ..module import names`, with `level` dots. The end of `module` may be a name inside a module."""

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@lru_cache(maxsize=1024)
def imports(content: bytes) -> tuple[Import, ...]:
    if len(content) > _LARGEST:
        return tuple(dict.fromkeys(_from_lines(content)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return tuple(dict.fromkeys(_from_lines(content)))
    return tuple(dict.fromkeys(_from_tree(tree)))


def _from_tree(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(a.name for a in node.names if a.name != "*"), node.level)
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytest_plugins" for t in node.targets
        ):
            yield from (Import(text) for text in _texts(node.value))


def _called(node: ast.Call) -> Iterator[Import]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in _CALLS and node.args:
        for text in _texts(node.args[0]):
            module = text.lstrip(".")
            yield Import(module, level=len(text) - len(module))


def _texts(value: ast.expr) -> Iterator[str]:
    parts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _DOTTED.fullmatch(part.value):
            yield part.value


def _from_lines(content: bytes) -> Iterator[Import]:
    for source, names, plain in _LINE.findall(content):
        if source:
            module = source.decode("utf-8", "replace").lstrip(".")
            found = re.findall(r"(\w+)(?:\s+as\s+\w+)?", names.decode("utf-8", "replace"))
            yield Import(module, tuple(found), len(source) - len(source.lstrip(b".")))
        for text in plain.decode("utf-8", "replace").split(","):
            words = text.split()
            if words and _DOTTED.fullmatch(words[0]):
                yield Import(words[0])
