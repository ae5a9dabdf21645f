"""Several first proposals at once: one prompt, one budget, each judged and recorded, and the checks choose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import git
from fakes.model_server import Failed, ModelServer, Stall
from program import QUICK, run, run_json, start

SUMS = '"""Sums."""\n\n\ndef total(numbers):\n    return numbers[-1]\n'
TESTS = """from sums import total


def test_total():
    assert total([1, 2]) == 3


def test_one():
    assert total([4]) == 4
"""
FILES = {"sums.py": SUMS, "test_sums.py": TESTS}
# where it does not matter what judges: the same two tests by a program that starts in a tenth of pytest's time
CHECK = """\
import sys

sys.path.insert(0, "")
from sums import total

cases = {"test_total": total([1, 2]) == 3, "test_one": total([4]) == 4}
red = '<failure type="AssertionError" message="assert it"/>'
rows = [f'<testcase file="check.py" name="{name}">{"" if good else red}</testcase>' for name, good in cases.items()]
with open("out.xml", "w") as out:
    out.write(f"<testsuites>{''.join(rows)}</testsuites>")
sys.exit(not all(cases.values()))
"""
COMMANDS = "commands: {sums: {run: python3 -I -S check.py, report: out.xml, format: junit}}\n"
LIGHT = {
    "sums.py": SUMS,
    "check.py": CHECK,
    ".gitignore": "out.xml\n",
    ".github/greenloop.yml": f"checks: [sums]\n{COMMANDS}",
}
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
    model = ("--model", "m", "--api-base", server.api_base)
    return ("generate", "total is wrong, see sums.py", *model, "--candidates", str(candidates), *more)


def test_the_checks_choose_whoever_comes_first(make_repo: Repo) -> None:
    repo, together = make_repo(LIGHT), threading.Barrier(3)

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
        code, said = run_json(*ask(server, "--test-command", QUICK, "--check", "pytest"), cwd=make_repo(FILES))
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
        code, said = run_json(*ask(server, "--attempts", "2", candidates=2), cwd=make_repo(LIGHT))
    assert (code, said["best"], len(said["attempts"])) == (0, 3, 3)
    prompt = server.chats[2]["messages"][-1]["content"]
    assert half in prompt  # the file is that of the better one
    assert "- attempt 1 (try return None): 1 new finding: sums 1." in prompt


def test_one_that_cannot_be_had_or_used_is_no_loss(make_repo: Repo) -> None:
    repo = make_repo(LIGHT)
    with ModelServer(by_temperature(Failed(400), "I cannot do that.", whole(RIGHT))) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["best"], said["unusable"], len(said["attempts"])) == (0, 1, 1, 1)
    assert (said["attempts"][0]["candidate"], said["attempts"][0]["choice"]) == (
        3,
        "Of 3 candidates the only one that could be judged.",
    )
    record = (repo / f".git/greenloop/runs/{said['run']}/recording.jsonl").read_text()
    assert '"kind": "unanswered", "attempt": 1, "draw": 1' in record


def test_questions_of_several_are_answered_once_for_all(make_repo: Repo) -> None:
    def answer(body: Any) -> Any:
        if "What you asked" not in body["messages"][-1]["content"]:
            return by_temperature("Look: read big.py:1-2", "Look: read big.py:1-2", whole(WRONG))(body)
        return by_temperature(whole(RIGHT), whole(WORSE))(body)

    files = {**LIGHT, "big.py": "".join(f"value_{n} = {n}\n" for n in range(2000))}
    with ModelServer(answer) as server:
        code, said = run_json(*ask(server), cwd=make_repo(files))
    assert (code, said["best"], said["lookups"], said["usage"]["calls"]) == (0, 1, 2, 5)
    asked = [chat["messages"][-1]["content"].count("value_0 = 0") for chat in server.chats[3:]]
    assert asked == [1, 1]


def test_for_what_there_is_no_room_nothing_is_asked(make_repo: Repo) -> None:
    """Each of three calls is set aside whole before the first is made; the limit has room for two."""
    with ModelServer(by_temperature(whole(WRONG), whole(RIGHT), whole(LONG))) as server:
        code, said = run_json(*ask(server, "--max-tokens", "22000"), cwd=make_repo(LIGHT))
        assert len(server.chats) == 2
    assert (code, said["best"], said["usage"]["calls"]) == (0, 2, 2)


def test_models_take_turns_and_the_very_same_change_is_judged_once(make_repo: Repo) -> None:
    with ModelServer([whole(WRONG)] * 9) as slow, ModelServer([whole(RIGHT)] * 9) as other:
        row = f"other: {{model: o, api_base: '{other.api_base}'}}"
        settings = f"{LIGHT['.github/greenloop.yml']}candidate_models: [other]\nproviders: {{{row}}}\n"
        files = {**LIGHT, ".github/greenloop.yml": settings}
        code, said = run_json(*ask(slow, candidates=4), cwd=make_repo(files))
        assert ([c["model"] for c in slow.chats], [c["model"] for c in other.chats]) == (["m", "m"], ["o", "o"])
        assert sorted(c["temperature"] for c in slow.chats) == [0.0, 0.4]
    assert (code, said["best"], [a["model"] for a in said["attempts"]]) == (0, 2, ["m", "o"])
    assert (said["unusable"], said["usage"]["calls"]) == (0, 4)
    assert said["attempts"][1]["choice"] == "Of 4 candidates the best by the checks. 2 of them were this very change."


def test_a_run_killed_between_its_candidates_goes_on(make_repo: Repo) -> None:
    """Killed when two of three answers have been asked for and the third is still coming, and again while the second of
    them is judged: what was paid for and judged by then stays."""
    repo, late = make_repo(LIGHT), [Stall("Summ")]

    def third(_: Any) -> Any:
        return late.pop() if late else whole(WORSE)

    def answer(body: Any) -> Any:
        return third(body) if body["temperature"] == 0.7 else by_temperature(whole(WRONG), whole(RIGHT))(body)

    with ModelServer(answer) as server:
        words = ask(server, "--branch", "fix", "--no-cache")
        with start(*words, cwd=repo) as process:
            server.wait_for(3)
            process.kill()
            process.communicate(timeout=60)
        with start(*words, cwd=repo) as process:
            assert process.stderr
            assert any("attempt 2/4: running the checks" in line for line in process.stderr)
            process.kill()
            process.communicate(timeout=60)
        asked, first = len(server.chats), git("rev-parse", "fix", cwd=repo)
        code, said = run_json(*words, cwd=repo)
    assert 4 <= asked <= 6  # of the two other answers those that had arrived are not asked for again
    assert len(server.chats) == asked
    assert (code, said["reason"], said["best"], said["usage"]["calls"]) == (0, "green", 2, 3)
    assert [(a["candidate"], a["green"]) for a in said["attempts"]] == [(1, False), (2, True), (3, False)]
    assert said["attempts"][0]["commit"] == first == git("rev-parse", "fix~3", cwd=repo)
