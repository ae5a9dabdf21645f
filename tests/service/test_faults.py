"""Whatever goes wrong between us and GitHub, or with the runner: afterwards there is what would be there anyway."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from fakes.github import FakeGitHub
from fakes.github.faults import Fault, broken, cut, dropped, lost, meanwhile, secondary
from fakes.model_server import ModelServer, Stall
from greenloop.service.words import ADVICE_PENDING
from job_step import AT_ONCE, RIGHT, WRONG, Step, answer, asked, made, plain, started

REACTION, COMMENT, EDIT, PULL = (
    ("POST", "/reactions$"),
    ("POST", r"/issues/\d/comments$"),
    ("PATCH", "/issues/comments/"),
    ("POST", "/pulls$"),
)
ANSWER = ("POST", "/replies$")
PUSH = ("POST", "git-receive-pack$")
FETCH = ("POST", "git-upload-pack$")
BOTH = "from sums import total, least\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n\n\n"
BOTH += "def test_least():\n    assert least([3, 1]) == 1\n"
LEAST = "\n\ndef least(numbers):\n    return numbers[0]\n"
WORSE = answer("        result = result + number", "        result = 0", "fix: forget it")
HALF = (AT_ONCE, WORSE, "I do not know.", "Nor do I.")

LAST_WORDS = """<!-- greenloop:run={key} -->
🟡 **Not green, but better than the base; the best attempt is kept as a draft.** \
Evidence: `proven(test_total)`: failed on the base, passes now.

Two answers in a row could not be used; of the last: it holds no edit.

http://HOST/octo/sums/pull/1 · [workflow run](http://HOST/octo/sums/actions/runs/1)

{pending}

| # | change | checks | evidence | commit |
|---|---|---|---|---|
| **1** | fix: add up | 🔴 `tests=failed(1/2)` | `proven(test_total)` | SHA |
| 2 | fix: forget it | 🔴 `tests=failed(2/2)` | `unproven` | SHA |

`m`: 4 calls, 2 unusable, 44 tokens in (0 cached), 28 out, no known price, N s.

**Next:** Say what is missing in a new comment there, after `/generate`, or take the draft over by hand."""

Prepared = tuple[str, dict[str, Any]]


def on_an_issue(step: Step) -> Prepared:
    return "issue_comment", asked(step)


def _topic(step: Step) -> int:
    step.fake.world.repositories["octo/sums"].git.commit("topic", {"notes.md": "x\n"}, "a topic")
    return step.fake.pull_request("topic").number


def on_a_pull_request(step: Step) -> Prepared:
    number = _topic(step)
    return "issue_comment", step.fake.event("issue_comment", step.fake.comment(number, "/generate mend test_total"))


def on_a_review(step: Step) -> Prepared:
    said = {"path": "sums.py", "line": 4, "body": "This forgets the sum, see test_total."}
    review = step.fake.review(_topic(step), "Please mend it.", comments=(said,))
    return "pull_request_review", step.fake.event("pull_request_review", review)


def by_dispatch(step: Step) -> Prepared:
    inputs = {"command": "generate", "prompt": "total is wrong, see test_total"}
    return "workflow_dispatch", step.fake.event("workflow_dispatch", inputs, sender="ada")


def best_is_not_last(step: Step) -> Prepared:
    """On a pull request whose two failing tests are never both mended."""
    git = step.fake.world.repositories["octo/sums"].git
    source = git.files("refs/heads/main")["sums.py"] + LEAST
    git.commit("topic", {"sums.py": source, "test_sums.py": BOTH}, "a topic")
    number = step.fake.pull_request("topic").number
    return "issue_comment", step.fake.event("issue_comment", step.fake.comment(number, "/generate mend test_sums.py"))


@dataclass(frozen=True)
class Scenario:
    prepare: Callable[[Step], Prepared]
    answers: tuple[str, ...]
    writes: tuple[tuple[str, str], ...]
    code: int = 0


SCENARIOS = {
    "issue": Scenario(on_an_issue, (WRONG, RIGHT), (REACTION, COMMENT, EDIT, PULL, PUSH)),
    "pull request": Scenario(on_a_pull_request, (WRONG, RIGHT), (REACTION, COMMENT, EDIT, PUSH)),
    "review": Scenario(on_a_review, (AT_ONCE,), (COMMENT, EDIT, PUSH, ANSWER)),
    "dispatch": Scenario(by_dispatch, (AT_ONCE,), (PULL, PUSH)),
    "best is not last": Scenario(best_is_not_last, HALF, (REACTION, COMMENT, EDIT, PUSH), code=3),
}
DONE, HALF_SENT, NOT_DONE = "done, but 502", "done, but cut", "not done: 502, then a reset, then a secondary limit"
FAULTS: Mapping[str, tuple[Fault, ...]] = {
    DONE: (lost(),),
    HALF_SENT: (cut(),),
    NOT_DONE: (broken(), dropped(), secondary(0)),
}


@cache
def undisturbed(name: str) -> dict[str, Any]:
    scenario = SCENARIOS[name]
    with TemporaryDirectory(prefix="alone-") as folder, FakeGitHub(Path(folder)) as fake:
        step = made(fake, Path(folder))
        event, payload = scenario.prepare(step)
        with ModelServer(scenario.answers) as server:
            code, log = step.run(event, payload, server)
        assert code == scenario.code, log
        return plain(step)


@pytest.mark.parametrize(
    ("name", "fault"), [*((name, fault) for name in SCENARIOS for fault in (DONE, NOT_DONE)), ("issue", HALF_SENT)]
)
def test_every_write_goes_wrong_and_nothing_is_doubled_or_lost(step: Step, name: str, fault: str) -> None:
    scenario = SCENARIOS[name]
    event, payload = scenario.prepare(step)
    for method, path in scenario.writes:
        for planned in FAULTS[fault][:2] if path == PUSH[1] else FAULTS[fault]:
            step.fake.on(method, path, planned)
    with ModelServer(scenario.answers) as server:
        code, log = step.run(event, payload, server)
        assert (code, len(server.chats)) == (scenario.code, len(scenario.answers)), log
    assert plain(step) == undisturbed(name)


def test_what_the_matrix_compares_with() -> None:
    """The whole of it, once."""
    now = deepcopy(undisturbed("best is not last"))
    [run] = [ref for ref in now["refs"] if ref.startswith("refs/greenloop/runs/")]
    attempts = ["initial", "a topic", "fix: add up", "fix: forget it", "Restore attempt 1, the best so far"]
    key = run.removeprefix("refs/greenloop/runs/")
    assert now["refs"] == {
        "refs/heads/main": ["initial"],
        "refs/heads/topic": attempts,
        run: [*attempts, f"Record of run {key}"],
    }
    comments = now["issues"]["1"].pop("comments")
    assert now["issues"] == {
        "1": {
            "title": "A change",
            "body": "",
            "author": "ada",
            "state": "open",
            "reactions": [],
            "head": "topic",
            "base": "main",
            "draft": False,
        }
    }
    assert comments[0] == {
        "author": "ada",
        "body": "/generate mend test_sums.py",
        "reactions": [["github-actions[bot]", "eyes"]],
    }
    words = LAST_WORDS.format(key=key, pending=ADVICE_PENDING)
    assert comments[1:] == [{"author": "github-actions[bot]", "body": words, "reactions": []}]


KILLS = {
    "issue, while the clone is made": ("issue", FETCH, 0),
    "issue, while the request is locked": ("issue", PUSH, 0),
    "issue, while the first attempt is recorded": ("issue", PUSH, 1),
    "issue, while the branch is made": ("issue", PUSH, 2),
    "issue, while the second attempt is recorded": ("issue", PUSH, 3),
    "issue, while the branch is moved": ("issue", PUSH, 4),
    "issue, while the end is recorded": ("issue", PUSH, 5),
    "issue, while the lock is given back": ("issue", PUSH, 6),
    "issue, at the reaction": ("issue", REACTION, 0),
    "issue, at the first comment": ("issue", COMMENT, 0),
    "issue, at an edit": ("issue", EDIT, 0),
    "issue, at the pull request": ("issue", PULL, 0),
    "pull request, while the branch is moved": ("pull request", PUSH, 3),
    "pull request, while the end is recorded": ("pull request", PUSH, 4),
    "best is not last, while the last answers are recorded": ("best is not last", PUSH, 3),
    "best is not last, while the branch is moved": ("best is not last", PUSH, 4),
    "best is not last, while the end is recorded": ("best is not last", PUSH, 5),
}


@pytest.mark.parametrize(("name", "write", "skip"), KILLS.values(), ids=KILLS)
def test_a_runner_killed_at_any_point_is_made_good_by_the_next(
    step: Step, name: str, write: tuple[str, str], skip: int
) -> None:
    scenario = SCENARIOS[name]
    event, payload = scenario.prepare(step)
    with ModelServer(scenario.answers) as server:
        with started(step, payload, server) as process:
            step.fake.on(*write, meanwhile(process.kill), skip=skip)
            process.wait(timeout=120)
        assert process.returncode == -signal.SIGKILL
        code, log = step.run(event, payload, server)
        assert (code, len(server.chats)) == (scenario.code, len(scenario.answers)), log
    assert plain(step) == undisturbed(name)


@pytest.mark.parametrize("answered", [(), (WRONG,)], ids=["first", "second"])
def test_a_runner_killed_while_an_answer_arrives(step: Step, answered: tuple[str, ...]) -> None:
    payload = asked(step)
    with ModelServer([*answered, Stall("Summ"), *(WRONG, RIGHT)[len(answered) :]]) as server:
        with started(step, payload, server) as process:
            server.wait_for(len(answered) + 1)
            process.kill()
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (0, 3), log
    assert plain(step) == undisturbed("issue")
