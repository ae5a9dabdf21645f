"""Commits made once more on top of another commit: change by change, file by file; nothing is merged inside a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenloop.ports import Entry
from greenloop.workspace.history import CommitInfo
from greenloop.workspace.repository import GitWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """`left` are paths whose changes do not fit there: somebody else has changed them as well."""

    sha: str
    ids: Mapping[str, str]  # as they were made → as they are there
    left: tuple[str, ...] = ()


def again(workspace: GitWorkspace, commits: Iterable[CommitInfo], onto: str) -> Again:
    """Each with its message and its time, so that the same commits on the same one are the same again."""
    tip, left, ids = onto, dict[str, None](), dict[str, str]()
    for info in commits:
        before, now = workspace.tree(info.parents[0]), workspace.tree(tip)
        old, new, there = (_entries(workspace.entries(tree)) for tree in (before, info.tree, now))
        paths = [change.path for change in workspace.diff(before, info.tree)]
        fits = [path for path in paths if there.get(path) == old.get(path)]
        left |= dict.fromkeys(path for path in paths if path not in fits and there.get(path) != new.get(path))
        tree = workspace.overlay(now, info.tree, fits) if fits else now
        tip = ids[info.sha] = workspace.commit(tree, (tip,), info.message, at=info.at)
    return Again(sha=tip, ids=ids, left=tuple(left))


def _entries(found: Mapping[str, Entry]) -> Mapping[str, tuple[str, str]]:
    return {path: (entry.mode, entry.id) for path, entry in found.items()}
