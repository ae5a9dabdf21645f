"""Lint findings of ruff: our own binary, the project's configuration where it has one, an explicit list of files.

Ruff runs no code of the target; it still runs in the sandbox, because the files it parses and the configuration it
follows (`extend`, `src`) are the target's.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from greenloop.checks import files, programs, text
from greenloop.domain import CheckResult, Finding, Severity, Status
from greenloop.ports import Completed, Policy, Sandbox, Subject
from greenloop.settings import Settings

NAME = "ruff"
WRITES = False

# What ruff stood for over many versions, and likely bugs; written out, because the defaults change with ruff's version
DEFAULTS = ("--select", "E4,E7,E9,F,B")
_SYNTAX = "py313"  # without a declared version, the newest that every supported ruff knows: never a false syntax error
_REQUIRES = re.compile(rb"""^\s*requires-python\s*=\s*["'][^"'\n]*?(?:>=|~=|==)\s*3\.(\d{1,2})""", re.MULTILINE)
_CHUNK = 100_000  # bytes of file names in one command line
# All answers for one start of the sandbox: which files the configuration leaves in, what there is to say of them, and
# what there would be without the comments that silence it
_BOTH = """\
ruff=$1 out=$2; shift 2
"$ruff" check --show-files "$@" >"$out/shown" 2>/dev/null
"$ruff" check --no-fix --ignore-noqa --output-format json-lines --output-file "$out/all" "$@" >/dev/null 2>&1
exec "$ruff" check --no-fix --output-format json-lines --output-file "$out/found" "$@"
"""


def binary() -> Path:
    """Greenloop's own ruff, never the target's."""
    beside = Path(sys.executable).parent / "ruff"
    if beside.exists():
        return beside
    return Path(import_module("ruff").find_ruff_bin())  # where the scripts lie elsewhere


def options(folder: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The project's configuration where there is one, else rules of our choice, isolated. Exclusions always hold.

    With a configuration ruff cannot be isolated: it takes either, and each folder may have one of its own. Then what
    leads to it is the base's, see `protect` and `leading`.
    """
    common = ("--no-cache", "--no-respect-gitignore")
    if configured(folder, paths):
        return (*common, "--force-exclude")
    return (*common, "--isolated", *DEFAULTS, "--target-version", _version(folder))


def _version(folder: Path) -> str:
    """The oldest Python that the project says it runs on; ruff's own reading of that is off when it is isolated."""
    manifest = files.read(folder, "pyproject.toml") or b""
    found = _REQUIRES.search(manifest)
    return f"py3{min(max(int(found[1]), 7), 13)}" if found else _SYNTAX


def configured(folder: Path, paths: Iterable[str]) -> bool:
    """Whether a configuration of ruff stands beside or above any of the files, inside the repository."""
    places = {parent.as_posix() for path in paths for parent in Path(path).parents}
    for place in places:
        if any((folder / place / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
            return True
        manifest = files.read(folder, f"{place}/pyproject.toml".removeprefix("./")) or b""
        if re.search(rb"^\s*\[\s*tool\s*\.\s*ruff\b", manifest, re.MULTILINE):
            return True
    return False


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
    began = time.monotonic()
    paths = files.python_files(subject)
    findings: list[Finding] = []
    excluded: list[str] = []
    for chunk in chunks(paths):
        answer = _ask(subject, chunk, sandbox, settings)
        if isinstance(answer, CheckResult):
            return answer
        found, shown, silenced = answer
        findings += _findings(found, subject.folder)
        findings += _silenced(silenced, found, subject)
        excluded += [p for p in chunk if p not in shown]
    findings += [_excluded(p) for p in excluded if p in subject.changed]
    return CheckResult(
        check=NAME,
        status=Status.FAILED if any(f.severity is not Severity.NOTE for f in findings) else Status.PASSED,
        findings=text.capped(tuple(findings), limit=limit_for(subject), check=NAME),
        metrics={"files": float(len(paths) - len(excluded)), "excluded": float(len(excluded))},
        seconds=time.monotonic() - began,
    )


def limit_for(subject: Subject) -> int:
    return text.FINDINGS if subject.changed else text.YARDSTICK


def chunks(paths: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths in as few command lines as they fit in."""
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path.encode()) > _CHUNK:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(path)
        size += len(path.encode(errors="surrogateescape")) + 1
    if batch:
        yield tuple(batch)


def _ask(
    subject: Subject, paths: tuple[str, ...], sandbox: Sandbox, settings: Settings
) -> tuple[list[Mapping[str, Any]], frozenset[str], list[Mapping[str, Any]]] | CheckResult:
    with tempfile.TemporaryDirectory(prefix="greenloop-ruff-") as made:
        out, ours = Path(made), binary()
        shown, found, everything = out / "shown", out / "found", out / "all"
        given = Policy(
            readable=(subject.folder, ours),
            writable=(out,),
            seconds=min(settings.test_timeout, 300),
            memory=settings.memory,
            processes=64,
            artifacts=(shown, found, everything),
        )
        argv = ("sh", "-c", _BOTH, "sh", str(ours), str(out), *options(subject.folder, paths), "--", *paths)
        done = sandbox.run(argv, cwd=subject.folder, policy=given)
    lines = parsed(done.artifacts.get(found, b""))
    if done.killed_by or done.exit_code not in {0, 1} or lines is None or found not in done.artifacts:
        return _broken(done, given)
    root = f"{subject.folder.resolve()}/"
    names = done.artifacts.get(shown, b"").decode("utf-8", "replace").splitlines()
    left_in = frozenset(n.removeprefix(root).removeprefix(f"{subject.folder}/") for n in names)
    return lines, left_in, parsed(done.artifacts.get(everything, b"")) or []


def parsed(raw: bytes) -> list[Mapping[str, Any]] | None:
    """None when a line is not what ruff writes: an answer that was cut off must not look like a short one."""
    try:
        lines = [json.loads(line) for line in raw.splitlines()]
    except (ValueError, RecursionError):
        return None
    return lines if all(isinstance(line, dict) for line in lines) else None


def _broken(done: Completed, given: Policy) -> CheckResult:
    words = text.tail(done.stderr or done.stdout)
    why = programs.limit_words(done, given) if done.killed_by else text.first_line(_cause(words)) or "it said nothing"
    return CheckResult(
        check=NAME,
        status=Status.BROKEN,
        output=words,
        seconds=done.seconds,
        reason=f"ruff could not check the files: {why} (exit code {done.exit_code}).",
    )


def _cause(words: str) -> str:
    """The line that says why, of "ruff failed / Cause: …"."""
    return next((line.partition("Cause:")[2] for line in words.splitlines() if "Cause:" in line), words)


def _findings(found: list[Mapping[str, Any]], folder: Path) -> Iterator[Finding]:
    texts: dict[str, list[str]] = {}
    for one in found:
        path = relative(str(one.get("filename") or ""), folder)
        given = (one.get("location") or {}).get("row")
        row = given if isinstance(given, int) else 0
        if path not in texts:
            texts[path] = files.lines_of(folder, path)
        yield Finding(
            check=NAME,
            rule=str(one.get("code") or one.get("name") or "invalid-syntax"),
            message=text.clean(str(one.get("message") or "")),
            path=path,
            line=row or None,
            context=texts[path][row - 1].strip()[:500] if 0 < row <= len(texts[path]) else "",
        )


def _silenced(
    everything: list[Mapping[str, Any]], found: list[Mapping[str, Any]], subject: Subject
) -> Iterator[Finding]:
    """What a comment on an added line keeps back. A line that the base has as well is the repository's own decision."""
    said = [(f.path, f.line, f.rule) for f in _findings(found, subject.folder)]
    for finding in _findings(everything, subject.folder) if len(everything) > len(found) else ():
        added = finding.line in subject.lines.get(finding.path or "", frozenset())
        if added and (finding.path, finding.line, finding.rule) not in said and not before(subject, finding):
            yield replace(finding, message=f"{finding.message} (a comment silences it)")


def before(subject: Subject, finding: Finding) -> bool:
    """Whether the base's file has the line that a finding is about."""
    text = (subject.before(finding.path or "") or b"").decode("utf-8", "replace")
    return bool(finding.context) and finding.context in {line.strip()[:500] for line in text.splitlines()}


def relative(path: str, folder: Path) -> str:
    """A path as the repository knows it."""
    for root in (f"{folder}/", f"{folder.resolve()}/"):
        if path.startswith(root):
            return path[len(root) :]
    return path.removeprefix("./")


def _excluded(path: str) -> Finding:
    return Finding(
        check=NAME,
        rule="excluded",
        message="Not checked: the project's own configuration of ruff leaves this file out.",
        path=path,
        severity=Severity.NOTE,
    )
