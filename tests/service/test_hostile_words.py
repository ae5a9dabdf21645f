"""The corpus of attacks through a whole step: strangers' comments and a model's words, several in one run, held to what
the model is sent, what is posted and what is printed (`tests/injection` tries each of them at every single place)."""

from __future__ import annotations

from fakes.model_server import ModelServer
from injection import oracle
from injection.corpus import attacks
from job_step import Step, answer

SHORT = 300  # characters; a prompt holds that many comments
OLD, SUBTRACTED, ADDED = (f"        result = {words}" for words in ("number", "result - number", "result + number"))


def test_nothing_of_it_is_an_order_or_alive(step: Step) -> None:
    said = [a for a in attacks() if a.door == "stranger_comment" and len(a.text) < SHORT]
    written = (" ".join(a.text.split())[:60] for a in attacks() if a.door == "model_answer")
    summaries = [text for text in written if oracle.in_a_commit(text) and oracle.alive(text, "")][:2]
    issue = step.fake.issue("Totals are wrong", "total([1, 2, 3]) is 3.", author="bob")
    for attack in said:
        step.fake.comment(issue.number, attack.text, author="eve")
    order = step.fake.comment(issue.number, "/generate total is wrong, see test_total", author="ada")
    answers = [answer(OLD, SUBTRACTED, summaries[0]), answer(SUBTRACTED, ADDED, summaries[1])]
    with ModelServer(answers) as server:
        code, log = step.run("issue_comment", step.fake.event("issue_comment", order), server)
        prompts = [message["content"] for chat in server.chats for message in chat["messages"][1:]]
    assert (code, len(said) > 20, len(prompts)) == (0, True, 2), log
    for prompt in prompts:
        assert sum(attack.canary in prompt for attack in said) > 10, "they are quoted"
        assert [a.id for a in said if a.canary in oracle.outside(prompt)] == []
        assert (oracle.hidden(prompt), oracle.template(prompt)) == ([], [])
    assert _posted(step) == []
    assert oracle.commands(log) == []


def _posted(step: Step) -> list[str]:
    """What is alive in all that we have written."""
    now, found = step.fake.snapshot()["octo/sums"], []
    for issue in now["issues"].values():
        ours = [c["body"] for c in issue["comments"] if c["author"].endswith("[bot]")]
        if issue["author"].endswith("[bot]"):
            ours.append(issue["body"])
            found += oracle.said(issue["title"])
        found += [wrong for text in ours for wrong in oracle.alive(text, step.fake.url)]
    git = step.fake.world.repositories["octo/sums"].git
    messages = git.git("log", "-z", "--format=%B", "--branches", "^refs/heads/main").decode().split("\0")
    assert len(messages) > 2, messages
    return found + [wrong for text in messages for wrong in oracle.in_a_commit(text)]
