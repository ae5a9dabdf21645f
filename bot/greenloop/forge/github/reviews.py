"""A review of ours: posted whole, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.bodies import fitted, marked, marker
from greenloop.forge.github.errors import Ask, Fault
from greenloop.forge.github.values import LineComment, Remarks

_PAGES = 3  # of a hundred reviews each, the newest
_REMARK = 20_000  # characters of one comment
_UNFIT = 422  # GitHub's answer when a single line is not in the difference as it sees it


def find(api: Api, number: int, key: str, *, me: Callable[[], str]) -> str | None:
    """The address of the review of the run `key`. Anybody can type a marker; only we can be we."""
    ask = Ask(
        path=f"{api.repo}/pulls/{number}/reviews", doing=f"read the reviews of #{number}", needs="pull-requests: read"
    )
    rows = reading.read_all(reading.review, api.newest(ask, pages=_PAGES))
    return next((r.url for r in rows if r.body.startswith(marker(key)) and r.author == me()), None)


def post(api: Api, number: int, key: str, said: Remarks, *, me: Callable[[], str]) -> str:
    """Its address. It comments: nobody may approve what is their own. One line that GitHub does not take refuses the
    whole of it; then all is said without lines."""
    ask = Ask(
        verb="POST",
        path=f"{api.repo}/pulls/{number}/reviews",
        doing=f"post the review of #{number}",
        needs="pull-requests: write",
        body=_body(api, key, said.commit, said.body, said.comments),
        repeatable=False,
    )

    def look() -> object:
        found = find(api, number, key, me=me)
        return None if found is None else {"html_url": found}

    try:
        return reading.read(reading.address, api.write(ask, look=look))
    except Fault as fault:
        if fault.status != _UNFIT or not said.comments:
            raise
    bare = replace(ask, body=_body(api, key, said.commit, said.alone, ()))
    return reading.read(reading.address, api.write(bare, look=look))


def _body(api: Api, key: str, commit: str, body: str, comments: tuple[LineComment, ...]) -> dict[str, Any]:
    rows = [
        {"path": c.path, "line": c.line, "side": "RIGHT", "body": fitted(api.clean(c.body), _REMARK)} for c in comments
    ]
    text = fitted(marked(key, api.clean(body)))
    return {"commit_id": commit, "event": "COMMENT", "body": text} | ({"comments": rows} if rows else {})
