"""`greenloop doctor`: how strongly generated code is confined here, what was tried, and what makes it stronger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from greenloop import push_tokens
from greenloop.forge.terminal import printable
from greenloop.model.local.engines import installed
from greenloop.model.local.hardware import here
from greenloop.model.local.kept import surroundings
from greenloop.model.local.ways import ways
from greenloop.sandbox import cure, trial
from greenloop.sandbox.box import BACKENDS, made_of
from greenloop.sandbox.remembered import Remembered
from greenloop.source import grammars, toolchains
from greenloop.source.toolchains import Tests

HIGHEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """`level` is 3 for namespaces and a user of its own, 2 for namespaces, 1 for a user of its own, 0 for nothing that
    is strong enough; `sandbox` says what it is made of."""

    level: int
    sandbox: str
    trials: tuple[trial.Trial, ...]
    limits: tuple[trial.Probe, ...]
    next: tuple[str, ...]
    model: tuple[str, ...] = ()  # which way of having a model of one's own serves here
    pushing: tuple[str, ...] = ()  # what follows from the token that the workflows here push with
    languages: tuple[str, ...] = ()  # what tests of other languages are run with here, and whose edits are proven

    @property
    def healthy(self) -> bool:
        probes = [*self.limits, *(probe for made in self.trials if made.works for probe in made.attacks)]
        return self.level > 0 and all(probe.held for probe in probes)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "highest": HIGHEST, "healthy": self.healthy}


def with_ways(found: Diagnosis, environment: Mapping[str, str]) -> Diagnosis:
    """With what is to be said about a model of one's own."""
    engines = installed(environment, surroundings(environment))
    return replace(found, model=tuple(ways(here(), engines, environment)))


def with_tokens(found: Diagnosis, folder: Path) -> Diagnosis:
    """With what is to be said about the token that the workflows of a checkout push with."""
    return replace(found, pushing=push_tokens.told(folder))


def with_languages(found: Diagnosis, tests: tuple[Tests, ...] | None, environment: Mapping[str, str]) -> Diagnosis:
    """With what the tests of other languages find here; `tests` are those of the repository that we stand in."""
    known, lacking = grammars.known()
    lines = [*toolchains.here(environment)]
    if tests is not None:
        lines += [f"this repository: {each.told}" for each in tests] or ["this repository: no tests of these"]
    lines += [f"an edit that breaks a file is refused in Python, {', '.join(known)}"] if known else []
    lines += [f"not in {', '.join(lacking)}: pip install '{grammars.EXTRA}'"] if lacking else []
    return replace(found, languages=tuple(lines))


def diagnose(cache: Path | None, say: Callable[[str], None]) -> Diagnosis:
    """Try all of it anew, whatever is remembered, and remember what works. `say` is told what is going on."""
    say("making the attacks from inside, in each way of being confined")
    trials = tuple(trial.attempt(backend) for backend in BACKENDS)
    reasons = {made.backend: made.reason for made in trials if not made.works}
    best = next((made for made in trials if made.works), None)
    if best is None:
        said = cure.explain(reasons)
        helps = said.partition("What helps:\n")[2].splitlines()
        return Diagnosis(
            level=0, sandbox="none", trials=trials, limits=(), next=tuple(line.strip(" -") for line in helps)
        )
    Remembered(cache).keep(best.backend)
    say("passing each limit")
    return Diagnosis(
        level=_level(best.backend),
        sandbox=made_of(best.backend, best.landlock),
        trials=trials,
        limits=tuple(trial.limits(best.backend)),
        next=tuple(cure.stronger(best.backend, reasons)),
    )


def _level(backend: str) -> int:
    if backend == "namespaces":
        return 3 if os.geteuid() == 0 else 2
    return 1


def shown(found: Diagnosis) -> Iterator[str]:
    """For people."""
    yield f"sandbox: {found.sandbox}"
    yield f"level: {found.level} of {HIGHEST}" + ("" if found.healthy else ", and not healthy")
    yield ""
    yield "ways of being confined, strongest first:"
    for made in found.trials:
        yield f"  {'works' if made.works else 'refused':9} {made.backend}" + _why(made)
    for made in found.trials[:1] if found.trials[0].attacks else found.trials:
        if made.attacks:
            yield ""
            yield f"attacks from inside, in {made.backend}:"
            yield from _probes(made.attacks, good="blocked", bad="WORKS")
    if found.limits:
        yield ""
        yield "limits, each of them passed:"
        yield from _probes(found.limits, good="held", bad="NOT HELD")
    yield ""
    if found.model:
        yield "a model of your own:"
        yield from (f"  {line}" for line in found.model)
        yield ""
    if found.pushing:
        yield "pushing:"
        yield from (f"  {printable(line)}" for line in found.pushing)
        yield ""
    if found.languages:
        yield "other languages than Python:"
        yield from (f"  {printable(line)}" for line in found.languages)
        yield ""
    yield "for the next level:" if found.next else "This is the highest level."
    yield from (f"  - {line}" for line in found.next)


def _why(made: trial.Trial) -> str:
    return "" if made.works else f": {cure.cause(made.reason)}"


def _probes(probes: tuple[trial.Probe, ...], *, good: str, bad: str) -> Iterator[str]:
    for probe in probes:
        yield f"  {good if probe.held else bad:9} {probe.name}" + (f" ({probe.detail})" if probe.detail else "")
