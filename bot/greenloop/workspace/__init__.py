"""The repository as trees: read, edited, laid on disk, committed and published, by git plumbing alone.

It has no working copy of its own and never touches the user's files, index, HEAD or configuration. Everything that a
model or a stranger's tree brings in (paths, names, links) is held to be hostile.
"""

from greenloop.workspace.borrowed import Borrowed, at_hand, borrow
from greenloop.workspace.committing import FALLBACK_IDENTITY
from greenloop.workspace.history import CommitInfo
from greenloop.workspace.paths import Forbidden
from greenloop.workspace.remote import Remote
from greenloop.workspace.repository import GitWorkspace, open_workspace
from greenloop.workspace.status import ignored

__all__ = [
    "FALLBACK_IDENTITY",
    "Borrowed",
    "CommitInfo",
    "Forbidden",
    "GitWorkspace",
    "Remote",
    "at_hand",
    "borrow",
    "ignored",
    "open_workspace",
]
