"""What stands beside the commits of a run, and what is kept of it: check runs, code scanning, files of the artifact."""

from __future__ import annotations

import json
from typing import Any

from fakes.github.faults import lost
from fakes.model_server import ModelServer
from greenloop import recording
from job_step import FILES, RIGHT, WRONG, Step, asked, seen

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


def test_a_token_that_may_not_is_told_once_and_in_the_summary_alone(step: Step) -> None:
    run(step, asked(step), WRONG, RIGHT)
    summary = (step.folder / "summary").read_text("utf-8")
    assert summary.count("No check runs: The token may not make the check run of") == 1
    assert "checks: write" in summary
    assert "check run" not in json.dumps(seen(step))
    assert [call for call in step.fake.calls if "check-runs" in call] == ["POST /repos/octo/sums/check-runs"]


def test_nobody_makes_what_is_switched_off(step: Step) -> None:
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + "check_runs: false\n"}, "configure")
    run(step, asked(step), WRONG, RIGHT)
    assert [call for call in step.fake.calls if "check-runs" in call] == []
    assert "check run" not in (step.folder / "summary").read_text("utf-8")
