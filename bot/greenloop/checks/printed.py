"""Tests by what their runner prints: `go test -json`, and the text of `cargo test`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from greenloop.checks import text
from greenloop.checks.junit import findings_of, numbered
from greenloop.checks.traces import Traces
from greenloop.domain import Cause, Finding, TestCase

_MOST = 200_000  # lines
_GO = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_CARGO = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
_GO_PLACE = re.compile(r"^[ \t]*([\w./-]+\.go):(\d+):", re.MULTILINE)
_GO_NOISE = re.compile(r"^\s*(?:=== |--- |PASS$|FAIL\b|exit status|ok\s)")
_RUST_PLACE = re.compile(r"panicked at (?:'.*', )?([\w./-]+\.rs):(\d+)")
_THREAD = re.compile(r"^thread '.*'(?: \(\d+\))? (?=panicked)", re.MULTILINE)  # is the test's name again
_RAN = re.compile(r"test (?P<name>\S.*?)(?: - should panic)? \.\.\. (?P<how>ok|FAILED|ignored)\b")
_COMPILER = re.compile(r"error(?:\[E\d+\])?: ")
BUILD, GO_BUILD = "cargo build", "go build"
_UNBUILT = re.compile(r"FAIL\s+(\S+) \[(?:build|setup) failed\]")
_SECTION = re.compile(r"---- (?P<name>\S.*?) stdout ----")


def go(raw: bytes, *, check: str, folder: Path, directory: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    """A test for each test, one for a package that fails as a whole, and one for the build: where no package compiles
    nothing else is known. Raises `ValueError` where nothing is JSON."""
    printed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    ended: dict[tuple[str, str], str] = {}
    events = 0
    for event in _events(raw):
        events += 1
        key = _word(event, "Package") or _word(event, "ImportPath").partition(" ")[0], _word(event, "Test")
        if event.get("Action") in {"output", "build-output"}:
            printed[key].append(_word(event, "Output"))
        elif event.get("Action") in _GO:
            ended[key] = _GO[_word(event, "Action")]
    unbuilt = _unbuilt(raw)
    for package, said in unbuilt.items():
        ended[package, ""] = "failed"
        printed[package, ""] = printed[package, ""] or [said]
    if not events and not unbuilt:
        raise ValueError("it printed no event of `go test -json`")
    module = _module(folder / directory)
    traces = Traces(folder, directory)
    cases = (
        _go_case(key, how, "".join(printed[key]), module, directory, traces) for key, how in ended.items() if key[1]
    )
    if any(name for _, name in ended):
        return _both([*cases, *_packages(ended, printed), TestCase(id=GO_BUILD, outcome="passed")], check)
    broken = [case for case in _packages(ended, printed) if unbuilt or _GO_PLACE.search(case.message)]
    return _both([_compiled(broken, directory)] if broken else [*_packages(ended, printed)], check)


def _unbuilt(raw: bytes) -> dict[str, str]:
    """What the compiler said of each package that `go` before 1.24 says only in plain words that it could not build."""
    lines = [x for x in raw.decode("utf-8", "replace").split("\n")[:_MOST] if not x.startswith("{")]
    failed = dict.fromkeys(m[1] for line in lines if (m := _UNBUILT.match(line)))
    said = "\n".join(line for line in lines if line.strip() and not line.startswith(("FAIL", "ok ", "# ")))
    return dict.fromkeys(failed, said)


def _compiled(broken: list[TestCase], directory: str) -> TestCase:
    """The build as a test, as for `cargo`."""
    said = "\n".join(dict.fromkeys(case.message for case in broken))
    place = _GO_PLACE.search(said)
    path = _inside(directory, place[1].removeprefix("./")) if place else ""
    return TestCase(id=GO_BUILD, outcome="error", path=path, cause=Cause.BUILD, error="build", message=said)


def cargo(raw: bytes, *, check: str, folder: Path, directory: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    """A test for each line that tells of one, and one for the build: what does not compile has no others."""
    traces = Traces(folder, directory)
    lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")[:_MOST]
    said = _sections(lines)
    tests = []
    for match in filter(None, (_RAN.fullmatch(line.strip()) for line in lines)):
        outcome, told = _CARGO[match["how"]], said.get(match["name"], "")
        place = _RUST_PLACE.search(told)
        begun = traces.defined(match["name"].rpartition("::")[2]) if outcome == "failed" else ()
        path, line = (_inside(directory, place[1]), int(place[2])) if place and len(place[2]) < 9 else ("", None)
        ended = traces.frames(f"{place[1]}:{place[2]}") if place and path else ()
        tests.append(
            TestCase(
                id=text.clean(match["name"], 1_000),
                outcome=outcome,
                path=begun[0].path if begun else path,
                line=line if not begun or begun[0].path == path else begun[0].line,
                cause=(Cause.ASSERTION if "assertion" in told else Cause.OTHER) if outcome == "failed" else None,
                error="panic" if outcome == "failed" else "",
                message=text.clean(traces.told(told.strip("\n"), ())),
                frames=ended if begun and (ended and ended[-1].path == begun[0].path) else (*begun, *ended),
            )
        )
    return _both([*tests, *_built(lines, traces, ran=bool(tests))], check)


def _built(lines: list[str], traces: Traces, *, ran: bool) -> Iterator[TestCase]:
    """The build as a test: without it nothing says that the tests of a tree that compiles were not there before."""
    if ran:
        yield TestCase(id=BUILD, outcome="passed")
    elif any(line.startswith("error: could not compile") for line in lines):
        first = next(n for n, line in enumerate(lines) if _COMPILER.match(line))
        said = "\n".join(lines[first:]).partition("\nerror: could not compile")[0]
        path = traces.first(said)
        yield TestCase(
            id=BUILD,
            outcome="error",
            path=path,
            cause=Cause.BUILD,
            error="build",
            message=text.clean(said.strip("\n")),
        )


def _both(tests: list[TestCase], check: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    unique = tuple(numbered(iter(tests)))
    return unique, findings_of(unique, check)


def _events(raw: bytes) -> Iterator[dict[str, Any]]:
    for line in raw.split(b"\n", _MOST)[:_MOST]:
        try:
            event = json.loads(line) if line.startswith(b"{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and "Action" in event:
            yield event


def _go_case(key: tuple[str, str], outcome: str, printed: str, module: str, directory: str, traces: Traces) -> TestCase:
    package, name = key
    said = "\n".join(line for line in printed.split("\n") if not _GO_NOISE.match(line)).strip("\n")
    place = _GO_PLACE.search(said)
    inside = package.removeprefix(module).strip("/") if module and package.startswith(module) else ""
    red = outcome == "failed"
    frames = traces.frames(said, within=f"{directory}/{inside}".strip("/")) if red else ()
    return TestCase(
        id=text.clean(f"{package}::{name}", 1_000),
        outcome=outcome,
        path=frames[0].path if frames else _inside(directory, f"{inside}/{place[1]}".strip("/")) if place else "",
        line=frames[0].line if frames else int(place[2]) if place and len(place[2]) < 9 else None,
        cause=(Cause.OTHER if "panic:" in said else Cause.ASSERTION) if red else None,
        error=("panic" if "panic:" in said else "failure") if red else "",
        message=text.clean(traces.told(said, frames).rstrip()) if red else "",
        frames=frames,
    )


def _packages(
    ended: dict[tuple[str, str], str], printed: defaultdict[tuple[str, str], list[str]]
) -> Iterator[TestCase]:
    """A package that failed without a test that did: it does not build, or its process ended."""
    told = {package for (package, name), how in ended.items() if name and how == "failed"}
    for (package, name), how in ended.items():
        if not name and how == "failed" and package not in told:
            said = "".join(printed[package, ""])
            yield TestCase(
                id=text.clean(package, 1_000),
                outcome="error",
                cause=Cause.IMPORT,
                error="package",
                message=text.clean(said.strip("\n")) or "The package failed.",
            )


def _module(folder: Path) -> str:
    """The module's name, which its packages' names begin with."""
    try:
        found = re.search(r"^module\s+(\S+)", (folder / "go.mod").read_text("utf-8", "replace")[:100_000], re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def _sections(lines: list[str]) -> dict[str, str]:
    """What each failed test printed."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        head = _SECTION.fullmatch(line.strip())
        if head:
            name = head["name"]
            found.setdefault(name, [])
        elif line.strip() == "failures:" or line.startswith("test result:"):
            name = ""
        elif name:
            found[name].append(line)
    return {name: _THREAD.sub("", "\n".join(told).partition("\nstack backtrace:")[0]) for name, told in found.items()}


def _inside(directory: str, path: str) -> str:
    return f"{directory}/{path}".lstrip("/") if ".." not in path.split("/") else ""


def _word(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""
