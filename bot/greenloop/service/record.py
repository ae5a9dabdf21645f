"""The record of a run as an earlier runner has left it; only those who may push can write that."""

from __future__ import annotations

from greenloop.commands.journal import FILE, REFS
from greenloop.domain import Request
from greenloop.records import recording
from greenloop.workspace import GitWorkspace


def read(workspace: GitWorkspace, key: str, name: str = FILE) -> bytes | None:
    tip = workspace.ref(REFS + key)
    return workspace.read(workspace.tree(tip), name) if tip else None


def request(workspace: GitWorkspace, key: str) -> Request | None:
    """What was asked, of which base: who goes on keeps both, wherever the branch and a review's lines are now."""
    data = read(workspace, key)
    entries = recording.loads(data.decode("utf-8", "replace")) if data else ()
    head = entries[0] if entries else None
    return head.request if isinstance(head, recording.Run) else None


def restore(workspace: GitWorkspace, key: str) -> None:
    """The journal, to where this run goes on writing it."""
    data = read(workspace, key)
    if data is not None:
        folder = workspace.git_dir / "greenloop" / "runs" / key
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(data)
