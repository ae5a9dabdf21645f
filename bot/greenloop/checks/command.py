"""A check that is any program of the repository's own, judged by JUnit XML, SARIF or its exit code.

The exit code always counts: a report without a failure does not make a program green that says it failed.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from greenloop.checks import files, jest, junit, printed, programs, sarif, text
from greenloop.domain import CheckResult, Finding, Severity, Status, TestCase
from greenloop.ports import Completed, Policy, Sandbox, Subject
from greenloop.setting_values import CommandCheck
from greenloop.settings import Settings
from greenloop.source.toolchains import Tests

_FORMATS = {"junit": junit.read, "sarif": sarif.read, "jest": jest.read}
_PRINTED = {"go": printed.go, "cargo": printed.cargo}  # on standard output
_WRITTEN = {"junit": "JUnit XML", "sarif": "SARIF 2.1.0", "jest": "report of Jest"}
_MOST_FILES = 2_000  # of one report


class Command:
    """One entry of `commands`, or tests that were found, as a check."""

    WRITES = True

    def __init__(self, name: str, spec: CommandCheck, tests: Tests | None = None) -> None:
        self.NAME = name
        self._spec = spec
        self._tests = tests

    def run(self, subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
        began = time.monotonic()
        result = self._made(_placed(subject, self._tests) if self._tests else subject, sandbox, settings)
        return replace(result, seconds=time.monotonic() - began)

    def _made(self, subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
        option = f"commands.{self.NAME}.run"
        variables, words = programs.words(self._spec.run, option=option)
        argv = programs.resolved(words, subject.environment)
        here = subject.folder / subject.directory
        report = programs.missing_directory(subject) or _report(self._spec, here, subject.folder)
        if isinstance(report, str):
            return CheckResult(check=self.NAME, status=Status.BROKEN, reason=report)
        several = report is not None and "*" in self._spec.report
        for old in _matching(here, self._spec.report, subject) if several else [report] if report else []:
            _cleared(old)
        given = programs.policy(
            subject,
            settings,
            program=argv[0],
            seconds=self._spec.timeout,
            environment=variables,
            artifacts=(report,) if report and not several else (),
        )
        raw = programs.confined(sandbox, argv, cwd=here, given=given)
        said = self._said(raw, report, here, subject)
        output = text.told(raw, subject.folder)
        return replace(
            self._ran(text.quoted(raw, subject.folder), given, argv, said=said, subject=subject), output=output
        )

    def _said(self, done: Completed, report: Path | None, here: Path, subject: Subject) -> tuple[bytes, ...]:
        """What is to be read: the report, all files of it, or what was printed."""
        if report is None:
            compiler = "\n".join(line for line in done.stderr.split("\n") if not line.startswith("{"))  # no event
            return (f"{done.stdout}\n{compiler}".encode("utf-8", "replace"),)
        if "*" not in self._spec.report:
            return tuple(filter(None, (done.artifacts.get(report),)))
        paths = (path.relative_to(subject.folder).as_posix() for path in _matching(here, self._spec.report, subject))
        return tuple(filter(None, (files.read(subject.folder, path) for path in paths)))

    def _ran(
        self, done: Completed, given: Policy, argv: tuple[str, ...], *, said: tuple[bytes, ...], subject: Subject
    ) -> CheckResult:
        if reason := programs.not_started(done, argv):
            return self._broken(reason, done)
        if done.killed_by == "stopped":
            return self._broken("The run was stopped.", done)
        if done.killed_by:
            return self._ended(programs.limit_words(done, given), done)
        if self._spec.format in _PRINTED and done.truncated:
            return self._broken("It printed more than can be read.", done)
        return self._judged(done, said, subject=subject)

    def _judged(self, done: Completed, said: tuple[bytes, ...], *, subject: Subject) -> CheckResult:
        reader = (_FORMATS | _PRINTED).get(self._spec.format)
        if reader is None:
            return self._exit(done) if done.exit_code else self._result(Status.PASSED, done)
        if not said:
            return self._broken(f"It wrote no report at `{self._spec.report}` (exit code {done.exit_code}).", done)
        try:
            read = [reader(r, check=self.NAME, folder=subject.folder, directory=subject.directory) for r in said]
        except ValueError as error:
            what = f"`{self._spec.report}` is no {_WRITTEN.get(self._spec.format, 'test report')}"
            words = f"{what if self._spec.report else 'What it printed cannot be read'}: {text.clean(str(error), 500)}"
            return self._broken(f"{words} (exit code {done.exit_code}).", done)
        tests = tuple(junit.numbered(test for cases, _ in read for test in cases))
        found = tuple(finding for _, findings in read for finding in findings)
        limit = text.FINDINGS if subject.changed else text.YARDSTICK
        return self._reported(done, tests, text.capped(found, limit=limit, check=self.NAME))

    def _reported(self, done: Completed, tests: tuple[TestCase, ...], findings: tuple[Finding, ...]) -> CheckResult:
        if any(f.severity is not Severity.NOTE for f in findings):
            return self._result(Status.FAILED, done, findings=findings, tests=tests)
        if done.exit_code:
            return replace(self._exit(done), tests=tests)
        if self._spec.format in {"junit", "jest", *_PRINTED} and all(t.outcome == "skipped" for t in tests):
            reason = "Every test was skipped." if tests else "No tests were collected."
            return replace(self._result(Status.SKIPPED, done, tests=tests), reason=reason)
        return self._result(Status.PASSED, done, findings=findings, tests=tests)

    def _result(
        self, status: Status, done: Completed, *, findings: tuple[Finding, ...] = (), tests: tuple[TestCase, ...] = ()
    ) -> CheckResult:
        metrics = {"memory": float(done.peak_memory), **({"tests": float(len(tests))} if tests else {})}
        return CheckResult(
            check=self.NAME, status=status, findings=findings, tests=tests, metrics=metrics, output=text.output(done)
        )

    def _exit(self, done: Completed) -> CheckResult:
        return self._ended(f"exit code {done.exit_code}", done)

    def _ended(self, how: str, done: Completed) -> CheckResult:
        """One finding, the same on the base and later whatever was printed: there is nothing finer to compare."""
        last = next((line.strip() for line in reversed(text.output(done).splitlines()) if line.strip()), "")
        message = text.clean(f"`{self._spec.run}`: {how}." + (f" Its last line: {last[:300]}" if last else ""))
        finding = Finding(check=self.NAME, rule="exit", message=message, context=f"{self._spec.run}: {how}")
        return self._result(Status.FAILED, done, findings=(finding,))

    def _broken(self, reason: str, done: Completed) -> CheckResult:
        return CheckResult(check=self.NAME, status=Status.BROKEN, reason=reason, output=text.output(done))


def _placed(subject: Subject, tests: Tests) -> Subject:
    """The tree with what the tests take: their folder, programs, and packages."""
    for name, target in tests.links.items():
        link = subject.folder / tests.folder / name
        if link.parent.is_dir() and not os.path.lexists(link):
            link.symlink_to(target)
    given = subject.environment
    environment = replace(
        given, path=(*given.path, *tests.path), readable=(*given.readable, *tests.readable, *tests.links.values())
    )
    return replace(subject, directory=tests.folder, environment=environment)


def _matching(here: Path, pattern: str, subject: Subject) -> list[Path]:
    """The files of a report of several, regular ones inside the tree; never through a link."""
    found = sorted(path for path in here.glob(pattern) if path.is_file() and not path.is_symlink())
    inside = [path for path in found if path.resolve().is_relative_to(subject.folder.resolve())]
    return inside[:_MOST_FILES]


def _report(spec: CommandCheck, here: Path, folder: Path) -> Path | str | None:
    """The file to read, None for none, or a sentence that says why there can be none."""
    if spec.format not in _FORMATS:
        return None
    if not spec.report:
        return f"`format: {spec.format}` needs `report`, the file that the command writes."
    path = Path(os.path.normpath(here / spec.report))
    inside = path.is_relative_to(folder) and path.parent.resolve().is_relative_to(folder.resolve()) and path != folder
    return path if inside else f"`{spec.report}` lies outside the repository."


def _cleared(report: Path) -> None:
    """An old report of the tree's own would be read as the new one."""
    if os.path.lexists(report) and not report.is_dir():
        report.unlink()
    report.parent.mkdir(parents=True, exist_ok=True)
