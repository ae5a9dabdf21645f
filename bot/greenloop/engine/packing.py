"""What goes into one prompt when not everything fits: whole units by what they are worth, the rest named. Pure.

The request, the rules and what fails are always there. Then come files that people named, files of failing tracebacks,
what attempts have written, the conversation from its end, what was found by words, knowledge, the outline, and
older attempts; what does not fit is left out from that end, and never in part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from greenloop.domain import Snippet, Task

Count = Callable[[str], int]

LEFT_OUT = "{what}: did not fit"
_SURE = ("named", "in the traceback", "written by", "imported by")  # how the reasons of what is more than found begin
_FRAME = 12  # tokens around a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is left; `task.omitted` names the rest, and so does `dropped`."""

    task: Task
    snippets: tuple[Snippet, ...]
    history: tuple[str, ...]
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Room:
    left: int
    count: Count

    def takes(self, text: str) -> bool:
        """Whether it goes in; what comes after something that did not may still."""
        cost = self.count(text) + _FRAME
        if cost > self.left:
            return False
        self.left -= cost
        return True


def pack(
    task: Task, snippets: Iterable[Snippet], history: Iterable[str], *, room: int, count: Count, around: Iterable[str]
) -> Packed:
    """`room` are the tokens of the whole prompt, `around` the texts that are in it in any case beside the task's."""
    fixed = (task.goal, *(rule.text for rule in task.rules), *around)
    space = _Room(room - sum(count(text) + _FRAME for text in fixed), count)
    files = _by_path(snippets)
    sure = {path: parts for path, parts in files.items() if parts[0].reason.startswith(_SURE)}
    kept = {path for path, parts in sure.items() if space.takes("".join(p.text for p in parts))}
    thread = tuple(reversed([m for m in reversed(task.thread) if space.takes(m.body)]))
    kept |= {p for p, parts in files.items() if p not in sure and space.takes("".join(x.text for x in parts))}
    knowledge = tuple(s for s in task.knowledge if space.takes(s.text))
    outline = tuple(line for line in task.outline if space.takes(line))
    lines = tuple(reversed([line for line in reversed(tuple(history)) if space.takes(line)]))
    dropped = [path for path in files if path not in kept]
    dropped += [s.place for s in task.knowledge if s not in knowledge]
    silent = len(task.thread) - len(thread)
    dropped += [f"{silent} earlier messages"] if silent else []
    named = tuple(LEFT_OUT.format(what=what) for what in dropped)
    return Packed(
        task=replace(
            task,
            thread=thread,
            knowledge=knowledge,
            outline=outline,
            omitted=tuple(dict.fromkeys((*task.omitted, *named))),
        ),
        snippets=tuple(part for path, parts in files.items() if path in kept for part in parts),
        history=lines,
        dropped=named,
    )


def _by_path(snippets: Iterable[Snippet]) -> dict[str, list[Snippet]]:
    """The parts of a file are one unit."""
    files: dict[str, list[Snippet]] = {}
    for snippet in snippets:
        files.setdefault(snippet.path, []).append(snippet)
    return files
