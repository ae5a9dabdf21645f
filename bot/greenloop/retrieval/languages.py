"""Functions and classes of languages other than Python, by tree-sitter grammars where they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from greenloop.retrieval.chunks import NAME, SIGNATURE, Chunk, cut, lines_of, run
from greenloop.source import grammars

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = frozenset(
    {
        "constructor_declaration",
        "function_declaration",
        "function_definition",
        "function_item",
        "generator_function_declaration",
        "method",
        "method_declaration",
        "method_definition",
        "singleton_method",
    }
)
_CLASSES = frozenset(
    {
        "abstract_class_declaration",
        "class",
        "class_declaration",
        "class_specifier",
        "enum_declaration",
        "enum_item",
        "impl_item",
        "interface_declaration",
        "mod_item",
        "module",
        "namespace_declaration",
        "namespace_definition",
        "record_declaration",
        "struct_declaration",
        "struct_item",
        "struct_specifier",
        "trait_declaration",
        "trait_item",
    }
)
_VALUES = frozenset({"arrow_function", "function_expression", "function"})  # const name = () => …
_DEEPEST = 40  # levels; what is nested deeper is no class of anybody


def chunks(path: str, text: str) -> list[Chunk] | None:
    """Chunks of a file whose grammar is installed; None for other files."""
    lines = lines_of(text)
    root = grammars.root(path, "\n".join(lines).encode("utf-8", "replace"))
    if root is None:
        return None
    found = _body(root, "", (1, len(lines)), lines, kind="module")
    return [piece for chunk in found for piece in cut(chunk)]


def _body(node: Node, name: str, span: tuple[int, int], lines: list[str], *, kind: str) -> Iterator[Chunk]:
    """Definitions inside `node`, and what lies between them in `span` as chunks of `kind`."""
    at, end = span
    for found, inner in _definitions(node, 0):
        first, last = found.start_point[0] + 1, min(found.end_point[0] + 1, end)
        if first < at:  # two on one line
            continue
        yield from run(kind, name, at, first - 1, lines, ())
        own = _name(inner)
        qualified = (f"{name}.{own}" if name and own else own or name)[-NAME:]
        if inner.type in _CLASSES:
            yield from _body(inner, qualified, (first, last), lines, kind="class")
        else:
            signature = lines[inner.start_point[0]].strip()[:SIGNATURE]
            yield Chunk(kind="function", name=qualified, start=first, end=last, signature=signature)
        at = last + 1
    yield from run(kind, name, at, end, lines, ())


def _definitions(node: Node, depth: int) -> Iterator[tuple[Node, Node]]:
    """The outermost definitions below a node, each as what is quoted (with `export`) and what is defined."""
    for child in node.named_children:
        if child.type in _FUNCTIONS or child.type in _CLASSES:
            yield child, child
        elif child.type == "variable_declarator":
            value = child.child_by_field_name("value")
            if value is not None and value.type in _VALUES:
                yield child, child
        elif depth < _DEEPEST:
            yield from _definitions(child, depth + 1)


def _name(node: Node) -> str:
    """What a definition is called; in C the name hides in declarators."""
    for field in ("name", "type"):
        found = node.child_by_field_name(field) if field == "name" or node.type == "impl_item" else None
        if found is not None:
            return _text(found)
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        deeper = inner.child_by_field_name("declarator")
        if deeper is None:
            return _text(inner)
        inner = deeper
    return ""


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace").replace("::", ".")[:200]
