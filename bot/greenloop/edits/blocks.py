"""What a reply says it wants done, before anything is compared with a real file. Values only; paths are as claimed."""

from __future__ import annotations

from dataclasses import dataclass

from greenloop.domain import Fault

Lines = tuple[str, ...]  # without their line ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a change says it belongs, used only to choose between several matches."""

    line: int | None = None  # 1-based; only from a hunk header whose own counts are right
    anchors: Lines = ()  # text of lines that stand above it
    end: bool = False  # at the end of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The whole text of a file. `sure` is False when the path was only mentioned in the sentence before; `labelled`
    when it was found in a comment on the first line; `fenced` when nothing but a fence shows what the text is."""

    path: str
    text: str
    mode: str | None = None
    sure: bool = True
    labelled: bool = False
    fenced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Lines to find and what they become. More than one option: the reply can be read in several ways, the likeliest
    first.

    `final` is True or False where a diff says that the file's end gets or loses its line break. `inline` is text rather
    than lines (a JSON answer's "old" may begin and end in the middle of a line). `added`: nothing but lines to add
    below the one that is to be found, which has to be there to the letter.
    """

    path: str | None
    options: tuple[tuple[Lines, Lines], ...]
    spot: Spot = Spot()
    final: bool | None = None
    inline: bool = False
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    path: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A diff that changes nothing but the mode of a file."""

    path: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A fenced block without a path: an illustration, until something proves otherwise."""

    text: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What was meant as an edit and cannot be read as one. `kind` is that of `Unusable`."""

    kind: Fault
    message: str
    path: str | None = None


Block = File | Change | Removal | Rename | Mode | Loose | Broken


def lines_of(text: str) -> list[str]:
    """Split at line feeds alone: form feeds and Unicode separators are text. No line for what follows the last one."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines
