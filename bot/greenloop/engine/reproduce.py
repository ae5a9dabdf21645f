"""Test first: the request as a test that fails on the base, before anything is changed for it.

It is kept when it fails there in an assertion or inside the product, twice in the same way. What it says counts as long
as the repository's own tests do not stand alone against it: a test that a model wrote overrules none of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from greenloop.domain import Attempt, Cause, Report, Request, Task, TestCase, Unusable
from greenloop.engine.candidate import Candidate, Reproduction, Start, from_patch, from_tree
from greenloop.engine.looking import Looking
from greenloop.engine.turn import Sink, State, turn
from greenloop.engine.workbench import Workbench, measure
from greenloop.lessons.feedback import first_failures
from greenloop.ports import Workspace
from greenloop.settings import Settings
from greenloop.verdict.findings import decides
from greenloop.verdict.tally import file_of, red_says, short

STRIKES = 2  # changes that nothing else holds back, after which the test goes
STEP = (
    "Only a test that shows the request, in a new test file beside the existing ones, and no other change. It fails on "
    "the code as it is, in an assertion or inside the product, and passes once the request is done. The change itself "
    "is asked for after it."
)
_TELLING = frozenset({Cause.ASSERTION, Cause.PRODUCT})
_DEFECT = re.compile(
    r"\b(?:bugs?|fix(?:es|ed)?|wrong(?:ly)?|broken|breaks?|crash(?:es|ed)?|regress\w*|incorrect(?:ly)?|fails?|failing|"
    r"raises?|traceback|exception|should (?:not )?(?:return|be|give|raise|have)|instead of|does(?: not|n.t) work)\b",
    re.IGNORECASE,
)


def asked(request: Request, settings: Settings, base: Report, expected: Collection[str]) -> bool:
    """Whether a test is to be written first. Left to us, only for what reads like a defect that no test shows."""
    if "pytest" not in settings.checks or request.threads:
        return False
    if settings.tests != "auto":
        return settings.tests == "first"
    return not expected and bool(base.tests) and bool(_DEFECT.search(request.text))


def reproduced(
    task: Task, state: State, start: Start, bench: Workbench, *, sink: Sink, looking: Looking
) -> tuple[Start, State]:
    """Ask once, and go on with the test when it is good. Raises as a turn does."""
    bench.say("model", attempt=state.number, detail="a test first")
    _reply, said, after = turn(task, replace(state, step=STEP), bench, sink, looking)
    state = replace(after, step="")
    made = said if isinstance(said, Unusable) else from_patch(said, state.onto, start, bench)
    if isinstance(made, Unusable):
        sink.unusable(state.number, made.message)
        sink.tested((), f"No test could be taken from the answer. {made.message}")
        return start, state
    paths = _new_tests(made, start, bench.workspace)
    tree = bench.workspace.overlay(start.base.tree, made.tree, paths)
    reports = [measure(bench, tree, start.base, only=paths) for _ in range(2)] if paths else []
    good, why = showing([_tests(report, paths) for report in reports])
    sink.tested(good, why)
    bench.say("tested", attempt=state.number, detail=why)
    if not good:
        return start, state
    kept = Reproduction(tree=tree, paths=paths, tests=good)
    failures = first_failures(reports[0], good)
    return replace(start, reproduction=kept), replace(state, onto=tree, failures=failures)


def _new_tests(made: Candidate, start: Start, workspace: Workspace) -> tuple[str, ...]:
    """Test files that are new; whatever else the answer changes is not for now."""
    known = workspace.entries(start.base.tree)
    return tuple(path for path in made.guarded.own if path.endswith(".py") and path not in known)


def _tests(report: Report, paths: Collection[str]) -> dict[str, TestCase]:
    return {test.id: test for test in report.tests.values() if file_of(test) in paths}


def showing(runs: Sequence[Mapping[str, TestCase]]) -> tuple[tuple[str, ...], str]:
    """The tests that show the request, of runs on the base: none unless all that is red is red for the right reason and
    in every run; and what is to be said of it, one sentence."""
    if not runs:
        return (), "The answer holds no new test file."
    first, *others = runs
    if any({i: t.outcome for i, t in other.items()} != {i: t.outcome for i, t in first.items()} for other in others):
        return (), "The test did not go the same way twice on the base, so it is not kept."
    red = [test for test in first.values() if test.red]
    if not red:
        return (), "The test does not fail on the base, so it shows nothing and is not kept."
    amiss = next((test for test in red if test.cause not in _TELLING), None)
    if amiss is not None:
        return (), f"{short(amiss.id)} fails on the base for a reason of its own, so it is not kept: {red_says(amiss)}"
    names = ", ".join(short(test.id) for test in red[:3])
    return tuple(t.id for t in red), f"Written first, by the model, and kept: {names}. On the base: {red_says(red[0])}"


def held_back(attempt: Attempt, start: Start) -> bool:
    """Whether nothing but the test that was written first keeps an attempt from being green."""
    kept, verdict = start.reproduction, attempt.verdict
    if kept is None or verdict.green or not verdict.score[1]:
        return False
    held = [finding for finding in (*verdict.new, *verdict.wanted) if decides(finding)]
    return bool(held) and all(f.check == "pytest" and f.path in kept.paths for f in held)


def without(attempt: Attempt, start: Start, bench: Workbench) -> tuple[Start, Candidate | Unusable]:
    """The same change without the test that nothing but it fails."""
    kept = start.reproduction
    plain = replace(start, reproduction=None)
    tree = bench.workspace.overlay(attempt.tree, start.base.tree, kept.paths if kept else ())
    made = from_tree(tree, plain, bench, summary=attempt.summary)
    note = f"{STRIKES} changes passed everything but the test that was written first; it was left out."
    return plain, made if isinstance(made, Unusable) else replace(made, notes=(*made.notes, note))
