"""Pull requests: read, proposed once for each branch, kept as drafts until they are ready."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.bodies import fitted, titled
from greenloop.forge.github.errors import Ask, Fault
from greenloop.forge.github.values import NotAllowed, Proposed, PullRequest

_WRITE = "pull-requests: write"
_TITLES = 30
_ADVICE = (
    "GitHub Actions may not create pull requests here. Either open it yourself from that address, or allow it: "
    "Settings → Actions → General → Workflow permissions → "
    '"Allow GitHub Actions to create and approve pull requests" (an organization can forbid it for all).'
)
_FORBIDDEN = re.compile(r"not permitted to create or approve pull requests", re.IGNORECASE)
_EXISTS = re.compile(r"a pull request already exists", re.IGNORECASE)
_NO_DRAFTS = re.compile(r"draft pull requests are not supported", re.IGNORECASE)
_MUTATIONS = {False: "markPullRequestReadyForReview", True: "convertPullRequestToDraft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the pull request of `branch` is to be."""

    branch: str
    base: str
    title: str
    body: str
    draft: bool


def pull_request(api: Api, number: int) -> PullRequest:
    ask = Ask(path=f"{api.repo}/pulls/{number}", doing=f"read pull request #{number}", needs="pull-requests: read")
    return reading.read(reading.pull_request, api.get(ask))


def of_branch(api: Api, branch: str) -> PullRequest | None:
    """The open one of a branch of this repository, whatever it is offered to; the newest when there are several."""
    ask = Ask(
        path=f"{api.repo}/pulls",
        doing=f"look for the pull request of {branch}",
        needs="pull-requests: read",
        query={"state": "open", "head": f"{api.connection.owner}:{branch}"},
    )
    found = (reading.read(reading.pull_request, row) for row in api.newest(ask, pages=1))
    same = [pull for pull in found if not pull.is_fork and (pull.head_ref, pull.state) == (branch, "open")]
    return max(same, key=lambda pull: pull.number, default=None)


def merged_titles(api: Api) -> tuple[str, ...]:
    """Of the pull requests of people that were merged last, newest first."""
    ask = Ask(
        path=f"{api.repo}/pulls",
        doing="read the titles of merged pull requests",
        needs="pull-requests: read",
        query={"state": "closed", "sort": "updated", "direction": "desc"},
    )
    rows = [row for row in api.newest(ask, pages=1) if isinstance(row, dict) and row.get("merged_at")]
    people = [row for row in rows if (row.get("user") or {}).get("type") == "User"]
    return tuple(str(row.get("title", "")) for row in people[:_TITLES])


def label(api: Api, number: int, labels: tuple[str, ...]) -> None:
    path = f"{api.repo}/issues/{number}/labels"
    api.write(Ask(verb="POST", path=path, doing=f"label #{number}", needs=_WRITE, body={"labels": list(labels)}))


def ask_reviewers(api: Api, number: int, people: tuple[str, ...], teams: tuple[str, ...]) -> None:
    """Twice is once."""
    path = f"{api.repo}/pulls/{number}/requested_reviewers"
    body = {"reviewers": list(people)} | ({"team_reviewers": list(teams)} if teams else {})
    api.write(Ask(verb="POST", path=path, doing=f"ask for reviews of #{number}", needs=_WRITE, body=body))


def propose(api: Api, offer: Offer, *, me: Callable[[], str]) -> Proposed | NotAllowed:
    """The open pull request of this branch, brought up to date when it is ours; a new one when there is none."""
    offer = replace(offer, title=titled(api.clean(offer.title)), body=fitted(api.clean(offer.body)))
    found = _find(api, offer)
    if found is not None:
        return _update(api, reading.read(reading.pull_request, found), offer, me=me)
    try:
        return _create(api, offer)
    except Fault as fault:
        if _FORBIDDEN.search(fault.words):
            return NotAllowed(compare_url=api.connection.compare_url(offer.base, offer.branch), advice=_ADVICE)
        if offer.draft and _NO_DRAFTS.search(fault.words):
            return _create(api, replace(offer, draft=False))
        found = _find(api, offer) if _EXISTS.search(fault.words) else None
        if found is None:
            raise
        return _update(api, reading.read(reading.pull_request, found), offer, me=me)


def set_draft(api: Api, pull: PullRequest, *, draft: bool) -> None:
    """GraphQL alone can do it. A lost answer is looked up, for GitHub refuses what is so already."""
    if pull.draft == draft:
        return
    name = _MUTATIONS[draft]
    query = f"mutation($id: ID!) {{ {name}(input: {{pullRequestId: $id}}) {{ pullRequest {{ isDraft }} }} }}"
    doing = f"make pull request #{pull.number} {'a draft' if draft else 'ready for review'}"

    def look() -> object:
        return {"data": {}} if pull_request(api, pull.number).draft == draft else None

    ask = Ask(doing=doing, needs=f"contents: write` and `{_WRITE}", repeatable=False)
    api.graphql(ask, query, {"id": pull.node}, look=look)


def _find(api: Api, offer: Offer) -> object:
    """The open one of this very branch, as GitHub tells it: it ignores a filter that it does not like."""
    ask = Ask(
        path=f"{api.repo}/pulls",
        doing=f"look for the pull request of {offer.branch}",
        needs="pull-requests: read",
        query={"state": "open", "head": f"{api.connection.owner}:{offer.branch}", "base": offer.base},
    )
    for row in api.newest(ask, pages=3):
        pull = reading.read(reading.pull_request, row)
        same = (pull.head_ref, pull.base_ref) == (offer.branch, offer.base)
        if same and pull.state == "open" and not pull.is_fork:
            return row
    return None


def _create(api: Api, offer: Offer) -> Proposed:
    ask = Ask(
        verb="POST",
        path=f"{api.repo}/pulls",
        doing=f"create the pull request of {offer.branch}",
        needs=_WRITE,
        body={
            "title": offer.title,
            "body": offer.body,
            "head": offer.branch,
            "base": offer.base,
            "draft": offer.draft,
        },
        repeatable=False,
    )
    made = reading.read(reading.pull_request, api.write(ask, look=lambda: _find(api, offer)))
    return Proposed(number=made.number, url=made.url, draft=made.draft, created=True)


def _update(api: Api, pull: PullRequest, offer: Offer, *, me: Callable[[], str]) -> Proposed:
    """What a person has opened keeps that person's words."""
    if pull.author != me():
        return Proposed(number=pull.number, url=pull.url, draft=pull.draft, created=False, ours=False)
    wanted = {"title": offer.title, "body": offer.body}
    if wanted != {"title": pull.title, "body": pull.body}:
        path = f"{api.repo}/pulls/{pull.number}"
        api.write(Ask(verb="PATCH", path=path, doing=f"edit pull request #{pull.number}", needs=_WRITE, body=wanted))
    set_draft(api, pull, draft=offer.draft)
    return Proposed(number=pull.number, url=pull.url, draft=offer.draft, created=False)
