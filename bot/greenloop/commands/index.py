"""`index`: bring the index of a commit up to date, and say what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from greenloop.domain import Snippet
from greenloop.engine.context import KNOWN, Source
from greenloop.engine.outside import Outside
from greenloop.engine.search import Say, Told, search
from greenloop.model.budget import estimate_tokens
from greenloop.ports import Embedder, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """`files` by what they are; `new` were not in the index before; `found` is the answer to a trial query."""

    path: Path | None
    files: dict[str, int]
    new: int
    chunks: int
    commits: int
    size: int  # bytes
    seconds: float
    knowledge: dict[str, int] = field(default_factory=dict)  # chunks by source
    missing: tuple[str, ...] = ()  # sources that could not be read, and why
    found: Found | None = None
    known: tuple[Snippet, ...] = ()


def index(  # noqa: PLR0913 - one call of the command line
    source: Source,
    commit: str,
    *,
    cache: Path,
    repository: str,
    query: str = "",
    beyond: Outside,
    budget: int,
    say: Say,
    told: Told,
    embedder: Embedder | None = None,
    clock: Callable[[], float] = monotonic,
) -> Indexed:
    began = clock()
    every = search(
        source,
        commit,
        cache=cache,
        repository=repository,
        trusted=True,
        say=say,
        told=told,
        beyond=beyond,
        embedder=embedder,
    )
    with every:
        made = every.code
        quoted = every.know(query, budget // KNOWN) if query else ()
        left = budget - sum(estimate_tokens(s.text) for s in quoted)
        seconds = clock() - began
        path = made.store.path
        return Indexed(
            path=path,
            files=dict(Counter(made.corpus.kinds)),
            new=made.indexed,
            chunks=sum(len(row.bodies) for row in made.corpus.rows),
            commits=len(made.past),
            size=path.stat().st_size if path else 0,
            seconds=seconds,
            knowledge={
                shelf.name.removesuffix(":"): sum(len(row.bodies) for row in known.corpus.rows)
                for shelf, known in every.shelves
            },
            missing=every.missing,
            found=made.find(query, left) if query else None,
            known=quoted,
        )


def as_dict(done: Indexed) -> dict[str, object]:
    quoted = done.found.snippets if done.found else ()
    return {
        "path": None if done.path is None else str(done.path),
        "files": done.files,
        "new": done.new,
        "chunks": done.chunks,
        "commits": done.commits,
        "bytes": done.size,
        "knowledge": done.knowledge,
        "missing": list(done.missing),
        "known": [s.place for s in done.known],
        "seconds": round(done.seconds, 3),
        "quoted": [
            {"path": s.path, "start": s.start, "end": _end(s), "whole": s.whole, "reason": s.reason} for s in quoted
        ],
        "outline": list(done.found.outline) if done.found else [],
    }


def as_text(done: Indexed) -> Iterator[str]:
    """Lines for people; a path in them may hold anything."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(done.files.items())) or "none"
    yield f"{sum(done.files.values())} files ({kinds}), {done.new} of them new; {done.chunks} chunks"
    yield f"{done.commits} commits of history; {done.seconds:.2f} s"
    yield f"{done.path or 'in memory only'}: {done.size / 1e6:.1f} MB"
    yield from (f"{name}: {number} chunks of knowledge" for name, number in done.knowledge.items())
    yield from (f"not read: {why}" for why in done.missing)
    if done.found is None:
        return
    for s in done.found.snippets:
        yield f"{s.path}:{s.start}-{_end(s)}  {s.reason}"
    yield from (f"{s.place}  knowledge" for s in done.known)
    if not done.found.snippets:
        yield "Nothing matches the request."
    yield from (f"not quoted: {line}" for line in done.found.outline)


def _end(snippet: Snippet) -> int:
    return snippet.start + snippet.text.rstrip("\n").count("\n")
