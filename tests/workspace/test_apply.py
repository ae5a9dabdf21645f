"""Edits become a tree: all or nothing, byte for byte, and never through anything but plain files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import git
from greenloop.domain import Delete, Edit, Move, Patch, Replace, Tree, Write
from greenloop.errors import UsageError
from greenloop.workspace import Forbidden, GitWorkspace

Open = Callable[..., GitWorkspace]


def patch(*edits: Edit) -> Patch:
    return Patch(summary="x", edits=edits)


def files(workspace: GitWorkspace, tree: Tree) -> dict[str, tuple[str, bytes | None]]:
    return {path: (e.mode, workspace.read(tree, path)) for path, e in workspace.entries(tree).items()}


def refusal(workspace: GitWorkspace, *edits: Edit) -> tuple[str, str]:
    with pytest.raises(Forbidden) as refused:
        workspace.apply(workspace.tree("HEAD"), patch(*edits))
    return refused.value.kind, str(refused.value)


def test_every_kind_of_edit_in_order(open_repo: Open) -> None:
    workspace = open_repo({"a.py": "one\ntwo\n", "run.sh": "old\n", "d/only": "x", "old": "o", "keep/me": "k"})
    assert workspace.top
    (workspace.top / "run.sh").chmod(0o755)
    git("commit", "-qam", "executable", cwd=workspace.top)
    base = workspace.tree("HEAD")
    new = workspace.apply(
        base,
        patch(
            Replace(path="a.py", old="two", new="2"),
            Replace(path="a.py", old="2\n", new="2\nthree"),  # on what the edit before left
            Write(path="run.sh", text="new\n"),
            Write(path="bin/tool", text="#!\n", mode="100755"),
            Write(path="deep/er/é b.txt", text="é"),
            Move(path="old", to="moved/old"),
            Delete(path="d/only"),
            Write(path="d", text="a file where a folder was"),
            Delete(path="keep/me"),
            Write(path="keep/me/now", text="a folder where a file was"),
        ),
    )
    assert files(workspace, new) == {
        "a.py": ("100644", b"one\n2\nthree"),
        "bin/tool": ("100755", b"#!\n"),
        "d": ("100644", b"a file where a folder was"),
        "deep/er/é b.txt": ("100644", "é".encode()),
        "keep/me/now": ("100644", b"a folder where a file was"),
        "moved/old": ("100644", b"o"),
        "run.sh": ("100755", b"new\n"),
    }
    git("fsck", "--strict", cwd=workspace.top)
    assert files(workspace, workspace.apply(new, patch(*[Delete(path=p) for p in workspace.entries(new)]))) == {}


def test_bytes_stay_as_they_are(open_repo: Open) -> None:
    workspace = open_repo(
        {
            "crlf.py": b"a\r\nb\r\nc",
            "bom.py": b"\xef\xbb\xbfx = 1\n",
            "latin.py": b"# caf\xe9\nx = 1\n",
            "zero.bin": b"\0\1x\0",
        }
    )
    assert workspace.top
    (workspace.top / ".gitattributes").write_text("* text=auto eol=lf ident\n")
    new = workspace.apply(
        workspace.write(workspace.tree("HEAD"), {".gitattributes": b"* text=auto eol=lf ident\n"}),
        patch(
            Replace(path="crlf.py", old="b\r\n", new="B\r\nB\r\n"),
            Replace(path="bom.py", old="1", new="2"),
            Replace(path="latin.py", old="x = 1", new="x = 2"),
            Replace(path="zero.bin", old="x", new="y"),
            Write(path="new.py", text="\ufeff$Id$\r\nlast\rone"),
            Write(path="empty.py", text=""),
        ),
    )
    assert {path: data for path, (_, data) in files(workspace, new).items() if path != ".gitattributes"} == {
        "crlf.py": b"a\r\nB\r\nB\r\nc",
        "bom.py": b"\xef\xbb\xbfx = 2\n",
        "latin.py": b"# caf\xe9\nx = 2\n",
        "zero.bin": b"\0\1y\0",
        "new.py": b"\xef\xbb\xbf$Id$\r\nlast\rone",
        "empty.py": b"",
    }


def test_five_megabytes_are_replaced_in_the_middle(open_repo: Open) -> None:
    half = "0123456789abcde\n" * 160_000
    workspace = open_repo({"big.txt": half + "here\n" + half})
    new = workspace.apply(workspace.tree("HEAD"), patch(Replace(path="big.txt", old="here", new="there")))
    assert workspace.read(new, "big.txt") == (half + "there\n" + half).encode()
    (change,) = workspace.diff(workspace.tree("HEAD"), new)
    assert (change.lines, change.removed) == (frozenset({160_001}), 1)


def test_what_does_not_fit_is_told_and_leaves_nothing(open_repo: Open) -> None:
    workspace = open_repo({"a.py": "aXbX aaa\n", "d/f": "x"})
    assert workspace.top
    good = Write(path="good.py", text="this must not be stored alone\n")
    before = git("cat-file", "--batch-all-objects", "--batch-check", cwd=workspace.top)
    assert refusal(workspace, good, Replace(path="a.py", old="missing", new="")) == (
        "no match",
        "'a.py' does not hold the text that is to be replaced.",
    )
    assert refusal(workspace, good, Replace(path="a.py", old="", new="x"))[0] == "no match"
    ambiguous = (
        "ambiguous",
        "'a.py' holds the text that is to be replaced more than once; quote more lines around it.",
    )
    assert refusal(workspace, good, Replace(path="a.py", old="X", new="")) == ambiguous
    assert refusal(workspace, good, Replace(path="a.py", old="aa", new="")) == ambiguous  # they overlap
    assert refusal(workspace, good, Delete(path="nope")) == ("no match", "There is no file 'nope'.")
    assert refusal(workspace, good, Move(path="nope", to="b"))[0] == "no match"
    assert refusal(workspace, good, Replace(path="d/f/g", old="x", new="y"))[0] == "no match"
    assert refusal(workspace, good, Move(path="a.py", to="d/f")) == (
        "forbidden path",
        "'d/f' cannot be written: something is there already; delete it first, in the same answer.",
    )
    assert refusal(workspace, good, Delete(path="d")) == ("forbidden path", "'d' cannot be written: it is a folder.")
    assert refusal(workspace, good, Write(path="b", text="\udc80")) == (
        "forbidden path",
        "'b' cannot be written: its new text is not valid Unicode.",
    )
    assert git("cat-file", "--batch-all-objects", "--batch-check", cwd=workspace.top) == before


def test_a_patch_that_changes_nothing_is_refused(open_repo: Open) -> None:
    workspace = open_repo({"a.py": "a\n", "b.py": "b\n"})
    nothing = ("no change", "The edits leave every file as it is.")
    assert refusal(workspace) == nothing
    assert refusal(workspace, Write(path="a.py", text="a\n")) == nothing
    there_and_back = (Move(path="a.py", to="x/c.py"), Move(path="x/c.py", to="a.py"))
    assert refusal(workspace, *there_and_back) == nothing


def test_nothing_is_written_through_or_over_links_submodules_folders_and_files(open_repo: Open) -> None:
    workspace = open_repo({"real/f": "x\n", "Readme": "r\n", "src/Straße.py": "s"})
    assert workspace.top
    (workspace.top / "link").symlink_to("real")
    (workspace.top / "file-link").symlink_to("real/f")
    git("update-index", "--add", "--cacheinfo", f"160000,{workspace.resolve('HEAD')},sub", cwd=workspace.top)
    git("add", "link", "file-link", cwd=workspace.top)
    git("commit", "-qm", "links", cwd=workspace.top)
    refused = {
        edit: refusal(workspace, edit)
        for edit in (
            Write(path="link/f", text="x"),
            Write(path="link", text="x"),
            Replace(path="file-link", old="real", new="/etc"),
            Move(path="file-link", to="other"),
            Move(path="Readme", to="link/x"),
            Write(path="sub", text="x"),
            Write(path="sub/x", text="x"),
            Delete(path="sub"),
            Write(path="real", text="x"),
            Write(path="Readme/x", text="x"),
            Write(path="readme", text="x"),
            Write(path="REAL/g", text="x"),
            Write(path="src/STRASSE.py", text="x"),
            Write(path="new", text="x", mode="120000"),
            Write(path="new", text="x", mode="100664"),
        )
    }
    reasons = [
        "'link' on the way to it is a symbolic link",
        "it is a symbolic link",
        "it is a symbolic link",
        "it is a symbolic link",
        "'link' on the way to it is a symbolic link",
        "it is a submodule",
        "'sub' on the way to it is a submodule",
        "it is a submodule",
        "it is a folder",
        "'Readme' on the way to it is a file",
        "'Readme' is there, and differs in case only",
        "'real' is there, and differs in case only",
        "'Straße.py' is there, and differs in case only",
        "the mode '120000' is not one of 100644 and 100755",
        "the mode '100664' is not one of 100644 and 100755",
    ]
    assert [kind for kind, _ in refused.values()] == ["forbidden path"] * len(reasons)
    assert [text.split(": ", 1)[1] for _, text in refused.values()] == [f"{reason}." for reason in reasons]
    assert refusal(workspace, Write(path="a", text="1"), Write(path="A", text="2"))[1].endswith("differs in case only.")
    new = workspace.apply(
        workspace.tree("HEAD"),
        patch(Delete(path="link"), Write(path="link/f", text="a file"), Move(path="Readme", to="README")),
    )
    assert files(workspace, new)["link/f"] == ("100644", b"a file")
    assert "README" in workspace.entries(new)


def test_every_path_of_an_edit_is_confined(open_repo: Open) -> None:
    workspace = open_repo({"a": "a\n", ".github/workflows/ci.yml": "on: push\n"})
    outside = ("forbidden path", "'../x' cannot be written: a part of the path is `..`; it would leave the repository.")
    assert refusal(workspace, Move(path="a", to="../x")) == outside
    assert refusal(workspace, Move(path="../x", to="b")) == outside
    for edit in (
        Replace(path=".github/workflows/ci.yml", old="push", new="pull_request_target"),
        Delete(path=".github/workflows/ci.yml"),
        Move(path=".github/workflows/ci.yml", to="ci.yml"),
        Move(path="a", to=".github/workflows/a.yml"),
    ):
        assert "workflows run with" in refusal(workspace, edit)[1]
    trusted = open_repo({".github/workflows/ci.yml": "on: push\n"}, name="trusted", allow_workflows=True)
    trusted.apply(trusted.tree("HEAD"), patch(Delete(path=".github/workflows/ci.yml")))


def test_our_own_results_are_written_with_the_modes_kept(open_repo: Open) -> None:
    workspace = open_repo({"run.sh": "a  b\n", "x/y": "1", "link-to": "t"})
    assert workspace.top
    (workspace.top / "run.sh").chmod(0o755)
    (workspace.top / "l").symlink_to("x")
    git("add", "-A", cwd=workspace.top)
    git("commit", "-qm", "more", cwd=workspace.top)
    base = workspace.tree("HEAD")
    tidied = workspace.write(base, {"run.sh": b"a b\n", "x/new": b"\xff", "caf\udce9": b"latin"})
    assert {p: v for p, v in files(workspace, tidied).items() if p not in files(workspace, base)} == {
        "x/new": ("100644", b"\xff"),
        "caf\udce9": ("100644", b"latin"),
    }
    assert files(workspace, tidied)["run.sh"] == ("100755", b"a b\n")
    assert workspace.write(base, {}) == base
    for path in ("l/x", "l", "x", "../x", ".git/x", "x//y"):
        with pytest.raises(Forbidden):
            workspace.write(base, {path: b"x"})
    assert files(workspace, workspace.store({"run.json": b"{}", "a/b": b"1"})) == {
        "a/b": ("100644", b"1"),
        "run.json": ("100644", b"{}"),
    }
    assert workspace.store({}).id == git("hash-object", "-t", "tree", "/dev/null", cwd=workspace.top)


def test_overlay_takes_paths_as_they_are_elsewhere(open_repo: Open) -> None:
    workspace = open_repo({"tests/t.py": "good\n", "tests/data/d": "1", "src/a.py": "a\n", "ci": "x"})
    base = workspace.tree("HEAD")
    attempt = workspace.apply(
        base,
        patch(
            Delete(path="tests/t.py"),
            Delete(path="tests/data/d"),
            Write(path="tests", text="a file in the way"),
            Write(path="src/a.py", text="better\n"),
            Write(path="conftest.py", text="import sabotage\n"),
            Delete(path="ci"),
            Write(path="ci/inner/x", text="x"),
        ),
    )
    restored = workspace.overlay(attempt, base, ["tests/t.py", "conftest.py", "ci", "ci/inner/x", "tests/data", "no/t"])
    assert files(workspace, restored) == {**files(workspace, base), "src/a.py": ("100644", b"better\n")}
    with pytest.raises(UsageError, match="no full object id"):
        workspace.overlay(Tree("HEAD"), base, [])
    with pytest.raises(UsageError, match="lacks the object"):
        workspace.overlay(Tree("1" * 40), base, ["a"])
