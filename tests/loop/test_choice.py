"""Which of several attempts made side by side is taken; the rules, one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from greenloop.commands.course import Course
from greenloop.commands.journal import opened
from greenloop.domain import Attempt, TestCase, Tree, Usage, Verdict
from greenloop.records import recording
from greenloop.records.recording import Chosen, Entry, Judged, Replied, Run, Unanswered
from greenloop.settings import Settings
from greenloop.verdict.choice import chosen
from values import attempt, passed, red, report, request

A, B = "tests/test_a.py::test_a", "tests/test_a.py::test_b"


def made(number: int, *cases: TestCase, green: bool = True, lines: int = 4, met: float = 1.0) -> Attempt:
    known = attempt(number, green=green)
    verdict: Verdict = replace(known.verdict, score=(float(green), met, 0.0, -float(lines)))
    return replace(known, verdict=verdict, report=report(*(cases or (passed(A),))), candidate=number, candidates=3)


def test_the_checks_come_first() -> None:
    """Whatever two agree on, and however small they are."""
    lots = [made(1, green=False, lines=1), made(2, green=False, lines=1), made(3, lines=90)]
    tests = {1: frozenset({"1 t", "2 t"}), 2: frozenset({"1 t", "2 t"}), 3: frozenset()}
    choice = chosen(lots, of=3, votes={1: 5}, passed=tests)
    assert (choice.attempt.number, choice.why) == (3, "Of 3 candidates the best by the checks.")
    assert choice.attempt.verdict.score == (1.0, 1.0, 1.0, -90.0)


def test_then_what_most_agree_on() -> None:
    """They differ in what an old failure says, which no check counts."""
    odd = made(1, passed(A), red(B, message="assert 1 == 9"), lines=1)
    lots = [odd, *(made(n, passed(A), red(B, message="assert 2 == 9"), lines=9) for n in (2, 3))]
    choice = chosen(lots, of=3)
    assert (choice.attempt.number, choice.why) == (
        2,
        "The checks do not tell it from attempts 1, 3. 2 of 3 candidates behave like this one on the tests.",
    )


def test_agreement_weighs_with_the_tests_that_are_passed() -> None:
    lots = [made(1, lines=1), made(2, lines=9), made(3, lines=1)]
    tests = {1: frozenset({"2 x"}), 2: frozenset({"2 x", "2 y", "3 z"}), 3: frozenset({"3 z"})}
    choice = chosen(lots, of=3, passed=tests)
    assert choice.attempt.number == 2
    assert choice.why == (
        "The checks do not tell it from attempts 1, 3. It behaves as no other, with 3 passed of the 3 that candidates "
        "wrote."
    )


def test_then_the_smallest_change() -> None:
    choice = chosen([made(1, lines=7), made(2, lines=5), made(3, lines=5)], of=4)
    assert (choice.attempt.number, choice.why) == (
        2,
        "Of 4 candidates the checks do not tell it from attempts 1, 3. It is the first of the smallest (5 lines).",
    )


def test_the_same_change_twice_counts_twice() -> None:
    one, other = made(1, red(B, message="assert 1 == 9"), lines=1), made(2, red(B, message="assert 2 == 9"), lines=9)
    assert chosen([one, other], of=3).attempt.number == 1
    assert chosen([one, other], of=3, votes={2: 1}).attempt.number == 2


def test_what_is_chosen_is_what_is_kept() -> None:
    """Among green ones it is not the last; a later one that goes on from it is."""
    lots = [made(1, lines=7), made(2, lines=5), made(3, lines=9)]
    course = Course(attempts=list(lots))
    won = chosen(lots[:1] + lots[2:], of=3).attempt
    course.add(won)
    assert (course.best, [a.number for a in course.attempts]) == (won, [1, 2, 3])
    later = attempt(4)
    course.add(later)
    assert course.best == later


def test_a_killed_run_notes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    def answer(draw: int) -> Replied:
        return Replied(
            attempt=1,
            prompt_sha256="0",
            text=f"answer {draw}",
            finish="stop",
            usage=Usage(calls=1, input=1, output=1, cost=None),
            model="m",
            first_token=0.0,
            draw=draw,
        )

    run = Run(request=request(), settings=Settings(), base="b" * 40, model="m")
    judged = Judged(attempt=1, tree=Tree("t" * 40), commit="c" * 40, decision="green")
    first: list[Entry] = [run, answer(3), Unanswered(attempt=1, draw=2, message="gone")]
    again: list[Entry] = [run, answer(1), answer(3), Unanswered(attempt=1, draw=2, message="gone"), judged]
    again += [Chosen(attempt=1, why="the best")]
    for entries in (first, again):
        with opened(tmp_path, "key", fresh=False) as journal:
            for entry in entries:
                journal.add(entry)
    text = (tmp_path / "greenloop/runs/key/recording.jsonl").read_text()
    assert recording.loads(text) == (*first, answer(1), judged, again[-1])
