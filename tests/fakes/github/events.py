"""Webhook payloads of what is on the fake, in the shape of GitHub's own examples."""

from __future__ import annotations

from collections.abc import Mapping

from fakes.github import accounts, shapes
from fakes.github.accounts import Json
from fakes.github.state import Comment, Issue, Repository, Review, User, World


def issue_comment(world: World, repository: Repository, comment: Comment, *, action: str, before: str) -> Json:
    """`before` is the body that an edit replaced."""
    extra: Json = {"changes": {"body": {"from": before}}} if action == "edited" else {}
    return {
        "action": action,
        "issue": shapes.issue(world, repository, repository.issues[comment.number]),
        "comment": shapes.comment(world, repository, comment),
        **extra,
    }


def issues(world: World, repository: Repository, issue: Issue, *, action: str, label: str) -> Json:
    named = {
        "id": 1,
        "node_id": "L",
        "name": label,
        "color": "00ff00",
        "default": False,
        "description": None,
        "url": "",
    }
    return {"action": action, "issue": shapes.issue(world, repository, issue)} | ({"label": named} if label else {})


def pull_request_review(world: World, repository: Repository, review: Review, *, action: str) -> Json:
    """In webhooks the state is in lower case."""
    shape = shapes.review(world, repository, review)
    pull = shapes.pull(world, repository, repository.issues[review.number], whole=False)
    return {"action": action, "review": shape | {"state": review.state.lower()}, "pull_request": pull}


def workflow_dispatch(repository: Repository, inputs: Mapping[str, str]) -> Json:
    ref = f"refs/heads/{repository.default_branch}"
    return {"inputs": dict(inputs) or None, "ref": ref, "workflow": ".github/workflows/generate.yml"}


def repository_dispatch(repository: Repository, kind: str, given: Mapping[str, object]) -> Json:
    return {
        "action": kind,
        "branch": repository.default_branch,
        "client_payload": dict(given),
        "installation": {"id": 1, "node_id": "I"},
    }


def failed_run(world: World, repository: Repository, branch: str, sha: str, *, run: int, name: str) -> Json:
    """`workflow_run`, as far as anybody of us looks at it."""
    page = f"{world.url}/{repository.full_name}/actions/runs/{run}"
    about = {
        "id": run,
        "name": name,
        "head_branch": branch,
        "head_sha": sha,
        "head_repository": {"full_name": repository.full_name},
        "conclusion": "failure",
        "status": "completed",
        "event": "pull_request",
        "html_url": page,
        "pull_requests": [],
        "updated_at": "2026-11-21T12:00:00Z",
    }
    return {"action": "completed", "workflow_run": about, "workflow": {"id": 1, "name": name}}


def failed_suite(branch: str, sha: str, *, suite: int, app: str) -> Json:
    about = {
        "id": suite,
        "head_branch": branch,
        "head_sha": sha,
        "conclusion": "failure",
        "status": "completed",
        "app": {"name": app},
        "pull_requests": [],
        "updated_at": "2026-11-21T12:00:00Z",
    }
    return {"action": "completed", "check_suite": about}


def signed(world: World, repository: Repository, payload: Json, sender: User) -> Json:
    """What every payload has."""
    return payload | {"repository": accounts.repository(world, repository), "sender": accounts.user(world, sender)}
