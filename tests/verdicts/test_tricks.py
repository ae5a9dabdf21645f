"""Every trick fools whoever trusts an exit code, and does not fool the verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from verdicts import careless
from verdicts.court import Court, write
from verdicts.tricks import BASE, RIGHT, TRICKS, WRONG, Trick


@pytest.fixture(scope="session")
def court(open_court: Callable[..., Court]) -> Court:
    return open_court(BASE, checks=("pytest", "integrity"))


@pytest.mark.parametrize("trick", TRICKS, ids=lambda t: t.name)
def test_the_verdict_is_honest(trick: Trick, court: Court) -> None:
    seen = court.judge({"sums.py": WRONG, **trick.files})
    deciding = [f.rule for f in seen.verdict.new if f.severity != "note"]
    assert (seen.verdict.green, trick.found in ("", *deciding)) == (False, True), (deciding, seen.verdict.why)


def test_without_a_trick_right_is_green_and_wrong_is_not(court: Court) -> None:
    better = "def total(numbers):\n    return sum(numbers, 0)\n"
    assert court.judge({"sums.py": better}).verdict.green
    assert not court.judge({"sums.py": WRONG}).verdict.green


def test_a_careless_runner_is_fooled(tmp_path: Path) -> None:
    """In one test, because most of the cost is loading pytest."""
    root = tmp_path
    fooling = tuple(t for t in TRICKS if t.fools)
    plain = (Trick(name="right", files={"sums.py": RIGHT}), Trick(name="wrong", files={}))
    folders: dict[str, Path] = {}
    for number, trick in enumerate((*fooling, *plain)):
        folders[trick.name] = root / str(number)
        write(folders[trick.name], {**BASE, "sums.py": WRONG, **trick.files})
    forked = [t.name for t in (*fooling, *plain) if not t.own_process]
    done = _python(careless.__file__, *(str(folders[name]) for name in forked), cwd=root)
    codes: dict[str, int] = json.loads(done.stdout)
    found = {name: codes[str(folders[name])] for name in forked}
    for trick in fooling:
        if trick.own_process:
            loading = {} if trick.plugins else _QUICK
            variables = {**loading, **trick.variables}
            found[trick.name] = _python("-m", "pytest", "-q", cwd=folders[trick.name], variables=variables).returncode
    fooled = dict.fromkeys((t.name for t in fooling), True)
    assert {name: code == 0 for name, code in found.items()} == {**fooled, "right": True, "wrong": False}


_QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _python(*words: str, cwd: Path, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **(_QUICK if variables is None else variables)}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
