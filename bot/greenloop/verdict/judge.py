"""Report and baseline → Verdict: the one place that decides what is green, and what green proves.

Pure: it sees values only. It does not run, restore or repair anything, and it believes no summary that a check gives
of itself when the findings or tests say otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from greenloop.domain import CheckResult, Evidence, Finding, Report, Severity, Status, Verdict
from greenloop.verdict.findings import EXIT, Lint, decides, lint_beside
from greenloop.verdict.tally import (
    Sides,
    absent,
    covering,
    mended,
    new_red,
    own_proof,
    proof,
    short,
    silenced,
    still_red,
    table,
    unmade,
)

UNCHANGED = "Nothing was changed."
DELETED = "deleted"  # rule of the integrity note that tells of a test file deleted by a permitted change
_LINE = 120  # characters of an evidence line

Unmet = list[tuple[Finding, frozenset[str]]]  # wanted and not passed, with the ids that stay unmet


def judge(  # noqa: PLR0913 - what was measured, by name; a bag of these would only move the names
    baseline: Report,
    report: Report,
    *,
    wanted: frozenset[str],
    changed: bool,
    own: Report | None = None,
    own_base: Report | None = None,
    own_paths: frozenset[str] = frozenset(),
    restored: frozenset[str] = frozenset(),
    diff_lines: int = 0,
    notes: tuple[Finding, ...] = (),
    doubted: frozenset[str] = frozenset(),
) -> Verdict:
    """Decide. `report` is of the judged tree; `own` of all `own_paths` (test files that the attempt wrote or changed)
    as the attempt has them, None when the judged tree holds them so; `own_base` of the same on the base's product code.
    `restored` are those of `own_paths` that the judged tree holds as the base has them: their tests are the
    repository's. `report` covers the whole tree, files that did not change included. `changed` False is never green;
    `evaluate`, which may be asked about an unchanged tree, passes True. `doubted` are tests that were not red on the
    base when they ran there again: they prove nothing.
    """
    sides = Sides(
        base=table(baseline),
        now=table(report),
        own=None if own is None else table(own),
        own_base=table(own_base),
        own_paths=own_paths,
        restored=restored,
        deleted=frozenset(f.path or "" for f in notes if f.rule == DELETED and not decides(f)),
        unmade=unmade(baseline, report),
        wanted=wanted,
        doubted=doubted,
    )
    unchecked = (
        *(() if changed else (UNCHANGED,)),
        *_unmeasured(baseline, report, own),
        *(_broken(own) if own else ()),
        *_mute(report, own),
    )
    return _decided(sides, lint_beside(baseline, report, own), notes, unchecked, diff_lines, _nameless(report))


def _decided(
    sides: Sides,
    lint: Lint,
    notes: tuple[Finding, ...],
    unchecked: tuple[str, ...],
    diff_lines: int,
    nameless: frozenset[str],
) -> Verdict:
    unmet, old_red = _open(sides)
    mute = [finding for finding in lint.old if finding.check in nameless and decides(finding)]
    unmet += [(finding, frozenset()) for finding in mute]
    tests = (*new_red(sides), *silenced(sides))
    rest = (*lint.new, *notes)
    why = (*unchecked, *_sentences((*tests, *rest), unmet))
    sound = not unchecked and not _uncollected(sides)
    proven, (own_proven, unproven) = proof(sides), own_proof(sides)
    return Verdict(
        green=not why,
        evidence=Evidence.PROVEN if proven or own_proven else Evidence.UNPROVEN,
        proof=proven,
        own_proof=own_proven,
        unproven=unproven,
        new=(*tests, *rest),
        fixed=(*mended(sides), *lint.fixed),
        old=(*old_red, *(finding for finding in lint.old if finding not in mute)),
        wanted=tuple(finding for finding, _ in unmet),
        why=why,
        score=(float(not why), float(sound), *_score(sides, unmet, tests, rest), 0.0, -float(diff_lines)),
    )


def _score(sides: Sides, unmet: Unmet, tests: tuple[Finding, ...], rest: tuple[Finding, ...]) -> tuple[float, ...]:
    """What orders attempts of the same soundness. Only the repository's own tests count as passed: adding easy ones
    makes no attempt better."""
    passed = sum(t.outcome == "passed" and not sides.is_own(key, t) for key, t in sides.now.items())
    met = len(sides.wanted - {test_id for _, ids in unmet for test_id in ids})
    errors, warnings = (-_count(rest, severity) for severity in (Severity.ERROR, Severity.WARNING))
    return (-_count(tests, Severity.ERROR), float(met), float(passed), errors, warnings)


def _uncollected(sides: Sides) -> bool:
    """Whether a file of tests that the base could load cannot be loaded now."""
    files = (key for key, t in sides.now.items() if t.red and f"/{t.path}".endswith(f"/{t.id}"))
    return any(covering(sides.base, key) is None for key in files)


def against(verdict: Verdict, findings: tuple[Finding, ...]) -> Verdict:
    """The same verdict when `findings` speak against it as well."""
    held = tuple(finding for finding in findings if decides(finding))
    if not held:
        return verdict
    score = list(verdict.score)
    score[0], score[-4] = 0.0, score[-4] - len(held)
    why = (*verdict.why, *_sentences(held, []))
    return replace(verdict, green=False, new=(*verdict.new, *held), why=why, score=tuple(score))


def improves(verdict: Verdict) -> bool:
    """Better than the base: something wanted or proven, nothing new, everything measured."""
    _green, sound, _new, met, *_ = verdict.score
    better = met or verdict.evidence is Evidence.PROVEN
    return bool(sound and better and not any(decides(f) for f in verdict.new))


def evidence_line(verdict: Verdict) -> str:
    """`proven(test_a, own test_b and 3 more)` or `unproven`: one line of safe characters for a trailer."""
    names = [_safe(i) for i in verdict.proof] + [f"own {_safe(i)}" for i in verdict.own_proof]
    if not names or verdict.evidence is not Evidence.PROVEN:
        return "unproven"
    names = list(dict.fromkeys(names))
    for kept in (n for n in (3, 2, 1) if n <= len(names)):
        more = f" and {len(names) - kept} more" if len(names) > kept else ""
        line = f"proven({', '.join(names[:kept])}{more})"
        if len(line) <= _LINE and (kept < 3 or not more):
            return line
    return f"proven({names[0][:60]} and {len(names) - 1} more)" if len(names) > 1 else f"proven({names[0][:60]})"


def _safe(test_id: str) -> str:
    """Names come from hostile code: they may not end the line, the bracket, or mention anybody."""
    return re.sub(r"[^\w\[\]\-.:/]", "", short(test_id)) or "test"


def _unmeasured(baseline: Report, report: Report, own: Report | None) -> Iterator[str]:
    """Not checked is not passed."""
    if all(r.status is Status.SKIPPED for r in (*report.results, *(own.results if own else ()))):
        yield "Nothing was checked."
    for result in report.results:
        if result.status is Status.SKIPPED and not _idle(baseline.of(result.check), result):
            yield f"{result.check} was not made: {_one_line(result.reason) or 'skipped'}."
    yield from _broken(report)
    for before in baseline.results:
        if report.of(before.check) is None:
            yield f"{before.check} was made on the base and not here."


def _idle(before: CheckResult | None, now: CheckResult) -> bool:
    """There was nothing to check on either side ("no tests"); what a gate held back is another matter."""
    both = before is not None and before.status is Status.SKIPPED and before.reason == now.reason
    return both and not re.search(r"pars|syntax", now.reason, re.IGNORECASE)


def _broken(report: Report) -> Iterator[str]:
    for result in report.broken:
        yield f"{result.check} could not be made: {_one_line(result.reason) or 'no reason given'}."


def _mute(report: Report, own: Report | None) -> Iterator[str]:
    """A check that failed and names nothing: something is wrong that nobody can compare with the base."""
    for result in (*report.results, *(own.results if own else ())):
        speaks = any(t.red for t in result.tests) or any(decides(f) for f in result.findings)
        if result.status is Status.FAILED and not speaks:
            yield f"{result.check} failed without naming a finding."


def _nameless(report: Report) -> frozenset[str]:
    """Checks that failed by an exit code alone: whether that is for the base's reasons or for more nobody knows, so
    they have to pass."""
    return frozenset(
        result.check
        for result in report.results
        if result.status is Status.FAILED
        and not result.tests
        and all(finding.rule == EXIT for finding in result.findings if decides(finding))
    )


def _sentences(new: tuple[Finding, ...], unmet: Unmet) -> Iterator[str]:
    counts = Counter(f.check for f in new if decides(f))
    if counts:
        total = sum(counts.values())
        parts = ", ".join(f"{check} {n}" for check, n in counts.items())
        yield f"{total} new finding{'s' if total > 1 else ''}: {parts}."
    names = list(dict.fromkeys(_safe(f.check if f.rule == EXIT else f.rule) for f, _ in unmet))
    if names:
        rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{rest} {'does' if len(names) == 1 else 'do'} not pass yet and must."


def _open(sides: Sides) -> tuple[Unmet, list[Finding]]:
    """What was red and is not passed: wanted (with the ids that stay unmet), and merely old."""
    wanted: Unmet = []
    old: list[Finding] = []
    for finding, ids in still_red(sides):
        if ids & sides.wanted:
            wanted.append((finding, ids & sides.wanted))
        else:
            old.append(finding)
    wanted += [(finding, frozenset({finding.rule})) for finding in absent(sides)]
    return wanted, old


def _count(findings: Iterable[Finding], severity: Severity) -> float:
    return float(sum(f.severity is severity for f in findings))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
