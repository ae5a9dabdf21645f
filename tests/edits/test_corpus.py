"""Damaged answers as data (corpus/*.toml): each is applied exactly right or refused with a message that helps."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from greenloop.domain import Delete, Move, Patch, Replace, Unusable, Write
from greenloop.edits import parse

CORPUS = Path(__file__).parent / "corpus"
BASE: dict[str, str] = tomllib.loads((CORPUS / "base.toml").read_text("utf-8"))["files"]
KINDS = {"no edit", "no match", "ambiguous", "forbidden path", "truncated", "malformed", "no change"}


def cases() -> list[dict[str, Any]]:
    files = sorted(p for p in CORPUS.glob("*.toml") if p.name != "base.toml")
    return [case for path in files for case in of(path)]


def of(path: Path) -> list[dict[str, Any]]:
    """The cases of a file, each with the files that all of them have."""
    read = tomllib.loads(path.read_text("utf-8"))
    return [case | {"files": read.get("files", {}) | case.get("files", {})} for case in read["case"]]


def apply(files: Mapping[str, str], patch: Patch) -> dict[str, str]:
    """The contract of a patch, spelt out: what a workspace does with it."""
    tree = dict(files)
    for edit in patch.edits:
        if isinstance(edit, Write):
            tree[edit.path] = edit.text
        elif isinstance(edit, Replace):
            text = tree[edit.path]
            assert edit.old
            first = text.find(edit.old)
            assert first >= 0
            assert text.find(edit.old, first + 1) < 0, "the old text occurs more than once"
            tree[edit.path] = text[:first] + edit.new + text[first + len(edit.old) :]
        elif isinstance(edit, Delete):
            del tree[edit.path]
        else:
            assert isinstance(edit, Move)
            tree[edit.to] = tree.pop(edit.path)
    return tree


def wanted(case: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, str]:
    tree = {path: text for path, text in files.items() if path not in case.get("gone", [])}
    for path, pairs in case.get("change", {}).items():
        for old, new in pairs:
            assert tree[path].count(old) == 1
            tree[path] = tree[path].replace(old, new)
    after: dict[str, str] = case.get("after", {})
    return tree | after


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in cases()])
def test_a_damaged_answer_is_applied_right_or_refused(case: dict[str, Any]) -> None:
    files = BASE | case.get("files", {})
    encoded = {path: text.encode() for path, text in files.items()}
    result = parse(
        case["reply"],
        encoded.get,
        list(encoded),
        finish=case.get("finish", "stop"),
        expected=tuple(case.get("expected", ())),
    )
    if "kind" in case:
        assert isinstance(result, Unusable), result
        assert result.kind == case["kind"], result.message
        assert [s for s in case.get("says", []) if s not in result.message] == [], result.message
        assert result.kind in KINDS
        assert len(result.message) < 6000
        return
    if case.get("or_refused") and isinstance(result, Unusable):
        return
    assert isinstance(result, Patch), result
    assert apply(files, result) == wanted(case, files)
    assert result.repairs == tuple(case.get("repairs", result.repairs))
    assert result.summary == case.get("summary", result.summary)
    assert result.summary.isprintable()
    assert 0 < len(result.summary) <= 72
    modes = {e.path: e.mode for e in result.edits if isinstance(e, Write) and e.mode}
    assert modes == case.get("modes", {})


def test_the_corpus_is_large_and_every_case_has_its_own_name() -> None:
    names = [c["name"] for c in cases()]
    assert len(names) >= 100
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "of_them"), [("unseen.toml", (84, 66, 60)), ("blind.toml", (53, 43, 38))], ids=["unseen", "blind"]
)
def test_of_the_answers_written_blind_nearly_all_are_applied(name: str, of_them: tuple[int, int, int]) -> None:
    """How many there are, that may be applied, and are: each right, by the test above. Those that must be refused are
    not counted; of the rest many may also be refused, and were meant to be."""
    unseen = of(CORPUS / name)
    made = [c for c in unseen if ("kind" not in c or c.get("missed")) and not c.get("outside")]
    done = 0
    for case in made:
        encoded = {path: text.encode() for path, text in (BASE | case["files"]).items()}
        done += isinstance(parse(case["reply"], encoded.get, list(encoded)), Patch)
    assert (len(unseen), len(made), done) == of_them
