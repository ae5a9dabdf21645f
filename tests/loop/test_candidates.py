"""Several first proposals at once: one prompt, one budget, each judged and recorded, and the checks choose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import git
from fakes.model_server import Failed, ModelServer
from program import QUICK, run, run_json

SUMS = '"""Sums."""\n\n\ndef total(numbers):\n    return numbers[-1]\n'
TESTS = """from sums import total


def test_total():
    assert total([1, 2]) == 3


def test_one():
    assert total([4]) == 4
"""
FILES = {"sums.py": SUMS, "test_sums.py": TESTS}
WRONG, WORSE, RIGHT = "return 0", "return -1", "return sum(numbers)"
LONG = "whole = 0\n    for number in numbers:\n        whole += number\n    return whole"

Repo = Callable[..., Path]


def whole(body: str, more: str = "") -> str:
    return (
        f'Summary: try {body[:12]}\n\nsums.py\n```python\n"""Sums."""\n\n\ndef total(numbers):\n    {body}\n```\n{more}'
    )


def own_test(name: str, body: str) -> str:
    text = f"from sums import total\n\n\ndef test_{name}():\n    {body}\n"
    return f"\ntest_{name}.py\n```python\n{text}```\n"


def by_temperature(*answers: Any) -> Callable[[Any], Any]:
    """The n-th rung of the ladder gets the n-th answer."""
    rungs = dict(zip((0.0, 0.4, 0.7, 1.0), answers, strict=False))
    return lambda body: rungs[body["temperature"]]


def ask(server: ModelServer, *more: str, candidates: int = 3) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK, "--check", "pytest")
    return ("generate", "total is wrong, see sums.py", *model, "--candidates", str(candidates), *more)


def test_the_checks_choose_whoever_comes_first(make_repo: Repo) -> None:
    repo, together = make_repo(FILES), threading.Barrier(3)

    def answer(body: Any) -> Any:
        together.wait(timeout=60)  # all three are open at once, or this breaks
        return by_temperature(whole(WRONG), whole(RIGHT), whole(WORSE))(body)

    with ModelServer(answer) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["reason"], said["best"], said["evidence"]) == (0, "green", 2, "proven(test_total)")
    assert [(a["candidate"], a["candidates"], a["green"]) for a in said["attempts"]] == [
        (1, 3, False),
        (2, 3, True),
        (3, 3, False),
    ]
    assert [a["choice"] for a in said["attempts"]] == ["", "Of 3 candidates the best by the checks.", ""]
    assert len({str(chat["messages"]) for chat in server.chats}) == 1  # one prompt
    assert sorted(chat["temperature"] for chat in server.chats) == [0.0, 0.4, 0.7]
    assert said["usage"]["calls"] == 3
    log = git(
        "log", "--format=%s %(trailers:key=Greenloop-Candidate,valueonly,separator=%x20)", said["branch"], cwd=repo
    )
    assert log.splitlines() == [
        "Restore attempt 2, the best so far ",
        "try return -1 3/3",
        "try return sum(n 2/3",
        "try return 0 1/3",
        "initial ",
    ]
    assert "total(numbers):\n    return sum(numbers)" in git("show", f"{said['branch']}:sums.py", cwd=repo)
    text = Path(said["url"]).read_text()
    assert "| **2** | candidate 2 of 3: try return sum(n |" in text
    assert "Attempt 2 was chosen. Of 3 candidates the best by the checks." in text
    again = run("replay", said["run"], cwd=repo)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (
        0,
        "greenloop: 3 attempts, the same trees as recorded",
    )


def test_of_equals_those_win_that_behave_alike_on_each_others_tests(make_repo: Repo) -> None:
    """The shortest one fails what the other two agree on, in tests that each of them wrote."""
    odd = "return numbers[0] + (numbers[1] if numbers[1:] else 0)"
    first = whole(LONG) + own_test("three", "assert total([1, 2, 3]) == 6")
    second = whole("return sum(list(numbers))") + own_test("four", "assert total([1, 2, 3, 4]) == 10")
    with ModelServer(by_temperature(whole(odd), first, second)) as server:
        code, said = run_json(*ask(server), cwd=make_repo(FILES))
    assert (code, [a["green"] for a in said["attempts"]], said["best"]) == (0, [True, True, True], 3)
    assert said["attempts"][2]["choice"] == (
        "The checks do not tell it from attempts 1, 2. 2 of 3 candidates behave like this one on the tests, with 2 "
        "passed of the 2 that candidates wrote."
    )


def test_the_loop_goes_on_from_the_best_and_knows_the_others(make_repo: Repo) -> None:
    half = "return numbers[0]"

    def answer(body: Any) -> Any:
        if len(server.chats) <= 2:
            return by_temperature(whole("return None"), whole(half))(body)
        return whole(RIGHT)

    with ModelServer(answer) as server:
        code, said = run_json(*ask(server, "--attempts", "2", candidates=2), cwd=make_repo(FILES))
    assert (code, said["best"], len(said["attempts"])) == (0, 3, 3)
    prompt = server.chats[2]["messages"][-1]["content"]
    assert half in prompt  # the file is that of the better one
    assert "- attempt 1 (try return None): 1 new finding: pytest 1." in prompt


def test_one_that_cannot_be_had_or_used_is_no_loss(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer(by_temperature(Failed(400), "I cannot do that.", whole(RIGHT))) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["best"], said["unusable"], len(said["attempts"])) == (0, 1, 1, 1)
    assert (said["attempts"][0]["candidate"], said["attempts"][0]["choice"]) == (
        3,
        "Of 3 candidates the only one that could be judged.",
    )
    record = (repo / f".git/greenloop/runs/{said['run']}/recording.jsonl").read_text()
    assert '"kind": "unanswered", "attempt": 1, "draw": 1' in record


def test_the_very_same_change_is_judged_once_and_counts(make_repo: Repo) -> None:
    with ModelServer(by_temperature(whole(RIGHT), whole(RIGHT), whole(RIGHT))) as server:
        code, said = run_json(*ask(server), cwd=make_repo(FILES))
    assert (code, len(said["attempts"]), said["unusable"], said["usage"]["calls"]) == (0, 1, 0, 3)
    assert said["attempts"][0]["choice"] == "All 3 candidates are this very change."


def test_questions_of_several_are_answered_once_for_all(make_repo: Repo) -> None:
    def answer(body: Any) -> Any:
        if "What you asked" not in body["messages"][-1]["content"]:
            return by_temperature("Look: read big.py:1-2", "Look: read big.py:1-2", whole(WRONG))(body)
        return by_temperature(whole(RIGHT), whole(WORSE))(body)

    files = {**FILES, "big.py": "".join(f"value_{n} = {n}\n" for n in range(2000))}
    with ModelServer(answer) as server:
        code, said = run_json(*ask(server), cwd=make_repo(files))
    assert (code, said["best"], said["lookups"], said["usage"]["calls"]) == (0, 1, 2, 5)
    asked = [chat["messages"][-1]["content"].count("value_0 = 0") for chat in server.chats[3:]]
    assert asked == [1, 1]


def test_for_what_there_is_no_room_nothing_is_asked(make_repo: Repo) -> None:
    """Each of three calls is set aside whole before the first is made; the limit has room for two."""
    with ModelServer(by_temperature(whole(WRONG), whole(RIGHT), whole(LONG))) as server:
        code, said = run_json(*ask(server, "--max-tokens", "22000"), cwd=make_repo(FILES))
        assert len(server.chats) == 2
    assert (code, said["best"], said["usage"]["calls"]) == (0, 2, 2)


def test_models_take_turns(make_repo: Repo) -> None:
    with ModelServer([whole(WRONG)] * 9) as slow, ModelServer([whole(RIGHT)] * 9) as other:
        row = f"other: {{model: o, api_base: '{other.api_base}'}}"
        settings = f"candidate_models: [other]\nproviders: {{{row}}}\n"
        files = {**FILES, ".github/greenloop.yml": settings}
        code, said = run_json(*ask(slow, candidates=4), cwd=make_repo(files))
        assert ([c["model"] for c in slow.chats], [c["model"] for c in other.chats]) == (["m", "m"], ["o", "o"])
        assert sorted(c["temperature"] for c in slow.chats) == [0.0, 0.4]
    assert (code, said["best"], said["attempts"][1]["model"]) == (0, 2, "o")
