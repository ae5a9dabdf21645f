"""Every answer of the corpus that applies, applied by the real workspace to real trees."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from greenloop.domain import Patch
from greenloop.edits import parse
from greenloop.workspace import Forbidden, open_workspace
from greenloop.workspace.repository import GitWorkspace

CORPUS = Path(__file__).parent / "corpus"
BASE: dict[str, str] = tomllib.loads((CORPUS / "base.toml").read_text("utf-8"))["files"]
OUTSIDE = {"../outside.py", ".git/config", "../../etc/cron.d/job", "src/../.GIT/hooks/pre-commit"}


def _all(workspace: GitWorkspace) -> tuple[int, int]:
    """How many were applied as the corpus says, and how many refused for where they lead."""
    applied = refused = 0
    for name in ("whole.toml", "search.toml", "diffs.toml", "unseen.toml"):
        for case in tomllib.loads((CORPUS / name).read_text("utf-8"))["case"]:
            if "kind" in case:
                continue
            files = BASE | case.get("files", {})
            tree = workspace.store({path: text.encode() for path, text in files.items()})
            read, paths = partial(workspace.read, tree), workspace.entries(tree)
            patch = parse(case["reply"], read, paths, expected=tuple(case.get("expected", ())))
            if case.get("or_refused") and not isinstance(patch, Patch):
                continue
            assert isinstance(patch, Patch), case["name"]
            if OUTSIDE & set(patch.paths):
                with pytest.raises(Forbidden):
                    workspace.apply(tree, patch)
                refused += 1
                continue
            made = workspace.apply(tree, patch)
            for path, text in case.get("after", {}).items():
                assert workspace.read(made, path) == text.encode(), (case["name"], path)
            for path in case.get("gone", []):
                assert path not in workspace.entries(made), (case["name"], path)
            applied += 1
    return applied, refused


def test_what_is_parsed_is_what_the_workspace_makes(make_repo: Callable[..., Path]) -> None:
    with open_workspace(make_repo({"seed": ""})) as workspace:
        applied, refused = _all(workspace)
    assert applied > 90
    assert refused == len(OUTSIDE)
