"""What has to hold before a repair, or a whole file, is believed. Reads text; changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from greenloop.source import grammars

if TYPE_CHECKING:
    import ast

PYTHON = (".py", ".pyi")


def syntax_problem(text: str) -> str | None:
    """Why this is no Python, with the line; None when it parses."""
    tree = _tree(text)
    return tree if isinstance(tree, str) else None


def broken(path: str, before: str, after: str) -> tuple[str, str] | None:
    """The language of a file that parsed and no longer does, and why; None as well where no grammar is at hand."""
    if path.endswith(PYTHON):
        why = syntax_problem(after)
        return ("Python", why) if why and parses(before) else None
    wrong = grammars.broken_by(path, before.encode(), after.encode())
    return wrong and (grammars.language(path), f"line {wrong[1]}: {wrong[0]}")


def parses(text: str) -> bool:
    return syntax_problem(text) is None


def _tree(text: str) -> ast.Module | str:
    import ast  # noqa: PLC0415 - most answers match exactly and need no proof
    import warnings  # noqa: PLC0415 - likewise

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.lstrip("\ufeff"))
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__


def bodies(text: str) -> dict[str, bool]:
    """Qualified name of each function, and whether its body is only `...` beside a docstring."""
    tree = _tree(text)
    found: dict[str, bool] = {}
    if not isinstance(tree, str):
        _collect(tree.body, "", found)
    return found


def _collect(body: list[ast.stmt], prefix: str, found: dict[str, bool]) -> None:
    import ast  # noqa: PLC0415 - see `_tree`

    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not isinstance(node, ast.ClassDef):
            rest = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            found[prefix + node.name] = bool(rest) and all(_is_dots(n) for n in rest)
        _collect(node.body, f"{prefix}{node.name}.", found)


def _is_dots(node: ast.stmt) -> bool:
    import ast  # noqa: PLC0415 - see `_tree`

    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is Ellipsis


def top_names(text: str) -> frozenset[str] | None:
    """Names that a module defines at its top, without imports; None when it does not parse."""
    import ast  # noqa: PLC0415 - see `_tree`

    tree = _tree(text)
    if isinstance(tree, str):
        return None
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {t.id for t in targets if isinstance(t, ast.Name)}
    return frozenset(names)


def fragment(new: str, old: str, path: str) -> str | None:
    """What tells that `new` is a part of `old` rather than the whole file, or None."""
    short, long = _filled(new), _filled(old)
    if path.endswith(PYTHON):
        before, after = top_names(old), top_names(new)
        if not before or 2 * sum(short.values()) >= sum(long.values()):
            return None
        if after is None:
            return "half of the lines, and no valid Python"
        if after - before:  # names that are new: rewritten, and not cut out
            return None
        lost = sorted(before - after)
        return f"{', '.join(lost[:5])} would be lost" if 2 * len(lost) >= len(before) and len(before) > 1 else None
    if sum(long.values()) >= 20 and 3 * sum(short.values()) < sum(long.values()):
        return f"it has {sum(short.values())} lines, the file {sum(long.values())}"
    return None


def is_whole(new: str, old: str, path: str) -> bool:
    """Whether a block without a path is unmistakably a version of this whole file."""
    if path.endswith(PYTHON):
        before, after = top_names(old), top_names(new)
        return bool(before) and after is not None and before == (after & (before or frozenset()))
    a, b = [t for t in old.split("\n") if t.strip()], [t for t in new.split("\n") if t.strip()]
    return len(a) > 2 and len(b) > 2 and a[0] == b[0] and a[-1] == b[-1] and likeness(new, old) >= 0.8


def likeness(new: str, old: str) -> float:
    """The share of lines that two texts have in common, of the shorter one."""
    a, b = _filled(new), _filled(old)
    return sum((a & b).values()) / max(1, min(sum(a.values()), sum(b.values())))


def _filled(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.split("\n") if line.strip())
