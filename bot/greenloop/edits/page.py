"""The text of one file as lines, with what is needed to find lines quickly and to put others in their place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from greenloop.edits.blocks import lines_of

_MANY = 20  # more places than this are not looked for


@dataclass(frozen=True)
class Page:
    text: str
    python: bool = False  # a wrong guess at indentation does not parse there

    @cached_property
    def bom(self) -> str:
        return "\ufeff" if self.text.startswith("\ufeff") else ""

    @cached_property
    def lines(self) -> list[str]:
        """Without line feeds; a carriage return stays."""
        return lines_of(self.text.removeprefix(self.bom))

    @cached_property
    def final(self) -> bool:
        """Whether the last line ends with a line break."""
        return not self.lines or self.text.endswith("\n")

    @cached_property
    def _exact(self) -> str:
        return _joined(self.lines)

    @cached_property
    def _trailing(self) -> str:
        return _joined([line.rstrip() for line in self.lines])

    @cached_property
    def _stripped(self) -> str:
        return _joined([line.strip() for line in self.lines])

    def exact(self, lines: list[str]) -> list[int]:
        """Each place, counted from 0, where exactly these lines stand."""
        return _places(self._exact, lines)

    def trailing(self, lines: list[str]) -> list[int]:
        """The same, whatever white space ends a line."""
        return _places(self._trailing, [line.rstrip() for line in lines])

    def stripped(self, lines: list[str]) -> list[int]:
        """The same, whatever white space begins or ends a line."""
        return _places(self._stripped, [line.strip() for line in lines])

    def exchanged(self, start: int, stop: int, lines: list[str], *, final: bool | None = None) -> tuple[str, str, str]:
        """Old piece, new piece and whole new text when `lines` take the place of [start:stop].

        Lines with a carriage return stay or become so where the old ones had it.
        """
        begin = len(self.bom) + sum(len(line) + 1 for line in self.lines[:start])
        end = min(len(self.text), begin + sum(len(line) + 1 for line in self.lines[start:stop]))
        at_end = stop == len(self.lines)
        ends = (self.final if final is None else final) if at_end else True
        piece = _closed(lines, crlf=self._crlf(start, stop), ends=ends)
        return self.text[begin:end], piece, self.text[:begin] + piece + self.text[end:]

    def _crlf(self, start: int, stop: int) -> bool:
        """Whether most line breaks of the region are CRLF; a last line without one goes by the line before."""
        ended = self.lines[start : stop if self.final or stop < len(self.lines) else stop - 1]
        ended = ended or self.lines[max(0, start - 1) : start]
        return sum(line.endswith("\r") for line in ended) * 2 > len(ended)


def _joined(lines: list[str]) -> str:
    return "\n" + "\n".join(lines) + "\n"


def _places(text: str, lines: list[str]) -> list[int]:
    """By text search, which is linear even for text made to be slow."""
    if not lines:
        return []
    found: list[int] = []
    needle, counted, at = _joined(lines), 0, 0
    place = text.find(needle)
    while place >= 0 and len(found) < _MANY:
        counted += text.count("\n", at, place)
        found.append(counted)
        at = place
        place = text.find(needle, place + 1)
    return found


def _closed(lines: list[str], *, crlf: bool, ends: bool) -> str:
    if not lines:
        return ""
    if crlf:
        lines = [line if line.endswith("\r") else line + "\r" for line in lines]
    text = "\n".join(lines) + "\n"
    return text if ends else text[:-1].removesuffix("\r")
