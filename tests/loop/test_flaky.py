"""A new failure is made a second time on the same tree. The sandbox is real; each run of pytest has a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from greenloop.app import bench
from greenloop.domain import Request, Severity, Source
from greenloop.engine.candidate import Candidate, Examined, Start, examine, from_tree
from greenloop.engine.workbench import baseline
from greenloop.model.replay import Replay
from greenloop.ports import Completed, Policy, Repl, Sandbox
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings
from greenloop.verdict.tally import short
from greenloop.workspace import open_workspace
from program import QUICK

TESTS = """import os

from sums import total

RUN = os.environ["RUN"]


def test_total():
    assert total([1, 2]) == 3


def test_weather():
    assert RUN not in os.environ["RAIN"]


def test_old():
    assert RUN == "never"
"""
FILES = {"sums.py": "def total(numbers):\n    return sum(numbers)\n", "test_sums.py": TESTS}


@dataclass
class Numbered:
    """Hands each run of pytest its number, and the numbers of those in which it rains."""

    sandbox: Sandbox
    rain: str
    runs: int = 0

    @property
    def level(self) -> str:
        return self.sandbox.level

    def run(self, argv: tuple[str, ...], *, cwd: Path, policy: Policy) -> Completed:
        if "GREENLOOP_PYTEST" in policy.environment:
            self.runs += 1
            policy = replace(policy, environment={**policy.environment, "RUN": str(self.runs), "RAIN": self.rain})
        return self.sandbox.run(argv, cwd=cwd, policy=policy)

    def repl(self, *, cwd: Path, policy: Policy) -> Repl:
        return self.sandbox.repl(cwd=cwd, policy=policy)

    def stop(self) -> None:
        self.sandbox.stop()


def judged(
    repo: Path, text: str, rain: str, tmp_path_factory: pytest.TempPathFactory, more: Mapping[str, str] | None = None
) -> tuple[Examined, int]:
    """What is said of the repository with this `sums.py`, and how often its tests ran."""
    settings = Settings(test_command=QUICK, checks=("pytest",))
    scratch, cache = tmp_path_factory.mktemp("scratch"), tmp_path_factory.mktemp("cache")
    nobody = Replay((), name="none")
    with (
        open_workspace(repo) as workspace,
        bench(
            workspace, settings, nobody, lambda _: None, box=open_sandbox(cache=cache), cache=cache, temp=scratch
        ) as made,
    ):
        sandbox = Numbered(made.sandbox, rain)
        numbered = replace(made, sandbox=sandbox)
        commit = workspace.resolve("HEAD")
        request = Request(
            key="k", at="", command="evaluate", text="", source=Source.TERMINAL, repository="", actor="", base=commit
        )
        start = Start(request=request, base=baseline(numbered, workspace.tree(commit)), commit=commit)
        files = {path: source.encode() for path, source in {"sums.py": text, **(more or {})}.items()}
        candidate = from_tree(workspace.write(start.base.tree, files), start, numbered)
        assert isinstance(candidate, Candidate)
        return examine(candidate, start, numbered), sandbox.runs


RIGHT = "def total(numbers):\n    return sum(list(numbers))\n"
WRONG = "def total(numbers):\n    return 0\n"


@pytest.mark.parametrize(
    ("text", "rain", "new", "noted", "runs"),
    [
        pytest.param(RIGHT, "0", [], [], 2, id="nothing new fails: one run"),
        pytest.param(RIGHT, "2", [], ["test_weather"], 3, id="fails and passes: flaky"),
        pytest.param(RIGHT, "23", ["test_weather"], [], 3, id="fails twice: counts"),
        pytest.param(WRONG, "2", ["test_total"], ["test_weather"], 3, id="a flaky one hides no other"),
    ],
)
def test_a_new_failure_is_confirmed_once(
    make_repo: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    rain: str,
    new: list[str],
    noted: list[str],
    runs: int,
) -> None:
    seen, ran = judged(make_repo(FILES), text, rain, tmp_path_factory)
    decides = [f.rule.rpartition("::")[2] for f in seen.verdict.new if f.severity is not Severity.NOTE]
    notes = [f.context.rpartition("::")[2] for f in seen.verdict.new if f.rule == "flaky"]
    assert (decides, notes, ran) == (new, noted, runs)
    assert [test.id.rpartition("::")[2] for test in seen.report.tests.values() if test.red] == [*new, "test_old"]


GREEN = {**FILES, "test_sums.py": TESTS.partition("\n\ndef test_old")[0]}


@pytest.mark.parametrize(
    ("rain", "proof", "noted"),
    [
        pytest.param("1", [], ["test_weather"], id="red on the base once of two times"),
        pytest.param("13", ["test_weather"], [], id="red on the base each time"),
    ],
)
def test_what_was_red_by_chance_proves_nothing(
    make_repo: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
    rain: str,
    proof: list[str],
    noted: list[str],
) -> None:
    seen, ran = judged(make_repo(GREEN), RIGHT, rain, tmp_path_factory)
    notes = [(f.context.rpartition("::")[2], f.message) for f in seen.verdict.new]
    words = "{} was red on the base only once of two times: that it passes now proves nothing."
    assert [short(test) for test in seen.verdict.proof] == proof
    assert (seen.verdict.green, str(seen.verdict.evidence)) == (True, "proven" if proof else "unproven")
    assert (notes, ran) == ([(name, words.format(name)) for name in noted], 3)


OWN = """import os

from sums import total


def test_storm():
    assert os.environ["RUN"] not in os.environ["RAIN"]


def test_list():
    assert total([1]) == 1
"""


def test_nor_does_a_test_of_the_attempt_s_own(
    make_repo: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    repo = make_repo(GREEN)
    told = {
        rain: judged(repo, RIGHT, rain, tmp_path_factory, {"test_own.py": OWN})[0].verdict
        for rain in ("4", "45")  # 1: the base, 2 and 3: the attempt and its own tests, 4 and 5: those on the base
    }
    assert [[short(test) for test in verdict.own_proof] for verdict in told.values()] == [[], ["test_storm"]]
    assert [str(verdict.evidence) for verdict in told.values()] == ["unproven", "proven"]
