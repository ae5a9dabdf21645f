"""The first proposals, several at once: asked with one prompt, judged one after the other, and the best is chosen."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic

from greenloop.domain import Attempt, Lookup, Patch, Report, Task, Unusable
from greenloop.engine.calls import Draw, Failed, at_once
from greenloop.engine.candidate import Candidate, Start
from greenloop.engine.judging import Place, judged, understand
from greenloop.engine.looking import Looking
from greenloop.engine.turn import NONE_LEFT, Sink, State, answered, prompting, read
from greenloop.engine.workbench import Workbench, measure
from greenloop.environment import Unavailable
from greenloop.ports import Reply
from greenloop.settings import Settings
from greenloop.verdict.choice import chosen, equals
from greenloop.verdict.tally import file_of

FRESH_TEMPERATURE = 0.6
LADDER = (0.0, 0.4, 0.7, 1.0)  # of the first answer of each model, of its second, …; the last one from then on

Made = tuple[Attempt, Candidate]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The last reply of a draw, with what all of its calls have used, and what it says."""

    draw: int
    reply: Reply
    said: Patch | Unusable


def draws(settings: Settings) -> tuple[Draw, ...]:
    models = 1 + len(settings.candidate_models)
    return tuple(
        Draw(number + 1, LADDER[min(number // models, len(LADDER) - 1)]) for number in range(settings.candidates)
    )


def volley(
    task: Task, state: State, start: Start, bench: Workbench, *, sink: Sink, looking: Looking
) -> Generator[Attempt, None, tuple[State, Attempt | None]]:
    """Yield each attempt as soon as it is committed, and the best of them again with the reason; None when no answer
    could become an attempt."""
    of = bench.settings.candidates
    long = replace(bench, settings=replace(bench.settings, attempts=bench.settings.attempts + of - 1))
    bench.say("model", attempt=state.number, detail=f"{of} candidates at once")
    proposals, state = proposed(task, state, bench, sink, looking)
    made: list[Made] = []
    votes: dict[int, int] = {}
    nudge = ""
    for proposal in proposals:
        now = replace(state, attempts=(*state.attempts, *(attempt for attempt, _ in made)))
        found = understand(proposal.said, state, start, bench)
        twin = next((a.number for a, c in made if isinstance(found, Candidate) and c.tree == found.tree), None)
        if twin is not None:
            votes[twin] = votes.get(twin, 0) + 1
            bench.say("same", attempt=twin)
            continue
        place = Place(now.number, monotonic(), proposal.draw, of)
        attempt = judged(found, proposal.reply, start, long, sink, place)
        if isinstance(attempt, Unusable):
            sink.unusable(now.number, attempt.message)
            bench.say("unusable", attempt=now.number, detail=attempt.kind)
            nudge = nudge or attempt.message
        elif isinstance(found, Candidate):
            made.append((attempt, found))
            yield attempt
    if not made:
        return replace(state, unusable=state.unusable + 1, nudge=nudge, temperature=FRESH_TEMPERATURE), None
    attempts = tuple(attempt for attempt, _ in made)
    tied = {attempt.number for attempt in equals(attempts)}
    passed = crossed([pair for pair in made if pair[0].number in tied], start, bench) if len(tied) > 1 else {}
    choice = chosen(attempts, of=of, votes=votes, passed=passed)
    won = choice.attempt
    sink.chosen(won.number, choice.why)
    yield won
    kept = tuple(won if attempt.number == won.number else attempt for attempt in attempts)
    return replace(state, attempts=(*state.attempts, *kept)), won


def proposed(
    task: Task, state: State, bench: Workbench, sink: Sink, looking: Looking
) -> tuple[tuple[Proposal, ...], State]:
    """What came of all draws, in their order. Those that ask first are answered together, and asked again. Raises what
    kept every answer away."""
    done: dict[int, Proposal] = {}
    failed: list[Failed] = []
    bill: dict[int, Reply] = {}
    waiting: Sequence[Draw] = draws(bench.settings)
    while waiting:
        came: dict[int, Reply] = {}
        for number, chat, got in at_once(prompting(task, state, bench, sink), bench, waiting):
            if isinstance(got, Reply):
                came[number] = replace(got, draw=number)
                sink.reply(state.number, chat, came[number])
            else:
                failed.append(got)
                sink.unanswered(state.number, number, str(got))
                bench.say("unusable", attempt=state.number, detail=f"candidate {number}: {got}")
        asking: list[Draw] = []
        for draw in (draw for draw in waiting if draw.number in came):
            reply = came[draw.number]
            before = bill.get(draw.number)
            bill[draw.number] = reply if before is None else replace(reply, usage=before.usage + reply.usage)
            said = read(reply, task, state, bench)
            if not isinstance(said, Lookup):
                done[draw.number] = Proposal(draw.number, bill[draw.number], said)
            elif state.lookups >= bench.settings.lookups:
                unusable = Unusable(message=NONE_LEFT, kind="no question left")
                done[draw.number] = Proposal(draw.number, bill[draw.number], unusable)
            else:
                bench.say("lookup", attempt=state.number, detail=f"candidate {draw.number} asks")
                state = answered(said, state, sink, looking)
                asking.append(draw)
        waiting = asking
    if not done:
        raise failed[0]
    return tuple(done[number] for number in sorted(done)), state


def crossed(made: Sequence[Made], start: Start, bench: Workbench) -> dict[int, frozenset[str]]:
    """Which of the tests that any of these attempts wrote each of them passes, by the attempt's number."""
    passed: dict[int, set[str]] = {attempt.number: set() for attempt, _ in made}
    for author, by in made:
        paths = tuple(path for path in by.guarded.own if path.endswith(".py"))
        if not paths:
            continue
        for attempt, on in made:
            bench.say("checks", attempt=attempt.number, detail=f"the tests that attempt {author.number} wrote")
            report = author.report if attempt is author else _ran(paths, by, on, start=start, bench=bench)
            passed[attempt.number] |= {
                f"{author.number} {test.id}"
                for test in (report.tests.values() if report else ())
                if test.outcome == "passed" and file_of(test) in paths
            }
    return {number: frozenset(tests) for number, tests in passed.items()} if any(passed.values()) else {}


def _ran(paths: tuple[str, ...], by: Candidate, on: Candidate, *, start: Start, bench: Workbench) -> Report | None:
    """The tests of one candidate on the code of another."""
    with suppress(Unavailable):
        return measure(bench, bench.workspace.overlay(on.tree, by.tree, paths), start.base, only=paths)
    return None
