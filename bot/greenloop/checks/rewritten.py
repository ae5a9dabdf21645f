"""Whether code under test changed the tests themselves while it ran. Code that puts them back in time is not seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from greenloop.checks import files, text
from greenloop.domain import CheckResult, Finding, Status


def tests(folder: Path) -> Mapping[str, bytes]:
    """The modules of tests that lie there, by a hash of each."""
    paths = (path for path in files.walk(folder) if path.endswith(".py") and files.is_test(path))
    return {path: hashlib.sha256(files.read(folder, path) or b"").digest() for path in paths}


def told(result: CheckResult, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> CheckResult:
    """Tests that are others after the run than before it may have been others while it went on."""
    changed = [path for path, mark in before.items() if after.get(path) != mark]
    if not changed or result.status is Status.BROKEN:
        return result
    what = "was changed or removed while the tests ran"
    found = (
        Finding(check=result.check, rule="rewritten", message=f"{text.clean(p, 300)} {what}.", path=p, context=p)
        for p in sorted(changed)
    )
    findings = text.capped((*result.findings, *found), limit=text.YARDSTICK, check=result.check)
    return replace(result, status=Status.FAILED, findings=findings)
