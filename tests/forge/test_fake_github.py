"""The fake GitHub is one to git as well: clones and pushes by the real client, and GitHub's reasons against a push."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.github.faults import broken, dropped, lost, meanwhile, rejected
from forge.conftest import Hub

Git = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def git(hub: Hub, tmp_path: Path) -> Git:
    """The client, with a token in its environment alone, in a clone of the repository."""

    def run(*args: str, token: str | None = "", kind: str = "basic") -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ) | {"GIT_TERMINAL_PROMPT": "0"}
        value = hub.connection().token if token == "" else token
        if value:
            secret = b64encode(f"x-access-token:{value}".encode()).decode() if kind == "basic" else value
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{hub.fake.url}/.extraheader",
                "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: {kind} {secret}",
            }
        folder = tmp_path / "clone" if (tmp_path / "clone").exists() else tmp_path
        return subprocess.run(
            ["git", *args], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    assert run("clone", "-q", f"{hub.fake.url}/own/repo.git", "clone", token=None).returncode == 0
    return run


def change(git: Git, tmp_path: Path, path: str, text: bytes = b"new\n") -> None:
    target = tmp_path / "clone" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    git("add", "-A")
    assert git("commit", "-q", "-m", f"change {path}").returncode == 0


def test_pushes_are_seen_by_rest_and_pull_requests_follow(hub: Hub, git: Git, tmp_path: Path) -> None:
    change(git, tmp_path, "b.py")
    assert git("push", "-q", "origin", "HEAD:refs/heads/greenloop/x", "HEAD:refs/greenloop/runs/key").returncode == 0
    pull = hub.fake.pull_request("greenloop/x", "A change")
    change(git, tmp_path, "large", os.urandom(2_000_000))  # sent in chunks
    assert git("push", "-q", "origin", "HEAD:greenloop/x", kind="bearer").returncode == 0
    tip = git("rev-parse", "HEAD").stdout.strip()
    github = hub.github()
    assert (github.pull_request(pull.number).head_sha, hub.repository.git.sha("refs/heads/greenloop/x")) == (tip, tip)
    assert git("ls-remote", "origin", "refs/pull/2/head").stdout.split() == [tip, "refs/pull/2/head"]
    assert hub.fake.snapshot()["own/repo"]["refs"] == {
        "refs/heads/main": ["initial"],
        "refs/heads/greenloop/x": ["initial", "change b.py", "change large"],
        "refs/greenloop/runs/key": ["initial", "change b.py"],
    }
    assert git("push", "-q", "origin", ":greenloop/x").returncode == 0
    assert github.pull_request(pull.number).state == "closed"


def test_who_may_clone_and_push(hub: Hub, git: Git, tmp_path: Path) -> None:
    fake = hub.fake
    change(git, tmp_path, "b.py")
    fake.user("ada", permission="read")
    fake.user("bob", permission="write")
    reader, writer = fake.personal_token("ada"), fake.personal_token("bob")
    little, other = fake.actions_token(contents="read"), fake.repository("own/other", {"a": "b"})
    elsewhere = fake.actions_token(repository=other)

    def push(token: str | None) -> str:
        return git("push", "origin", "HEAD:x", token=token).stderr

    assert "could not read Username" in push(None)
    assert "could not read Username" in push("ghs_of-yesterday")
    assert "Permission to own/repo.git denied to ada" in push(reader)
    assert "Permission to own/repo.git denied to github-actions[bot]" in push(little)
    assert "denied to github-actions[bot]" in push(elsewhere)
    assert "[new branch]" in push(writer)
    hub.repository.archived = True
    assert "archived so it is read-only" in push(writer)
    hub.repository.private = True
    fetches = [git("fetch", "origin", token=t).returncode == 0 for t in (None, elsewhere, little, reader)]
    assert fetches == [False, False, True, True]
    assert "not found" in git("ls-remote", f"{fake.url}/own/nothing.git").stderr


def test_pushes_that_github_turns_down(hub: Hub, git: Git, tmp_path: Path) -> None:
    change(git, tmp_path, ".github/workflows/ci.yml")
    change(git, tmp_path, "b.py")
    refused = git("push", "origin", "HEAD:x", "HEAD~2:refs/heads/y")
    said = "without `workflows` permission)"
    assert refused.returncode == 1
    assert f"(refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` {said}" in (
        refused.stderr
    )
    assert "without `workflow` scope)" in git("push", "origin", "HEAD:x", token=hub.fake.personal_token("own")).stderr
    assert list(hub.repository.git.refs()) == ["refs/heads/main"]
    assert "deny updating a hidden ref" in git("push", "origin", "HEAD~2:refs/pull/9/head").stderr
    allowed = hub.fake.personal_token("own", "repo", "workflow")
    assert git("push", "-q", "origin", "HEAD:x", token=allowed).returncode == 0
    hub.fake.on("POST", "/git-receive-pack$", rejected("protected branch hook declined"))
    change(git, tmp_path, "c.py")
    assert "! [remote rejected] HEAD -> x (protected branch hook declined)" in git("push", "origin", "HEAD:x").stderr
    assert hub.repository.git.subjects("refs/heads/x")[-1] == "change b.py"


def test_faults_on_the_way_of_a_push(hub: Hub, git: Git, tmp_path: Path) -> None:
    theirs = hub.repository.git
    change(git, tmp_path, "b.py")
    assert git("push", "-q", "origin", "HEAD:x").returncode == 0
    change(git, tmp_path, "c.py")
    hub.fake.on("POST", "/git-receive-pack$", meanwhile(lambda: theirs.commit("x", {"d.py": "by hand\n"}, "by hand")))
    assert "remote rejected" in git("push", "origin", "HEAD:x").stderr  # moved after the client had looked
    assert theirs.subjects("refs/heads/x") == ["initial", "change b.py", "by hand"]
    assert "(fetch first)" in git("push", "origin", "HEAD:x").stderr
    for fault, times in ((broken(), 1), (dropped(), 2)):  # git's client connects anew when a kept connection breaks
        hub.fake.on("POST", "/git-receive-pack$", fault, times=times)
        assert git("push", "origin", "HEAD:y").returncode != 0
        assert theirs.sha("refs/heads/y") is None
    hub.fake.on("POST", "/git-receive-pack$", lost())
    assert git("push", "origin", "HEAD:y").returncode != 0
    assert theirs.subjects("refs/heads/y") == ["initial", "change b.py", "change c.py"]
    assert "Everything up-to-date" in git("push", "origin", "HEAD:y").stderr


def test_events_tell_what_is_there(hub: Hub) -> None:
    fake = hub.fake
    hub.repository.git.commit("feature", {"b.py": "y\n"})
    pull = fake.pull_request("feature", author="bob")
    comment, review = fake.comment(pull.number, "/generate x"), fake.review(pull.number, "Mend it")
    event = fake.event("issue_comment", comment, action="edited", before="/generate")
    seen = (event["action"], event["comment"]["body"], event["changes"], event["sender"]["login"])
    assert seen == ("edited", "/generate x", {"body": {"from": "/generate"}}, "ada")
    assert event["issue"]["pull_request"]["url"] == f"{fake.api_url}/repos/own/repo/pulls/{pull.number}"
    assert event["repository"]["full_name"] == "own/repo"
    event = fake.event("pull_request_review", review)
    seen = (event["action"], event["review"]["state"], event["pull_request"]["head"]["ref"], event["review"]["id"])
    assert seen == ("submitted", "changes_requested", "feature", review.id)
    event = fake.event("issues", hub.repository.issues[1], action="labeled", label="greenloop", sender="bob")
    assert (event["label"]["name"], event["issue"]["title"], event["sender"]["login"]) == (
        "greenloop",
        "Add retry",
        "bob",
    )
    event = fake.event("workflow_dispatch", {"prompt": "add retry"})
    assert (event["inputs"], event["ref"]) == ({"prompt": "add retry"}, "refs/heads/main")
    with pytest.raises(AssertionError, match="push is not about"):
        fake.event("push", comment)
    assert fake.environment() == {
        "GITHUB_API_URL": fake.api_url,
        "GITHUB_SERVER_URL": fake.url,
        "GITHUB_GRAPHQL_URL": f"{fake.url}/api/graphql",
        "GITHUB_REPOSITORY": "own/repo",
    }
