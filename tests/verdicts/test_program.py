"""The program itself, `greenloop evaluate --base REF`, on hostile trees: what it prints, whole, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import program
from conftest import git
from verdicts.court import write
from verdicts.tricks import BASE, RIGHT, TRICKS, WRONG

SETTINGS = f"checks: [ruff, bandit, pytest, integrity]\ntest_command: {program.QUICK}\n"
FILES = {
    **BASE,
    ".github/greenloop.yml": SETTINGS,
    "ruff.toml": 'extend = "lint/common.toml"\n',
    "lint/common.toml": '[lint]\nselect = ["F"]\n',
}


NUMBERS = ["complexity of sums.py::total", "time of pytest", "memory of pytest"]
COMPILED = next(path for trick in TRICKS if trick.name == "a compiled stand-in" for path in trick.files)
_SUMS = ("test_sums.py::test_nothing", "test_sums.py::test_total")
_ERRORS = (("tests/test_more.py::test_more", "0 == 9", 5), ("tests/test_sums.py::test_total", "0 == 3", 9))


def tricks(*names: str) -> dict[str, str | bytes | None]:
    """The files of these tricks, one over the other."""
    known = {trick.name: trick.files for trick in TRICKS}
    return {path: text for name in names for path, text in known[name].items()}


def evaluated(repo: Path, *words: str, numbers: Sequence[str] = NUMBERS) -> tuple[int, dict[str, Any]]:
    """The exit code, and all that was printed but what differs from machine to machine and run to run."""
    code, said = program.run_json("evaluate", *words, "--base", "main", cwd=repo)
    assert said.pop("sandbox").startswith(("namespaces: ", "uid: "))
    assert [number["what"] for number in said.pop("numbers")] == numbers
    for finding in (f for kind in ("new", "fixed", "wanted", "old") for f in said["verdict"][kind]):
        assert len(finding.pop("fingerprint")) == 20
    return code, said


def finding(check: str, rule: str, message: str, path: str, line: int | None = None, **more: str) -> dict[str, Any]:
    severity = more.get("severity", "error" if line else "note")
    return {"check": check, "rule": rule, "message": message, "path": path, "line": line, "severity": severity}


def red() -> list[dict[str, Any]]:
    return [
        finding(
            "pytest", i, f"{i.rpartition('::')[2]} passed on the base and fails now: assert {s}", i.split("::")[0], n
        )
        for i, s, n in _ERRORS
    ]


def said(repo: Path, head: str, checks: str, why: str, new: list[dict[str, Any]]) -> dict[str, Any]:
    nothing = ("proof", "own_proof", "unproven", "fixed", "wanted", "old")
    verdict = {"green": not why, "evidence": "unproven", "why": [why] if why else [], "new": new}
    return {
        "status": "red" if why else "green",
        "base": git("rev-parse", "main", cwd=repo),
        "head": head,
        "checks": checks,
        "dependencies": [],
        "evidence": "unproven",
        "verdict": verdict | {name: [] for name in nothing},
    }


def test_what_decides_is_put_back_and_comments_silence_nothing(make_repo: Callable[..., Path]) -> None:
    repo = make_repo(FILES)
    names = ("the tests are deleted", "conftest: every report says passed", "pytest.ini selects", "sitecustomize.py")
    write(repo, tricks(*names, "pytest.py in the tree", "a compiled stand-in"))
    loose = '[lint]\nselect = ["E501"]\n'
    script = "import subprocess\n\nsubprocess.run(input(), shell=True)  # nosec\n"
    write(repo, {"sums.py": f"import os  # noqa\n\n\n{WRONG}", "lint/common.toml": loose, "run.py": script})
    silences = "This added line silences the {}; mend what it says instead."
    b602 = "subprocess call with shell=True identified, security issue."
    b404 = "Consider possible security implications associated with the subprocess module."
    back = {
        COMPILED: "is compiled code, which nobody can read",
        "conftest.py": "configures checks",
        "lint/common.toml": "is what the checks' configuration or command leads to",
        "pytest.ini": "configures checks",
        "pytest.py": "configures checks",
        "sitecustomize.py": "configures checks",
        "tests/test_more.py": "is an existing test",
        "tests/test_sums.py": "is an existing test",
    }
    restored = [
        finding("integrity", "restored", f"{path} {why}; the change to it was put back.", path)
        for path, why in back.items()
    ]
    assert evaluated(repo) == (
        4,
        said(
            repo,
            "the working tree",
            "ruff=failed(1) bandit=failed(2) pytest=failed(2/3) integrity=failed(2)",
            "6 new findings: pytest 2, ruff 1, bandit 1, integrity 2.",
            [
                *red(),
                finding("ruff", "F401", "`os` imported but unused (a comment silences it)", "sums.py", 1),
                finding("bandit", "B404", b404, "run.py", 1, severity="note"),
                finding("bandit", "B602", b602, "run.py", 3),
                finding("integrity", "nosec", silences.format("security scan"), "run.py", 3),
                finding("integrity", "noqa", silences.format("linter"), "sums.py", 1),
                *restored,
            ],
        ),
    )


def test_what_the_product_does_to_its_own_tests_is_told(make_repo: Callable[..., Path]) -> None:
    repo = make_repo({**FILES, ".github/greenloop.yml": SETTINGS.replace("ruff, bandit, ", "")})
    more, nothing, total = (f"tests/{n}" for n in ("test_more.py::test_more", *_SUMS))
    expected = {
        "os._exit when called": ("pytest=failed(1/1)", [more, nothing, total, "unfinished"]),
        "pytest.skip when called": ("pytest=skipped(3)", [more, nothing, total]),
        "reports are made to say passed": ("pytest=failed(2/3)", [more, total, "tampering"]),
    }
    numbers = {
        "os._exit when called": NUMBERS,
        "pytest.skip when called": NUMBERS[:1],  # what is skipped is not measured
        "reports are made to say passed": ["complexity of sums.py::made", *NUMBERS[1:]],
    }
    told = {}
    for name in expected:
        git("checkout", "-q", "-B", "attempt", "main", cwd=repo)
        write(repo, tricks(name))
        git("commit", "-q", "-a", "-m", name, cwd=repo)
        code, answer = evaluated(repo, "attempt", numbers=numbers[name])
        assert (code, answer["status"], answer["head"]) == (4, "red", "attempt")
        rules = [f["rule"] for f in answer["verdict"]["new"] if f["severity"] == "error"]
        told[name] = (answer["checks"].removesuffix(" integrity=passed"), rules)
    assert told == expected


def test_what_is_honest_is_green(make_repo: Callable[..., Path]) -> None:
    repo = make_repo(FILES)
    write(repo, {"sums.py": RIGHT.replace("sum(numbers)", "sum(numbers, 0)")})
    assert evaluated(repo) == (
        0,
        said(repo, "the working tree", "ruff=passed bandit=passed pytest=passed(3) integrity=passed", "", []),
    )
