"""Blocks and the repository's texts → edits, all or nothing. Says of each block that fails what makes it right."""

from __future__ import annotations

from dataclasses import dataclass, field

from greenloop.domain import Delete, Edit, Move, Patch, Unusable, Write
from greenloop.edits import messages, proof, wholes
from greenloop.edits.blocks import Block, Broken, Change, File, Loose, Mode, Removal, Rename
from greenloop.edits.changes import replace
from greenloop.edits.draft import Draft, Problem
from greenloop.edits.summary import summarise

_NOT_CODE = frozenset({"shell", "text", "txt", "output", "log", "pytest", "traceback"})
_DEFINES = (
    "def ",
    "class ",
    "async def ",
    "@",
    "function ",
    "export ",
    "func ",
    "pub ",
    "fn ",
    "public ",
    "interface ",
)

Meant = File | Change | Removal | Rename | Mode | Broken


@dataclass(slots=True)
class _Work:
    """What the blocks came to so far."""

    draft: Draft
    edits: list[Edit] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    failed: list[tuple[str, Problem]] = field(default_factory=list)
    fine: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    relaxed: dict[str, str] = field(default_factory=dict)  # path → the repair that has to be proven
    last: str | None = None  # the path of the block before


def build(blocks: list[Block], draft: Draft, *, summary: str, prose: list[str], repairs: list[str]) -> Patch | Unusable:
    work = _Work(draft, repairs=repairs)
    loose = [b for b in blocks if isinstance(b, Loose)]
    meant: list[Meant] = [b for b in blocks if not isinstance(b, Loose)]
    adopted = wholes.adopted(loose, draft) if not meant else None
    if adopted:
        meant = [adopted]
        work.repairs.append(f"path: {adopted.path} taken for the block without one")
    for number, block in enumerate(meant, 1):
        if block in meant[: number - 1] and isinstance(block, Change):
            work.repairs.append("the same block again")
        else:
            _apply(block, number, work, meant[: number - 1])
    if meant and not adopted:
        _set_aside(loose, work)
    if not meant:
        return messages.nothing([b for b in loose if b.language != "shell"], draft.form)
    _prove(work)
    _twice(work)
    if work.failed:
        return messages.refusal(work.failed, work.fine, draft.form)
    if not work.edits:
        return messages.unchanged(work.unchanged)
    patch = Patch(summary="", edits=tuple(work.edits))
    named = summarise(summary, prose, patch.paths)
    return Patch(summary=named, edits=patch.edits, repairs=tuple(dict.fromkeys(r for r in work.repairs if r)))


def _set_aside(loose: list[Loose], work: _Work) -> None:
    """Beside real edits a block without a path is an illustration, unless it looks like a file."""
    quoted = _lines_of_all(work) if loose else set()
    for block in loose:
        filled = {line.strip() for line in block.text.split("\n")} - {""}
        if not filled <= quoted and _like_a_file(block):
            problem = Problem("malformed", messages.NO_PATH + messages.head(block.text))
            work.failed.append(("a fenced block without a path", problem))
        else:
            work.repairs.append("a block without a path left out as an illustration")


def _lines_of_all(work: _Work) -> set[str]:
    """Lines of the files that were touched, before and after: what only shows these again is no edit."""
    paths = {p for e in work.edits for p in (e.path, e.to if isinstance(e, Move) else e.path)} & work.draft.known
    texts = [text for p in paths for text in (work.draft.text(p), work.draft.original(p)) if isinstance(text, str)]
    return {line.strip() for text in texts for line in text.split("\n")}


def _like_a_file(block: Loose) -> bool:
    filled = [line for line in block.text.split("\n") if line.strip()]
    if block.language in _NOT_CODE or not filled:
        return False
    long = len(filled) >= 8 and bool(block.language)
    return any(line.startswith(_DEFINES) for line in filled) or long or '"path"' in block.text


def _apply(block: Meant, number: int, work: _Work, before: list[Meant]) -> None:
    label = f"block {number}" + (f", {block.path}" if block.path else "")
    result = _edits(block, work)
    if isinstance(result, Problem):
        result = _alternative(block, before) or result
        work.failed.append((label, result))
        return
    edits, repairs = result
    work.repairs += repairs
    (work.fine if edits else work.unchanged).append(label)
    work.edits += edits
    if edits:
        work.last = edits[-1].to if isinstance(edits[-1], Move) else edits[-1].path


def _alternative(block: Meant, before: list[Meant]) -> Problem | None:
    """What was to be found is gone because an earlier block has put something else there."""
    if not isinstance(block, Change):
        return None
    at = next((i for i, b in enumerate(before, 1) if isinstance(b, Change) and _alike(b, block)), None)
    return None if at is None else Problem("ambiguous", messages.TWICE.format(at))


def _alike(one: Change, other: Change) -> bool:
    return (one.path, one.spot) == (other.path, other.spot) and one.options[0][0] == other.options[0][0]


def _edits(block: Meant, work: _Work) -> tuple[list[Edit], list[str]] | Problem:
    draft = work.draft
    if isinstance(block, File):
        return wholes.write(block, draft)
    if isinstance(block, Change):
        return _change(block, work)
    if isinstance(block, Removal):
        return _delete(block, draft)
    if isinstance(block, Rename):
        return _move(block, draft)
    if isinstance(block, Mode):
        return _mode(block, draft)
    return Problem(block.kind, block.message)


def _change(block: Change, work: _Work) -> tuple[list[Edit], list[str]] | Problem:
    changed = replace(block, work.draft, last=work.last)
    if isinstance(changed, Problem):
        return changed
    if changed.relaxed:
        work.relaxed.setdefault(changed.path, changed.relaxed)
    return changed.edits, changed.repairs


def _delete(block: Removal, draft: Draft) -> tuple[list[Edit], list[str]] | Problem:
    found = draft.find(block.path, close=False)
    if found is None:
        return draft.missing(block.path)
    draft.drop(found.path)
    return [Delete(path=found.path)], [found.repair]


def _move(block: Rename, draft: Draft) -> tuple[list[Edit], list[str]] | Problem:
    found = draft.find(block.path, close=False)
    if found is None:
        return draft.missing(block.path)
    folder = block.to.endswith("/") or any(p.startswith(block.to + "/") for p in draft.known)
    to = block.to.rstrip("/") + "/" + found.path.rsplit("/", 1)[-1] if folder else block.to
    if to == found.path:
        return [], []
    if to in draft.known:
        return Problem("malformed", f"{to} exists already, so {found.path} cannot be moved there.")
    draft.move(found.path, to)
    return [Move(path=found.path, to=to)], [found.repair]


def _mode(block: Mode, draft: Draft) -> tuple[list[Edit], list[str]] | Problem:
    found = draft.find(block.path, close=False)
    if found is None:
        return draft.missing(block.path)
    text = draft.text(found.path)
    if isinstance(text, Problem) or block.mode not in {"100644", "100755"}:
        return Problem("malformed", f"The mode of {found.path} cannot be changed to {block.mode}.")
    return [Write(path=found.path, text=text, mode=block.mode)], [found.repair]


def _prove(work: _Work) -> None:
    """A repaired place is believed only if what could be parsed still can be."""
    for path, repair in work.relaxed.items():
        if path not in work.draft.known:
            continue
        before, after = work.draft.original(path), work.draft.text(path)
        why = proof.broken(path, before, after) if isinstance(before, str) and isinstance(after, str) else None
        if why:
            work.failed.append((path, Problem("no match", messages.UNPROVEN.format(repair, *why))))


def _twice(work: _Work) -> None:
    """Two different whole texts of one file: nothing says which one is meant."""
    seen: dict[str, str] = {}
    for edit in work.edits:
        if isinstance(edit, Write) and seen.setdefault(edit.path, edit.text) != edit.text:
            work.failed.append((edit.path, Problem("ambiguous", f"{edit.path} is given whole twice, and differs.")))
