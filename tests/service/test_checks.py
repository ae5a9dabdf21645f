"""What stands beside the commits of a run, and what is kept of it: check runs, code scanning, files of the artifact."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fakes.github.faults import lost
from fakes.model_server import ModelServer
from greenloop.action import ended
from greenloop.forge.github import CheckRun, Forbidden
from greenloop.records import recording
from greenloop.service.checked import Checked
from greenloop.settings import Settings
from job_step import FILES, RIGHT, WRONG, Step, asked, seen
from values import attempt, outcome

CONFIG = ".github/greenloop.yml"
MAY = {"contents": "write", "issues": "write", "pull_requests": "write"}


def kept(step: Step) -> dict[str, str]:
    folder = step.folder / "workspace" / ".greenloop"
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.name != ".gitignore"}


def run(step: Step, payload: dict[str, Any], *answers: str) -> None:
    with ModelServer(answers) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (0, len(answers)), log


def test_each_attempt_has_a_check_run_and_the_end_its_findings(step: Step) -> None:
    step = Step(step.fake, step.folder, step.fake.actions_token(**MAY, checks="write", security_events="write"))  # type: ignore[arg-type]
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + "code_scanning: true\n"}, "configure")
    payload = asked(step)
    step.fake.on("POST", "/check-runs$", lost())
    run(step, payload, WRONG, RIGHT)
    first = seen(step)
    assert first["check_runs"] == [
        ("failure", "Not green: test_total does not pass yet and must.", 1),
        ("success", "Green: proven(test_total)", 0),
    ]
    home = step.fake.world.repositories["octo/sums"]
    [branch] = [ref for ref in first["refs"] if ref.startswith("refs/heads/greenloop/")]
    tip = git.sha(branch)
    assert [run["head_sha"] for run in home.check_runs] == [git.resolve(f"{tip}~1"), tip]
    assert [(scan["commit"], scan["ref"]) for scan in home.scans] == [(tip, branch)]
    files = kept(step)
    assert list(files) == ["findings.sarif", "recording.jsonl", "report.md", "result.json"]
    assert [type(e).__name__ for e in recording.loads(files["recording.jsonl"])][-2:] == ["Judged", "Ended"]
    assert json.loads(files["findings.sarif"])["runs"][0]["results"] == []
    assert files["report.md"] == (step.folder / "summary").read_text("utf-8")
    run(step, payload)
    assert (seen(step), len(home.scans)) == (first, 1)


class Little:
    """A GitHub whose token may make neither."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def make_check_run(self, run: CheckRun, *, look_first: bool) -> None:
        self.calls.append(f"{run.conclusion} {look_first}")
        raise Forbidden("The token may not make the check run. Give the job `permissions: checks: write`.")

    def upload_sarif(self, commit: str, ref: str, sarif: str) -> None:
        self.calls.append(f"{commit[:3]} {ref} {json.loads(sarif)['version']}")
        raise Forbidden("The token may not upload.")


def test_a_token_that_may_not_is_told_once_and_in_the_summary_alone() -> None:
    little: Any = Little()
    checked = Checked(little, Settings(code_scanning=True), key="k", dry=False, again=True)
    made = attempt()
    parts: Any = made  # an attempt is made with the same report and verdict
    checked.attempt(parts, "d" * 40)
    checked.attempt(parts, "e" * 40)
    end = outcome(made, branch="b", tip="f" * 40, url="https://github.com/o/r/pull/1")
    checked.end(end)
    assert little.calls == ["success True", "fff refs/heads/b 2.1.0"]
    told = ended.of(replace(end, asides=tuple(checked.asides.values())))
    assert told.summary.count("No check runs: The token may not make the check run.") == 1
    assert "No upload to code scanning: The token may not upload." in told.summary
    assert "check run" not in json.dumps(told.result)


def test_nobody_makes_what_is_switched_off() -> None:
    """Neither where the settings say so nor in a dry run is anybody asked: there is none."""
    for settings, dry in ((Settings(check_runs=False), False), (Settings(code_scanning=True), True)):
        nobody: Any = None
        checked = Checked(nobody, settings, key="k", dry=dry, again=False)
        checked.end(outcome(attempt(), branch="b", tip="c" * 40, url="https://github.com/o/r/pull/1"))
        assert checked.asides == {}
