"""`/status` and `/stop`: beside the run that they speak of, and when there is none, or nobody at it any more."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from conftest import git
from fakes.github.actions import over
from fakes.model_server import ModelServer, Stall
from job_step import WRONG, Step, asked, plain, seen, started

SHA = re.compile(r"`[0-9a-f]{9}`")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


def say(
    step: Step, text: str, number: int = 1, run: str = "2", settle: Callable[[], object] = lambda: None
) -> tuple[int, str]:
    """Exit code and answer of a command; the model is asked by nobody. `settle` ends what else is going on there."""
    payload = step.fake.event("issue_comment", step.fake.comment(number, text))
    with ModelServer([]) as server:
        code, _ = step.run("issue_comment", payload, server, GITHUB_RUN_ID=run)
        settle()
        first = seen(step)
        again, _ = step.run("issue_comment", payload, server, GITHUB_RUN_ID=run)
    assert (again, seen(step)) == (code, first)
    last = first["issues"][number]["comments"][-1]
    assert last["author"] == "github-actions[bot]"
    return code, TIME.sub("TIME", SHA.sub("`SHA`", last["body"].partition("\n")[2]).replace(step.fake.url, "URL"))


def test_status_and_stop_of_a_run_at_work(step: Step) -> None:
    step = replace(step, token=step.fake.actions_token(contents="write", issues="write", actions="write"))
    full = replace(step, token=step.fake.actions_token())
    payload = asked(step)
    with ModelServer([WRONG, Stall("Summ")]) as server, started(full, payload, server) as process:
        server.wait_for(2)
        step.fake.world.repositories["octo/sums"].jobs[1] = lambda: process.send_signal(signal.SIGINT)
        branch = next(ref for ref in seen(step)["refs"] if ref.startswith("refs/heads/greenloop/"))[11:]
        assert say(step, "/status") == (
            0,
            (
                "⏳ **At work:** `/generate` for ada in [workflow run 1](URL/octo/sums/actions/runs/1), since TIME.\n\n"
                "Attempt 1 of 3 was the last: `red`, `tests=failed`, `SHA`.\n\n"
                "Spent: 1 call, 11 tokens in, 7 out, no known price; at most 400,000 tokens, $2.00.\n\n"
                f"Branch: `{branch}`"
            ),
        )
        code, said = say(step, "/stop", settle=partial(process.wait, timeout=30))
        assert (code, said) == (
            0,
            (
                "🛑 [workflow run 1](URL/octo/sums/actions/runs/1) (\u200b/generate for ada) is asked to end. It keeps "
                "its best attempt, and says so in its own comment."
            ),
        )
        log = process.communicate(timeout=60)[0]
    assert process.returncode == 130, log
    now = seen(step)
    assert now["refs"][f"refs/heads/{branch}"] == ["initial", "fix: subtract"]
    assert [ref for ref in now["refs"] if ref.startswith("refs/greenloop/locks/")] == []
    assert "Stopped on request" in now["issues"][1]["comments"][1]["body"]
    assert say(step, "/stop") == (0, "Nothing is at work here.")
    code, said = say(step, "/status")
    assert said.startswith(
        "Nothing is at work here. The last run was `/generate` for ada, TIME.\n\n**Stopped on request; the best attempt"
    )


def test_a_runner_that_is_gone(step: Step) -> None:
    """Its lock is removed, at once when its workflow run has ended, and whoever holds it when the lease has run out."""
    step = replace(step, token=step.fake.actions_token(contents="write", issues="write", actions="write"))
    payload = asked(step)
    gone = (
        "🛑 The runner of [workflow run 1](URL/octo/sums/actions/runs/1) (\u200b/generate for ada) is gone, and its "
        "lock is"
    )
    for lease in ("alive", "over"):
        with ModelServer([Stall("Summ")]) as server, started(step, payload, server) as process:
            server.wait_for(1)
            process.kill()
            process.wait(timeout=60)
        step.fake.world.repositories["octo/sums"].jobs[1] = over
        [lock] = [ref for ref in seen(step)["refs"] if ref.startswith("refs/greenloop/locks/")]
        if lease == "over":
            bare = step.fake.world.repositories["octo/sums"].git
            message = bare.git("log", "-1", "--format=%B", lock).decode()
            past = re.sub(r"Until: \d+", "Until: 1763700000", message)
            tree = bare.git("rev-parse", f"{lock}^{{tree}}").decode().strip()
            bare.git(
                "-c",
                "user.name=x",
                "-c",
                "user.email=x@example.org",
                "update-ref",
                lock,
                _commit(bare.path, tree, past),
            )
            assert say(step, "/status")[1].startswith(
                "🔴 **The runner is gone:** `/generate` for ada in [workflow run 1]"
            )
        assert say(step, "/stop")[1].startswith(gone)
        assert [ref for ref in seen(step)["refs"] if ref.startswith("refs/greenloop/locks/")] == []


def _commit(repository: Path, tree: str, message: str) -> str:
    return git("commit-tree", tree, "-m", message, cwd=repository)


def test_a_stop_that_comes_again_ends_no_later_run(step: Step) -> None:
    """Whoever presses "Re-run" at an old job means no run that has begun since."""
    step = replace(step, token=step.fake.actions_token(contents="write", issues="write", actions="write"))
    payload = asked(step)
    stop = step.fake.event("issue_comment", step.fake.comment(1, "/stop"))
    with ModelServer([Stall("Summ")]) as server:
        assert step.run("issue_comment", stop, server, GITHUB_RUN_ID="2")[0] == 0
        with started(step, payload, server) as process:
            server.wait_for(1)
            before = plain(step)
            assert step.run("issue_comment", stop, server, GITHUB_RUN_ID="2")[0] == 0
            assert plain(step) == before
            assert process.poll() is None


def test_a_token_that_may_not_cancel_is_told_what_it_lacks(step: Step) -> None:
    payload = asked(step)
    with ModelServer([Stall("Summ")]) as server, started(step, payload, server) as process:
        server.wait_for(1)
        step.fake.world.repositories["octo/sums"].jobs[1] = lambda: None
        code, said = say(step, "/stop")
        assert process.poll() is None
    assert (code, "actions: write" in said) == (5, True)


def test_the_runs_of_others_are_left_alone(step: Step) -> None:
    step.fake.issue("Something else", author="bob")
    payload = asked(step)
    with ModelServer([Stall("Summ")]) as server, started(step, payload, server) as process:
        server.wait_for(1)
        before = plain(step)["refs"]
        assert say(step, "/stop") == (0, "Nothing is at work here.")
        assert say(step, "/status") == (0, "Nothing is at work here. No run has left a record of #1.")
        assert process.poll() is None
        assert plain(step)["refs"] == before
