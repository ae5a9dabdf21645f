"""Task and feedback → chat. The words are in the *.md files beside this; the stable part comes first, so it caches.

The history stays flat: current files, last feedback and one line per older attempt, never an older file or answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from greenloop.domain import Snippet, Task, Trust
from greenloop.hygiene.guise import blunted, named
from greenloop.hygiene.hidden import characters
from greenloop.hygiene.secrets import scrub
from greenloop.ports import Chat, ChatMessage
from greenloop.prompts.asked_formats import ASKED, IN_PART, asked
from greenloop.prompts.looks import LOOKING, NO_LOOKING, NO_LOOKS, Looks, seen

LAST = "The budget of this run is nearly used up, so this is probably the last answer: the whole change, kept small."
TESTS, NO_TESTS = "Add a test for new behaviour when the project has tests.", "Write no tests."
FILES, FILES_CHANGED = "Files as they are now", "Files that attempts have changed, as they are now"
FILES_PASTED = "Files that stand in the request, word for word"
KNOWLEDGE = "How it is done elsewhere: to read, not to change"
_PASTED = 200  # characters from which a text is not said twice
_NAME = re.compile(r"[^\w.@:/ -]")
_QUOTED = re.compile(r"</?\s*quoted", re.IGNORECASE)


@cache
def system(*, looks: bool = False, edit_format: str = "any", tests: bool = True) -> str:
    """The same for all prompts of a run, so that a provider keeps it. `looks`: with how to ask; `tests`: with tests."""
    parts = {"format": ASKED[asked(edit_format)], "ask": LOOKING if looks else NO_LOOKING}
    said = _text("system.md").format(tests=TESTS if tests else NO_TESTS, **parts).strip()
    return f"{said}\n\n{_text('looks.md').strip()}" if looks else said


def _pasted(snippet: Snippet, goal: str) -> bool:
    """Whether the request holds all of a file, as where somebody pasted it."""
    return snippet.whole and len(snippet.text) >= _PASTED and snippet.text.strip() in goal


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


def chat(  # noqa: PLR0913 - what a prompt is made of, by name
    task: Task,
    snippets: Iterable[Snippet],
    *,
    failures: str = "",
    history: Iterable[str] = (),
    nudge: str = "",
    step: str = "",
    last: bool = False,
    changed: Collection[str] = (),
    looks: Looks = NO_LOOKS,
    edit_format: str = "any",
    tests: bool = True,
) -> Chat:
    """The whole prompt. `failures` is the feedback of the last judged attempt, or what is red on the base; `nudge` is
    why the last answer did not count; `step` what this one is to hold, where that is not all; `last` says that there
    will hardly be another. What is the same in every call comes first, then files, those that attempts have `changed`
    last."""
    beside = _beside(task)
    quoted = Quotation.of((*(m.body for m in task.thread), *(s.text for s in (*task.rules, *task.knowledge)), beside))
    every = tuple(snippets)
    pasted = tuple(s.path for s in every if s.path not in changed and _pasted(s, task.goal))
    known = tuple(s for s in every if s.path not in pasted)
    ever = [
        f"# Request\n\n{characters(task.goal).strip()}",
        *_rules(task, quoted),
        *_thread(task, quoted),
        _section(KNOWLEDGE, "\n".join(quoted.around(s.text, "source", s.place) for s in task.knowledge)),
        _section("Other files", beside and quoted.around(beside, "list", "paths")),
        _section(FILES_PASTED, "\n".join(_NAME.sub("?", path) for path in pasted)),
    ]
    form = IN_PART[asked(edit_format)]
    files = _files((s for s in known if s.path not in changed), form)
    now = [
        _files((s for s in known if s.path in changed), form, FILES_CHANGED if files else FILES),
        _section("What you asked", seen(looks, Quotation.of(sum(looks.answers, ())).around)),
        _section("What fails now", failures and Quotation.of((failures,)).around(failures, "checks", "the checks")),
        _section("Earlier attempts", "\n".join(f"- {characters(line)}" for line in history)),
        nudge.strip() and f"# Your last answer did not count\n\n{named(nudge.strip())}",
        _section("Budget", LAST if last else ""),
        _section("This answer", step),
    ]
    texts = [_joined(ever), _joined((*ever, files)), _joined((*ever, files, *now))]
    return (
        ChatMessage(role="system", text=system(looks=looks.offered, edit_format=edit_format, tests=tests)),
        ChatMessage(role="user", text=texts[2], stable=tuple(dict.fromkeys(len(text) for text in texts[:2]))),
    )


def question(task: Task, snippets: Iterable[Snippet]) -> Chat:
    """The same material for an answer in words."""
    return (ChatMessage(role="system", text=_text("explain.md").strip()), *chat(task, snippets)[1:])


def review(task: Task, snippets: Iterable[Snippet], *, difference: str, checks: str) -> Chat:
    """The same material for claims about a change, with the change itself and what the checks say of it."""
    quoted = Quotation.of((difference, checks))
    parts = (
        chat(task, snippets)[1].text,
        _section("The change to review", difference and quoted.around(difference, "change", "the difference")),
        _section("What the checks say", checks and quoted.around(checks, "checks", "the checks")),
    )
    return (ChatMessage(role="system", text=_text("review.md").strip()), ChatMessage(role="user", text=_joined(parts)))


def _joined(parts: Iterable[str]) -> str:
    return blunted(scrub("\n\n".join(part for part in parts if part)))


def _section(title: str, body: str) -> str:
    return f"# {title}\n\n{body.strip()}" if body.strip() else ""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Marks around what is quoted. `mark` is made of the hash of all that is quoted in this prompt: nobody can write it
    into a text that it depends on, and the same prompt is the same text, which caches need."""

    mark: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> Quotation:
        return cls(sha256("\0".join(texts).encode(errors="replace")).hexdigest()[:16])

    def around(self, text: str, kind: str, name: str) -> str:
        words = _QUOTED.sub(lambda found: found.group().replace("<", "&lt;"), characters(text).strip())
        return f'<quoted-{self.mark} {kind}="{_NAME.sub("", name)}">\n{words}\n</quoted-{self.mark}>'


def _thread(task: Task, quoted: Quotation) -> list[str]:
    """What others wrote, with its author."""
    return [quoted.around(m.body, "author", m.author) for m in task.thread if m.trust is Trust.QUOTED]


def _rules(task: Task, quoted: Quotation) -> list[str]:
    if not task.rules:
        return []
    return [
        "# The repository's rules of style\n\n" + "\n".join(quoted.around(s.text, "path", s.path) for s in task.rules)
    ]


def _files(snippets: Iterable[Snippet], in_part: str, title: str = FILES) -> str:
    return _section(title, "\n\n".join(_block(snippet, in_part) for snippet in snippets))


def _block(snippet: Snippet, in_part: str) -> str:
    marks = max((len(run) for run in re.findall(r"`{3,}", snippet.text)), default=2) + 1
    fence = "`" * max(3, marks)
    end = "" if snippet.text.endswith("\n") else "\n"
    last = snippet.start + snippet.text.count("\n") - (0 if end else 1)
    place = "" if snippet.whole else f" (lines {snippet.start}-{last} only: {in_part})"
    return f"{snippet.path}{place}\n{fence}\n{named(snippet.text)}{end}{fence}"


def _beside(task: Task) -> str:
    """Names of files are anybody's words."""
    return "\n".join((*task.outline, *(f"not shown: {line}" for line in task.omitted)))
