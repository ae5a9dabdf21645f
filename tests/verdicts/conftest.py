"""Repositories with a baseline of their own, open for the whole session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from greenloop.settings import Settings
from program import QUICK
from verdicts.court import Court, git, opened, write


@pytest.fixture(scope="session")
def open_court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Court]]:
    """`open_court(files, checks=("pytest",))` → a court over a repository that holds these files."""
    courts: list[Iterator[Court]] = []

    def make(files: Mapping[str, str | bytes | None], **settings: object) -> Court:
        root = tmp_path_factory.mktemp("court")
        write(root, files)
        for words in (("init", "-q", "-b", "main"), ("add", "-A", "-f"), ("commit", "-q", "-m", "base")):
            git(root, *words)
        courts.append(opened(root, Settings(test_command=QUICK, **settings), tmp_path_factory))  # type: ignore[arg-type]
        return next(courts[-1])

    yield make
    for court in courts:
        next(court, None)
