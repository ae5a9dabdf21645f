"""What is read from outside the sandbox: regular files inside the folder, nothing through a link."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.checks import files
from greenloop.ports import Subject


@pytest.fixture
def hostile(lay: Callable[..., Subject], tmp_path: Path) -> Path:
    folder = lay({"a.py": "x = 1\n", "deep/b.py": "y = 2\r\nz = '\x0c'\r\n", "big.py": "#" * 50}).folder
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "c.py").write_text("secret")
    (folder / "link.py").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe.py")
    return folder


def test_only_regular_files_inside_are_read(hostile: Path) -> None:
    assert files.read(hostile, "a.py") == b"x = 1\n"
    for path in ("link.py", "linked/c.py", "pipe.py", "deep", "gone.py", "../secret", "a\0b", "a.py/x"):
        assert files.read(hostile, path) is None, path
    assert files.read(hostile, "big.py", limit=49) is None
    assert files.lines_of(hostile, "deep/b.py") == ["y = 2", "z = '\x0c'", ""]
    assert files.lines_of(hostile, "gone.py") == [""]


def test_python_files_are_those_that_changed_or_all(lay: Callable[..., Subject], hostile: Path) -> None:
    contents = {
        "a.py": "",
        "w.pyw": "",
        "tool": "#!/usr/bin/env python3\n",
        "sh": "#!/bin/sh\n",
        "x.txt": "#!/usr/bin/python",
        "p/q.py": "",
        "p/.git/h.py": "",
    }
    everything = ("a.py", "p/q.py", "tool", "w.pyw")
    assert files.python_files(lay(contents)) == everything
    assert files.python_files(lay(contents, focus=("tool", "sh", "gone.py"))) == ("tool",)
    assert files.python_files(lay(contents, changed=("w.pyw", "x.txt"), focus=("a.py",))) == ("w.pyw",)
    assert files.python_files(lay({})) == ()
    folder = lay({}, changed=("link.py", "pipe.py", "a.py", "a\0.py"))
    (folder.folder / "link.py").symlink_to(hostile / "a.py")
    assert files.python_files(folder) == ()


def test_test_files_are_known_by_name_or_folder() -> None:
    tests = ("test_a.py", "a_test.py", "conftest.py", "tests/helper.py", "pkg/test/x.py", "a/tests/b/c.py")
    product = ("a.py", "testing.py", "contest.py", "src/latest.py", "tests.py", "attest/a.py")
    assert [p for p in (*tests, *product) if files.is_test(p)] == list(tests)
