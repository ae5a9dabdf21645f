"""Commits, identity, and refs that move by compare-and-swap only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from greenloop.domain import Patch, Write
from greenloop.errors import UsageError
from greenloop.workspace import FALLBACK_IDENTITY, CommitInfo, GitWorkspace, open_workspace

Open = Callable[..., GitWorkspace]
RUN = "refs/greenloop/runs/issue-12"


def attempt(workspace: GitWorkspace, parent: str, text: str) -> str:
    tree = workspace.apply(workspace.tree(parent), Patch(summary="x", edits=(Write(path="a", text=text),)))
    return workspace.commit(tree, (parent,), f"fix: {text}\n\nGreenloop-Attempt: 1/4\n")


def test_commits_are_values_again_when_read(open_repo: Open) -> None:
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    base = workspace.resolve("HEAD")
    one = attempt(workspace, base, "one")
    tree = workspace.tree(one)
    two = workspace.commit(tree, (one, base), "two é 👩\0 \ud800\n\n  body  \n\n# no comment\n\n-- \n")
    info = CommitInfo(
        sha=two,
        parents=(one, base),
        tree=tree,
        message="two é 👩� ?\n\n  body  \n\n# no comment\n\n-- \n",
        at=int(git("log", "-1", "--format=%ct", two, cwd=root)),
    )
    assert workspace.history(two, 1) == (info,)
    assert [c.sha for c in workspace.history(two, 9)] == [two, one, base]
    assert [c.sha for c in workspace.commits(base, two)] == [one, two]
    assert workspace.commits(two, base) == ()
    assert git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%G?", two, cwd=root) == (
        "Ada Tester <ada@example.org>|Ada Tester <ada@example.org>|N"
    )
    assert workspace.identity() == "Ada Tester <ada@example.org>"
    git(
        "-c",
        "i18n.commitEncoding=latin-1",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "caf\u00e9".encode().decode("latin-1"),
        cwd=root,
    )
    assert workspace.history("HEAD", 1)[0].message.startswith("caf")
    for bad in ("HEAD", "--help", one[:12], ""):
        with pytest.raises(UsageError, match="no full object id"):
            workspace.commit(tree, (bad,), "x")


def test_odd_encodings_of_old_commits_are_read(open_repo: Open) -> None:
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    said = {}
    for encoding, text in {
        "latin-1": b"caf\xe9",
        "nonsense": b"caf\xc3\xa9",
        "rot13": b"abc",
        "undefined": b"abc",
    }.items():
        head = f"tree {workspace.tree('HEAD').id}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n"
        (root / "raw").write_bytes(f"{head}encoding {encoding}\n\n".encode() + text)
        said[encoding] = workspace.history(git("hash-object", "-t", "commit", "-w", "raw", cwd=root), 1)[0].message
    assert said == {"latin-1": "café", "nonsense": "café", "rot13": "abc", "undefined": "abc"}


def test_without_an_identity_greenloop_signs_and_the_users_wins(
    open_repo: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("EMAIL", raising=False)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "x")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "x@y")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "x")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "x@y")
    workspace = open_repo({"a": "0"})
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    root = workspace.top
    assert root
    sha = attempt(workspace, workspace.resolve("HEAD"), "one")
    workspace.publish(sha, "refs/heads/x", expected=None)
    who = "--format=%an <%ae>|%cn <%ce>"
    assert git("log", "-1", who, sha, cwd=root) == f"{FALLBACK_IDENTITY}|{FALLBACK_IDENTITY}"
    assert workspace.identity() == FALLBACK_IDENTITY == "greenloop <greenloop@users.noreply.github.com>"
    git("config", "user.name", "Bo é", cwd=root)
    git("config", "user.email", "bo@example.org", cwd=root)
    with open_workspace(root) as again:
        sha = attempt(again, sha, "two")
        assert git("log", "-1", who, sha, cwd=root) == "Bo é <bo@example.org>|Bo é <bo@example.org>"
        assert again.identity() == "Bo é <bo@example.org>"


def test_a_ref_moves_only_from_where_it_is_expected(open_repo: Open) -> None:
    workspace = open_repo({"a": "0"})
    base = workspace.resolve("HEAD")
    one, two = attempt(workspace, base, "one"), attempt(workspace, base, "two")
    for ref in (RUN, "refs/heads/greenloop/issue-12"):
        assert workspace.ref(ref) is None
        workspace.publish(one, ref, expected=None)
        for sha, expected in ((two, None), (two, two), (two, base)):
            with pytest.raises(UsageError) as raised:
                workspace.publish(sha, ref, expected=expected)
            assert str(raised.value) == (
                f"{ref} is not where it was: expected {expected or 'no such ref'}, found {one}. "
                "Nothing was moved. Look at what is there, then run again or choose another branch."
            )
            assert workspace.ref(ref) == one
        workspace.publish(two, ref, expected=one)
        assert workspace.ref(ref) == two
        with pytest.raises(UsageError, match="is not where it was"):
            workspace.delete_ref(ref, one)
        assert workspace.ref(ref) == two
        workspace.delete_ref(ref, two)
        assert workspace.ref(ref) is None
        with pytest.raises(UsageError, match="found no such ref"):
            workspace.publish(two, ref, expected=one)
    assert workspace.ref("no\0ref") is None


def test_names_that_are_no_branch_of_ours(open_repo: Open) -> None:
    workspace = open_repo({"a": "0"})
    base = workspace.resolve("HEAD")
    for ref in ("HEAD", "main", "refs/tags/v1", "refs/remotes/origin/x", "refs/heads/", "refs/heads/a b", "--stdin"):
        with pytest.raises(UsageError, match="is no name that a branch of ours can have"):
            workspace.publish(base, ref, expected=None)
    for ref in (
        "refs/heads/a..b",
        "refs/heads/x.lock",
        "refs/heads/../../config",
        "refs/greenloop/a~1",
        "refs/heads/main/x",
    ):
        with pytest.raises(UsageError, match="Choose another name for the branch"):
            workspace.publish(base, ref, expected=None)
    assert workspace.ref("refs/heads/main") == base


def test_a_branch_that_is_checked_out_anywhere_is_never_moved(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"), cwd=root)
    base = workspace.resolve("HEAD")
    one = attempt(workspace, base, "one")
    for name in ("main", "side"):
        refused = f"The branch {name} is checked out; greenloop never moves it"
        with pytest.raises(UsageError, match=refused):
            workspace.publish(one, f"refs/heads/{name}", expected=base)
        with pytest.raises(UsageError, match=refused):
            workspace.delete_ref(f"refs/heads/{name}", base)
    git("symbolic-ref", "refs/heads/alias", "refs/heads/main", cwd=root)
    workspace.publish(one, "refs/heads/alias", expected=base)  # the alias itself, not what it leads to
    assert (workspace.ref("refs/heads/main"), workspace.ref("refs/heads/alias")) == (base, one)


def test_no_hook_runs_and_nothing_of_the_repositorys_own_programs(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"a": "0"})
    root = workspace.top
    assert root
    trap = tmp_path / "ran"
    hooks = root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-index-change", "pre-commit", "commit-msg", "post-commit", "fsmonitor"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> '{trap}'\n")
        (hooks / name).chmod(0o755)
    git("config", "core.fsmonitor", str(hooks / "fsmonitor"), cwd=root)
    git("config", "commit.gpgSign", "true", cwd=root)
    git("config", "gpg.program", str(hooks / "fsmonitor"), cwd=root)
    (root / "a").write_text("dirty")
    base = workspace.resolve("HEAD")
    workspace.working_tree()
    sha = attempt(workspace, base, "one")
    workspace.publish(sha, "refs/heads/x", expected=None)
    workspace.lay(workspace.tree(sha), tmp_path / "out")
    workspace.delete_ref("refs/heads/x", sha)
    assert not trap.exists()
    git("update-ref", "refs/heads/y", sha, cwd=root)
    assert "reference-transaction" in trap.read_text()  # the trap itself works


def test_replace_refs_do_not_change_what_is_read(open_repo: Open) -> None:
    workspace = open_repo({"a": "real"})
    root = workspace.top
    assert root
    blob = workspace.entries(workspace.tree("HEAD"))["a"].id
    other = workspace.entries(workspace.store({"b": b"fake"}))["b"].id
    git("replace", blob, other, cwd=root)
    with open_workspace(root) as again:
        assert again.read(again.tree("HEAD"), "a") == b"real"
