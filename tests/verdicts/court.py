"""One repository, one baseline; each trick is a working tree of it, laid as a tree and judged as `evaluate` does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from conftest import GIT_ENVIRONMENT
from greenloop.app import bench
from greenloop.domain import Request, Source
from greenloop.engine.candidate import Candidate, Examined, Start, examine, from_tree
from greenloop.engine.workbench import Baseline, Workbench, baseline
from greenloop.model.replay import Replay
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings
from greenloop.workspace import open_workspace


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """`None` removes a file, `->x` makes a link to x."""
    for path, text in files.items():
        target = folder / path
        target.unlink(missing_ok=True)
        if text is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str) and text.startswith("->"):
            target.symlink_to(text[2:])
        else:
            target.write_bytes(text.encode() if isinstance(text, str) else text)


class Court:
    """A repository with a baseline that is measured once, and each different tree judged once."""

    def __init__(self, root: Path, made: Workbench, base: Baseline, commit: str) -> None:
        self._root, self._bench, self._base = root, made, base
        request = Request(
            key="k", at="", command="evaluate", text="", source=Source.TERMINAL, repository="", actor="", base=commit
        )
        self._start = Start(request=request, base=base, commit=commit)
        self._seen: dict[tuple[object, ...], Examined] = {}

    def judge(self, files: Mapping[str, str | bytes | None]) -> Examined:
        """What `evaluate` says of the base with these files over it."""
        candidate = self.candidate(files)
        key = (candidate.tree, candidate.judged)
        if key not in self._seen:
            self._seen[key] = examine(candidate, self._start, self._bench)
        return self._seen[key]

    def candidate(self, files: Mapping[str, str | bytes | None]) -> Candidate:
        write(self._root, files)
        try:
            tree = self._bench.workspace.working_tree()
        finally:
            git(self._root, "checkout", "-q", "-f", ".")
            git(self._root, "clean", "-q", "-f", "-d", "-x")
        found = from_tree(tree, self._start, self._bench)
        assert isinstance(found, Candidate)
        return found


def git(root: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], **GIT_ENVIRONMENT}
    subprocess.run(["git", *words], cwd=root, env=environment, check=True, capture_output=True)


def opened(root: Path, settings: Settings, temporary: pytest.TempPathFactory) -> Iterator[Court]:
    scratch, cache = temporary.mktemp("scratch"), temporary.mktemp("cache")
    with (
        open_workspace(root) as workspace,
        bench(
            workspace,
            settings,
            Replay((), name="none"),
            lambda _: None,
            box=open_sandbox(cache=cache),
            cache=cache,
            temp=scratch,
        ) as made,
    ):
        commit = workspace.resolve("HEAD")
        yield Court(root, made, baseline(made, workspace.tree(commit)), commit)
