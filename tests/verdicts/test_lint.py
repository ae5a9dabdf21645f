"""Tricks against the linters: what a careless `ruff check .` and `bandit -r .` pass over, in one hostile tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from verdicts.court import Court, write
from verdicts.tricks import BASE

BAD = "print(undefined_name)\n"
SHELL = "import subprocess\n\n\ndef run(words):\n    subprocess.run(words, shell=True)\n"
_QUIET = SHELL.replace("shell=True)", "shell=True)  # nosec")
_UTF7 = b"# coding: utf-7\n# harmless +AAo-print(undefined_name)\n"

RUFF: Mapping[str, tuple[str | bytes, str]] = {
    "noqa.py": ("print(undefined_name)  # noqa\n", "F821"),
    "coded.py": ("print(undefined_name)  # noqa: F821\n", "F821"),
    "whole.py": (f"# ruff: noqa\n{BAD}", "noqa"),
    "whole_code.py": (f"# ruff: noqa: F821\n{BAD}", "F821"),
    "whole_flake8.py": (f"# flake8: noqa\n{BAD}", "noqa"),
    "quoted.py": ("print(undefined_name)  # ' # noqa '\n", "F821"),
    "node_modules/made.py": (BAD, "F821"),
    "ignored/a.py": (BAD, "F821"),
    "script": (f"#!/usr/bin/env python3\n{BAD}", "F821"),
    "encoded.py": (_UTF7, "other-encoding"),
}
BANDIT: Mapping[str, tuple[str | bytes, str]] = {
    "nosec.py": (_QUIET, "B602"),
    "nosec_code.py": (_QUIET.replace("nosec", "nosec B602"), "B602"),
    "nosec_name.py": (_QUIET.replace("nosec", "nosec: subprocess_popen_with_shell_equals_true"), "B602"),
    "nosec_lines.py": (
        SHELL.replace("words, shell=True", "\n        words,\n        shell=True,  # nosec\n    "),
        "B602",
    ),
    "program": (f"#!/usr/bin/env python3\n{SHELL}", "B602"),
}
ALSO: Mapping[str, tuple[str | bytes, str]] = {  # these fool nobody
    "build/made.py": (BAD, "F821"),
    "window.pyw": (SHELL, "B602"),
    ".tox/made.py": (SHELL, "unchecked"),
    "link.py": ("->data.txt", "unchecked"),
}
_CONFIGURED: Mapping[str, str] = {
    "ruff.toml": 'lint.ignore = ["ALL"]\n',
    ".ruff.toml": 'exclude = ["*.py"]\n',
    ".bandit": "[bandit]\nskips = B602\n",
    "pyproject.toml": BASE["pyproject.toml"]
    + '[tool.ruff.lint.per-file-ignores]\n"*" = ["ALL"]\n[tool.bandit]\nskips = ["B602"]\n',
    "ruff.py": "raise SystemExit(0)\n",
    "bandit.py": "raise SystemExit(0)\n",
}
PLAIN: Mapping[str, str | bytes] = {"open.py": BAD + SHELL}  # with nothing but the configuration to hide behind


@pytest.fixture(scope="session")
def court(open_court: Callable[..., Court]) -> Court:
    return open_court({**BASE, ".gitignore": "ignored/\n"}, checks=("ruff", "bandit", "integrity"))


def _texts(tricks: Mapping[str, tuple[str | bytes, str]]) -> dict[str, str | bytes]:
    return {path: text for path, (text, _) in tricks.items()}


def test_the_linters_find_all_of_it(court: Court) -> None:
    files = {**_texts(RUFF), **_texts(BANDIT), **_texts(ALSO), **_CONFIGURED, **PLAIN, "data.txt": SHELL}
    del files["ignored/a.py"]  # not of the working tree: `evaluate` does not see it, and nobody commits it
    seen = court.judge(files)
    found = {(f.path, f.rule) for f in seen.verdict.new if f.severity != "note"}
    wanted = {(path, rule) for path, (_, rule) in {**RUFF, **BANDIT, **ALSO}.items() if path in files}
    wanted |= {("open.py", "F821"), ("open.py", "B602")}
    assert (seen.verdict.green, wanted - found) == (False, set())
    restored = {f.path for f in seen.verdict.new if f.rule == "restored"}
    assert restored == {path for path in _CONFIGURED if path not in {"ruff.py", "bandit.py"}}


def test_careless_linters_find_none_of_it(tmp_path: Path) -> None:
    trees: dict[str, Mapping[str, str | bytes]] = {
        "ruff": {**_texts(RUFF), ".gitignore": "ignored/\n"},
        "bandit": {**_texts(BANDIT), "broken.py": SHELL + "def f(:\n"},
        "configured ruff": {**PLAIN, **{p: t for p, t in _CONFIGURED.items() if "ruff.toml" in p}},
        "shadowed bandit": {**PLAIN, "bandit.py": _CONFIGURED["bandit.py"]},
    }
    codes = {}
    for name, files in trees.items():
        write(tmp_path / name, files)
        (tmp_path / name / ".git").mkdir()
        words = ("ruff", "check", "--no-cache", ".") if "ruff" in name else ("bandit", "-q", "-ll", "-r", ".")
        argv = [sys.executable, "-m", *words]
        codes[name] = subprocess.run(argv, cwd=tmp_path / name, capture_output=True, check=False).returncode
    assert codes == dict.fromkeys(trees, 0)


def test_a_file_that_no_linter_can_read_is_not_passed_over(court: Court) -> None:
    seen = court.judge({"broken.py": SHELL + "def f(:\n"})
    assert ("broken.py", "py") in {(f.path, f.rule) for f in seen.verdict.new}
    assert [r.status for r in seen.report.results] == ["failed", "skipped", "skipped", "skipped"]


def test_new_tests_are_linted(court: Court) -> None:
    test = "import subprocess\n\n\ndef test_new():\n    subprocess.run(undefined, shell=True)\n"
    seen = court.judge({"tests/test_new.py": test})
    found = [(f.check, f.rule) for f in seen.verdict.new if f.severity != "note"]
    assert found == [("ruff", "F821"), ("bandit", "B602")]
    statuses = [(r.check, r.status) for r in seen.report.results]
    assert statuses == [("ruff", "failed"), ("bandit", "failed"), ("integrity", "passed")]


def test_what_the_base_has_silenced_stays_silent(open_court: Callable[..., Court]) -> None:
    old = f"print(undefined_name)  # noqa\n{_QUIET}"
    court = open_court({"old.py": old, "b.py": "x = 1\n"}, checks=("ruff", "bandit", "integrity"))
    assert court.judge({"old.py": f"y = 2\n{old}"}).verdict.green
    assert not court.judge({"old.py": f"{old}\nprint(other_name)  # noqa\n"}).verdict.green
