"""A workspace on a real repository, closed at the end of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from greenloop.workspace import GitWorkspace, open_workspace


@pytest.fixture
def open_repo(make_repo: Callable[..., Path]) -> Iterator[Callable[..., GitWorkspace]]:
    """`open_repo({"a.py": "…"}, allow_workflows=True)` → a workspace on a new repository; its `top` is the folder."""
    opened: list[GitWorkspace] = []

    def make(files: Mapping[str, str | bytes], *, name: str = "repo", allow_workflows: bool = False) -> GitWorkspace:
        opened.append(open_workspace(make_repo(files, name=name), allow_workflows=allow_workflows))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()
