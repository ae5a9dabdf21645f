"""Ugly output and ugly ends, through the whole command: what the model reads holds the line that matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fakes.model_server import ModelServer
from program import run_json

Repo = Callable[..., Path]
APP = "def add(a, b):\n    return a - b\n"
RIGHT = "Summary: add\n\napp.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BAR = """\
import sys

from app import add

print("error: an old one that was mended")
for n in range(20000):
    print(f"\\r\\x1b[2K\\x1b[32m{n // 200:3}%\\x1b[0m building [{'#' * (n // 400)}]", end="")
if add(2, 3) != 5:
    print("\\r\\x1b[2K\\x1b[31merror:\\x1b[0m app.py:2: add(2, 3) is not 5")
    sys.exit(1)
"""
SUITE = "commands:\n  suite:\n    run: python3 suite.py\n"
IMPORTS = {
    "one/src/one/__init__.py": "",
    "one/src/one/core.py": "from two.parts import first\n\n\ndef f():\n    return first([1, 2])\n",
    "one/tests/test_core.py": "from one.core import f\n\n\ndef test_f():\n    assert f() == 1\n",
    "two/src/two/__init__.py": "",
    "two/src/two/parts.py": "def last(items):\n    return items[-1]\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["one/src", "two/src"]\n',
}
FIRST = "Summary: first\n\ntwo/src/two/parts.py\n```python\ndef first(items):\n    return items[{0}]\n"
FIRST += "\n\ndef last(items):\n    return items[-1]\n```\n"


def _tried(repo: Path, answers: list[str], *words: str) -> tuple[int, dict[str, object], list[str]]:
    with ModelServer(answers) as server:
        code, said = run_json("generate", *words, "--model", "m", "--api-base", server.api_base, cwd=repo)
    return code, said, [chat["messages"][1]["content"] for chat in server.chats]


def test_a_check_under_commands_is_run_without_being_named_again(make_repo: Repo) -> None:
    repo = make_repo({"app.py": APP, "suite.py": BAR, ".github/greenloop.yml": SUITE})
    code, said, _ = _tried(repo, [RIGHT], "add(2, 3) has to be 5", "--file", "app.py")
    assert code == 0
    assert [a["checks"] for a in said["attempts"]][-1] == (  # type: ignore[attr-defined]
        "ruff=passed pytest=skipped bandit=passed integrity=passed suite=passed"
    )


def test_of_a_bar_that_is_drawn_over_and_over_its_last_line_is_left(make_repo: Repo) -> None:
    repo = make_repo({"app.py": APP.replace("-", "+"), "suite.py": BAR, ".github/greenloop.yml": SUITE})
    wrong = RIGHT.replace("a + b", "a * b")
    _, _, prompts = _tried(
        repo, [wrong, RIGHT.replace("a + b", "sum((a, b))")], "add without a sign", "--file", "app.py"
    )
    told = prompts[1].partition("# What fails now")[2]
    assert "error: app.py:2: add(2, 3) is not 5" in told
    assert "building" not in told


def test_an_import_that_a_file_of_the_repository_fails_can_be_mended(make_repo: Repo) -> None:
    """No test can be collected, but not for want of a package: the environment is not what is broken."""
    repo = make_repo(IMPORTS)
    code, said, prompts = _tried(repo, [FIRST.format(1), FIRST.format(0)], "make the core work")
    assert (code, said["evidence"]) == (0, "proven(test_f)"), said
    assert "cannot import name 'first' from 'two.parts' (two/src/two/parts.py)" in prompts[0]
    assert "assert 2 == 1" in prompts[1]
