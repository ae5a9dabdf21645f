"""What stands beside commits on GitHub: a check run for each attempt, and new findings in code scanning. A token that
may not make them is nothing to end a run for; it is told once, in the job's summary."""

from __future__ import annotations

from collections.abc import Callable

from greenloop.domain import Finding, Outcome, Report, Severity, Verdict
from greenloop.errors import GreenloopError
from greenloop.forge.github import CheckRun, GitHub, Note
from greenloop.hygiene.hidden import characters
from greenloop.report import sarif
from greenloop.report.render import verdict as words
from greenloop.report.trailers import Made
from greenloop.settings import Settings
from greenloop.verdict.judge import evidence_line

NAME = "greenloop"
_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.NOTE: "notice"}
WITHOUT = "No {what}: {why}"


class Checked:
    """`again`: an earlier process may have made some. `late`: the commits that people see are made at the end, of the
    ones that were judged. `asides` are sentences for the summary alone."""

    def __init__(
        self, github: GitHub, settings: Settings, *, key: str, dry: bool, again: bool, late: bool = False
    ) -> None:
        self._github, self._settings, self._key, self._again = github, settings, key, again
        self._late = late
        self._dry = dry
        self.asides: dict[str, str] = {}
        self._told: set[str] = set()

    def attempt(self, made: Made, commit: str) -> None:
        """The check run of an attempt that was pushed."""
        if not self._late:
            self._tell(made.report, made.verdict, commit)

    def end(self, outcome: Outcome) -> None:
        """That of the tip, when it is none of the attempts; and the findings of what the run has left there. Of commits
        that nobody sees, none."""
        best, tip = outcome.best, outcome.tip
        if best is None or tip is None or (self._late and not outcome.url):
            return
        for attempt in outcome.attempts if self._late else ():
            self._tell(attempt.report, attempt.verdict, attempt.commit)
        self._tell(best.report, best.verdict, tip)
        if self._settings.code_scanning and outcome.branch and outcome.url:
            found = sarif.dumps(new(best.verdict))
            ref = f"refs/heads/{outcome.branch}"
            self._try("upload to code scanning", lambda: self._github.upload_sarif(tip, ref, found))

    def _tell(self, report: Report, judged: Verdict, commit: str) -> None:
        if not self._settings.check_runs or commit in self._told:
            return
        self._told.add(commit)
        run = check_run(report, judged, commit=commit, key=self._key)
        self._try("check runs", lambda: self._github.make_check_run(run, look_first=self._again))

    def _try(self, what: str, make: Callable[[], None]) -> None:
        """What was refused once is not asked for again."""
        if self._dry or what in self.asides:
            return
        try:
            make()
        except GreenloopError as fault:
            self.asides[what] = WITHOUT.format(what=what, why=fault)


def new(judged: Verdict) -> tuple[Finding, ...]:
    """What the change has brought, and what it was to mend and has not."""
    return (*judged.wanted, *judged.new)


def check_run(report: Report, judged: Verdict, *, commit: str, key: str) -> CheckRun:
    """Broken says nothing about the code, so neither does its check run."""
    conclusion = "success" if judged.green else "neutral" if report.broken else "failure"
    head = f"Green: {evidence_line(judged)}" if judged.green else f"Not green: {next(iter(judged.why), '')}"
    notes = tuple(
        Note(
            path=f.path,
            line=max(1, f.line or 1),
            level=_LEVELS[f.severity],
            title=characters(f"{f.check} {f.rule}"),
            message=characters(f.message or f.rule),
        )
        for f in new(judged)
        if f.path
    )
    return CheckRun(
        name=NAME,
        commit=commit,
        key=key,
        conclusion=conclusion,
        title=characters(head),
        summary=words(report, judged),
        notes=notes,
    )
