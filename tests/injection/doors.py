"""What a model is sent of an attack: the functions that stand at its door, in the order in which a run calls them."""

from __future__ import annotations

from typing import Any

from greenloop import prompts
from greenloop.domain import Message, Snippet, Task, Trust
from greenloop.engine.context import numbered
from greenloop.engine.loop import told
from greenloop.forge import events
from greenloop.hygiene.hidden import visible
from greenloop.lessons.feedback import feedback, first_failures
from greenloop.ports import Chat
from greenloop.prompts.looks import Looks
from greenloop.report import failing
from greenloop.report.render import fenced
from greenloop.service import failed, heard
from injection.corpus import Attack
from injection.sinks import measured
from values import attempt, red, report

GOAL = "mend test_total"


def chats(attack: Attack) -> list[Chat]:
    """Each prompt that such words can stand in."""
    make = _MADE.get(attack.door)
    return [] if make is None else make(attack.text)


def adopted(attack: Attack) -> Chat:
    """What a bare command makes of an issue's opening: the one way in which words of others become a request."""
    payload = _payload("/generate", title=attack.text if attack.door == "issue_title" else "Totals", body=attack.text)
    request = events.parse("issue_comment", payload)
    assert request is not None
    return prompts.chat(Task(goal=visible(request.text)), ())


def _payload(comment: str, *, title: str = "Totals", body: str = "They are wrong.") -> dict[str, Any]:
    said = {"id": 7, "body": comment, "created_at": "2026-11-21T10:00:00Z", "user": {"login": "ada"}}
    issue = {"number": 1, "title": title, "body": body, "user": {"login": "mallory"}}
    return {"action": "created", "comment": said, "issue": issue, "repository": {"full_name": "octo/sums"}}


def _comment(text: str) -> list[Chat]:
    request = events.parse("issue_comment", _payload(f"/generate {text}"))
    assert request is not None
    return [prompts.chat(Task(goal=visible(request.text)), ())]


def _quoted(text: str, author: str = "mallory") -> list[Chat]:
    message = Message(id="1", author=author, trust=Trust.QUOTED, body=visible(text)[:4000])
    return [prompts.chat(Task(goal=GOAL, thread=(message,)), ())]


def _file(text: str, path: str = "material.py") -> list[Chat]:
    snippet = Snippet(source="repository", path=path, start=1, text=text, reason="named")
    task = Task(goal=GOAL, snippets=(snippet,))
    return [
        prompts.chat(task, (snippet,)),
        prompts.question(task, (numbered(snippet),)),
        prompts.review(task, (), difference=f"+++ b/{path}\n@@ -0,0 +1 @@\n+{text}", checks=""),
    ]


def _output(text: str) -> list[Chat]:
    """As what is red on the base, as what an attempt has brought, and as what the checks say of a change."""
    test = red("test_a.py::test_x", message=text)
    made, judged = measured(text)
    said = first_failures(report(test), {test.id}), feedback(made, judged, report(), notes=(text,))
    return [
        *(prompts.chat(Task(goal=GOAL), (), failures=failures) for failures in said),
        prompts.review(Task(goal=GOAL), (), difference="", checks=said[1]),
    ]


def _log(text: str) -> list[Chat]:
    """Quoted in our own comment, and from there to whoever goes on."""
    body = failed.LOG.format(log=fenced(failing.joined([("tests", failing.excerpt(text))], 3800)))
    return _quoted(heard.failing_part(body), heard.LOG)


def _answer(text: str) -> list[Chat]:
    """One line of an older attempt, and what was wrong with the last."""
    line = told(attempt(green=False, summary=" ".join(text.split())[:72]))
    return [prompts.chat(Task(goal=GOAL), (), history=(line,), nudge="The file a.py has no such lines.")]


def _past(text: str) -> list[Chat]:
    answers = (("history sums.py", f"commit 2026-11-21 {text}"),)
    return [prompts.chat(Task(goal=GOAL), (), looks=Looks(offered=True, answers=answers))]


def _rules(text: str) -> list[Chat]:
    rule = Snippet(source="repository", path="AGENTS.md", start=1, text=text, reason="rules of style")
    return [prompts.chat(Task(goal=GOAL, rules=(rule,)), ())]


def _knowledge(text: str) -> list[Chat]:
    known = Snippet(source="octo/designs@0123456:", path="design.md", start=1, text=text, reason="matches")
    return [prompts.chat(Task(goal=GOAL, knowledge=(known,)), ())]


def _path(text: str) -> list[Chat]:
    """Beside the files, and as what was left out. What cannot be said is not said at all: `context.Source`."""
    return [prompts.chat(Task(goal=GOAL, outline=(text,), omitted=(f"{text}: did not fit",)), ())]


_MADE = {
    "comment": _comment,
    "issue_title": lambda text: _quoted(f"{text}\n\nThey are wrong."),
    "issue_body": lambda text: _quoted(f"Totals\n\n{text}"),
    "stranger_comment": _quoted,
    "review_thread": _quoted,
    "file_content": _file,
    "gitattributes": lambda text: _file(text, ".gitattributes"),
    "instruction_file": _rules,
    "test_output": _output,
    "workflow_log": _log,
    "model_answer": _answer,
    "commit_message": _past,
    "commit_author": _past,
    "knowledge": _knowledge,
    "file_path": _path,
}
