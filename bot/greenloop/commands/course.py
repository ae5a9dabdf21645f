"""What has happened in a run so far; the one mutable value of it, so that a stop at any place can land it."""

from __future__ import annotations

from dataclasses import dataclass, field

from greenloop.domain import Attempt, Ending, Message, Task
from greenloop.engine.workbench import Baseline


@dataclass(slots=True)
class Course:
    thread: tuple[Message, ...] = ()  # what others have said; quoted, never an order
    base: Baseline | None = None
    task: Task | None = None
    attempts: list[Attempt] = field(default_factory=list)
    unusable: int = 0  # answers that could not become a tree
    tested: str = ""  # what became of the test that was to be written first
    lookups: int = 0  # answers of nothing but questions
    ending: Ending | None = None

    def add(self, attempt: Attempt) -> None:
        """A new one, or one that is known already with what has been decided of it meanwhile."""
        at = next((n for n, known in enumerate(self.attempts) if known.number == attempt.number), None)
        if at is None:
            self.attempts.append(attempt)
        else:
            self.attempts[at] = attempt

    @property
    def best(self) -> Attempt | None:
        """The last one, when it is green: it goes on from what is green already; of several made side by side, the best
        of these. Otherwise the first of those with the highest score."""
        beside = [a for a in self.attempts if a.candidates] if self.attempts and self.attempts[-1].candidates else []
        last = max(beside or self.attempts[-1:], key=lambda a: a.verdict.score, default=None)
        if last is not None and last.verdict.green:
            return last
        return max(self.attempts, key=lambda a: a.verdict.score, default=None)
