"""The engine: a generator of judged attempts. Python drives; the model answers, and our checks decide.

One reply is one proposal, one judged attempt, one commit. An answer that cannot become a tree costs no test run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from time import monotonic

from greenloop.candidate import Candidate, Start, examine, from_patch
from greenloop.context import Source
from greenloop.domain import Attempt, Ending, Reason, Task, Tree, Unusable, Verdict
from greenloop.edits import parse
from greenloop.environment import Unavailable
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.feedback import feedback, signature
from greenloop.framing import framed
from greenloop.judge import improves
from greenloop.ports import CallLimits, Chat, Reply
from greenloop.sense import no_code
from greenloop.trailers import Made
from greenloop.workbench import Workbench

_UNUSABLE_IN_A_ROW = 2
_SAME_FAILURE = 3
_FRESH_TEMPERATURE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where the engine puts what must not be lost. `reply` is called before anything is made of the answer; `commit`
    returns the commit id; `unusable` takes the message that the model gets."""

    reply: Callable[[int, Chat, Reply], None]
    unusable: Callable[[int, str], None]
    commit: Callable[[Made, Candidate], str]
    omitted: Callable[[tuple[str, ...]], None]  # what a prompt had no room for


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the next prompt depends on. `onto` is the tree that the next answer is applied to."""

    onto: Tree
    failures: str
    nudge: str = ""
    temperature: float = 0.0
    unusable: int = 0  # in a row
    signatures: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    history: tuple[str, ...] = ()  # one line per attempt; the last one is told by `failures`

    @property
    def best(self) -> Attempt | None:
        """The first of those with the highest score."""
        return max(self.attempts, key=lambda a: a.verdict.score, default=None)


def iterate(
    task: Task, start: Start, bench: Workbench, *, failures: str, sink: Sink
) -> Generator[Attempt, None, Ending]:
    """Yield each attempt as soon as it is committed; return why it ended. Never raises for the model's side."""
    state = State(onto=start.base.tree, failures=failures)
    while len(state.attempts) < bench.settings.attempts:
        began = monotonic()
        number = len(state.attempts) + 1
        bench.say("model", attempt=number)
        try:
            reply = ask(task, state, bench, sink)
        except OutOfBudget as error:
            return Ending(Reason.OUT_OF_BUDGET, str(error))
        except ModelUnreachable as error:
            return Ending(Reason.MODEL_UNREACHABLE, str(error))
        candidate = understand(reply, task, state, start, bench)
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


def ask(task: Task, state: State, bench: Workbench, sink: Sink) -> Reply:
    """One call, with its whole possible cost reserved before it."""
    written = [path for attempt in state.attempts for path in attempt.paths]
    source = Source(bench.workspace, state.onto, bench.settings)
    words = {"failures": state.failures, "nudge": state.nudge}
    history, last = state.history[:-1], bench.budget.nearly_spent
    chat, dropped = framed(task, source, written=written, history=history, last=last, **words)
    sink.omitted(dropped)
    reservation = bench.budget.reserve(chat, bench.model.price, bench.settings.max_output)
    limits = CallLimits(max_output=reservation.max_output, seconds=bench.budget.seconds_left)
    limits = replace(limits, temperature=state.temperature, more=lambda chat: bench.budget.grow(reservation, chat))
    try:
        with bench.stop.waiting():
            reply = bench.model.complete(chat, limits=limits, on_chunk=lambda text: bench.say("reply", detail=text))
    except ModelUnreachable as error:
        bench.budget.failed(reservation, spent=error.spent)
        raise
    except OutOfBudget:  # of the requester or the repository; nothing was asked
        bench.budget.failed(reservation, spent=False)
        raise
    except BaseException:
        bench.budget.failed(reservation, spent=True)
        raise
    bench.budget.settle(reservation, reply.usage)
    sink.reply(len(state.attempts) + 1, chat, reply)
    return reply


def understand(reply: Reply, task: Task, state: State, start: Start, bench: Workbench) -> Candidate | Unusable:
    """The reply as a candidate that is new; or what is wrong with it, in words for the model."""
    source = Source(bench.workspace, state.onto, bench.settings)
    paths = frozenset(e.path for e in source.entries())

    def read(path: str) -> bytes | None:
        return None if source.hidden(path) else bench.workspace.read(state.onto, path)

    shown = tuple(s.path for s in task.snippets if s.whole)
    patch = parse(reply.text, read, paths, finish=reply.finish, expected=shown)
    if isinstance(patch, Unusable):
        return no_code(reply.text, patch)
    secret = [path for path in patch.paths if source.hidden(path)]
    if secret:
        return Unusable(message=f"{secret[0]} is kept from you and cannot be changed.", kind="forbidden path")
    candidate = from_patch(patch, state.onto, start, bench)
    if isinstance(candidate, Candidate):
        return _new(candidate, state, start)
    return candidate


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
    history = (*state.history, f"attempt {attempt.number} ({attempt.summary}): {_word(attempt.verdict)}")
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
    )


def _standing(verdict: Verdict) -> tuple[float, ...]:
    """The score without its last part, the size of the change: smaller is no reason to go back."""
    return verdict.score[:-1]


def _end(state: State) -> Reason:
    """Why a run without a green attempt ended, as far as the attempts tell."""
    return Reason.IMPROVED if state.best and improves(state.best.verdict) else Reason.UNCHANGED


def _word(verdict: Verdict) -> str:
    return f"green, {verdict.evidence}" if verdict.green else " ".join(verdict.why[:3]) or "not green"
