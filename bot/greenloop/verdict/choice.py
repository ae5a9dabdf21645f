"""Which of several attempts made side by side the run goes on with. Pure.

The checks decide, the repository's own tests first. Only among equals counts how many behave alike on the tests, those
included that the attempts wrote for each other, and then how small the change is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from greenloop.domain import Attempt, Verdict
from greenloop.lessons.failures import says
from greenloop.verdict.tally import Key, table

_NOTHING: Mapping[int, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    attempt: Attempt  # with the reason
    why: str


def standing(verdict: Verdict) -> tuple[float, ...]:
    """The score without what only orders equals: agreement, and the size of the change."""
    return verdict.score[:-2]


def equals(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Those that no check tells from the best."""
    known = tuple(attempts)
    best = max(standing(a.verdict) for a in known)
    return tuple(a for a in known if standing(a.verdict) == best)


def chosen(
    attempts: Sequence[Attempt],
    *,
    of: int,
    votes: Mapping[int, int] = MappingProxyType({}),
    passed: Mapping[int, frozenset[str]] = _NOTHING,
) -> Choice:
    """The best of `attempts`, made of `of` proposals. By number of the attempt: `votes`, how many more proposals were
    the very same change; `passed`, which of the tests that any of them wrote it passes."""
    tied = equals(attempts)
    alike = {a.number: _alike(a, tied, votes=votes, passed=passed) for a in tied}
    weights = {a.number: alike[a.number] * (1 + len(passed.get(a.number, ()))) for a in tied}
    close = [a for a in tied if weights[a.number] == max(weights.values())]
    best = max(close, key=lambda a: a.verdict.score[-1])
    if len(tied) == 1:
        why = _by_checks(attempts, of, same=1 + votes.get(best.number, 0))
    elif len(close) < len(tied):
        why = _by_agreement(best, tied, of, alike=alike[best.number], passed=passed)
    else:
        why = _by_size(best, tied, of)
    score = (*best.verdict.score[:-2], 1.0, best.verdict.score[-1])
    return Choice(replace(best, verdict=replace(best.verdict, score=score), choice=why), why)


def _alike(
    one: Attempt,
    tied: Sequence[Attempt],
    *,
    votes: Mapping[int, int],
    passed: Mapping[int, frozenset[str]],
) -> int:
    """How many proposals behave as this one does on the tests that all of them ran."""
    shared: set[Key] = set.intersection(*(set(table(a.report)) for a in tied))
    mine = _behaviour(one, shared), passed.get(one.number)
    others = (a for a in tied if (_behaviour(a, shared), passed.get(a.number)) == mine)
    return sum(1 + votes.get(a.number, 0) for a in others)


def _behaviour(attempt: Attempt, keys: Iterable[Key]) -> Mapping[Key, tuple[str, str]]:
    """The outcome of each test, and of a red one what it says."""
    tests = table(attempt.report)
    return {key: (tests[key].outcome, says(tests[key]) if tests[key].red else "") for key in keys}


def _by_checks(attempts: Sequence[Attempt], of: int, *, same: int) -> str:
    if same == of:
        return f"All {of} candidates are this very change."
    best = "the only one that could be judged" if len(attempts) == 1 else "the best by the checks"
    return f"Of {of} candidates {best}.{f' {same} of them were this very change.' if same > 1 else ''}"


def _by_agreement(
    best: Attempt, tied: Sequence[Attempt], of: int, *, alike: int, passed: Mapping[int, frozenset[str]]
) -> str:
    told = f"{alike} of {of} candidates behave like this one on the tests" if alike > 1 else "It behaves as no other"
    if passed:
        wrote = len(frozenset().union(*passed.values()))
        told += f", with {len(passed.get(best.number, ()))} passed of the {wrote} that candidates wrote"
    return f"The checks do not tell it from {_names(best, tied)}. {told}."


def _by_size(best: Attempt, tied: Sequence[Attempt], of: int) -> str:
    sizes = Counter(a.verdict.score[-1] for a in tied)
    lines = f"{-best.verdict.score[-1]:.0f} lines"
    small = f"smallest change ({lines})" if sizes[best.verdict.score[-1]] == 1 else f"first of the smallest ({lines})"
    return f"Of {of} candidates the checks do not tell it from {_names(best, tied)}. It is the {small}."


def _names(best: Attempt, tied: Sequence[Attempt]) -> str:
    others = [str(a.number) for a in tied if a.number != best.number]
    return f"attempt{'s' if len(others) > 1 else ''} {', '.join(others)}"
