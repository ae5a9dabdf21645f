"""What the model reads: the whole text, its bounds, and that nothing in it can break out."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenloop.domain import CheckResult, Finding, Report, Severity, Status, TestCase, Verdict
from greenloop.lessons.cures import cure
from greenloop.lessons.failures import fenced, line_of, plain, says
from greenloop.lessons.feedback import estimate, feedback, first_failures, signature
from greenloop.verdict.judge import judge
from judge.samples import T, case, finding, frame, lint, ran, report, suite

PRODUCT = """\
def total(prices):
    result = 0
    # one
    # two
    for price in prices:
        result += price
    # three
    # four
    return result - 1
"""
CHECKING = "@mark\ndef test_total(prices, due):\n    bill = total(prices)\n    assert bill == due\n"
LONG = "def test_long():\n" + "".join(f"    step_{n} = {n}\n" for n in range(30)) + "    assert step_9 == 1\n"


def total(number: int, message: str) -> TestCase:
    at = frame("tests/test_bill.py", "test_total", CHECKING, "assert", 10)
    return case("failed", f"tests/test_bill.py::test_total[{number}]", message=message, frames=(at,))


def beside(base: Report, now: Report, wanted: str = "", **more: object) -> Verdict:
    return judge(base, now, wanted=frozenset(wanted.split()), changed=True, **more)  # type: ignore[arg-type]


def test_the_whole_text() -> None:
    crash = case(
        "failed",
        "tests/test_bill.py::test_crash",
        error="TypeError",
        message="TypeError: unsupported operand",
        frames=(
            frame("tests/test_bill.py", "test_crash", "def test_crash():\n    total([None])\n", "total(", 30),
            frame("bill.py", "outer", "def outer():\n    return total([])\n", "return", 40),
            frame("bill.py", "total", PRODUCT, "result = 0", 1),
            frame("bill.py", "total", PRODUCT, "+= price", 1),
        ),
    )
    base = ran(
        total(1, "x"),
        case("failed", "tests/test_old.py::test_old"),
        case("passed", "tests/test_bill.py::test_crash"),
        case("passed", "tests/test_gone.py::test_gone"),
    )
    found = finding("S602", line=7, context="  run(x,  shell=True)", message="shell `x`")
    now = report(
        lint(found, finding("Q1", context="", path=None, line=None)),
        suite(
            total(1, "assert 5 == 6\n  +where 5 = total()"),
            total(2, "assert 7 == 8"),
            case("failed", "tests/test_old.py::test_old"),
            crash,
            case("passed"),
        ),
        CheckResult(check="bandit", status=Status.PASSED),
    )
    verdict = beside(base, now, "tests/test_bill.py::test_total[1]")
    said = feedback(now, verdict, base, notes=["a.py was put\nback."])
    assert said == textwrap.dedent("""\
        4 tests failed (2 new), 1 passed; ruff: 2 new findings; bandit: nothing new.
        Not part of this: 1 old failure.

        - tests/test_bill.py::test_total[1], [2]
        ```
        AssertionError: assert 5 == 6
          +where 5 = total()
        also: AssertionError: assert 7 == 8
        line 13:
          @mark
          def test_total(prices, due):
              bill = total(prices)
        >     assert bill == due
        ```

        - tests/test_bill.py::test_crash
        ```
        TypeError: unsupported operand
        line 31:
          def test_crash():
        >     total([None])
        bill.py:41 in outer:
          def outer():
        >     return total([])
        bill.py:6 in total:
          def total(prices):
          …
              # two
              for price in prices:
        >         result += price
              # three
              # four
        ```

        - test_gone passed on the base and is now missing

        - a.py:7 ruff S602: shell `x`
              run(x, shell=True)
          Pass a list of words and no `shell=True`.

        - ruff Q1: Q1 here

        - a.py was put back.""")
    short = feedback(now, verdict, base, shown={"bill.py"})
    assert "bill.py:41 in outer: return total([])\nbill.py:6 in total: result += price\n```" in short
    assert first_failures(base, {"tests/test_bill.py::test_total[1]"}).startswith(
        "Before any change: 1 test to mend failed, 2 passed. Not part of this: 1 old failure.\n\n"
        "- tests/test_bill.py::test_total[1]\n```\nAssertionError: x\n"
    )
    assert first_failures(base, ()) == first_failures(now, {T}) == ""


def test_groups_are_by_exception_and_place_and_at_most_three() -> None:
    cases = [
        case(
            "failed", f"tests/test_{n}.py::test_it", message=f"assert {n}", frames=(frame(f"m{n}.py", "f", "f()", "f"),)
        )
        for n in range(8)
    ]
    same = case("failed", "tests/test_9.py::test_it", error="KeyError", frames=cases[0].frames, message="KeyError: 1")
    now = ran(*cases, same)
    said = feedback(now, beside(ran(), now), ran())
    assert re.findall(r"^- (.*)$", said, re.MULTILINE) == [
        "tests/test_0.py::test_it",
        "tests/test_1.py::test_it",
        "tests/test_2.py::test_it",
        f"failing in other ways: {', '.join(f'tests/test_{n}.py::test_it' for n in (3, 4, 5))} and 3 more",
    ]
    # of a file that was named the name alone, and no function twice
    at = frame("tests/test_0.py", "test_it", "def test_it():\n    assert f(1)\n", "assert f(1)")
    errors = ("AssertionError", "KeyError", "TypeError", "OSError")
    beside_it = [
        case("failed", f"tests/test_0.py::test_it[{n}]", error=error, message=f"{error}: {n}", frames=(at,))
        for n, error in enumerate(errors)
    ]
    said = feedback(ran(*beside_it), beside(ran(), ran(*beside_it)), ran())
    assert said.partition("\n\n")[2] == textwrap.dedent("""\
        - tests/test_0.py::test_it[0]
        ```
        AssertionError: 0
        line 2:
          def test_it():
        >     assert f(1)
        ```

        - tests/test_0.py::test_it[1]
        ```
        KeyError: 1
        line 2: assert f(1)
        ```

        - tests/test_0.py::test_it[2]
        ```
        TypeError: 2
        line 2: assert f(1)
        ```

        - failing in other ways: test_it[3]""")
    # without frames the message tells failures apart
    plain_ones = [case("failed", f"suite::{n}", message="same" if n < 2 else "other") for n in range(3)]
    said = feedback(ran(*plain_ones), beside(ran(), ran(*plain_ones)), ran())
    assert re.findall(r"^- (.*)$", said, re.MULTILINE) == ["suite::0, 1", "suite::2"]


def test_a_long_test_is_shown_around_its_mark_and_a_long_message_by_its_ends() -> None:
    at = frame("tests/test_a.py", "test_long", LONG, "assert step_9")
    message = "assert 1 == 2\n" + "\n".join(f"  line {n} of the difference" for n in range(300))
    now = ran(case("failed", message=message, frames=(at,)))
    said = feedback(now, beside(ran(), now), ran())
    assert "assert 1 == 2\n  line 0 of" in said
    assert "  line 299 of the difference" in said
    assert re.search(r"\n… \d{4} characters left out …\n  line", said)
    assert "  def test_long():\n  …\n      step_28 = 28\n      step_29 = 29\n>     assert step_9 == 1\n```" in said
    assert "step_5" not in said


def test_checks_that_were_not_made_show_the_end_of_their_output() -> None:
    base = report(lint(), suite(case("passed")))
    now = report(
        lint(status=Status.BROKEN, reason="no ruff"),
        CheckResult(check="pytest", status=Status.FAILED, output="a\n" * 2000 + "Segmentation fault"),
        CheckResult(check="bandit", status=Status.SKIPPED, reason="A changed file does not parse."),
    )
    verdict = judge(base, now, wanted=frozenset(), changed=False)
    said = feedback(now, verdict, base, own=report(CheckResult(check="own", status=Status.BROKEN)))
    head, *units = said.split("\n\n")
    assert head == "0 tests failed, 0 passed; pytest: nothing new.\nNothing was changed." or "new finding" in head
    assert units[0] == "ruff could not be made: no ruff"
    assert units[1].startswith("pytest failed.\n```\n")
    assert units[1].endswith("a\nSegmentation fault\n```")
    assert len(units[1]) < 1600
    assert units[2:4] == ["bandit was not made: A changed file does not parse.", "own could not be made."]


def test_tests_of_an_own_run() -> None:
    name = "tests/test_new.py::test_own"
    own = report(suite(case("failed", name, message="assert 'mine'")))
    base = ran(case("passed"))
    verdict = beside(base, base, own=own, own_paths=frozenset({"tests/test_new.py"}))
    said = feedback(base, verdict, base, own=own)
    assert said.startswith(
        "1 test failed (1 new), 1 passed; ruff: nothing new.\n\n- tests/test_new.py::test_own\n```\n"
    )
    assert "assert 'mine'" in said
    without = feedback(base, verdict, base)
    assert "- test_own was added by this attempt and fails: assert 'mine'" in without


@pytest.mark.parametrize("limit", [60, 100, 200, 400, 1500])
def test_bounded_by_whole_units(limit: int) -> None:
    cases = [total(n, f"assert {n}\n" + "difference\n" * 200) for n in range(3)]
    crash = case("failed", "tests/test_b.py::test_b", error="KeyError", message="KeyError: 1")
    now = report(lint(*(finding(f"E{n}", context=f"line {n}") for n in range(160))), suite(*cases, crash))
    verdict = beside(ran(), now)
    said = feedback(now, verdict, ran(), limit=limit)
    assert estimate(said) <= limit
    assert said.startswith("4 tests failed (4 new), 0 passed; ruff: 160 new findings.")
    assert said.count("```") % 2 == 0
    cut = re.search(r"\(Left out for length: (?:(\d) failures?, )?(\d+) findings\.\)$", said)
    assert cut
    assert int(cut[2]) + len(re.findall(r"ruff E\d+:", said)) == 160
    if limit >= 100:
        assert "AssertionError: assert 0" in said


HOSTILE = [
    "``` \n# heading",
    "`````\n````````",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202eevil\u200b\ufeff",
    "\ud800",
    "@someone </quoted> <!-- -->",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_breaks_out_of_its_fence(text: str) -> None:
    at = frame("tests/x.py", "f", f"def f():\n    {text.splitlines()[0]} here\n", "here")
    bad = case("failed", f"tests/test_a.py::test_{text}", message=f"m {text}", error=f"E{text}", frames=(at,))
    now = report(
        lint(finding(f"R{text}", message=text, context=text, path=f"p{text}")),
        suite(bad),
        CheckResult(check="x", status=Status.BROKEN, reason=text, output=text),
    )
    said = feedback(now, beside(ran(), now), ran(), notes=[text])
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\ufeff\ud800-\udfff]", said)
    fence, outside = "", []
    for line in said.splitlines():
        run = re.match(r"`{3,}", line)
        if fence and re.fullmatch(rf" {{0,3}}{fence}`*\s*", line):
            assert line == fence
            fence = ""
        elif not fence and run:
            assert line == run.group()
            fence = line
        elif not fence:
            outside.append(line)
    assert not fence
    assert not [line for line in outside if "```" in line or re.match(r"#|<!|>", line)]
    assert re.search(r"^- a|^- tests/test_a", said, re.MULTILINE)


@settings(deadline=None, database=None)
@given(st.text(alphabet="`\n a", max_size=60))
def test_a_fence_is_longer_than_what_is_inside(text: str) -> None:
    first, *inside, last = fenced(text).split("\n")
    assert first == last
    assert not any(line.strip().startswith(first) for line in inside)
    assert "\n" not in line_of(text)
    assert "```" not in line_of(text)


# raw → what is left; assertions stay as they are
NORMAL = [
    ("assert [1, 2] == [1, 3]", "assert [1, 2] == [1, 3]"),
    ("RecursionError: maximum recursion depth exceeded", "RecursionError: maximum recursion depth exceeded"),
    ("assert <A object at 0x7f3a5c0b1c40> == 0x10", "assert <A object at 0x…> == 0x10"),
    ("assert [<generator o...7fe4df5fcd60>] == [1]", "assert [<generator o...>] == [1]"),
    ("No such file: '/tmp/pytest-of-root/pytest-0/t0/out.txt'", "No such file: '<tmp>/out.txt'"),
    ("assert '/tmp' == '/home/tmp/x'", "assert '/tmp' == '/home/tmp/x'"),
    ("3 failed in 0.12s", "3 failed in … s"),
    ("timed out after 10 seconds", "timed out after … s"),
    ("assert 12 seconds == '3s'", "assert 12 seconds == '3s'"),
]


@pytest.mark.parametrize(("raw", "left"), NORMAL)
def test_normalised(raw: str, left: str) -> None:
    assert plain(raw) == left


# error, message → as pytest's E lines have it
SAID = [
    ("AssertionError", "assert 'F1' == '1F'\n  - 1F", "AssertionError: assert 'F1' == '1F'\n  - 1F"),
    ("AssertionError", "AssertionError: told\nassert 1", "AssertionError: told\nassert 1"),
    ("IndexError", "list index out of range", "IndexError: list index out of range"),
    ("Odd", "pkg.Odd: x", "pkg.Odd: x"),
    ("Failed", "", "Failed"),
    ("", "plain", "plain"),
]


@pytest.mark.parametrize(("error", "message", "text"), SAID)
def test_exceptions_are_named(error: str, message: str, text: str) -> None:
    assert says(case("failed", error=error, message=message)) == text


def test_the_end_of_what_a_test_printed_is_told() -> None:
    loud = "Captured stdout call:\n" + "".join(f"step {n}\n" for n in range(20)) + "x" * 500
    now = ran(case("failed", error="ValueError", message="ValueError: no", output=loud))
    told = feedback(now, beside(ran(), now), ran()).partition("ValueError: no\n")[2]
    assert told.split("\n")[:6] == ["printed:", *(f"step {n}" for n in range(16, 20)), "x" * 119 + "…"]


def test_a_failure_without_words() -> None:
    assert says(case("failed", error="", message="", output="last words\n")) == "last words"
    assert says(case("error", error="", message="")) == "error"
    bare = ran(case("failed", frames=(frame("a.py", "f", "f()", "f"),)))
    gone = bare.tests[T].frames[0].__class__(path="a.py", line=9, function="f")
    now = ran(case("failed", frames=(gone,)))
    assert "\na.py:9 in f\n" in feedback(now, beside(ran(), now), ran())


def test_the_same_failure_has_the_same_signature() -> None:
    def mark(
        message: str = "assert 1 == 2", line: int = 3, function: str = "f", *found: Finding, **more: object
    ) -> str:
        at = frame("a.py", function, "x\ny\n" * 20, "x", line)
        red = case("failed", **{"message": message, "frames": (at,), **more})  # type: ignore[arg-type]
        now = report(lint(*found), suite(red))
        return signature(now, beside(ran(case("passed")), now))

    same = mark()
    assert same == mark(line=90)
    assert same == mark(seconds=9.0, output="other")
    assert mark("at 0x7f3a5c0b1c40, a.py:12, line 7, in 0.2s") == mark("at 0x7f3a5c0b1fff, a.py:99, line 8, in 9.9s")
    assert mark("m", 1, "f", finding(line=1)) == mark("m", 1, "f", finding(line=50))
    others = [
        mark("assert 1 == 3"),
        mark(function="g"),
        mark(error="KeyError"),
        mark(name="tests/test_a.py::test_y"),
        mark("assert 1 == 2", 3, "f", finding()),
    ]
    assert len({same, *others}) == len(others) + 1
    old = ran(case("failed"))
    assert signature(old, beside(old, old)) == signature(ran(), beside(ran(), ran()))
    broken = report(lint(status=Status.BROKEN, reason="a"))
    assert signature(broken, beside(broken, broken)) != signature(ran(), beside(ran(), ran()))
    note = finding(severity=Severity.NOTE)
    noted = report(lint(note))
    assert signature(noted, beside(ran(), noted)) == signature(ran(), beside(ran(), ran()))


def test_cures() -> None:
    assert cure("ruff", "F401") == "Remove the unused import."
    assert cure("ruff", "S324") == cure("bandit", "B324") == "Use `hashlib.sha256`, or pass `usedforsecurity=False`."
    assert cure("ruff", "S999") == cure("bandit", "F401") == cure("eslint", "B602") == cure("ruff", "B602") == ""
    assert cure("bandit", "B006") == ""
    one = Finding(check="bandit", rule="B307", message="eval", path="a.py", line=1, context="eval(x)")
    now = report(CheckResult(check="bandit", status=Status.FAILED, findings=(one,)))
    assert feedback(now, beside(report(), now), report()) == (
        "bandit: 1 new finding.\n\n- a.py:1 bandit B307: eval\n      eval(x)\n  Use `ast.literal_eval`."
    )
