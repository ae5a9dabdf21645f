"""One turn of the loop: a prompt, an answer; and as long as the answer is questions, theirs and the prompt again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from greenloop.domain import Attempt, Lookup, Patch, Question, Task, Tree, Unusable, Usage
from greenloop.edits import parse
from greenloop.edits.questions import asked
from greenloop.engine.candidate import Candidate
from greenloop.engine.context import Source
from greenloop.engine.framing import asked_form, framed
from greenloop.engine.looking import Looking
from greenloop.engine.workbench import Workbench
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.hygiene.guise import meant
from greenloop.lookups import READING, clipped
from greenloop.model.budget import estimate_tokens
from greenloop.ports import CallLimits, Chat, Fit, Reply
from greenloop.prompts.looks import Looks
from greenloop.report.trailers import Made
from greenloop.sense import no_code

AT_ONCE = 8  # questions of one answer
LARGE = 16_000  # bytes of text beside the prompt from which on looking is offered
BOTH = "The answer asks and edits at once. Ask in an answer of its own, or leave the questions out."
NONE_LEFT = "No question is left in this run: what you have asked stands above. Answer with the edits."
_TOO_MANY = f"Not answered: more than {AT_ONCE} questions at once."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where the engine puts what must not be lost. `reply` is called before anything is made of the answer; `commit`
    returns the commit id; `unusable` takes the message that the model gets; `looked` the answers."""

    reply: Callable[[int, Chat, Reply], None]
    unusable: Callable[[int, str], None]
    looked: Callable[[int, Tree, tuple[Answered, ...]], None]
    commit: Callable[[Made, Candidate], str]
    omitted: Callable[[tuple[str, ...]], None]  # what a prompt had no room for
    unanswered: Callable[[int, int, str], None]  # of answers asked for at once, one that did not come, and why
    tested: Callable[[tuple[str, ...], str], None]  # the tests written first that are kept, and what is to be said
    chosen: Callable[[int, str], None]  # of attempts made side by side, the one to go on with, and why


@dataclass(frozen=True, slots=True)
class Answered:
    question: Question
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the next prompt depends on. `onto` is the tree that the next answer is applied to."""

    onto: Tree
    failures: str
    nudge: str = ""
    step: str = ""  # what this answer is to hold, where that is not the whole change
    temperature: float = 0.0
    unusable: int = 0  # in a row
    signatures: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    history: tuple[str, ...] = ()  # one line per attempt; the last one is told by `failures`
    seen: tuple[Answered, ...] = ()  # oldest first
    lookups: int = 0  # answers of questions so far
    again: tuple[str, ...] = ()  # what the last answer asked a second time
    offered: bool = False  # whether the model is told how to ask; the same in all prompts of a run

    @property
    def best(self) -> Attempt | None:
        """The first of those with the highest score."""
        return max(self.attempts, key=lambda a: a.verdict.score, default=None)

    @property
    def number(self) -> int:
        """Of the attempt that is being made."""
        return len(self.attempts) + 1


def offered(task: Task, source: Source) -> bool:
    """Whether there is so much beside what the prompt quotes that looking is worth a word of it."""
    whole = {snippet.path for snippet in task.snippets if snippet.whole}
    rest = sum(entry.size or 0 for entry in source.entries() if entry.path not in whole)
    return source.settings.lookups > 0 and rest > LARGE


def turn(
    task: Task, state: State, bench: Workbench, sink: Sink, looking: Looking
) -> tuple[Reply, Patch | Unusable, State]:
    """The reply that ends the turn, with what the whole turn has used, and what it says. Raises `OutOfBudget` and
    `ModelUnreachable`."""
    used: Usage | None = None
    while True:
        reply = ask(task, state, bench, sink)
        used = reply.usage if used is None else used + reply.usage
        said = read(reply, task, state, bench)
        if not isinstance(said, Lookup):
            return replace(reply, usage=used), said, state
        if state.lookups >= bench.settings.lookups:
            return replace(reply, usage=used), Unusable(message=NONE_LEFT, kind="no question left"), state
        bench.say("lookup", attempt=state.number, detail="; ".join(_line(q) for q in said.questions[:AT_ONCE]))
        state = answered(said, state, sink, looking)


def read(reply: Reply, task: Task, state: State, bench: Workbench) -> Patch | Lookup | Unusable:
    """What the model says: edits, or questions and nothing else."""
    source = Source(bench.workspace, state.onto, bench.settings)
    paths = frozenset(e.path for e in source.entries())
    shown = tuple(s.path for s in task.snippets if s.whole)

    def text(path: str) -> bytes | None:
        return None if source.hidden(path) else bench.workspace.read(state.onto, path)

    questions = asked(reply.text) if bench.settings.lookups and reply.finish != "length" else None
    if questions is not None:
        rest = parse(questions.rest, text, paths, finish=reply.finish, expected=shown)
        if isinstance(rest, Unusable) and rest.kind == "no edit":
            return questions.lookup
        if any(question.kind == "run" for question in questions.lookup.questions):
            return Unusable(message=BOTH, kind="malformed")
    patch = parse(
        reply.text, text, paths, finish=reply.finish, expected=shown, form=asked_form(bench.settings, bench.model.fit)
    )
    if isinstance(patch, Unusable):
        return no_code(reply.text, patch)
    secret = [path for path in patch.paths if source.hidden(path)]
    if secret:
        return Unusable(message=f"{secret[0]} is kept from you and cannot be changed.", kind="forbidden path")
    return patch


def answered(lookup: Lookup, state: State, sink: Sink, looking: Looking) -> State:
    """The state with the answers, each question once and the last asked last."""
    before = {known.question for known in state.seen}
    questions = lookup.questions[:AT_ONCE]
    new = [Answered(question, looking.answer(question, state.onto)) for question in questions]
    new += [Answered(question, _TOO_MANY) for question in lookup.questions[AT_ONCE:][:1]]
    sink.looked(state.number, state.onto, tuple(new))
    kept = [known for known in state.seen if known.question not in lookup.questions]
    return replace(
        state,
        seen=(*kept, *new),
        lookups=state.lookups + 1,
        again=tuple(_line(question) for question in questions if question in before),
    )


def forgotten(state: State, paths: tuple[str, ...]) -> tuple[Answered, ...]:
    """What still holds after an attempt that changed `paths`: what was read elsewhere."""
    return tuple(
        known
        for known in state.seen
        if known.question.kind in READING and not any(path in known.question.about for path in paths)
    )


def ask(task: Task, state: State, bench: Workbench, sink: Sink) -> Reply:
    """One call, with its whole possible cost reserved before it."""
    anew, made = prompting(task, state, bench, sink), []

    def prompt(fit: Fit) -> Chat:
        """Kept, because another model may be the one that answers, and gets a prompt of its own."""
        made.append(anew(fit))
        return made[-1]

    reply = call(prompt(bench.model.fit), bench, temperature=state.temperature, anew=prompt)
    sink.reply(state.number, made[-1], reply)
    return reply


def prompting(task: Task, state: State, bench: Workbench, sink: Sink) -> Callable[[Fit], Chat]:
    """What is asked now, as a model of some fit needs it."""
    written = [path for attempt in state.attempts for path in attempt.paths]
    source = Source(bench.workspace, state.onto, bench.settings)
    words = {"failures": state.failures, "nudge": state.nudge, "step": state.step}
    history, last = state.history[:-1], bench.budget.nearly_spent
    looks = Looks(
        offered=state.offered,
        answers=_fitting(state.seen, bench.settings.lookup_tokens),
        again=state.again,
        left=bench.settings.lookups - state.lookups,
    )

    def anew(fit: Fit) -> Chat:
        chat, dropped = framed(task, source, written=written, history=history, last=last, looks=looks, fit=fit, **words)
        sink.omitted(dropped)
        return chat

    return anew


def call(chat: Chat, bench: Workbench, *, temperature: float = 0.0, anew: Callable[[Fit], Chat] | None = None) -> Reply:
    """Whatever becomes of it, what it may have cost is accounted for."""
    reservation = bench.budget.reserve(chat, bench.model.price, bench.settings.max_output)
    limits = CallLimits(max_output=reservation.max_output, seconds=bench.budget.seconds_left)
    limits = replace(limits, temperature=temperature, anew=anew, more=lambda chat: bench.budget.grow(reservation, chat))
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
    return replace(reply, text=meant(reply.text))


def _fitting(seen: tuple[Answered, ...], tokens: int) -> tuple[tuple[str, str], ...]:
    """The newest answers whole while they fit, and of the others that they were given."""
    kept: list[tuple[str, str]] = []
    for known in reversed(seen):
        text = _told(known)
        tokens -= estimate_tokens(text)
        kept.append((_line(known.question), text if tokens >= 0 else "(left out for length; ask again)"))
    return tuple(reversed(kept))


def _told(known: Answered) -> str:
    """Nothing of an older answer is in the prompt, so a snippet stands above what came of it."""
    return f"{clipped(known.question.about)}\n# →\n{known.text}" if known.question.kind == "run" else known.text


def _line(question: Question) -> str:
    return "run" if question.kind == "run" else " ".join(question.words.split())[:120]
