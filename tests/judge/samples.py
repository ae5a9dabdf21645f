"""Reports in few words, for the tests of the judge."""

from __future__ import annotations

from greenloop.domain import Cause, CheckResult, Finding, Frame, Report, Severity, Status, TestCase

T = "tests/test_a.py::test_x"
OWN = "tests/test_new.py::test_own"


def case(outcome: str, name: str = T, cause: Cause | None = None, **fields: object) -> TestCase:
    red = outcome in {"failed", "error"}
    known: dict[str, object] = {
        "id": name,
        "outcome": outcome,
        "path": name.partition("::")[0],
        "cause": cause or (Cause.ASSERTION if red else None),
        "error": "AssertionError" if red else "",
        "message": "assert 1 == 2" if red else "",
    }
    return TestCase(**{**known, **fields})  # type: ignore[arg-type]


def suite(*cases: TestCase, findings: tuple[Finding, ...] = (), status: Status | None = None) -> CheckResult:
    failed = any(c.red for c in cases) or any(f.severity is not Severity.NOTE for f in findings)
    found = status or (Status.FAILED if failed else Status.PASSED)
    return CheckResult(check="pytest", status=found, tests=cases, findings=findings)


def lint(*findings: Finding, status: Status | None = None, reason: str = "") -> CheckResult:
    failed = any(f.severity is not Severity.NOTE for f in findings)
    found = status or (Status.FAILED if failed else Status.PASSED)
    return CheckResult(check="ruff", status=found, findings=findings, reason=reason)


def report(*results: CheckResult) -> Report:
    return Report(results=results)


def ran(*cases: TestCase) -> Report:
    return report(lint(), suite(*cases))


def finding(rule: str = "F401", line: int | None = 1, context: str = "import os", **fields: object) -> Finding:
    known: dict[str, object] = {
        "check": "ruff",
        "rule": rule,
        "message": f"{rule} here",
        "path": "a.py",
        "line": line,
        "context": context,
    }
    return Finding(**{**known, **fields})  # type: ignore[arg-type]


def frame(path: str, function: str, source: str, at: str, start: int = 1) -> Frame:
    """A frame in `function`, at the first line of `source` that holds `at`."""
    line = start + next(n for n, text in enumerate(source.splitlines()) if at in text)
    return Frame(path=path, line=line, function=function, source=source, source_start=start)
