"""Of the output of a program that nobody knows: how it begins, what looks like an error, how it ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from greenloop.domain import CheckResult, Finding, Report, Severity, Status
from greenloop.lessons.excerpts import excerpt
from greenloop.lessons.feedback import estimate, feedback
from greenloop.verdict.judge import judge


def test_the_ends_and_what_looks_like_an_error() -> None:
    lines = [f"step {n} of 900 is done" for n in range(900)]
    lines[400] = "src/a.ts(12,3): error TS2345: Argument of type 'string' is not assignable"
    lines[401] = lines[400]
    said = excerpt("\n".join(lines), 1000)
    assert len(said) <= 1000
    assert said.startswith("step 0 of 900 is done\n")
    assert said.endswith("step 899 of 900 is done")
    assert said.count("error TS2345") == 1
    told = said.split("\n")
    around = told.index(lines[400])
    assert [told[around - 1], told[around + 1]] == [
        f"… {400 - around + 1} lines …",
        f"… {900 - 401 - (len(told) - around - 2)} lines …",
    ]


def test_what_fits_is_left_as_it_is() -> None:
    assert excerpt("one\ntwo", 7) == "one\ntwo"


@given(st.text(max_size=4000), st.integers(min_value=200, max_value=2000))
def test_never_longer_than_it_may_be(text: str, limit: int) -> None:
    assert len(excerpt(text, limit)) <= max(limit, 0)


def test_the_model_reads_what_a_program_printed_that_tells_by_its_exit_code_alone() -> None:
    said = "\n".join([f"compiling unit {n}" for n in range(3000)] + ["unit.c:4: error: expected ';'", "make: failed"])
    finding = Finding(
        check="make", rule="exit", message="`make`: exit code 2.", severity=Severity.ERROR, context="make"
    )
    base = Report(results=(CheckResult(check="make", status=Status.PASSED),))
    now = Report(results=(CheckResult(check="make", status=Status.FAILED, findings=(finding,), output=said),))
    verdict = judge(base, now, wanted=frozenset(), changed=True)
    text = feedback(now, verdict, base)
    assert "unit.c:4: error: expected ';'" in text
    assert "- make: `make`: exit code 2.\n```\ncompiling unit 0\n" in text
    assert estimate(text) <= 1500
