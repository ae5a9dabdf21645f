"""What is measured beside tests, lint and security: reported always, deciding only with a limit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from greenloop.domain import Covered, Evidence, Finding, Number, Severity, Verdict
from greenloop.setting_values import Criteria
from greenloop.source.complexity import functions, worst
from greenloop.verdict.criteria import COVERAGE, complexity, costs, coverage, exceeded, said
from greenloop.verdict.judge import against
from program import QUICK, run

SOURCE = b"""
def plain():
    return 1

class A:
    async def parts(self, x):
        if x and not x:
            return [y for y in x]
        for y in x:
            try:
                pass
            except ValueError:
                pass
        def inner():
            while True:
                pass
        match x:
            case 1: return 2
            case _: return 3
        return 1 if x else 2
"""


def test_ways_through_a_function() -> None:
    found = functions(SOURCE)
    assert {name: f.ways for name, f in found.items()} == {"plain": 1, "A.parts": 7, "A.parts.inner": 2}
    assert functions(b"def (") == {}


def test_the_worst_of_those_that_changed() -> None:
    before = SOURCE.replace(b"if x and not x", b"assert x")
    function, old = worst(before.replace(b"return [y", b"print([y"), SOURCE, {7, 8}) or (None, 0)
    assert (function and function.name, old) == ("A.parts", None)  # the old text does not parse
    function, old = worst(SOURCE, SOURCE, {3, 9}) or (None, 0)
    assert (function and function.name, old) == ("A.parts", 7)
    assert worst(SOURCE, SOURCE, {1}) is None


LIMITS = Criteria(complexity=5, time=0.2, memory=0.5, coverage=75.0)
NONE = Criteria()
BREAKS: list[tuple[Criteria, Number, str]] = [
    (NONE, complexity("f", 1, 99, NONE), ""),
    (LIMITS, complexity("f", 1, 6, LIMITS), "complexity of f: 6, 1 before; at most 5."),
    (LIMITS, complexity("f", None, 6, LIMITS), "complexity of f: 6; at most 5."),
    (LIMITS, complexity("f", 6, 6, LIMITS), ""),
    (LIMITS, complexity("f", 1, 5, LIMITS), ""),
    (NONE, costs("t", (1.0, 9.0), (99.0, 9.0), NONE)[0], ""),
    (LIMITS, costs("t", (10.0, 9.0), (12.1, 9.0), LIMITS)[0], "time of t: 12.10 s, 10.00 s before; at most 20 % more."),
    (LIMITS, costs("t", (10.0, 9.0), (11.9, 9.0), LIMITS)[0], ""),
    (LIMITS, costs("t", (0.1, 9.0), (0.4, 9.0), LIMITS)[0], ""),  # too little to tell
    (LIMITS, costs("t", (1.0, 90.0), (1.0, 140.0), LIMITS)[1], "memory of t: 140 MB, 90 MB before; at most 50 % more."),
    (LIMITS, costs("t", (1.0, 20.0), (1.0, 35.0), LIMITS)[1], ""),
    (NONE, coverage((Covered(path="a.py", lines=(1, 2), missed=(1, 2)),), NONE), ""),
    (
        LIMITS,
        coverage((Covered(path="a.py", lines=(1, 2, 3, 9), missed=(9,)), Covered(path="b.py", lines=())), LIMITS),
        "",
    ),
    (
        LIMITS,
        coverage((Covered(path="a", lines=(1, 2, 3, 4, 9), missed=(2, 3, 9), strange=True),), LIMITS),
        f"{COVERAGE}: 40 % (2 of 5; not run: a 2-3, 9; something else ran under the name of a); at least 75 %.",
    ),
    (LIMITS, coverage((), LIMITS), "coverage of the changed lines: not known (0 of 0); at least 75 %."),
]


@pytest.mark.parametrize(("limits", "number", "message"), BREAKS)
def test_what_breaks_a_limit(limits: Criteria, number: Number, message: str) -> None:
    assert [finding.message for finding in exceeded([number], limits)] == ([message] if message else [])
    assert said(None, "s") == "not known"


GREEN = Verdict(green=True, evidence=Evidence.PROVEN, score=(1.0, 1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, -4.0))


def test_what_speaks_against_a_verdict() -> None:
    bad = Finding(check="criteria", rule="time", message="slow")
    note = Finding(check="criteria", rule="benchmark", message="not run", severity=Severity.NOTE)
    assert against(GREEN, (note,)) == GREEN
    verdict = against(GREEN, (note, bad))
    assert (verdict.green, verdict.new, verdict.why) == (False, (bad,), ("1 new finding: criteria 1.",))
    assert verdict.score == (0.0, 1.0, 0.0, 0.0, 3.0, -1.0, 0.0, 0.0, -4.0)


SUMS = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"
LOOP = """def total(numbers: list[int]) -> int:
    whole: str = 0
    for number in numbers:
        if number:
            whole += number
    return whole
"""
TESTS = "from sums import total\n\n\ndef test_one() -> None:\n    assert total([1, 2]) == 3\n"
BENCH = "from sums import total\n\ntotal([1])\n"


def test_in_a_run(make_repo: Callable[..., Path]) -> None:
    """Types by the project's own mypy, complexity with a limit, time and memory of tests and benchmark."""
    settings = "checks: [pytest]\ncriteria: {complexity: 2, coverage: 90, benchmark: python bench.py}\n"
    files = {"sums.py": SUMS, "test_sums.py": TESTS, "bench.py": BENCH, "mypy.ini": "[mypy]\nfiles = sums.py\n"}
    repo = make_repo({**files, ".github/greenloop.yml": settings})
    (repo / "sums.py").write_text(LOOP.replace("str = 0", "int = 0") + "\n\ndef none() -> int:\n    return 0\n")
    quick = ("--test-command", QUICK, "--json")
    told = json.loads(run("evaluate", *quick, cwd=repo).stdout)
    assert told["checks"] == "pytest=passed(1) types=passed"
    assert told["verdict"]["why"] == ["2 new findings: criteria 2."]
    assert [(n["what"], n["before"], n["after"], n["limit"], n["detail"]) for n in told["numbers"][:2]] == [
        ("complexity of sums.py::total", 1.0, 3.0, "at most 2", ""),
        ("coverage of the changed lines", None, 600 / 7, "at least 90 %", "6 of 7; not run: sums.py 10"),
    ]
    assert [n["what"] for n in told["numbers"][2:]] == [
        "time of pytest",
        "memory of pytest",
        "time of the benchmark",
        "memory of the benchmark",
    ]
    assert all(n["before"] > 0 and n["after"] > 0 for n in told["numbers"] if n["unit"] != "%")
    (repo / "sums.py").write_text(LOOP)
    git("config", "user.name", "x", cwd=repo)
    told = json.loads(run("evaluate", *quick, cwd=repo).stdout)
    assert [(f["check"], f["rule"], f["line"]) for f in told["verdict"]["new"]][:3] == [
        ("types", "assignment", 2),
        ("types", "operator", 5),
        ("types", "return-value", 6),
    ]
