"""One answer as a judged attempt: what it says becomes a candidate, the checks run on it, and it is committed."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from greenloop.domain import Attempt, Patch, Unusable, Verdict
from greenloop.engine.candidate import Candidate, Start, examine, from_patch
from greenloop.engine.turn import Sink, State
from greenloop.engine.workbench import Workbench
from greenloop.environment import Unavailable
from greenloop.ports import Reply
from greenloop.report.trailers import Made


@dataclass(frozen=True, slots=True)
class Place:
    """An attempt's number, when it began, and which of how many first proposals made side by side it is, if any."""

    number: int
    began: float
    candidate: int = 0
    candidates: int = 0


def judged(
    candidate: Candidate | Unusable,
    reply: Reply,
    start: Start,
    bench: Workbench,
    sink: Sink,
    place: Place,
) -> Attempt | Unusable:
    """Run the checks on a candidate, judge it and commit it with the result."""
    if isinstance(candidate, Unusable):
        return candidate
    bench.say("checks", attempt=place.number, detail=candidate.summary)
    try:
        seen = examine(candidate, start, bench)
    except Unavailable as error:  # a dependency that the attempt adds cannot be had
        return Unusable(message=str(error), kind="dependency")
    bench.stop.check()
    made = Made(
        summary=candidate.summary,
        number=place.number,
        attempts=bench.settings.attempts,
        before=_before(start),
        report=seen.report,
        verdict=seen.verdict,
        model=reply.model,
        usage=reply.usage,
        notes=candidate.notes,
        candidate=place.candidate,
        candidates=place.candidates,
    )
    sha = sink.commit(made, candidate)
    bench.say("judged", attempt=place.number, detail=word(seen.verdict))
    return Attempt(
        number=place.number,
        summary=candidate.summary,
        tree=candidate.tree,
        report=seen.report,
        verdict=seen.verdict,
        usage=reply.usage,
        commit=sha,
        seconds=monotonic() - place.began,
        model=reply.model,
        paths=candidate.paths,
        own=seen.own,
        notes=candidate.notes,
        candidate=place.candidate,
        candidates=place.candidates,
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
    if candidate.tree == start.ground:
        return Unusable(message="Nothing but the test that is there already would be new.", kind="no change")
    same = next((a.number for a in state.attempts if a.tree == candidate.tree), None)
    if same is None:
        return candidate
    return Unusable(message=f"This is attempt {same} again, and it failed. Try another way.", kind="no change")


def word(verdict: Verdict) -> str:
    """A verdict in a few words."""
    return f"green, {verdict.evidence}" if verdict.green else " ".join(verdict.why[:3]) or "not green"
