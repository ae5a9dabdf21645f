"""The engine: a generator of judged attempts. Python drives; the model answers, and our checks decide.

One reply is one proposal, one judged attempt, one commit. An answer that cannot become a tree costs no test run.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from time import monotonic

from greenloop.domain import Attempt, Ending, Reason, Task, Unusable, Usage
from greenloop.engine.candidate import Start
from greenloop.engine.judging import Place, judged, understand, word
from greenloop.engine.looking import Looking
from greenloop.engine.reproduce import STRIKES, held_back, reproduced, without
from greenloop.engine.turn import Sink, State, forgotten, turn
from greenloop.engine.volley import FRESH_TEMPERATURE, volley
from greenloop.engine.workbench import Workbench
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.lessons.failures import line_of
from greenloop.lessons.feedback import feedback, signature
from greenloop.ports import Reply
from greenloop.verdict.choice import standing
from greenloop.verdict.judge import improves

_UNUSABLE_IN_A_ROW = 2
_SAME_FAILURE = 4  # not before the attempts of the default are used: the last of them still wins
_BRIEF = 48  # characters of an older attempt's verdict: prompts stay as long as they are


def iterate(
    task: Task,
    start: Start,
    bench: Workbench,
    *,
    begun: State,
    sink: Sink,
    looking: Looking,
    test_first: bool = False,
) -> Generator[Attempt, None, Ending]:
    """Yield each attempt as soon as it is committed; return why it ended. Never raises for the model's side. Of
    attempts made side by side the best is yielded once more, with the choice."""
    try:
        if test_first:
            start, begun = reproduced(task, begun, start, bench, sink=sink, looking=looking)
        return (yield from _attempts(task, start, bench, state=begun, sink=sink, looking=looking))
    except OutOfBudget as error:
        return Ending(Reason.OUT_OF_BUDGET, str(error))
    except ModelUnreachable as error:
        return Ending(Reason.MODEL_UNREACHABLE, str(error))


def _attempts(
    task: Task, start: Start, bench: Workbench, *, state: State, sink: Sink, looking: Looking
) -> Generator[Attempt, None, Ending]:
    shown = tuple(s.path for s in task.snippets if s.whole)
    if bench.settings.candidates > 1:
        state, won = yield from volley(task, state, start, bench, sink=sink, looking=looking)
        if won is not None and won.verdict.green:
            return Ending(Reason.GREEN)
        bench = lengthened(bench, state)
        state = state if won is None else after(won, state, start, shown=shown)
    while True:
        if sum(held_back(known, start) for known in state.attempts) >= STRIKES:
            start, bench, state = yield from _overruled(state, start, bench, sink=sink, shown=shown)
            if state.attempts[-1].verdict.green:
                return Ending(Reason.GREEN)
        if (over := _over(state, bench)) is not None:
            return over
        began = monotonic()
        number = len(state.attempts) + 1
        bench.say("model", attempt=number)
        reply, said, state = turn(task, state, bench, sink, looking)
        candidate = understand(said, state, start, bench)
        attempt = judged(candidate, reply, start, bench, sink, Place(number, began))
        if isinstance(attempt, Unusable):
            sink.unusable(number, attempt.message)
            bench.say("unusable", attempt=number, detail=attempt.kind)
            state = replace(state, unusable=state.unusable + 1, nudge=attempt.message, temperature=FRESH_TEMPERATURE)
            state = _passed_on(state, bench)
            if state.unusable >= _UNUSABLE_IN_A_ROW:
                return Ending(_end(state), f"Two answers in a row could not be used; of the last: {attempt.told}.")
            continue
        yield attempt
        if attempt.verdict.green:
            return Ending(Reason.GREEN)
        state = advance(state, attempt, start, shown=shown)


def _overruled(
    state: State, start: Start, bench: Workbench, *, sink: Sink, shown: tuple[str, ...]
) -> Generator[Attempt, None, tuple[Start, Workbench, State]]:
    """The best attempt that only the test written first held back once more, without that test, and how it goes on
    without it. No model is asked, so it counts as none of those that were allowed."""
    held = [known for known in state.attempts if held_back(known, start)]
    attempt = max(held, key=lambda known: known.verdict.score)
    plain, made = without(attempt, start, bench)
    bench = replace(bench, settings=replace(bench.settings, attempts=bench.settings.attempts + 1))
    nobody = Reply(text="", finish="stop", usage=Usage(), model=attempt.model, first_token=0.0)
    again = judged(made, nobody, plain, bench, sink, Place(state.number, monotonic()))
    if isinstance(again, Unusable):
        return plain, bench, state
    yield again
    return plain, bench, advance(state, again, plain, shown=shown)


def lengthened(bench: Workbench, state: State) -> Workbench:
    """Attempts that were made side by side count as one."""
    beside = sum(bool(attempt.candidates) for attempt in state.attempts)
    more = bench.settings.attempts + max(0, beside - 1)
    return replace(bench, settings=replace(bench.settings, attempts=more))


def after(won: Attempt, state: State, start: Start, *, shown: tuple[str, ...]) -> State:
    """What follows from proposals made side by side, of which `won` is the best: the others are one line each."""
    others = tuple(a for a in state.attempts if a.number != won.number)
    lines = tuple(told(a) for a in others if a.candidates)
    known = replace(state, attempts=others, history=(*state.history, *lines))
    following = advance(known, won, start, shown=shown)
    return replace(following, attempts=tuple(sorted((*others, won), key=lambda a: a.number)))


def told(attempt: Attempt) -> str:
    return f"attempt {attempt.number} ({attempt.summary}): {line_of(word(attempt.verdict), _BRIEF)}"


def advance(state: State, attempt: Attempt, start: Start, *, shown: tuple[str, ...]) -> State:
    """What follows from an attempt that is not green: go on from it, go back to the best, or start afresh."""
    best = max((*state.attempts, attempt), key=lambda a: standing(a.verdict))
    mark = signature(attempt.report, attempt.verdict)
    same = bool(state.attempts) and word(state.attempts[-1].verdict) == word(attempt.verdict)
    line = f"attempt {attempt.number} ({attempt.summary}): the same" if same else told(attempt)
    behind = standing(attempt.verdict) < standing(best.verdict)
    stuck = mark in state.signatures
    origin = best if behind else attempt
    onto = origin.tree
    nudge = ""
    if stuck:
        onto = best.tree if improves(best.verdict) else start.ground
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
        temperature=FRESH_TEMPERATURE if stuck else 0.0,
        unusable=0,
        signatures=(*state.signatures, mark),
        attempts=(*state.attempts, attempt),
        history=(*state.history, line),
        seen=forgotten(state, attempt.paths),
        again=(),
    )


def _passed_on(state: State, bench: Workbench) -> State:
    """After two useless answers in a row the model that stands in is asked, and told of no answer that was not its."""
    if state.unusable < _UNUSABLE_IN_A_ROW or not bench.model.pass_on():
        return state
    return replace(state, unusable=0, nudge="", temperature=0.0)


def _over(state: State, bench: Workbench) -> Ending | None:
    """That no further answer is asked for."""
    if any(state.signatures.count(mark) >= _SAME_FAILURE for mark in state.signatures[-1:]):
        return Ending(_end(state), "The same failure came back four times.")
    return Ending(_end(state)) if len(state.attempts) >= bench.settings.attempts else None


def _end(state: State) -> Reason:
    """Why a run without a green attempt ended, as far as the attempts tell."""
    if state.best and state.best.verdict.green:  # suggestions of a review, to which no answer added anything
        return Reason.GREEN
    return Reason.IMPROVED if state.best and improves(state.best.verdict) else Reason.UNCHANGED
