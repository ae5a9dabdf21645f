"""How it ended: attempts, usage, the outcome and its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from greenloop.domain.asked import Request
from greenloop.domain.measured import Report, Verdict
from greenloop.domain.proposed import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money of one or more calls. `cost` is US dollars, None when the model has no known price."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float | None = 0.0
    estimated: bool = False  # whether any of it is our own count, because the provider gave none

    def __add__(self, other: Usage) -> Usage:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Usage(
            calls=self.calls + other.calls,
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
            cost=cost,
            estimated=self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One reply that became a tree, was judged and committed."""

    number: int
    summary: str
    tree: Tree
    report: Report
    verdict: Verdict
    usage: Usage
    commit: str
    seconds: float
    model: str
    paths: tuple[str, ...] = ()
    own: Report | None = None  # the attempt's own test files as it has them, where the judged tree has the base's
    notes: tuple[str, ...] = ()  # repairs made, protected files restored, tests not judged; for the reader
    candidate: int = 0  # which of the first proposals that were made side by side, from 1; 0 for none
    candidates: int = 0  # how many of them were asked for
    choice: str = ""  # of the one that the run went on with: why


class Reason(Enum):
    """Why a run ended. Owns the exit code and the sentence that people read."""

    GREEN = ("green", 0, "Nothing new is red, and every test that had to pass passes.")
    ANSWERED = ("answered", 0, "The question was answered; no code was changed.")
    UNDONE = ("undone", 0, "Attempts were taken back by a commit on top of them.")
    IMPROVED = ("improved", 3, "Not green, but better than the base; the best attempt is kept as a draft.")
    UNCHANGED = ("unchanged", 4, "No attempt was better than the base.")
    NOT_GREEN = ("not_green", 4, "The checks are not green.")
    REFUSED = ("refused", 5, "The request was refused.")
    OUT_OF_BUDGET = ("out_of_budget", 6, "The budget was used up before the checks were green.")
    BROKEN_ENVIRONMENT = ("broken_environment", 7, "The checks cannot run here; this says nothing about the code.")
    MODEL_UNREACHABLE = ("model_unreachable", 8, "The model gave no usable answer.")
    NO_SANDBOX = ("no_sandbox", 9, "Nothing strong enough to confine generated code is available.")
    NOT_PUSHED = ("not_pushed", 10, "The result could not be pushed.")
    MISCONFIGURED = ("misconfigured", 2, "The settings or the command line do not fit.")
    FAILED = ("failed", 1, "greenloop itself failed; please report it.")
    STOPPED = ("stopped", 130, "Stopped on request; the best attempt so far is kept.")

    def __init__(self, word: str, exit_code: int, sentence: str) -> None:
        self.word = word
        self.exit_code = exit_code
        self.sentence = sentence

    @classmethod
    def of(cls, exit_code: int) -> Reason:
        """The first reason with this exit code."""
        return next((reason for reason in cls if reason.exit_code == exit_code), cls.FAILED)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the loop stopped, and what to add to the reason's own sentence."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a run, and all that is rendered of it."""

    request: Request
    reason: Reason
    attempts: tuple[Attempt, ...] = ()
    best: Attempt | None = None
    baseline: Report | None = None
    verdict: Verdict | None = None  # of `evaluate`, which makes no attempts
    answer: str = ""
    detail: str = ""  # the message of the error that ended it, or what to do next
    branch: str | None = None
    tip: str | None = None  # commit id that the branch ends at
    url: str | None = None
    patch: str = ""  # what `git apply` takes, when the commits are on no branch
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    unusable: int = 0  # answers that could not become a tree
    lookups: int = 0  # answers of nothing but questions
    tested: str = ""  # what became of the test that was to be written first
    omitted: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()  # what could not be done around it, for the job's summary alone
    recording: str = field(default="", repr=False)  # of the run, for the artifact
    knowledge: tuple[str, ...] = ()  # places in sources of knowledge that the model was shown
    sandbox: str = ""  # what confined the checks, in a line; "" when nothing was run
    seconds: float = 0.0
