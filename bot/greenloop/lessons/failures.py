"""Failing tests as text for the model: grouped by exception and place, each group in forms from full to one line.

All of it came out of code under test, so it is stripped, normalised and put inside a fence that it cannot close.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable

from greenloop.domain import Frame, TestCase
from greenloop.verdict.tally import file_of, short

Group = tuple[TestCase, ...]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# control characters but tab and newline, and those that turn the direction of text or cannot be seen
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_TEMPORARY = re.compile(r"(?<![\w./-])/(?:private/)?(?:tmp|var/tmp|var/folders|dev/shm)/(?:[^\s'\"`<>()\[\],;:]*/)?")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_CUT_ADDRESS = re.compile(r"(?<=\w\.\.\.)[0-9a-f]{4,16}(?=>)")  # pytest shortens `<object at 0x…>` in its middle
_DURATION = re.compile(r"\b(in|after|took|within) \d+(?:\.\d+)? ?(?:s|ms|sec|seconds?|minutes?)\b")
_PRINTED, _WIDE = 5, 120  # lines of what a test printed, and characters of each
_SHORT = 12  # lines; a test up to this length is shown whole


def plain(text: str) -> str:
    """Printable, and without what differs from run to run; an assertion is otherwise left as it is."""
    text = _UNSEEN.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))
    text = _TEMPORARY.sub("<tmp>/", _CUT_ADDRESS.sub("", _ADDRESS.sub("0x…", text)))
    return _DURATION.sub(r"\1 … s", text)


def line_of(text: str, limit: int = 300) -> str:
    """One line that can neither open a fence nor begin another line."""
    line = re.sub(r"`{3,}", "``", " ".join(plain(text).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def fenced(text: str) -> str:
    """Inside a fence longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def says(test: TestCase) -> str:
    """Exception and message as pytest's `E` lines have them, altered by nothing but `plain`. The exception is always
    named: pytest leaves "AssertionError: " out before some assertions and not before others."""
    message = plain(test.message).strip("\n")
    if not message:
        return plain(test.error) or plain(test.output).strip()[-600:] or test.outcome
    head = message.lstrip().split("\n", 1)[0]
    named = head.split(":", 1)[0].endswith(plain(test.error))
    return message if named else f"{plain(test.error)}: {message.lstrip()}"


def place(test: TestCase) -> tuple[str, str]:
    """File and function of the last frame in the repository's own code."""
    return (test.frames[-1].path, test.frames[-1].function) if test.frames else (file_of(test), "")


def grouped(tests: Iterable[TestCase]) -> list[Group]:
    """By exception and place, in order of appearance. Without frames the first line of the message tells them apart."""
    groups: dict[tuple[str, ...], list[TestCase]] = {}
    for test in tests:
        extra = "" if test.frames else says(test).split("\n", 1)[0]
        groups.setdefault((test.error, *place(test), extra), []).append(test)
    return [tuple(group) for group in groups.values()]


def forms(group: Group, shown: Collection[str] = (), told: Collection[Frame] = ()) -> list[str]:
    """A group in full, shorter, and as its first line. Of files in `shown` the prompt has the text already, and of the
    frames `told` their functions stand with an earlier group."""
    title = _title(group)
    test, frames = group[0], frames_of(group[0])
    full = [_clipped(says(test), 1500), *_also(group)]
    full += [_mark(f, test) if f in told else _frame(f, test, shown) for f in frames]
    full += _printed(test)
    less = [_clipped(says(test), 500), *(_mark(f, test) for f in frames)]
    first = says(group[0]).split("\n", 1)[0][:300]
    return [f"{title}\n{fenced(text)}" for text in ("\n".join(full), "\n".join(less), first)]


def _title(group: Group) -> str:
    """The first three ids; of the same function again, only what differs."""
    first = short(group[0].id).partition("[")[0]
    names = [line_of(group[0].id, 160)]
    for test in group[1:3]:
        name = short(test.id)
        names.append(line_of(name.removeprefix(first) if name.startswith(f"{first}[") else name, 80))
    more = f" and {len(group) - 3} more" if len(group) > 3 else ""
    return f"- {', '.join(names)}{more}"


def _also(group: Group) -> list[str]:
    """First lines of the group's other messages, so that one example is not taken for all."""
    firsts = list(dict.fromkeys(says(t).split("\n", 1)[0] for t in group))
    return [f"also: {first[:300]}" for first in firsts[1:3]]


def _printed(test: TestCase) -> list[str]:
    """The last lines that the test printed, unless they are told as its message."""
    said = plain(test.output).strip() if test.message.strip() else ""
    lines = [line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…" for line in said.split("\n") if line.strip()]
    return ["printed:", *lines[-_PRINTED:]] if lines else []


def _clipped(text: str, limit: int) -> str:
    """Head and end of a long message, in whole lines where it has any."""
    if len(text) <= limit:
        return text
    head, end = text[: limit * 3 // 4], text[-limit // 4 :]
    head = head.rpartition("\n")[0] or head
    end = end.partition("\n")[2] or end
    return f"{head}\n… {len(text) - len(head) - len(end)} characters left out …\n{end}"


def frames_of(test: TestCase) -> list[Frame]:
    """The test's own last frame and the last two of the product, each function once."""
    once = list({(f.path, f.function): f for f in test.frames}.values())
    own = [f for f in once if f.path == file_of(test)][-1:]
    return own + [f for f in once if f.path != file_of(test)][-2:]


def _frame(frame: Frame, test: TestCase, shown: Collection[str]) -> str:
    """A function with the failing line marked; a short test whole, of other functions the lines around the mark."""
    lines = frame.source.expandtabs(4).splitlines()
    at = frame.line - frame.source_start
    if frame.path in shown or not 0 <= at < len(lines):
        return _mark(frame, test)
    whole = frame.path == file_of(test) and len(lines) <= _SHORT
    kept = range(len(lines)) if whole else sorted({0, *range(max(0, at - 2), min(len(lines), at + 3))})
    body = textwrap.dedent("\n".join(plain(line)[:200] or "" for line in lines)).split("\n")
    gaps = {n for n in kept if n and n - 1 not in kept}
    rows = [("  …\n" if n in gaps else "") + (f"> {body[n]}" if n == at else f"  {body[n]}".rstrip()) for n in kept]
    return "\n".join([f"{_where(frame, test)}:", *rows])


def _mark(frame: Frame, test: TestCase) -> str:
    lines = frame.source.splitlines()
    at = frame.line - frame.source_start
    text = plain(lines[at]).strip()[:200] if 0 <= at < len(lines) else ""
    return f"{_where(frame, test)}: {text}".rstrip(": ")


def _where(frame: Frame, test: TestCase) -> str:
    """Of the test's own function the line alone: file and name stand in the title."""
    if frame.path == file_of(test) and test.id.startswith(frame.path) and short(test.id).startswith(frame.function):
        return f"line {frame.line}"
    return f"{line_of(frame.path)}:{frame.line}{f' in {line_of(frame.function, 80)}' if frame.function else ''}"
