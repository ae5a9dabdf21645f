"""What is measured of checks that are the repository's own programs, and what only their exit code tells. The sandbox
is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from greenloop.app import bench
from greenloop.domain import Evidence, Request, Source
from greenloop.engine.candidate import Candidate, Start, examine, from_tree
from greenloop.engine.measuring import measured
from greenloop.engine.workbench import Workbench, baseline
from greenloop.model.replay import Replay
from greenloop.ports import Completed, Policy, Repl, Sandbox
from greenloop.sandbox import open_sandbox
from greenloop.setting_values import CommandCheck, Criteria
from greenloop.settings import Settings
from greenloop.workspace import open_workspace

UNIT = """\
import sums
good = sums.total([1, 2]) == 3
case = "" if good else '<failure message="no"/>'
report = f'<testsuite><testcase classname="unit" name="total">{case}</testcase></testsuite>'
open("unit.xml", "w").write(report)
raise SystemExit(not good)
"""
PLAIN = "def total(numbers):\n    return sum(numbers)\n"
LARGE = f"kept = b'1' * (200 << 20)\n{PLAIN}"


@contextmanager
def attempted(
    repo: Path,
    files: Mapping[str, str],
    temp: Path,
    commands: Mapping[str, CommandCheck],
    criteria: Criteria | None,
    rain: str = "",
) -> Iterator[tuple[Candidate, Start, Workbench]]:
    settings = Settings(checks=tuple(commands), commands=commands, criteria=criteria, tidy=False)
    nobody = Replay((), name="none")
    box = Numbered(open_sandbox(cache=temp), rain)
    with (
        open_workspace(repo) as workspace,
        bench(workspace, settings, nobody, lambda _: None, box=box, cache=temp, temp=temp) as made,
    ):
        commit = workspace.resolve("HEAD")
        request = Request(
            key="k", at="", command="evaluate", text="", source=Source.TERMINAL, repository="", actor="", base=commit
        )
        start = Start(request=request, base=baseline(made, workspace.tree(commit)), commit=commit)
        tree = workspace.write(start.base.tree, {path: text.encode() for path, text in files.items()})
        candidate = from_tree(tree, start, made)
        assert isinstance(candidate, Candidate)
        yield candidate, start, made


JUNIT = CommandCheck(run="python unit.py", format="junit", report="unit.xml")
LIMITS = Criteria(memory=0.5, types=False)
TWO = ["time of unit", "memory of unit", "time of other", "memory of other"]


def test_a_limit_holds_for_every_check_that_runs_tests(make_repo: Callable[..., Path], tmp_path: Path) -> None:
    """Two of them, and none is pytest."""
    repo, commands = make_repo({"sums.py": PLAIN, "unit.py": UNIT}), {"unit": JUNIT, "other": JUNIT}
    with attempted(repo, {"sums.py": LARGE}, tmp_path, commands, LIMITS) as tried:
        seen = examine(*tried)
    assert [number.what for number in seen.report.numbers] == TWO
    found = [(f.rule, f.context) for f in seen.verdict.new]
    assert (seen.verdict.green, found) == (False, [("memory", "memory of unit"), ("memory", "memory of other")])


def test_what_was_once_too_much_is_measured_once_more_for_each_check(
    make_repo: Callable[..., Path], tmp_path: Path
) -> None:
    """The first run of one of them is said to have taken a gigabyte; the second says what it takes."""
    repo, commands = make_repo({"sums.py": PLAIN, "unit.py": UNIT}), {"unit": JUNIT, "other": JUNIT}
    with attempted(repo, {"sums.py": f"{PLAIN}\n"}, tmp_path, commands, LIMITS) as (candidate, start, made):
        report = examine(candidate, start, made).report
        wrong = replace(report.results[0], metrics={"memory": 1000.0})
        said = replace(report, results=(wrong, *report.results[1:]), numbers=())
        numbers, found = measured(candidate.tree, candidate.judged, said, green=True, base=start.base, bench=made)
        unknown = replace(report.results[0], metrics={})
        silent = replace(
            start.base, report=replace(start.base.report, results=(unknown, *start.base.report.results[1:]))
        )
        blind, none = measured(candidate.tree, candidate.judged, report, green=True, base=silent, bench=made)
    assert ([number.what for number in numbers], found) == (TWO, ())
    assert all(number.before and number.after and number.after < 1000 for number in numbers)
    assert ([number.before is None for number in blind], none) == ([False, True, False, False], ())


RAINY = UNIT.replace("case =", 'import os\ngood = good and os.environ["RUN"] not in os.environ["RAIN"]\ncase =', 1)


@dataclass
class Numbered:
    """Hands each run its number, and the numbers of those in which it rains."""

    sandbox: Sandbox
    rain: str
    runs: int = 0

    @property
    def level(self) -> str:
        return self.sandbox.level

    def run(self, argv: tuple[str, ...], *, cwd: Path, policy: Policy) -> Completed:
        self.runs += 1
        policy = replace(policy, environment={**policy.environment, "RUN": str(self.runs), "RAIN": self.rain})
        return self.sandbox.run(argv, cwd=cwd, policy=policy)

    def repl(self, *, cwd: Path, policy: Policy) -> Repl:
        return self.sandbox.repl(cwd=cwd, policy=policy)

    def stop(self) -> None:
        self.sandbox.stop()


@pytest.mark.parametrize(
    ("rain", "new", "runs"),
    [
        pytest.param("0", [], 2, id="nothing new fails: one run"),
        pytest.param("2", ["flaky"], 3, id="fails and passes: flaky"),
        pytest.param("23", ["unit::total"], 3, id="fails twice: counts"),
        pytest.param("1", ["flaky"], 3, id="red on the base once of two times: proves nothing"),
    ],
)
def test_a_failure_of_another_runner_is_confirmed_once(
    make_repo: Callable[..., Path], tmp_path: Path, rain: str, new: list[str], runs: int
) -> None:
    repo = make_repo({"sums.py": PLAIN, "unit.py": RAINY})
    with attempted(repo, {"sums.py": f"{PLAIN}\n"}, tmp_path, {"unit": JUNIT}, None, rain) as (candidate, start, made):
        seen = examine(candidate, start, made)
        assert isinstance(made.sandbox, Numbered)
        assert ([(f.check, f.rule) for f in seen.verdict.new], made.sandbox.runs) == ([("unit", n) for n in new], runs)
    assert (seen.verdict.green, seen.verdict.evidence) == ("unit::total" not in new, Evidence.UNPROVEN)


@pytest.mark.parametrize(
    ("now", "green", "why"),
    [
        pytest.param(
            "raise SystemExit(2)\n# still\n", False, ("make does not pass yet and must.",), id="the same code"
        ),
        pytest.param("", True, (), id="it passes"),
    ],
)
def test_a_check_that_tells_its_exit_code_alone_has_to_pass(
    make_repo: Callable[..., Path], tmp_path: Path, now: str, green: bool, why: tuple[str, ...]
) -> None:
    """It failed on the base as well, for reasons that nobody can compare."""
    repo = make_repo({"sums.py": PLAIN, "make.py": "import state\n", "state.py": "raise SystemExit(2)\n"})
    with attempted(repo, {"state.py": now}, tmp_path, {"make": CommandCheck(run="python make.py")}, None) as tried:
        seen = examine(*tried)
    assert (seen.verdict.green, seen.verdict.why, seen.verdict.old) == (green, why, ())
