"""A model's edits on a draft, one after the other. Anything that does not fit ends it with `Forbidden`."""

from __future__ import annotations

from greenloop.domain import Delete, Edit, Move, Replace, Write
from greenloop.workspace.drafts import Draft, Folder, Leaf
from greenloop.workspace.objects import Objects
from greenloop.workspace.paths import Forbidden, confine, refuse, shown

_PLAIN = "100644"
_MODES = {_PLAIN, "100755"}


def make(edit: Edit, draft: Draft, objects: Objects, *, allow_workflows: bool) -> None:
    """Do one edit on what the edits before it left."""
    for path in (edit.path, edit.to) if isinstance(edit, Move) else (edit.path,):
        confine(path, allow_workflows=allow_workflows)
    match edit:
        case Write():
            _write(edit, draft)
        case Replace():
            _replace(edit, draft, objects)
        case Delete():
            _delete(edit, draft)
        case Move():
            _move(edit, draft)


def _write(edit: Write, draft: Draft) -> None:
    old = draft.find(edit.path)
    mode = edit.mode or (old.mode if isinstance(old, Leaf) else _PLAIN)
    if edit.mode is not None and edit.mode not in _MODES:
        raise refuse(edit.path, f"the mode {edit.mode[:20]!r} is not one of 100644 and 100755")
    draft.put(edit.path, Leaf(mode, data=_bytes(edit.path, edit.text)))


def _replace(edit: Replace, draft: Draft, objects: Objects) -> None:
    leaf = _file(edit.path, draft)
    text = objects.read(leaf.id) if leaf.data is None else leaf.data
    old = _bytes(edit.path, edit.old)
    at = text.find(old) if old else -1
    if at < 0:
        raise Forbidden("no match", f"{shown(edit.path)} does not hold the text that is to be replaced.")
    if text.find(old, at + 1) >= 0:
        raise Forbidden(
            "ambiguous",
            f"{shown(edit.path)} holds the text that is to be replaced more than once; quote more lines around it.",
        )
    new = text[:at] + _bytes(edit.path, edit.new) + text[at + len(old) :]
    draft.put(edit.path, Leaf(leaf.mode, data=new))


def _delete(edit: Delete, draft: Draft) -> None:
    found = draft.find(edit.path)
    if isinstance(found, Leaf) and found.what != "a submodule":
        draft.remove(edit.path)  # a link may go, only its target is out of reach
        return
    _file(edit.path, draft)


def _move(edit: Move, draft: Draft) -> None:
    leaf = _file(edit.path, draft)
    draft.remove(edit.path)
    if draft.find(edit.to) is not None:
        raise refuse(edit.to, "something is there already; delete it first, in the same answer")
    draft.put(edit.to, leaf)


def _file(path: str, draft: Draft) -> Leaf:
    """The plain file at `path`."""
    found = draft.find(path)
    if isinstance(found, Leaf) and found.what is None:
        return found
    if found is None:
        raise Forbidden("no match", f"There is no file {shown(path)}.")
    raise refuse(path, "it is a folder" if isinstance(found, Folder) else f"it is {found.what}")


def _bytes(path: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise refuse(path, "its new text is not valid Unicode") from None
