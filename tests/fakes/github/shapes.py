"""The state as GitHub writes it in JSON, with the addresses and fields that clients look at. Pure."""

from __future__ import annotations

from fakes.github.accounts import Json, node, repository, user
from fakes.github.state import Comment, Issue, Pull, Reaction, Repository, Review, ReviewComment, User, World


def _reactions(url: str, count: int) -> Json:
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": count, **dict.fromkeys(kinds, 0)}


def issue(world: World, repo: Repository, item: Issue) -> Json:
    base = f"{world.url}/api/v3/repos/{repo.full_name}"
    url, kind = f"{base}/issues/{item.number}", "pull" if item.pull else "issues"
    page = f"{world.url}/{repo.full_name}/{kind}/{item.number}"
    extra: Json = {}
    if item.pull:
        links = {"url": f"{base}/pulls/{item.number}", "html_url": page}
        extra = {
            "pull_request": links | {"diff_url": f"{page}.diff", "patch_url": f"{page}.patch", "merged_at": None},
            "draft": item.pull.draft,
        }
    return {
        "url": url,
        "repository_url": base,
        "labels_url": url + "/labels{/name}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": item.id,
        "node_id": node("Issue", item.number),
        "number": item.number,
        "title": item.title,
        "user": user(world, item.author),
        "labels": [],
        "state": item.state,
        "locked": item.locked,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": sum(c.number == item.number for c in repo.comments.values()),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "closed_at": None if item.state == "open" else item.updated_at,
        "author_association": _association(repo, item.author),
        "active_lock_reason": "resolved" if item.locked else None,
        "body": item.body or None,
        "reactions": _reactions(url, sum(r.subject == ("issue", item.number) for r in repo.reactions)),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        **extra,
    }


def _association(repo: Repository, who: User) -> str:
    if who is repo.owner:
        return "OWNER"
    return "COLLABORATOR" if who.login in repo.collaborators else "NONE"


def comment(world: World, repo: Repository, item: Comment) -> Json:
    base = f"{world.url}/api/v3/repos/{repo.full_name}"
    url = f"{base}/issues/comments/{item.id}"
    kind = "pull" if repo.issues[item.number].pull else "issues"
    return {
        "url": url,
        "html_url": f"{world.url}/{repo.full_name}/{kind}/{item.number}#issuecomment-{item.id}",
        "issue_url": f"{base}/issues/{item.number}",
        "id": item.id,
        "node_id": node("IssueComment", item.id),
        "user": user(world, item.author),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "author_association": _association(repo, item.author),
        "body": item.body,
        "reactions": _reactions(url, sum(r.subject == ("comment", item.id) for r in repo.reactions)),
        "performed_via_github_app": None if item.app is None else app(world, repo, item.app),
    }


def app(world: World, repo: Repository, slug: str) -> Json:
    return {
        "id": 15368,
        "slug": slug,
        "node_id": node("App", 15368),
        "owner": user(world, repo.owner),
        "name": slug,
        "description": "",
        "external_url": "https://example.org",
        "html_url": f"{world.url}/apps/{slug}",
        "permissions": {"issues": "write"},
        "events": [],
        **dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z"),
    }


def _side(world: World, repo: Repository | None, ref: str, sha: str) -> Json:
    """One end of a pull request: the branch it comes from, or the one it goes to."""
    return {
        "label": f"{repo.owner.login if repo else 'unknown'}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(world, repo.owner) if repo else None,
        "repo": repository(world, repo) if repo else None,
    }


def pull(world: World, repo: Repository, item: Issue, *, whole: bool = True) -> Json:
    """A pull request; lists and webhooks leave out a few fields."""
    assert item.pull is not None
    part: Pull = item.pull
    shape = issue(world, repo, item)
    page = shape["html_url"]
    url = f"{world.url}/api/v3/repos/{repo.full_name}/pulls/{item.number}"
    for name in ("pull_request", "repository_url", "labels_url", "events_url", "timeline_url", "reactions", "comments"):
        del shape[name]
    return shape | {
        "url": url,
        "issue_url": f"{world.url}/api/v3/repos/{repo.full_name}/issues/{item.number}",
        "node_id": node("PullRequest", item.number),
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{url}/comments{{/number}}",
        "statuses_url": f"{url}/statuses",
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": part.draft,
        "merged_at": part.merged_at,
        "merge_commit_sha": None,
        "auto_merge": None,
        "head": _side(world, part.source, part.head, part.sha),
        "base": _side(world, repo, part.base, repo.git.sha(f"refs/heads/{part.base}") or part.sha),
        "_links": {
            "self": {"href": url},
            "html": {"href": page},
            **{name: {"href": f"{url}/{name}"} for name in ("comments", "commits", "issue", "statuses")},
            **{name: {"href": f"{url}/{name}"} for name in ("review_comment", "review_comments")},
        },
        **(_whole(part) if whole else {}),
    }


def _whole(part: Pull) -> Json:
    """What is worked out for a single pull request only."""
    state: Json = {"merged": False, "merged_by": None, "mergeable": None, "mergeable_state": "unknown"}
    counts = dict.fromkeys(("additions", "changed_files", "comments", "commits", "deletions", "review_comments"), 0)
    return state | counts | {"maintainer_can_modify": part.maintainer_can_modify}


def review(world: World, repo: Repository, item: Review) -> Json:
    page = f"{world.url}/{repo.full_name}/pull/{item.number}"
    pull_url = f"{world.url}/api/v3/repos/{repo.full_name}/pulls/{item.number}"
    return {
        "id": item.id,
        "node_id": node("PullRequestReview", item.id),
        "user": user(world, item.author),
        "body": item.body,
        "state": item.state,
        "html_url": f"{page}#pullrequestreview-{item.id}",
        "pull_request_url": pull_url,
        "author_association": _association(repo, item.author),
        "_links": {"html": {"href": page}, "pull_request": {"href": pull_url}},
        "submitted_at": item.submitted_at,
        "commit_id": item.commit,
    }


def review_comment(world: World, repo: Repository, item: ReviewComment, commit: str) -> Json:
    """As the list of one review's comments has it: without lines."""
    url = f"{world.url}/api/v3/repos/{repo.full_name}/pulls/comments/{item.id}"
    page = f"{world.url}/{repo.full_name}/pull/{item.number}#discussion_r{item.id}"
    pull_url = f"{world.url}/api/v3/repos/{repo.full_name}/pulls/{item.number}"
    return {
        "url": url,
        "pull_request_review_id": item.review,
        "id": item.id,
        "node_id": node("PullRequestReviewComment", item.id),
        "diff_hunk": item.diff_hunk,
        "path": item.path,
        "position": 1,
        "original_position": 1,
        "commit_id": commit,
        "original_commit_id": commit,
        "user": user(world, item.author),
        "body": item.body,
        "created_at": item.created_at,
        "updated_at": item.created_at,
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": _association(repo, item.author),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
        **({"in_reply_to_id": item.in_reply_to} if item.in_reply_to else {}),
    }


def reaction(world: World, item: Reaction) -> Json:
    return {
        "id": item.id,
        "node_id": node("Reaction", item.id),
        "user": user(world, world.user(item.login)),
        "content": item.content,
        "created_at": "2026-01-01T00:00:00Z",
    }


def content(world: World, repo: Repository, path: str, *, sha: str, size: int) -> Json:
    """What there is to say of a file beside its bytes."""
    url, page = f"{world.url}/api/v3/repos/{repo.full_name}", f"{world.url}/{repo.full_name}/blob/main/{path}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": size,
        "url": f"{url}/contents/{path}",
        "git_url": f"{url}/git/blobs/{sha}",
        "html_url": page,
        "download_url": page,
        "_links": {"self": f"{url}/contents/{path}", "git": f"{url}/git/blobs/{sha}", "html": page},
    }


def ref(world: World, repo: Repository, name: str, sha: str) -> Json:
    base = f"{world.url}/api/v3/repos/{repo.full_name}/git"
    return {
        "ref": name,
        "node_id": node("Ref", repo.id),
        "url": f"{base}/{name}",
        "object": {"sha": sha, "type": "commit", "url": f"{base}/commits/{sha}"},
    }
