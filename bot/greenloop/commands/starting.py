"""What somebody at a terminal names or has lying there, held against the commit that a run starts from: told at once,
before a check runs or a model is paid."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from greenloop.domain import Tree
from greenloop.errors import UsageError
from greenloop.settings import FILE
from greenloop.workspace import GitWorkspace

OTHER_NAME = FILE.removesuffix("yml") + "yaml"
NOT_COMMITTED = (
    "{file} is not committed as it lies here, so it does not count yet: settings are read from the commit {base}. "
    "To use it: git add {file}, then git commit."
)
MISNAMED = "{other} is not read: settings belong in {file}. Rename it, and commit it."
NO_FILE = "--file {path}: the commit {base} has no such file.{near} What is not committed does not count."


def settings(workspace: GitWorkspace, base: str) -> str | None:
    """The text of the base's settings. Others that lie in the checkout are not in force, which is told on stderr."""
    kept = workspace.read(workspace.tree(base), FILE)
    if told := _not_in_force(workspace, base, kept):
        print(f"greenloop: {told}", file=sys.stderr)
    return None if kept is None else kept.decode("utf-8", "replace")


def _not_in_force(workspace: GitWorkspace, base: str, kept: bytes | None) -> str:
    if workspace.top is None:
        return ""
    here = _lines(workspace.top / FILE)
    if here is None:
        misnamed = kept is None and (workspace.top / OTHER_NAME).is_file()
        return MISNAMED.format(other=OTHER_NAME, file=FILE) if misnamed else ""
    committed = (kept, workspace.read(workspace.tree("HEAD"), FILE))
    if here in [data.splitlines() for data in committed if data is not None]:
        return ""
    return NOT_COMMITTED.format(file=FILE, base=base[:9])


def _lines(path: Path) -> list[bytes] | None:
    with suppress(OSError):  # such as a folder of that name: nothing that could be meant as settings
        return path.read_bytes().splitlines()
    return None


def files(workspace: GitWorkspace, base: str, named: Iterable[str]) -> None:
    """Raises `UsageError` for a file that the base does not hold, with the nearest name."""
    tree: Tree = workspace.tree(base)
    for path in named:
        if workspace.read(tree, path) is None:
            raise UsageError(NO_FILE.format(path=path, base=base[:9], near=_near(path, workspace.entries(tree))))


def _near(path: str, entries: Mapping[str, object]) -> str:
    name = path.rpartition("/")[2]
    same = [known for known in entries if known.rpartition("/")[2] == name][:3]
    near = same or get_close_matches(path, entries, n=1, cutoff=0.6)
    return f" There is: {', '.join(near)}." if near else ""
