"""How each session of pytest ended: to its end marker, cut short by the code under test or a limit, or never usable.

What the code did counts against the code; only what pytest itself could not do says nothing about it.
"""

from __future__ import annotations

import re
import signal

from greenloop.checks import cases, programs, text, told
from greenloop.domain import TestCase
from greenloop.ports import Completed, Policy

_USAGE, _INTERNAL = 4, 3  # exit statuses of pytest
_FAULT = re.compile(r'  File "([^"\n]{1,500})", line (\d{1,9}) in (.{1,200})$')
_ERRORS = {"time": "TimeoutError", "memory": "MemoryError", None: "SystemExit"}


def unusable(heard: told.Told, done: Completed) -> str:
    """Why a run says nothing about the code, one sentence, or ""."""
    return next((why for session in heard.sessions if (why := _unusable(session, done))), "")


def _unusable(session: told.Session, done: Completed) -> str:
    status = told.whole(session.end or {}, "status")
    refused = session.ready and not session.opened and session.end is None and not done.killed_by
    if (refused and session.internal is None) or (status == _USAGE and not session.tests):
        return f"pytest did not accept its options or configuration: {last_error(done)}"
    if session.internal is not None and not session.internal.get("frames"):
        return f"pytest ended with an internal error: {_first(session.internal)}"
    if status == _INTERNAL and session.internal is None:
        return f"pytest ended with an internal error: {last_error(done)}"
    if session.interrupted and not (session.tests or session.running or session.uncollected):
        return f"The tests were stopped before the first one: {text.first_line(session.interrupted)}"
    return ""


def problem(session: told.Session, done: Completed, given: Policy) -> tuple[str, str] | None:
    """Rule and message of what is wrong with a session as a whole, or None."""
    if session.internal is not None:
        frame = _last_frame(session.internal)
        return "internal", f"Code of the repository ended the test session{frame}: {_first(session.internal)}"
    if session.end is None:
        return _unfinished(session, done, given)
    if session.interrupted:
        return "interrupted", f"The tests were interrupted{_during(session)}: {text.first_line(session.interrupted)}"
    if not session.complete:
        return "incomplete", "The test report holds another number of tests than its end marker says."
    missing = told.whole(session.end, "collected") - told.whole(session.end, "tests")
    if missing <= 0:
        return None
    stopped = text.first_line(told.words(session.end, "stopped"))
    return "not run", f"{missing} of the collected tests were not run{f': {stopped}' if stopped else ''}."


def cut(session: told.Session, done: Completed, given: Policy, *, source: cases.Source) -> tuple[TestCase, ...]:
    """The tests that were running when their session was cut short, as red ones. Where it was, Python may have said."""
    if session.end is not None and not session.interrupted:
        return ()
    if session.interrupted:
        return cases.ended(session.running.values(), error="KeyboardInterrupt", why=session.interrupted)
    error, how = _how(done, given)
    frames = source.frames(_stack(done.stderr)) if len(session.running) == 1 else ()
    return cases.ended(session.running.values(), error=error, why=f"The test process ended: {how}.", frames=frames)


def _stack(stderr: str) -> list[list[object]]:
    """The frames inside the tree, outermost first, of the last stack that Python's own handler of faults printed."""
    _, found, dumped = stderr.rpartition("(most recent call first):\n")
    if not found:
        return []
    lines = dumped.partition("\n\n")[0].splitlines()
    frames = [m for line in lines if (m := _FAULT.match(line)) and not m[1].startswith(("/", "<"))]
    return [[m[1], int(m[2]), m[3]] for m in reversed(frames)]


def last_error(done: Completed) -> str:
    """The line of the output that names the reason, else the last one."""
    lines = [line.strip() for line in text.tail(f"{done.stdout}\n{done.stderr}").splitlines() if line.strip()]
    named = [line for line in lines if "error: " in line.lower() and "usage:" not in line]
    return (named or lines or [f"exit code {done.exit_code}"])[-1][:500]


def _unfinished(session: told.Session, done: Completed, given: Policy) -> tuple[str, str] | None:
    if session.uncollected and not session.opened:
        return None  # the conftest file that could not be loaded is a red case of its own
    where = _during(session) or (" while collecting tests" if session.opened else " while loading conftest files")
    return "unfinished", f"The test process ended before its end marker{where}: {_how(done, given)[1]}."


def _how(done: Completed, given: Policy) -> tuple[str, str]:
    """A name for how a process without an end marker ended, and a clause."""
    error = _ERRORS.get(done.killed_by, "LimitExceeded")
    return error, programs.limit_words(done, given) if done.killed_by else _code(done.exit_code)


def _code(exit_code: int) -> str:
    """An exit code, with the signal that it stands for."""
    try:
        name = signal.Signals(exit_code - 128).name if exit_code > 128 else ""
    except ValueError:
        name = ""
    return f"exit code {exit_code}" + (f", killed by {name}" if name else "")


def _during(session: told.Session) -> str:
    running = list(session.running)[:5]
    return f" during {', '.join(running)}" if running else ""


def _first(known: told.Line) -> str:
    return text.first_line(text.clean(told.words(known, "message"))) or told.words(known, "error") or "unknown"


def _last_frame(known: told.Line) -> str:
    frames = known.get("frames")
    last = frames[-1] if isinstance(frames, list) and frames else None
    return f" in {text.clean(str(last[0]), 300)}:{last[1]}" if isinstance(last, list) and len(last) == 3 else ""
