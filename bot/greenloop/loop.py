"""The engine: a generator of judged attempts. Python drives; the model answers, and our checks decide.

One reply is one proposal, one judged attempt, one commit. An answer that cannot become a tree costs no test run.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from time import monotonic

from greenloop.candidate import Candidate, Start, examine, from_patch
from greenloop.domain import Attempt, Ending, Patch, Reason, Task, Unusable, Verdict
from greenloop.environment import Unavailable
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.failures import line_of
from greenloop.feedback import feedback, signature
from greenloop.judge import improves
from greenloop.looking import Looking
from greenloop.ports import Reply
from greenloop.trailers import Made
from greenloop.turn import Sink, State, forgotten, turn
from greenloop.workbench import Workbench

_UNUSABLE_IN_A_ROW = 2
_SAME_FAILURE = 3
_FRESH_TEMPERATURE = 0.6
_BRIEF = 48  # characters of an older attempt's verdict: prompts stay as long as they are


def iterate(
    task: Task, start: Start, bench: Workbench, *, begun: State, sink: Sink, looking: Looking
) -> Generator[Attempt, None, Ending]:
    """Yield each attempt as soon as it is committed; return why it ended. Never raises for the model's side."""
    state = begun
    while len(state.attempts) < bench.settings.attempts:
        began = monotonic()
        number = len(state.attempts) + 1
        bench.say("model", attempt=number)
        try:
            reply, said, state = turn(task, state, bench, sink, looking)
        except OutOfBudget as error:
            return Ending(Reason.OUT_OF_BUDGET, str(error))
        except ModelUnreachable as error:
            return Ending(Reason.MODEL_UNREACHABLE, str(error))
        candidate = understand(said, state, start, bench)
        attempt = judged(candidate, reply, start, bench, sink, number=number, began=began)
        if isinstance(attempt, Unusable):
            sink.unusable(number, attempt.message)
            bench.say("unusable", attempt=number, detail=attempt.kind)
            state = replace(state, unusable=state.unusable + 1, nudge=attempt.message, temperature=_FRESH_TEMPERATURE)
            if state.unusable >= _UNUSABLE_IN_A_ROW:
                return Ending(_end(state), f"Two answers in a row could not be used. {attempt.message}")
            continue
        yield attempt
        if attempt.verdict.green:
            return Ending(Reason.GREEN)
        state = advance(state, attempt, start, shown=tuple(s.path for s in task.snippets if s.whole))
        if state.signatures.count(state.signatures[-1]) >= _SAME_FAILURE:
            return Ending(_end(state), "The same failure came back three times.")
    return Ending(_end(state))


def judged(
    candidate: Candidate | Unusable,
    reply: Reply,
    start: Start,
    bench: Workbench,
    sink: Sink,
    *,
    number: int,
    began: float,
) -> Attempt | Unusable:
    """Run the checks on a candidate, judge it and commit it with the result."""
    if isinstance(candidate, Unusable):
        return candidate
    bench.say("checks", attempt=number, detail=candidate.summary)
    try:
        seen = examine(candidate, start, bench)
    except Unavailable as error:  # a dependency that the attempt adds cannot be had
        return Unusable(message=str(error), kind="dependency")
    bench.stop.check()
    made = Made(
        summary=candidate.summary,
        number=number,
        attempts=bench.settings.attempts,
        before=_before(start),
        report=seen.report,
        verdict=seen.verdict,
        model=reply.model,
        usage=reply.usage,
        notes=candidate.notes,
    )
    sha = sink.commit(made, candidate)
    bench.say("judged", attempt=number, detail=_word(seen.verdict))
    return Attempt(
        number=number,
        summary=candidate.summary,
        tree=candidate.tree,
        report=seen.report,
        verdict=seen.verdict,
        usage=reply.usage,
        commit=sha,
        seconds=monotonic() - began,
        model=reply.model,
        paths=candidate.paths,
        own=seen.own,
        notes=candidate.notes,
    )


def _before(start: Start) -> str:
    red = [case for case in start.base.report.tests.values() if case.red]
    if not red:
        return "Before: no test failed."
    name, more = red[0].id.rsplit("::", 1)[-1], f" and {len(red) - 1} more" if len(red) > 1 else ""
    return f"Before: {name} failed with {red[0].error or 'an error'}{more}."


def understand(said: Patch | Unusable, state: State, start: Start, bench: Workbench) -> Candidate | Unusable:
    """What was said as a candidate that is new; or what is wrong with it, in words for the model."""
    candidate = said if isinstance(said, Unusable) else from_patch(said, state.onto, start, bench)
    return _new(candidate, state, start) if isinstance(candidate, Candidate) else candidate


def _new(candidate: Candidate, state: State, start: Start) -> Candidate | Unusable:
    """Judging the same tree twice would teach nothing."""
    if candidate.tree == start.base.tree:
        about = " ".join(candidate.notes) or "Nothing differs from the base."
        return Unusable(message=f"After putting protected files back, nothing is changed. {about}", kind="no change")
    same = next((a.number for a in state.attempts if a.tree == candidate.tree), None)
    if same is None:
        return candidate
    return Unusable(message=f"This is attempt {same} again, and it failed. Try another way.", kind="no change")


def advance(state: State, attempt: Attempt, start: Start, *, shown: tuple[str, ...]) -> State:
    """What follows from an attempt that is not green: go on from it, go back to the best, or start afresh."""
    best = max((*state.attempts, attempt), key=lambda a: _standing(a.verdict))
    mark = signature(attempt.report, attempt.verdict)
    word = line_of(_word(attempt.verdict), _BRIEF)
    same = bool(state.attempts) and _word(state.attempts[-1].verdict) == _word(attempt.verdict)
    history = (*state.history, f"attempt {attempt.number} ({attempt.summary}): {'the same' if same else word}")
    behind = _standing(attempt.verdict) < _standing(best.verdict)
    stuck = mark in state.signatures
    origin = best if behind else attempt
    onto = origin.tree
    nudge = ""
    if stuck:
        onto = best.tree if improves(best.verdict) else start.base.tree
        nudge = "The same failure came back. Say in two lines why, then try another way from the files above."
    return replace(
        state,
        onto=onto,
        failures=feedback(
            attempt.report,
            attempt.verdict,
            start.base.report,
            notes=attempt.notes,
            own=attempt.own,
            shown=(*shown, *attempt.paths),
        ),
        nudge=nudge,
        temperature=_FRESH_TEMPERATURE if stuck else 0.0,
        unusable=0,
        signatures=(*state.signatures, mark),
        attempts=(*state.attempts, attempt),
        history=history,
        seen=forgotten(state, attempt.paths),
        again=(),
    )


def _standing(verdict: Verdict) -> tuple[float, ...]:
    """The score without its last part, the size of the change: smaller is no reason to go back."""
    return verdict.score[:-1]


def _end(state: State) -> Reason:
    """Why a run without a green attempt ended, as far as the attempts tell."""
    if state.best and state.best.verdict.green:  # suggestions of a review, to which no answer added anything
        return Reason.GREEN
    return Reason.IMPROVED if state.best and improves(state.best.verdict) else Reason.UNCHANGED


def _word(verdict: Verdict) -> str:
    return f"green, {verdict.evidence}" if verdict.green else " ".join(verdict.why[:3]) or "not green"
