"""Tricks against the linters: one hostile tree, judged once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from verdicts.court import Court
from verdicts.tricks import BASE


@pytest.fixture(scope="session")
def court(open_court: Callable[..., Court]) -> Court:
    return open_court(BASE, checks=("ruff", "bandit"))


def test_new_tests_are_linted(court: Court) -> None:
    test = "import subprocess\n\n\ndef test_new():\n    subprocess.run(undefined, shell=True)\n"
    seen = court.judge({"tests/test_new.py": test})
    found = [(f.check, f.rule) for f in seen.verdict.new if f.severity != "note"]
    assert found == [("ruff", "F821"), ("bandit", "B602")]
    assert [(r.check, r.status) for r in seen.report.results] == [("ruff", "failed"), ("bandit", "failed")]
