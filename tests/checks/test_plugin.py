"""What is laid for pytest to load, in a real pytest outside the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coverage import CoverageData

from greenloop.checks import plugin, told
from greenloop.ports import Subject

Lay = Callable[..., Subject]

TOKEN = "51d0"
FILES = {"test_a.py": "def test_a():\n    pass\ndef test_b():\n    assert 0\n"}


@pytest.fixture
def ran(lay: Lay, tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """Runs a command in a small project; which tests it reported, and how they ended."""

    def run(*argv: str, spoil: Callable[[Path], object] = lambda _: None) -> list[tuple[str, str]]:
        subject, ours, out = lay(FILES), tmp_path / "ours", tmp_path / "out"
        variables = plugin.laid(ours, out, subject=subject, tokens=(TOKEN,), order={"lines": {}, "seconds": 600.0})
        spoil(ours)
        variables |= {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        subprocess.run(argv, cwd=subject.folder, env=variables, check=False, capture_output=True, timeout=100)
        [session] = told.read((out / "report").read_bytes(), (TOKEN,)).sessions
        assert session.complete
        return [(told.words(test, "id"), told.words(test, "outcome")) for test in session.tests]

    return run


SEEN = [("test_a.py::test_a", "passed"), ("test_a.py::test_b", "failed")]
PYTEST = (sys.executable, "-m", "pytest", "-q")


def test_what_another_python_has_compiled_is_not_run(ran: Callable[..., list[tuple[str, str]]]) -> None:
    def of_another(ours: Path) -> None:
        (ours / "reporter.code").write_bytes(b"\0\0\r\nno code of this Python")

    assert ran(*PYTEST, spoil=of_another) == SEEN


def test_what_is_compiled_already_needs_no_source(ran: Callable[..., list[tuple[str, str]]]) -> None:
    assert ran(*PYTEST, spoil=lambda ours: (ours / "reporter.source").write_text("raise SystemExit")) == SEEN


def test_a_command_that_has_the_cache_off_and_is_strict_runs(ran: Callable[..., list[tuple[str, str]]]) -> None:
    assert ran(*PYTEST, "--strict-config", "-W", "error", "-p", "no:cacheprovider") == SEEN


def test_a_tool_that_measures_all_files_looks_for_none_of_ours_that_is_not_there(
    ran: Callable[..., list[tuple[str, str]]], tmp_path: Path
) -> None:
    data = str(tmp_path / "measured")
    assert ran(sys.executable, "-m", "coverage", "run", f"--data-file={data}", "-m", *PYTEST[2:]) == SEEN
    measured = CoverageData(basename=data)
    measured.read()
    names = {Path(name) for name in measured.measured_files()}
    assert {name.name for name in names} == {"test_a.py", "greenloop_reporter.py"}
    assert all(name.exists() for name in names)
