"""From the reporter's lines to `TestCase`: the cause as far as evidence goes, and each frame with its function."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from greenloop.checks import files, text, told
from greenloop.domain import Cause, Frame, TestCase

_OUTPUT = 2_000  # characters of captured output of one test
_ID = 1_000
_FRAMES = 12  # of one test, the last ones
_SOURCE = 40  # lines of one function
_BLOCK = 12  # lines of a block in a language whose functions are not known here
_WITH_SOURCE = 50  # red tests whose frames carry their functions; nobody reads more
_OUTCOMES = frozenset({"passed", "failed", "error", "skipped", "xfailed", "xpassed"})
_RANK = ("passed", "xpassed", "skipped", "xfailed", "failed", "error")
OFFLINE = "offline"  # the test wanted a socket that the sandbox does not give: it is neither passed nor red
_MISSING = frozenset({"import", "name", "attribute"})


def made(sessions: Iterable[told.Session], folder: Path) -> tuple[TestCase, ...]:
    """Every test once, in the order it ran; of several results with one id the worst counts."""
    source = Source(folder)
    worst: dict[str, TestCase] = {}
    for session in sessions:
        for line in session.uncollected:
            _keep(worst, _uncollected(line, source))
        for line in session.tests:
            _keep(worst, _case(line, source))
    return tuple(worst.values())


def ended(lines: Iterable[told.Line], *, error: str, why: str, frames: tuple[Frame, ...] = ()) -> tuple[TestCase, ...]:
    """The tests that were running when their process ended: nobody else can have ended it."""
    return tuple(
        TestCase(
            id=_id(line),
            outcome="failed",
            path=told.words(line, "path"),
            line=told.whole(line, "line") or None,
            cause=Cause.OTHER,
            error=error,
            message=why,
            frames=frames,
        )
        for line in lines
    )


def cause(kinds: Iterable[str], frames: tuple[Frame, ...], when: str) -> Cause:
    """Why a test is red. What could not import, collect or find the name that it tests has not run.

    The last frame inside the repository decides. While a module is being imported, and where a name that is not there
    is asked of a module's own `__getattr__`, nothing of the product has been tried yet.
    """
    have = set(kinds)
    if when in {"collect", "setup"} or "import" in have:
        return Cause.IMPORT
    if not frames or when == "teardown":
        return Cause.OTHER
    last = frames[-1]
    if files.is_test(last.path):
        if "assertion" in have:
            return Cause.ASSERTION
        return Cause.OTHER if have.isdisjoint(_MISSING) else Cause.IMPORT
    inside = _since_test(frames)
    if any(f.function in {"<module>", "__getattr__", "__getattribute__"} for f in inside):
        return Cause.IMPORT
    return Cause.PRODUCT


def _since_test(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The frames after the last one that belongs to the tests."""
    tests = [n for n, frame in enumerate(frames) if files.is_test(frame.path)]
    return frames[tests[-1] + 1 :] if tests else frames


class Source:
    """The functions that frames stand in; every file is read and parsed once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, str(folder.resolve())
        self._files: dict[str, tuple[list[str], list[tuple[int, int]]]] = {}
        self._left = _WITH_SOURCE

    def frames(self, raw: object) -> tuple[Frame, ...]:
        """Bounded and typed; only the first red tests get the text of their functions."""
        self._left -= 1
        found = [f for f in raw if isinstance(f, list) and len(f) == 3] if isinstance(raw, list) else []
        return tuple(
            self._frame(path, line, function)
            for path, line, function in (found if len(found) <= _FRAMES else found[:2] + found[2 - _FRAMES :])
            if isinstance(path, str) and isinstance(line, int) and isinstance(function, str)
        )

    def _frame(self, path: str, line: int, function: str) -> Frame:
        if self._left < 0:
            return Frame(path=path, line=line, function=function)
        lines, functions = self._parsed(path)
        near = (max(line - 5, 1), line + 5) if path.endswith(".py") else _block(lines, line)
        start, end = max((f for f in functions if f[0] <= line <= f[1]), default=near)
        if end - start >= _SOURCE:
            start = max(start, line - _SOURCE // 2)
            end = start + _SOURCE - 1
        shown = "\n".join(text.clean(each, 400) for each in lines[start - 1 : end])
        return Frame(path=path, line=line, function=function, source=shown, source_start=start if shown else 0)

    def _parsed(self, path: str) -> tuple[list[str], list[tuple[int, int]]]:
        if path not in self._files:
            source = (files.read(self.folder, path) or b"").decode("utf-8", "replace")
            self._files[path] = source.splitlines(), _functions(source) if path.endswith(".py") else []
        return self._files[path]


def _functions(source: str) -> list[tuple[int, int]]:
    """First and last line of every function, decorators included."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _block(lines: list[str], line: int) -> tuple[int, int]:
    """First and last line of what stands around a line, by indentation: the block that it opens, else the largest one
    around it that is short."""
    start = end = line
    if 1 <= line < len(lines) and _depth(lines[line]) > _depth(lines[line - 1]):
        end = _closed(lines, line, _depth(lines[line - 1]) + 1)
    while 1 < start <= len(lines):
        depth = _depth(lines[start - 1])
        above = next((n for n in range(start - 1, 0, -1) if 0 <= _depth(lines[n - 1]) < depth), 0)
        below = _closed(lines, end, depth)
        if not above or (below - above >= _BLOCK and end > start):
            break
        start, end = above, below
    return start, end


def _closed(lines: list[str], line: int, depth: int) -> int:
    """The first line below that stands further left than `depth`."""
    return next((n for n in range(line + 1, len(lines) + 1) if 0 <= _depth(lines[n - 1]) < depth), len(lines))


def _depth(line: str) -> int:
    """Columns before the first character, or less than nothing."""
    return len(line) - len(line.lstrip()) if line.strip() else -1


def _keep(worst: dict[str, TestCase], case: TestCase) -> None:
    had = worst.get(case.id)
    if had is None or _RANK.index(case.outcome) > _RANK.index(had.outcome):
        worst[case.id] = case


def _case(line: told.Line, source: Source) -> TestCase:
    outcome = told.words(line, "outcome")
    outcome = outcome if outcome in _OUTCOMES else "error"
    path, row, seconds = told.words(line, "path"), told.whole(line, "line") or None, told.number(line, "seconds")
    if outcome not in {"failed", "error"}:
        return TestCase(id=_id(line), outcome=outcome, path=path, line=row, seconds=seconds)
    known = told.part(line, "told")
    if OFFLINE in _kinds(known):
        return TestCase(id=_id(line), outcome="skipped", path=path, line=row, error=OFFLINE, seconds=seconds)
    frames = source.frames(known.get("frames"))
    return TestCase(
        id=_id(line),
        outcome=outcome,
        path=path,
        line=row,
        cause=cause(_kinds(known), frames, told.words(line, "when")),
        error=told.words(known, "error"),
        message=text.clean(text.steady(told.words(known, "message"), source.root)),
        frames=frames,
        output=text.tail(text.steady(told.words(line, "output"), source.root), _OUTPUT),
        seconds=seconds,
    )


def _uncollected(line: told.Line, source: Source) -> TestCase:
    known = told.part(line, "told")
    path, frames = told.words(line, "path"), source.frames(known.get("frames"))
    if frames and path not in {f.path for f in frames}:
        path = frames[-1].path  # a folder whose conftest file cannot be loaded
    return TestCase(
        id=_id(line) or path or "collection",
        outcome="error",
        path=path,
        cause=Cause.IMPORT,
        error=told.words(known, "error"),
        message=text.clean(text.steady(told.words(known, "message"), source.root)),
        frames=frames,
        line=frames[-1].line if frames and frames[-1].path == path else None,
    )


def _kinds(known: told.Line) -> list[str]:
    kinds = known.get("kinds")
    return [k for k in kinds if isinstance(k, str)] if isinstance(kinds, list) else []


def _id(line: told.Line) -> str:
    """A test's id; an endless one keeps its beginning, and stays apart from its likes."""
    given = told.words(line, "id")
    if len(given) <= _ID:
        return text.clean(given, _ID)
    return f"{text.clean(given[:900], 900)}…{hashlib.sha256(given.encode('utf-8', 'replace')).hexdigest()[:16]}"
