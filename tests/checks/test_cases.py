"""From reported lines to tests: causes, frames and their functions, bounds on what hostile code reports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from greenloop.checks import cases, told
from greenloop.domain import Cause, Frame, TestCase
from greenloop.ports import Subject


def frames(*places: str) -> tuple[Frame, ...]:
    return tuple(Frame(path=p.split(":")[0], line=1, function=p.split(":")[1]) for p in places)


TEST, PRODUCT = "tests/test_a.py:test_x", "src/a.py:work"


@pytest.mark.parametrize(
    ("kinds", "places", "when", "expected"),
    [
        (["assertion"], [TEST], "call", Cause.ASSERTION),
        (["assertion"], [TEST, "tests/helpers.py:check"], "call", Cause.ASSERTION),
        (["assertion"], [TEST, PRODUCT], "call", Cause.PRODUCT),
        ([], [TEST, PRODUCT], "call", Cause.PRODUCT),
        (["name"], [TEST, PRODUCT], "call", Cause.PRODUCT),
        (["attribute"], [TEST, PRODUCT], "call", Cause.PRODUCT),
        ([], [PRODUCT], "call", Cause.PRODUCT),
        (["import"], [TEST], "call", Cause.IMPORT),
        (["import"], [TEST, PRODUCT], "call", Cause.IMPORT),
        (["name"], [TEST], "call", Cause.IMPORT),
        (["attribute"], [TEST], "call", Cause.IMPORT),
        (["attribute"], [TEST, "src/a.py:__getattr__"], "call", Cause.IMPORT),
        ([], [TEST, "src/a.py:<module>", "src/b.py:helper"], "call", Cause.IMPORT),
        ([], ["src/a.py:<module>", TEST, PRODUCT], "call", Cause.PRODUCT),
        (["assertion"], [TEST], "setup", Cause.IMPORT),
        ([], [TEST, PRODUCT], "setup", Cause.IMPORT),
        (["assertion"], [TEST], "collect", Cause.IMPORT),
        (["assertion"], [TEST], "teardown", Cause.OTHER),
        ([], [TEST], "call", Cause.OTHER),
        (["assertion"], [], "call", Cause.OTHER),
    ],
)
def test_the_cause_is_read_off_the_last_own_frame(
    kinds: list[str], places: list[str], when: str, expected: Cause
) -> None:
    assert cases.cause(kinds, frames(*places), when) is expected


def test_frames_carry_their_function(lay: Callable[..., Subject]) -> None:
    long = "def long():\n" + "".join(f"    x = {n}\n" for n in range(100))
    source = (
        "import a\n\n\n@a.deco\nclass C:\n    @a.deco\n    def m(self):\n        def inner():\n            1 / 0\n\n"
    )
    made = cases.Source(lay({"a.py": source + "top = 1\n", "long.py": long, "bad.py": "def f(:\n"}).folder)
    raw = [["a.py", 9, "inner"], ["a.py", 7, "m"], ["long.py", 60, "long"], ["bad.py", 1, "f"], ["gone.py", 1, "f"]]
    inner, method, cut, bad, gone = made.frames(raw)
    assert inner.source == "        def inner():\n            1 / 0"
    assert (method.source_start, method.source.splitlines()[0]) == (6, "    @a.deco")
    assert (cut.source_start, len(cut.source.splitlines())) == (40, 40)
    assert "    x = 58" in cut.source.splitlines()
    assert (bad.source, gone.source, gone.source_start) == ("def f(:", "", 0)


def test_what_is_reported_is_bounded_and_typed(lay: Callable[..., Subject]) -> None:
    made = cases.Source(lay({"a.py": "x = 1\n"}).folder)
    assert made.frames("no list") == ()
    assert made.frames([["a.py", "1", "f"], ["a.py"], 7, ["a.py", 1, "f"]])[0].line == 1
    many = made.frames([["a.py", n, "f"] for n in range(1, 60)])
    assert [f.line for f in many] == [1, 2, *range(50, 60)]
    for _ in range(60):
        made.frames([])
    assert made.frames([["a.py", 1, "f"]])[0].source == ""


def test_of_results_with_one_id_the_worst_counts(lay: Callable[..., Subject]) -> None:
    session = told.Session(
        tests=[
            {"id": "a", "outcome": "passed"},
            {"id": "a", "outcome": "failed", "when": "call", "told": {"message": "no", "kinds": "x", "frames": None}},
            {"id": "a", "outcome": "passed"},
            {"id": "b", "outcome": "wonderful"},
            {"id": "c" * 2000, "outcome": "passed"},
            {"id": "c" * 2001, "outcome": "passed"},
        ],
        uncollected=[{"id": "", "path": "d.py"}],
    )
    made = cases.made([session], lay({}).folder)
    found = {t.id[:3]: (t.outcome, t.cause) for t in made}
    assert found == {
        "d.p": ("error", Cause.IMPORT),
        "a": ("failed", Cause.OTHER),
        "b": ("error", Cause.OTHER),
        "ccc": ("passed", None),
    }
    assert len(made) == 5
    assert all(len(t.id) < 1000 for t in made)


def test_what_was_running_at_the_end_is_red() -> None:
    line = {"id": "a.py::t", "path": "a.py", "line": 3}
    assert cases.ended([line], error="TimeoutError", why="It took too long.") == (
        TestCase(
            id="a.py::t",
            outcome="failed",
            path="a.py",
            line=3,
            cause=Cause.OTHER,
            error="TimeoutError",
            message="It took too long.",
        ),
    )
