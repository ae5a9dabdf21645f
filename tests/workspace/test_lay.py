"""A tree on disk: raw bytes, right modes, and nothing outside the folder, whatever the tree was made to hold."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from greenloop.domain import Tree
from greenloop.errors import UsageError
from greenloop.workspace import GitWorkspace

Open = Callable[..., GitWorkspace]


def on_disk(folder: Path) -> dict[str, str | bytes]:
    """Every path below: a mode for a folder, `→ target` for a link, bytes for a file (with x: executable)."""
    found: dict[str, str | bytes] = {}
    for path in sorted(folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"→ {path.readlink()}"
        elif path.is_dir():
            found[name] = oct(mode)
        else:
            found[name + {0o644: "", 0o755: " x"}[mode]] = path.read_bytes()
    return found


def test_bytes_modes_links_and_submodules(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"a/run.sh": "#!\n", "a/deep/er": "x", "crlf": b"a\r\n", "$Id$ é\nb": b"$Id$\n", "e": b""})
    root = workspace.top
    assert root
    (root / "a/run.sh").chmod(0o755)
    for name, target in {
        "in": "a/deep",
        "a/up": "../crlf",
        "a/dangling": "not/there",
        "to-root": ".",
        "out": "../secret",
        "a/out": "../../secret",
        "absolute": "/etc/passwd",
        "chain": "in/../../../secret",
        "sly": "a/deep/../../../secret",
    }.items():
        (root / name).symlink_to(target)
    git("add", "-A", cwd=root)
    git("update-index", "--add", "--cacheinfo", f"160000,{workspace.resolve('HEAD')},vendor/sub", cwd=root)
    git("commit", "-qm", "links", cwd=root)
    tree = workspace.write(
        workspace.tree("HEAD"), {"caf\udce9": b"latin-1 name", ".gitattributes": b"* ident eol=crlf"}
    )
    old = os.umask(0o077)
    try:
        workspace.lay(tree, tmp_path / "new/out")
    finally:
        os.umask(old)
    assert on_disk(tmp_path / "new/out") == {
        ".gitattributes": b"* ident eol=crlf",
        "$Id$ é\nb": b"$Id$\n",
        "a": "0o755",
        "a/dangling": "→ not/there",
        "a/deep": "0o755",
        "a/deep/er": b"x",
        "a/out": b"../../secret",
        "a/run.sh x": b"#!\n",
        "a/up": "→ ../crlf",
        "absolute": b"/etc/passwd",
        "caf\udce9": b"latin-1 name",
        "chain": b"in/../../../secret",
        "crlf": b"a\r\n",
        "e": b"",
        "in": "→ a/deep",
        "out": b"../secret",
        "sly": b"a/deep/../../../secret",
        "to-root": "→ .",
        "vendor": "0o755",
        "vendor/sub": "0o755",
    }
    assert stat.S_IMODE((tmp_path / "new/out").stat().st_mode) == 0o755


def test_only_a_new_or_an_empty_folder(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"a": "a"})
    out = tmp_path / "out"
    out.mkdir()
    workspace.lay(workspace.tree("HEAD"), out)
    with pytest.raises(UsageError, match="is not empty"):
        workspace.lay(workspace.tree("HEAD"), out)
    (out / "a").unlink()
    workspace.lay(workspace.store({}), out)
    assert on_disk(out) == {}


def raw_tree(workspace: GitWorkspace, *entries: tuple[str, bytes, str]) -> Tree:
    """A tree object that git's own commands would not make."""
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    command = ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    done = subprocess.run(command, input=data, capture_output=True, check=True, cwd=workspace.top)
    return Tree(done.stdout.decode().strip())


def test_trees_made_to_deceive_are_refused(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"f": "evil\n", "hooks/post-checkout": "#!\n"})
    base = workspace.entries(workspace.tree("HEAD"))
    blob, folder = base["f"].id, workspace.store({"x": b"evil\n"}).id
    link = workspace.store({"target": str(tmp_path).encode()})
    target = workspace.entries(link)["target"].id
    up = raw_tree(workspace, ("100644", b"x", blob)).id
    trees = {
        "up": [("40000", b"..", up)],
        "up in a name": [("100644", b"../escaped", blob)],
        "absolute": [("100644", b"/escaped", blob)],
        "here": [("40000", b".", folder)],
        "git": [("40000", b".git", folder)],
        "git folded": [("40000", b".GiT", folder)],
        "git hidden": [("40000", ".g\u200cit".encode(), folder)],
        "git short": [("40000", b"git~1", folder)],
        "git file": [("100644", b".git", blob)],
        "git link": [("120000", b".git", target)],
        "nested": [("40000", b"a", raw_tree(workspace, ("40000", b"..", up)).id)],
        "twice": [("100644", b"a", blob), ("100644", b"a", blob)],
        "link and folder": [("120000", b"a", target), ("40000", b"a", folder)],
        "file and folder": [("100644", b"a", blob), ("40000", b"a", folder)],
    }
    (tmp_path / "lay").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for name, entries in trees.items():
        tree = raw_tree(workspace, *entries)
        out = tmp_path / "lay" / "out"
        with pytest.raises(UsageError) as refused:
            workspace.lay(tree, out)
        assert ("deceive" if name == "twice" else "would not check out") in str(refused.value), name
    after = [p for p in sorted(tmp_path.rglob("*")) if ".git" not in p.parts]
    assert after == [p for p in before if ".git" not in p.parts]


def test_ten_thousand_files_come_in_one_stream(open_repo: Open, tmp_path: Path) -> None:
    workspace = open_repo({"a": "a"})
    files = {f"d{n % 50}/f{n}": b"%d\n" % (n % 100) for n in range(3000)}
    tree = workspace.store(files)
    workspace.lay(tree, tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in (tmp_path / "out").rglob("f*")}
    assert found == files
