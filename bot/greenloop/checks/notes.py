"""What a reader has to know of a run of the tests, though it decides nothing: what was left out, or not checked."""

from __future__ import annotations

from collections.abc import Iterator

from greenloop.checks import cases, text
from greenloop.domain import Finding, Severity, TestCase


def of(tests: tuple[TestCase, ...], withheld: tuple[str, ...], *, check: str) -> Iterator[Finding]:
    for name in withheld:
        what = f"A new dependency brings the plug-in {text.clean(name, 100)}; the existing tests ran without it."
        yield Finding(check=check, rule="plugin-withheld", message=what, severity=Severity.NOTE, context=name)
    ids = [test.id for test in tests if test.error == cases.OFFLINE]
    if ids:  # not checked is not passed, and says nothing about the code
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        what = (
            f"Not checked here, for want of a socket: {', '.join(ids[:3])}{more}. `greenloop doctor` says what helps."
        )
        yield Finding(check=check, rule="not-checked", message=text.clean(what, 600), severity=Severity.NOTE)
