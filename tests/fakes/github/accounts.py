"""Accounts and repositories as GitHub writes them in JSON. Pure."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from fakes.github.state import Repository, User, World

Json = dict[str, Any]
_USER_URLS = (
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "organizations",
    "repos",
    "events",
    "received_events",
)
_REPOSITORY_URLS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams "
    "trees"
)
_COUNTS = "forks forks_count network_count open_issues open_issues_count size stargazers_count subscribers_count"
_SWITCHES = "has_discussions has_downloads has_issues has_pages has_projects has_wiki is_template"


def node(kind: str, number: int) -> str:
    """A name in GraphQL: opaque to clients."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def user(world: World, who: User) -> Json:
    url = f"{world.url}/api/v3/users/{who.login}"
    return {
        "login": who.login,
        "id": who.id,
        "node_id": node("User", who.id),
        "avatar_url": f"{world.url}/avatars/{who.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.url}/{who.login}",
        **{f"{name}_url": f"{url}/{name}" for name in _USER_URLS},
        "type": who.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def repository(world: World, repo: Repository) -> Json:
    url = f"{world.url}/api/v3/repos/{repo.full_name}"
    page = f"{world.url}/{repo.full_name}"
    return {
        "id": repo.id,
        "node_id": node("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "visibility": "private" if repo.private else "public",
        "owner": user(world, repo.owner),
        "html_url": page,
        "url": url,
        "clone_url": f"{page}.git",
        "git_url": f"{page}.git",
        "description": None,
        "fork": False,
        "archived": repo.archived,
        "disabled": False,
        "default_branch": repo.default_branch,
        "homepage": None,
        "language": "Python",
        "license": None,
        "mirror_url": None,
        "ssh_url": f"git@github.example:{repo.full_name}.git",
        "svn_url": page,
        "topics": [],
        **dict.fromkeys(_SWITCHES.split(), False),
        **dict.fromkeys([*_COUNTS.split(), "watchers", "watchers_count"], 0),
        **dict.fromkeys(("created_at", "updated_at", "pushed_at"), "2026-01-01T00:00:00Z"),
        **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_URLS.split()},
    }
