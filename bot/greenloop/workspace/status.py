"""The user's working tree as a tree, by a copy of their index; neither is touched."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from shutil import copy2

from greenloop.domain import Tree
from greenloop.errors import GreenloopError
from greenloop.workspace.drafts import SUBMODULE
from greenloop.workspace.plumbing import Plumbing
from greenloop.workspace.trouble import on_disk

_NUMBERS = count()


def capture(plumbing: Plumbing) -> Tree:
    """What is on disk: tracked files as they are, untracked ones that are not ignored; submodules as recorded."""
    index = plumbing.scratch / f"index-{next(_NUMBERS)}"
    users = plumbing.git_dir / "index"
    if users.exists():
        with on_disk("copy the index", index):
            copy2(users, index)  # with its time: git compares that with the files' to find racy changes
    options = ("--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames")
    gone, there = _changed(plumbing.in_working_tree("status", *options, index=index))
    if gone:
        removed = b"".join(b"0 " + b"0" * 40 + b"\t" + path + b"\0" for path in gone)
        plumbing.in_working_tree("update-index", "-z", "--index-info", index=index, stdin=removed)
    if there:
        added = b"".join(path + b"\0" for path in there)
        plumbing.in_working_tree("update-index", "--add", "--replace", "-z", "--stdin", index=index, stdin=added)
    tree = plumbing.in_working_tree("write-tree", index=index).decode().strip()
    index.unlink(missing_ok=True)
    return Tree(tree)


def ignored(root: Path) -> frozenset[str]:
    """Files and folders (these end with a slash) below a folder of the machine that git ignores there; none outside of
    a checkout, and none where git does not trust it."""
    try:
        plumbing = Plumbing(root)
    except GreenloopError:
        return frozenset()
    try:
        if plumbing.top is None:
            return frozenset()
        below = root.resolve().relative_to(plumbing.top).as_posix()
        words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", f":(literal){below}")
        listed = plumbing.in_working_tree(*words, index=plumbing.git_dir / "index")
    finally:
        plumbing.close()
    start = "" if below == "." else f"{below}/"
    return frozenset(
        name.decode("utf-8", "surrogateescape").removeprefix(start) for name in listed.split(b"\0") if name
    )


def _changed(printed: bytes) -> tuple[list[bytes], list[bytes]]:
    """The paths that are gone from disk, and those that differ from the index or are new."""
    gone: list[bytes] = []
    there: list[bytes] = []
    for record in printed.split(b"\0"):
        kind, _, rest = record.partition(b" ")
        if kind == b"?" and not rest.endswith(b"/"):  # with a slash: a repository of its own
            there.append(rest)
        elif kind in {b"1", b"u"}:
            fields = rest.split(b" ", 7 if kind == b"1" else 9)
            mode = fields[4 if kind == b"1" else 5]  # on disk
            if fields[0].endswith(b".") or mode == SUBMODULE.encode():
                continue
            (gone if mode == b"000000" else there).append(fields[-1])
    return gone, there
