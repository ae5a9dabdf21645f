"""What decides is made a second time, on the same tree: red and green there is chance, and does not count.

A new failure: what failed on the base as well has failed twice already; a test that the attempt itself wrote has no
such excuse. A proof: a test that was red on the base must be red there again. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from greenloop.domain import Cause, CheckResult, Finding, Report, Severity, Status, TestCase, Verdict
from greenloop.verdict.findings import decides
from greenloop.verdict.tally import GOOD, covering, described, file_of, table

RULE = "flaky"

Tests = tuple[tuple[str, TestCase], ...]  # with the name of the check


def suspects(report: Report, verdict: Verdict, own: frozenset[str]) -> Tests:
    """The tests that are red now, were not on the base, and decide; not those in the files `own`, nor what kept tests
    from being run at all."""
    new = {(finding.check, finding.rule) for finding in verdict.new if decides(finding)}
    red = ((key[0], test) for key, test in table(report).items() if test.red and key in new)
    return tuple((check, test) for check, test in red if file_of(test) not in own and _is_one(check, test))


def _is_one(check: str, test: TestCase) -> bool:
    """A test, and not a file of them or a build that failed."""
    return "::" in test.id if check == "pytest" else test.cause is not Cause.BUILD


def without(report: Report, again: Report, suspected: Tests) -> tuple[Report, tuple[Finding, ...]]:
    """`report` with what passed in the second run `again`, and a note of each such test."""
    second = table(again)
    passed = {
        (check, test.id): other
        for check, test in suspected
        if (other := second.get((check, test.id))) and other.outcome in GOOD
    }
    if not passed:
        return report, ()
    results = tuple(_with(r, {i: t for (check, i), t in passed.items() if check == r.check}) for r in report.results)
    told = tuple(_note(check, test) for check, test in suspected if (check, test.id) in passed)
    return replace(report, results=results), told


def _with(result: CheckResult, passed: dict[str, TestCase]) -> CheckResult:
    tests = tuple(passed.get(test.id, test) for test in result.tests)
    findings = tuple(f for f in result.findings if not {f.rule, f.context} & passed.keys())
    green = result.status is Status.FAILED and not findings and not any(test.red for test in tests)
    return replace(result, tests=tests, findings=findings, status=Status.PASSED if green else result.status)


def _note(check: str, test: TestCase) -> Finding:
    first = test.message.strip().split("\n", 1)[0][:120]
    return _told(check, test, f"failed and passed on the same tree, so it is flaky and does not count: {first}")


def _told(check: str, test: TestCase, what: str) -> Finding:
    return replace(described(check, test, what, severity=Severity.NOTE), rule=RULE)


def proving(report: Report, proof: Iterable[str]) -> Tests:
    """The tests that a verdict calls a proof, each with its check."""
    ids = frozenset(proof)
    return tuple((check, test) for (check, _), test in table(report).items() if test.id in ids)


def unconfirmed(proofs: Tests, again: Report) -> Tests:
    """Those that the second run on the base does not show to be red there; what was not run shows nothing."""
    second = table(again)
    return tuple((check, test) for check, test in proofs if covering(second, (check, test.id)) is None)


def doubt(check: str, test: TestCase) -> Finding:
    """What a reader is told of such a test."""
    return _told(check, test, "was red on the base only once of two times: that it passes now proves nothing.")
