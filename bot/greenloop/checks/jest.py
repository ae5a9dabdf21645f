"""Tests by the JSON that Jest writes with `--json --outputFile`, and Vitest with its reporter `json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from greenloop.checks import text
from greenloop.checks.junit import Place, findings_of, numbered
from greenloop.checks.traces import Traces
from greenloop.domain import Cause, Finding, TestCase

_OUTCOMES = {"passed": "passed", "failed": "failed"}  # all else was not run: pending, skipped, todo, disabled
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ASSERTION = re.compile(r"\bexpect\(|AssertionError|ERR_ASSERTION")


def read(raw: bytes, *, check: str, folder: Path, directory: str) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    """The tests and a finding for each red one. Raises `ValueError` for what is no such report."""
    try:
        report = json.loads(raw)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    files = report.get("testResults") if isinstance(report, dict) else None
    if not isinstance(files, list):
        raise ValueError("it holds no `testResults`")  # noqa: TRY004 - as any other report that is none
    place = Place(folder.resolve(), directory, Traces(folder, directory))
    tests = tuple(numbered(case for file in files if isinstance(file, dict) for case in _file(file, place)))
    return tests, findings_of(tests, check)


def _file(file: dict[str, Any], place: Place) -> Iterator[TestCase]:
    path = place.path(_word(file, "name"))
    made = file.get("assertionResults")
    rows = [row for row in made if isinstance(row, dict)] if isinstance(made, list) else []
    yield from (_case(row, path, place) for row in rows)
    if _word(file, "status") == "failed" and not any(row.get("status") == "failed" for row in rows):
        said = text.clean(_COLOUR.sub("", _word(file, "message")).strip())
        yield TestCase(
            id=text.clean(path or _word(file, "name"), 1_000),
            outcome="error",
            path=path,
            cause=Cause.IMPORT,
            error="suite",
            message=said or "The file could not be run.",
        )


def _case(row: dict[str, Any], path: str, place: Place) -> TestCase:
    above = row.get("ancestorTitles")
    titles = [*(t for t in (above if isinstance(above, list) else []) if isinstance(t, str)), _word(row, "title")]
    outcome = _OUTCOMES.get(_word(row, "status"), "skipped")
    messages = row.get("failureMessages")
    first = next((m for m in messages if isinstance(m, str)), "") if isinstance(messages, list) else ""
    said = _COLOUR.sub("", first)
    seconds = row.get("duration")
    red = outcome == "failed"
    frames = place.traces.frames(said) if red else ()
    return TestCase(
        id=text.clean(f"{path}::{' > '.join(titles)}", 1_000),
        outcome=outcome,
        path=path,
        line=next((frame.line for frame in frames if frame.path == path), None),
        cause=(Cause.ASSERTION if _ASSERTION.search(said) else Cause.OTHER) if red else None,
        error=said.partition(":")[0][:200] if red and re.match(r"\w+(?: \[\w+\])?:", said) else "",
        message=text.clean(place.traces.told(said, frames).strip()) if red else "",
        frames=frames,
        seconds=min(float(seconds), 1e6) / 1000 if isinstance(seconds, int | float) and seconds > 0 else 0.0,
    )


def _word(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
