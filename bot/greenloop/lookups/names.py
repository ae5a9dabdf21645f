"""Words and names in the text of files: search, definition, uses. Nothing that is slow for a text made to be slow."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from greenloop.lookups.view import View, texts
from greenloop.verdict.protect import is_test

_HITS = 30
_OF_ONE_FILE = 6
_BODY = 70  # lines of a definition
_NAME = re.compile(r"^[\w.$:#]{1,120}$")
_DEFINES = r"\b(?:def|class|function|func|fn|struct|interface|type|enum|trait|impl|const|let|var|val|module)\s+"
_NOT_ALL = "Only the first part of this repository was searched."
_Hit = tuple[str, int, str]  # path, line from 1, its text


def search(about: str, view: View) -> str:
    """Lines that hold the words, capitals aside. `a|b` and `a.*b` are understood; other signs stand for themselves."""
    wanted = [[piece.lower() for piece in _pieces(one)] for one in re.split(r"\\?\|", about) if one.strip()]
    if not any(any(pieces) for pieces in wanted):
        return "There is nothing to search for."

    def hit(line: str) -> bool:
        low = line.lower()
        return any(_in_order(low, pieces) for pieces in wanted)

    first = [pieces[0] for pieces in wanted]
    return _told(_lines(view, hit, first), f"Nothing holds {about!r}.")


def _pieces(words: str) -> list[str]:
    """Texts that have to stand in a line in this order, from what may be a regular expression."""
    found = []
    for part in re.split(r"(?:\.|\\[wSd])[*+]\??", words.strip().removeprefix("^").removesuffix("$")):
        plain = re.sub(r"\\([^\w\s])", r"\1", re.sub(r"\\[bswdBSWD][+*]?", " ", part))
        found.append(plain.strip() if plain == part else " ".join(plain.split()))
    return [piece for piece in found if piece] or [words]


def _in_order(line: str, pieces: list[str]) -> bool:
    at = 0
    for piece in pieces:
        at = line.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _lines(view: View, hit: Callable[[str], bool], words: list[str]) -> Iterator[_Hit]:
    """Hits in the product before those in tests."""
    entries = sorted(view.entries(), key=lambda e: (is_test(e.path), e.path))
    for path, text in texts(view, entries):
        low = text.lower()
        if path and not any(word in low for word in words):
            continue
        yield from ((path, n, line) for n, line in enumerate(text.splitlines(), start=1) if hit(line))
        if not path:
            yield "", 0, ""


def _told(hits: Iterator[_Hit], nothing: str) -> str:
    """The first hits, not too many of one file, and how many there are besides."""
    rows: list[str] = []
    files: dict[str, int] = {}
    left, whole = 0, True
    for path, number, line in hits:
        if not path:
            whole = False
            continue
        files[path] = files.get(path, 0) + 1
        if len(rows) < _HITS and files[path] <= _OF_ONE_FILE:
            rows.append(f"{path}:{number}: {line.strip()}")
        else:
            left += 1
    if not rows:
        return nothing if whole else f"{nothing} {_NOT_ALL}"
    more = [f"… and {left} more in {len(files)} file{'s' if len(files) > 1 else ''}"] if left else []
    return "\n".join([*rows, *more, *(() if whole else (_NOT_ALL,))])


def define(about: str, view: View) -> str:
    """The text of the definition; of several the first, and where the others are."""
    name = about.strip("()` ").replace("::", ".").replace("#", ".")
    if not _NAME.match(name):
        return "A definition is asked for by its name: `Look: define Session.send`."
    last = name.rsplit(".", 1)[-1]
    shape = re.compile(rf"{_DEFINES}{re.escape(last)}\b|^\s*(?:export\s+)?{re.escape(last)}\s*(?::[^=]{{0,80}})?=[^=]")
    found: list[tuple[str, int, list[str]]] = []
    for path, text in texts(view, sorted(view.entries(), key=lambda e: (is_test(e.path), e.path))):
        if last in text:
            found += _python(path, text, name) if path.endswith((".py", ".pyi")) else _other(path, text, shape)
    if not found:
        return f"Nothing here defines {name}; it may come from a library. `Look: search {last}` finds where it stands."
    path, line, body = found[0]
    more = [f"also: {p}:{n}" for p, n, _ in found[1:6]]
    return "\n".join([f"{path}:{line}", *body, *more])


def _python(path: str, text: str, name: str) -> Iterator[tuple[str, int, list[str]]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = text.splitlines()
    module = path.removesuffix(".py").replace("/", ".")
    for qualified, node in _definitions(tree, ""):
        if qualified == name or qualified.endswith(f".{name}") or f".{module}.{qualified}".endswith(f".{name}"):
            above = [d.lineno for d in getattr(node, "decorator_list", [])]
            start, end = min([node.lineno, *above]), node.end_lineno or node.lineno
            body = lines[start - 1 : min(end, start - 1 + _BODY)]
            rest = end - start + 1 - len(body)
            yield path, start, [*body, *([f"… {rest} lines more"] if rest > 0 else [])]


def _definitions(node: ast.AST, above: str) -> Iterator[tuple[str, ast.stmt]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield above + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, f"{above}{child.name}.")
        elif isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            yield from ((above + t.id, child) for t in targets if isinstance(t, ast.Name))
        elif isinstance(child, ast.If | ast.Try):
            yield from _definitions(child, above)


def _other(path: str, text: str, shape: re.Pattern[str]) -> Iterator[tuple[str, int, list[str]]]:
    lines = text.splitlines()
    for n, line in enumerate(lines):
        if len(line) < 2000 and shape.search(line):
            yield path, n + 1, lines[n : n + 25]
            return


def uses(about: str, view: View) -> str:
    """Lines that hold the name and do not define it."""
    name = about.strip("()` ").replace("::", ".").replace("#", ".")
    if not _NAME.match(name):
        return "Uses are asked for by the name: `Look: uses send`."
    last = re.escape(name.rsplit(".", 1)[-1])
    word, defines = re.compile(rf"(?<!\w){last}(?!\w)"), re.compile(_DEFINES + last + r"\b")

    def hit(line: str) -> bool:
        return word.search(line) is not None and not defines.search(line)

    return _told(_lines(view, hit, [name.rsplit(".", 1)[-1].lower()]), f"Nothing uses {name}.")
