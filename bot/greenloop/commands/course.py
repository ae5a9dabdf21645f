"""What has happened in a run so far; the one mutable value of it, so that a stop at any place can land it."""

from __future__ import annotations

from dataclasses import dataclass, field

from greenloop.domain import Attempt, Ending, Message, Task
from greenloop.workbench import Baseline


@dataclass(slots=True)
class Course:
    thread: tuple[Message, ...] = ()  # what others have said; quoted, never an order
    base: Baseline | None = None
    task: Task | None = None
    attempts: list[Attempt] = field(default_factory=list)
    unusable: int = 0  # answers that could not become a tree
    lookups: int = 0  # answers of nothing but questions
    ending: Ending | None = None

    @property
    def best(self) -> Attempt | None:
        """The last one, when it is green: it goes on from what is green already. Otherwise the first of those with the
        highest score."""
        if self.attempts and self.attempts[-1].verdict.green:
            return self.attempts[-1]
        return max(self.attempts, key=lambda a: a.verdict.score, default=None)
