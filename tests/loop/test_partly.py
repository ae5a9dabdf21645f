"""Of a slow suite the tests that reach a change go first; what is green has been through all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from greenloop.app import bench
from greenloop.domain import Report
from greenloop.engine.candidate import Candidate, Start, examine, from_tree
from greenloop.engine.partly import SLOW
from greenloop.engine.workbench import baseline
from greenloop.model.replay import Replay
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings
from greenloop.workspace import open_workspace
from loop.test_flaky import Numbered
from program import QUICK
from values import request

RAIN = "os.environ['RUN'] not in os.environ['RAIN']"
NEAR = f"import os\n\nfrom sums import total\n\n\ndef test_near():\n    assert total([1, 2]) == 3 and {RAIN}\n"
FAR = f"import os\n\n\ndef test_far():\n    assert {RAIN}\n"
RIGHT = "def total(numbers):\n    return sum(numbers)\n"
FILES = {"sums.py": RIGHT, "test_near.py": NEAR, "test_far.py": FAR}


def slow(report: Report, seconds: float) -> Report:
    return replace(report, results=tuple(replace(result, seconds=seconds) for result in report.results))


@pytest.mark.parametrize(
    ("text", "seconds", "rain", "runs", "said"),
    [
        pytest.param("def total(_):\n    return 0\n", SLOW, "9", 3, True, id="they fail: no other runs"),
        pytest.param(RIGHT + "# x\n", SLOW, "9", 3, False, id="they pass: all run"),
        pytest.param(RIGHT + "# x\n", SLOW, "2", 4, False, id="they fail and pass: flaky, and then all run"),
        pytest.param("def total(_):\n    return 0\n", 1.0, "9", 3, False, id="quick: all"),
    ],
)
def test_those_that_reach_the_change_go_first(
    make_repo: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    seconds: float,
    rain: str,
    runs: int,
    said: bool,
) -> None:
    """Runs: the base, then the part or the whole; then the whole, or the new failure once more."""
    settings, nobody = Settings(test_command=QUICK, checks=("pytest",)), Replay((), name="none")
    scratch, cache = tmp_path_factory.mktemp("scratch"), tmp_path_factory.mktemp("cache")
    box = open_sandbox(cache=cache)
    with (
        open_workspace(make_repo(FILES)) as workspace,
        bench(workspace, settings, nobody, lambda _: None, box=box, cache=cache, temp=scratch) as made,
    ):
        numbered = Numbered(made.sandbox, rain)
        at = replace(made, sandbox=numbered)
        commit = workspace.resolve("HEAD")
        base = baseline(at, workspace.tree(commit))
        start = Start(request=request(""), base=replace(base, report=slow(base.report, seconds)), commit=commit)
        candidate = from_tree(workspace.write(base.tree, {"sums.py": text.encode()}), start, at)
        assert isinstance(candidate, Candidate)
        seen = examine(candidate, start, at)
    result = seen.report.of("pytest")
    assert result is not None
    told = "Of 2 test files the 1 that reach the change were run, and they fail; the others stand as on the base."
    assert (numbered.runs, result.reason) == (runs, told if said else "")
    assert seen.verdict.green is text.startswith(RIGHT)
    assert sorted(test.id.rpartition("::")[2] for test in result.tests) == ["test_far", "test_near"]
    assert [n.what for n in seen.report.numbers if n.unit == "s"] == ([] if said else ["time of pytest"])
