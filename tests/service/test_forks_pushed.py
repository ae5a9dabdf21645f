"""Where a fork is pushed to, people see the commits that stand on its own, and theirs win."""

from __future__ import annotations

from fakes.model_server import ModelServer
from job_step import AT_ONCE, Step, seen
from service.test_forks import applied, forked, say


def test_the_fork_is_pushed_to_where_it_can_be(step: Step) -> None:
    fork = forked(step, config="forks: push\n")
    assert fork.pull.pull is not None
    fork.pull.pull.maintainer_can_modify = True
    mias = Step(step.fake, step.folder, step.fake.personal_token("mia"))
    step.fake.user("mia", permission="write")
    said, _ = say(mias, fork, "/generate mend test_total", AT_ONCE)
    now = step.fake.snapshot()
    assert now["eve/sums"]["refs"]["refs/heads/topic"] == ["initial", "configure", "a topic", "fix: add up"]
    assert ("/pull/1" in said, "git apply" in said, "On this" in said) == (True, False, False)
    assert f"{str(fork.repository.git.sha('refs/heads/topic'))[:9]} |" in said


def test_a_push_to_the_fork_in_between_is_respected(step: Step) -> None:
    """What was made is there as a patch."""
    fork = forked(step, config="forks: push\n")
    assert fork.pull.pull is not None
    fork.pull.pull.maintainer_can_modify = True
    step.fake.user("mia", permission="write")
    mias = Step(step.fake, step.folder, step.fake.personal_token("mia"))

    def meanwhile(_: object) -> str:
        fork.repository.git.commit("topic", {"notes.md": "y\n"}, "more", "eve")
        step.fake.world.repositories["octo/sums"].follow()
        return AT_ONCE

    payload = step.fake.event("issue_comment", step.fake.comment(fork.pull.number, "/generate mend test_total"))
    with ModelServer([meanwhile]) as server:
        code, log = mias.run("issue_comment", payload, server)
    assert code == 10, log
    assert step.fake.snapshot()["eve/sums"]["refs"]["refs/heads/topic"][-1] == "more"
    said = seen(step)["issues"][1]["comments"][-1]["body"]
    assert f"this is for {fork.head[:9]}." in said
    assert "refs/heads/topic was moved meanwhile, and that is respected." in said
    assert "result + number" in applied(fork.repository, fork.head, said, step.folder)["sums.py"]
