"""Something ends, closes or moves in the middle of a run: what was made by then is there, and it is said what happened.
When the cause is gone, the same job run again makes good for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fakes.github.faults import Fault, broken, primary, rejected, secondary
from fakes.model_server import ModelServer
from job_step import AT_ONCE, RIGHT, WRONG, Step, asked, seen

BRANCH, RUN = "refs/heads/greenloop/", "refs/greenloop/runs/"
MINE = "def total(numbers):\n    return sum(numbers) + 0\n"


def limited(step: Step) -> None:
    """GitHub takes no more requests for an hour."""
    step.fake.from_now_on("PATCH", "/api/", primary(int(time.time()) + 3600))
    step.fake.from_now_on("POST", "/api/", primary(int(time.time()) + 3600))


def slowed(step: Step) -> None:
    step.fake.from_now_on("PATCH", "/api/", secondary(600))
    step.fake.from_now_on("POST", "/pulls$", secondary(600))


def down(step: Step) -> None:
    """Every answer is a proxy's page; retried by each request, for as long as is reasonable."""
    for method in ("GET", "PATCH", "POST"):
        step.fake.from_now_on(method, "/api/v3/repos/octo/sums/(pulls|issues)", Fault(status=404, raw=b"<html>"))


def unwell(step: Step) -> None:
    """Every pull request ends in a 502."""
    step.fake.from_now_on("POST", "/pulls$", broken())


def deaf(step: Step) -> None:
    """And so does every push."""
    step.fake.from_now_on("POST", "git-receive-pack$", broken(503))


def archived(step: Step) -> None:
    step.fake.world.repositories["octo/sums"].archived = True


def expired(step: Step) -> None:
    step.fake.world.tokens.pop(step.token)


def well(step: Step) -> None:
    """The cause is gone, whatever it was."""
    step.fake.again()
    step.fake.world.repositories["octo/sums"].archived = False
    step.fake.actions_token(value=step.token)


@dataclass(frozen=True)
class Ends:
    """What happens before the answer to the first or second call, the attempts that are on the branch when the run
    ends, and a part of the job's log. Afterwards the same job finishes, and asks nobody again."""

    happens: Callable[[Step], None]
    answers: tuple[str, ...]
    pushed: list[str]
    said: str


ENDS = {
    "a primary limit": Ends(limited, (AT_ONCE,), ["fix: add up"], "The attempts are on the branch greenloop/issue-1-"),
    "a secondary limit": Ends(slowed, (AT_ONCE,), ["fix: add up"], "It wants us to wait 600 s"),
    "5xx of the API": Ends(unwell, (AT_ONCE,), ["fix: add up"], "The attempts are on the branch greenloop/issue-1-"),
    "5xx of git": Ends(deaf, (WRONG, RIGHT), ["fix: subtract"], "returned error: 503"),
    "answers that are none": Ends(down, (AT_ONCE,), ["fix: add up"], "Run the job again: it goes on from here."),
    "the repository is archived": Ends(archived, (WRONG, RIGHT), ["fix: subtract"], "Unarchive it, then run the job"),
    "the token expires": Ends(expired, (WRONG, RIGHT), ["fix: subtract"], "The token is not accepted any more"),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_ends_a_run_in_the_middle_loses_nothing(step: Step, name: str) -> None:
    ends = ENDS[name]

    def last(_: dict[str, Any]) -> str:
        ends.happens(step)
        return ends.answers[-1]

    payload = asked(step)
    with ModelServer([*ends.answers[:-1], last]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, ends.said in log) == (10, True), log
        refs = step.fake.world.repositories["octo/sums"].git.refs()
        [branch] = [ref for ref in refs if ref.startswith(BRANCH)]
        assert seen(step)["refs"][branch] == ["initial", *ends.pushed]
        well(step)
        code, log = step.run("issue_comment", payload, server)
        assert (code, len(server.chats)) == (0, len(ends.answers)), log
    now = seen(step)
    subjects = ["fix: subtract", "fix: add up"] if len(ends.answers) > 1 else ["fix: add up"]
    assert now["refs"][branch] == ["initial", *subjects]
    assert [i["title"] for i in now["issues"].values()] == ["Totals are wrong", "fix: add up"]
    assert ["🟢 **Nothing new is red" in c["body"] for c in now["issues"][1]["comments"]] == [False, True]
    assert sorted(now["refs"]) == sorted(["refs/heads/main", branch, next(r for r in now["refs"] if r.startswith(RUN))])


def vanished(step: Step) -> None:
    """Our comment, and the one that asked."""
    step.fake.world.repositories["octo/sums"].comments.clear()


def all_at_once(step: Step) -> None:
    """And the issue is closed."""
    vanished(step)
    step.fake.world.repositories["octo/sums"].issues[1].state = "closed"


def locked(step: Step) -> None:
    step.fake.world.repositories["octo/sums"].issues[1].locked = True


@pytest.mark.parametrize("happens", [all_at_once, locked])
def test_what_ends_no_run(step: Step, happens: Callable[[Step], None]) -> None:
    def first(_: dict[str, Any]) -> str:
        happens(step)
        return AT_ONCE

    with ModelServer([first]) as server:
        code, log = step.run("issue_comment", asked(step), server)
    assert code == 0, log
    now = seen(step)
    assert now["issues"][2]["title"] == "fix: add up"
    [told] = [c for c in now["issues"][1]["comments"] if c["author"] == "github-actions[bot]"]
    assert "/pull/2" in told["body"]


def test_a_locked_conversation_costs_nothing(step: Step) -> None:
    payload = asked(step)
    locked(step)
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, server.chats) == (5, []), log
    assert "the conversation is locked" in log


def test_a_comment_that_is_gone_is_no_request(step: Step) -> None:
    payload = asked(step)
    vanished(step)
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert (code, server.chats) == (0, []), log
    assert "The comment was deleted meanwhile" in (step.folder / "summary").read_text()
    assert seen(step)["issues"][1]["comments"] == []


def test_a_protected_branch_is_told_of_with_the_attempts(step: Step) -> None:
    step.fake.world.repositories["octo/sums"].git.commit("topic", {"notes.md": "x\n"}, "a topic")
    number = step.fake.pull_request("topic").number
    payload = step.fake.event("issue_comment", step.fake.comment(number, "/generate mend test_total"))
    step.fake.on("POST", "git-receive-pack$", rejected("protected branch hook declined"), skip=2)
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", payload, server)
    assert code == 10, log
    now = seen(step)
    assert now["refs"]["refs/heads/topic"] == ["initial", "a topic"]
    said = now["issues"][1]["comments"][-1]["body"]
    assert ["A rule of the repository protects it" in said, "refs/greenloop/runs/" in said] == [True, True]


def pushed_to(step: Step, files: dict[str, str | bytes | None]) -> tuple[int, str]:
    """Exit code, and what is said, when a person pushes these files to the pull request in the middle."""
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    number = step.fake.pull_request("topic").number
    payload = step.fake.event("issue_comment", step.fake.comment(number, "/generate mend test_total"))

    def meanwhile(_: dict[str, Any]) -> str:
        git.commit("topic", files, "a person's own")
        return AT_ONCE

    with ModelServer([meanwhile]) as server:
        code, log = step.run("issue_comment", payload, server)
        first = seen(step)
        if code == 0:
            again, log = step.run("issue_comment", payload, server)
            assert (again, seen(step), len(server.chats)) == (code, first, 1), log
    return code, first["issues"][1]["comments"][-1]["body"].replace("\\", "")


def test_a_push_of_somebody_in_between_is_gone_on_from_once(step: Step) -> None:
    code, said = pushed_to(step, {"notes.md": "y\n"})
    now = seen(step)
    assert (code, now["refs"]["refs/heads/topic"]) == (0, ["initial", "a topic", "a person's own", "fix: add up"])
    files = step.fake.world.repositories["octo/sums"].git.files("refs/heads/topic")
    assert (files["notes.md"], "result + number" in files["sums.py"]) == ("y\n", True)
    assert "topic was pushed to meanwhile, so the attempts were made again on top of" in said
    tip = step.fake.world.repositories["octo/sums"].git.sha("refs/heads/topic")
    assert f"{str(tip)[:9]} |" in said


@pytest.mark.parametrize(("path", "code"), [("more.md", 0), ("notes.md", 10)])
def test_a_push_during_a_review_is_gone_on_from_unless_the_review_is_about_it(step: Step, path: str, code: int) -> None:
    """A thread is about lines as they were: where those were changed by somebody, it is left to people."""
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("topic", {"notes.md": "x\n"}, "a topic")
    about = ({"path": "sums.py", "line": 4, "body": "See test_total."}, {"path": "notes.md", "line": 1, "body": "Why?"})
    review = step.fake.review(step.fake.pull_request("topic").number, "Please mend it.", comments=about)

    def meanwhile(_: dict[str, Any]) -> str:
        git.commit("topic", {path: "y\n"}, "a person's own")
        return AT_ONCE

    with ModelServer([meanwhile]) as server:
        given, log = step.run("pull_request_review", step.fake.event("pull_request_review", review), server)
    assert given == code, log
    now = seen(step)["issues"][1]
    tip = str(git.sha("refs/heads/topic"))
    answers = [thread["said"][-1][1].partition("\n")[2] for thread in now["threads"]]
    subjects = ["initial", "a topic", "a person's own", *(["fix: add up"] if code == 0 else [])]
    assert seen(step)["refs"]["refs/heads/topic"] == subjects
    assert answers[0].startswith(f"Fixed in {tip[:10]}: " if code == 0 else "Declined: ")
    assert answers[1].startswith("Needs your word: " if code == 0 else "Declined: ")
    told = now["comments"][-1]["body"]
    assert ("It changed notes.md, which the review is about" in told) == (code == 10)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"sums.py": MINE}, "Both sides changed sums.py"),
        ({"test_more.py": "import sums\n\n\ndef test_x():\n    assert sums.total([]) == 0 != sums.total([2])\n    "
          "assert 'result = number' in open(sums.__file__).read()\n"}, "the best attempt is no longer green"),
    ],
)  # fmt: skip
def test_a_push_that_does_not_fit_is_respected(step: Step, files: dict[str, Any], told: str) -> None:
    code, said = pushed_to(step, files)
    now = seen(step)
    assert (code, now["refs"]["refs/heads/topic"]) == (10, ["initial", "a topic", "a person's own"])
    assert [told in said, "Somebody has moved it meanwhile" in said] == [True, True]
    run = next(ref for ref in now["refs"] if ref.startswith(RUN))
    assert "fix: add up" in now["refs"][run]
