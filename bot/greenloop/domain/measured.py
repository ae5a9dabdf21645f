"""What was measured: findings, tests, reports, and what they say beside the baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

_NOTHING: Mapping[str, float] = MappingProxyType({})


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # the code is wrong
    BROKEN = "broken"  # the check itself could not be made; says nothing about the code
    SKIPPED = "skipped"  # deliberately not made; never counts as passed


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"  # reported, never decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check has to say. `context` is the text of the line it is about, so that `fingerprint` survives
    moved lines; without one the message stands in."""

    check: str
    rule: str
    message: str
    path: str | None = None
    line: int | None = None
    severity: Severity = Severity.ERROR
    context: str = ""

    @property
    def fingerprint(self) -> str:
        """The same for the same finding on other lines; equal for equal lines, so compare as multisets."""
        about = " ".join((self.context or self.message).split())
        text = "\0".join((self.check, self.rule, self.path or "", about))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A line of a traceback inside the repository. `source` is the function it stands in, at most 40 lines."""

    path: str
    line: int
    function: str
    source: str = ""
    source_start: int = 0


class Cause(StrEnum):
    """Why a test did not pass, as far as evidence goes."""

    ASSERTION = "assertion"  # an assertion (or pytest.fail, pytest.raises not raised) in the test
    PRODUCT = "product"  # an exception whose last own-code frame lies outside the tests
    IMPORT = "import"  # ImportError, NameError, AttributeError, collection or fixture error: it could not really run
    BUILD = "build"  # what all tests need could not be built, so none of them ran
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test of a run. `outcome` is passed, failed, error, skipped, xfailed or xpassed."""

    __test__ = False  # not a test of ours, whatever pytest makes of the name

    id: str
    outcome: str
    path: str = ""
    line: int | None = None
    cause: Cause | None = None
    error: str = ""  # the exception's type, "AssertionError"
    message: str = ""  # assertion diff or exception text, normalised, at most 4,000 characters
    frames: tuple[Frame, ...] = ()
    output: str = ""  # tail of captured output
    seconds: float = 0.0

    @property
    def red(self) -> bool:
        return self.outcome in {"failed", "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Of a file of the product: the first lines of the changed statements, and those of them that no test ran.
    `strange` when something else ran under the file's name, which does not count."""

    path: str
    lines: tuple[int, ...]
    missed: tuple[int, ...] = ()
    strange: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check said of one tree. `tests` only from checks that run tests; `output` is a tail for people."""

    check: str
    status: Status
    findings: tuple[Finding, ...] = ()
    tests: tuple[TestCase, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    output: str = ""
    seconds: float = 0.0
    reason: str = ""  # one sentence, when broken or skipped
    covered: tuple[Covered, ...] = ()  # of the changed files, by the check that saw them run
    uncovered: str = ""  # why that is not known, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A distribution that a tree needs and its base did not, in this version. `vulnerabilities` is words for people:
    ids, "none known", or "not checked"."""

    name: str
    version: str
    source: str
    replaces: str = ""  # the base's version
    vulnerabilities: str = "not checked"


@dataclass(frozen=True, slots=True)
class Number:
    """Something that was measured on the base and now; None where it was not, or is new."""

    what: str
    before: float | None
    after: float | None
    unit: str = ""
    limit: str = ""  # words, where it decides
    detail: str = ""  # what the number is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks of one tree, in the order of the settings."""

    results: tuple[CheckResult, ...]
    dependencies: tuple[Dependency, ...] = ()  # beyond the base's
    numbers: tuple[Number, ...] = ()

    def of(self, check: str) -> CheckResult | None:
        return next((r for r in self.results if r.check == check), None)

    @property
    def tests(self) -> Mapping[str, TestCase]:
        return MappingProxyType({t.id: t for r in self.results for t in r.tests})

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(f for r in self.results for f in r.findings)

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        return tuple(r for r in self.results if r.status is Status.BROKEN)


class Evidence(StrEnum):
    PROVEN = "proven"  # a test that failed on the base passes now
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A report compared with the baseline. `why` holds the reasons for not green, one sentence each.

    `score` orders attempts, higher is better, compared as tuples; its last part is minus the size of the change, the
    one before it 1 for what was chosen among equals made side by side.
    """

    green: bool
    evidence: Evidence
    proof: tuple[str, ...] = ()  # ids of the repository's own tests: red on the base, passed now
    own_proof: tuple[str, ...] = ()  # ids of tests that the attempt wrote or changed
    unproven: tuple[str, ...] = ()  # tests of the attempt that could not run on the base (new names), listed
    new: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    old: tuple[Finding, ...] = ()  # red before and now, and not wanted; listed, never hidden
    wanted: tuple[Finding, ...] = ()  # old failures that this request has to mend and that are still red
    why: tuple[str, ...] = ()
    score: tuple[float, ...] = ()
