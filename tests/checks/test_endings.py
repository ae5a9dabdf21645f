"""Where tests were when their process was killed or never ended: told by Python itself, read from what it printed."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.checks import pytest_
from greenloop.domain import Frame, TestCase
from greenloop.ports import Sandbox, Subject
from greenloop.settings import Settings

Lay = Callable[..., Subject]

DIES = """import ctypes


def deep(n):
    return ctypes.string_at(0) if n == 0 else deep(n - 1)
"""
LOOPS = """def wait():
    while True:
        pass
"""
USES = "from app import {0}\n\n\ndef test_ok():\n    pass\n\n\ndef test_it():\n    {0}({1})\n"


def _red(lay: Lay, sandbox: Sandbox, files: dict[str, str], *, seconds: float) -> TestCase | None:
    settings = Settings(test_timeout=seconds, test_command="PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest")
    return next((test for test in pytest_.run(lay(files), sandbox, settings).tests if test.red), None)


def test_a_crash_is_told_with_its_signal_and_the_lines_that_led_there(lay: Lay, sandbox: Sandbox) -> None:
    red = _red(lay, sandbox, {"app.py": DIES, "test_a.py": USES.format("deep", 1)}, seconds=60)
    assert red is not None
    assert (red.id, red.error, red.message) == (
        "test_a.py::test_it",
        "SystemExit",
        "The test process ended: exit code 139, killed by SIGSEGV.",
    )
    source = "def deep(n):\n    return ctypes.string_at(0) if n == 0 else deep(n - 1)"
    below = Frame(path="app.py", line=5, function="deep", source=source, source_start=4)
    first = Frame(path="test_a.py", line=9, function="test_it", source="def test_it():\n    deep(1)", source_start=8)
    assert red.frames == (first, below, below)


def test_a_test_without_end_is_told_with_the_line_that_it_is_at(lay: Lay, sandbox: Sandbox) -> None:
    for seconds in (2, 8, 32, 128):  # Python says it at four fifths of the time; a busy machine may not get that far
        red = _red(lay, sandbox, {"app.py": LOOPS, "test_a.py": USES.format("wait", "")}, seconds=seconds)
        if red and red.frames:
            break
    assert red is not None
    assert red.message == f"The test process ended: it had not ended after {seconds} s."
    assert [(f.path, f.function) for f in red.frames] == [("test_a.py", "test_it"), ("app.py", "wait")]
