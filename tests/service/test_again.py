"""`/continue` and `/undo`: what was begun is taken up, or taken back, and nothing of anybody else's is touched."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fakes.model_server import ModelServer
from job_step import AT_ONCE, FILES, MODULE, Step, answer, asked, seen

CONFIG = ".github/greenloop.yml"
LEAST = "\n\ndef least(numbers):\n    return numbers[0]\n"
BOTH = "from sums import total, least\n\n\ndef test_total():\n    assert total([1, 2, 3]) == 6\n\n\n"
BOTH += "def test_least():\n    assert least([3, 1]) == 1\n"
MEND = answer("    return numbers[0]", "    return min(numbers)", "fix: least")


def say(step: Step, text: str, number: int, *answers: str, author: str = "ada", shows: str = "") -> tuple[int, str]:
    """Exit code, and what is answered; what was done is not done twice, and nobody is asked. Prompts hold `shows`."""
    payload = step.fake.event("issue_comment", step.fake.comment(number, text, author=author))
    with ModelServer(answers) as server:
        code, log = step.run("issue_comment", payload, server)
        assert len(server.chats) == len(answers), log
        assert all(shows in str(chat["messages"]) for chat in server.chats)
        first = seen(step)
        if code == 0:  # a refusal is asked for again on purpose
            again, log = step.run("issue_comment", payload, server)
            assert (again, len(server.chats), seen(step)) == (code, len(answers), first), log
    return code, re.sub("[0-9a-f]{9}", "SHA", first["issues"][number]["comments"][-1]["body"].partition("\n")[2])


def branch(step: Step) -> str:
    [name] = [ref[11:] for ref in seen(step)["refs"] if ref.startswith("refs/heads/greenloop/")]
    return str(name)


def begun(step: Step) -> dict[str, Any]:
    """An issue whose one attempt has mended one of two tests."""
    git = step.fake.world.repositories["octo/sums"].git
    files = {
        "sums.py": MODULE + LEAST,
        "test_sums.py": BOTH,
        CONFIG: FILES[CONFIG].replace("attempts: 3", "attempts: 1"),
    }
    git.commit("main", files, "two tests")
    payload = asked(step, "/generate mend test_sums.py")
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", payload, server)
    assert code == 3, log
    return payload


def test_a_run_is_taken_up_and_taken_back(step: Step) -> None:
    begun(step)
    git = step.fake.world.repositories["octo/sums"].git
    name, before = branch(step), git.files("refs/heads/main")
    draft = seen(step)["issues"][2]
    assert (draft["title"], draft["draft"]) == ("[not green] fix: add up", True)
    git.commit(
        "main", {"AGENTS.md": "Write British English.\n"}, "rules"
    )  # which hold here too, though not on the branch
    code, said = say(step, "/continue", 1, MEND, shows="British English")
    assert code == 0, said
    now = seen(step)
    assert branch(step) == name
    assert now["refs"][f"refs/heads/{name}"] == ["initial", "two tests", "fix: add up", "fix: least"]
    pull = now["issues"][2]
    assert (list(now["issues"]), pull["title"], pull["draft"], pull["author"]) == (
        [1, 2],
        "fix: least",
        False,
        "github-actions[bot]",
    )
    assert pull["body"].endswith("Closes #1\n")
    assert say(step, "/undo 3", 2)[1].startswith("🔴 At the end of ")
    code, said = say(step, "/undo", 2)
    assert (code, said) == (
        0,
        f"↩️ **Taken back on `{name}`: `SHA`.** `SHA`, on top of them, has the files as they were before them.",
    )
    assert say(step, "/undo", 1)[0] == 0
    assert git.files(f"refs/heads/{name}") == before
    assert seen(step)["refs"][f"refs/heads/{name}"][-2:] == ["Take back the last attempt"] * 2
    assert "there are 0 attempts of ours" in say(step, "/undo", 1)[1]
    code, said = say(step, "/continue mend test_total alone", 2, AT_ONCE)
    assert (code, "Not green, but better than the base" in said) == (3, True)
    assert seen(step)["issues"][2]["body"].endswith("Closes #1\n")


def test_what_is_not_ours_is_not_taken_back(step: Step) -> None:
    begun(step)
    git, name = step.fake.world.repositories["octo/sums"].git, branch(step)
    [run] = [ref for ref in seen(step)["refs"] if ref.startswith("refs/greenloop/runs/")]
    forged = f"fix: mine\n\nGreenloop-Run: {run.rpartition('/')[2]}\nGreenloop-Attempt: 2/4\n"
    git.commit(name, {"notes.md": "x\n"}, forged)
    before = seen(step)["refs"]
    for words, told in (("/undo", "is no attempt of ours"), ("/undo -1", "takes a number")):
        code, said = say(step, words, 2)
        assert (code, told in said) == (5, True), said
    assert seen(step)["refs"] == before


def test_the_later_attempts_that_were_taken_back_already_do_not_count(step: Step) -> None:
    """The best attempt was not the last, so the tip has its files again."""
    git = step.fake.world.repositories["octo/sums"].git
    config = FILES[CONFIG].replace("attempts: 3", "attempts: 2")
    git.commit("main", {"sums.py": MODULE + LEAST, "test_sums.py": BOTH, CONFIG: config}, "two tests")
    worse = answer("        result = result + number", "        result = 0", "fix: forget it")
    with ModelServer([AT_ONCE, worse]) as server:
        code, log = step.run("issue_comment", asked(step, "/generate mend test_sums.py"), server)
    assert code == 3, log
    assert seen(step)["refs"][f"refs/heads/{branch(step)}"][-1] == "Restore attempt 1, the best so far"
    assert "there are 1 attempts" in say(step, "/undo 2", 1)[1]
    assert say(step, "/undo 1", 1)[0] == 0
    assert git.files(f"refs/heads/{branch(step)}") == git.files("refs/heads/main")


@pytest.mark.parametrize(
    ("words", "told"), [("/continue", "nothing to go on with"), ("/undo", "no branch with attempts")]
)
def test_where_nothing_was_begun(step: Step, words: str, told: str) -> None:
    step.fake.issue("Totals", author="bob")
    code, said = say(step, words, 1)
    assert (code, told in said) == (5, True), said


def test_a_killed_undo_is_made_good(step: Step) -> None:
    begun(step)
    git = step.fake.world.repositories["octo/sums"].git
    payload = step.fake.event("issue_comment", step.fake.comment(1, "/undo"))
    name = branch(step)
    tip = git.sha(f"refs/heads/{name}")
    with ModelServer([]) as server:
        assert step.run("issue_comment", payload, server)[0] == 0
        done = seen(step)
        git.move(f"refs/heads/{name}", tip)  # as if it had been killed between its record and the branch
        comment = max(step.fake.world.repositories["octo/sums"].comments)
        del step.fake.world.repositories["octo/sums"].comments[comment]
        assert step.run("issue_comment", payload, server)[0] == 0
    assert seen(step) == done


def test_nothing_is_taken_up_while_somebody_is_at_work(step: Step) -> None:
    """A lock is a person's word as well: only those who may push can write one."""
    begun(step)
    git, name = step.fake.world.repositories["octo/sums"].git, branch(step)
    git.commit("work", {}, f"At work\n\nGreenloop-Holder: 9\nGreenloop-Until: 9999999999\nGreenloop-Branch: {name}\n")
    git.move("refs/greenloop/locks/comment-9-x", git.sha("refs/heads/work"))
    for words in ("/continue", "/undo"):
        code, said = say(step, words, 1)
        assert (code, "A run is at work here until 2286-11-20" in said) == (5, True), said
