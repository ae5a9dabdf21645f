"""The format of a recorded run: one JSON object a line, each a frozen value. Pure; files are somebody else's matter.

Secrets are no part of it: the fields of `Settings` that hide from `repr` are not written and not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from greenloop.domain import Reason, Request, Tree, Usage
from greenloop.errors import UsageError
from greenloop.ports import Chat, Reply
from greenloop.records.plain import Misfit, build, flatten
from greenloop.settings import Settings

VERSION = 1


class BrokenRecording(UsageError):
    """The text is no recording that this version can play; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The first line: what was asked, of which model, from which commit, with which settings."""

    version: int = VERSION
    request: Request
    settings: Settings
    base: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    attempt: int
    prompt_sha256: str
    text: str
    finish: str
    usage: Usage
    model: str
    first_token: float
    draw: int = 0  # which of the answers to one prompt, where several were asked for at once

    @property
    def reply(self) -> Reply:
        return Reply(
            text=self.text,
            finish=self.finish,
            usage=self.usage,
            model=self.model,
            first_token=self.first_token,
            draw=self.draw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Of several answers that were asked for at once, one that did not come, and why."""

    attempt: int
    draw: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`decision` is the verdict in a word; `checks` the status of each check by name."""

    attempt: int
    tree: Tree
    commit: str
    decision: str
    score: tuple[float, ...] = ()
    checks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A test that was written before any change: those that are kept, and what was said of it."""

    tests: tuple[str, ...] = ()
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The attempt that the run goes on with, of those that were made side by side."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """An answer that could not become a tree, and what the model was told about it."""

    attempt: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An answer of questions, and what the model was shown of which tree; `asked` and `answers` belong together."""

    attempt: int
    tree: Tree
    asked: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last line. `tree` is that of the branch's tip, None when nothing was committed."""

    reason: Reason
    tree: Tree | None = None


Entry = Run | Replied | Unanswered | Looked | Tested | Judged | Chosen | Discarded | Ended

_KINDS: Mapping[str, type[Entry]] = MappingProxyType(
    {
        "run": Run,
        "reply": Replied,
        "unanswered": Unanswered,
        "look": Looked,
        "test": Tested,
        "judged": Judged,
        "chosen": Chosen,
        "unusable": Discarded,
        "end": Ended,
    }
)
_NAMES: Mapping[type[Entry], str] = MappingProxyType({kind: name for name, kind in _KINDS.items()})


def prompt_sha256(chat: Chat) -> str:
    """The same for the same prompt, wherever it is asked."""
    text = json.dumps([[message.role, message.text] for message in chat], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def replied(reply: Reply, *, attempt: int, prompt: str) -> Replied:
    return Replied(
        attempt=attempt,
        prompt_sha256=prompt,
        text=reply.text,
        finish=reply.finish,
        usage=reply.usage,
        model=reply.model,
        first_token=reply.first_token,
        draw=reply.draw,
    )


def dumps(entry: Entry) -> str:
    """One line, with its line break."""
    return json.dumps({"kind": _NAMES[type(entry)]} | flatten(entry), allow_nan=False) + "\n"


def loads(text: str) -> tuple[Entry, ...]:
    """All entries of a recording. A broken last line without a line break was cut by a crash, and does not count."""
    *lines, last = text.split("\n")
    entries = tuple(_parsed([*lines, last] if _whole(last) else lines))
    if not entries:
        raise BrokenRecording("The recording is empty: a recorded run begins with a line of the kind `run`.")
    if not isinstance(entries[0], Run) or any(isinstance(e, Run) for e in entries[1:]):
        raise BrokenRecording("A recording has exactly one line of the kind `run`, and it is the first.")
    return entries


def replies(entries: Iterable[Entry]) -> tuple[Reply, ...]:
    return tuple(entry.reply for entry in entries if isinstance(entry, Replied))


def unanswered(entries: Iterable[Entry]) -> Mapping[int, str]:
    """The draws that got no answer, with the reason."""
    return MappingProxyType({entry.draw: entry.message for entry in entries if isinstance(entry, Unanswered)})


def looked(entries: Iterable[Entry]) -> Mapping[tuple[str, str], str]:
    """What was answered, by tree and question: a run that goes on, or is played again, does not look again."""
    return MappingProxyType(
        {
            (entry.tree.id, question): answer
            for entry in entries
            if isinstance(entry, Looked)
            for question, answer in zip(entry.asked, entry.answers, strict=False)
        }
    )


def _whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(lines: list[str]) -> Iterator[Entry]:
    version: object = VERSION
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _row(line, number)
        if row.get("kind") == "run":
            version = row.get("version", VERSION)
        yield _entry(row, number, version)


def _row(line: str, number: int) -> dict[str, object]:
    try:
        row = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BrokenRecording(f"Line {number} of the recording is not JSON: {error}.") from None
    if not isinstance(row, dict):
        raise BrokenRecording(f"Line {number} of the recording is not an object.")
    return row


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _entry(row: dict[str, object], number: int, version: object) -> Entry:
    kind = row.pop("kind", None)
    if version != VERSION:
        raise BrokenRecording(
            f"The recording has version {version!r}, and this greenloop plays version {VERSION}. "
            "Play it with the release that wrote it."
        )
    found = _KINDS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise BrokenRecording(
            f"Line {number} of the recording has the unknown kind {kind!r}; version {VERSION} has {', '.join(_KINDS)}."
        )
    try:
        return build(found, row)
    except Misfit as error:
        raise BrokenRecording(f"Line {number} of the recording ({kind}): {error}.") from None
