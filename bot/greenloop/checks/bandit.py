"""Security findings of bandit, run from our own environment on an explicit list of files.

Low severity is reported and never decides. A file that bandit could not read or parse is a finding: unseen is not safe.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from greenloop.checks import files, programs, ruff, text
from greenloop.domain import CheckResult, Finding, Severity, Status
from greenloop.ports import Completed, Policy, Sandbox, Subject
from greenloop.settings import Settings

NAME = "bandit"
WRITES = False

_SEVERITY = {"LOW": Severity.NOTE, "MEDIUM": Severity.WARNING, "HIGH": Severity.ERROR}
_ASSERT = "B101"  # what tests are made of
_OPTIONS = ("-q", "--exit-zero", "--ignore-nosec", "-f", "json")
_NOSEC = re.compile(r"#\s*nosec\b:?([^#]*)", re.IGNORECASE)
_ID = re.compile(r"b\d{3}|[a-z]+(?:_[a-z]+)+")  # a test of bandit by its number or name; other words are a reason


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
    began = time.monotonic()
    paths = files.python_files(subject)
    findings: list[Finding] = []
    for chunk in ruff.chunks(paths):
        answer = _ask(subject, chunk, sandbox, settings)
        if isinstance(answer, CheckResult):
            return answer
        findings += _findings(answer, subject, chunk)
    findings += [_unchecked(p, "it is a link", Severity.ERROR) for p in subject.changed if _hides(subject.folder, p)]
    return CheckResult(
        check=NAME,
        status=Status.FAILED if any(f.severity is not Severity.NOTE for f in findings) else Status.PASSED,
        findings=text.capped(tuple(findings), limit=ruff.limit_for(subject), check=NAME),
        metrics={"files": float(len(paths))},
        seconds=time.monotonic() - began,
    )


def _ask(
    subject: Subject, paths: tuple[str, ...], sandbox: Sandbox, settings: Settings
) -> Mapping[str, Any] | CheckResult:
    with tempfile.TemporaryDirectory(prefix="greenloop-bandit-") as made:
        out = Path(made)
        found = out / "found.json"
        given = Policy(
            readable=(subject.folder, Path(sys.prefix), Path(sys.base_prefix)),
            writable=(out,),
            environment={"PYTHONDONTWRITEBYTECODE": "1"},
            seconds=min(settings.test_timeout, 600),
            memory=settings.memory,
            processes=16,
            artifacts=(found,),
        )
        argv = (sys.executable, "-I", "-m", "bandit", *_OPTIONS, "-o", str(found))
        listed = (str(subject.folder / p) for p in paths)
        done = sandbox.run((*argv, *_configuration(subject.folder), *listed), cwd=out, policy=given)
    try:
        answer = json.loads(done.artifacts.get(found, b""))
    except (ValueError, RecursionError):
        answer = None
    if done.killed_by or done.exit_code != 0 or not isinstance(answer, dict):
        return _broken(done, given)
    return answer


def _configuration(folder: Path) -> tuple[str, ...]:
    """The project's own `[tool.bandit]` or `.bandit`; excluded paths do not hold for files that are named."""
    manifest = files.read(folder, "pyproject.toml") or b""
    if re.search(rb"^\s*\[\s*tool\s*\.\s*bandit\b", manifest, re.MULTILINE):
        return ("-c", str(folder / "pyproject.toml"))
    return ("--ini", str(folder / ".bandit")) if files.read(folder, ".bandit") is not None else ()


def _broken(done: Completed, given: Policy) -> CheckResult:
    words = text.tail(done.stderr or done.stdout)
    last = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "it said nothing")
    why = programs.limit_words(done, given) if done.killed_by else last[:500]
    return CheckResult(
        check=NAME,
        status=Status.BROKEN,
        output=words,
        seconds=done.seconds,
        reason=f"bandit could not check the files: {why} (exit code {done.exit_code}).",
    )


def _findings(answer: Mapping[str, Any], subject: Subject, paths: tuple[str, ...]) -> list[Finding]:
    folder = subject.folder
    told = [(one, _finding(one, folder)) for one in answer.get("results") or () if isinstance(one, dict)]
    found = [finding for one, finding in told if not _excused(one, finding, subject)]
    unread = {
        ruff.relative(str(one.get("filename")), folder): str(one.get("reason"))
        for one in answer.get("errors") or ()
        if isinstance(one, dict)
    }
    kept = [f for f in found if not (f.rule == _ASSERT and files.is_test(f.path or ""))]
    seen = {ruff.relative(str(name), folder) for name in answer.get("metrics") or ()} | set(unread)
    severity = Severity.NOTE if _configuration(folder) else Severity.ERROR
    left_out = [_unchecked(p, "bandit's configuration leaves it out", severity) for p in paths if p not in seen]
    return kept + [_unchecked(p, reason, Severity.ERROR) for p, reason in sorted(unread.items())] + left_out


def _excused(one: Mapping[str, Any], finding: Finding, subject: Subject) -> bool:
    """Whether a `# nosec` speaks for it that the repository had before; one on an added line is not listened to."""
    path, rows = finding.path or "", one.get("line_range")
    lines = files.lines_of(subject.folder, path)
    for row in rows if isinstance(rows, list) else ():
        comment = _NOSEC.search(lines[row - 1]) if isinstance(row, int) and 0 < row <= len(lines) else None
        if comment is None:
            continue
        named = {word.lower() for word in re.split(r"[\s,]+", comment[1]) if word}
        meant = not any(_ID.fullmatch(word) for word in named) or bool(
            named & {finding.rule.lower(), str(one.get("test_name")).lower()}
        )
        here = replace(finding, context=lines[row - 1].strip()[:500])
        if meant and (row not in subject.lines.get(path, frozenset()) or ruff.before(subject, here)):
            return True
    return False


def _hides(folder: Path, path: str) -> bool:
    """Python that no check reads: a link by the name of a module to something that has another name."""
    link = folder / path
    if not (path.endswith((".py", ".pyw")) and link.is_symlink()):
        return False
    target = link.resolve()
    return not (target.is_relative_to(folder.resolve()) and target.name.endswith((".py", ".pyw")))


def _finding(one: Mapping[str, Any], folder: Path) -> Finding:
    path = ruff.relative(str(one.get("filename") or ""), folder)
    row = one.get("line_number")
    lines = files.lines_of(folder, path)
    return Finding(
        check=NAME,
        rule=str(one.get("test_id") or ""),
        message=text.clean(str(one.get("issue_text") or "")),
        path=path,
        line=row if isinstance(row, int) else None,
        severity=_SEVERITY.get(str(one.get("issue_severity")), Severity.ERROR),
        context=lines[row - 1].strip()[:500] if isinstance(row, int) and 1 <= row <= len(lines) else "",
    )


def _unchecked(path: str, reason: str, severity: Severity) -> Finding:
    return Finding(
        check=NAME,
        rule="unchecked",
        message=text.clean(f"Not checked for security: {reason}."),
        path=path,
        severity=severity,
    )
