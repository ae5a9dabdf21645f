"""One step of a job, as a runner starts it: `action/main.py` in a scrubbed environment, against a GitHub with state."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm
from fakes.github import FakeGitHub
from fakes.model_server import ModelServer
from program import QUICK, environment

MAIN = Path(__file__).parents[1] / "action" / "main.py"
MODULE = "def total(numbers):\n    result = 0\n    for number in numbers:\n        result = number\n    return result\n"
# A program that runs the functions of test_sums.py and writes JUnit XML: all that a step shows of tests, in a tenth of
# what pytest takes to begin. What a step makes of pytest is seen by those tests that are marked `by_pytest`.
RUNNER = Path(__file__).with_name("projects") / "runner" / "check.py"
SETTINGS = (
    "attempts: 3\nchecks: [tests]\ncommands:\n  tests: {run: python -S check.py, format: junit, report: tests.xml}\n"
)
FILES = {
    "sums.py": MODULE,
    "test_sums.py": "from sums import total\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n",
    "check.py": RUNNER.read_text("utf-8"),
    ".github/greenloop.yml": SETTINGS,
}
BY_PYTEST = FILES | {".github/greenloop.yml": f"attempts: 3\nchecks: [pytest]\ntest_command: {QUICK}\n"}


def answer(old: str, new: str, summary: str) -> str:
    return f"Summary: {summary}\n\nsums.py\n```python\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


WRONG = answer("        result = number", "        result = result - number", "fix: subtract")
RIGHT = answer("        result = result - number", "        result = result + number", "fix: add up")
AT_ONCE = answer("        result = number", "        result = result + number", "fix: add up")


@dataclass(frozen=True)
class Step:
    """`number` is the id of the workflow run."""

    fake: FakeGitHub
    folder: Path
    token: str

    def prepared(self, name: str, payload: Mapping[str, Any], server: ModelServer, **more: str) -> dict[str, str]:
        event = self.folder / "event.json"
        event.write_text(json.dumps(payload), "utf-8")
        for file in ("output", "summary"):
            (self.folder / file).write_text("", "utf-8")
        (self.folder / "workspace").mkdir(exist_ok=True)
        given = {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_RUN_ID": "1",
            "GITHUB_WORKSPACE": str(self.folder / "workspace"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder),
            "INPUT_GITHUB_TOKEN": self.token,
            "INPUT_MODEL": "m",
            "INPUT_API_BASE": server.api_base,
            "INPUT_API_KEY": "sk-of-the-maintainer-0123456789",
        }
        return environment(**(self.fake.environment() | given | more))

    def run(self, name: str, payload: Mapping[str, Any], server: ModelServer, **more: str) -> tuple[int, str]:
        done = warm.run((str(MAIN),), env=self.prepared(name, payload, server, **more), cwd=self.folder)
        log = done.stdout + done.stderr
        masks = [line for line in log.splitlines() if line.startswith("::add-mask::")]
        rest = "".join(line for line in log.splitlines() if line not in masks) + (self.folder / "summary").read_text()
        assert [secret for secret in (self.token, "sk-of-the-maintainer-0123456789") if secret in rest] == []
        assert "Traceback" not in log, log
        return done.returncode, log


@contextmanager
def started(
    step: Step, payload: Mapping[str, Any], server: ModelServer, *before: str, name: str = "issue_comment"
) -> Iterator[subprocess.Popen[str]]:
    """A step that is at work; whatever becomes of the test, it is gone afterwards."""
    env = step.prepared(name, payload, server)
    command = [*before, sys.executable, str(MAIN)]
    with subprocess.Popen(command, env=env, cwd=step.folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def made(fake: FakeGitHub, folder: Path, files: Mapping[str, str] = FILES) -> Step:
    fake.repository("octo/sums", files)
    fake.user("ada", permission="write")
    fake.user("eve", permission="read")
    return Step(fake, folder, fake.actions_token())


def asked(step: Step, text: str = "/generate total is wrong, see test_total", author: str = "ada") -> dict[str, Any]:
    issue = step.fake.issue("Totals are wrong", "total([1, 2, 3]) is 3.", author="bob")
    return step.fake.event("issue_comment", step.fake.comment(issue.number, text, author=author))


def seen(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = step.fake.snapshot()["octo/sums"]
    return found


def plain(step: Step) -> dict[str, Any]:
    """What is there, without what differs from run to run: seconds, commit ids, our loopback address."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", json.dumps(seen(step)))
    text = re.sub(r"(?<=Fixed in )[0-9a-f]{10}", "SHA", re.sub(r"[0-9a-f]{9} \|", "SHA |", text))
    text = re.sub(r"\b\d+(?:\.\d+)? (s|MB)(?= \|)", r"N \1", text)  # the measured times and memory of the checks
    said: dict[str, Any] = json.loads(re.sub(r"\d+ s\.", "N s.", text))
    return said
