"""What is opened, and what is refused with the cure: no repository, bare, linked, shallow, foreign, empty, odd."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from greenloop.domain import Patch, Write
from greenloop.errors import GreenloopError, UsageError
from greenloop.workspace import GitWorkspace, open_workspace

Make = Callable[..., Path]
PATCH = Patch(summary="x", edits=(Write(path="d/new", text="n\n"),))


def message(folder: Path) -> str:
    with pytest.raises(UsageError) as raised:
        open_workspace(folder)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def works(workspace: GitWorkspace, folder: Path) -> None:
    """A whole round: read, change, lay, commit, publish."""
    base = workspace.resolve("HEAD")
    new = workspace.apply(workspace.tree(base), PATCH)
    sha = workspace.commit(new, (base,), "a message\n")
    workspace.publish(sha, "refs/heads/greenloop/x", expected=None)
    workspace.lay(workspace.tree("greenloop/x"), folder)
    assert (folder / "d/new").read_text() == "n\n"
    assert [(c.path, c.status) for c in workspace.diff(workspace.tree(base), new)] == [("d/new", "A")]


def test_any_folder_of_a_checkout_a_worktree_a_bare_and_a_shallow_clone(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo({"a/b/c.py": "1\n", "name with\nnewline é": "x"})
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=root)
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"), cwd=root)
    git("clone", "-q", "--bare", str(root), str(tmp_path / "bare.git"), cwd=tmp_path)
    git("clone", "-q", "--depth", "1", f"file://{root}", str(tmp_path / "shallow"), cwd=tmp_path)
    seen = {}
    for place in ("repo/a/b", "repo/.git", "linked", "bare.git", "shallow"):
        with open_workspace(tmp_path / place) as workspace:
            works(workspace, tmp_path / "out" / place)
            seen[place] = (workspace.git_dir, workspace.top, len(workspace.history("HEAD", 9)))
            workspace.delete_ref("refs/heads/greenloop/x", workspace.resolve("greenloop/x"))
    assert seen == {
        "repo/a/b": (root / ".git", root, 2),
        "repo/.git": (root / ".git", None, 2),
        "linked": (root / ".git/worktrees/linked", tmp_path / "linked", 2),
        "bare.git": (tmp_path / "bare.git", None, 2),
        "shallow": (tmp_path / "shallow/.git", tmp_path / "shallow", 1),
    }
    with open_workspace(tmp_path / "bare.git") as bare, pytest.raises(UsageError, match="bare repository"):
        bare.working_tree()


def test_a_sha256_repository_works(tmp_path: Path) -> None:
    git("init", "-q", "--object-format=sha256", "-b", "main", ".", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path)
    with open_workspace(tmp_path) as workspace:
        works(workspace, tmp_path / "out")
        assert len(workspace.working_tree().id) == 64


def test_no_repository_no_folder_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "here"
    folder.mkdir()
    assert message(folder) == (
        f"git rev-parse failed in {folder}: fatal: not a git repository (or any of the parent directories): .git. "
        "Run greenloop in a checkout, name one with --repo, or make one: git init, then a first commit."
    )
    assert message(tmp_path / "gone") == (
        f"{tmp_path}/gone is not a folder that can be entered. Name a git checkout with --repo."
    )
    git("init", "-q", cwd=folder)
    assert message(folder) == (
        f"The repository at {folder} has no commit on the branch that is checked out. "
        "Make one first: git add -A, then git commit."
    )


def test_somebody_elses_repository_names_the_command_that_trusts_it(
    make_repo: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repo({"a": "a"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert message(root).endswith(
        f"It belongs to another user. If you trust it, run: git config --global --add safe.directory {root}"
    )


def test_git_missing_and_a_format_that_this_git_does_not_know(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo({"a": "a"})
    code = (
        f"from pathlib import Path; from greenloop.workspace import open_workspace; open_workspace(Path({str(root)!r}))"
    )
    paths = os.pathsep.join(p for p in sys.path if p)
    environment = {"PATH": str(tmp_path), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "greenloop.errors.UsageError: git was not found on PATH. Install it, for example: apt-get install git"
    )
    git("config", "core.repositoryformatversion", "1", cwd=root)
    git("config", "extensions.fromTheFuture", "1", cwd=root)
    assert message(root).endswith("greenloop needs git 2.31 or later, and one that knows this repository's format.")


def test_git_that_vanishes_after_the_start(make_repo: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo({"a": "a"})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert message(root).startswith("git was not found on PATH.")


def test_an_unknown_ref_names_what_exists(make_repo: Make, tmp_path: Path) -> None:
    root = make_repo({"a": "a"})
    git("branch", "feature/login", cwd=root)
    git("tag", "v1.0", cwd=root)
    with open_workspace(root) as workspace:
        every = "feature/login, main, v1.0"
        for ref, there in {
            "feature/logn": "feature/login",
            "zzz": every,
            "HEAD:a": every,
            "--all": every,
            "": every,
            "main\nmain": "main",
        }.items():
            with pytest.raises(UsageError) as raised:
                workspace.resolve(ref)
            said, _, named = str(raised.value).rstrip(".").partition(". There are: ")
            assert (said, sorted(named.split(", "))) == (f"There is no commit {ref!r}", there.split(", "))
        assert workspace.resolve("v1.0") == workspace.resolve("HEAD~0") == git("rev-parse", "HEAD", cwd=root)
    git("clone", "-q", "--depth", "1", f"file://{root}", str(tmp_path / "shallow"), cwd=tmp_path)
    with open_workspace(tmp_path / "shallow") as workspace, pytest.raises(UsageError, match="git fetch --unshallow"):
        workspace.tree("HEAD~1")


def test_variables_that_hooks_set_do_not_lead_elsewhere(
    make_repo: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = make_repo({"a": "mine\n"}), make_repo({"b": "other\n"}, name="other")
    before = git("for-each-ref", cwd=other)
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_INDEX_FILE": str(other / ".git/index"),
        "GIT_WORK_TREE": str(other),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_DIFF_OPTS": "--unified=9",
        "GIT_EXTERNAL_DIFF": "false",
    }.items():
        monkeypatch.setenv(name, value)
    with open_workspace(root) as workspace:
        works(workspace, tmp_path / "out")
        base = workspace.tree("main")
        (change,) = workspace.diff(base, workspace.write(base, {"a": b"mine\nyours\n"}))
        assert (change.lines, change.removed) == (frozenset({2}), 0)
        assert [*workspace.entries(workspace.working_tree())] == ["a"]
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.delenv(name)
    assert git("for-each-ref", cwd=other) == before
    assert git("rev-parse", "greenloop/x", cwd=root)


def test_a_damaged_repository_says_so(make_repo: Make) -> None:
    root = make_repo({"a": "a\n", "b": "b\n"})
    with open_workspace(root) as workspace:
        base = workspace.tree("HEAD")
        oid = workspace.entries(base)["a"].id
        (root / ".git/objects" / oid[:2] / oid[2:]).unlink()
        with pytest.raises(UsageError, match=f"lacks the object {oid}"):
            workspace.read(base, "a")
        with pytest.raises(UsageError, match=f"lacks the object {oid}"):
            workspace.lay(base, root.parent / "out")
        assert workspace.read(base, "b") == b"b\n"
        with pytest.raises(GreenloopError, match="git ls-tree failed in"):
            workspace.entries(workspace.tree("HEAD").__class__("2" * 40))
