"""The retriever of a run: the index of the repository, beside the files of one tree that a model may see, and one for
each source of knowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from greenloop.domain import Snippet
from greenloop.engine.context import Source
from greenloop.engine.knowledge import Shelf, shelves
from greenloop.engine.outside import NOTHING_BEYOND, Outside
from greenloop.model.budget import estimate_tokens
from greenloop.model.embeddings import open_embedder
from greenloop.ports import Embedder, Found
from greenloop.retrieval import history, kinds, opening
from greenloop.retrieval.corpus import File, Read, searchable
from greenloop.retrieval.hybrid import Hybrid, Material

Say = Callable[[str], None]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Search:
    """Implements `ports.Retriever`: the code, and each source of knowledge with its index; `missing` are those that
    could not be read, with the reason."""

    code: Hybrid
    shelves: tuple[tuple[Shelf, Hybrid], ...] = ()
    missing: tuple[str, ...] = ()

    def find(self, query: str, budget: int) -> Found:
        return self.code.find(query, budget)

    def know(self, query: str, budget: int) -> tuple[Snippet, ...]:
        """Every source has the same share, and what one leaves goes to those behind it: scores of different
        collections cannot be compared."""
        found: list[Snippet] = []
        for left, (shelf, made) in zip(range(len(self.shelves), 0, -1), self.shelves, strict=True):
            new = [replace(s, source=shelf.name) for s in made.find(query, budget // left).snippets]
            budget -= sum(estimate_tokens(s.text) for s in new)
            found += new
        return tuple(found)

    def close(self) -> None:
        self.code.close()
        for shelf, made in self.shelves:
            made.close()
            shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def material(source: Source, commit: str | None, embedder: Embedder | None = None) -> Material:
    """What may be searched in a tree; `commit` is where its past begins."""
    files = [File(e.path, e.id, e.size) for e in source.entries()]
    past = source.workspace.past(commit, history.COMMITS) if commit else ()
    return Material(
        files=searchable(files, _marked(files, source.text)),
        read=source.text,
        past=tuple(history.past(message, paths) for message, paths in past),
        estimate=estimate_tokens,
        embedder=embedder,
        vector_store=source.settings.vector_store,
    )


def _marked(files: Sequence[File], read: Read) -> Callable[[str], bool]:
    """What `.gitattributes` among these files say: generated, vendored, binary."""
    marks = [f.path for f in files if f.path == kinds.MARKS or f.path.endswith(f"/{kinds.MARKS}")]
    return kinds.attributes({path: read(path) or "" for path in marks})


def search(  # noqa: PLR0913 - where an index lies, and who hears of it
    source: Source,
    commit: str | None,
    *,
    cache: Path | None,
    repository: str,
    trusted: bool,
    say: Say = lambda _words: None,
    told: Told = lambda _done, _of: None,
    beyond: Outside = NOTHING_BEYOND,
    embedder: Embedder | None = None,
) -> Search:
    """Ready for queries. `trusted` is whether the tree is the repository's own and no stranger's; `beyond` is what may
    be read outside of it."""

    def opened(place: str, what: Material, without: Sequence[str] = ()) -> Hybrid:
        path = None if cache is None else opening.place(cache, place, trusted=trusted)
        return Hybrid(opening.open_store(path, say), what, progress=told, say=say, without=without)

    seen: set[str] = set()

    def known(shelf: Shelf) -> Hybrid:
        """What an earlier one holds as well is quoted from there."""
        away = _marked(shelf.files, shelf.read)
        files = [file for file in searchable(shelf.files, away) if file.blob not in seen]
        seen.update(file.blob for file in files)
        what = Material(files=files, read=shelf.read, estimate=estimate_tokens)
        return opened(f"{repository}\0{shelf.place}", what, without=("kind",))

    every = tuple(shelves(source, beyond, cache and cache / "knowledge", say))
    beside = tuple((shelf, known(shelf)) for shelf in every if isinstance(shelf, Shelf))
    missing = tuple(why for why in every if isinstance(why, str))
    for why in missing:
        say(why)
    return Search(opened(repository, material(source, commit, embedder)), beside, missing)


def retriever(
    source: Source,
    commit: str | None,
    *,
    cache: Path | None,
    repository: str,
    trusted: bool,
    say: Say = lambda _words: None,
    told: Told = lambda _done, _of: None,
) -> Hybrid:
    """Of the code alone; nothing counts its calls."""
    embedder = open_embedder(source.settings)
    return search(
        source, commit, cache=cache, repository=repository, trusted=trusted, say=say, told=told, embedder=embedder
    ).code
