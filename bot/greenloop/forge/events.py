"""A GitHub event → `Request`, or None: not for us. Pure, and cheap: most events end here.

Only the payload counts: what the issue or comment said when the event happened. Whether the actor may is asked later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from greenloop.domain import Request, Source
from greenloop.errors import Misconfigured

COMMANDS = ("generate", "refactor", "evaluate")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_COMMAND = re.compile(r"/([a-z]+)(?=\s|$)")


@dataclass(frozen=True, slots=True)
class _Said:
    """A command and everything that follows it, as it was typed."""

    command: str
    text: str


def parse(name: str, payload: Mapping[str, Any], *, run_id: str = "") -> Request | None:
    """`name` is GITHUB_EVENT_NAME, `run_id` GITHUB_RUN_ID. Raises `Misconfigured` for what is not a payload."""
    readers = {
        "issue_comment": _comment,
        "pull_request_review": _review,
        "workflow_dispatch": _dispatch,
    }
    reader = readers.get(name)
    if reader is None:
        return None
    try:
        return reader(payload, run_id)
    except (KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"The payload of {name} is not as GitHub sends it: {error!r}.") from None


def command(text: str) -> _Said | None:
    """The first word of the first line that is neither empty nor quoted, if it is one of ours."""
    lines = text.splitlines(keepends=True)
    number = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(">")), None)
    if number is None or _FENCE.match(lines[number]):
        return None
    line = lines[number].lstrip()
    found = _COMMAND.match(line)
    if found is None or found[1] not in COMMANDS:
        return None
    return _Said(found[1], (line[found.end() :] + "".join(lines[number + 1 :])).strip())


def _comment(payload: Mapping[str, Any], _run: str) -> Request | None:
    comment, issue = payload["comment"], payload["issue"]
    said = command(comment["body"] or "") if payload["action"] == "created" else None
    if said is None:
        return None
    on_pull_request = "pull_request" in issue
    text = said.text
    if not text and not on_pull_request and said.command == "generate":
        text = f"{issue['title']}\n\n{issue['body'] or ''}".strip()  # adopted by whoever typed the command
    return Request(
        key=_key(payload, "comment", comment["id"], comment["body"]),
        at=comment["created_at"],
        command=said.command,
        text=text,
        source=Source.PULL_REQUEST if on_pull_request else Source.ISSUE,
        repository=payload["repository"]["full_name"],
        actor=comment["user"]["login"],
        base="",
        number=int(issue["number"]),
        comment=int(comment["id"]),
    )


def _review(payload: Mapping[str, Any], _run: str) -> Request | None:
    """A review that requests changes is an order by itself; any other only when it begins with a command."""
    review, pull_request = payload["review"], payload["pull_request"]
    if payload["action"] != "submitted":
        return None
    body = review["body"] or ""
    said = command(body)
    if said is None and review["state"].lower() != "changes_requested":
        return None
    head, base = pull_request["head"], pull_request["base"]
    return Request(
        key=_key(payload, "review", review["id"], body),
        at=review["submitted_at"],
        command=said.command if said else "refactor",
        text=said.text if said else body.strip(),
        source=Source.REVIEW,
        repository=payload["repository"]["full_name"],
        actor=review["user"]["login"],
        base="",
        head=head["ref"],
        number=int(pull_request["number"]),
        comment=int(review["id"]),
        fork=head["repo"] is None or head["repo"]["full_name"] != base["repo"]["full_name"],
    )


def _dispatch(payload: Mapping[str, Any], run: str) -> Request | None:
    inputs: Mapping[str, Any] = payload.get("inputs") or {}
    name = str(inputs.get("command") or "generate").strip().removeprefix("/")
    text = str(inputs.get("prompt") or "").strip()
    if name not in COMMANDS:
        raise Misconfigured(f"The input `command` is {name!r}; there is {', '.join(COMMANDS)}.")
    if not text and name != "evaluate":
        raise Misconfigured("The input `prompt` is empty. Say what to do.")
    return Request(
        key=_key(payload, "run", run, f"{name} {text}"),
        at="",
        command=name,
        text=text,
        source=Source.DISPATCH,
        repository=payload["repository"]["full_name"],
        actor=payload["sender"]["login"],
        base=str(inputs.get("base") or "").strip(),
        number=_number(inputs.get("number")),
    )


def _number(value: object) -> int | None:
    text = str(value or "").strip().lstrip("#")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise Misconfigured(f"The input `number` is {text[:40]!r}; it is the number of an issue or pull request.")
    return int(text)


def _key(payload: Mapping[str, Any], kind: str, number: object, text: str | None) -> str:
    """The same for the same event delivered twice; another one when the text is another."""
    place = f"{payload['repository']['full_name']}/{kind}/{number}"
    digest = sha256("\0".join((place, text or "")).encode()).hexdigest()
    return f"{kind}-{number}-{digest[:12]}"
