"""The retriever of a run: the index of the repository, beside the files of one tree that a model may see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from greenloop.context import Source
from greenloop.model.budget import estimate_tokens
from greenloop.model.embeddings import open_embedder
from greenloop.retrieval import history, kinds, opening
from greenloop.retrieval.corpus import File, searchable
from greenloop.retrieval.hybrid import Hybrid, Material

Say = Callable[[str], None]
Told = Callable[[int, int], None]


def material(source: Source, commit: str | None) -> Material:
    """What may be searched in a tree; `commit` is where its past begins."""
    marks = source.text(".gitattributes") or ""
    files = (File(e.path, e.id, e.size) for e in source.entries())
    past = source.workspace.past(commit, history.COMMITS) if commit else ()
    return Material(
        files=searchable(files, kinds.attributes(marks)),
        read=source.text,
        past=tuple(history.past(message, paths) for message, paths in past),
        estimate=estimate_tokens,
        embedder=open_embedder(source.settings),
        vector_store=source.settings.vector_store,
    )


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
    """Ready for queries. `trusted` is whether the tree is the repository's own and no stranger's."""
    path = None if cache is None else opening.place(cache, repository, trusted=trusted)
    return Hybrid(opening.open_store(path, say), material(source, commit), progress=told, say=say)
