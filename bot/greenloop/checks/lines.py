"""Which of the changed lines of the product ran in the tests: what is asked of the reporter, and what it answered.

A statement over several lines counts once, as its first line, and has run when any line of it has. Text alone, a
docstring or `...`, is no statement, and what stands under `if TYPE_CHECKING:` is none that a test could run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from greenloop.checks import files, told
from greenloop.domain import Covered
from greenloop.ports import Subject
from greenloop.settings import Settings

Asked = Mapping[str, Mapping[int, frozenset[int]]]  # path → first line of a statement → its lines

MOST = 20_000  # lines that are watched
_BODIES = ("body", "handlers", "cases", "orelse", "finalbody")
_TYPING = frozenset({"TYPE_CHECKING", "typing.TYPE_CHECKING"})
UNASKED = "the change is too large"
UNSEEN = "the tests did not run in one pytest that greenloop could watch"


def asked(subject: Subject) -> Asked:
    """The statements of the product that changed."""
    found = {}
    for path, lines in subject.lines.items():
        if lines and path.endswith(".py") and not files.is_test(path):
            touched = statements(files.read(subject.folder, path) or b"", lines)
            if touched:
                found[path] = touched
    return found


def decides(settings: Settings) -> bool:
    """Whether somebody set a limit, so that it is measured where that costs something as well."""
    return settings.criteria is not None and settings.criteria.coverage is not None


def watched(wanted: Asked) -> dict[str, list[int]]:
    """The lines to be watched, none where they are too many."""
    lines = {path: sorted(frozenset().union(*units.values())) for path, units in wanted.items()}
    return lines if sum(map(len, lines.values())) <= MOST else {}


def covered(wanted: Asked, sessions: Iterable[told.Session]) -> tuple[tuple[Covered, ...], str]:
    """What ran, by file; and why that is not known, or ""."""
    seen = tuple(sessions)
    if not wanted:
        return (), ""
    if not watched(wanted):
        return (), UNASKED
    why = next((session.unseen for session in seen if session.unseen), "")
    if why or not any(session.lines for session in seen):
        return (), why or UNSEEN
    return tuple(filter(None, (_file(path, units, seen) for path, units in wanted.items()))), ""


def _file(path: str, units: Mapping[int, frozenset[int]], seen: tuple[told.Session, ...]) -> Covered | None:
    there = frozenset[int]().union(*(session.lines.get(path, frozenset()) for session in seen))
    ran = set[int]().union(*(session.ran.get(path, set()) for session in seen)) & there
    heads = tuple(head for head, lines in units.items() if lines & there)
    missed = tuple(head for head in heads if not units[head] & ran)
    strange = any(path in session.strange for session in seen)
    return Covered(path=path, lines=heads, missed=missed, strange=strange) if heads else None


def statements(source: bytes, lines: frozenset[int]) -> dict[int, frozenset[int]]:
    """The statements that have one of these lines, each by its first line. Of a newer Python than ours each line is
    its own."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {line: frozenset({line}) for line in sorted(lines)}
    heads: dict[int, int] = {}
    for first, last, counts in _units(tree.body, counts=True):
        for line in range(first, last + 1):
            if counts or line not in heads:
                heads[line] = first if counts else 0
    units: dict[int, set[int]] = {heads.get(line, line): set() for line in sorted(lines)}
    units.pop(0, None)
    for head, own in units.items():
        own.add(head)
    for line, head in heads.items():
        units.get(head, set()).add(line)
    return {head: frozenset(units[head]) for head in sorted(units)}


def _units(body: Iterable[ast.AST], *, counts: bool) -> Iterator[tuple[int, int, bool]]:
    """First and last line of each statement, of one with a body its head alone; and whether it counts."""
    for node in body:
        inner = [child for name in _BODIES for child in getattr(node, name, ())]
        last = _first(inner[0]) - 1 if inner else getattr(node, "end_lineno", None) or 0
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        yield _first(node), max(_first(node), last), counts and not text
        dead = inner[: len(node.body)] if isinstance(node, ast.If) and ast.unparse(node.test) in _TYPING else []
        yield from _units(dead, counts=False)
        yield from _units(inner[len(dead) :], counts=counts)


def _first(node: ast.AST) -> int:
    """Where a statement, a handler or a case begins, its decorators included."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    lines: list[int] = [each.lineno for each in getattr(node, "decorator_list", ())]
    return min([int(getattr(node, "lineno", 1)), *lines])
