"""JUnit XML → tests and findings. There is no standard; this reads what jest-junit, go-junit-report, surefire,
cargo-nextest, gotestsum, PHPUnit and pytest write.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from greenloop.checks import text
from greenloop.checks.traces import Traces
from greenloop.domain import Cause, Finding, TestCase
from greenloop.verdict.protected_names import is_test

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LARGEST = 50_000_000  # bytes
_WORDS = 20_000  # characters of one failure that are looked through
_ILLEGAL = bytes(n for n in range(32) if n not in {9, 10, 13})
_RED = {"failure": "failed", "error": "error"}
_ASSERTION = re.compile(r"assert|expectation|ComparisonFailure|toBe|toEqual", re.IGNORECASE)


def read(raw: bytes, *, check: str, folder: Path, directory: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    """The tests and a finding for each red one. Raises `ValueError` for what is no JUnit XML."""
    root = _parsed(raw)
    place = Place(folder.resolve(), directory, Traces(folder, directory))
    tests = tuple(numbered(_cases(root, "", "", place)))
    return tests, (*findings_of(tests, check), *_unnamed(root, check, sum(t.red for t in tests)))


class Place:
    """Turns the paths of a report into those of the repository."""

    def __init__(self, root: Path, directory: str, traces: Traces) -> None:
        self._root, self._directory = root.as_posix(), directory
        self.traces = traces

    def path(self, given: str) -> str:
        given = given.replace("\\", "/")
        if given.startswith("/"):
            inside = given.startswith(f"{self._root}/")
            return given[len(self._root) + 1 :] if inside else ""
        joined = posixpath.normpath(posixpath.join(self._directory, given)) if given else ""
        return "" if joined.startswith("..") else joined


def _parsed(raw: bytes) -> Element:
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415 - only the error's class; defusedxml parses

    from defusedxml import DefusedXmlException  # noqa: PLC0415 - only where a command writes XML
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415 - likewise

    if len(raw) > _LARGEST:
        raise ValueError(f"it is longer than {_LARGEST // 1_000_000} MB")
    try:
        root: Element = fromstring(_legal(raw), forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise ValueError(f"its root is <{text.clean(root.tag, 80)}>")
    return root


def _legal(raw: bytes) -> bytes:
    """Without what may not stand in XML and is written all the same: colours and other control characters."""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return raw
    return re.sub(rb"\x1b\[[0-9;]*[A-Za-z]", b"", raw).translate(None, delete=_ILLEGAL)


def _cases(node: Element, suite: str, file: str, place: Place) -> Iterator[TestCase]:
    """Depth first without recursion: the nesting is the writer's choice."""
    stack = [(node, suite, file)]
    while stack:
        node, suite, file = stack.pop()
        if node.tag == "testcase":
            yield _case(node, suite, node.get("file") or file, place)
        elif node.tag in {"testsuite", "testsuites"}:
            name = node.get("name") or suite
            where = node.get("file") or node.get("filepath") or file
            stack += [(child, name, where) for child in reversed(node)]


def _case(node: Element, suite: str, file: str, place: Place) -> TestCase:
    group, name = node.get("classname") or suite, node.get("name") or "?"
    line, seconds = node.get("line") or "", node.get("time") or "0"
    bad = next((child for child in node if child.tag in _RED), None)
    outcome = _RED[bad.tag] if bad is not None else "skipped" if node.find("skipped") is not None else "passed"
    said = "" if bad is None else _message(bad)
    frames = place.traces.frames(said) if said else ()
    path = place.path(file) or next((frame.path for frame in frames if is_test(frame.path)), "")
    return TestCase(
        id=text.clean(f"{group}::{name}" if group else name, 1_000),
        outcome=outcome,
        path=path,
        line=int(line) if line.isascii() and line.isdigit() and len(line) < 9 else None,
        cause=None if bad is None else _cause(bad),
        error="" if bad is None else text.clean(bad.get("type") or "", 200),
        message=text.clean(place.traces.told(said, frames)),
        frames=frames,
        output="" if bad is None else _output(node),
        seconds=float(seconds) if re.fullmatch(r"\d{1,9}(\.\d{1,12})?", seconds) else 0.0,
    )


def _cause(bad: Element) -> Cause:
    """Reports tell little; only what calls itself an assertion counts as one."""
    said = f"{bad.get('type') or ''} {bad.get('message') or ''} {bad.text or ''}"[:2_000]
    return Cause.ASSERTION if bad.tag == "failure" and _ASSERTION.search(said) else Cause.OTHER


def _message(bad: Element) -> str:
    short, long = (bad.get("message") or "").strip(), (bad.text or "").strip()
    return (long if short in long else f"{short}\n{long}".strip())[:_WORDS]


def _output(node: Element) -> str:
    parts = (child.text or "" for child in node if child.tag in {"system-out", "system-err"})
    return text.tail("\n".join(p for p in parts if p.strip()), 2_000)


def numbered(tests: Iterator[TestCase]) -> Iterator[TestCase]:
    """Ids are unique within a run: a second one of the same name is `name #2`."""
    from dataclasses import replace  # noqa: PLC0415 - used here alone

    seen: Counter[str] = Counter()
    for test in tests:
        seen[test.id] += 1
        yield test if seen[test.id] == 1 else replace(test, id=f"{test.id} #{seen[test.id]}")


def findings_of(tests: tuple[TestCase, ...], check: str) -> tuple[Finding, ...]:
    """One for each red test."""
    return tuple(_finding(check, test) for test in tests if test.red)


def _finding(check: str, test: TestCase) -> Finding:
    return Finding(
        check=check,
        rule=test.outcome,
        message=text.first_line(test.message) or test.error or test.outcome,
        path=test.path or None,
        line=test.line,
        context=test.id,
    )


def _unnamed(root: Element, check: str, named: int) -> Iterator[Finding]:
    """What a suite counts and does not show: a file that does not compile has no test case."""
    suites = [root] if root.get("failures") or root.get("errors") else [s for s in root if s.tag == "testsuite"]
    counted = sum(int(v) for s in suites for k in ("failures", "errors") if (v := s.get(k) or "0").isdecimal())
    if counted > named:
        message = f"The report counts {counted} failures and errors, and names {named} of them."
        yield Finding(check=check, rule="unnamed", message=message)
