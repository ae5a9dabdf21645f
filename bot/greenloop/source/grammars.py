"""The grammars of languages other than Python, where the extra `languages` is installed: what a text is made of, and
where it stops being one of its language."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

EXTRA = "greenloop[languages]"

_JAVASCRIPT = ("tree_sitter_javascript", "language")
# the end of a file's name → the module of its grammar, and the function of it that gives the language
_GRAMMARS = {
    "c": ("tree_sitter_c", "language"),
    "h": ("tree_sitter_cpp", "language"),
    "cc": ("tree_sitter_cpp", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "hpp": ("tree_sitter_cpp", "language"),
    "cs": ("tree_sitter_c_sharp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "js": _JAVASCRIPT,
    "jsx": _JAVASCRIPT,
    "mjs": _JAVASCRIPT,
    "cjs": _JAVASCRIPT,
    "php": ("tree_sitter_php", "language_php"),
    "rb": ("tree_sitter_ruby", "language"),
    "rs": ("tree_sitter_rust", "language"),
    "ts": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
}
# What no preprocessor stands before: a text that the grammar refuses is refused by the compiler as well
_PLAIN = {"go": "Go", "java": "Java", "rs": "Rust", "js": "JavaScript", "jsx": "JavaScript", "mjs": "JavaScript"} | {
    "cjs": "JavaScript",
    "ts": "TypeScript",
    "tsx": "TypeScript",
}


def grammar(path: str) -> str:
    """The name of the grammar for a file, when it is installed; else ""."""
    end = _end(path)
    module = _GRAMMARS.get(end, ("", ""))[0]
    return f"{end}:{module}" if module and _installed(module) else ""


def root(path: str, text: bytes) -> Node | None:
    """What a text is made of; None for a file whose grammar is not installed."""
    return _parser(*_GRAMMARS[_end(path)]).parse(text).root_node if grammar(path) else None


def language(path: str) -> str:
    """What the language of a file is called whose edits are proven by its grammar, installed or not; else ""."""
    return _PLAIN.get(_end(path), "")


def known() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages whose edits can be proven here, and those that lack their grammar."""
    there = {name for end, name in _PLAIN.items() if grammar(f"a.{end}")}
    return tuple(sorted(there)), tuple(sorted(set(_PLAIN.values()) - there))


def problem(path: str, text: bytes) -> tuple[str, int] | None:
    """What is wrong with a text, and its line; None when it parses, or nobody here can tell."""
    node = root(path, text) if language(path) else None
    if node is None or not node.has_error:
        return None
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            break
        node = inner
    what = f"a `{node.type}` is missing" if node.is_missing else "a syntax error"
    return f"{what}, as the grammar of {language(path)} has it", node.start_point[0] + 1


def broken_by(path: str, before: bytes | None, now: bytes) -> tuple[str, int] | None:
    """What is wrong with a file that an edit broke: one that its grammar took before. What it never took, a dialect or
    a file that is new, proves nothing."""
    wrong = problem(path, now) if before else None
    return wrong if before and wrong and problem(path, before) is None else None


def _end(path: str) -> str:
    return path.rpartition(".")[2].lower()


@cache
def _installed(module: str) -> bool:
    return find_spec("tree_sitter") is not None and find_spec(module) is not None


@cache
def _parser(module: str, function: str) -> Parser:
    from tree_sitter import Language, Parser  # noqa: PLC0415 - an extra

    return Parser(Language(getattr(import_module(module), function)()))
