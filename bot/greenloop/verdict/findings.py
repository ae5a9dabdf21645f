"""Findings beside the baseline's, as multisets by fingerprint. Tests are compared in `tally.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from greenloop.domain import Finding, Report, Severity, Status, TestCase

EXIT = "exit"  # rule of what a check says that tells nothing but its exit code


def decides(finding: Finding) -> bool:
    return finding.severity is not Severity.NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    old: tuple[Finding, ...]


def _identity(finding: Finding) -> tuple[str, bool]:
    """A note on the base does not excuse the same thing as an error now."""
    return finding.fingerprint, decides(finding)


def lint_beside(baseline: Report, report: Report, own: Report | None) -> Lint:
    """Findings beyond the baseline's, as multisets: the second of two equal lines is new when the base had one."""
    left = Counter(map(_identity, baseline.findings))
    new, old = _beyond(_plain(report), left)
    if own is not None:
        either = Counter(map(_identity, baseline.findings)) | Counter(map(_identity, report.findings))
        new += _beyond(_plain(own), either)[0]
    made = {r.check for r in report.results if r.status in {Status.PASSED, Status.FAILED}}
    fixed: list[Finding] = []
    for finding in _plain(baseline):
        if left[_identity(finding)] and finding.check in made:
            left[_identity(finding)] -= 1
            fixed.append(finding)
    return Lint(new=tuple(new), fixed=tuple(fixed), old=tuple(old))


def _beyond(found: Iterable[Finding], left: Counter[tuple[str, bool]]) -> tuple[list[Finding], list[Finding]]:
    new: list[Finding] = []
    old: list[Finding] = []
    for finding in found:
        known = left[_identity(finding)] > 0
        left[_identity(finding)] -= known
        (old if known else new).append(finding)
    return new, old


def _plain(report: Report) -> list[Finding]:
    """All findings but those that retell a red test, which is counted as a test."""
    return [f for r in report.results for f in r.findings if not any(_retells(f, t) for t in r.tests if t.red)]


def _retells(finding: Finding, test: TestCase) -> bool:
    return test.id in {finding.rule, finding.context}
