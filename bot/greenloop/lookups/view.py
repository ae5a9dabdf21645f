"""What may be seen of a repository, and how much of it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Protocol

from greenloop.hygiene.secrets import scrub
from greenloop.lessons.failures import plain
from greenloop.ports import Entry

LONGEST = 3200  # characters of one answer: about 800 tokens
LINE = 240  # characters of one line
_MOST_FILES, _MOST_BYTES, _LARGE = 6000, 40_000_000, 1_000_000  # that are searched, and of one file

History = Callable[[str, int], str]  # a path and how many commits → what `git log -p` says, newest first


class View(Protocol):
    """A tree as the model may see it."""

    def entries(self) -> Iterator[Entry]: ...

    def text(self, path: str) -> str | None:
        """None: absent, binary, or kept from the model."""
        ...

    def hidden(self, path: str) -> bool: ...


def clipped(text: str, *, most: int = LONGEST, keep: str = "head") -> str:
    """Printable, without what differs from run to run or has the shape of a secret; of a long text whole lines from its
    beginning, or from both ends."""
    text = scrub(plain(text[: 40 * most] if keep == "head" else text)).strip("\n")
    lines = [line if len(line) <= LINE else f"{line[: LINE - 1]}…" for line in text.split("\n")]
    text = "\n".join(lines)
    if len(text) <= most:
        return text
    if keep == "head":
        head = text[:most].rpartition("\n")[0] or text[:most]
        return f"{head}\n… {text.count(chr(10)) - head.count(chr(10))} lines left out"
    head, end = text[: most // 3].rpartition("\n")[0], text[-(most - most // 3) :].partition("\n")[2]
    return f"{head}\n… {len(text) - len(head) - len(end)} characters left out …\n{end}"


def found(about: str, view: View) -> str | None:
    """The path that is meant: as it stands, or the only one that ends so."""
    about = about.removeprefix("./").strip("/")
    known = [e.path for e in view.entries()]
    if about in known:
        return about
    ends = [path for path in known if path.endswith(f"/{about}")]
    return ends[0] if len(ends) == 1 else None


def missing(about: str, view: View) -> str:
    """Why there is no such path, and what there is instead."""
    if view.hidden(about):
        return f"{about} is kept from you."
    known = [e.path for e in view.entries()]
    ends = [path for path in known if path.endswith(f"/{about}")]
    near = ends or get_close_matches(about, known, n=5, cutoff=0.6)
    return f"There is no file {about}." + (f" Perhaps: {', '.join(near[:5])}" if near else "")


def texts(view: View, entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Path and text of what can be searched; the last pair has an empty path when not all was."""
    files = total = 0
    for entry in entries:
        size = entry.size or 0
        if size > _LARGE:
            continue
        files, total = files + 1, total + size
        if files > _MOST_FILES or total > _MOST_BYTES:
            yield "", ""
            return
        text = view.text(entry.path)
        if text:
            yield entry.path, text
