"""A GitHub event → `Request`, or None: not for us. Pure, and cheap: most events end here.

Only the payload counts: what the issue or comment said when the event happened. Whether the actor may is asked later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from greenloop.domain import Request, Source
from greenloop.errors import Misconfigured
from greenloop.forge import failures
from greenloop.orders import COMMANDS, FAILED, UNKNOWN, Words

_ADOPTING = frozenset({"generate", "explain"})  # bare on an issue, they are about what it says

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_COMMAND = re.compile(r"/([A-Za-z][A-Za-z0-9-]{0,39})(?=\s|$)")
EVENT_TYPE = "greenloop"  # of a `repository_dispatch`
CALLED = "workflow_call"  # what says nothing itself, but happens in a workflow that gives the action a request


@dataclass(frozen=True, slots=True)
class _Said:
    """A command and everything that follows it, as it was typed, up to the next command."""

    command: str
    text: str
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Event:
    payload: Mapping[str, Any]
    run: str
    words: Words | None

    def meant(self, typed: str) -> str | None:
        if self.words is not None:
            return self.words.meant(typed)
        return typed if typed in COMMANDS else UNKNOWN


def parse(name: str, payload: Mapping[str, Any], *, run_id: str = "", words: Words | None = None) -> Request | None:
    """`name` is GITHUB_EVENT_NAME, `run_id` GITHUB_RUN_ID, `words` what this repository calls things. Without them, for
    they are in its settings, what could be for us is a request. Raises `Misconfigured` for what is not a payload."""
    reader = _READERS.get(name)
    if reader is None:
        return None
    try:
        return reader(_Event(payload, run_id, words))
    except (KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"The payload of {name} is not as GitHub sends it: {error!r}.") from None


def _command(text: str, event: _Event) -> _Said | None:
    """The first word of the first line that is neither empty nor quoted, if it is one of ours."""
    lines = text.splitlines(keepends=True)
    number = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(">")), None)
    if number is None or _FENCE.match(lines[number]):
        return None
    line = lines[number].lstrip()
    found = _COMMAND.match(line)
    meant = event.meant(found[1]) if found else None
    if found is None or meant is None:
        return None
    if meant == UNKNOWN:
        return _Said(UNKNOWN, found[1])
    after = lines[number + 1 :]
    further = _further(after, event)
    rest = "".join(after[: further[0][0]] if further else after)
    return _Said(meant, (line[found.end() :] + rest).strip(), tuple(word for _, word in further))


def _further(lines: list[str], event: _Event) -> list[tuple[int, str]]:
    """The other lines that begin with a command, outside of code and quotations: place and word."""
    told, fence = [], ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        found = None if fence else _COMMAND.match(line)
        if found and event.meant(found[1]) not in {None, UNKNOWN}:
            told.append((number, found[1]))
    return told


def _comment(event: _Event) -> Request | None:
    payload = event.payload
    comment, issue = payload["comment"], payload["issue"]
    said = _command(comment["body"] or "", event) if payload["action"] == "created" else None
    if said is None:
        return None
    on_pull_request = "pull_request" in issue
    text = said.text
    if not text and not on_pull_request and said.command in _ADOPTING:
        text = _opening(issue)  # adopted by whoever typed the command
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
        passed_over=said.passed_over,
    )


def _opening(issue: Mapping[str, Any]) -> str:
    return f"{issue['title']}\n\n{issue['body'] or ''}".strip()


def _issue(event: _Event) -> Request | None:
    """A label or an assignment: whoever made it adopts what the issue said then."""
    payload, words = event.payload, event.words
    issue, action = payload["issue"], payload["action"]
    if action == "labeled":
        about = str((payload.get("label") or {}).get("name") or "")
        ours = words is None or about == words.label
    elif action == "assigned":
        about = str((payload.get("assignee") or {}).get("login") or "")
        ours = words is None or about == words.me
    else:
        return None
    if not about or not ours or "pull_request" in issue or (words and not words.enabled("generate")):
        return None
    return Request(
        key=_key(payload, action, issue["number"], f"{about} {issue['updated_at']}"),
        at=issue["updated_at"],
        command="generate",
        text=_opening(issue),
        source=Source.ISSUE,
        repository=payload["repository"]["full_name"],
        actor=payload["sender"]["login"],
        base="",
        number=int(issue["number"]),
    )


def _review(event: _Event) -> Request | None:
    """A review that requests changes is an order by itself; any other only when it begins with a command."""
    payload = event.payload
    review, pull_request = payload["review"], payload["pull_request"]
    if payload["action"] != "submitted":
        return None
    body = review["body"] or ""
    said = _command(body, event)
    wanted = review["state"].lower() == "changes_requested" and (not event.words or event.words.enabled("refactor"))
    if said is not None and said.command == UNKNOWN:
        said = None  # a review is no place for a word about words
    if said is None and not wanted:
        return None
    head, base = pull_request["head"], pull_request["base"]
    return Request(
        key=_key(payload, "review", review["id"], body),
        at=review["submitted_at"],
        passed_over=said.passed_over if said else (),
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


def speaks(name: str) -> bool:
    """Whether an event of this name has words of its own for us."""
    return name in _READERS and name not in {CALLED, *failures.EVENTS}


def _failed(event: _Event) -> Request | None:
    """A workflow, or the checks of another app, that failed on a branch of this repository. Nobody has asked."""
    found = failures.found(event.payload)
    if found is None:
        return None
    return Request(
        key=_key(event.payload, "failed", found.sha[:12], found.branch),
        at=found.at,
        command=FAILED,
        text="",
        source=Source.DISPATCH,
        repository=event.payload["repository"]["full_name"],
        actor=event.payload["sender"]["login"],
        base=found.sha,
        head=found.branch,
    )


def _workflow_dispatch(event: _Event) -> Request:
    return _dispatch(event, event.payload.get("inputs") or {}, "The input")


def _repository_dispatch(event: _Event) -> Request | None:
    """Only those who may write can send one; the type tells which are for us."""
    if event.payload["action"] != EVENT_TYPE:
        return None
    return _dispatch(event, event.payload.get("client_payload") or {}, "`client_payload`:")


def _dispatch(event: _Event, inputs: Mapping[str, Any], what: str) -> Request:
    name = str(inputs.get("command") or "generate").strip().removeprefix("/")
    text = str(inputs.get("prompt") or "").strip()
    if name not in COMMANDS:
        raise Misconfigured(f"{what} `command` is {name[:40]!r}; there is {', '.join(COMMANDS)}.")
    if not text and not COMMANDS[name].wordless:
        raise Misconfigured(f"{what} `prompt` is empty. Say what to do.")
    payload = event.payload
    return Request(
        key=_key(payload, "run", event.run, f"{name} {text}"),
        at="",
        command=name,
        text=text,
        source=Source.DISPATCH,
        repository=payload["repository"]["full_name"],
        actor=payload["sender"]["login"],
        base=str(inputs.get("base") or "").strip(),
        number=_number(inputs.get("number"), what),
    )


def _number(value: object, what: str) -> int | None:
    text = str(value or "").strip().lstrip("#")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise Misconfigured(f"{what} `number` is {text[:40]!r}; it is the number of an issue or pull request.")
    return int(text)


def _key(payload: Mapping[str, Any], kind: str, number: object, text: str | None) -> str:
    """The same for the same event delivered twice; another one when the text is another."""
    place = f"{payload['repository']['full_name']}/{kind}/{number}"
    digest = sha256("\0".join((place, text or "")).encode()).hexdigest()
    return f"{kind}-{number}-{digest[:12]}"


_READERS: Mapping[str, Callable[[_Event], Request | None]] = {
    "issue_comment": _comment,
    "issues": _issue,
    "pull_request_review": _review,
    "workflow_dispatch": _workflow_dispatch,
    "repository_dispatch": _repository_dispatch,
    CALLED: _workflow_dispatch,
    **dict.fromkeys(failures.EVENTS, _failed),
}
