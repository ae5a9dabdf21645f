"""Security findings, by our own bandit in the real sandbox."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.checks import bandit
from greenloop.domain import Finding, Severity, Status
from greenloop.ports import Sandbox, Subject
from greenloop.settings import Settings

Lay = Callable[..., Subject]


def test_severity_decides_and_what_could_not_be_read_is_a_finding(lay: Lay, sandbox: Sandbox) -> None:
    files = {
        "a.py": "import subprocess\nassert 1\n\n\ndef f(x):\n    subprocess.run(x, shell=True)\n    exec(x)\n",
        "tests/test_a.py": "def test_a():\n    assert 1\n",
        "bad.py": "x = (\n",
        "old.py": "exec('1')\n",
        "bandit.py": "raise SystemExit('the tree must not shadow bandit')\n",
    }
    subject = lay(files, changed=("a.py", "tests/test_a.py", "bad.py", "bandit.py"))
    result = bandit.run(subject, sandbox, Settings())
    assert [(f.rule, f.path, f.line, f.severity, f.context) for f in result.findings] == [
        ("B404", "a.py", 1, Severity.NOTE, "import subprocess"),
        ("B101", "a.py", 2, Severity.NOTE, "assert 1"),
        ("B602", "a.py", 6, Severity.ERROR, "subprocess.run(x, shell=True)"),
        ("B102", "a.py", 7, Severity.WARNING, "exec(x)"),
        ("unchecked", "bad.py", None, Severity.ERROR, ""),
    ]
    unchecked = "Not checked for security: syntax error while parsing AST from file."
    assert result.findings[-1] == Finding(check="bandit", rule="unchecked", message=unchecked, path="bad.py")
    assert (result.check, result.status, result.metrics) == ("bandit", Status.FAILED, {"files": 4.0})


def test_low_severity_alone_passes_and_nothing_to_look_at_starts_nothing(lay: Lay, sandbox: Sandbox) -> None:
    low = bandit.run(lay({"a.py": "import subprocess\n"}, changed=("a.py",)), sandbox, Settings())
    assert (low.status, [f.severity for f in low.findings]) == (Status.PASSED, [Severity.NOTE])
    nothing = bandit.run(lay({"a.py": "exec('')\n"}, changed=("a.md",)), sandbox, Settings())
    assert (nothing.status, nothing.metrics) == (Status.PASSED, {"files": 0.0})


def test_the_projects_configuration_is_followed_and_what_it_leaves_out_is_said(lay: Lay, sandbox: Sandbox) -> None:
    config = '[tool.bandit]\nskips = ["B102"]\nexclude_dirs = ["legacy"]\n'
    files = {"pyproject.toml": config, "a.py": "exec('')\n", "legacy/b.py": "exec('')\n"}
    result = bandit.run(lay(files, changed=("a.py", "legacy/b.py")), sandbox, Settings())
    left_out = "Not checked for security: bandit's configuration leaves it out."
    assert result.findings == (
        Finding(check="bandit", rule="unchecked", message=left_out, path="legacy/b.py", severity=Severity.NOTE),
    )
    ini = bandit.run(lay({".bandit": "[bandit]\nskips = B102\n", "a.py": "exec('')\n"}), sandbox, Settings())
    assert (ini.status, ini.findings) == (Status.PASSED, ())


def test_a_configuration_that_bandit_cannot_read_is_broken(lay: Lay, sandbox: Sandbox) -> None:
    files = {"pyproject.toml": "[tool.bandit\n[tool.bandit]\n", "a.py": ""}
    result = bandit.run(lay(files, changed=("a.py",)), sandbox, Settings())
    assert (result.status, result.findings) == (Status.BROKEN, ())
    assert result.reason.startswith("bandit could not check the files: ")


def test_a_file_that_bandit_does_not_name_is_not_passed(lay: Lay, sandbox: Sandbox) -> None:
    """A folder named like those that bandit leaves out by itself."""
    result = bandit.run(lay({".tox/a.py": "exec('')\n"}, changed=(".tox/a.py",)), sandbox, Settings())
    assert (result.status, [(f.rule, f.severity) for f in result.findings]) == (
        Status.FAILED,
        [("unchecked", Severity.ERROR)],
    )
