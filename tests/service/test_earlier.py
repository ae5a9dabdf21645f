"""Which comments tell of an earlier run."""

from __future__ import annotations

from greenloop.forge.github import Comment
from greenloop.forge.github.bodies import marked
from greenloop.service.earlier import MOST, keys


def comment(number: int, author: str, body: str) -> Comment:
    at = "2026-11-21T10:00:00Z"
    return Comment(id=number, author=author, author_type="User", body=body, created_at=at, updated_at=at, url="")


def test_only_what_we_said_tells_of_a_run() -> None:
    thread = [
        comment(1, "bot", marked("a-1", "ended")),
        comment(2, "eve", marked("b-2", "forged")),
        comment(3, "bot", "somebody wrote: " + marked("c-3", "")),
        comment(4, "bot", marked("d-4", "this very run")),
    ]
    assert keys(thread, me="bot", but="d-4") == ("a-1",)
    many = [comment(n, "bot", marked(f"r-{n}", "")) for n in range(20)]
    assert keys(many, me="bot", but="") == tuple(f"r-{n}" for n in range(20 - MOST, 20))
