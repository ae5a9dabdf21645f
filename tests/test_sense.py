"""A request that is none costs no call; an answer that is none is known for what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.model_server import ModelServer
from greenloop.domain import Fault, Unusable
from greenloop.edits import parse
from greenloop.sense import INSTRUCTIONS, ONLY_LINKS, REFUSAL, hint, no_code
from program import QUICK, run_json

FILES = {"sums.py": "def total(numbers):\n    return 0\n", "test_sums.py": "def test_it():\n    assert True\n"}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/issue/5",
        "see: <https://example.org/a?b=c#d>"[5:],
        "[x](https://example.org) @ada #12",
        "octo/sums#7",
        "www.example.org !!!",
    ],
)
def test_only_a_link_is_no_request(text: str) -> None:
    assert hint(text, tokens=9, most=100) == ONLY_LINKS


@pytest.mark.parametrize(
    "text", ["fix #12", "https://example.org says how: do it", "ß", "修正", "x = 1", "add `retry`"]
)
def test_words_are_a_request(text: str) -> None:
    assert hint(text, tokens=9, most=100) == ""


def test_more_than_leaves_room_for_the_code_is_too_long() -> None:
    assert hint("word", tokens=100, most=100) == ""
    assert "The request has about 101 tokens, and 100 is the most" in hint("word", tokens=101, most=100)


def judged(reply: str) -> Unusable:
    unusable = parse(reply, lambda _: None, ())
    assert isinstance(unusable, Unusable)
    return no_code(reply, unusable)


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        ("I'm sorry, but I can't help with that.", "refusal", REFUSAL),
        ("As an AI, this is beyond me.", "refusal", REFUSAL),
        ("I cannot change files in your repository.", "refusal", REFUSAL),
        ("To fix this:\n\n1. Open sums.py\n2. Change 0 to sum(numbers)\n", "instructions", INSTRUCTIONS),
        ("You should return sum(numbers) instead of 0.", "instructions", INSTRUCTIONS),
        ("- **Install** the requests package\n- Run `pytest`", "instructions", INSTRUCTIONS),
    ],
)
def test_an_answer_that_is_no_code_is_known(reply: str, kind: Fault, message: str) -> None:
    assert judged(reply) == Unusable(message=message, kind=kind)


def test_other_prose_is_told_the_form_and_an_edit_is_an_edit() -> None:
    assert judged("The function returns zero for every list.").kind == "no edit"
    failed = Unusable(message="m", kind="no match")
    assert no_code("I'm sorry, I cannot", failed) == failed


def test_a_request_that_is_none_costs_no_call(make_repo: Callable[..., Path]) -> None:
    repo = make_repo({**FILES, ".github/greenloop.yml": "context_tokens: 300\n"})
    with ModelServer([]) as server:
        words = ("--model", "m", "--api-base", server.api_base)
        code, said = run_json("generate", "https://example.org/x", *words, cwd=repo)
        assert (code, said["detail"], server.chats) == (2, ONLY_LINKS, [])
        code, said = run_json("generate", "word " * 400, *words, cwd=repo)
        assert (code, said["detail"].partition(" tokens, and")[2][:5], server.chats) == (2, " 150 ", [])


def test_two_answers_that_are_no_code_end_the_run(make_repo: Callable[..., Path]) -> None:
    replies = ["I'm sorry, but I can't help with that.", "1. Open sums.py\n2. Replace 0 by sum(numbers)"]
    with ModelServer(replies) as server:
        words = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK, "--check", "pytest")
        code, said = run_json("generate", "total returns 0", *words, cwd=make_repo(FILES))
    assert (code, said["reason"], said["unusable"], len(server.chats)) == (4, "unchanged", 2, 2)
    assert REFUSAL in server.chats[1]["messages"][-1]["content"]
    told = "of the last: it tells people what to do instead of doing it."
    assert said["detail"] == f"Two answers in a row could not be used; {told}"
