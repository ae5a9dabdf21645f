"""Threads of reviews: read as GitHub has them, answered once whatever happens, resolved only by those who may."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fakes.github.faults import Fault, answers, cut, lost
from fakes.github.state import ReviewComment
from forge.conftest import Hub
from greenloop.forge.github import Fault as Trouble
from greenloop.forge.github import Forbidden, ReviewThread, Said

ME = "github-actions[bot]"
MARK = "<!-- greenloop:run=key -->"


def reviewed(hub: Hub, *comments: Mapping[str, object]) -> tuple[int, list[ReviewComment]]:
    hub.repository.git.commit("topic", {"a.py": "x = 2\n"}, "change", "ada")
    pull = hub.fake.pull_request("topic")
    hub.fake.review(pull.number, comments=comments)
    return pull.number, list(hub.repository.review_comments.values())


def bodies(hub: Hub) -> list[tuple[str, str]]:
    return [(c.author.login, c.body) for c in hub.repository.review_comments.values()]


def test_threads_as_they_are(hub: Hub) -> None:
    number, made = reviewed(
        hub,
        {"body": "here", "path": "a.py", "line": 4, "start_line": 2},
        {"body": "gone", "side": "LEFT", "resolved": True},
        {"body": "old", "line": 9, "outdated": True},
        {"body": "file", "whole_file": True, "edited_at": "2026-01-01T00:00:00Z"},
    )
    answer = hub.fake.reply(made[0].id, "done", author=ME)
    found = hub.github().review_threads(number)
    assert found.head == hub.repository.git.sha("refs/heads/topic")
    first, *others = found.all
    assert first == ReviewThread(
        node=first.node,
        path="a.py",
        start=2,
        line=4,
        left=False,
        outdated=False,
        resolved=False,
        comments=tuple(
            Said(id=c.id, author=who, body=c.body, published_at=c.created_at, edited_at=None, review=c.review)
            for c, who in ((made[0], "ada"), (answer, ME))
        ),
    )
    seen = [(t.start, t.line, t.left, t.outdated, t.resolved, t.comments[0].edited_at) for t in others]
    assert seen == [
        (1, 1, True, False, True, None),
        (None, None, False, True, False, None),
        (None, None, False, False, False, "2026-01-01T00:00:00Z"),
    ]


def test_more_threads_than_a_page(hub: Hub) -> None:
    number, _ = reviewed(hub, *({"body": str(n)} for n in range(70)))
    assert [t.comments[0].body for t in hub.github().review_threads(number).all] == [str(n) for n in range(70)]


@pytest.mark.parametrize("fault", [None, lost(), cut()], ids=["", "done, but 502", "done, but cut"])
def test_a_thread_is_answered_once_whatever_happens_to_the_answer(hub: Hub, fault: Fault | None) -> None:
    number, _ = reviewed(hub, {"body": "here"})
    if fault:
        hub.fake.on("POST", "/replies$", fault)
    for github in (hub.github(), hub.github()):
        [thread] = github.review_threads(number).all
        github.answer(number, thread, "key", "fixed")
    assert bodies(hub) == [("ada", "here"), (ME, f"{MARK}\nfixed")]


def test_a_marker_that_somebody_typed_is_no_answer_of_ours(hub: Hub) -> None:
    number, [first] = reviewed(hub, {"body": "here"})
    hub.fake.reply(first.id, f"{MARK}\nfixed", author="eve")
    [thread] = hub.github().review_threads(number).all
    hub.github().answer(number, thread, "key", "declined")
    assert bodies(hub)[-1] == (ME, f"{MARK}\ndeclined")


def test_resolving_needs_two_permissions(hub: Hub) -> None:
    number, [first] = reviewed(hub, {"body": "here"})
    weak = hub.github(hub.fake.actions_token(pull_requests="write"))
    [thread] = weak.review_threads(number).all
    with pytest.raises(Forbidden, match=r"may not resolve a review thread of #2 .*`permissions: contents: write` and"):
        weak.resolve(number, thread.node)
    assert not first.resolved
    strong = hub.github(hub.fake.actions_token())
    strong.resolve(number, thread.node)
    strong.resolve(number, thread.node)
    assert first.resolved


@pytest.mark.parametrize("data", [b'{"data": {}}', b'{"data": {"repository": {"pullRequest": null}}}', b"{}"])
def test_what_are_no_threads_is_said(hub: Hub, data: bytes) -> None:
    hub.fake.on("POST", "/graphql$", answers(data))
    with pytest.raises(Trouble, match="in what should be the review threads"):
        hub.github().review_threads(1)
