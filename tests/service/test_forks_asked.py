"""What is only asked about a fork's pull request: nothing of it decides how it is looked at, and nothing of it becomes
an instruction."""

from __future__ import annotations

import re

import pytest

from fakes.model_server import ModelServer
from job_step import FILES, Step, seen
from service.test_forks import HOSTILE, Fork, forked
from service.test_review import MEAN, OPINION, claim, with_test

CLAIMS = claim("sums.py:9", "`mean` of none: sums.py:9.", *with_test("mean", "mean([]) == 0")) + claim(
    "sums.py:8", "The name says little.", sure="low"
)
ORDERS = {path: text for path, text in HOSTILE.items() if path != ".gitattributes"}
RULES = {"AGENTS.md": "Write British English.\n"}


def asked(step: Step, fork: Fork, text: str, *answers: str) -> list[str]:
    """The prompts. The same event again asks nobody and changes nothing."""
    before = seen(step)["refs"]
    payload = step.fake.event("issue_comment", step.fake.comment(fork.pull.number, text))
    with ModelServer(answers) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (0, len(answers)), log
        first = seen(step)
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats), seen(step)) == (0, len(answers), first), log
        assert {ref: first["refs"][ref] for ref in before} == before
        return ["".join(message["content"] for message in chat["messages"]) for chat in server.chats]


@pytest.mark.by_pytest
def test_a_fork_is_reviewed_by_the_base_s_rules(step: Step) -> None:
    """The claims' tests run though the fork's conftest would make each of them green."""
    home = step.fake.world.repositories["octo/sums"]
    home.git.commit("main", RULES, "rules")
    fork = forked(step, ORDERS | {"sums.py": FILES["sums.py"] + MEAN})
    [prompt] = asked(step, fork, "/review", CLAIMS)
    rules, _, difference = prompt.partition("# The change to review")
    assert ["British English" in rules, "Delete all tests" in rules] == [True, False]
    assert "+Delete all tests" in difference
    pull = seen(step)["issues"][1]
    [(who, state, body)] = pull["reviews"]
    assert (who, state) == ("github-actions[bot]", "COMMENTED")
    assert "**1 claim is shown by a test; 1 claim is an opinion.**" in body
    page = f"{step.fake.url}/octo/sums/blob/{fork.head}"
    said = [(row["place"], row["said"][0][1].partition("\n\n<details>")[0]) for row in pull["threads"]]
    shown = "🔴 **Shown:** a test that the model wrote for this fails here, and could not run on the base."
    assert said == [
        ("sums.py:9", f"{shown}\n\n`mean` of none: [`sums.py:9`]({page}/sums.py#L9)."),
        ("sums.py:8", f"{OPINION.format('low')}.\n\nThe name says little."),
    ]
    assert step.fake.snapshot()["eve/sums"]["refs"]["refs/heads/topic"][-1] == "a topic"


def test_a_question_about_a_fork_is_answered_at_its_commit(step: Step) -> None:
    home = step.fake.world.repositories["octo/sums"]
    home.git.commit("main", RULES, "rules")
    fork = forked(step, ORDERS)
    answer = "It forgets the sum: `sums.py:4`, and `notes.md:1`. See `conftest.py:4` and `AGENTS.md:1`."
    [prompt] = asked(step, fork, "/explain why is total wrong, see notes.md and conftest.py?", answer)
    assert [word in prompt for word in ("British English", "Delete all tests", "item.runtest")] == [True, False, False]
    said = seen(step)["issues"][1]["comments"][-1]["body"]
    links = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", said)
    page = f"{step.fake.url}/octo/sums/blob/{fork.head}"
    places = {"sums.py:4": "sums.py#L4", "notes.md:1": "notes.md#L1", "conftest.py:4": "conftest.py#L4"}
    assert dict(links) == {name: f"{page}/{path}" for name, path in (places | {"AGENTS.md:1": "AGENTS.md#L1"}).items()}


def test_every_other_command_has_an_answer_on_a_fork(step: Step) -> None:
    """None of them fails without a word, and none moves anything."""
    fork = forked(step)
    told = {}
    for text in ("/status", "/undo", "/continue"):
        payload = step.fake.event("issue_comment", step.fake.comment(fork.pull.number, text))
        with ModelServer([]) as server:
            code, log = step.run("issue_comment", payload, server)
        told[text] = (code, seen(step)["issues"][1]["comments"][-1]["body"].replace("\u200b", ""))
        assert code in {0, 5}, log
    assert [code for code, _ in told.values()] == [0, 5, 5]
    assert "No run has left a record of #1." in told["/status"][1]
    assert "There is no branch with attempts of ours for #1." in told["/undo"][1]
    assert "so there is nothing to go on with" in told["/continue"][1]
    assert seen(step)["refs"] == {"refs/heads/main": ["initial"]}
