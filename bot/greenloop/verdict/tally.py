"""The tests of two reports side by side: what is new, mended, still red, and what that proves.

Works on (check, id) pairs, so that two checks may have tests of the same name. Judges nothing: `judge.py` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from greenloop.domain import Cause, CheckResult, Covered, Finding, Report, Severity, Status, TestCase

Key = tuple[str, str]  # the check's name, the test's id
Table = Mapping[Key, TestCase]

GOOD = frozenset({"passed", "xpassed"})
NOT_BEFORE = "is new and fails"  # what is said of a red test that the base does not have
_TELLING = frozenset({Cause.ASSERTION, Cause.PRODUCT})  # the test ran, and said no


def _badness(test: TestCase) -> int:
    return 2 if test.red else int(test.outcome not in GOOD)


def table(report: Report | None) -> dict[Key, TestCase]:
    """Every test by check and id. The worst of doubles counts, so that a forged second line hides nothing."""
    found: dict[Key, TestCase] = {}
    for result in report.results if report else ():
        for test in result.tests:
            known = found.get((result.check, test.id))
            if known is None or _badness(test) > _badness(known):
                found[result.check, test.id] = test
    return found


def together(report: Report, own: Report | None) -> Report:
    """One report of two runs, for whoever reads it: of each check all tests and findings, and the worse status."""
    if own is None:
        return report
    return replace(report, results=tuple(_joined(result, own.of(result.check)) for result in report.results))


_WORST = (Status.SKIPPED, Status.PASSED, Status.FAILED, Status.BROKEN)


def _joined(one: CheckResult, other: CheckResult | None) -> CheckResult:
    if other is None:
        return one
    worse = max(one, other, key=lambda result: _WORST.index(result.status))
    ids, known = {t.id for t in one.tests}, {f.fingerprint for f in one.findings}
    return replace(
        worse,
        tests=(*one.tests, *(t for t in other.tests if t.id not in ids)),
        findings=(*one.findings, *(f for f in other.findings if f.fingerprint not in known)),
        seconds=one.seconds + other.seconds,
        covered=tuple(_either(file, other.covered) for file in one.covered),
        uncovered=one.uncovered,
    )


def _either(file: Covered, others: tuple[Covered, ...]) -> Covered:
    """A line that ran in one of two runs has run."""
    other = next((found for found in others if found.path == file.path and found.lines == file.lines), None)
    if other is None:
        return file
    missed = tuple(line for line in file.missed if line in other.missed)
    return replace(file, missed=missed, strange=file.strange or other.strange)


def file_of(test: TestCase) -> str:
    return test.path or test.id.split("::", 1)[0]


def short(test_id: str) -> str:
    """`tests/test_a.py::TestA::test_b[1]` → `test_b[1]`."""
    name, bracket, rest = test_id.partition("[")
    return name.rsplit("::", 1)[-1] + bracket + rest


def holders(test_id: str) -> Iterator[str]:
    """What a test cannot run without: its classes, its file, and the packages and `conftest.py` above it."""
    head = test_id.partition("[")[0].split("::")
    yield from ("::".join(head[:n]) for n in range(len(head) - 1, 0, -1))
    folder = head[0]
    while folder:
        folder = folder.rpartition("/")[0]
        inside = f"{folder}/" if folder else ""
        yield from (f"{inside}conftest.py", f"{inside}__init__.py", *([folder] if folder else []))


def covering(tests: Table, key: Key) -> TestCase | None:
    """The red entry that stands for this test: itself, or what could not be collected and holds it."""
    if key in tests:
        return tests[key] if tests[key].red else None
    above = (tests.get((key[0], holder)) for holder in holders(key[1]))
    return next((test for test in above if test is not None and test.red), None)


def unmade(baseline: Report, report: Report) -> frozenset[str]:
    """Checks of the base that ran no test now because they were not made: of their tests nothing is known."""
    ran = {r.check for r in report.results if r.tests or r.status in {Status.PASSED, Status.FAILED}}
    return frozenset(r.check for r in baseline.results) - ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What was run: the base, the judged tree, and the attempt's own test files on either product code.

    `restored` are the paths of `own_paths` that the judged tree holds as the base has them; `deleted` are test files
    that a permitted change took away; `unmade` are checks that did not run now; `doubted` prove nothing.
    """

    base: Table
    now: Table
    own: Table | None
    own_base: Table
    own_paths: frozenset[str]
    restored: frozenset[str]
    deleted: frozenset[str]
    unmade: frozenset[str]
    wanted: frozenset[str]
    doubted: frozenset[str] = frozenset()

    def is_own(self, key: Key, test: TestCase) -> bool:
        """Whether the attempt wrote this test. In a restored file, what the judged tree ran is the repository's."""
        mine = self.own_paths & {file_of(test), test.id.split("::", 1)[0]}
        return bool(mine) and not (mine <= self.restored and key in self.now)

    def before(self, key: Key, test: TestCase) -> TestCase | None:
        """What was red on the base in place of a test. Nothing that the attempt adds was."""
        return None if key not in self.base and self.is_own(key, test) else covering(self.base, key)

    @property
    def own_now(self) -> Table:
        """The attempt's own tests as they went now."""
        source = self.now if self.own is None else {**self.now, **self.own}
        return {key: test for key, test in source.items() if self.is_own(key, test)}


def described(check: str, test: TestCase, what: str, *, severity: Severity = Severity.ERROR) -> Finding:
    """A test as a finding. Its rule and context are the id: the same test is the same finding wherever it moved."""
    place = next((f for f in reversed(test.frames) if f.path == file_of(test)), None)
    return Finding(
        check=check,
        rule=test.id,
        message=f"{short(test.id)} {what}",
        path=file_of(test) or None,
        line=place.line if place else test.line,
        severity=severity,
        context=test.id,
    )


def red_says(test: TestCase) -> str:
    """The first line of why a test is red."""
    first = next((line.strip() for line in test.message.splitlines() if line.strip()), "")
    told = first if not test.error or first.startswith((test.error, "assert ")) else f"{test.error}: {first}"
    return told.removesuffix(": ")[:200] or test.outcome


def new_red(sides: Sides) -> Iterator[Finding]:
    """Red now and not red on the base, in the judged tree or in the attempt's own version of its test files."""
    for key, test in sides.now.items():
        if test.red and sides.before(key, test) is None:
            base = sides.base.get(key)
            was = "passed" if base is None or base.outcome in GOOD else f"was {base.outcome}"
            known = f"{was} on the base and fails now" if base else NOT_BEFORE
            yield described(key[0], test, f"{known}: {red_says(test)}")
    for key, test in (sides.own or {}).items():
        if test.red and not (key in sides.now and sides.now[key].red):
            if sides.before(key, test) is None:
                yield described(key[0], test, f"was added by this attempt and fails: {red_says(test)}")
            elif key in sides.now and sides.now[key].outcome in GOOD:
                yield described(key[0], test, f"passes as the base has it, fails as changed here: {red_says(test)}")


def silenced(sides: Sides) -> Iterator[Finding]:
    """Passed on the base, and now neither passed nor red: skipped, expected to fail, deselected or gone."""
    for key, test in sides.base.items():
        if key[0] in sides.unmade:
            continue
        outcome = sides.now[key].outcome if key in sides.now else "missing"
        if test.outcome in GOOD and _gone(sides.now, key):
            severity = Severity.NOTE if file_of(test) in sides.deleted else Severity.ERROR
            yield described(key[0], test, f"passed on the base and is now {outcome}", severity=severity)
        elif sides.own is not None and file_of(test) in sides.own_paths and _gone(sides.own, key):
            ran = sides.now.get(key)
            if GOOD & {test.outcome, ran.outcome if ran else ""}:
                yield described(key[0], test, "is no longer run in this attempt's version of its file")


def _gone(tests: Table, key: Key) -> bool:
    found = tests.get(key)
    return covering(tests, key) is None and (found is None or found.outcome not in GOOD)


def still_red(sides: Sides) -> Iterator[tuple[Finding, frozenset[str]]]:
    """Red on the base and not passed now, each with the ids under which it may be wanted."""
    for key, test in sides.now.items():
        before = sides.before(key, test)
        if test.red and before is not None:
            said = described(key[0], test, f"failed on the base and still fails: {red_says(test)}")
            yield said, frozenset({test.id, before.id})
    for key, test in sides.base.items():
        hidden = sides.now.get(key)
        if not test.red or (hidden and (hidden.red or hidden.outcome in GOOD)) or _collected(sides, key):
            continue
        what = "was not run now" if key[0] in sides.unmade else f"is now {hidden.outcome if hidden else 'missing'}"
        yield described(key[0], test, f"failed on the base and {what}"), frozenset({test.id})


def _collected(sides: Sides, key: Key) -> bool:
    """Whether what could not be collected on the base now runs: a test that was hidden by it passed or failed."""
    found = (t for k, t in sides.now.items() if k[0] == key[0] and k not in sides.base and key[1] in holders(k[1]))
    return any(t.red or t.outcome in GOOD for t in found)


def absent(sides: Sides) -> Iterator[Finding]:
    """Wanted ids that no run knows: never silently dropped."""
    known = {key[1] for side in (sides.base, sides.now) for key in side}
    for test_id in sorted(sides.wanted - known):
        yield described("tests", TestCase(id=test_id, outcome="missing"), "has to pass and was not run")


def mended(sides: Sides) -> Iterator[Finding]:
    for key, test in sides.now.items():
        if test.outcome in GOOD and sides.before(key, test) is not None:
            yield described(key[0], replace(test, frames=()), "failed on the base and passes now")


def proof(sides: Sides) -> tuple[str, ...]:
    """The repository's own tests that were red on the base, or could not even be collected there, and pass now."""
    found = (
        test.id
        for key, test in sides.now.items()
        if test.outcome == "passed" and not sides.is_own(key, test) and sides.before(key, test) is not None
    )
    red = {test.id for test in sides.now.values() if test.red}  # by another check, under the same name
    return tuple(dict.fromkeys(test_id for test_id in found if test_id not in red | sides.doubted))


def own_proof(sides: Sides) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Own tests that pass now: those which said no on the base's code, and those which could not run there."""
    proven: list[str] = []
    unproven: list[str] = []
    for key, test in sides.own_now.items():
        before = sides.own_base.get(key)
        if test.outcome != "passed" or (before is not None and before.outcome in GOOD):
            continue
        told = before is not None and before.outcome == "failed" and before.cause in _TELLING
        told = told and test.id not in sides.doubted
        (proven if told else unproven).append(test.id)
    return tuple(dict.fromkeys(proven)), tuple(dict.fromkeys(unproven))
