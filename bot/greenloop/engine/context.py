"""Request → Task: what the model needs to see, fitted to a budget, and nothing that it must never see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from greenloop.domain import Message, Report, Request, Snippet, Task, TestCase, Tree
from greenloop.hygiene.secrets import holds_secret
from greenloop.hygiene.sendable import hidden, sayable, sendable
from greenloop.model.budget import estimate_tokens
from greenloop.ports import Entry, Retriever, Workspace
from greenloop.settings import Settings
from greenloop.source.imports import dependencies
from greenloop.verdict.protected_names import is_ci, is_test

RULES = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md")
_RULES_TOKENS = 1500
_OUTLINE_TOKENS = 600
_SHARE = 3  # one file may take at most a third of the prompt whole; a larger one is quoted in parts
_BESIDE = 4  # a quarter of the room is for what is found by words when people, tracebacks or imports have spoken
KNOWN = 4  # of the room for what is found, a quarter at most is for knowledge: it tells how, and is not what to change
_ASKED = 3  # failing tests whose words are searched for as well
_WINDOW = 40  # lines around a place of interest
_PATH = re.compile(r"(?<![\w.@+-])(?:[\w.@+-]+(?:/[\w.@+-]+)*\.\w+|[\w.@+-]+(?:/[\w.@+-]+)+)")
_Wish = tuple[str, str, tuple[int, ...]]  # path, reason, lines of interest
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class Source:
    """A tree as the model may see it: text files that are neither hidden by the settings nor hold a secret. A name that
    could forge parts of a prompt does not appear."""

    workspace: Workspace
    tree: Tree
    settings: Settings

    def entries(self) -> Iterator[Entry]:
        for entry in self.workspace.entries(self.tree).values():
            if entry.mode not in {_LINK, _SUBMODULE} and sayable(entry.path) and not self.hidden(entry.path):
                yield entry

    def hidden(self, path: str) -> bool:
        return hidden(path, self.settings)

    def text(self, path: str) -> str | None:
        """The text of a file, or None: absent, binary, hidden, or with something that looks like a secret."""
        return sendable(self.workspace.read(self.tree, path)) if sayable(path) and not self.hidden(path) else None


def gather(
    request: Request,
    source: Source,
    retriever: Retriever,
    *,
    baseline: Report,
    wanted: Iterable[str],
    thread: tuple[Message, ...] = (),
    rules: Tree | None = None,
) -> Task:
    """The task for the first prompt. Later prompts quote the same paths as they are then (`refresh`). `rules` is the
    tree whose instruction files are the rules of style; none: the one that the work starts from."""
    budget = source.settings.context_tokens // 2
    red = [baseline.tests[test] for test in wanted]
    wishes = _wishes(request, source, red)
    certain = _fit(wishes, source, budget)
    query = "\n".join((request.text, *(f"{test.id} {test.message[:300]}" for test in red[:_ASKED])))
    room = min(budget - sum(estimate_tokens(s.text) for s in certain), source.settings.snippet_tokens)
    known = retriever.know(query, room // KNOWN)
    room -= sum(estimate_tokens(s.text) for s in known)
    told = {s.path for s in certain} | ({test.path for test in red} if certain else set())
    found = retriever.find(query, min(room, budget // _BESIDE if certain else budget))
    found = replace(found, snippets=tuple(s for s in found.snippets if s.path not in told and not is_ci(s.path)))
    picked = (*certain, *found.snippets)
    style = tuple(_rules(replace(source, tree=rules or source.tree)))
    quoted = {s.path for s in (*picked, *style)}
    missing = [p for p in dict.fromkeys((*request.files, *(path for path, _, _ in wishes))) if p not in quoted]
    return Task(
        goal=request.text,
        thread=thread,
        snippets=picked,
        rules=style,
        knowledge=tuple(s for s in known if not (s.own and s.path in quoted) and not _within(s, (*picked, *style))),
        outline=(*found.outline, *_outline(source, quoted)),
        omitted=tuple(f"{path}: {_why_omitted(source, path)}" for path in missing),
    )


def _within(snippet: Snippet, quoted: Iterable[Snippet]) -> bool:
    """Whether the same text stands in another quotation already."""
    return any(snippet.text.strip() in other.text for other in quoted)


def refresh(task: Task, source: Source, also: Iterable[str] = ()) -> tuple[Snippet, ...]:
    """The quoted files as they are in `source` now, with those that the attempts have written or moved since."""
    before: dict[str, list[Snippet]] = {}
    for snippet in task.snippets:
        before.setdefault(snippet.path, []).append(snippet)
    found: list[Snippet] = []
    for path in dict.fromkeys([*before, *also]):
        text = source.text(path)
        if text is None:
            continue
        parts = before.get(path, [])
        kept = [_kept(part, text) for part in parts if not part.whole]
        if kept and None not in kept:
            found += [part for part in kept if part]
            continue
        reason = parts[0].reason if parts else "written by an earlier attempt"
        focus = tuple(part.start + part.text.count("\n") // 2 for part in parts if not part.whole)
        found += _quote(source, path, reason, focus)
    return tuple(found)


def numbered(snippet: Snippet) -> Snippet:
    """With the number of each line in front of it: to be read, not to be edited."""
    rows = snippet.text.splitlines()
    text = "".join(f"{number:>5} {row}\n" for number, row in enumerate(rows, snippet.start))
    return replace(snippet, text=text, whole=True)


def _kept(part: Snippet, text: str) -> Snippet | None:
    """A quoted part where it stands now, or None when it is not there any more, or not only once."""
    at = text.find(part.text)
    if at < 0 or text.find(part.text, at + 1) >= 0:
        return None
    return replace(part, start=text.count("\n", 0, at) + 1)


def _wishes(request: Request, source: Source, red: list[TestCase]) -> list[_Wish]:
    """What people named comes first and, when there is any, saves guessing from imports and words."""
    named = list(dict.fromkeys([*request.files, *_mentioned(request.text, source)]))
    code = [p for p in named if p in request.files or not is_test(p)]
    wishes: list[_Wish] = [(path, "named in the request", ()) for path in code]
    wishes += [(f.path, "in the traceback", (f.line,)) for t in red for f in t.frames if not is_test(f.path)]
    if not code:
        wishes += [(path, "imported by a failing test", ()) for path in _imported(red, source)]
    return wishes


def _fit(wishes: Iterable[_Wish], source: Source, budget: int) -> tuple[Snippet, ...]:
    """Whole units in order while they fit; each path once."""
    merged: dict[str, tuple[str, tuple[int, ...]]] = {}
    for path, reason, lines in wishes:
        first, before = merged.get(path, (reason, ()))
        merged[path] = (first, (*before, *lines))
    found: list[Snippet] = []
    for path, (reason, lines) in merged.items():
        snippets = _quote(source, path, reason, lines)
        cost = sum(estimate_tokens(s.text) for s in snippets)
        if snippets and cost <= budget:
            budget -= cost
            found += snippets
    return tuple(found)


def _quote(source: Source, path: str, reason: str, focus: tuple[int, ...]) -> list[Snippet]:
    """A file whole, or the parts around `focus` (without any: its head) when it is too large for that."""
    text = source.text(path)
    if text is None:
        return []
    if estimate_tokens(text) <= source.settings.context_tokens // _SHARE:
        return [Snippet(source="repository", path=path, start=1, text=text, reason=reason)]
    lines = text.splitlines(keepends=True)
    spans: list[tuple[int, int]] = []
    for line in sorted(focus or (1,)):
        start, end = max(1, line - _WINDOW), min(len(lines), line + _WINDOW)
        if spans and start <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return [
        Snippet(source="repository", path=path, start=a, text="".join(lines[a - 1 : b]), reason=reason, whole=False)
        for a, b in spans
        if sum(map(len, lines[a - 1 : b])) <= 4 * source.settings.context_tokens // _SHARE
    ]


def _mentioned(text: str, source: Source) -> Iterator[str]:
    """Paths of the tree that the request writes out, or ends of paths that only one file has."""
    words = {w.strip(".") for w in _PATH.findall(text)}
    paths = [e.path for e in source.entries()] if words else []
    for word in sorted(words):
        found = [p for p in paths if p == word] or [p for p in paths if p.endswith("/" + word)]
        if len(found) == 1:
            yield found[0]


def _imported(red: list[TestCase], source: Source) -> Iterator[str]:
    paths = frozenset(e.path for e in source.entries())

    def read(path: str) -> bytes | None:
        text = source.text(path)
        return None if text is None else text.encode()

    for test in dict.fromkeys(t.path for t in red if t.path in paths):
        yield from (p for p in dependencies(test, paths, read) if not is_test(p))


def _rules(source: Source) -> Iterator[Snippet]:
    budget = _RULES_TOKENS
    for path in RULES:
        text = source.text(path)
        if text and estimate_tokens(text) <= budget:
            budget -= estimate_tokens(text)
            yield Snippet(source="repository", path=path, start=1, text=text, reason="rules of style")


def _outline(source: Source, quoted: Iterable[str]) -> Iterator[str]:
    """One line per file that is not quoted: Python with its top-level names; nearest to the quoted ones first."""
    known = set(quoted)
    folders = {p.rsplit("/", 1)[0] if "/" in p else "" for p in known}
    rest = [e for e in source.entries() if e.path not in known]
    rest.sort(key=lambda e: ((e.path.rsplit("/", 1)[0] if "/" in e.path else "") not in folders, e.path))
    budget = _OUTLINE_TOKENS
    for number, entry in enumerate(rest):
        line = entry.path + _names(source, entry)
        budget -= estimate_tokens(line) + 1
        if budget < 0:
            yield f"… and {len(rest) - number} more files"
            return
        yield line


def _names(source: Source, entry: Entry) -> str:
    if not entry.path.endswith(".py") or (entry.size or 0) > 100_000 or is_test(entry.path):
        return ""
    try:
        body = ast.parse(source.text(entry.path) or "").body
    except (SyntaxError, ValueError, RecursionError):
        return ""
    names = [n.name for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return f": {', '.join(names[:12])}" if names else ""


def _why_omitted(source: Source, path: str) -> str:
    if source.hidden(path):
        return "never sent to a model"
    data = source.workspace.read(source.tree, path)
    if data is None:
        return "not in the repository"
    if source.text(path) is None:
        return "holds something that looks like a secret" if holds_secret(data.decode("utf-8", "replace")) else "binary"
    return "did not fit"
