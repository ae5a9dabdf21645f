"""The user's files, index, HEAD and configuration stay as they are, byte for byte; what is on disk becomes a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from greenloop.domain import Patch, Replace, Tree
from greenloop.errors import GreenloopError
from greenloop.workspace import GitWorkspace

Open = Callable[..., GitWorkspace]


def state(root: Path) -> dict[str, str]:
    """Everything of the user's: files, index, HEAD, config, branches; all but the objects that git stores."""
    kept = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink() and "objects" not in p.parts]
    found = {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(kept)}
    found["times"] = str([p.lstat().st_mtime_ns for p in sorted(kept)])
    return found


def status(root: Path) -> str:
    return git("--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=all", cwd=root)


def dirty(workspace: GitWorkspace) -> Path:
    root = workspace.top
    assert root
    (root / "staged").write_text("staged\n")
    (root / "both").write_text("staged\n")
    git("add", "staged", "both", cwd=root)
    (root / "both").write_text("and changed again\n")
    (root / "changed").write_text("changed\n")
    (root / "gone").unlink()
    git("rm", "-q", "--cached", "uncached", cwd=root)
    git("rm", "-q", "removed", cwd=root)
    (root / "new é\n.py").write_text("untracked\n")
    (root / "d").unlink()
    (root / "d").mkdir()
    (root / "d/inner").write_text("folder where a file was")
    (root / "f/a").unlink()
    (root / "f").rmdir()
    (root / "f").write_text("file where a folder was")
    (root / "run").chmod(0o755)
    (root / "ignored.log").write_text("no")
    (root / "intended").write_text("i-t-a")
    git("add", "-N", "intended", cwd=root)
    return root


FILES = {
    ".gitignore": "*.log\n",
    "staged": "0",
    "both": "0",
    "changed": "0",
    "gone": "0",
    "uncached": "0",
    "removed": "0",
    "d": "0",
    "f/a": "0",
    "run": "0",
    "same": "0",
}


def expected(root: Path) -> Tree:
    """What git's own `add -A` makes of it, in a copy."""
    git("add", "-A", cwd=root)
    return Tree(git("write-tree", cwd=root))


def test_a_dirty_tree_is_read_whole_and_left_alone(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo(FILES)
    root = dirty(workspace)
    before = state(root), status(root)
    tree = workspace.working_tree()
    base = workspace.resolve("HEAD")
    new = workspace.apply(workspace.tree(base), Patch(summary="x", edits=(Replace(path="same", old="0", new="1"),)))
    workspace.lay(new, tmp_path / "out")
    sha = workspace.commit(new, (base,), "x")
    workspace.publish(sha, "refs/greenloop/runs/1", expected=None)
    workspace.delete_ref("refs/greenloop/runs/1", sha)
    workspace.close()
    assert (state(root), status(root)) == before
    assert tree == expected(root)
    assert "i-t-a" in (git("show", f"{tree.id}:intended", cwd=root))


def test_a_clean_tree_is_the_commits_own(open_repo: Open) -> None:
    workspace = open_repo(FILES)
    assert workspace.working_tree() == workspace.tree("HEAD")


def test_conflicts_links_and_filters_as_git_add_would(open_repo: Open) -> None:
    workspace = open_repo({"a": "0\n", "b": "0\n", "crlf": b"x\r\n", "d/x": "0"})
    root = workspace.top
    assert root
    git("switch", "-qc", "side", cwd=root)
    (root / "a").write_text("side\n")
    git("rm", "-q", "b", cwd=root)
    git("commit", "-qam", "side", cwd=root)
    git("switch", "-q", "main", cwd=root)
    (root / "a").write_text("main\n")
    (root / "b").write_text("main\n")
    git("commit", "-qam", "main", cwd=root)
    git("config", "core.autocrlf", "true", cwd=root)
    with pytest.raises(Exception, match="returned non-zero"):
        git("merge", "-q", "side", cwd=root)
    (root / "b").unlink()
    (root / "crlf").write_bytes(b"x\r\nmore\r\n")
    (root / "d/x").unlink()
    (root / "d").rmdir()
    (root / "d").symlink_to(".git")
    before = state(root), status(root)
    tree = workspace.working_tree()
    assert (state(root), status(root)) == before
    assert tree == expected(root)


def test_submodules_stay_as_recorded_and_strange_repositories_out(
    open_repo: Open, make_repo: Callable[..., Path]
) -> None:
    inner = make_repo({"x": "1"}, name="inner")
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub", cwd=root)
    git("commit", "-qm", "submodule", cwd=root)
    (root / "sub/x").write_text("changed")
    git("commit", "-qam", "moved on", cwd=root / "sub")
    git("init", "-q", "nested", cwd=root)
    (root / "nested/file").write_text("x")
    (root / "a").write_text("1")
    tree = workspace.working_tree()
    assert [(c.path, c.status) for c in workspace.diff(workspace.tree("HEAD"), tree)] == [("a", "M")]


def test_a_damaged_index_is_told_and_left_as_it_is(open_repo: Open) -> None:
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    (root / ".git/index").write_bytes(b"no index at all")
    before = state(root)
    with pytest.raises(GreenloopError, match=f"git status failed in {root}: .*index file smaller than expected"):
        workspace.working_tree()
    assert state(root) == before
