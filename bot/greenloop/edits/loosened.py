"""What the rungs below exact allow. Each repairs both sides of a block in the same way, or returns None."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection

from greenloop.edits.elision import says_so
from greenloop.edits.merging import pieces

Both = tuple[list[str], list[str]]

_DOTS = re.compile(r"^[ \t]*(?:(?:#|//|--|/\*)[ \t]*)?(?:\.{3}|…)[ \t]*(?:\*/)?\s*$")
_NUMBERED = tuple(
    re.compile(rf"^[ \t]*(\d+){sep}(.*)$")
    for sep in (r" ?\| ", r" ?\|", r": ", r":", r" ?│ ?", r"\t", r"→", r"  ", r" ")
)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&apos;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_LOOKALIKES = {
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
}
_ESCAPE = re.compile(r"\\([_*\[\]#<>~`])")


def shifted(own: list[str], search: list[str], replace: list[str], *, python: bool) -> Both | None:
    """Both sides with the indentation of `own`, if every line differs by the same one, or only the first line does.

    The two sides have to begin at the same depth: else the replacement was perhaps indented rightly all along.
    """
    pairs = [(_indent(f), _indent(s)) for f, s in zip(own, search, strict=True) if s.strip()]
    new = [_indent(r) for r in replace if r.strip()]
    if not pairs or (new and new[0] != pairs[0][1]):
        return _indented_already(pairs, new, search, replace) if python else None
    both = _first_line(pairs, search, replace) or _retabbed(pairs, new, search, replace)
    if both or (new and min(map(len, new)) != min(len(s) for _, s in pairs)):
        return both
    first_own, first = pairs[0]
    add, take = first_own.removesuffix(first), first.removesuffix(first_own)
    if add + first == first_own and all(f == add + s for f, s in pairs):
        # a lone line says nothing of the lines that the replacement adds: they may have their depth already
        unclear = len(pairs) == 1 and len(new) > 1 and all(n.startswith(add) for n in new[1:]) and not python
        return None if unclear else (_indented(search, add), _indented(replace, add))
    if take + first_own == first and all(s == take + f for f, s in pairs) and all(n.startswith(take) for n in new):
        return _dedented(search, len(take)), _dedented(replace, len(take))
    return None


def _indented_already(
    pairs: list[tuple[str, str]], new: list[str], search: list[str], replace: list[str]
) -> Both | None:
    """The lines to find have lost the indentation, those that replace them begin as deep as the file's: only Python,
    which has to parse afterwards, can tell that this is right."""
    first_own, first = pairs[0]
    add = first_own.removesuffix(first)
    right = add and new and new[0] == first_own and all(f == add + s for f, s in pairs)
    return (_indented(search, add), replace) if right and all(n.startswith(add) for n in new) else None


def _first_line(pairs: list[tuple[str, str]], search: list[str], replace: list[str]) -> Both | None:
    """Somebody stripped both sides as texts: their first lines have lost the indentation, and no others."""
    own, first = pairs[0]
    alike = len(pairs) > 1 and all(f == s for f, s in pairs[1:])
    if first or not own or not alike or not search[0].strip() or not (replace and replace[0].strip()):
        return None
    return [own + search[0], *search[1:]], [own + replace[0], *replace[1:]]


def _retabbed(pairs: list[tuple[str, str]], new: list[str], search: list[str], replace: list[str]) -> Both | None:
    """One side of the world indents with tabs, the other with a fixed number of blanks; or with two and with four,
    which lines at two depths show, as no shift does."""
    for sign, units in (("\t", ("    ", "  ")), ("    ", ("\t", "  ")), ("  ", ("\t", "    "))):
        depths = [len(s) // len(sign) for _, s in pairs]
        mine = all(n == sign * (len(n) // len(sign)) for n in [*(s for _, s in pairs), *new])
        for unit in units if mine and any(depths) else ():
            if ("\t" in sign + unit or len({*depths} - {0}) > 1) and all(
                f == unit * d for (f, _), d in zip(pairs, depths, strict=True)
            ):
                return _redone(search, sign, unit), _redone(replace, sign, unit)
    return None


def _redone(lines: list[str], sign: str, unit: str) -> list[str]:
    return [unit * (len(_indent(x)) // len(sign)) + x.lstrip() if x.strip() else x for x in lines]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _indented(lines: list[str], add: str) -> list[str]:
    return [add + line if line.strip() else line for line in lines]


def _dedented(lines: list[str], count: int) -> list[str]:
    return [line[count:] if line.strip() else line for line in lines]


def without_edges(search: list[str], replace: list[str]) -> list[list[Both]]:
    """Without blank lines that begin and end the search; the replacement loses as many, if it has them.

    What takes away least comes first, ways that take away as much are together, and what takes away all is last.
    """
    filled = [i for i, line in enumerate(search) if line.strip()]
    lead, tail = (filled[0], len(search) - 1 - filled[-1]) if filled else (0, 0)
    if max(lead, tail) > 6:
        return []
    return [
        [_trimmed(search, replace, k, n - k) for k in range(min(lead, n) + 1) if n - k <= tail]
        for n in range(1, lead + tail + 1)
    ]


def _trimmed(search: list[str], replace: list[str], lead: int, tail: int) -> Both:
    start, stop = 0, len(replace)
    while start < min(lead, stop) and not replace[start].strip():
        start += 1
    while stop > start and len(replace) - stop < tail and not replace[stop - 1].strip():
        stop -= 1
    return search[lead : len(search) - tail], replace[start:stop]


def parts(search: list[str], replace: list[str], own: Collection[str]) -> list[Both] | None:
    """The pieces between `...` lines, or comments that say as much and are none of the file's `own`, side by side; None
    when the two sides do not leave out the same."""
    old, new = _split(search, own), _split(replace, own)
    if len(old) < 2 or len(old) != len(new):
        return None
    pairs = list(zip(old, new, strict=True))
    if any(a and not any(map(str.strip, a)) for a in old):
        return None  # a blank line is no place
    if any(not a and (b or 0 < i < len(pairs) - 1) for i, (a, b) in enumerate(pairs)):
        return None
    return [(a, b) for a, b in pairs if a] or None


def _split(lines: list[str], own: Collection[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for line in lines:
        if _DOTS.match(line) or (says_so(line.strip()) and line not in own):
            pieces.append([])
        else:
            pieces[-1].append(line)
    return pieces


def without_numbers(search: list[str], replace: list[str]) -> Both | None:
    """Without line numbers copied from a listing: they count up, and the other side has them too, or none has."""
    for pattern in _NUMBERED:
        found = [pattern.match(line) for line in search if line.strip()]
        numbers = [int(m[1][:9]) for m in found if m]
        if not numbers or len(numbers) != len(found) or numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
            continue
        marked = [pattern.match(line) for line in replace if line.strip()]
        others = [int(m[1][:9]) for m in marked if m]
        if others and (len(others) != len(marked) or others != sorted(others) or others[0] != numbers[0]):
            continue
        return _bare(pattern, search), _bare(pattern, replace) if others else replace
    return None


def first_number(line: str) -> int:
    """The number that a line copied from a listing begins with."""
    digits = re.match(r"\s*(\d{1,9})", line)
    return int(digits[1]) if digits else 0


def _bare(pattern: re.Pattern[str], lines: list[str]) -> list[str]:
    return [m[2] if (m := pattern.match(line)) else line for line in lines]


def without_entities(search: list[str], replace: list[str]) -> Both | None:
    """With `&lt;` and the like read as characters, unless the replacement holds bare ones as well."""
    if not any(_ENTITY.search(line) for line in search) or any(c in line for line in replace for c in "<>"):
        return None
    return [_characters(line) for line in search], [_characters(line) for line in replace]


def _characters(line: str) -> str:
    return _ENTITY.sub(lambda m: _ENTITIES[m.group()], line)


def without_escapes(search: list[str], replace: list[str]) -> Both | None:
    """Without the backslashes that Markdown wants before its own signs, if both sides escape the same ones."""
    had, has = ({c for line in side for c in _ESCAPE.findall(line)} for side in (search, replace))
    if not had or not has <= had:
        return None
    return [_ESCAPE.sub(r"\1", line) for line in search], [_ESCAPE.sub(r"\1", line) for line in replace]


def without_lookalikes(search: list[str], replace: list[str]) -> Both | None:
    """With the typographic signs of the search read as the keyboard's. A line that is new may have them only in its
    indentation: elsewhere they can be what is wanted."""
    table = {ord(c): _LOOKALIKES[c] for c in set("".join(search)) & _LOOKALIKES.keys()}
    if not table or any(c in _LOOKALIKES for line in replace if line not in search for c in line.lstrip()):
        return None
    return [line.translate(table) for line in search], [line.translate(table) for line in replace]


def similar(lines: list[str], search: list[str]) -> list[int]:
    """Each start of a window, line for line at least 0.9 similar to the search and indented alike."""
    votes = ballot(lines, [s.rstrip() for s in search], str.rstrip)
    last = len(lines) - len(search)
    starts = sorted(start for start, _ in votes.most_common(50) if 0 <= start <= last)
    return [s for s in starts if likeness(lines[s : s + len(search)], search) >= 0.9]


def ballot(lines: list[str], search: list[str], key: Callable[[str], str]) -> Counter[int]:
    """How many lines of the search each start of a window has in its place. Lines that are everywhere do not vote."""
    wanted: dict[str, list[int]] = {}
    for offset, text in enumerate(search):
        if len(text.strip()) > 1:
            wanted.setdefault(text, []).append(offset)
    places: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        text = key(line)
        if text in wanted:
            places.setdefault(text, []).append(i)
    return Counter(i - o for text, at in places.items() if len(at) <= 200 for i in at for o in wanted[text][:200])


def likeness(own: list[str], search: list[str]) -> float:
    """0 to 1, weighted by length; 0 where the indentation differs or a line is another one."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - the last rung alone

    total = alike = 0.0
    for f, s in zip(own, search, strict=True):
        a, b = f.rstrip(), s.rstrip()
        weight = max(len(a), len(b))
        if a != b and (_indent(a) != _indent(b) or weight > 2000):
            return 0.0
        ratio = 1.0 if a == b else SequenceMatcher(None, a.strip(), b.strip(), autojunk=False).ratio()
        if ratio < 0.6:
            return 0.0
        total += weight
        alike += weight * ratio
    return alike / total if total else 0.0


def agrees(own: list[str], search: list[str], replace: list[str]) -> bool:
    """Whether all lines that the block changes or removes are the file's, and none that is not is written again."""
    made = [piece for piece in pieces(search, replace) if piece.new is not None]
    wrong = {i for i, line in enumerate(search) if own[i].rstrip() != line.rstrip()}
    if any(i in wrong for piece in made for i in range(piece.start, piece.stop)):
        return False
    if any(_undamaged(search[i]) in {own[i].rstrip(), _undamaged(own[i])} for i in wrong):
        return False  # not a slip but an escaped answer, whose new lines are escaped as well
    return not {search[i].strip() for i in wrong} & {line.strip() for piece in made for line in piece.new or []}


def _undamaged(line: str) -> str:
    return _characters(_ESCAPE.sub(r"\1", line)).rstrip()
