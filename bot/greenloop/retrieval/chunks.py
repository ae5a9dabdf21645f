"""A file in the pieces that are found and quoted: functions, methods, heads of classes, runs of a module; windows of
lines where nothing better is known. Pure: text in, values out."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WINDOW = 60  # lines of a piece where the language is not known: a screen
LONGEST = 120  # lines of a function that are quoted as one; a longer one is cut
CUT = 90  # at so many
SIGNATURE = 120  # characters of one that are told
NAME = 240  # characters of a qualified name, its last ones: each method would repeat a class's of any length
_BASES = 20  # of a class


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Lines `start` to `end` of a file, 1-based and inclusive. `kind` is function, class, module or text."""

    kind: str
    name: str  # qualified within the file; "" for text
    start: int
    end: int
    signature: str = ""  # its first line, for an outline
    bases: tuple[str, ...] = ()  # of a class


Chunker = Callable[[str], list[Chunk] | None]


def python(text: str) -> list[Chunk] | None:
    """Chunks of Python source, or None where this interpreter cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the target's invalid escapes are not ours to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = lines_of(text)
    try:
        found = list(_body(tree.body, "", 1, len(lines), lines, kind="module"))
    except RecursionError:
        return None
    return [piece for chunk in found for piece in cut(chunk)]


def windows(text: str) -> list[Chunk]:
    """Pieces of at most `WINDOW` lines; a piece ends early at an empty line in its last third."""
    lines, found, start = lines_of(text), [], 1
    while start <= len(lines):
        end = min(start + WINDOW - 1, len(lines))
        if end < len(lines):
            blank = (n for n in range(end, end - WINDOW // 3, -1) if not lines[n - 1].strip())
            end = next(blank, end)
        head = next((line.strip() for line in lines[start - 1 : end] if line.strip()), "")
        if head:
            found.append(Chunk(kind="text", name="", start=start, end=end, signature=head[:SIGNATURE]))
        start = end + 1
    return found


def lines_of(text: str) -> list[str]:
    """Lines as `ast`, git and editors count them: `str.splitlines` would also cut at form feeds and the like."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def cut(chunk: Chunk) -> Iterator[Chunk]:
    """A chunk that is too long to be quoted whole, in pieces that carry its name."""
    if chunk.end - chunk.start < LONGEST:
        yield chunk
        return
    for start in range(chunk.start, chunk.end + 1, CUT):
        end = min(start + CUT - 1, chunk.end)
        signature = chunk.signature if start == chunk.start else ""
        yield Chunk(kind=chunk.kind, name=chunk.name, start=start, end=end, signature=signature, bases=chunk.bases)


_Def = ast.FunctionDef | ast.AsyncFunctionDef


def _body(
    body: list[ast.stmt], name: str, start: int, end: int, lines: list[str], *, kind: str, bases: tuple[str, ...] = ()
) -> Iterator[Chunk]:
    """Definitions in `body`, and what lies between them from `start` to `end` as chunks of `kind`."""
    at = start
    for node in _definitions(body):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        last = node.end_lineno or node.lineno
        if first < at:  # two on one line
            continue
        yield from run(kind, name, at, first - 1, lines, bases)
        qualified = (f"{name}.{node.name}" if name else node.name)[-NAME:]
        signature = lines[node.lineno - 1].strip()[:SIGNATURE]
        if isinstance(node, ast.ClassDef):
            parents = (_last_name(base)[-NAME:] for base in node.bases[:_BASES])
            yield from _body(node.body, qualified, first, last, lines, kind="class", bases=tuple(filter(None, parents)))
        else:
            yield Chunk(kind="function", name=qualified, start=first, end=last, signature=signature)
        at = last + 1
    yield from run(kind, name, at, end, lines, bases)


def _definitions(body: list[ast.stmt]) -> Iterator[_Def | ast.ClassDef]:
    """Functions and classes of a body, also under `if`, `try` and `with`; those inside a function are part of it."""
    for node in body:
        if isinstance(node, _Def | ast.ClassDef):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.TryStar):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            for handler in getattr(node, "handlers", []):
                inner += handler.body
            yield from sorted(_definitions(inner), key=lambda found: found.lineno)


def run(kind: str, name: str, start: int, end: int, lines: list[str], bases: tuple[str, ...]) -> Iterator[Chunk]:
    """What lies between definitions, without the empty lines around it."""
    while start <= end and not lines[start - 1].strip():
        start += 1
    while end >= start and not lines[end - 1].strip():
        end -= 1
    if start <= end:
        head = next((line for line in lines[start - 1 : end] if line.lstrip().startswith("class ")), lines[start - 1])
        yield Chunk(kind=kind, name=name, start=start, end=end, signature=head.strip()[:SIGNATURE], bases=bases)


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
