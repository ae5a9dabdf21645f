"""The repository's own tests, by its own command and interpreter, reported over a channel of ours.

Neither the exit code nor what is printed decides which tests passed: `reporter.py` writes a line per test and an end
marker. Code under test shares pytest's process; reaching into it is told of, and read in its text by `integrity`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from greenloop.checks import cases, endings, lines, notes, plugin, programs, rewritten, text, told
from greenloop.domain import CheckResult, Finding, Status, TestCase
from greenloop.ports import Completed, Policy, Sandbox, Subject
from greenloop.settings import Settings

NAME = "pytest"
WRITES = True
COMMAND = "python -m pytest"

_MOST_SESSIONS = 64


def run(subject: Subject, sandbox: Sandbox, settings: Settings) -> CheckResult:
    began = time.monotonic()
    variables, words = programs.words(settings.test_command or COMMAND, option="test_command")
    argv = programs.resolved(words, subject.environment)
    if reason := programs.missing_directory(subject):
        return CheckResult(check=NAME, status=Status.BROKEN, reason=reason)
    before, wanted = rewritten.tests(subject.folder), lines.asked(subject)
    done, given, heard = _tested(argv, subject, sandbox, settings=settings, variables=variables, wanted=wanted)
    covered, uncovered = lines.covered(wanted, heard.sessions)
    result = replace(_result(done, given, heard, argv=argv, subject=subject), covered=covered, uncovered=uncovered)
    told_too = notes.of(result.tests, subject.environment.withheld, check=NAME)
    result = replace(result, findings=(*result.findings, *told_too))
    return replace(rewritten.told(result, before, rewritten.tests(subject.folder)), seconds=time.monotonic() - began)


def _tested(
    argv: tuple[str, ...],
    subject: Subject,
    sandbox: Sandbox,
    *,
    settings: Settings,
    variables: Mapping[str, str],
    wanted: lines.Asked,
) -> tuple[Completed, Policy, told.Told]:
    tokens = tuple(os.urandom(16).hex() for _ in range(_seats(argv)))
    order = {"lines": lines.watched(wanted), "trace": lines.decides(settings), "seconds": settings.test_timeout}
    with tempfile.TemporaryDirectory(prefix="greenloop-tests-", ignore_cleanup_errors=True) as private:
        ours, out = Path(private, "plugin"), Path(private, "out")
        given = programs.policy(
            subject,
            settings,
            program=argv[0],
            seconds=settings.test_timeout,
            readable=(ours,),
            writable=(out,),
            environment=_joined(variables, plugin.laid(ours, out, subject=subject, tokens=tokens, order=order)),
            artifacts=(out / "report",),
        )
        done = programs.confined(sandbox, argv, cwd=subject.folder / subject.directory, given=given)
    done = text.quoted(done, subject.folder)
    return done, given, told.read(done.artifacts.get(out / "report", b""), tokens)


def _seats(argv: tuple[str, ...]) -> int:
    """How many sessions of pytest may report: one where the command is pytest itself, so that there is no second seat
    for a forged one; else as many as a script may start."""
    direct = Path(argv[0]).name in {"pytest", "py.test"} or argv[1:3] == ("-m", "pytest")
    return 1 if direct else _MOST_SESSIONS


def _joined(variables: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """The command's own variables and ours; what both set holds both."""
    joined = {**variables, **ours}
    for name, between in (("PYTHONPATH", os.pathsep), ("PYTEST_ADDOPTS", " ")):
        if variables.get(name):
            joined[name] = between.join((ours[name], variables[name]))
    return joined


def _result(
    done: Completed, given: Policy, heard: told.Told, *, argv: tuple[str, ...], subject: Subject
) -> CheckResult:
    if done.killed_by == "stopped":
        return _broken("The run was stopped.", done)
    if not heard.sessions:
        return _without_pytest(done, given, argv)
    reason = endings.unusable(heard, done)
    if reason:
        return _broken(reason, done)
    tests, problems = _ran(heard, done, given, folder=subject.folder)
    findings = tuple(_red(t) for t in tests if t.red) + tuple(problems)
    status, reason = _status(tests, findings)
    if status is Status.PASSED and done.exit_code != 0:
        findings = (_exit(done, "every test passed"),)
        status = Status.FAILED
    limit = text.FINDINGS if subject.changed else text.YARDSTICK
    return CheckResult(
        check=NAME,
        status=status,
        findings=text.capped(findings, limit=limit, check=NAME),
        tests=tests,
        metrics=_metrics(tests, done),
        output=text.output(done),
        reason=reason,
    )


def _status(tests: tuple[TestCase, ...], findings: tuple[Finding, ...]) -> tuple[Status, str]:
    """What did not run has not passed."""
    if findings:
        return Status.FAILED, ""
    if not tests:
        return Status.SKIPPED, "No tests were collected."
    if all(t.outcome == "skipped" for t in tests):
        return Status.SKIPPED, "Every test was skipped."
    return Status.PASSED, ""


def _ran(
    heard: told.Told, done: Completed, given: Policy, *, folder: Path
) -> tuple[tuple[TestCase, ...], list[Finding]]:
    """The tests of all sessions, and what is wrong with the sessions themselves."""
    tests = {t.id: t for t in cases.made(heard.sessions, folder)}
    source = cases.Source(folder)
    problems: list[Finding] = []
    for session in heard.sessions:
        tests |= {t.id: t for t in endings.cut(session, done, given, source=source)}
        if wrong := endings.problem(session, done, given):
            problems.append(_problem(*wrong))
        problems += map(_tampering, session.tampering)
    if heard.foreign:
        problems.append(_problem("forged", f"{heard.foreign} lines of the test report do not come from the reporter."))
    return tuple(tests.values()), problems


def _without_pytest(done: Completed, given: Policy, argv: tuple[str, ...]) -> CheckResult:
    """No session was reported: pytest is missing, could not load the reporter, or was never meant to run."""
    said = f"{done.stdout}\n{done.stderr}"
    if reason := programs.not_started(done, argv):
        return _broken(reason, done)
    if "No module named pytest" in said or "No module named 'pytest'" in said:
        cure = "add pytest to the project's test dependencies, or set `install_command` or `test_command`"
        return _broken(f"pytest is not installed for the target's interpreter: {cure}.", done)
    if plugin.NAME in said:
        cure = "extend PYTHONPATH instead of replacing it, and do not start Python with -I or -E"
        return _broken(f"The test command keeps our reporter from being loaded: {cure}.", done)
    if done.killed_by or any(Path(word).name in {"pytest", "py.test"} for word in argv):
        why = programs.limit_words(done, given) if done.killed_by else endings.last_error(done)
        return _broken(f"pytest did not start: {why}", done)
    note = "The test command did not start pytest; its exit code alone is judged."
    failed = done.exit_code != 0
    return CheckResult(
        check=NAME,
        status=Status.FAILED if failed else Status.PASSED,
        findings=(_exit(done, "the test command is not pytest"),) if failed else (),
        output=f"{note}\n{text.output(done)}",
        reason=note,
    )


def _red(case: TestCase) -> Finding:
    """Points at the line in the test that the failure came through, else at the test."""
    at = next((f.line for f in reversed(case.frames) if f.path == case.path), case.line)
    return Finding(
        check=NAME,
        rule=case.outcome,
        message=text.first_line(case.message) or case.error or case.outcome,
        path=case.path or None,
        line=at,
        context=case.id,
    )


def _tampering(line: told.Line) -> Finding:
    what, path = text.clean(told.words(line, "what"), 200), text.clean(told.words(line, "path"), 300)
    return Finding(
        check=NAME,
        rule="tampering",
        message=f"While the tests ran, code reached into what runs them: {what}.",
        path=path or None,
        line=told.whole(line, "line") or None,
        context=f"{path} {what}",
    )


def _exit(done: Completed, although: str) -> Finding:
    return _problem("exit", f"The test command ended with exit code {done.exit_code}, {although}.")


def _problem(rule: str, message: str) -> Finding:
    return Finding(check=NAME, rule=rule, message=message)


def _broken(reason: str, done: Completed) -> CheckResult:
    return CheckResult(check=NAME, status=Status.BROKEN, output=text.output(done), reason=reason)


def _metrics(tests: tuple[TestCase, ...], done: Completed) -> dict[str, float]:
    outcomes = [t.outcome for t in tests]
    counts = {
        word: float(outcomes.count(word)) for word in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
    }
    return {"tests": float(len(tests)), **{k: v for k, v in counts.items() if v}, "memory": float(done.peak_memory)}
