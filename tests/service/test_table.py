"""Triggers by actors, places, tokens and faults, as one table (`table.toml`): what is there afterwards, compared whole,
and the same event once more, which doubles nothing. What a run is made of in detail is in the tests beside this."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.github.faults import lost, refused
from fakes.github.state import Issue
from fakes.model_server import ModelServer
from greenloop.hygiene.quiet import GAP
from job_step import AT_ONCE, Step, seen

ROWS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("table.toml").read_text("utf-8"))["row"]


def placed(step: Step, place: str) -> Issue:
    """The issue or pull request that the row is about."""
    home = step.fake.world.repositories["octo/sums"]
    if place.startswith("issue") or place == "archived":
        found = step.fake.issue("Totals are wrong", "See test_total.", author="bob")
    elif place.startswith("fork"):
        fork = step.fake.repository("eve/sums")
        fork.git.take(home.git, home.git.sha("refs/heads/main") or "", "refs/heads/main")
        fork.git.commit("topic", {"notes.md": "x\n"}, "a topic", "eve")
        found = step.fake.pull_request("topic", author="eve", source=fork, repository=home)
    else:
        home.git.commit("topic", {"notes.md": "x\n"}, "a topic")
        found = step.fake.pull_request("topic", author="bob")
    found.state = "closed" if place.endswith("closed") else "open"
    found.locked, home.archived = place.endswith("locked"), place == "archived"
    return found


def happened(step: Step, row: dict[str, Any], about: Issue) -> tuple[str, dict[str, Any]]:
    """The event: its name and its payload."""
    name, who, words = row["trigger"], row.get("actor", "ada"), row.get("words", "")
    if name == "issue_comment":
        return name, step.fake.event(name, step.fake.comment(about.number, words, author=who))
    if name == "issues":
        action, label = ("assigned", "") if "action" in row else ("labeled", words)
        payload = step.fake.event(name, about, action=action, label=label, sender=who)
        return name, payload | {"assignee": {"login": words}} if "action" in row else payload
    if name == "pull_request_review":
        state = row.get("state", "CHANGES_REQUESTED")
        return name, step.fake.event(name, step.fake.review(about.number, words, author=who, state=state))
    if name == "workflow_run":
        return name, step.fake.failed_run(words, ("tests", "failure", "boom"))
    if name == "check_suite":
        return name, step.fake.failed_suite(words, "circle", {"title": "1 failed", "summary": "boom"})
    given = {"command": words, "number": str(about.number)}
    return name, step.fake.event(name, given, action=row.get("action", ""), sender=who)


FAULTS: dict[str, Callable[[Step], None]] = {
    "a lost answer": lambda step: step.fake.on("POST", "/comments$", lost()),
    "comments are refused": lambda step: step.fake.from_now_on("POST", "/comments$", refused(403, "Forbidden")),
}


def plain(step: Step) -> list[str]:
    """What a person sees, a line for each thing: enough to be compared whole, and to be read."""
    now, lines = seen(step), list[str]()
    for ref, subjects in now["refs"].items():
        where = re.sub(r"(comment|run|review|assigned)-[0-9a-f-]+$|-[0-9a-f]{6}$", "-…", ref)
        lines.append(f"{where}: {_same(subjects[-1])}")
    for number, issue in now["issues"].items():
        head = f"#{number}"
        lines += [f"{head} {'draft ' * issue.get('draft', False)}{issue['title']!r} by {issue['author']}"]
        for comment in issue["comments"]:
            text = re.sub(r"<!-- greenloop:run=\S+ -->\n", "", comment["body"]).partition("\n")[0]
            text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)[:100]
            reactions = "".join(f" +{what}" for _, what in comment["reactions"])
            lines.append(f"{head} {comment['author']}: {_same(text)}{reactions}")
        lines += [f"{head} review by {who}: {state}" for who, state, _ in issue.get("reviews", ())]
    return lines


def _same(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"(?<=Record of run )\S+", "…", text.replace(GAP, ""))
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{9}\b", "SHA", text)


@pytest.mark.parametrize("name", ROWS)
def test_what_is_there_afterwards(step: Step, name: str) -> None:
    row = ROWS[name]
    about = placed(step, row["place"])
    if "token" in row:
        may = {"read-only": {"contents": "read", "issues": "read", "pull_requests": "read"}}.get(row["token"])
        token = step.fake.actions_token(**may) if may else step.fake.personal_token("mia")  # type: ignore[arg-type]
        step.fake.user("mia", permission="write")
        step = Step(step.fake, step.folder, token)
    event, payload = happened(step, row, about)
    if "fault" in row:
        FAULTS[row["fault"]](step)
    answers = [AT_ONCE] * row.get("answers", 0)
    ends = []
    with ModelServer(answers) as server:
        for _ in range(2):
            code, log = step.run(event, payload, server)
            outputs = dict(re.findall(r"(?m)^(status|reason)<<\w+\n(.*)$", (step.folder / "output").read_text("utf-8")))
            ends.append([code, f"{outputs.get('status')} {outputs.get('reason')}", *plain(step)])
        assert len(server.chats) == len(answers), log
    assert [ends[0][:2], ends[0][2:]] == [[row["code"], row["end"]], row["there"]], log
    again = row.get("again", row["end"])
    assert ends[1] == [row["code"], again, *row["there"]], log
