"""The kill table's own program, on a project of two files: it has to notice whatever makes a kill prove nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

RULES = """
def safe(path):
    return ".." not in path

def small(text):
    return len(text) < 10
"""
TESTS = """
from rules import safe, small

def test_safe():
    assert not safe("../x")

def test_small():
    assert small("abc")
"""
PYPROJECT = '[tool.pytest.ini_options]\npythonpath = ["bot"]\naddopts = "--import-mode=importlib"\n'
KILL = """
[[kill]]
rule = "{rule}"
file = "bot/rules.py"
old = '''{old}'''
new = '''{new}'''
test = "tests/test_rules.py::{test}"
"""


def project(root: Path, *kills: dict[str, str]) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    for name, text in {"bot/rules.py": RULES, "tests/test_rules.py": TESTS, "pyproject.toml": PYPROJECT}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "tests/kills").mkdir()
    shutil.copy(Path(__file__).with_name("run.py"), root / "tests/kills/run.py")
    (root / "tests/kills/rules.toml").write_text("".join(KILL.format(**kill) for kill in kills))
    return root


def run(root: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "tests/kills/run.py", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_kill_counts_only_when_its_test_turns_red(tmp_path: Path) -> None:
    root = tmp_path / "project"
    paths = {"rule": "paths", "old": '".." not in path', "new": "True", "test": "test_safe"}
    empty = {
        "the test stays green": {"rule": "sizes", "old": "len(text) < 10", "new": "True", "test": "test_small"},
        "its text occurs 2 times in bot/rules.py, not once": paths | {"old": "return"},
        "it changes nothing": paths | {"new": '".." not in path'},
        "bot/rules.py is no Python any more": paths | {"new": "("},
        "the test could not be run (pytest ended with 4)": paths | {"old": "def safe", "new": "def unsafe"},
    }
    code, said = run(project(root, paths, *empty.values()))
    assert (code, "→ tests/test_rules.py::test_safe: turns red" in said) == (1, True), said
    assert [what for what in empty if f"NOT KILLED: {what}" not in said] == []
    assert said.endswith("1 of 6 rules are guarded.\n")
    assert (root / "bot/rules.py").read_text() == RULES  # each kill was made in a copy

    assert run(project(root, paths))[0] == 0


def test_a_table_that_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    kill = {"rule": "paths", "old": '".." not in path', "new": "True", "test": "test_safe"}
    code, said = run(project(root, kill | {"test": "test_gone"}))
    assert (code, "not green to begin with" in said) == (1, True), said
    code, said = run(project(root, kill), "rulez")
    assert (code, "no such area: rulez; there are: rules" in said) == (1, True), said
    (root / "tests/kills/rules.toml").write_text("[[kill]]\nrule = 'x'\n")
    code, said = run(root)
    assert (code, "a kill has exactly" in said) == (1, True), said
