"""A command that is run for its time and memory, confined; nothing that it prints counts."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from greenloop.checks import programs, text
from greenloop.ports import Sandbox, Subject
from greenloop.settings import Settings

RUNS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """The median of the runs, and the highest peak."""

    seconds: float
    memory: float  # MB


def run(subject: Subject, sandbox: Sandbox, settings: Settings, command: str) -> Cost | str:
    """What it costs, or why that is not known, one sentence."""
    variables, words = programs.words(command, option="criteria.benchmark")
    argv = programs.resolved(words, subject.environment)
    given = programs.policy(subject, settings, program=argv[0], seconds=settings.test_timeout, environment=variables)
    done = [programs.confined(sandbox, argv, cwd=subject.folder / subject.directory, given=given) for _ in range(RUNS)]
    bad = next((each for each in done if each.exit_code or each.killed_by), None)
    if bad is not None:
        how = programs.limit_words(bad, given) if bad.killed_by else f"exit code {bad.exit_code}"
        return text.clean(f"The benchmark did not end well: {how}.", 300)
    return Cost(median(each.seconds for each in done), float(max(each.peak_memory for each in done)))
