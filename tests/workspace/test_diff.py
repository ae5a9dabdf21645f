"""What differs between two trees: paths, new-side lines, a count of the old side's; whatever the names and bytes."""

from __future__ import annotations

from collections.abc import Callable

from conftest import git
from greenloop.domain import Tree
from greenloop.ports import Change, Entry
from greenloop.workspace import GitWorkspace

Open = Callable[..., GitWorkspace]


def lines(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def committed(workspace: GitWorkspace) -> Tree:
    """What is on disk, staged and committed by git itself."""
    assert workspace.top
    git("add", "-A", cwd=workspace.top)
    git("commit", "-qm", "next", cwd=workspace.top)
    return workspace.tree("HEAD")


def test_each_kind_of_change(open_repo: Open) -> None:
    ten = "".join(f"{n}\n" for n in range(10))
    workspace = open_repo(
        {
            "changed.py": ten,
            "gone.py": "1\n2\n",
            "moved.py": ten * 2,
            "mode.sh": "x\n",
            "bin": b"\0\1",
            "cut.py": ten,
            "type": "x\n",
            "same": "x",
            "no-end": "a\nb",
            "crlf": b"a\r\nb\r\n",
        }
    )
    root = workspace.top
    assert root
    old = workspace.tree("HEAD")
    (root / "changed.py").write_text("new\n" + ten.replace("5\n", "five\nand more\n"))
    (root / "gone.py").unlink()
    (root / "moved.py").rename(root / "to.py")
    (root / "mode.sh").chmod(0o755)
    (root / "bin").write_bytes(b"\0\2")
    (root / "cut.py").write_text(ten.replace("3\n4\n", ""))
    (root / "type").unlink()
    (root / "type").symlink_to("same")
    (root / "no-end").write_text("a\nb\n")
    (root / "crlf").write_bytes(b"a\nb\r\n")
    (root / "empty").write_text("")
    (root / 'odd "é"\n@@ -1 +1,99 @@\tname').write_text("diff --git a/x b/x\n@@ -1,9 +1,9 @@\n")
    new = committed(workspace)
    assert {c.path: c for c in workspace.diff(old, new)} == {
        c.path: c
        for c in (
            Change(path="bin", status="M"),
            Change(path="changed.py", status="M", lines=lines(1, 7, 8), removed=1),
            Change(path="crlf", status="M", lines=lines(1), removed=1),
            Change(path="cut.py", status="M", removed=2),
            Change(path="empty", status="A"),
            Change(path="gone.py", status="D", removed=2),
            Change(path="mode.sh", status="M"),
            Change(path="moved.py", status="D", removed=20),
            Change(path="no-end", status="M", lines=lines(2), removed=1),
            Change(path='odd "é"\n@@ -1 +1,99 @@\tname', status="A", lines=lines(1, 2)),
            Change(path="to.py", status="A", lines=lines(*range(1, 21))),
            Change(path="type", status="T", lines=lines(1), removed=1),
        )
    }
    assert workspace.diff(new, new) == ()


def test_attributes_and_settings_of_the_repository_do_not_bend_a_diff(open_repo: Open) -> None:
    workspace = open_repo({"a.py": "1\n", ".gitattributes": "*.py -diff\né diff=evil\n* filter=evil\n"})
    root = workspace.top
    assert root
    for name, value in {
        "diff.evil.textconv": "false",
        "diff.external": "false",
        "diff.noprefix": "true",
        "color.ui": "always",
        "core.quotePath": "false",
        "filter.evil.clean": "false",
        "filter.evil.smudge": "false",
        "filter.evil.required": "true",
    }.items():
        git("config", name, value, cwd=root)
    old = workspace.tree("HEAD")
    new = workspace.write(old, {"a.py": b"1\n2\n", "é": b"x"})
    assert workspace.diff(old, new) == (
        Change(path="a.py", status="M", lines=lines(2)),
        Change(path="é", status="A", lines=lines(1)),
    )
    workspace.lay(new, root.parent / "out")
    assert (root.parent / "out/a.py").read_text() == "1\n2\n"
    assert workspace.patch_text(old, new).splitlines()[4:8] == [
        "@@ -1 +1,2 @@",
        " 1",
        "+2",
        'diff --git "a/\\303\\251" "b/\\303\\251"',
    ]


def test_entries_and_bytes(open_repo: Open) -> None:
    workspace = open_repo({"a é.py": "x = 1\n", "d/new\nline": b"\xff", "big": b"0" * 5_000_000})
    root = workspace.top
    assert root
    (root / "l").symlink_to("a é.py")
    sha = workspace.resolve("HEAD")
    git("add", "-A", cwd=root)
    git("update-index", "--add", "--cacheinfo", f"160000,{sha},sub", cwd=root)
    git("commit", "-qm", "next", cwd=root)
    tree = workspace.tree("HEAD")
    entries = workspace.entries(tree)
    assert {p: (e.mode, e.size) for p, e in entries.items()} == {
        "a é.py": ("100644", 6),
        "big": ("100644", 5_000_000),
        "d/new\nline": ("100644", 1),
        "l": ("120000", len("a é.py".encode())),
        "sub": ("160000", None),
    }
    assert entries["sub"] == Entry(path="sub", mode="160000", id=sha)
    read = {path: workspace.read(tree, path) for path in ("a é.py", "d/new\nline", "l", "sub", "d", "no", "../x", "")}
    assert read == {
        "a é.py": b"x = 1\n",
        "d/new\nline": b"\xff",
        "l": "a é.py".encode(),
        **dict.fromkeys(("sub", "d", "no", "../x", "")),
    }
    assert workspace.read(tree, "big") == b"0" * 5_000_000
