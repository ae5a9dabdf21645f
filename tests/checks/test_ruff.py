"""Lint, by our own ruff in the real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from greenloop.checks import ruff
from greenloop.domain import Finding, Severity, Status
from greenloop.ports import Sandbox, Subject
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings

Lay = Callable[..., Subject]

UNUSED = Finding(
    check="ruff", rule="F401", message="`os` imported but unused", path="a.py", line=1, context="import os"
)


def test_changed_files_by_our_rules_without_a_configuration(lay: Lay, sandbox: Sandbox) -> None:
    """Pyflakes, real errors and likely bugs; no style, no false syntax error, nothing of files that did not change."""
    files = {
        "a.py": "import os\n\n\ndef f(x=[]):\n    return x\n",
        "old.py": "import os\n",
        "modern.py": "type X = int\n\n\ndef g[T](x: T) -> T:\n    return x   \n",
        "-dash.py": "x = 1\n",
        "bad.py": "x = (\n",
        "bytes.py": b"x = '\xff'\n",
    }
    subject = lay(files, changed=("a.py", "modern.py", "-dash.py", "bad.py", "bytes.py", "gone.py", "x.md"))
    result = ruff.run(subject, sandbox, Settings())
    mutable = replace(
        UNUSED,
        rule="B006",
        message="Do not use mutable data structures for argument defaults",
        line=4,
        context="def f(x=[]):",
    )
    assert [f for f in result.findings if f.path == "a.py"] == [UNUSED, mutable]
    assert sorted({(str(f.path), f.rule) for f in result.findings if f.path != "a.py"}) == [
        ("bad.py", "invalid-syntax"),
        ("bytes.py", "E902"),
    ]
    assert (result.status, result.metrics) == (Status.FAILED, {"files": 5.0, "excluded": 0.0})


def test_the_projects_configuration_is_followed(lay: Lay, sandbox: Sandbox) -> None:
    files = {
        "pyproject.toml": '[tool.ruff]\nexclude = ["legacy"]\n[tool.ruff.lint]\nselect = ["E501"]\n',
        "a.py": "import os\n",
        "legacy/b.py": "import os\n",
        "long.py": "x = '" + "a" * 100 + "'\n",
    }
    result = ruff.run(lay(files, changed=("a.py", "legacy/b.py", "long.py")), sandbox, Settings())
    assert [(f.rule, f.path, f.severity) for f in result.findings] == [
        ("E501", "long.py", Severity.ERROR),
        ("excluded", "legacy/b.py", Severity.NOTE),
    ]
    assert (result.status, result.metrics) == (Status.FAILED, {"files": 2.0, "excluded": 1.0})
    only = ruff.run(lay(files, changed=("legacy/b.py",)), sandbox, Settings())
    assert (only.status, [f.severity for f in only.findings]) == (Status.PASSED, [Severity.NOTE])


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        ({"ruff.toml": ""}, "a/b.py", True),
        ({"a/.ruff.toml": ""}, "a/b.py", True),
        ({"a/pyproject.toml": "[tool.ruff.lint]\n"}, "a/b.py", True),
        ({"a/pyproject.toml": "[ tool . ruff ]\n"}, "a/b.py", True),
        ({"c/ruff.toml": ""}, "a/b.py", False),
        ({"pyproject.toml": "# [tool.ruff]\n[tool.ruffian]\n"}, "a/b.py", False),
    ],
)
def test_a_configuration_counts_where_it_stands(lay: Lay, files: dict[str, str], path: str, *, expected: bool) -> None:
    assert ruff.configured(lay(files).folder, [path]) is expected


def test_the_base_is_looked_at_whole_or_where_it_matters(lay: Lay, sandbox: Sandbox) -> None:
    files = {"a.py": "import os\n", "b.py": "import os\n", "pkg/c.py": "import os\n"}
    everything = ruff.run(lay(files), sandbox, Settings())
    assert [f.path for f in everything.findings] == ["a.py", "b.py", "pkg/c.py"]
    focused = ruff.run(lay(files, focus=("b.py",)), sandbox, Settings())
    assert [f.path for f in focused.findings] == ["b.py"]


def test_a_configuration_that_ruff_cannot_read_is_broken(lay: Lay, sandbox: Sandbox) -> None:
    result = ruff.run(
        lay({"ruff.toml": "[lint]\nselect = ['ZZZ9']\n", "a.py": ""}, changed=("a.py",)), sandbox, Settings()
    )
    assert (result.status, result.findings) == (Status.BROKEN, ())
    assert result.reason.startswith("ruff could not check the files: Unknown rule selector `ZZZ9` in `select`")


def test_without_a_python_file_nothing_is_started(lay: Lay) -> None:
    stopped = open_sandbox()
    stopped.stop()
    result = ruff.run(lay({"a.md": ""}, changed=("a.md",)), stopped, Settings())
    assert (result.status, result.metrics) == (Status.PASSED, {"files": 0.0, "excluded": 0.0})
    would = ruff.run(lay({"a.py": ""}, changed=("a.py",)), stopped, Settings())
    assert (would.status, would.reason) == (
        Status.BROKEN,
        "ruff could not check the files: the run was stopped (exit code 143).",
    )


def test_a_cut_answer_is_no_answer() -> None:
    assert ruff.parsed(b'{"code": "F401"}\n{"co') is None
    assert ruff.parsed(b"[1]\n") is None
    assert ruff.parsed(b"[" * 100_000) is None
    assert ruff.parsed(b'{"code": "F401"}\n{}\n') == [{"code": "F401"}, {}]


def test_many_files_take_several_command_lines(lay: Lay, sandbox: Sandbox) -> None:
    folder = "d" * 200
    files = {f"{folder}/{'f' * 200}{n}.py": "import os\n" for n in range(600)}
    assert [len(chunk) for chunk in ruff.chunks(tuple(files))] == [245, 245, 110]
    result = ruff.run(lay(files), sandbox, Settings())
    assert len(result.findings) == 600
    assert list(ruff.chunks(())) == []


@pytest.mark.parametrize(
    ("declared", "version"),
    [
        ("", "py313"),
        ('requires-python = ">=3.9,<4"', "py39"),
        ("requires-python='~= 3.11'", "py311"),
        ('requires-python = ">=3.2"', "py37"),
        ('requires-python = ">=3.99"', "py313"),
        ('requires-python = "<4"', "py313"),
    ],
)
def test_without_a_configuration_ruff_looks_for_none(tmp_path: Path, declared: str, version: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\nname = 'x'\n{declared}\n")
    rules = ("--isolated", *ruff.DEFAULTS, "--target-version", version)
    assert ruff.options(tmp_path, ("a/b.py",)) == ("--no-cache", "--no-respect-gitignore", *rules)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".ruff.toml").touch()
    assert ruff.options(tmp_path, ("a/b.py",)) == ("--no-cache", "--no-respect-gitignore", "--force-exclude")
