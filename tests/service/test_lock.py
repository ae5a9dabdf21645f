"""The lock of a request: who has it is at work, and trouble on the way to it is not taken for somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.github import FakeGitHub
from fakes.github.faults import Fault, broken
from fakes.model_server import ModelServer
from greenloop.errors import NotPushed
from greenloop.service.lock import LEASE, AtWork, Lock
from greenloop.workspace import Remote
from job_step import Step, asked, seen

PUSH = ("POST", "git-receive-pack$")
REF = "refs/greenloop/locks/k"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def lock(fake: FakeGitHub, folder: Path, run: str, clock: Clock) -> Iterator[Lock]:
    remote = Remote(url=f"{fake.url}/octo/sums.git", token=fake.actions_token(), sleep=lambda _: None)
    clone = folder / f"clone-{run}"
    clone.mkdir()
    with remote.clone(clone, ("refs/heads/main", REF)) as workspace:
        yield Lock(workspace, remote, clone=clone, key="k", run=run, clock=clock)


def test_trouble_on_the_way_is_nobody_at_work(tmp_path: Path) -> None:
    """For as long as the lease lasts: after that somebody else may have begun."""
    clock = Clock()
    with FakeGitHub(tmp_path) as fake:
        git = fake.repository("octo/sums", {"a.py": "x = 1\n"}).git
        with lock(fake, tmp_path, "1", clock) as ours:
            ours.take()
            first = git.sha(REF)
            for minutes in (2, 4):
                clock.now = 1_000_000.0 + 60 * minutes
                fake.on(*PUSH, broken(503), times=3)
                ours.renew()
                assert git.sha(REF) == first
            clock.now += 61
            ours.renew()
            assert git.sha(REF) != first
            clock.now += LEASE
            fake.on(*PUSH, broken(503), times=3)
            with pytest.raises(NotPushed, match="could not be reached, three times"):
                ours.renew()


def test_who_has_taken_over_is_not_disturbed(tmp_path: Path) -> None:
    clock = Clock()
    with FakeGitHub(tmp_path) as fake:
        fake.repository("octo/sums", {"a.py": "x = 1\n"})
        with lock(fake, tmp_path, "1", clock) as ours, lock(fake, tmp_path, "2", clock) as at_once:
            ours.take()
            with pytest.raises(AtWork, match="workflow run another"):
                at_once.take()
            clock.now += LEASE + 1
            with lock(fake, tmp_path, "3", clock) as later:
                later.take()
                with pytest.raises(NotPushed):
                    ours.renew()
                ours.release()
            with lock(fake, tmp_path, "4", clock) as last, pytest.raises(AtWork, match="workflow run 3"):
                last.take()


def test_a_token_that_may_not_push_is_told_what_it_needs(step: Step) -> None:
    """And not that somebody else is at work, which would be waited for in vain."""
    payload = asked(step)
    step.fake.on(*PUSH, Fault(reason="permission denied"))
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, server.chats) == (10, []), log
    [told] = [c["body"] for c in seen(step)["issues"][1]["comments"] if c["author"] == "github-actions[bot]"]
    assert "permissions: contents: write" in told
    assert "worked on" not in told
