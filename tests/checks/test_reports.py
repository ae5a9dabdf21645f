"""JUnit XML of several tools and SARIF: what is read of them, and what they may not do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenloop.checks import junit, sarif
from greenloop.domain import Cause, Finding, Severity, TestCase
from greenloop.ports import Subject

Lay = Callable[..., Subject]


def read(xml: str, folder: Path = Path("/nonexistent"), directory: str = "") -> tuple[TestCase, ...]:
    return junit.read(xml.encode(), check="own", folder=folder, directory=directory)[0]


JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="0.9">
  <testsuite name="sum" errors="0" failures="1" skipped="0" timestamp="2026-01-01T00:00:00" time="0.5" tests="2">
    <testcase classname="sum adds" name="sum adds" time="0.003" file="src/sum.test.js"/>
    <testcase classname="sum carries" name="sum carries" time="0.001" file="src/sum.test.js">
      <failure>Error: expect(received).toBe(expected)\x1b[31m // Object.is equality</failure>
    </testcase>
  </testsuite>
</testsuites>"""
GO = """<testsuites tests="2" failures="1">
  <testsuite name="example.org/pkg" tests="2" failures="1" errors="0">
    <testcase name="TestA" classname="example.org/pkg" time="0.010"></testcase>
    <testcase name="TestB" classname="example.org/pkg" time="0.000">
      <failure message="Failed">b_test.go:7: got 1, want 2</failure>
    </testcase>
  </testsuite>
</testsuites>"""
SUREFIRE = """<testsuite name="com.example.AppTest" time="0.05" tests="3" errors="1" skipped="1" failures="0">
  <testcase name="works" classname="com.example.AppTest" time="0.01"/>
  <testcase name="later" classname="com.example.AppTest"><skipped message="not yet"/></testcase>
  <testcase name="breaks" classname="com.example.AppTest" time="0">
    <error message="boom" type="java.lang.IllegalStateException">java.lang.IllegalStateException: boom
  at com.example.App.run(App.java:9)</error>
    <system-out>started</system-out>
  </testcase>
</testsuite>"""
NEXTEST = """<testsuites name="nextest-run" tests="1" failures="1" errors="0">
  <testsuite name="krate" tests="1" disabled="0" errors="0" failures="1">
    <testcase name="tests::adds" classname="krate" time="0.004">
      <failure message="thread panicked" type="test failure">assertion `left == right` failed</failure>
      <system-err>left: 1</system-err>
    </testcase>
  </testsuite>
</testsuites>"""
PYTEST = """<testsuites><testsuite name="pytest" file="t.py">
  <testcase classname="t" name="a" line="4"/><testcase classname="t" name="a" file="./sub/../u.py" line="x"/>
  <testcase name="alone" file="/etc/passwd"/><testcase classname="t" name="up" file="../../x.py" time="1e999"/>
</testsuite></testsuites>"""


def test_the_dialects_of_five_tools() -> None:
    def short(xml: str, directory: str = "") -> list[tuple[Any, ...]]:
        return [(t.id, t.outcome, t.cause, t.path, t.seconds) for t in read(xml, directory=directory)]

    assert short(JEST, "web") == [
        ("sum adds::sum adds", "passed", None, "web/src/sum.test.js", 0.003),
        ("sum carries::sum carries", "failed", Cause.ASSERTION, "web/src/sum.test.js", 0.001),
    ]
    assert short(GO) == [
        ("example.org/pkg::TestA", "passed", None, "", 0.01),
        ("example.org/pkg::TestB", "failed", Cause.OTHER, "", 0.0),
    ]
    assert short(SUREFIRE) == [
        ("com.example.AppTest::works", "passed", None, "", 0.01),
        ("com.example.AppTest::later", "skipped", None, "", 0.0),
        ("com.example.AppTest::breaks", "error", Cause.OTHER, "", 0.0),
    ]
    assert short(NEXTEST) == [("krate::tests::adds", "failed", Cause.ASSERTION, "", 0.004)]
    assert short(PYTEST) == [
        ("t::a", "passed", None, "t.py", 0.0),
        ("t::a #2", "passed", None, "u.py", 0.0),
        ("pytest::alone", "passed", None, "", 0.0),
        ("t::up", "passed", None, "", 0.0),
    ]


def test_a_red_case_tells_what_the_report_tells() -> None:
    [_, _, breaks] = read(SUREFIRE)
    assert breaks == TestCase(
        id="com.example.AppTest::breaks",
        outcome="error",
        cause=Cause.OTHER,
        error="java.lang.IllegalStateException",
        message="java.lang.IllegalStateException: boom\n  at com.example.App.run(App.java:9)",
        output="started",
    )
    assert read(GO)[1].message == "Failed\nb_test.go:7: got 1, want 2"
    assert read(JEST)[1].message.startswith("Error: expect(received).toBe(expected) //")
    assert read(PYTEST)[0].line == 4


def test_what_a_suite_counts_and_does_not_show_is_a_finding() -> None:
    xml = b'<testsuites><testsuite errors="2" failures="1"/><testsuite failures="x"/></testsuites>'
    tests, findings = junit.read(xml, check="own", folder=Path("/nonexistent"), directory="")
    message = "The report counts 3 failures and errors, and names 0 of them."
    assert (tests, findings) == ((), (Finding(check="own", rule="unnamed", message=message),))
    _, named = junit.read(GO.encode(), check="own", folder=Path("/nonexistent"), directory="")
    assert [f.context for f in named] == ["example.org/pkg::TestB"]


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<html/>",
        "<testsuite>",
        '<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>',
        '<?xml version="1.0" encoding="nonsense"?><testsuite/>',
    ],
)
def test_what_is_no_junit_is_refused(xml: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(xml)


def test_deep_nesting_is_read_without_recursion() -> None:
    xml = "<testsuite name='s'>" * 3000 + "<testcase name='deep'/>" + "</testsuite>" * 3000
    assert [t.id for t in read(xml)] == ["s::deep"]


def log(*results: dict[str, Any], rules: tuple[dict[str, Any], ...] = (), **run: Any) -> bytes:
    driver = {"name": "tool", "rules": list(rules)}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}).encode()


def at(uri: str, line: int | None = None, snippet: str = "") -> list[dict[str, Any]]:
    region = {"startLine": line, "snippet": {"text": snippet}} if line else {}
    return [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}]


def test_sarif_results_become_findings(lay: Lay) -> None:
    folder = lay({"pkg/a b.js": "let a;\nlet b;\n", "top.js": "x\n"}).folder
    rules = (
        {"id": "R0", "defaultConfiguration": {"level": "note"}},
        {"id": "R1", "messageStrings": {"m": {"text": "{0} beats {1}"}}, "defaultConfiguration": {"level": "error"}},
    )
    raw = log(
        {"ruleId": "R0", "message": {"text": "a"}, "locations": at("a%20b.js", 2)},
        {"ruleIndex": 1, "message": {"id": "m", "arguments": ["x", "y"]}, "locations": at("top.js", 9, "\n gone ")},
        {
            "rule": {"id": "R1"},
            "level": "warning",
            "message": {"text": "c"},
            "locations": at(f"file://{folder}/top.js"),
        },
        {"ruleId": "R9", "message": {"text": "d"}, "locations": at("../../etc/passwd", 1)},
        {"message": {"text": "e"}, "locations": at("file:///etc/passwd", 1)},
        {"ruleId": "no", "kind": "pass", "message": {"text": "fine"}},
        {"ruleId": "no", "baselineState": "absent", "message": {"text": "gone"}},
        {"ruleId": "no", "suppressions": [{"kind": "inSource"}], "message": {"text": "quiet"}},
        {"ruleId": "R2", "suppressions": [{"status": "rejected"}], "level": "none", "message": {"text": "f"}},
        rules=rules,
    )

    def finding(rule: str, message: str, **given: Any) -> Finding:
        return Finding(check="own", rule=rule, message=message, **given)

    tests, findings = sarif.read(raw, check="own", folder=folder, directory="pkg")
    assert tests == ()
    assert findings == (
        finding("R0", "a", path="pkg/a b.js", line=2, severity=Severity.NOTE, context="let b;"),
        finding("R1", "x beats y", path="top.js", line=9, severity=Severity.ERROR, context="gone"),
        finding("R1", "c", path="top.js", severity=Severity.WARNING),
        finding("R9", "d", line=1, severity=Severity.WARNING),
        finding("result", "e", line=1, severity=Severity.WARNING),
        finding("R2", "f", severity=Severity.NOTE),
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"version": "2.0.0", "runs": []}',
        b'{"version": "2.1.0"}',
        b'{"version": "2.1.0", "runs": [1]}',
        b'{"version": "2.1.0", "runs": [{}]}',
        b"[" * 100_000,
        log(invocations=[{"executionSuccessful": False}]),
    ],
)
def test_what_is_no_complete_sarif_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sarif.read(raw, check="own", folder=Path("/nonexistent"), directory="")


def test_reports_of_the_wrong_shape_are_harmless() -> None:
    raw = log({"ruleId": ["x"], "message": "text", "locations": [{"physicalLocation": []}, 3], "level": {}}, 7)  # type: ignore[arg-type]
    [finding] = sarif.read(raw, check="own", folder=Path("/nonexistent"), directory="")[1]
    assert (finding.rule, finding.message, finding.path, finding.severity) == ("['x']", "", None, Severity.WARNING)
