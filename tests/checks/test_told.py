"""The reporter's file, read as what hostile code may have written to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from greenloop.checks import told

TOKEN = "5ec2e7"


def lines(*given: Mapping[str, object], token: str = TOKEN) -> bytes:
    return b"".join(f"{token} {json.dumps({'pid': 7, **line})}\n".encode() for line in given)


def test_a_session_is_all_that_its_process_said() -> None:
    raw = lines(
        {"kind": "begin"},
        {"kind": "ready"},
        {"kind": "session"},
        {"kind": "uncollected", "id": "b.py"},
        {"kind": "start", "id": "a"},
        {"kind": "test", "id": "a", "outcome": "passed"},
        {"kind": "start", "id": "b"},
        {"kind": "end", "status": 1, "tests": 1, "collected": 2},
    )
    again = lines(
        {"kind": "begin"}, {"kind": "begin", "pid": 9}, {"kind": "test", "pid": 9, "id": "a", "outcome": "passed"}
    )
    seat = lines(
        {"kind": "begin", "pid": 8},
        {"kind": "interrupted", "pid": 8, "message": ""},
        {"kind": "internal", "pid": 8, "told": {"error": "E"}},
        {"kind": "tampering", "pid": 8, "what": "open"},
        token="5ea7",
    )
    heard = told.read(raw + again + seat, (TOKEN, "5ea7"))
    one, other = heard.sessions
    assert (one.ready, one.opened, list(one.running), one.complete, heard.foreign) == (True, True, ["b"], True, 3)
    assert [told.words(t, "id") for t in (*one.tests, *one.uncollected)] == ["a", "b.py"]
    assert (other.ready, other.interrupted, other.internal, other.complete) == (
        False,
        "interrupted",
        {"error": "E"},
        False,
    )


def test_without_the_token_nothing_counts() -> None:
    real = lines({"kind": "begin"}, {"kind": "end", "tests": 0})
    assert told.read(lines({"kind": "begin"}, token="5ec2e8"), (TOKEN,)) == told.Told((), 1)
    forged = lines({"kind": "test", "id": "fake", "outcome": "passed"}, token="5ec2e8")
    heard = told.read(real + forged, (TOKEN,))
    assert (heard.sessions[0].tests, heard.foreign) == ([], 1)
    assert told.read(forged, (TOKEN,)) == told.Told((), 1)


def test_an_end_marker_that_counts_otherwise_is_not_complete() -> None:
    begin, end = {"kind": "begin"}, {"kind": "end", "tests": 1}
    assert not told.read(lines(begin, end), (TOKEN,)).sessions[0].complete
    assert not told.read(lines(begin, {"kind": "test", "id": "a"}), (TOKEN,)).sessions[0].complete


def test_malformed_lines_are_foreign_and_harmless() -> None:
    mark = TOKEN.encode()
    bad = [b"", b"[1]", b"{", b"[" * 100_000, b'{"kind": "test", "pid": ' + b"9" * 5000 + b"}", b"\xff", b'{"pid": []}']
    raw = lines({"kind": "begin"}) + b"\n".join(mark + b" " + line for line in bad) + b"\n\n" + mark
    assert told.read(raw, (TOKEN,)).foreign == len(bad) + 1
    line = {"words": 1, "whole": "x", "number": float("inf"), "part": []}
    taken = (told.words(line, "words"), told.whole(line, "whole"), told.number(line, "number"), told.part(line, "part"))
    assert taken == ("", 0, 0.0, {})


def test_no_more_lines_than_the_limit_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "MOST", 20)
    assert told.read((TOKEN + " {}\n").encode() * 25, (TOKEN,)).foreign == 20
