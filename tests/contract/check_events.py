"""Every payload that GitHub publishes as an example is read. Run by `make test-contract`."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from greenloop.domain import Request, Source
from greenloop.errors import Misconfigured
from greenloop.forge.events import parse
from greenloop.orders import Words
from greenloop.settings import Settings

WORDS = Words.of(Settings(), me="github-actions[bot]")
Examples = list[dict[str, Any]]


def of(examples: Examples, name: str) -> list[dict[str, Any]]:
    found = [example for event in examples if event["name"] == name for example in event["examples"]]
    assert found
    return deepcopy(found)


def test_nothing_in_the_examples_is_for_us(examples: Examples) -> None:
    """58 kinds of event, and nobody asks for anything in them; a dispatch always does, and says nothing. What a label
    or an assignment is for us is in the settings, and without them it could be."""
    count = 0
    for event in examples:
        for payload in event["examples"]:
            count += 1
            if event["name"] == "workflow_dispatch":
                with pytest.raises(Misconfigured, match="The input `prompt` is empty"):
                    parse(event["name"], payload)
            elif event["name"] not in {"check_suite", "workflow_run"}:  # any failure may be of a branch of ours
                assert parse(event["name"], payload, words=WORDS) is None, event["name"]
    assert len(examples) >= 50
    assert count > 200


def test_a_command_in_a_real_comment(examples: Examples) -> None:
    for payload in of(examples, "issue_comment"):
        comment, created = payload["comment"], payload["action"] == "created"
        comment["body"] = "/generate add retry"
        request = parse("issue_comment", payload)
        assert (request is not None) == created
        if request:
            assert request == Request(
                key=request.key,
                at=comment["created_at"],
                command="generate",
                text="add retry",
                source=Source.ISSUE,
                repository=payload["repository"]["full_name"],
                actor=comment["user"]["login"],
                base="",
                number=payload["issue"]["number"],
                comment=comment["id"],
            )
        payload["issue"]["pull_request"] = {"url": "x"}
        on_pull_request = parse("issue_comment", payload)
        assert (on_pull_request is not None and on_pull_request.source is Source.PULL_REQUEST) == created


def test_a_real_review_that_requests_changes(examples: Examples) -> None:
    for payload in of(examples, "pull_request_review"):
        review, pull = payload["review"], payload["pull_request"]
        review.update(state="changes_requested", body="Name it better.")
        request = parse("pull_request_review", payload)
        assert (request is not None) == (payload["action"] == "submitted")
        if request:
            assert request == Request(
                key=request.key,
                at=review["submitted_at"],
                command="refactor",
                text="Name it better.",
                source=Source.REVIEW,
                repository=payload["repository"]["full_name"],
                actor=review["user"]["login"],
                base="",
                head=pull["head"]["ref"],
                number=pull["number"],
                comment=review["id"],
            )


def test_a_real_dispatch_with_inputs(examples: Examples) -> None:
    for payload in of(examples, "workflow_dispatch"):
        payload["inputs"] = {"command": "", "prompt": "add retry", "number": "", "base": ""}
        request = parse("workflow_dispatch", payload, run_id="9")
        assert request is not None
        assert request == Request(
            key=request.key,
            at="",
            command="generate",
            text="add retry",
            source=Source.DISPATCH,
            repository=payload["repository"]["full_name"],
            actor=payload["sender"]["login"],
            base="",
        )


def test_a_label_or_an_assignment_in_a_real_payload(examples: Examples) -> None:
    seen = set()
    for payload in of(examples, "issues"):
        action, issue = payload["action"], payload["issue"]
        if action not in {"labeled", "assigned"} or ("label" not in payload and "assignee" not in payload):
            assert parse("issues", payload) is None
            continue
        label = payload.get("label", {}).get("name", "")
        words = Words(commands={"generate": "generate"}, label=label, me=payload.get("assignee", {}).get("login", ""))
        request = parse("issues", payload, words=words)
        assert request is not None
        assert request == Request(
            key=request.key,
            at=issue["updated_at"],
            command="generate",
            text=f"{issue['title']}\n\n{issue['body'] or ''}".strip(),
            source=Source.ISSUE,
            repository=payload["repository"]["full_name"],
            actor=payload["sender"]["login"],
            base="",
            number=issue["number"],
        )
        seen.add(action)
    assert seen == {"labeled", "assigned"}


def test_a_real_repository_dispatch(examples: Examples) -> None:
    for payload in of(examples, "repository_dispatch"):
        assert parse("repository_dispatch", payload) is None
        payload |= {"action": "greenloop", "client_payload": {"prompt": "add retry", "number": 3, "base": "dev"}}
        request = parse("repository_dispatch", payload, run_id="9")
        assert request is not None
        assert (request.text, request.number, request.base) == ("add retry", 3, "dev")
        assert request.actor == payload["sender"]["login"]
