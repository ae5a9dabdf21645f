"""Task and feedback → chat. The words are in the *.md files beside this; the stable part comes first, so it caches.

The history stays flat: current files, last feedback and one line per older attempt, never an older file or answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from greenloop.domain import Snippet, Task, Trust
from greenloop.edits import FORMAT
from greenloop.ports import Chat, ChatMessage
from greenloop.secrets import scrub

LAST = "The budget of this run is nearly used up, so this is probably the last answer: the whole change, kept small."
_AUTHOR = re.compile(r"[^\w.@-]")


@cache
def system() -> str:
    return files(__name__).joinpath("system.md").read_text("utf-8").format(format=FORMAT).strip()


def chat(
    task: Task,
    snippets: Iterable[Snippet],
    *,
    failures: str = "",
    history: Iterable[str] = (),
    nudge: str = "",
    last: bool = False,
) -> Chat:
    """The whole prompt. `failures` is the feedback of the last judged attempt, or what is red on the base; `nudge` is
    why the last answer did not count; `last` says that there will hardly be another."""
    parts = [
        f"# Request\n\n{task.goal.strip()}",
        *_thread(task),
        *(_rules(task)),
        _files(snippets),
        _outline(task),
        _section("What fails now", scrub(failures)),
        _section("Earlier attempts", "\n".join(f"- {line}" for line in history)),
        nudge.strip() and f"# Your last answer did not count\n\n{scrub(nudge.strip())}",
        _section("Budget", LAST if last else ""),
    ]
    return (
        ChatMessage(role="system", text=system()),
        ChatMessage(role="user", text="\n\n".join(part for part in parts if part)),
    )


def _section(title: str, body: str) -> str:
    return f"# {title}\n\n{body.strip()}" if body.strip() else ""


def _thread(task: Task) -> list[str]:
    """What others wrote is quoted with its author; a closing tag inside it cannot end the quotation."""
    return [
        f'<quoted author="{_AUTHOR.sub("", m.author)}">\n{_inert(m.body)}\n</quoted>'
        for m in task.thread
        if m.trust is Trust.QUOTED
    ]


def _rules(task: Task) -> list[str]:
    if not task.rules:
        return []
    quoted = "\n".join(f'<quoted path="{s.path}">\n{_inert(s.text.strip())}\n</quoted>' for s in task.rules)
    return [f"# The repository's rules of style\n\n{quoted}"]


def _inert(text: str) -> str:
    return re.sub(r"</?\s*quoted", lambda m: m.group().replace("<", "&lt;"), scrub(text), flags=re.IGNORECASE)


def _files(snippets: Iterable[Snippet]) -> str:
    blocks = [_block(s) for s in snippets]
    return "# Files as they are now\n\n" + "\n\n".join(blocks) if blocks else ""


def _block(snippet: Snippet) -> str:
    marks = max((len(run) for run in re.findall(r"`{3,}", snippet.text)), default=2) + 1
    fence = "`" * max(3, marks)
    end = "" if snippet.text.endswith("\n") else "\n"
    last = snippet.start + snippet.text.count("\n") - (0 if end else 1)
    place = "" if snippet.whole else f" (lines {snippet.start}-{last} only: change by SEARCH/REPLACE)"
    return f"{snippet.path}{place}\n{fence}\n{snippet.text}{end}{fence}"


def _outline(task: Task) -> str:
    lines = [*task.outline, *(f"not shown: {line}" for line in task.omitted)]
    return _section("Other files", "\n".join(lines))
