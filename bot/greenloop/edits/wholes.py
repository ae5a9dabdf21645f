"""Whole files: which file is meant, whether the text is really all of it, and in which style it is written."""

from __future__ import annotations

import re

from greenloop.domain import Edit, Write
from greenloop.edits import instead, proof
from greenloop.edits.blocks import File, Loose
from greenloop.edits.draft import Draft, Problem
from greenloop.edits.elision import elision, hollowed
from greenloop.edits.paths import Resolved, from_comment, hostile

_LEFT_OUT = "This stands for text that was left out: {1!r}. {2}"
_HOLLOW = "The body of {1} was left out (`...`). {2}"
_PART = "This is only a part of the file ({1}). {2}"
_HUNK = "All lines begin like those of a diff. {1}"
_EMPTY = "The block is empty. To delete a file, write `Delete: {0}` outside fences."
_WHICH = "{0} could be the existing {1} or a new file. Write the full path."
_UNSURE = (
    "The block after the sentence that names {0} may be the file or only a part of it. Put the path alone on a line."
)
_BLANK = re.compile(r"^[ \t]*(\d{1,6})(?: ?\| ?|: ?|\t|→)(.*)$")


def write(block: File, draft: Draft) -> tuple[list[Edit], list[str]] | Problem:
    """The edit, or none when nothing would change, and the repairs that were needed."""
    target = _target(block, draft)
    if isinstance(target, Problem):
        return target
    path, repairs = target.path, [target.repair]
    text, old = _unlabelled(block, "", draft), draft.text(path) if path in draft.known else None
    if old is None and block.fenced and _like_a_hunk(text):
        return Problem("malformed", _HUNK.format(path, instead.HUNK[draft.form]))
    if isinstance(old, str):
        written = _over(block, old, path, draft)
        if isinstance(written, Problem):
            return written
        text, repair = written
        repairs.append(repair)
        if _same(text, old) and block.mode is None:
            return [], repairs
    elif isinstance(old, Problem) and old.kind != "forbidden path":  # a hidden file: whoever applies it refuses
        return old
    draft.set(path, text)
    return [Write(path=path, text=text, mode=block.mode)], repairs


def _over(block: File, old: str, path: str, draft: Draft) -> tuple[str, str] | Problem:
    """The text that takes the place of `old`, and the repair that it needed."""
    text, repair = _unnumbered(_unlabelled(block, old, draft), old, path)
    return _doubt(text, old, path, block, draft.form) or (_styled(text, old), repair)


def _same(text: str, old: str) -> bool:
    """A fence cannot say that the last line has no line break."""
    return text == old or (bool(old) and text in {old + "\n", old + "\r\n"})


def _target(block: File, draft: Draft) -> Resolved | Problem:
    """An existing file under a shortened path only when the text is a version of it."""
    if block.path in draft.known or hostile(block.path):
        return Resolved(block.path)
    found = draft.find(block.path, close=False)
    bare = re.sub(r"^(?:\./)+", "", block.path)
    if found is None:
        return Resolved(bare) if block.sure else Problem("malformed", _UNSURE.format(bare))
    if found.path == bare:
        return found
    old = draft.text(found.path)
    alike = proof.likeness(block.text, old) if isinstance(old, str) and old else 0.0
    if alike >= 0.5:
        return found
    return Resolved(bare) if alike <= 0.1 else Problem("ambiguous", _WHICH.format(block.path, found.path))


def _unlabelled(block: File, old: str, draft: Draft) -> str:
    """Without a first line that only names the path, unless the file has it."""
    first, _, rest = block.text.partition("\n")
    if block.labelled and first.strip() != old.partition("\n")[0].strip() and from_comment(first, draft.known):
        return rest
    return block.text


def _doubt(text: str, old: str, path: str, block: File, form: str) -> Problem | None:
    if not text.strip() and old.strip():
        return Problem("malformed", _EMPTY.format(path))
    if _like_a_hunk(text) and not _like_a_hunk(old):
        return Problem("malformed", _HUNK.format(path, instead.HUNK[form]))
    if not block.sure and not proof.is_whole(text, old, path):
        return Problem("malformed", _UNSURE.format(path))
    left_out = elision(text.split("\n"), old.split("\n"), python=path.endswith(proof.PYTHON))
    if left_out:
        return Problem("truncated", _LEFT_OUT.format(path, left_out[:120], instead.LEFT_OUT[form]))
    hollow = hollowed(text, old) if path.endswith(proof.PYTHON) else None
    if hollow:
        return Problem("truncated", _HOLLOW.format(path, hollow, instead.LEFT_OUT[form]))
    part = proof.fragment(text, old, path)
    return Problem("truncated", _PART.format(path, part, instead.PART[form])) if part else None


def _like_a_hunk(text: str) -> bool:
    """Whether every line begins like one of a diff."""
    lines = [line for line in text.split("\n") if line.strip()]
    return bool(lines) and all(line[0] in " +-" for line in lines) and any(line[0] == "+" for line in lines)


def _unnumbered(text: str, old: str, path: str) -> tuple[str, str]:
    """Without line numbers copied from a listing, only where that makes Python of what was none."""
    found = [_BLANK.match(line) for line in text.split("\n")[:-1]]
    numbers = [int(m[1]) for m in found if m]
    if not path.endswith(".py") or len(numbers) < 2 or numbers != [*range(1, len(found) + 1)]:
        return text, ""
    plain = "".join(m[2] + "\n" for m in found if m)
    return (
        (plain, "line numbers") if proof.parses(plain) and not proof.parses(text) and proof.parses(old) else (text, "")
    )


def _styled(text: str, old: str) -> str:
    """With the line ends and the byte order mark of the file that it replaces."""
    if old.count("\r\n") * 2 > old.count("\n"):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return "\ufeff" + text if old.startswith("\ufeff") and not text.startswith("\ufeff") else text


def adopted(loose: list[Loose], draft: Draft) -> File | None:
    """The one block without a path as the one file that was shown, when it is unmistakably that file."""
    blocks = [b for b in loose if b.language != "shell"]
    if len(blocks) != 1 or len(draft.expected) != 1 or draft.expected[0] not in draft.known:
        return None
    path = draft.expected[0]
    old = draft.text(path)
    whole = isinstance(old, str) and old.strip() and proof.is_whole(blocks[0].text, old, path)
    return File(path=path, text=blocks[0].text) if whole else None
