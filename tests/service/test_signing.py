"""`signing`: every commit that people get to see is signed, and whatever speaks of a commit speaks of that one."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.github.bare import ENVIRONMENT, Bare
from fakes.github.faults import lost, meanwhile, refused
from fakes.model_server import ModelServer
from greenloop.service import forks
from job_step import AT_ONCE, FILES, MODULE, RIGHT, WRONG, Step, answer, asked, seen, started
from service.test_forks import forked, say

ALL = {"contents": "write", "issues": "write", "pull_requests": "write", "checks": "write"}
CONFIG = ".github/greenloop.yml"
GRAPHQL = ("POST", "/api/graphql$")
LEAST = "\n\ndef least(numbers):\n    return numbers[0]\n"
BOTH = "from sums import total, least\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n\n\n"
BOTH += "def test_least():\n    assert least([3, 1]) == 1\n"
WORSE = answer("        result = result + number", "        result = 0", "fix: forget it")


def signing(step: Step, how: str = "github", files: dict[str, str | bytes | None] | None = None) -> Any:
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + f"signing: {how}\n"} | (files or {}), "configure")
    return git


def committers(step: Step, ref: str) -> list[tuple[str, str]]:
    """Who has made each commit, and its first line, oldest first."""
    git = step.fake.world.repositories["octo/sums"].git
    rows = git.git("log", "--reverse", "--first-parent", "--format=%cn|%s", ref).decode().splitlines()
    return [(row.partition("|")[0], row.partition("|")[2]) for row in rows]


def branch(step: Step) -> str:
    [name] = [ref for ref in seen(step)["refs"] if ref.startswith("refs/heads/greenloop/")]
    return str(name)


def test_the_attempts_are_made_again_by_github_and_the_branch_moves_once(step: Step) -> None:
    """On somebody's pull request whose best attempt is not the last; then one is taken back."""
    git = signing(step, files={"sums.py": MODULE + LEAST, "test_sums.py": BOTH})
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    pull = step.fake.pull_request("topic")
    payload = step.fake.event("issue_comment", step.fake.comment(pull.number, "/generate mend test_sums.py"))
    with ModelServer([AT_ONCE, WORSE, "I do not know.", "Nor do I."]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (3, 4), log
        first = seen(step)
        code, log = step.run("issue_comment", payload, server)
        assert (code, seen(step)) == (3, first), log
    assert committers(step, "refs/heads/topic")[2:] == [
        ("ada", "a topic"),
        ("GitHub", "fix: add up"),
        ("GitHub", "fix: forget it"),
        ("GitHub", "Restore attempt 1, the best so far"),
    ]
    shas = git.git("rev-list", "--reverse", "refs/heads/topic").decode().split()
    assert f"Greenloop-Restores: {shas[-3]}\n" in git.git("log", "-1", "--format=%B", "refs/heads/topic").decode()
    said = first["issues"][1]["comments"][-1]["body"]
    assert re.findall(r"([0-9a-f]{9}) \|$", said, re.MULTILINE) == [shas[-3][:9], shas[-2][:9]]
    [run] = [ref for ref in first["refs"] if ref.startswith("refs/greenloop/runs/")]
    assert sorted(first["refs"]) == sorted(["refs/heads/main", "refs/heads/topic", run])
    undo = step.fake.event("issue_comment", step.fake.comment(pull.number, "/undo"))
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", undo, server)
    assert code == 0, log
    assert seen(step)["refs"]["refs/heads/topic"][-1] == "Take back the last attempt"


def test_a_lost_answer_and_a_lost_runner_sign_nothing_twice(step: Step) -> None:
    signing(step)
    payload = asked(step)
    with ModelServer([WRONG, RIGHT]) as server:
        step.fake.on(*GRAPHQL, lost(), skip=1)  # the first one asks who we are
        with started(step, payload, server) as process:
            step.fake.on(*GRAPHQL, meanwhile(process.kill), skip=1)
            process.wait(timeout=120)
        assert process.returncode == -signal.SIGKILL
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (0, 2), log
    now = seen(step)
    assert committers(step, branch(step))[2:] == [("GitHub", "fix: subtract"), ("GitHub", "fix: add up")]
    assert [ref for ref in now["refs"] if "signing" in ref or "locks" in ref] == []
    assert [issue["title"] for issue in now["issues"].values()] == ["Totals are wrong", "fix: add up"]


def shown(step: Step) -> list[str]:
    """The commits of somebody's branch, oldest first, without those that were there before."""
    return list(step.fake.world.repositories["octo/sums"].git.git("rev-list", "--reverse", "topic").decode().split())


def test_threads_and_check_runs_name_the_signed_commits(step: Step) -> None:
    """Of a review; somebody pushes something else in the middle of it, and the commits are made and signed again."""
    step = Step(step.fake, step.folder, step.fake.actions_token(**ALL))  # type: ignore[arg-type]
    git = signing(step)
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    said = {"path": "sums.py", "line": 4, "body": "This forgets the sum, see test_total."}
    review = step.fake.review(step.fake.pull_request("topic").number, "Please mend it.", comments=(said,))
    payload = step.fake.event("pull_request_review", review)

    def meanwhile(_: dict[str, Any]) -> str:
        git.commit("topic", {"more.md": "x\n"}, "a person's own")
        return RIGHT

    with ModelServer([WRONG, meanwhile]) as server:
        code, log = step.run("pull_request_review", payload, server)
        assert (code, len(server.chats)) == (0, 2), log
        first = seen(step)
        code, log = step.run("pull_request_review", payload, server)
        assert (code, len(server.chats), seen(step)) == (0, 2, first), log
    rows = committers(step, "refs/heads/topic")[2:]
    assert rows[1:] == [("ada", "a person's own"), ("GitHub", "fix: subtract"), ("GitHub", "fix: add up")]
    before, tip = shown(step)[-2:]
    [thread] = first["issues"][1]["threads"]
    assert f"Fixed in {tip[:10]}: " in thread["said"][-1][1]
    table = first["issues"][1]["comments"][-1]["body"]
    assert re.findall(r"([0-9a-f]{9}) \|$", table, re.MULTILINE) == [before[:9], tip[:9]]
    runs = step.fake.world.repositories["octo/sums"].check_runs
    assert [(run["head_sha"], run["conclusion"]) for run in runs] == [(before, "failure"), (tip, "success")]
    assert [ref for ref in first["refs"] if "signing" in ref or "locks" in ref] == []


def test_a_push_that_does_not_fit_leaves_nothing_that_was_signed(step: Step) -> None:
    git = signing(step)
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    pull = step.fake.pull_request("topic")

    def meanwhile(_: dict[str, Any]) -> str:
        git.commit("topic", {"sums.py": MODULE + "\n"}, "a person's own")
        return AT_ONCE

    with ModelServer([meanwhile]) as server:
        payload = step.fake.event("issue_comment", step.fake.comment(pull.number, "/generate mend test_total"))
        code, log = step.run("issue_comment", payload, server)
    assert code == 10, log
    now = seen(step)
    assert "Both sides changed sums.py" in now["issues"][1]["comments"][-1]["body"]
    assert now["refs"]["refs/heads/topic"][-1] == "a person's own"
    assert [ref for ref in now["refs"] if "signing" in ref] == []


def test_on_a_fork_nothing_is_signed_and_that_is_said(step: Step) -> None:
    """What is pushed there; a patch has no commits that could be."""
    fork = forked(step, config="signing: github\n")
    said, _ = say(step, fork, "/generate mend test_total", AT_ONCE)
    assert "signed" not in said
    said, _ = say(step, fork, "/generate --pull-request mend test_total", AT_ONCE)
    bodies = [said, seen(step)["issues"][2]["body"]]
    assert [forks.UNSIGNED in body.replace("\\", "") for body in bodies] == [True, True]


def test_what_github_cannot_commit_is_refused_with_the_way_out(step: Step) -> None:
    git = signing(step)
    stream = b"commit refs/heads/main\ncommitter ada <a@b> 1800000000 +0000\ndata 4\nmode\nfrom refs/heads/main^0\n"
    stream += b"M 100755 inline sums.py\ndata %d\n%b\n" % (len(MODULE), MODULE.encode())
    git.git("fast-import", "--quiet", stdin=stream)
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", asked(step), server)
    assert code == 10, log
    now = seen(step)
    assert [ref for ref in now["refs"] if ref.startswith("refs/heads/")] == ["refs/heads/main"]
    assert "sums.py is executable, and GitHub" in now["issues"][1]["comments"][-1]["body"]


def test_what_github_refuses_to_sign_is_not_pushed(step: Step) -> None:
    signing(step)
    step.fake.on(*GRAPHQL, refused(403, "Resource not accessible by integration"), skip=1)
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", asked(step), server)
    assert code == 10, log
    now = seen(step)
    assert [ref for ref in now["refs"] if ref.startswith("refs/heads/")] == ["refs/heads/main"]
    assert "The commits were not signed, and so not pushed." in now["issues"][1]["comments"][-1]["body"]
    assert "refs/greenloop/runs/" in now["issues"][1]["comments"][-1]["body"]


def test_what_github_has_made_otherwise_is_not_used(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    git, commit = signing(step), Bare.commit

    def other(self: Bare, name: str, files: Mapping[str, str | bytes | None], *words: str, **more: str) -> str:
        return commit(self, name, {**files, "more.py": "x = 1\n"}, *words, **more)

    monkeypatch.setattr(Bare, "commit", other)
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", asked(step), server)
    assert code == 10, log
    assert [ref for ref in git.refs() if ref.startswith("refs/heads/")] == ["refs/heads/main"]
    assert "is not what was judged" in seen(step)["issues"][1]["comments"][-1]["body"]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bot", "-f", path], check=True)
    return path


def test_an_ssh_key_signs_each_commit_at_once(step: Step, key: Path) -> None:
    git = signing(step, "ssh")
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", asked(step), server, INPUT_SIGNING_KEY=key.read_text())
        assert code == 0, log
    assert [line for line in log.splitlines() if "PRIVATE KEY" in line and not line.startswith("::add-mask::")] == []
    allowed = key.with_name("allowed")
    allowed.write_text(f"* {key.with_suffix('.pub').read_text()}")
    [run] = [ref for ref in seen(step)["refs"] if ref.startswith("refs/greenloop/runs/")]
    for ref in (branch(step), run):
        options = ["-c", f"gpg.ssh.allowedSignersFile={allowed}", "-c", "gpg.format=ssh"]
        done = subprocess.run(
            ["git", *options, "verify-commit", ref], cwd=git.path, env=ENVIRONMENT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("how", "given", "told"), [("ssh", "", "`signing_key` is empty"), ("ssh", "x", "could not be signed")]
)
def test_a_key_that_cannot_sign_is_told(step: Step, how: str, given: str, told: str) -> None:
    signing(step, how)
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", asked(step), server, INPUT_SIGNING_KEY=given)
    assert code == 2, log
    assert told in seen(step)["issues"][1]["comments"][-1]["body"].replace("\\", "")


def test_a_key_that_signs_nothing_is_told(step: Step, key: Path) -> None:
    """Whoever gave it believes that the commits are signed."""
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", asked(step), server, INPUT_SIGNING_KEY=key.read_text())
    assert code == 0, log
    assert "`signing_key` was not used" in (step.folder / "summary").read_text().replace("\\", "")
