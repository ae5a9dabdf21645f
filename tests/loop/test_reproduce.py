"""A test first: asked for when it is worth it, kept when it is good, and never stronger than the repository's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import git
from fakes.model_server import ModelServer
from greenloop.domain import Cause, TestCase, Thread
from greenloop.engine.reproduce import STEP, asked, showing
from greenloop.settings import Settings
from program import QUICK, run, run_json
from values import passed, red, report, request

SUMS = '"""Sums."""\n\n\ndef total(numbers):\n    return numbers[-1]\n'
TESTS = "from sums import total\n\n\ndef test_one():\n    assert total([4]) == 4\n"
FILES = {"sums.py": SUMS, "test_sums.py": TESTS}
TWO = "from sums import total\n\n\ndef test_two():\n    assert total([1, 2]) == 3\n"
GOOD = f"Summary: show it\n\ntest_more.py\n```python\n{TWO}```\n"
MEANT = "total is wrong for several numbers, see sums.py"

Repo = Callable[..., Path]


def whole(body: str) -> str:
    return f'Summary: try {body[:12]}\n\nsums.py\n```python\n"""Sums."""\n\n\ndef total(numbers):\n    {body}\n```\n'


def ask(server: ModelServer, *more: str) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK, "--check", "pytest")
    return ("generate", MEANT, *model, *more)


def last(body: Any) -> str:
    return str(body["messages"][-1]["content"])


def test_a_good_test_is_kept_and_proves(make_repo: Repo) -> None:
    """It stands in the next prompt as what fails, an answer that softens it is put back, and the tip holds it."""
    repo = make_repo(FILES)
    softer = "\ntest_more.py\n```python\nfrom sums import total\n\n\ndef test_two():\n    assert total([1, 2])\n```\n"
    with ModelServer([GOOD, whole("return -1") + softer, whole("return sum(numbers)")]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert [STEP in last(chat) for chat in server.chats] == [True, False, False]
    assert "test_more.py::test_two" in last(server.chats[1])
    assert (code, said["evidence"], len(said["attempts"])) == (0, "proven(own test_two)", 2)
    assert said["attempts"][0]["notes"] == ["The test that was written first was put back as it was."]
    assert said["test_first"] == "Written first, by the model, and kept: test_two. On the base: assert 2 == 3"
    assert "total([1, 2]) == 3" in git("show", f"{said['branch']}:test_more.py", cwd=repo)
    text = Path(said["url"]).read_text()
    assert "failed on the base, passes now. This run wrote that test itself." in text
    assert "### Test first" in text
    assert run("replay", said["run"], cwd=repo).returncode == 0


def test_a_wrong_test_overrules_nothing(make_repo: Repo) -> None:
    """Two changes that pass everything of the repository's fail it: it goes, and no third answer is asked for."""
    wrong = GOOD.replace("== 3", "== 4")
    with ModelServer([wrong, whole("return sum(numbers)"), whole("return 0 + sum(numbers)")]) as server:
        code, said = run_json(*ask(server), cwd=make_repo(FILES))
    assert (code, said["evidence"], [a["green"] for a in said["attempts"]]) == (0, "unproven", [False, False, True])
    assert said["attempts"][2]["paths"] == ["sums.py"]
    assert said["attempts"][2]["notes"] == [
        "2 changes passed everything but the test that was written first; it was left out."
    ]


def test_a_wrong_test_overrules_no_candidates_either(make_repo: Repo) -> None:
    """Of two side by side, and nothing is left to ask for."""
    wrong, files = GOOD.replace("== 3", "== 4"), {**FILES, ".github/greenloop.yml": "candidates: 2\nattempts: 1\n"}
    with ModelServer([wrong, whole("return sum(numbers)"), whole("return 0 + sum(numbers)")]) as server:
        code, said = run_json(*ask(server), cwd=make_repo(files))
    assert (code, [a["green"] for a in said["attempts"]]) == (0, [False, False, True])
    assert len(server.chats) == 3


def test_no_further_call_where_a_red_test_shows_it(make_repo: Repo) -> None:
    files = {**FILES, "test_more.py": TWO}
    with ModelServer([whole("return sum(numbers)")]) as server:
        code, said = run_json(*ask(server), cwd=make_repo(files))
    assert (code, said["evidence"], len(server.chats), said["test_first"]) == (0, "proven(test_two)", 1, "")


NOBODY = Settings(checks=("ruff",))
WHEN = [
    ("auto", MEANT, report(passed("t.py::a")), (), True),
    ("auto", "add a retry to the uploader", report(passed("t.py::a")), (), False),
    ("auto", MEANT, report(red("t.py::a")), ("t.py::a",), False),
    ("auto", MEANT, report(), (), False),
    ("first", "add a retry", report(), (), True),
    ("after", MEANT, report(passed("t.py::a")), (), False),
    ("never", MEANT, report(passed("t.py::a")), (), False),
]


@pytest.mark.parametrize(("mode", "text", "base", "expected", "first"), WHEN)
def test_when_it_is_asked_for(mode: str, text: str, base: Any, expected: tuple[str, ...], first: bool) -> None:
    assert asked(request(text), Settings(tests=mode), base, expected) is first
    assert not asked(request(text), Settings(tests=mode, checks=("ruff",)), base, expected)
    assert not asked(request(text, threads=(Thread(id="1", path="a.py"),)), Settings(tests=mode), base, expected)


RED = red("t.py::test_a")
SHOWS: list[tuple[list[TestCase | None], tuple[str, ...], str]] = [
    ([RED, RED], ("t.py::test_a",), "Written first, by the model, and kept: test_a. On the base: assert 1 == 2"),
    ([], (), "The answer holds no new test file."),
    ([RED, passed("t.py::test_a")], (), "The test did not go the same way twice on the base, so it is not kept."),
    ([passed("t.py::test_a")] * 2, (), "The test does not fail on the base, so it shows nothing and is not kept."),
    (
        [red("t.py::test_a", Cause.IMPORT, "ImportError: no x")] * 2,
        (),
        "test_a fails on the base for a reason of its own, so it is not kept: AssertionError: ImportError: no x",
    ),
]


@pytest.mark.parametrize(("runs", "good", "why"), SHOWS)
def test_what_is_good(runs: list[TestCase], good: tuple[str, ...], why: str) -> None:
    assert showing([{test.id: test} for test in runs]) == (good, why)


def test_never_says_so(make_repo: Repo) -> None:
    with ModelServer([whole("return sum(numbers)")]) as server:
        files = {**FILES, ".github/greenloop.yml": "tests: never\n"}
        _, said = run_json(*ask(server), cwd=make_repo(files))
    assert (said["test_first"], len(server.chats)) == ("", 1)
    assert "Write no tests." in server.chats[0]["messages"][0]["content"]
