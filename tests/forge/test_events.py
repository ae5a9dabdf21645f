"""Payloads as GitHub sends them → what is asked of us, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from greenloop.domain import Request, Source
from greenloop.errors import Misconfigured
from greenloop.forge import events

REPOSITORY = {"full_name": "octo/uploader"}


def comment(body: str | None, *, action: str = "created", on_pull_request: bool = False) -> dict[str, Any]:
    issue: dict[str, Any] = {"number": 12, "title": "Upload fails", "body": "On 503 it gives up.\n@bob saw it"}
    if on_pull_request:
        issue["pull_request"] = {"url": "https://api.github.com/repos/octo/uploader/pulls/12"}
    said = {"id": 99, "body": body, "user": {"login": "ada", "type": "User"}, "created_at": "2026-11-21T10:00:00Z"}
    return {"action": action, "issue": issue, "comment": said, "repository": REPOSITORY, "sender": {"login": "ada"}}


def review(body: str | None, state: str, *, head: Any = None) -> dict[str, Any]:
    own = {"ref": "retry", "repo": {"full_name": "octo/uploader"}}
    said = {"id": 7, "body": body, "state": state, "user": {"login": "ada"}, "submitted_at": "2026-11-21T10:00:00Z"}
    pull = {"number": 13, "head": own if head is None else head, "base": {"ref": "main", "repo": REPOSITORY}}
    return {"action": "submitted", "review": said, "pull_request": pull, "repository": REPOSITORY}


def dispatch(**inputs: str) -> dict[str, Any]:
    return {"inputs": inputs, "repository": REPOSITORY, "sender": {"login": "ada"}, "ref": "refs/heads/main"}


def test_a_comment_on_an_issue_is_a_request() -> None:
    text = "  \n> quoted: /evaluate\n\n /generate Add Retry\n  to the *uploader*  \n"
    assert events.parse("issue_comment", comment(text)) == Request(
        key="comment-99-664c4a6336f0",
        at="2026-11-21T10:00:00Z",
        command="generate",
        text="Add Retry\n  to the *uploader*",
        source=Source.ISSUE,
        repository="octo/uploader",
        actor="ada",
        base="",
        number=12,
        comment=99,
    )


def test_a_bare_command_adopts_the_issue_as_in_the_payload() -> None:
    made = events.parse("issue_comment", comment("/generate"))
    assert made is not None
    assert made.text == "Upload fails\n\nOn 503 it gives up.\n@bob saw it"
    made = events.parse("issue_comment", comment("/generate\n", on_pull_request=True))
    assert made is not None
    assert (made.source, made.text) == (Source.PULL_REQUEST, "")


NOT_FOR_US = [
    ("issue_comment", comment("please /generate it")),
    ("issue_comment", comment("> /generate quoted only")),
    ("issue_comment", comment("```\n/generate in a block\n```")),
    ("issue_comment", comment("/generated")),
    ("issue_comment", comment("/Generate")),
    ("issue_comment", comment("/deploy")),
    ("issue_comment", comment("")),
    ("issue_comment", comment(None)),
    ("issue_comment", comment("/generate x", action="edited")),
    ("issue_comment", comment("/generate x", action="deleted")),
    ("pull_request_review", review("looks good", "approved")),
    ("pull_request_review", review("I would /refactor this", "commented")),
    ("pull_request_review", review("/generate", "changes_requested") | {"action": "dismissed"}),
    ("push", {}),
    ("pull_request", {"action": "opened"}),
]


@pytest.mark.parametrize(("name", "payload"), NOT_FOR_US)
def test_everything_else_is_not_for_us(name: str, payload: dict[str, Any]) -> None:
    assert events.parse(name, payload) is None


def test_reviews_that_start_a_run() -> None:
    asked = events.parse("pull_request_review", review("Too long.\n", "changes_requested"))
    assert asked == Request(
        key="review-7-97d25b78b447",
        at="2026-11-21T10:00:00Z",
        command="refactor",
        text="Too long.",
        source=Source.REVIEW,
        repository="octo/uploader",
        actor="ada",
        base="",
        head="retry",
        number=13,
        comment=7,
    )
    worded = events.parse("pull_request_review", review("/refactor shorter", "commented"))
    assert worded is not None
    assert (worded.command, worded.text, worded.fork) == ("refactor", "shorter", False)
    for head in ({"ref": "x", "repo": None}, {"ref": "x", "repo": {"full_name": "eve/uploader"}}):
        foreign = events.parse("pull_request_review", review("x", "changes_requested", head=head))
        assert foreign is not None
        assert foreign.fork


def test_the_inputs_of_a_dispatch() -> None:
    made = events.parse("workflow_dispatch", dispatch(prompt=" add retry ", number="#12", base="dev"), run_id="55")
    assert made is not None
    assert (made.command, made.text, made.number, made.base, made.actor) == ("generate", "add retry", 12, "dev", "ada")
    again = events.parse("workflow_dispatch", dispatch(prompt="add retry", number="12"), run_id="55")
    assert again is not None
    assert again.key == made.key
    only = events.parse("workflow_dispatch", dispatch(command="/evaluate"), run_id="55")
    assert only is not None
    assert only.command == "evaluate"


WRONG = [
    ("workflow_dispatch", dispatch(prompt=""), "`prompt` is empty"),
    ("workflow_dispatch", {"inputs": None, "repository": REPOSITORY, "sender": {"login": "a"}}, "`prompt` is empty"),
    ("workflow_dispatch", dispatch(prompt="x", command="deploy"), "'deploy'; there is generate"),
    ("workflow_dispatch", dispatch(prompt="x", number="twelve"), "'twelve'"),
    ("issue_comment", {"action": "created"}, "KeyError('comment')"),
    ("issue_comment", {"action": "created", "comment": "x", "issue": {}}, "TypeError"),
    ("pull_request_review", {}, "KeyError('review')"),
]


@pytest.mark.parametrize(("name", "payload", "said"), WRONG)
def test_what_is_wrong_is_told(name: str, payload: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        events.parse(name, payload)
    assert said in str(caught.value)


def test_another_text_is_another_request() -> None:
    keys = {getattr(events.parse("issue_comment", comment(f"/generate {n}")), "key", "") for n in (1, 2, 1)}
    assert len(keys) == 2
