"""What a model claims about a change, read as data: a place, how sure it is, words, and perhaps a test. Pure.

    Claim: path/file.py:12 high
    what is wrong there
    ```python
    from file import f

    def test_f_does_it(): …
    ```

Nothing of it is believed here. Whether the place is in the change and the test says anything is looked up elsewhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from greenloop.source.imports import reaches

MOST = 8  # claims; more are counted, and left out
TESTS = 4  # of them with a test that is run
NOTHING = "No claims."
_WORDS, _CODE = 1500, 6000  # characters of what is said, and of a test
_HEAD = re.compile(r"[*#>\s-]*Claim:", re.IGNORECASE)
_PLACE = re.compile(
    r"[*#>\s-]*Claim:[*]*\s*`?(?P<path>[^\s`:]{1,300}):(?P<line>\d{1,6})(?:-\d{1,6})?`?,?\s*"
    r"\(?(?P<sure>high|medium|low)\b.*",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})\s*(\S*).*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`sure` is the model's own word: high, medium or low."""

    path: str
    line: int
    sure: str
    text: str
    test: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """`nothing`: the answer says that there is none. `unread` are those that name no place, or are too many."""

    all: tuple[Claim, ...] = ()
    unread: int = 0
    nothing: bool = False


def read(answer: str) -> Claims:
    """At most `MOST`, in order, the first of each place and words."""
    blocks = list(_blocks(answer.splitlines()))
    made = [_claim(block) for block in blocks]
    known = list(dict.fromkeys(claim for claim in made if claim is not None))
    kept = known[:MOST]
    unread = sum(claim is None for claim in made) + len(known) - len(kept)
    return Claims(tuple(kept), unread, nothing=not blocks and NOTHING.rstrip(".").lower() in answer.lower())


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each claim, its head first. A head inside of code is code."""
    block: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and not mark[2] and mark[1].startswith(fence):
            fence = ""
        if not fence and _HEAD.match(line):
            if block:
                yield block
            block = [line]
        elif block:
            block.append(line)
    if block:
        yield block


def _claim(block: list[str]) -> Claim | None:
    place = _PLACE.fullmatch(block[0])
    if place is None:
        return None
    said, test, fence = list[str](), list[str](), ""
    into = said
    for line in block[1:]:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
            if not test and mark[2].lower() in {"", "python", "py"}:
                into = test
                continue
        elif mark and not mark[2] and mark[1].startswith(fence):
            fence = ""
            if into is test:
                into = said
                continue
        into.append(line)
    text, code = "\n".join(said).strip()[:_WORDS], "\n".join(test).strip()
    if not text:
        return None
    return Claim(
        path=place["path"],
        line=int(place["line"]),
        sure=place["sure"].lower(),
        text=text,
        test=f"{code}\n" if code and len(code) <= _CODE else "",
    )


def speaking(
    test: str, changed: Collection[str], paths: Collection[str], read_file: Callable[[str], bytes | None]
) -> frozenset[str]:
    """The tests in a file that use something which a changed file has a part in: only these can show anything about it.
    `assert False` fails as well, whatever the code does."""
    try:
        tree = ast.parse(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    names = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and _leads(node, changed, paths, read_file)
        for alias in node.names
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(f.name for f in functions if f.name.startswith("test") and _uses(f, names))


_ALONE = "test_alone.py"  # no file of this name is anywhere


def _leads(
    node: ast.Import | ast.ImportFrom,
    changed: Collection[str],
    paths: Collection[str],
    read_file: Callable[[str], bytes | None],
) -> bool:
    known = {path for path in paths if path.rpartition("/")[2] != "conftest.py"} | {_ALONE}
    text = ast.unparse(node).encode()
    return bool(reaches((_ALONE,), changed, known, lambda path: text if path == _ALONE else read_file(path)))


def _uses(function: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(function))
