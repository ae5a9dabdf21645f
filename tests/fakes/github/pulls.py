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


def ask_reviewers(call: Call) -> Reply:
    """Who opened it reviews nothing of it, and neither does a stranger."""
    issue, repository = _pull_of(call), call.repository
    assert issue.pull is not None
    people = [str(login) for login in call.body.get("reviewers", [])]
    if issue.author.login in people:
        raise Refusal(422, "Review cannot be requested from pull request author.")
    if not all(repository.may(login, "write") for login in people):
        raise Refusal(422, "Reviews may only be requested from collaborators.")
    asked = [*people, *(f"/{team}" for team in call.body.get("team_reviewers", []))]
    issue.pull.reviewers += [name for name in asked if name not in issue.pull.reviewers]
    return Reply(status=201, data=shapes.pull(call.world, repository, issue))


def reviews(call: Call) -> list[Json]:
    number = _pull_of(call).number
    rows = [r for r in call.repository.reviews.values() if r.number == number]
    return [shapes.review(call.world, call.repository, r) for r in rows]


def create_review(call: Call) -> Reply:
    """One line that is not on the new side of the difference refuses all of it; nobody judges what is their own."""
    repository, issue, user = call.repository, _pull_of(call), call.sender.user
    assert issue.pull is not None
    commit, event = str(call.body.get("commit_id") or issue.pull.sha), str(call.body.get("event"))
    state = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}[event]
    if state != "COMMENTED" and user is issue.author:
        raise Refusal(422, "Unprocessable Entity", "Can not request changes on your own pull request")
    if issue.locked:
        raise Refusal(403, "Unable to create review because issue is locked.")
    there = repository.git.shown(repository.git.sha(f"refs/heads/{issue.pull.base}") or "", commit)
    comments = [dict(c) for c in call.body.get("comments", [])]
    if any(c["line"] not in there.get(c["path"], ()) or c.get("side") != "RIGHT" for c in comments):
        raise Refusal(422, "Unprocessable Entity", "Pull request review thread line must be part of the diff")
    numbers, number = call.world.numbers, issue.number
    made = Review(id=next(numbers), number=number, author=user, body=body_of(call), state=state, commit=commit)
    repository.reviews[made.id] = made
    for c in comments:
        row = ReviewComment(
            id=next(numbers),
            review=made.id,
            number=number,
            author=user,
            body=c["body"],
            path=c["path"],
            line=c["line"],
            diff_hunk="@@ -0,0 +1 @@\n+x",
        )
        repository.review_comments[row.id] = row
    return Reply(data=shapes.review(call.world, repository, made))


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
