"""A commit as a value, read from its object. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from greenloop.domain import Tree

# `git log` with a NUL after each message and each path, and one more after a commit. No message can hold one.
PAST = ("--no-merges", "--no-renames", "--no-show-signature", "--name-only", "-z", "--format=%x01%H%x00%B%x00")
# the last changes of one path, for a reader
CHANGES = (
    *("--no-merges", "--no-renames", "--no-show-signature", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--patch", "-U1", "--date=short", "--format=commit %h %ad %s"),
)
_COMMIT = re.compile(rb"(?:^|\0)\x01[0-9a-f]{40,64}\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    sha: str
    parents: tuple[str, ...]
    tree: Tree
    message: str
    at: int = 0  # when it was committed, in seconds since 1970


def parse(sha: str, data: bytes) -> CommitInfo:
    head, _, body = data.partition(b"\n\n")
    fields = [line.partition(b" ")[::2] for line in head.split(b"\n")]
    encoding = next((value.decode("ascii", "replace") for key, value in fields if key == b"encoding"), "utf-8")
    return CommitInfo(
        sha=sha,
        parents=tuple(value.decode() for key, value in fields if key == b"parent"),
        tree=Tree(next(value.decode() for key, value in fields if key == b"tree")),
        message=_text(body, encoding),
        at=next((int(at) for key, value in fields if key == b"committer" and (at := value.split()[-2]).isdigit()), 0),
    )


def _text(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding, "replace")
    except (LookupError, ValueError):  # an encoding that nobody knows, or one that is no text
        return body.decode("utf-8", "replace")


def past(printed: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Message and changed paths of each commit that `git log` printed with `PAST`."""
    for record in _COMMIT.split(printed)[1:]:
        message, _, names = record.partition(b"\0")
        paths = names.strip(b"\0\n").split(b"\0")
        found = (path.decode("utf-8", "surrogateescape") for path in paths if path)
        yield message.decode("utf-8", "replace").strip(), tuple(found)
