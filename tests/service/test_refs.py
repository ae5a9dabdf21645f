"""Branches and records: what somebody else has moved is theirs, and what is old goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.github import FakeGitHub
from fakes.github.bare import Bare
from fakes.model_server import ModelServer
from greenloop.service.old import DAYS, KEPT, prune
from greenloop.workspace import Remote
from job_step import AT_ONCE, RIGHT, WRONG, Step, asked, seen

NOW = 2_000_000_000
DAY = 24 * 60 * 60


def back(git: Bare) -> None:
    """Takes the branch's last commit away."""
    git.git("update-ref", "refs/heads/topic", "refs/heads/topic^")


def sideways(git: Bare) -> None:
    git.git("update-ref", "refs/heads/topic", "refs/heads/main")
    git.commit("topic", {"notes.md": "z\n"}, "another topic")


def gone(git: Bare) -> None:
    git.git("update-ref", "-d", "refs/heads/topic")


MOVES = [
    (back, {"refs/heads/topic": ["initial"]}, 10),
    (sideways, {"refs/heads/topic": ["initial", "another topic"]}, 10),
    (gone, {}, 5),  # which closes the pull request
]


@pytest.mark.parametrize(("move", "left", "then"), MOVES)
def test_a_branch_that_was_moved_meanwhile_stays_where_it_was_put(
    step: Step, move: Any, left: dict[str, list[str]], then: int
) -> None:
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    number = step.fake.pull_request("topic").number
    payload = step.fake.event("issue_comment", step.fake.comment(number, "/generate mend test_total"))

    def meanwhile(_: dict[str, Any]) -> str:
        move(git)
        return AT_ONCE

    with ModelServer([meanwhile]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert code == 10, log
        first = seen(step)
        again, log = step.run("issue_comment", payload, server)
        assert (again, len(server.chats)) == (then, 1), log
    now = seen(step)
    assert then == 5 or now == first
    [run] = [ref for ref in now["refs"] if ref.startswith("refs/greenloop/")]
    assert {ref: now["refs"][ref] for ref in now["refs"] if ref != run} == {"refs/heads/main": ["initial"]} | left
    assert now["refs"][run][:3] == ["initial", "a topic", "fix: add up"]
    said = first["issues"][1]["comments"][1]["body"]
    assert ["🔴 **The result could not be pushed.**" in said, f"kept under {run}" in said] == [True, True]


def test_our_own_branch_moved_by_somebody_during_the_run_is_theirs(step: Step) -> None:
    git = step.fake.world.repositories["octo/sums"].git

    def meanwhile(_: dict[str, Any]) -> str:
        [branch] = [ref for ref in git.refs() if ref.startswith("refs/heads/greenloop/")]
        git.commit(branch.removeprefix("refs/heads/"), {"notes.md": "mine\n"}, "a person's own")
        return RIGHT

    payload = asked(step)
    with ModelServer([WRONG, meanwhile]) as server:
        code, log = step.run("issue_comment", payload, server)
    assert code == 10, log
    now = seen(step)
    [branch] = [ref for ref in now["refs"] if ref.startswith("refs/heads/greenloop/")]
    [run] = [ref for ref in now["refs"] if ref.startswith("refs/greenloop/")]
    assert now["refs"][branch] == ["initial", "fix: subtract", "a person's own"]
    assert now["refs"][run][:3] == ["initial", "fix: subtract", "fix: add up"]
    assert list(now["issues"]) == [1]


def test_old_records_go_and_new_or_few_ones_stay(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path) as fake:
        git = fake.repository("octo/sums", {"a.py": "x = 1\n"}).git
        there = Remote(url=f"{fake.url}/octo/sums.git", token=fake.actions_token())
        tree = git.git("rev-parse", "refs/heads/main^{tree}").decode().strip()

        def record(name: str, days: float) -> None:
            when = f"committer ada <ada@example.org> {NOW - int(days * DAY)} +0000"
            commit = f"tree {tree}\nauthor {when.removeprefix('committer ')}\n{when}\n\nRecord\n"
            sha = git.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit.encode()).decode().strip()
            git.git("update-ref", name, sha)

        clone = tmp_path / "clone"
        clone.mkdir()
        with there.clone(clone, ["refs/heads/main"]):
            for number in range(KEPT - 2):
                record(f"refs/greenloop/runs/new-{number}", 1)
            record("refs/greenloop/runs/old", DAYS + 2)
            record("refs/greenloop/locks/old", DAYS + 3)
            before = git.refs()
            prune(there, clone, tmp_path, clock=lambda: NOW)
            assert git.refs() == before  # not more than are kept in any case
            record("refs/greenloop/runs/older", DAYS + 4)
            record("refs/greenloop/runs/oldest", DAYS + 5)
            record("refs/greenloop/ledger", DAYS + 9)
            record("refs/heads/old", DAYS + 9)
            prune(there, clone, tmp_path, clock=lambda: NOW)
            assert set(git.refs()) - set(before) == {"refs/greenloop/ledger", "refs/heads/old"}
            assert set(before) - set(git.refs()) == set()
            for number in range(3):
                record(f"refs/greenloop/runs/young-{number}", DAYS - 1)
            prune(there, clone, tmp_path, clock=lambda: NOW)  # leaves one more than need be: it is not old
            assert set(before) - set(git.refs()) == {"refs/greenloop/locks/old", "refs/greenloop/runs/old"}
            assert sum(ref.startswith("refs/greenloop/runs/") for ref in git.refs()) == KEPT + 1
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("greenloop-old")] == []
