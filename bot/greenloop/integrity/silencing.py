"""Silencing of checks on the lines that an attempt adds: `# noqa`, `# nosec`, skips, early exits.

Reads lines, not programs; `lines.py` has emptied the texts of Python on them. A skip of a new test is a note: it
keeps nothing from deciding that decided before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from greenloop.domain import Finding, Severity
from greenloop.integrity.lines import without_texts
from greenloop.patterns import matches
from greenloop.settings import Settings
from greenloop.verdict.protected_names import is_test

_EVERYWHERE = (
    ("noqa", re.compile(r"#\s*(?:ruff:\s*|flake8[:=]\s*)?noqa\b", re.IGNORECASE), Severity.ERROR),
    ("nosec", re.compile(r"#\s*nosec\b", re.IGNORECASE), Severity.ERROR),
    ("type-ignore", re.compile(r"#\s*(?:type|ty|pyright|mypy):\s*ignore", re.IGNORECASE), Severity.NOTE),
    (
        "lint-off",
        re.compile(r"(?://|/\*)\s*(?:eslint-disable|nolint|@ts-(?:ignore|nocheck)|biome-ignore)"),
        Severity.ERROR,
    ),
    ("lint-off", re.compile(r"#\s*(?:pylint:\s*disable|ruff:\s*(?:disable|ignore))"), Severity.ERROR),
)
_IN_TESTS = (
    ("skip", re.compile(r"\bpytest\s*\.\s*(?:mark\s*\.\s*)?(?:skip\w*|xfail|importorskip)\b"), Severity.ERROR),
    ("skip", re.compile(r"\bmark\s*\.\s*(?:skip|skipif|xfail)\b"), Severity.ERROR),
    ("skip", re.compile(r"\bunittest\s*\.\s*(?:skip\w*|expectedFailure)|\bskipTest\b|\bSkipTest\b"), Severity.ERROR),
    ("skip", re.compile(r"^\s*@(?:skip|skipIf|skipUnless|expectedFailure|xfail)\b"), Severity.ERROR),
    ("skip", re.compile(r"\b(?:x(?:it|describe|test)|(?:it|describe|test)\.(?:skip|only|todo))\s*\("), Severity.ERROR),
    ("skip", re.compile(r"\bt\.Skip(?:Now|f)?\("), Severity.ERROR),
    ("skip", re.compile(r"\b(?:collect_ignore\w*|__test__)\s*="), Severity.ERROR),
    (
        "exit",
        re.compile(r"\b(?:sys\s*\.\s*exit|os\s*\.\s*_exit|os\s*\.\s*abort|pytest\s*\.\s*exit)\s*\("),
        Severity.ERROR,
    ),
)
_TOKENIZED = (".py", ".pyw", ".pyi")
_SAYS = {
    "noqa": "silences the linter; mend what it says instead",
    "nosec": "silences the security scan; mend what it says instead",
    "type-ignore": "silences the type checker; mend what it says instead",
    "lint-off": "silences the linter; mend what it says instead",
    "skip": "keeps a test from deciding; make it pass instead",
    "exit": "ends the test run before the tests can decide",
}


def weakening(
    path: str,
    added: Iterable[tuple[int, str, str]],
    settings: Settings | None = None,
    *,
    fresh: frozenset[int] = frozenset(),
) -> tuple[Finding, ...]:
    """One finding for each way in which an added line silences a check; none where `settings.allow` matches. A line is
    its number, what is looked at, and what is shown; `fresh` are the lines of tests that were not there before."""
    if settings is not None and settings.allow and matches(path, settings.allow):
        return ()
    rules = (*_EVERYWHERE, *(_IN_TESTS if is_test(path) else ()))
    found: dict[tuple[str, int], Finding] = {}
    for number, line, shown in added:
        code = line[:2000] if path.endswith(_TOKENIZED) else without_texts(line)
        for rule, pattern, severity in rules:
            if (rule, number) not in found and pattern.search(code):
                found[rule, number] = Finding(
                    check="integrity",
                    rule=rule,
                    message=f"This added line {_SAYS[rule]}.",
                    path=path,
                    line=number,
                    severity=Severity.NOTE if rule == "skip" and number in fresh else severity,
                    context=shown.strip()[:500],
                )
    return tuple(found.values())
