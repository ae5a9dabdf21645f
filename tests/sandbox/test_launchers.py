"""Launchers that are started ahead: who gets them, and that none stays."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from greenloop.sandbox import launchers


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[launchers.Launcher]:
    """All launchers that are started, in order."""
    made: list[launchers.Launcher] = []
    real = launchers.started

    def noted(inside: tuple[int, ...] = ()) -> launchers.Launcher:
        made.append(real(inside))
        return made[-1]

    monkeypatch.setattr(launchers, "started", noted)
    return made


def over(launcher: launchers.Launcher) -> bool:
    return launcher.process.poll() is not None


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_run_gets_the_one_that_waits_and_none_is_left(here: Any, begun: list[launchers.Launcher]) -> None:
    before = descriptors()
    with launchers.ahead(), launchers.ahead():
        first = begun[0]
        assert here.code("print(1)").stdout == "1\n"
        assert (len(begun), over(first)) == (2, True)  # what waited has run, and the next one waits
        begun[1].process.kill()  # whoever it was
        begun[1].process.wait()
        assert here.code("print(2)").stdout == "2\n"
        assert [over(launcher) for launcher in begun[:3]] == [True] * 3
    assert (len(begun), all(map(over, begun)), descriptors()) == (4, True, before)
    assert here.code("print(3)").stdout == "3\n"
    assert (len(begun), over(begun[4])) == (5, True)


def test_another_thread_gets_its_own_because_a_launcher_ends_with_its_thread(
    here: Any, begun: list[launchers.Launcher]
) -> None:
    with launchers.ahead(), ThreadPoolExecutor(1) as other:
        assert other.submit(here.code, "print(1)").result().stdout == "1\n"
        assert (len(begun), over(begun[1]), begun[0].process.poll()) == (2, True, None)


def test_one_that_nobody_needs_ends_by_itself_with_what_it_would_be_told_by() -> None:
    launcher = launchers.started()
    assert launcher.process.communicate(timeout=60) == (b"", b"")
    assert (launcher.process.returncode, os.read(launcher.status, 1)) == (0, b"")
    os.close(launcher.status)


def test_what_cannot_be_started_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "ARGV", ("/nowhere/python",))
    before = descriptors()
    with pytest.raises(FileNotFoundError):
        launchers.started()
    assert descriptors() == before
