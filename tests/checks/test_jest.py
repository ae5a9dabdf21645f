"""What Jest and Vitest write as JSON, as they wrote it: tests, files that do not load, and what is no report at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from greenloop.checks import jest
from greenloop.domain import Cause, Finding, Frame, TestCase

JEST_STACK = (
    "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 2\n"
    "    at Object.toBe (ROOT/web/sum.test.js:3:39)\n"
    "    at Promise.finally.completed (ROOT/web/node_modules/jest-circus/build/jestAdapterInit.js:1834:28)\n"
    "    at new Promise (<anonymous>)"
)
ROW = {"ancestorTitles": ["sums"], "failureMessages": [], "duration": 3, "title": "adds", "status": "passed"}
JEST = {
    "numTotalTests": 4,
    "testResults": [
        {
            "name": "ROOT/web/sum.test.js",
            "status": "failed",
            "message": "  \u25cf sums \u203a fails",
            "assertionResults": [
                ROW,
                {**ROW, "title": "fails", "status": "failed", "failureMessages": [JEST_STACK]},
                {**ROW, "title": "later", "status": "pending", "duration": None},
                {**ROW, "title": "never", "status": "todo", "duration": None},
            ],
        },
        {
            "name": "ROOT/web/broken.test.js",
            "status": "failed",
            "message": "\x1b[1mCannot find module './nothing' imported from ROOT/web/broken.test.js\x1b[22m",
            "assertionResults": [],
        },
    ],
}
SOURCE = (
    "describe('sums', () => {\n  test('adds', () => {});\n  test('fails', () => { expect(1 + 1).toBe(3); });\n});\n"
)


def read(report: Any, folder: Path) -> tuple[tuple[TestCase, ...], tuple[Finding, ...]]:
    raw = json.dumps(report).replace("ROOT", str(folder.resolve())).encode()
    return jest.read(raw, check="npm", folder=folder, directory="web")


def test_each_test_is_read_as_it_went(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/sum.test.js").write_text(SOURCE)
    tests, findings = read(JEST, tmp_path)
    path = "web/sum.test.js"
    assert [(t.id, t.outcome, t.line) for t in tests] == [
        (f"{path}::sums > adds", "passed", None),
        (f"{path}::sums > fails", "failed", 3),
        (f"{path}::sums > later", "skipped", None),
        (f"{path}::sums > never", "skipped", None),
        ("web/broken.test.js", "error", None),
    ]
    red, broken = tests[1], tests[4]
    assert (red.cause, red.error, red.seconds) == (Cause.ASSERTION, "Error", 0.003)
    assert red.message.startswith("Error: expect(received).toBe(expected)")
    assert [(f.path, f.line) for f in red.frames] == [(path, 3)]
    assert isinstance(red.frames[0], Frame)
    assert (broken.cause, broken.path) == (Cause.IMPORT, "web/broken.test.js")
    assert broken.message.startswith("Cannot find module './nothing'")
    assert [(f.rule, f.path, f.line) for f in findings] == [("failed", path, 3), ("error", "web/broken.test.js", None)]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"testResults": 1}', b"[" * 100_000, b"\xff"])
def test_what_is_no_report_is_said(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        jest.read(raw, check="npm", folder=tmp_path, directory="")


@pytest.mark.parametrize(
    "report",
    [
        {"testResults": [1, {"assertionResults": 1}, {"assertionResults": [1]}]},
        {"testResults": [{"name": "/etc/passwd", "assertionResults": [{"title": 1, "status": [], "duration": -1}]}]},
        {"testResults": [{"name": "../../x", "assertionResults": [{**ROW, "ancestorTitles": 5, "duration": 1e300}]}]},
    ],
)
def test_a_forged_report_names_nothing_outside_and_nothing_that_passed(report: Any, tmp_path: Path) -> None:
    tests, _ = read(report, tmp_path)
    assert all(t.path == "" and t.seconds <= 1_000 and t.seconds >= 0 for t in tests)
