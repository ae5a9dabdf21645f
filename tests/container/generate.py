"""One `/generate` in the container: mounts, owner and environment as a hosted runner gives them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema

from action.hosted import read_log, read_outputs
from fakes.github import FakeGitHub
from fakes.model_server import ModelServer

ROOT = Path(__file__).resolve().parents[2]
RUNNER = 1001  # the user of hosted runners; the step itself is root
KEY = "sk-of-the-maintainer-0123456789"
FILES = {
    "sums.py": "def total(numbers):\n    return numbers[-1]\n",
    "test_sums.py": "from sums import total\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n",
}
ANSWER = "Summary: fix: add up\n\nsums.py\n```python\ndef total(numbers):\n    return sum(numbers)\n```\n"
Container = Callable[..., subprocess.CompletedProcess[str]]


def check(container: Container) -> None:
    with TemporaryDirectory(prefix="container-") as name, ModelServer([ANSWER]) as model:
        folder = Path(name)
        with FakeGitHub(folder) as fake:
            fake.repository("octo/sums", FILES)
            fake.user("ada", permission="write")
            issue = fake.issue("Totals are wrong", "total([1, 2, 3]) is 3.", author="ada")
            comment = fake.comment(issue.number, "/generate total adds up, see test_total", author="ada")
            token = fake.actions_token()
            given = {"github_token": token, "model": "m", "api_base": model.api_base, "api_key": KEY, "sandbox": "uid"}
            _lay(folder, json.dumps(fake.event("issue_comment", comment)))
            done = container(options=tuple(_options(folder, fake, given)))
            _judge(done, folder, fake, (token, KEY))


def _lay(folder: Path, event: str) -> None:
    for name in ("workspace", "home", "workflow", "file_commands"):
        (folder / name).mkdir()
        os.chown(folder / name, RUNNER, RUNNER)
    (folder / "workflow" / "event.json").write_text(event)
    for name in ("output", "summary"):
        (folder / "file_commands" / name).touch()


def _options(folder: Path, fake: FakeGitHub, given: dict[str, str]) -> list[str]:
    environment = {
        **fake.environment(),
        **{f"INPUT_{name.upper()}": value for name, value in given.items()},
        "HOME": "/github/home",
        "GITHUB_EVENT_NAME": "issue_comment",
        "GITHUB_EVENT_PATH": "/github/workflow/event.json",
        "GITHUB_WORKSPACE": "/github/workspace",
        "GITHUB_OUTPUT": "/github/file_commands/output",
        "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
        "GITHUB_RUN_ID": "1",
        "RUNNER_TEMP": "/home/runner/work/_temp",  # a path of the host's
    }
    mounts = [f"{folder / name}:/github/{name}" for name in ("workspace", "home", "workflow", "file_commands")]
    return [
        "--workdir",
        "/github/workspace",
        *(word for mount in mounts for word in ("-v", mount)),
        *(word for name, value in environment.items() for word in ("-e", f"{name}={value}")),
    ]


def _judge(done: subprocess.CompletedProcess[str], folder: Path, fake: FakeGitHub, secrets: tuple[str, ...]) -> None:
    log = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0, log
    assert done.stderr == "", "all that a step says comes in one stream"
    outputs = read_outputs(folder / "file_commands" / "output")
    assert (outputs["status"], outputs["evidence"], outputs["attempts"]) == ("green", "proven(test_total)", "1"), log
    assert outputs["result"] == ".greenloop/result.json"
    result = folder / "workspace" / outputs["result"]
    assert {path.stat().st_uid for path in (result, result.parent)} == {RUNNER}
    schema = json.loads((ROOT / "docs/result.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(result.read_bytes()))
    pulls = [issue for issue in fake.snapshot()["octo/sums"]["issues"].values() if "head" in issue]
    assert [(pull["title"], pull["draft"]) for pull in pulls] == [("fix: add up", False)]
    shown = read_log(done.stdout).shown + (folder / "file_commands" / "summary").read_text() + result.read_text()
    assert [secret for secret in secrets if secret in shown] == []
