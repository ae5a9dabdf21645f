"""Events that say nothing themselves, in a workflow that gives the action a request: whoever caused them asks."""

from __future__ import annotations

import pytest

from fakes.model_server import ModelServer
from job_step import AT_ONCE, Step, asked, seen


def test_a_schedule_asks_for_what_its_workflow_gives_once(step: Step) -> None:
    """Its payload names nobody; the runner says who changed it last."""
    payload = {"schedule": "17 2 * * 1-5", "repository": {"full_name": "octo/sums"}}
    given = {"INPUT_PROMPT": "total is wrong, see test_total", "GITHUB_ACTOR": "ada"}
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("schedule", payload, server, **given)
        assert code == 0, log
        first = seen(step)
        code, log = step.run("schedule", payload, server, **given)
        assert (code, len(server.chats)) == (0, 1), log
    assert seen(step) == first
    [branch] = [ref for ref in first["refs"] if ref.startswith("refs/heads/greenloop/run-total-is-wrong")]
    assert first["refs"][branch] == ["initial", "fix: add up"]
    [pull] = first["issues"].values()
    assert (pull["title"], pull["head"]) == ("fix: add up", branch.removeprefix("refs/heads/"))


@pytest.mark.parametrize(
    ("name", "sender", "told"),
    [
        ("push", {"login": "eve"}, "eve has no write access to this repository (read)."),
        ("release", {"login": "shipper[bot]", "type": "Bot"}, "shipper\\[bot\\] is a bot, and bots are not obeyed."),
        ("schedule", None, "zoe has no write access to this repository (none)."),
    ],
)
def test_who_causes_an_event_needs_the_access(step: Step, name: str, sender: dict[str, str] | None, told: str) -> None:
    """Also when the runner names somebody else."""
    before = seen(step)
    actor = "ada" if sender else "zoe"
    payload = {"repository": {"full_name": "octo/sums"}} | ({"sender": sender} if sender else {})
    with ModelServer([]) as server:
        code, log = step.run(name, payload, server, INPUT_PROMPT="mend it", GITHUB_ACTOR=actor)
        assert (code, server.chats) == (0, []), log
    assert told in (step.folder / "summary").read_text("utf-8")
    assert seen(step) == before


def test_words_of_an_event_count_before_the_inputs(step: Step) -> None:
    """What a stranger causes by commenting is not what the workflow's author asked for, and no call is made."""
    with ModelServer([]) as server:
        code, log = step.run("issue_comment", asked(step, "Nice", "eve"), server, INPUT_PROMPT="mend it")
        assert (code, server.chats, step.fake.calls) == (0, [], []), log
    assert "status<<" in (step.folder / "output").read_text("utf-8")


def test_an_event_without_a_request_is_not_for_us(step: Step) -> None:
    with ModelServer([]) as server:
        code, log = step.run("push", {"sender": {"login": "ada"}}, server, INPUT_BASE="main")
        assert (code, step.fake.calls) == (0, []), log
