"""What a person can see of a repository, as plain values without ids and times: to be compared whole."""

from __future__ import annotations

from typing import Any

from fakes.github.state import Issue, Repository
from fakes.github.threads import said_in


def seen(repository: Repository) -> dict[str, Any]:
    git = repository.git
    refs = {ref: git.subjects(ref) for ref in git.refs() if not ref.startswith("refs/pull/")}
    issues = {issue.number: _issue(repository, issue) for issue in repository.issues.values()}
    runs = [(r["conclusion"], r["output"]["title"], len(r["annotations"])) for r in repository.check_runs]
    return {"refs": refs, "issues": issues} | ({"check_runs": runs} if runs else {})


def _issue(repository: Repository, issue: Issue) -> dict[str, Any]:
    comments = [c for c in repository.comments.values() if c.number == issue.number]
    seen: dict[str, Any] = {
        "title": issue.title,
        "body": issue.body,
        "author": issue.author.login,
        "state": issue.state,
        "reactions": _reactions(repository, "issue", issue.number),
        "comments": [
            {"author": c.author.login, "body": c.body, "reactions": _reactions(repository, "comment", c.id)}
            for c in comments
        ],
    }
    pull = issue.pull
    threads = [
        {
            "place": f"{first.path}:{first.line}",
            "resolved": first.resolved,
            "said": [(c.author.login, c.body) for c in said_in(repository, first)],
        }
        for first in repository.review_comments.values()
        if first.number == issue.number and first.in_reply_to is None
    ]
    seen |= {"threads": threads} if threads else {}
    said = [
        (r.author.login, r.state, r.body) for r in repository.reviews.values() if r.number == issue.number and r.body
    ]
    seen |= {"reviews": said} if said else {}
    seen |= {"labels": issue.labels} if issue.labels else {}
    seen |= {"reviewers": pull.reviewers} if pull and pull.reviewers else {}
    return seen | ({"head": pull.head, "base": pull.base, "draft": pull.draft} if pull else {})


def _reactions(repository: Repository, kind: str, number: int) -> list[tuple[str, str]]:
    return [(r.login, r.content) for r in repository.reactions if r.subject == (kind, number)]
