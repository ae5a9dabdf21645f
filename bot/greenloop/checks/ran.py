"""What greenloop loads beside its reporter: which of the changed lines ran.

PYTEST_DONT_REWRITE. As the reporter, a file of its own for Python 3.8 to 3.14. From 3.12 on by `sys.monitoring`, which
costs next to nothing and stands beside another tool; before that by `sys.settrace`, which costs, and only when asked.
A line counts for code that is letter by letter what the changed file compiles to: who runs something else under the
name of that file runs nothing of it.
"""

# ruff: noqa: ANN401 - hooks get objects of pytest that have no public type in every version
# ruff: noqa: PTH118, PTH123 - plain functions of os.path: no pathlib objects in the process of somebody else's tests

from __future__ import annotations

import dis
import os
import sys
import threading

import pytest

_getframe = sys._getframe  # noqa: SLF001 - bound before the target's code can replace it
_realpath = os.path.realpath
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import CodeType, FrameType
    from typing import Any

    Say = Callable[..., None]

MONITORING = sys.version_info >= (3, 12)
_TOOL = 4  # of sys.monitoring: neither a debugger's, nor coverage's, nor a profiler's
_LOST = "another tracer took the place of greenloop's; on Python 3.12 or newer it is measured beside one"


def started(root: str, wanted: dict[str, list[int]], say: Say | None) -> Lines:
    """Watch these lines of these files from now on. Without a way to say so, a worker of xdist, it is kept."""
    kept: list[dict[str, Any]] = []

    def keep(kind: str, **fields: Any) -> None:
        kept.append(dict(fields, kind=kind))

    told = say or keep
    codes = {path: _codes(os.path.join(root, path)) for path in sorted(wanted)}
    left = {path: set(lines) for path, lines in wanted.items()}
    for path, found in codes.items():
        there = {line for code in found for _, line in dis.findlinestarts(code) if line}
        told("lines", path=path, lines=sorted(there & left[path]))

    def ran(path: str, line: int) -> None:
        if line in left[path]:
            left[path].discard(line)
            told("ran", path=path, line=line)

    foreign: set[str] = set()
    whose = _owner(root, codes, foreign, told)
    return Lines(_monitored(whose, ran) if MONITORING else _traced(whose, foreign, ran), told, kept)


def _owner(root: str, codes: dict[str, list[CodeType]], foreign: set[str], told: Say) -> Callable[[CodeType], str]:
    """The file that code is of, "" for none of ours. The names of all others that were met are put into `foreign`."""
    files = {_realpath(os.path.join(root, path)): path for path in codes}
    known = {path: frozenset(found) for path, found in codes.items()}
    names: dict[str, str] = {}
    met: dict[int, tuple[CodeType, str]] = {}  # by identity: the hash of code is made anew each time
    strange: set[str] = set()

    def whose(code: CodeType) -> str:
        before = met.get(id(code))
        if before is not None:
            return before[1]
        name = code.co_filename
        if name not in names:
            names[name] = files.get(_realpath(name), "")
        path = names[name]
        if not path:
            foreign.add(name)
        if path and code not in known[path]:
            if path not in strange:
                strange.add(path)
                told("strange", path=path)
            path = ""
        met[id(code)] = code, path
        return path

    return whose


def _codes(file: str) -> list[CodeType]:
    """All that a file compiles to; nothing for one that does not."""
    try:
        with open(file, "rb") as source:
            found = [compile(source.read(), file, "exec", dont_inherit=True)]
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    for code in found:
        found += [const for const in code.co_consts if isinstance(const, type(code))]
    return found


def _monitored(whose: Callable[[CodeType], str], ran: Callable[[str, int], None]) -> Callable[[], str]:
    """By callbacks that each place calls once: it is switched off after that."""
    monitoring: Any = vars(sys)["monitoring"]
    disable, line_event = monitoring.DISABLE, monitoring.events.LINE

    def start(code: CodeType, _offset: int) -> Any:
        if whose(code):
            monitoring.set_local_events(_TOOL, code, line_event)
        return disable

    def line(code: CodeType, number: int) -> Any:
        path = whose(code) if _getframe(1).f_code is code else ""  # who calls this by hand is not the code
        if path:
            ran(path, number)
        return disable

    try:
        monitoring.use_tool_id(_TOOL, "greenloop")
    except ValueError:
        return lambda: "another tool has its place in sys.monitoring"
    monitoring.register_callback(_TOOL, monitoring.events.PY_START, start)
    monitoring.register_callback(_TOOL, line_event, line)
    monitoring.set_events(_TOOL, monitoring.events.PY_START)
    return lambda: "" if monitoring.get_tool(_TOOL) == "greenloop" else "its place in sys.monitoring was taken"


def _traced(whose: Callable[[CodeType], str], foreign: set[str], ran: Callable[[str, int], None]) -> Callable[[], str]:
    def enter(frame: FrameType, _event: str, _arg: Any) -> Any:
        if frame.f_code.co_filename in foreign:  # nearly every call there is
            return None
        return each if whose(frame.f_code) else None

    def each(frame: FrameType, event: str, _arg: Any) -> Any:
        path = whose(frame.f_code) if event == "line" and _getframe(1) is frame else ""
        if path:
            ran(path, frame.f_lineno)
        return each

    if sys.gettrace() is not None:
        return lambda: _LOST
    threading.settrace(enter)
    sys.settrace(enter)
    return lambda: "" if sys.gettrace() is enter else _LOST


class Lines:
    """The plug-in: says at the end whether it saw everything, and brings home what the workers kept."""

    def __init__(self, lost: Callable[[], str], told: Say, kept: list[dict[str, Any]]) -> None:
        self._lost, self._told, self._kept = lost, told, kept

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: Any) -> Generator[None, Any, None]:
        """Before anybody ends their own measuring, and at the last moment of a worker's."""
        why = self._lost()
        if why:
            self._told("unseen", why=why)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["greenloop"] = self._kept
        yield

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for line in (getattr(node, "workeroutput", None) or {}).get("greenloop", ()):
            if isinstance(line, dict):
                fields = {name: value for name, value in line.items() if name != "kind"}
                self._told(str(line.get("kind")), **fields)
