"""What is said beside the loop, each as a step of a job, and each delivered twice with nothing doubled."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.model_server import ModelServer
from greenloop.orders import Words
from greenloop.settings import Settings
from job_step import AT_ONCE, FILES, Step, asked, seen

CONFIG = ".github/greenloop.yml"


def twice(step: Step, payload: dict[str, Any], answers: tuple[str, ...] = (), event: str = "issue_comment") -> str:
    """What a step that ends well has said on #1; the same again changes nothing and asks nobody."""
    with ModelServer(answers) as server:
        code, log = step.run(event, payload, server)
        assert (code, len(server.chats)) == (0, len(answers)), log
        first = seen(step)
        code, log = step.run(event, payload, server)
        assert (code, len(server.chats)) == (0, len(answers)), log
    assert seen(step) == first
    ours = [c["body"] for c in first["issues"][1]["comments"] if c["author"] == "github-actions[bot]"]
    return "\n".join(ours)


def settings(step: Step, text: str) -> None:
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + text}, "settings")


def test_help_lists_what_there_is_here(step: Step) -> None:
    settings(step, "command_names: {generate: fix}\ncommands_off: [refactor]\n")
    said = twice(step, asked(step, "/help"))
    listed = Words.of(Settings(command_names={"generate": "fix"}, commands_off=("refactor",)), me="").listed()
    assert said.splitlines()[-len(listed.splitlines()) :] == listed.splitlines()
    assert "- `/fix <what>`: On an issue a pull" in said
    assert "refactor" not in listed.splitlines()[1]


UNKNOWN = [
    ("/generat x", "ada", "`/generat` is no command here. Did you mean `/generate`?"),
    ("/refactor x", "ada", "`/refactor` is switched off"),
    ("/generat x", "eve", ""),
]


@pytest.mark.parametrize(("text", "author", "told"), UNKNOWN)
def test_what_looks_like_a_command_of_ours_gets_one_word(step: Step, text: str, author: str, told: str) -> None:
    settings(step, "commands_off: [refactor]\n")
    said = twice(step, asked(step, text, author))
    assert told in said
    assert bool(said) == bool(told)
    assert [c["reactions"] for c in seen(step)["issues"][1]["comments"]] == [[]] * (1 + bool(told))


def test_a_command_has_the_name_that_the_repository_gives_it(step: Step) -> None:
    settings(step, "command_names: {generate: fix}\n")
    said = twice(step, asked(step, "/fix total is wrong, see test_total\n/evaluate"), (AT_ONCE,))
    assert "🟢 **Nothing new is red" in said
    assert said.endswith("Not done: `/evaluate`. Write each in a comment of its own.")
    assert seen(step)["issues"][2]["title"] == "fix: add up"
    with ModelServer([]) as server:
        assert step.run("issue_comment", asked(step, "/generate x"), server)[0] == 0
    assert len(seen(step)["issues"][3]["comments"]) == 1


def test_permissions_are_the_repositorys(step: Step) -> None:
    settings(step, "permissions: {generate: maintain, help: triage}\n")
    step.fake.user("tess", permission="triage")
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", asked(step, "/generate x"), server)
        assert code == 5, log
        assert step.run("issue_comment", asked(step, "/help", "tess"), server)[0] == 0
        assert step.run("issue_comment", asked(step, "/help", "eve"), server)[0] == 0
    comments = [issue["comments"][1:] for issue in seen(step)["issues"].values()]
    assert "ada has no maintain access" in comments[0][0]["body"]
    assert "**What I do" in comments[1][0]["body"]
    assert comments[2] == []


def test_settings_that_cannot_be_read_are_told_to_those_alone_who_may(step: Step) -> None:
    settings(step, "permissions: {generate: read}\n")
    with ModelServer([]) as server:
        assert step.run("issue_comment", asked(step, "/generate x", "eve"), server)[0] == 0
        assert step.run("issue_comment", asked(step, "/generate x"), server)[0] == 2
    comments = [issue["comments"][1:] for issue in seen(step)["issues"].values()]
    assert comments[0] == []
    assert "must be one of triage, write, maintain, admin" in comments[1][0]["body"]


def test_settings_that_are_not_where_the_job_says_are_missed(step: Step) -> None:
    """Without them everything that they forbid would be allowed."""
    with ModelServer([]) as server:
        assert step.run("issue_comment", asked(step, "/generate x"), server, INPUT_CONFIG="ci/greenlop.yml")[0] == 2
        assert step.run("issue_comment", asked(step, "/generate x"), server, INPUT_MODEL="", INPUT_API_BASE="")[0] == 2
    first, second = (issue["comments"][1]["body"] for issue in seen(step)["issues"].values())
    assert "The input \\`config\\` names ci/greenlop.yml, which the default branch main does not hold." in first
    assert "🔴 No model is named. Name one in one of these ways:\n\n```text\n  on the command line " in second


def test_a_label_is_a_request(step: Step) -> None:
    issue = step.fake.issue("Mend test_total", "total forgets.", author="bob")
    said = twice(
        step, step.fake.event("issues", issue, action="labeled", label="greenloop", sender="ada"), (AT_ONCE,), "issues"
    )
    assert "🟢 **Nothing new is red" in said
    assert seen(step)["issues"][2]["body"].endswith("Closes #1\n")


def test_the_label_of_a_stranger_is_none(step: Step) -> None:
    issue = step.fake.issue("Mend test_total", author="eve")
    before = seen(step)
    with ModelServer([]) as server:
        for label, sender in (("greenloop", "eve"), ("bug", "ada")):
            payload = step.fake.event("issues", issue, action="labeled", label=label, sender=sender)
            assert step.run("issues", payload, server)[0] == 0
    assert seen(step) == before


def test_a_repository_dispatch_is_a_request(step: Step) -> None:
    step.fake.issue("Totals", "They are wrong.", author="bob")
    given = {"command": "generate", "prompt": "mend test_total", "number": "1"}
    payload = step.fake.event("repository_dispatch", given, sender="ada")
    assert "🟢 **Nothing new is red" in twice(step, payload, (AT_ONCE,), "repository_dispatch")


def test_what_is_said_or_changed_later_is_not_read(step: Step) -> None:
    issue = step.fake.issue("Totals", "As it was.", author="bob")
    old, changed, later = (step.fake.comment(issue.number, words, author="eve") for words in ("old", "new", "late"))
    asking = step.fake.comment(issue.number, "/generate mend test_total")
    payload = step.fake.event("issue_comment", asking)
    at = asking.created_at
    old.created_at = old.updated_at = changed.created_at = "2026-01-01T00:00:00Z"
    changed.updated_at, later.created_at, later.updated_at = at, "2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    issue.body = "As it is now."
    with ModelServer([AT_ONCE]) as server:
        assert step.run("issue_comment", payload, server)[0] == 0
        prompt = server.chats[0]["messages"][1]["content"]
    found = {word: f"\n{word}\n" in prompt for word in ("Totals\n\nAs it was.", "old", "new", "late", "As it is now.")}
    assert found == {"Totals\n\nAs it was.": True, "old": True, "new": False, "late": False, "As it is now.": False}
