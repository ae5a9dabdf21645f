"""What was asked before on this issue or pull request, and what came of it: one line for each run, never more.

The runs are those whose comment of our own stands in the thread; what they were is read from their records, which only
those who may push can write. Their words are other people's and a model's: material, quoted like the thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from greenloop.commands.journal import FILE, REFS
from greenloop.commands.run import RESULT
from greenloop.domain import Message, Trust
from greenloop.forge.github import Comment
from greenloop.forge.github.bodies import key_of
from greenloop.records import recording
from greenloop.workspace import GitWorkspace

MOST = 8  # runs
_LONG = 160  # characters of a request or a summary
AUTHOR = "greenloop on its earlier runs here"


def keys(thread: Iterable[Comment], *, me: str, but: str) -> tuple[str, ...]:
    """Of the newest runs that have told of themselves here, oldest first."""
    found = [key for c in thread if c.author == me and (key := key_of(c.body)) and key != but]
    return tuple(dict.fromkeys(found))[-MOST:]


def refs(runs: Iterable[str]) -> tuple[str, ...]:
    return tuple(REFS + key for key in runs)


def told(runs: Iterable[str], workspace: GitWorkspace) -> tuple[Message, ...]:
    """As one more voice of the thread; none when there is nothing to tell."""
    lines = [line for key in runs if (line := _line(workspace, key))]
    body = "\n".join(f"- {line}" for line in lines)
    return (Message(id="runs", author=AUTHOR, trust=Trust.QUOTED, body=body),) if lines else ()


def _line(workspace: GitWorkspace, key: str) -> str:
    """`2026-11-21 ada: /generate add retry: improved, best of 3 attempts: retry on 503 (https://…)`."""
    tip = workspace.ref(REFS + key)
    if tip is None:
        return ""
    tree = workspace.tree(tip)
    try:
        head = recording.loads((workspace.read(tree, FILE) or b"").decode("utf-8", "replace"))[0]
        said = json.loads(workspace.read(tree, RESULT) or b"{}")
    except (recording.BrokenRecording, ValueError, RecursionError):
        return ""
    if not isinstance(head, recording.Run) or not isinstance(said, dict):
        return ""
    asked = head.request
    return f"{asked.at[:10]} {asked.actor}: /{asked.command} {_short(asked.text)}: {_came_of_it(said)}".strip()


def _came_of_it(said: Mapping[str, Any]) -> str:
    if not said:
        return "it has not ended"
    attempts = said.get("attempts")
    made = [a for a in attempts if isinstance(a, dict)] if isinstance(attempts, list) else []
    best = next((a for a in made if a.get("number") == said.get("best")), None)
    parts = [str(said.get("reason", "")).replace("_", " ")]
    if best is not None:
        parts.append(f"best of {len(made)} attempts: {_short(str(best.get('summary', '')))}")
    url = said.get("url")
    return ", ".join(parts) + (f" ({_short(url)})" if isinstance(url, str) and url else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else line[: _LONG - 1] + "…"
