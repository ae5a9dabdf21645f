"""Patterns mean what git says they mean."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.patterns import matches, problem

PATHS = (
    "a", "a.py", "b/a", "b/a.py", "src/a.py", "src/b/a.py", "src/b/c/a.py", "x/src/a.py", "tests/test_a.py", "tests",
    "docs/tests/x", "foo/bar", "foo/x/bar", "foo/x/y/bar", "foobar", "a b.txt", "ab", "a+b", "[a]", "ä.py", ".hidden/x",
)  # fmt: skip
PATTERNS = (
    "a", "*.py", "/a.py", "src/*.py", "src/**", "src/**/*.py", "**/src", "**/a.py", "tests/", "tests/**", "tests",
    "foo/**/bar", "foo/*/bar", "foo/b?r", "a?b", "a+b", "[ab]", "[!a]*", "[a-c].py", "*", "**", "a*b", "src/", "b/",
    "*/a.py", "ä.*", ".hidden/", "foo*", "src/***/a.py", "b/a", "f**r", "[]a]",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_git_check_ignore(pattern: str, make_repo: Callable[..., Path]) -> None:
    root = make_repo({".gitignore": f"{pattern}\n"})
    asked = subprocess.run(
        ["git", "-c", "core.quotePath=false", "check-ignore", "--no-index", "--stdin"],
        cwd=root, input="\n".join(PATHS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [path for path in PATHS if matches(path, (pattern,))] == asked.stdout.splitlines()


def test_several_and_none() -> None:
    assert matches("b/x.py", ("a/", "*.py"))
    assert not matches("b/x.py", ())
    assert not matches("B/X.PY", ("*.py",))  # names differ by case


def test_what_no_pattern_can_be() -> None:
    assert {p: problem(p) for p in ("", " / ", "!a", "a\\b", "a\nb", "../a", "a/../b", "a..b", "/a")} == {
        "": "it is empty",
        " / ": "it is empty",
        "!a": "a pattern cannot be negated",
        "a\\b": "paths are separated by `/` and hold no backslash, line break or NUL",
        "a\nb": "paths are separated by `/` and hold no backslash, line break or NUL",
        "../a": "`..` leads out of the repository",
        "a/../b": "`..` leads out of the repository",
        "a..b": None,
        "/a": None,
    }
