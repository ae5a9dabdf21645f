"""Checks of the repository's own, in any language: real programs in the real sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenloop.checks.command import Command
from greenloop.domain import CheckResult, Finding, Severity, Status
from greenloop.errors import Misconfigured
from greenloop.ports import Sandbox, Subject
from greenloop.sandbox import open_sandbox
from greenloop.setting_values import CommandCheck
from greenloop.settings import Settings

Lay = Callable[..., Subject]

RED = '<testsuite><testcase classname="a" name="t"><failure message="no"/></testcase></testsuite>'
GREEN = '<testsuite><testcase classname="a" name="t"/></testsuite>'


@pytest.fixture
def made(lay: Lay, sandbox: Sandbox) -> Callable[..., CheckResult]:
    """Runs `script` in a tree of its own as a check named `own`."""

    def run(script: str, files: dict[str, str] | None = None, directory: str = "", **spec: Any) -> CheckResult:
        name = f"{directory}/check.sh".lstrip("/")
        subject = lay({name: f"#!/bin/sh\n{script}\n", **(files or {})}, directory=directory, changed=("a",))
        return Command("own", CommandCheck(run="./check.sh --all", **spec)).run(subject, sandbox, Settings())

    return run


def test_an_exit_code_is_one_finding_that_does_not_depend_on_what_was_printed(
    made: Callable[..., CheckResult],
) -> None:
    green = made("echo fine")
    assert (green.check, green.status, green.findings, green.output) == ("own", Status.PASSED, (), "fine")
    red = made("echo one >&2; echo two 0.123s; exit 3")
    finding = Finding(
        check="own",
        rule="exit",
        message="`./check.sh --all`: exit code 3. Its last line: one",
        context="./check.sh --all: exit code 3",
    )
    assert (red.status, red.findings, red.output) == (Status.FAILED, (finding,), "two 0.123s\none")
    assert made("echo three; exit 3").findings[0].fingerprint == finding.fingerprint
    assert made("echo three; exit 4").findings[0].fingerprint != finding.fingerprint


def test_junit_and_the_exit_code_both_count(made: Callable[..., CheckResult]) -> None:
    def junit(xml: str, code: int = 0) -> CheckResult:
        return made(f"mkdir -p out; echo '{xml}' > out/j.xml; exit {code}", report="out/j.xml", format="junit")

    red, green = junit(RED), junit(GREEN)
    assert (red.status, [f.message for f in red.findings], [t.outcome for t in red.tests]) == (
        Status.FAILED,
        ["no"],
        ["failed"],
    )
    assert (green.status, [t.id for t in green.tests]) == (Status.PASSED, ["a::t"])
    sly = junit(GREEN, code=1)
    assert (sly.status, [f.rule for f in sly.findings], [t.outcome for t in sly.tests]) == (
        Status.FAILED,
        ["exit"],
        ["passed"],
    )
    empty, skipped = junit("<testsuite/>"), junit(GREEN.replace("/><", "><skipped/></testcase><"))
    assert (empty.status, empty.reason) == (Status.SKIPPED, "No tests were collected.")
    assert (skipped.status, skipped.reason) == (Status.SKIPPED, "Every test was skipped.")


def test_sarif_in_a_package_of_a_monorepo(made: Callable[..., CheckResult]) -> None:
    def sarif(level: str) -> CheckResult:
        place = {"physicalLocation": {"artifactLocation": {"uri": "a.c"}, "region": {"startLine": 2}}}
        result = {"ruleId": "R1", "level": level, "message": {"text": "leak"}, "locations": [place]}
        log = json.dumps({"version": "2.1.0", "runs": [{"results": [result]}]})
        return made(
            f"echo '{log}' > o.sarif", {"pkg/a.c": "int\nmain;\n"}, directory="pkg", report="o.sarif", format="sarif"
        )

    finding = Finding(check="own", rule="R1", message="leak", path="pkg/a.c", line=2, context="main;")
    assert (sarif("error").status, sarif("error").findings) == (Status.FAILED, (finding,))
    assert (sarif("note").status, sarif("note").findings[0].severity) == (Status.PASSED, Severity.NOTE)


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no report": ("exit 1", {"report": "r", "format": "junit"}, "It wrote no report at `r` (exit code 1)."),
    "a link": ("ln -s /etc/passwd r", {"report": "r", "format": "sarif"}, "It wrote no report at `r` (exit code 0)."),
    "no XML": (
        "echo x > r",
        {"report": "r", "format": "junit"},
        "`r` is no JUnit XML: syntax error: line 1, column 0 (exit code 0).",
    ),
    "no SARIF": (
        "echo {} > r; exit 2",
        {"report": "r", "format": "sarif"},
        "`r` is no SARIF 2.1.0: its version is not 2.1 (exit code 2).",
    ),
    "no name": ("", {"format": "junit"}, "`format: junit` needs `report`, the file that the command writes."),
    "outside": ("", {"report": "../r", "format": "junit"}, "`../r` lies outside the repository."),
    "through a link": ("", {"report": "link/r", "format": "junit"}, "`link/r` lies outside the repository."),
    "no program": (
        "exit 127",
        {},
        "The program `./check.sh` was not found: install it in the target's environment, or name another one.",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_says_nothing_about_the_code_is_broken(lay: Lay, sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    script, spec, reason = BROKEN[name]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "r").write_text("stays")
    subject = lay({"check.sh": f"#!/bin/sh\n{script}\n"})
    (subject.folder / "link").symlink_to(tmp_path / "elsewhere")
    result = Command("own", CommandCheck(run="./check.sh", **spec)).run(subject, sandbox, Settings())
    assert (result.status, result.reason, result.findings) == (Status.BROKEN, reason, ())
    assert (tmp_path / "elsewhere" / "r").read_text() == "stays"


def test_an_old_report_is_not_read(made: Callable[..., CheckResult]) -> None:
    result = made("true", {"r.xml": GREEN}, report="r.xml", format="junit")
    assert (result.status, result.reason) == (Status.BROKEN, "It wrote no report at `r.xml` (exit code 0).")


def test_a_limit_is_a_failure_and_a_stop_is_not(made: Callable[..., CheckResult], lay: Lay) -> None:
    slow = made("sleep 60", timeout=0.5)
    assert (slow.status, [f.message for f in slow.findings]) == (
        Status.FAILED,
        ["`./check.sh --all`: it had not ended after 0.5 s."],
    )
    stopped = open_sandbox()
    stopped.stop()
    result = Command("own", CommandCheck(run="true")).run(lay({}), stopped, Settings())
    assert (result.status, result.reason) == (Status.BROKEN, "The run was stopped.")


def test_a_command_that_cannot_be_split_names_its_option(lay: Lay, sandbox: Sandbox) -> None:
    with pytest.raises(Misconfigured, match=r"`commands.own.run` cannot be split"):
        Command("own", CommandCheck(run="a 'b")).run(lay({}), sandbox, Settings())
    gone = Command("own", CommandCheck(run="true")).run(lay({}, directory="gone"), sandbox, Settings())
    assert (gone.status, gone.reason) == (
        Status.BROKEN,
        "There is no folder `gone` in this tree; `directory` names it.",
    )
