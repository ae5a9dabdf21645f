"""Payloads as GitHub sends them → what is asked of us, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from greenloop.domain import Request, Source
from greenloop.errors import Misconfigured
from greenloop.forge import events
from greenloop.orders import UNKNOWN, Words
from greenloop.settings import Settings

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


def dispatched(kind: str, **given: object) -> dict[str, Any]:
    return {"action": kind, "client_payload": given, "repository": REPOSITORY, "sender": {"login": "ada"}}


def labelled(name: str, **more: object) -> dict[str, Any]:
    issue = {"number": 12, "title": "Upload fails", "body": "On 503.", "updated_at": "2026-11-21T11:00:00Z", **more}
    sender = {"login": "mia"}
    return {"action": "labeled", "issue": issue, "label": {"name": name}, "repository": REPOSITORY, "sender": sender}


WORDS = Words.of(Settings(), me="github-actions[bot]")


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
    ("issue_comment", comment("/deploy")),
    ("issue_comment", comment("/gif of it")),
    *(("issue_comment", comment(f"/{word}")) for word in ("merge", "hold", "rebase", "retest", "close", "state")),
    ("issue_comment", comment("/usr/bin/generate")),
    ("issues", labelled("bug")),
    ("issues", labelled("greenloop") | {"action": "unlabeled"}),
    ("issues", labelled("greenloop", pull_request={"url": "x"})),
    ("issues", {"action": "opened", "issue": {}}),
    ("issues", labelled("") | {"action": "assigned", "assignee": {"login": "bob"}}),
    ("repository_dispatch", dispatched("deploy", prompt="x")),
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
    assert events.parse(name, payload, words=WORDS) is None


def test_what_could_be_for_us_is_not_settled_without_the_settings() -> None:
    """Everything that begins like a command, any label and any assignment; names are changed in the settings."""
    made = events.parse("issue_comment", comment("/deploy now"))
    assert made is not None
    assert (made.command, made.text) == (UNKNOWN, "deploy")
    assert events.parse("issues", labelled("bug")) is not None
    assert events.parse("issue_comment", comment("look at /deploy")) is None


def test_names_are_the_repositorys_own() -> None:
    own = Words.of(Settings(command_names={"generate": "fix"}, commands_off=("evaluate",), label="do it"), me="bot")

    def said(text: str) -> tuple[str, str] | None:
        made = events.parse("issue_comment", comment(text), words=own)
        return (made.command, made.text) if made else None

    assert [said(text) for text in ("/fix it", "/generate it", "/evaluate", "/Refactor", "/fxi")] == [
        ("generate", "it"),
        None,
        (UNKNOWN, "evaluate"),
        (UNKNOWN, "Refactor"),
        None,
    ]
    assert said("/refactor this\n/fix that\n/generate") == ("refactor", "this")
    assert events.parse("issues", labelled("greenloop"), words=own) is None
    assigned = labelled("") | {"action": "assigned", "assignee": {"login": "bot"}}
    by = [events.parse("issues", payload, words=own) for payload in (labelled("do it"), assigned)]
    assert [(r.command, r.actor, r.text) for r in by if r] == [("generate", "mia", "Upload fails\n\nOn 503.")] * 2
    quiet = Words.of(Settings(commands_off=("refactor", "generate")), me="bot")
    assert events.parse("pull_request_review", review("Too long.", "changes_requested"), words=quiet) is None
    assert events.parse("issues", labelled("greenloop"), words=quiet) is None


def test_of_several_commands_the_first() -> None:
    text = "/generate add retry\nto it\n> /evaluate quoted\n```\n/evaluate\n```\n/evaluate\n/refactor x\nmore"
    made = events.parse("issue_comment", comment(text), words=WORDS)
    assert made is not None
    assert made.text == "add retry\nto it\n> /evaluate quoted\n```\n/evaluate\n```"
    assert (made.command, made.passed_over) == ("generate", ("evaluate", "refactor"))


def test_a_label_is_a_request_of_whoever_put_it_there() -> None:
    made = events.parse("issues", labelled("greenloop"), words=WORDS)
    assert made == Request(
        key="labeled-12-1833c5ed611e",
        at="2026-11-21T11:00:00Z",
        command="generate",
        text="Upload fails\n\nOn 503.",
        source=Source.ISSUE,
        repository="octo/uploader",
        actor="mia",
        base="",
        number=12,
    )
    later = labelled("greenloop")
    later["issue"]["updated_at"] = "2026-11-21T12:00:00Z"
    again = [events.parse("issues", payload, words=WORDS) for payload in (labelled("greenloop"), later)]
    assert [r is not None and r.key == made.key for r in again] == [True, False]


def test_a_repository_dispatch_of_our_type() -> None:
    made = events.parse("repository_dispatch", dispatched("greenloop", prompt="add retry", number=12), run_id="7")
    assert made is not None
    assert (made.command, made.text, made.number, made.actor, made.source) == (
        "generate",
        "add retry",
        12,
        "ada",
        Source.DISPATCH,
    )


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
    ("repository_dispatch", dispatched("greenloop"), "`client_payload`: `prompt` is empty"),
    ("issues", {"action": "labeled", "issue": {}, "label": {"name": "x"}}, "KeyError"),
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
