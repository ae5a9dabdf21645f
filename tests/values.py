"""Values that many tests need, each with sensible fields."""

from __future__ import annotations

from greenloop.domain import (
    Attempt,
    Cause,
    CheckResult,
    Evidence,
    Finding,
    Outcome,
    Reason,
    Report,
    Request,
    Source,
    Status,
    TestCase,
    Tree,
    Usage,
    Verdict,
)

BASE = "a" * 40


def request(text: str = "add retry", **fields: object) -> Request:
    known: dict[str, object] = {
        "key": "0123456789ab",
        "at": "2026-11-21T10:00:00+00:00",
        "command": "generate",
        "text": text,
        "source": Source.TERMINAL,
        "repository": "repo",
        "actor": "Ada Tester <ada@example.org>",
        "base": BASE,
        "head": "greenloop/add-retry",
    }
    return Request(**{**known, **fields})  # type: ignore[arg-type]


def red(name: str, cause: Cause = Cause.ASSERTION, message: str = "assert 1 == 2") -> TestCase:
    path = name.partition("::")[0]
    return TestCase(id=name, outcome="failed", path=path, cause=cause, error="AssertionError", message=message)


def passed(name: str) -> TestCase:
    return TestCase(id=name, outcome="passed", path=name.partition("::")[0])


def report(*cases: TestCase, findings: tuple[Finding, ...] = ()) -> Report:
    status = Status.FAILED if any(c.red for c in cases) else Status.PASSED
    ruff = CheckResult(check="ruff", status=Status.FAILED if findings else Status.PASSED, findings=findings)
    return Report(results=(ruff, CheckResult(check="pytest", status=status, tests=cases)))


def attempt(number: int = 1, *, green: bool = True, summary: str = "retry on 503", score: float = 1.0) -> Attempt:
    proof = ("tests/test_a.py::test_retry",) if green else ()
    return Attempt(
        number=number,
        summary=summary,
        tree=Tree(str(number) * 40),
        report=report(passed("tests/test_a.py::test_retry") if green else red("tests/test_a.py::test_retry")),
        verdict=Verdict(
            green=green,
            evidence=Evidence.PROVEN if green else Evidence.UNPROVEN,
            proof=proof,
            why=() if green else ("1 test fails.",),
            score=(score, 0.0),
        ),
        usage=Usage(calls=1, input=812, output=90, cost=None),
        commit="c" * 40,
        seconds=1.5,
        model="scripted",
        paths=("uploader.py",),
    )


def outcome(*attempts: Attempt, reason: Reason = Reason.GREEN, **fields: object) -> Outcome:
    known: dict[str, object] = {
        "request": request(),
        "reason": reason,
        "attempts": attempts,
        "best": max(attempts, key=lambda a: a.verdict.score, default=None),
        "branch": "greenloop/add-retry",
        "tip": "c" * 40,
        "usage": Usage(calls=len(attempts), input=812, output=90, cost=None),
        "model": "scripted",
        "seconds": 3.0,
    }
    return Outcome(**{**known, **fields})  # type: ignore[arg-type]
