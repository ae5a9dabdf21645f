"""REST: pull requests and reviews."""

from __future__ import annotations

from fakes.github import shapes
from fakes.github.accounts import Json
from fakes.github.call import Call, Reply
from fakes.github.issues import body_of
from fakes.github.state import Issue, Pull, Refusal, Review, ReviewComment, not_found, now


def _pull_of(call: Call) -> Issue:
    found = call.repository.issue(call.number)
    if found.pull is None:
        raise not_found()
    return found


def pull(call: Call) -> Json:
    return shapes.pull(call.world, call.repository, _pull_of(call))


def pulls(call: Call) -> list[Json]:
    """A `head` without a colon is ignored, as GitHub does."""
    repository, query = call.repository, call.query
    rows = []
    for issue, pull in repository.pulls():
        label = f"{pull.source.owner.login if pull.source else 'unknown'}:{pull.head}"
        same = ":" not in query.get("head", "") or label == query["head"]
        state = query.get("state", "open")
        if same and state in {"all", issue.state} and query.get("base", pull.base) == pull.base:
            rows.append(shapes.pull(call.world, repository, issue, whole=False))
    return rows[::-1]


def _invalid(field: str) -> Refusal:
    return Refusal(422, "Validation Failed", {"resource": "PullRequest", "code": "invalid", "field": field})


def _said(message: str) -> Refusal:
    return Refusal(422, "Validation Failed", {"resource": "PullRequest", "code": "custom", "message": message})


def create_pull(call: Call) -> Reply:
    repository, token, body = call.repository, call.sender, call.body
    if token.kind == "app" and not repository.actions_may_propose:
        raise Refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
    head, base, draft = str(body.get("head")), str(body.get("base")), bool(body.get("draft", False))
    tip, target = repository.git.sha(f"refs/heads/{head}"), repository.git.sha(f"refs/heads/{base}")
    if tip is None or target is None:
        raise _invalid("head" if tip is None else "base")
    if draft and not repository.drafts:
        raise _said("Draft pull requests are not supported in this repository.")
    if not repository.git.ahead(target, tip):
        raise _said(f"No commits between {base} and {head}")
    for issue, pull in repository.pulls():
        if issue.state == "open" and (pull.source, pull.head, pull.base) == (repository, head, base):
            raise _said(f"A pull request already exists for {repository.owner.login}:{head}.")
    made = Issue(
        number=max(repository.issues, default=0) + 1,
        id=next(call.world.numbers),
        title=_title(call),
        body=body_of(call, required=False),
        author=token.user,
        pull=Pull(source=repository, head=head, base=base, sha=tip, draft=draft),
    )
    repository.issues[made.number] = made
    repository.follow()
    return Reply(status=201, data=shapes.pull(call.world, repository, made))


def _title(call: Call) -> str:
    title = str(call.body.get("title") or "")
    if not title.strip() or len(title) > 256:
        raise _invalid("title")
    return title


def edit_pull(call: Call) -> Json:
    found = _pull_of(call)
    if "title" in call.body:
        found.title = _title(call)
    if "body" in call.body:
        found.body = body_of(call, required=False)
    found.state, found.updated_at = str(call.body.get("state", found.state)), now()
    return shapes.pull(call.world, call.repository, found)


def review(call: Call) -> Json:
    found = call.repository.reviews.get(int(call.args["id"]))
    if found is None or found.number != call.number:
        raise not_found()
    return shapes.review(call.world, call.repository, found)


def review_comments(call: Call) -> list[Json]:
    found = call.repository.reviews[int(review(call)["id"])]
    rows = [c for c in call.repository.review_comments.values() if c.review == found.id]
    return [shapes.review_comment(call.world, call.repository, c, found.commit) for c in rows]


def reply(call: Call) -> Reply:
    """An answer in a thread, which is a review of its own. Only a thread's first comment can be answered."""
    repository, number, first = call.repository, call.number, call.repository.review_comments.get(int(call.args["id"]))
    issue = _pull_of(call)
    if first is None or first.number != number or first.in_reply_to is not None:
        raise not_found()
    if issue.locked:
        raise Refusal(403, "Unable to create comment because issue is locked.")
    assert issue.pull is not None
    user, numbers = call.sender.user, call.world.numbers
    review = Review(id=next(numbers), number=number, author=user, body="", state="COMMENTED", commit=issue.pull.sha)
    repository.reviews[review.id] = review
    made = ReviewComment(
        id=next(numbers),
        review=review.id,
        number=number,
        author=user,
        body=body_of(call),
        path=first.path,
        line=first.line,
        diff_hunk=first.diff_hunk,
        in_reply_to=first.id,
    )
    repository.review_comments[made.id] = made
    return Reply(status=201, data=shapes.review_comment(call.world, repository, made, review.commit))
