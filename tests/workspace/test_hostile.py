"""Random hostile paths: whatever is accepted lies inside the folder when it is laid, and never in git's own folder."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from conftest import git
from greenloop.domain import Move, Patch, Write
from greenloop.workspace import Forbidden, GitWorkspace, open_workspace

# Not in the checkout, where pytest would stumble over it.
set_hypothesis_home_dir(Path(gettempdir()) / f"greenloop-hypothesis-{os.getuid()}")

PIECES = [
    *("..", ".", "", "a", "b", "link", "sub", "file", "…", "é", "con", "x" * 300),
    *(".git", ".GIT", ".git.", ".git ", ".git::$INDEX_ALLOCATION", "git~1", ".g\u200cit", ".gitmodules", ".github"),
    *("workflows", "hooks", "config", "HEAD", "\\", "C:", "\n", "\0", "\u202e", "\ud800", "~", "$HOME", "-rf"),
]
NAMES = st.one_of(
    st.sampled_from(PIECES), st.text(max_size=6), st.builds("".join, st.lists(st.sampled_from(PIECES), max_size=3))
)
PATHS = st.builds("/".join, st.lists(NAMES, min_size=1, max_size=5))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitWorkspace]:
    root = tmp_path_factory.mktemp("hostile") / "repo"
    (root / "a").mkdir(parents=True)
    (root / "file").write_text("x")
    (root / "a/file").write_text("x")
    (root / "link").symlink_to("..")
    git("init", "-q", "-b", "main", cwd=root)
    git("add", "-A", cwd=root)
    git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "x", cwd=root)
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD', cwd=root)},sub", cwd=root)
    git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "sub", cwd=root)
    with open_workspace(root) as workspace:
        yield workspace


def everything(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if ".git" not in p.parts or "objects" not in p.parts}


@given(paths=st.lists(PATHS, min_size=1, max_size=4), move=st.booleans())
@settings(max_examples=150, deadline=None, database=None)
def test_no_path_leads_outside_or_into_git(hostile: GitWorkspace, paths: list[str], move: bool) -> None:
    assert hostile.top
    around, out = hostile.top.parent, hostile.top.parent / "out"
    before = everything(around)
    edits = [Move(path="file", to=paths[0]) if move else Write(path=paths[0], text="hostile")]
    edits += [Write(path=path, text="hostile") for path in paths[1:]]
    try:
        tree = hostile.apply(hostile.tree("HEAD"), Patch(summary="x", edits=tuple(edits)))
    except Forbidden:
        assert everything(around) == before
        return
    try:
        hostile.lay(tree, out)
        laid = {str(p.relative_to(out)) for p in out.rglob("*")}
        assert everything(around) - before == {"out", *(f"out/{name}" for name in laid)}
        for path in paths:
            assert (out / path).resolve().is_relative_to(out.resolve())
            assert (out / path).is_file()
        for name in laid:
            plain = unicodedata.normalize("NFKC", name).casefold().split("/")
            assert not {".git", "..", ".gitmodules", "git~1"} & {part.rstrip(" .") or part for part in plain}
        git("fsck", "--strict", "--no-dangling", tree.id, cwd=hostile.top)
    finally:
        rmtree(out, ignore_errors=True)
