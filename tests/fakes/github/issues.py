"""REST: issues, comments and reactions."""

from __future__ import annotations

from collections.abc import Callable

from fakes.github import shapes
from fakes.github.accounts import Json
from fakes.github.call import Call, Reply
from fakes.github.state import Comment, Reaction, Refusal, not_found, now

BODY = 65_536
_REACTIONS = {"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}


def issue(call: Call) -> Json:
    return shapes.issue(call.world, call.repository, call.repository.issue(call.number))


def comments(call: Call) -> list[Json]:
    call.repository.issue(call.number)
    rows = [c for c in call.repository.comments.values() if c.number == call.number]
    return [shapes.comment(call.world, call.repository, c) for c in rows]


def comment_of(call: Call) -> Comment:
    found = call.repository.comments.get(int(call.args["id"]))
    if found is None:
        raise not_found()
    return found


def comment(call: Call) -> Json:
    return shapes.comment(call.world, call.repository, comment_of(call))


def body_of(call: Call, *, required: bool = True) -> str:
    body = call.body.get("body")
    if not isinstance(body, str) or (required and not body.strip()):
        raise Refusal(422, "Validation Failed", {"resource": "IssueComment", "code": "missing_field", "field": "body"})
    if len(body) > BODY:
        error = {"code": "custom", "field": "body", "message": f"body is too long (maximum is {BODY} characters)"}
        raise Refusal(422, "Validation Failed", {"resource": "IssueComment", **error})
    return body


def create_comment(call: Call) -> Reply:
    issue, token = call.repository.issue(call.number), call.sender
    if issue.locked and not (token.kind == "user" and call.repository.may(token.user.login, "write")):
        raise Refusal(403, "Unable to create comment because issue is locked.")
    app = token.user.login.removesuffix("[bot]") if token.kind == "app" else None
    made = Comment(id=next(call.world.numbers), number=call.number, author=token.user, body=body_of(call), app=app)
    call.repository.comments[made.id] = made
    return Reply(status=201, data=shapes.comment(call.world, call.repository, made))


def edit_comment(call: Call) -> Json:
    found, token = comment_of(call), call.sender
    if token.kind == "user" and found.author is not token.user and not call.repository.may(token.user.login, "write"):
        raise Refusal(403, "Must have admin rights to Repository.")
    found.body, found.updated_at = body_of(call), now()
    return shapes.comment(call.world, call.repository, found)


def label(call: Call) -> list[Json]:
    """A label that the repository does not have is made."""
    found = call.repository.issue(call.number)
    found.labels += [name for name in call.body["labels"] if name not in found.labels]
    return [{"id": 1, "node_id": "L", "name": name, "color": "ededed", "default": False} for name in found.labels]


def react(kind: str, find: Callable[[Call], int]) -> Callable[[Call], Reply]:
    def react(call: Call) -> Reply:
        subject, content = (kind, find(call)), str(call.body.get("content"))
        if content not in _REACTIONS:
            raise Refusal(422, "Validation Failed", {"resource": "Reaction", "code": "invalid", "field": "content"})
        login = call.sender.user.login
        for known in call.repository.reactions:
            if (known.subject, known.login, known.content) == (subject, login, content):
                return Reply(data=shapes.reaction(call.world, known))
        made = Reaction(id=next(call.world.numbers), subject=subject, login=login, content=content)
        call.repository.reactions.append(made)
        return Reply(status=201, data=shapes.reaction(call.world, made))

    return react


def review_comment_id(call: Call) -> int:
    found = int(call.args["id"])
    if found not in call.repository.review_comments:
        raise not_found()
    return found
