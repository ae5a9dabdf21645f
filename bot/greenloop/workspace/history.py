"""A commit as a value, read from its object. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.domain import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    sha: str
    parents: tuple[str, ...]
    tree: Tree
    message: str


def parse(sha: str, data: bytes) -> CommitInfo:
    head, _, body = data.partition(b"\n\n")
    fields = [line.partition(b" ")[::2] for line in head.split(b"\n")]
    encoding = next((value.decode("ascii", "replace") for key, value in fields if key == b"encoding"), "utf-8")
    return CommitInfo(
        sha=sha,
        parents=tuple(value.decode() for key, value in fields if key == b"parent"),
        tree=Tree(next(value.decode() for key, value in fields if key == b"tree")),
        message=_text(body, encoding),
    )


def _text(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding, "replace")
    except (LookupError, ValueError):  # an encoding that nobody knows, or one that is no text
        return body.decode("utf-8", "replace")
