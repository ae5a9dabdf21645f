"""Whether a change makes the checks themselves say less: the rules are in `greenloop.integrity`, pure and by text.

It runs nothing, of the target or otherwise, and looks at what changed only: a base has nothing to answer for.
"""

from __future__ import annotations

import time

from greenloop.checks import files, text
from greenloop.domain import CheckResult, Severity, Status
from greenloop.integrity import Side, examine
from greenloop.ports import Sandbox, Subject
from greenloop.settings import Settings

NAME = "integrity"
WRITES = False


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:  # noqa: ARG001 - a check's shape
    began = time.monotonic()
    findings = examine(_sides(subject), settings)
    return CheckResult(
        check=NAME,
        status=Status.FAILED if any(f.severity is not Severity.NOTE for f in findings) else Status.PASSED,
        findings=text.capped(findings, limit=text.FINDINGS, check=NAME),
        metrics={"files": float(len(subject.changed))},
        seconds=time.monotonic() - began,
    )


def _sides(subject: Subject) -> tuple[Side, ...]:
    there = tuple(
        Side(
            path=path,
            before=_decoded(subject.before(path)),
            after=_decoded(files.read(subject.folder, path)),
            added=subject.lines.get(path, frozenset()),
        )
        for path in subject.changed
    )
    gone = (
        Side(path=path, before=_decoded(subject.before(path)), after=None, added=frozenset())
        for path in subject.deleted
    )
    return (*there, *gone)


def _decoded(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")
