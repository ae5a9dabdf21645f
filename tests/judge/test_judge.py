"""What is green, and what green proves. The tables are the rules; each row is one of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from greenloop.domain import Cause, CheckResult, Evidence, Finding, Report, Severity, Status, TestCase
from greenloop.verdict.judge import DELETED, UNCHANGED, evidence_line, improves, judge
from judge.samples import OWN, T, case, finding, lint, ran, report, suite

# what it keeps while collecting stays out of the checkout, where pytest would warn of it
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / f"greenloop-hypothesis-{os.getuid()}")

NOTHING: frozenset[str] = frozenset()
FAILED, PASSED, SKIPPED, BROKEN = Status.FAILED, Status.PASSED, Status.SKIPPED, Status.BROKEN


# base outcome, outcome now, wanted → green, where the test is listed, proof
REPOSITORY_TEST = [
    ("passed", "passed", False, True, "", False),
    ("passed", "failed", False, False, "new", False),
    ("passed", "error", False, False, "new", False),
    ("passed", "skipped", False, False, "new", False),
    ("passed", "xfailed", False, False, "new", False),
    ("passed", "xpassed", False, True, "", False),
    ("passed", "missing", False, False, "new", False),
    ("xpassed", "skipped", False, False, "new", False),
    ("failed", "passed", False, True, "fixed", True),
    ("failed", "passed", True, True, "fixed", True),
    ("error", "passed", True, True, "fixed", True),
    ("failed", "xpassed", True, True, "fixed", False),
    ("failed", "failed", False, True, "old", False),
    ("failed", "error", False, True, "old", False),
    ("failed", "failed", True, False, "wanted", False),
    ("failed", "skipped", True, False, "wanted", False),
    ("failed", "xfailed", True, False, "wanted", False),
    ("failed", "missing", True, False, "wanted", False),
    ("failed", "skipped", False, True, "old", False),
    ("failed", "missing", False, True, "old", False),
    ("skipped", "passed", False, True, "", False),
    ("skipped", "missing", False, True, "", False),
    ("skipped", "failed", False, False, "new", False),
    ("xfailed", "failed", False, False, "new", False),
    ("xfailed", "passed", False, True, "", False),
    ("missing", "passed", False, True, "", False),
    ("missing", "failed", False, False, "new", False),
    ("missing", "missing", True, False, "wanted", False),
]


@pytest.mark.parametrize(("base", "now", "wanted", "green", "listed", "proves"), REPOSITORY_TEST)
def test_a_test_of_the_repository(base: str, now: str, wanted: bool, green: bool, listed: str, proves: bool) -> None:
    other = case("passed", "tests/test_a.py::test_other")
    before, after = ([other, case(o)] if o != "missing" else [other] for o in (base, now))
    verdict = judge(ran(*before), ran(*after), wanted=frozenset({T} if wanted else ()), changed=True)
    assert verdict.green is green
    assert {where: [f.rule for f in getattr(verdict, where)] for where in ("new", "fixed", "old", "wanted")} == {
        where: [T] if where == listed else [] for where in ("new", "fixed", "old", "wanted")
    }
    assert (verdict.proof, verdict.own_proof, verdict.unproven) == ((T,) if proves else (), (), ())
    assert verdict.evidence is (Evidence.PROVEN if proves else Evidence.UNPROVEN)


# outcome on the base's code, cause there, outcome now → green, own_proof, unproven
OWN_TEST = [
    ("failed", Cause.ASSERTION, "passed", True, True, False),
    ("failed", Cause.PRODUCT, "passed", True, True, False),
    ("failed", Cause.IMPORT, "passed", True, False, True),
    ("failed", Cause.OTHER, "passed", True, False, True),
    ("failed", None, "passed", True, False, True),
    ("error", Cause.ASSERTION, "passed", True, False, True),
    ("error", Cause.IMPORT, "passed", True, False, True),
    ("skipped", None, "passed", True, False, True),
    ("missing", None, "passed", True, False, True),
    ("passed", None, "passed", True, False, False),
    ("failed", Cause.ASSERTION, "skipped", True, False, False),
    ("failed", Cause.ASSERTION, "failed", False, False, False),
    ("failed", Cause.ASSERTION, "error", False, False, False),
    ("passed", None, "failed", False, False, False),
]


@pytest.mark.parametrize("apart", [False, True], ids=["in the judged tree", "in a run of its own"])
@pytest.mark.parametrize(("base", "cause", "now", "green", "proves", "unproven"), OWN_TEST)
def test_a_test_that_the_attempt_wrote(
    base: str, cause: Cause | None, now: str, green: bool, proves: bool, unproven: bool, apart: bool
) -> None:
    before = TestCase(id=OWN, outcome=base, path="tests/test_new.py", cause=cause)
    mine = case(now, OWN)
    verdict = judge(
        ran(case("passed")),
        ran(case("passed")) if apart else ran(case("passed"), mine),
        wanted=NOTHING,
        changed=True,
        own=report(suite(mine)) if apart else None,
        own_base=report(suite(before)) if base != "missing" else report(suite()),
        own_paths=frozenset({"tests/test_new.py"}),
    )
    assert (verdict.green, verdict.own_proof, verdict.unproven, verdict.proof) == (
        green,
        (OWN,) if proves else (),
        (OWN,) if unproven else (),
        (),
    )
    assert [f.rule for f in verdict.new] == ([] if green else [OWN])
    assert verdict.score[4] == 1.0  # the attempt's own tests make no attempt better


def test_an_existing_test_file_that_the_attempt_adds_to() -> None:
    """The judged tree holds the base's version, a run of its own the attempt's; the file's old tests stay proof."""
    added = "tests/test_a.py::test_added"
    paths = frozenset({"tests/test_a.py"})
    base = ran(case("failed"), case("passed", "tests/test_a.py::test_y"))
    now = ran(case("passed"), case("passed", "tests/test_a.py::test_y"))
    before = report(suite(case("failed"), case("failed", added), case("passed", "tests/test_a.py::test_y")))

    def judged(*own: TestCase, restored: frozenset[str] = paths) -> tuple[object, ...]:
        verdict = judge(
            base,
            now,
            wanted=frozenset({T}),
            changed=True,
            own=report(suite(*own)),
            own_base=before,
            own_paths=paths,
            restored=restored,
        )
        return verdict.green, verdict.proof, verdict.own_proof, [f.message for f in verdict.new]

    fine = [case("passed"), case("passed", "tests/test_a.py::test_y"), case("passed", added)]
    assert judged(*fine) == (True, (T,), (added,), [])
    assert judged(*fine, restored=NOTHING) == (True, (), (T, added), [])
    skipping = [case("skipped"), case("skipped", "tests/test_a.py::test_y"), case("passed", added)]
    gone = "is no longer run in this attempt's version of its file"
    assert judged(*skipping) == (False, (T,), (added,), [f"test_x {gone}", f"test_y {gone}"])
    assert judged(case("passed", added)) == (False, (T,), (added,), [f"test_x {gone}", f"test_y {gone}"])
    failing = [case("failed"), case("passed", "tests/test_a.py::test_y"), case("failed", added)]
    assert judged(*failing) == (
        False,
        (T,),
        (),
        [
            "test_x passes as the base has it, fails as changed here: assert 1 == 2",
            "test_added was added by this attempt and fails: assert 1 == 2",
        ],
    )


@pytest.mark.parametrize(
    "holder",
    ["tests/test_a.py", "tests/test_a.py::TestA", "tests/conftest.py", "conftest.py", "tests/__init__.py", "tests"],
)
def test_what_could_not_be_collected_stands_for_its_tests(holder: str) -> None:
    one, two = f"{'tests/test_a.py::TestA'}::test_1[a::b]", "tests/test_a.py::TestA::test_2"
    base = ran(case("error", holder, Cause.IMPORT), case("passed", "other/test_b.py::test_b"))
    other = case("passed", "other/test_b.py::test_b")

    def judged(*cases: TestCase) -> tuple[object, ...]:
        verdict = judge(base, ran(other, *cases), wanted=frozenset({holder}), changed=True)
        return verdict.green, verdict.proof, [f.rule for f in verdict.wanted], [f.rule for f in verdict.new]

    assert judged(case("passed", one), case("passed", two)) == (True, (one, two), [], [])
    assert judged(case("passed", one), case("failed", two)) == (False, (one,), [two], [])
    assert judged(case("skipped", one)) == (False, (), [holder], [])
    assert judged() == (False, (), [holder], [])


def test_a_file_that_can_no_longer_be_collected_is_one_finding() -> None:
    names = [f"tests/test_a.py::test_{n}" for n in range(5)]
    base = ran(*(case("passed", n) for n in names), case("failed", "tests/test_a.py::test_old"))
    now = ran(case("error", "tests/test_a.py", Cause.IMPORT, error="ImportError", message="ImportError: no x"))
    verdict = judge(base, now, wanted=NOTHING, changed=True)
    assert [(f.rule, f.message) for f in verdict.new] == [
        ("tests/test_a.py", "tests/test_a.py is new and fails: ImportError: no x")
    ]
    assert [f.message for f in verdict.old] == ["test_old failed on the base and is now missing"]
    assert verdict.score == (0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_of_two_results_for_one_test_the_worst_counts() -> None:
    twice = suite(case("failed"), case("passed"))
    assert [f.rule for f in judge(ran(case("passed")), report(lint(), twice), wanted=NOTHING, changed=True).new] == [T]
    assert not judge(
        ran(case("passed")), report(lint(), suite(case("passed"), case("skipped"))), wanted=NOTHING, changed=True
    ).green


def test_tests_of_the_same_name_in_two_checks_are_two_tests() -> None:
    def both(first: str, second: str) -> Report:
        return report(suite(case(first)), CheckResult(check="more", status=FAILED, tests=(case(second),)))

    verdict = judge(both("failed", "failed"), both("failed", "passed"), wanted=frozenset({T}), changed=True)
    assert (verdict.green, [f.check for f in verdict.wanted], [f.check for f in verdict.fixed]) == (
        False,
        ["pytest"],
        ["more"],
    )


def test_a_deleted_test_file() -> None:
    base = ran(case("passed"), case("passed", "tests/test_b.py::test_b"))
    now = ran(case("passed", "tests/test_b.py::test_b"))
    note = Finding(check="integrity", rule=DELETED, message="deleted", path="tests/test_a.py", severity=Severity.NOTE)
    permitted = judge(base, now, wanted=NOTHING, changed=True, notes=(note,))
    assert permitted.green
    assert [(f.rule, f.severity) for f in permitted.new] == [(T, Severity.NOTE), (DELETED, Severity.NOTE)]
    assert not judge(base, now, wanted=NOTHING, changed=True).green


# findings on the base, findings now → green, new, fixed, old
ONE, SAME, SECOND = finding(line=1), finding(line=40), finding(context="import sys")
NOTE, WARNING = finding(severity=Severity.NOTE), finding("W1", severity=Severity.WARNING)
FINDINGS = [
    ((), (ONE,), False, (ONE,), (), ()),
    ((ONE,), (SAME,), True, (), (), (SAME,)),
    ((ONE,), (), True, (), (ONE,), ()),
    ((ONE,), (ONE, SAME), False, (SAME,), (), (ONE,)),
    ((ONE,), (SECOND,), False, (SECOND,), (ONE,), ()),
    ((), (WARNING,), False, (WARNING,), (), ()),
    ((), (NOTE,), True, (NOTE,), (), ()),
    ((NOTE,), (ONE,), False, (ONE,), (NOTE,), ()),
]


@pytest.mark.parametrize(("before", "after", "green", "new", "fixed", "old"), FINDINGS)
def test_findings(
    before: tuple[Finding, ...],
    after: tuple[Finding, ...],
    green: bool,
    new: tuple[Finding, ...],
    fixed: tuple[Finding, ...],
    old: tuple[Finding, ...],
) -> None:
    verdict = judge(
        report(lint(*before), suite(case("passed"))),
        report(lint(*after), suite(case("passed"))),
        wanted=NOTHING,
        changed=True,
    )
    assert (verdict.green, verdict.new, verdict.fixed, verdict.old) == (green, new, fixed, old)
    assert verdict.why == (() if green else ("1 new finding: ruff 1.",))


def test_a_red_test_and_its_finding_are_one() -> None:
    told = Finding(check="pytest", rule="failed", message="assert 1 == 2", path="tests/test_a.py", context=T)
    forged = Finding(check="pytest", rule="forged", message="1 line is not the reporter's")
    now = report(lint(), suite(case("failed"), findings=(told, forged)))
    verdict = judge(ran(case("passed")), now, wanted=NOTHING, changed=True)
    assert [f.rule for f in verdict.new] == [T, "forged"]
    assert verdict.why == ("2 new findings: pytest 2.",)
    own = report(suite(case("passed", OWN), findings=(forged,)))
    kept = {"wanted": NOTHING, "changed": True, "own": own, "own_paths": frozenset({"tests/test_new.py"})}
    assert judge(ran(case("passed")), ran(case("passed")), **kept).new == (forged,)  # type: ignore[arg-type]
    base = report(lint(), suite(case("passed"), findings=(forged,)))
    assert judge(base, base, **kept).green  # type: ignore[arg-type]


# what a check is on the base and now → the reasons
def check(status: Status, reason: str = "", findings: tuple[Finding, ...] = ()) -> CheckResult:
    return CheckResult(check="ruff", status=status, reason=reason, findings=findings)


NO_TESTS = "No tests were collected."
GATE = "A changed file does not parse."
UNMEASURED = [
    (check(PASSED), check(PASSED), ()),
    (check(PASSED), check(BROKEN, "no ruff"), ("ruff could not be made: no ruff.",)),
    (check(BROKEN, "no ruff"), check(BROKEN, ""), ("ruff could not be made: no reason given.",)),
    (check(PASSED), check(SKIPPED, GATE), (f"ruff was not made: {GATE}",)),
    (check(SKIPPED, GATE), check(SKIPPED, GATE), (f"ruff was not made: {GATE}",)),
    (check(SKIPPED, NO_TESTS), check(SKIPPED, NO_TESTS), ()),
    (check(PASSED), check(SKIPPED, NO_TESTS), (f"ruff was not made: {NO_TESTS}",)),
    (check(SKIPPED, NO_TESTS), check(SKIPPED, "something else"), ("ruff was not made: something else.",)),
    (None, check(SKIPPED), ("ruff was not made: skipped.",)),
    (check(PASSED), None, ("ruff was made on the base and not here.",)),
    (check(PASSED), check(FAILED), ("ruff failed without naming a finding.",)),
    (check(FAILED), check(FAILED), ("ruff failed without naming a finding.",)),
    (check(FAILED, findings=(ONE,)), check(BROKEN, "a\nb" * 99), (f"ruff could not be made: {('a b' * 99)[:200]}.",)),
]


@pytest.mark.parametrize(("before", "after", "why"), UNMEASURED)
def test_not_checked_is_not_passed(before: CheckResult | None, after: CheckResult | None, why: tuple[str, ...]) -> None:
    base, now = (report(suite(case("passed")), *([r] if r else [])) for r in (before, after))
    verdict = judge(base, now, wanted=NOTHING, changed=True)
    assert (verdict.green, verdict.why, verdict.fixed, verdict.score[:2]) == (
        not why,
        why,
        (),
        (float(not why), float(not why)),
    )


def test_nothing_checked_and_nothing_changed() -> None:
    assert judge(report(), report(), wanted=NOTHING, changed=True).why == ("Nothing was checked.",)
    skipped = report(check(SKIPPED, NO_TESTS))
    assert judge(skipped, skipped, wanted=NOTHING, changed=True).why == ("Nothing was checked.",)
    same = judge(ran(case("failed")), ran(case("passed")), wanted=frozenset({T}), changed=False)
    assert (same.green, same.why, improves(same)) == (False, (UNCHANGED,), False)


def test_tests_of_a_check_that_was_not_made_are_not_called_missing() -> None:
    base = ran(case("passed"), case("failed", "tests/test_a.py::test_y"), case("failed", "tests/test_a.py::test_z"))
    wanted = frozenset({"tests/test_a.py::test_y"})
    for after in (suite(status=BROKEN), suite(status=SKIPPED)):
        verdict = judge(base, report(lint(), after), wanted=wanted, changed=True)
        assert (verdict.green, verdict.new) == (False, ())
        assert [f.message for f in verdict.wanted] == ["test_y failed on the base and was not run now"]
        assert [f.message for f in verdict.old] == ["test_z failed on the base and was not run now"]
    died = judge(
        base,
        report(lint(), suite(status=FAILED, findings=(finding("exit", check="pytest"),))),
        wanted=NOTHING,
        changed=True,
    )
    assert [f.rule for f in died.new] == [T, "exit"]


def test_an_own_run_that_could_not_be_made() -> None:
    own = report(CheckResult(check="pytest", status=BROKEN, reason="no pytest"))
    verdict = judge(
        ran(case("passed")),
        ran(case("passed")),
        wanted=NOTHING,
        changed=True,
        own=own,
        own_paths=frozenset({"tests/test_new.py"}),
    )
    assert verdict.why == ("pytest could not be made: no pytest.",)
    mute = report(CheckResult(check="pytest", status=FAILED))
    verdict = judge(ran(case("passed")), ran(case("passed")), wanted=NOTHING, changed=True, own=mute)
    assert verdict.why == ("pytest failed without naming a finding.",)


def test_a_new_own_test_is_not_excused_by_a_broken_conftest_of_the_base() -> None:
    base = ran(case("error", "conftest.py", Cause.IMPORT))
    now = ran(case("passed"), case("failed", OWN))
    verdict = judge(base, now, wanted=NOTHING, changed=True, own_paths=frozenset({"tests/test_new.py"}))
    assert (verdict.green, [f.rule for f in verdict.new], verdict.proof) == (False, [OWN], (T,))


def test_notes_are_listed_and_decide_by_their_severity() -> None:
    base, now = ran(case("passed")), ran(case("passed"))
    note = finding("restored", severity=Severity.NOTE, check="integrity")
    bad = finding("noqa", check="integrity")
    assert judge(base, now, wanted=NOTHING, changed=True, notes=(note,)).new == (note,)
    assert judge(base, now, wanted=NOTHING, changed=True, notes=(note,)).green
    assert judge(base, now, wanted=NOTHING, changed=True, notes=(bad,)).why == ("1 new finding: integrity 1.",)


def test_scores_order_attempts() -> None:
    y = "tests/test_a.py::test_y"
    base = ran(case("failed"), case("passed", y))
    kept = {"wanted": frozenset({T}), "changed": True}

    def score(now: Report, **more: object) -> tuple[float, ...]:
        return judge(base, now, **{**kept, **more}).score  # type: ignore[arg-type]

    order = [
        score(report(lint(status=BROKEN), suite(case("passed"), case("passed", y)))),
        score(ran(case("passed"), case("failed", y))),
        score(ran(case("failed"), case("passed", y))),
        score(report(lint(ONE), suite(case("passed"), case("passed", y)))),
        score(report(lint(WARNING), suite(case("passed"), case("passed", y)))),
        score(ran(case("passed"), case("passed", y)), diff_lines=9),
        score(ran(case("passed"), case("passed", y)), diff_lines=2),
    ]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert order[-1] == (1.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, -2.0)
    more = "tests/test_a.py::test_more"
    own = score(ran(case("passed"), case("passed", y), case("passed", more)), own_paths=frozenset({"tests/test_a.py"}))
    assert own[4] == 0.0


def test_better_than_the_base() -> None:
    z = "tests/test_a.py::test_z"
    base = ran(case("failed"), case("failed", z))

    def better(now: Report, *wanted: str) -> bool:
        return improves(judge(base, now, wanted=frozenset(wanted), changed=True))

    half = ran(case("passed"), case("failed", z))
    assert better(half, T, z)
    assert better(half)
    assert not better(base, T, z)
    assert not better(ran(case("passed"), case("failed", z), case("failed", OWN)), T, z)
    assert not better(report(lint(ONE), *half.results[1:]), T, z)
    assert not better(report(lint(status=BROKEN), *half.results[1:]), T, z)


# proof, own proof → the trailer's words
EVIDENCE = [
    ([], [], "unproven"),
    (["t/test_a.py::test_retry"], [], "proven(test_retry)"),
    ([], ["t/test_a.py::test_retry"], "proven(own test_retry)"),
    (["a::test_a", "a::test_b"], ["b::test_c"], "proven(test_a, test_b, own test_c)"),
    ([f"a::test_{n}" for n in "abcde"], [], "proven(test_a, test_b and 3 more)"),
    (["a::test_a[x-1]", "a::A::test_a[x-1]"], [], "proven(test_a[x-1])"),
    (["a::test_é\n@all) [x](y) `z` <b>\u202e"], [], "proven(test_éall[x]yzb)"),
    (["a::()"], [], "proven(test)"),
    (["a::test_" + "x" * 200], [], f"proven(test_{'x' * 55})"),
    (["a::test_" + "x" * 90, "a::test_" + "y" * 90], [], f"proven(test_{'x' * 90} and 1 more)"),
    (["a::test_" + "x" * 200, "a::b"], [], f"proven(test_{'x' * 55} and 1 more)"),
]


@pytest.mark.parametrize(("proof", "own", "line"), EVIDENCE)
def test_the_line_of_evidence(proof: list[str], own: list[str], line: str) -> None:
    base = ran(*(case("failed", i) for i in proof), case("passed"))
    now = ran(*(case("passed", i) for i in (*proof, *own)), case("passed"))
    paths = frozenset(i.partition("::")[0] for i in own)
    mine = report(suite(*(case("failed", i) for i in own)))
    verdict = judge(base, now, wanted=NOTHING, changed=True, own_base=mine, own_paths=paths)
    assert evidence_line(verdict) == line
    assert len(line) <= 120


# Properties ----------------------------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from(["passed", "failed", "error", "skipped", "xfailed", "xpassed"])
IDS = st.sampled_from(
    ["tests/test_a.py", "tests/test_a.py::test_1", "tests/test_a.py::test_2", "t.py::A::b", "conftest.py"]
)
CASES = st.lists(st.builds(case, OUTCOMES, IDS, st.sampled_from([None, *Cause])), max_size=5)
FOUND = st.lists(
    st.builds(finding, st.sampled_from(["F401", "E1"]), severity=st.sampled_from(list(Severity))), max_size=3
)
RESULTS = st.builds(
    lambda name, status, cases, found: CheckResult(
        check=name, status=status, tests=tuple(cases), findings=tuple(found), reason="No tests."
    ),
    st.sampled_from(["pytest", "ruff", "bandit"]),
    st.sampled_from(list(Status)),
    CASES,
    FOUND,
)
REPORTS = st.builds(
    lambda results: Report(results=tuple({r.check: r for r in results}.values())), st.lists(RESULTS, max_size=3)
)
PATHS = st.frozensets(st.sampled_from(["tests/test_a.py", "t.py"]))


@settings(deadline=None, database=None)
@given(
    sides=st.tuples(REPORTS, REPORTS, st.none() | REPORTS, st.none() | REPORTS),
    wanted=st.frozensets(IDS),
    changed=st.booleans(),
    own_paths=PATHS,
    restored=PATHS,
)
def test_green_is_never_claimed_for_nothing(
    sides: tuple[Report, Report, Report | None, Report | None],
    wanted: frozenset[str],
    changed: bool,
    own_paths: frozenset[str],
    restored: frozenset[str],
) -> None:
    base, now, own, own_base = sides
    verdict = judge(
        base,
        now,
        wanted=wanted,
        changed=changed,
        own=own,
        own_base=own_base,
        own_paths=own_paths,
        restored=restored & own_paths,
    )
    red = {t.id for r in now.results for t in r.tests if t.red}
    assert verdict.green is (not verdict.why)
    assert (verdict.evidence is Evidence.PROVEN) == bool(verdict.proof or verdict.own_proof)
    assert not set(verdict.proof) & red
    if verdict.green:
        assert changed
        assert not [f for f in verdict.new if f.severity is not Severity.NOTE]
        assert not verdict.wanted
        assert not now.broken
        assert not (own and own.broken)
        assert not wanted & red
        assert {r.check for r in base.results} <= {r.check for r in now.results}
    if improves(verdict):
        assert changed
        assert not now.broken


@settings(deadline=None, database=None)
@given(base=REPORTS, wanted=st.frozensets(IDS))
def test_the_base_beside_itself_proves_nothing(base: Report, wanted: frozenset[str]) -> None:
    verdict = judge(base, base, wanted=wanted, changed=True)
    assert (verdict.evidence, verdict.proof, verdict.new, verdict.fixed) == (Evidence.UNPROVEN, (), (), ())
