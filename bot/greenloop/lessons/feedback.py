"""What the model reads after an attempt that is not green: built, bounded, and the same for the same failure.

Pure text out of values. It adds no advice of its own beside one-line cures for common findings.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from greenloop.domain import CheckResult, Finding, Frame, Report, Status, Verdict
from greenloop.lessons.cures import cure
from greenloop.lessons.excerpts import excerpt
from greenloop.lessons.failures import Group, fenced, forms, frames_of, grouped, line_of, place, plain, says
from greenloop.verdict.findings import EXIT, decides
from greenloop.verdict.judge import UNCHANGED
from greenloop.verdict.tally import file_of, short, table

_GROUPS = 3
_RAW = 1800  # characters of raw output, when nothing better is known
_RESERVE = 30  # tokens kept for saying what was cut


@dataclass(frozen=True, slots=True)
class _Unit:
    """Something that is said whole or not at all; `forms` from the fullest to the shortest."""

    kind: str  # what the reader is told was cut, in the singular
    forms: tuple[str, ...]
    weight: int = 1


def feedback(
    report: Report,
    verdict: Verdict,
    baseline: Report,
    *,
    notes: Iterable[str] = (),
    own: Report | None = None,
    shown: Collection[str] = (),
    limit: int = 1500,
) -> str:
    """At most `limit` tokens by `estimate`. `own` is the run of the attempt's own test files, when there was one;
    `shown` are paths whose text the prompt holds anyway."""
    tests = {key: test for side in (own, report) for key, test in table(side).items()}
    known = {test_id for _, test_id in (*tests, *table(baseline))}
    deciding = {f.rule for f in (*verdict.new, *verdict.wanted) if decides(f)}
    red = {key: test for key, test in tests.items() if test.red}
    groups = grouped(test for test in red.values() if test.id in deciding)
    told = {test.id for group in groups for test in group}
    rest = [f for f in (*verdict.new, *verdict.wanted) if decides(f) and f.rule not in told]
    units = [
        *_unmeasured(report, baseline, own),
        *_failures(groups, shown),
        *(_Unit("finding", _finding(f) if f.rule != EXIT else _exit(f, report)) for f in rest),
        *(_Unit("note", (f"- {line_of(note)}",)) for note in notes),
    ]
    head = [_counts(report, verdict, red, known), _old(verdict, known)]
    if UNCHANGED in verdict.why:
        head.append(UNCHANGED)
    return _fitted("\n".join(filter(None, head)), units, limit)


def first_failures(baseline: Report, wanted: Collection[str], *, shown: Collection[str] = (), limit: int = 1500) -> str:
    """What is red before any change, as far as it has to be mended; empty when nothing is."""
    tests = table(baseline)
    red = [t for t in tests.values() if t.red and t.id in wanted]
    if not red:
        return ""
    passed = sum(t.outcome == "passed" for t in tests.values())
    old = sum(t.red for t in tests.values()) - len(red)
    head = f"Before any change: {_many(len(red), 'test')} to mend failed, {passed} passed."
    head += f" Not part of this: {_many(old, 'old failure')}." if old else ""
    return _fitted(head, list(_failures(grouped(red), shown)), limit)


def signature(report: Report, verdict: Verdict) -> str:
    """Equal when the same failure comes again, even on other lines."""
    deciding = {f.rule for f in (*verdict.new, *verdict.wanted) if decides(f)}
    marks = {
        "\0".join((t.id, t.error, *place(t), _lineless(says(t))))
        for t in table(report).values()
        if t.red and t.id in deciding
    }
    marks |= {f.fingerprint for f in (*verdict.new, *verdict.wanted) if decides(f)}
    marks |= {f"{r.check}\0{r.status}\0{_lineless(r.reason)}" for r in report.results if r.status in _NOT_MADE}
    return hashlib.sha256("\n".join(sorted(marks)).encode("utf-8", "replace")).hexdigest()[:20]


_NOT_MADE = {Status.BROKEN, Status.SKIPPED}


def estimate(text: str) -> int:
    """Tokens, rather too many than too few."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def _lineless(text: str) -> str:
    return re.sub(r"(?<=\.py:)\d+|(?<=\bline )\d+", "N", plain(text))


def _fitted(head: str, units: list[_Unit], limit: int) -> str:
    """The fullest form of each unit that still fits; from the first that does not, all are cut and counted."""
    text = head
    for number, unit in enumerate(units):
        room = limit - _RESERVE * (number < len(units) - 1)
        fuller = next((t for f in unit.forms if estimate(t := f"{text}\n\n{f}") <= room), None)
        if fuller is None:
            return f"{text}\n\n{_cut(units[number:])}"
        text = fuller
    return text


def _cut(units: list[_Unit]) -> str:
    counts: dict[str, int] = {}
    for unit in units:
        counts[unit.kind] = counts.get(unit.kind, 0) + unit.weight
    return f"(Left out for length: {', '.join(_many(n, kind) for kind, n in counts.items())}.)"


def _counts(report: Report, verdict: Verdict, red: Collection[tuple[str, str]], known: Collection[str]) -> str:
    """`3 tests failed (1 new), 41 passed; ruff: 1 new finding; bandit: nothing new.`"""
    new = [f for f in verdict.new if decides(f)]
    ids = {test_id for _, test_id in red}
    passed = sum(t.outcome == "passed" for t in table(report).values())
    parts = []
    if known:
        fresh = len({f.rule for f in new if f.rule in ids})
        parts.append(f"{_many(len(red), 'test')} failed{f' ({fresh} new)' if fresh else ''}, {passed} passed")
    checks = dict.fromkeys([*(r.check for r in report.results if not r.tests), *(f.check for f in new)])
    for check in checks:
        count = sum(f.check == check and f.rule not in known for f in new)
        if count or report.of(check) is None or _made(report.of(check)):
            parts.append(f"{line_of(check, 40)}: {_many(count, 'new finding') if count else 'nothing new'}")
    return "; ".join(dict.fromkeys(parts)) + "."


def _made(result: CheckResult | None) -> bool:
    return result is not None and result.status not in _NOT_MADE and not result.tests


def _old(verdict: Verdict, known: Collection[str]) -> str:
    tests = sum(f.rule in known for f in verdict.old)
    counts = [_many(tests, "old failure")] if tests else []
    counts += [_many(len(verdict.old) - tests, "old finding")] if len(verdict.old) > tests else []
    return f"Not part of this: {', '.join(counts)}." if counts else ""


def _unmeasured(report: Report, baseline: Report, own: Report | None) -> Iterator[_Unit]:
    """Checks that could not be made, or that failed without a word that could be read: the end of their output."""
    for result in (*report.results, *(own.results if own else ())):
        before = baseline.of(result.check)
        mute = result.status is Status.FAILED and not result.findings and not any(t.red for t in result.tests)
        held = result.status is Status.SKIPPED and not (before and before.status is Status.SKIPPED)
        if result.status is Status.BROKEN or mute or held:
            why = {Status.BROKEN: "could not be made", Status.SKIPPED: "was not made"}.get(result.status, "failed")
            said = f"{line_of(result.check, 40)} {why}{f': {line_of(result.reason)}' if result.reason else '.'}"
            yield _Unit("unmade check", _with_output(said, result))


def _with_output(said: str, result: CheckResult | None) -> tuple[str, ...]:
    """Beside what is said, of what was printed as much as there is room for."""
    printed = plain(result.output).strip() if result is not None else ""
    full = tuple(f"{said}\n{fenced(excerpt(printed, size))}" for size in (_RAW, 500)) if printed else ()
    return (*full, said)


def _failures(groups: list[Group], shown: Collection[str]) -> Iterator[_Unit]:
    told: set[Frame] = set()
    for group in groups[:_GROUPS]:
        yield _Unit("failure", tuple(forms(group, shown, told)), len(group))
        told.update(frames_of(group[0]))
    rest = [test for group in groups[_GROUPS:] for test in group]
    if rest:
        before = {file_of(group[0]) for group in groups[:_GROUPS]}
        names = ", ".join(line_of(short(t.id) if file_of(t) in before else t.id, 100) for t in rest[:3])
        more = f" and {len(rest) - 3} more" if len(rest) > 3 else ""
        yield _Unit("failure", (f"- failing in other ways: {names}{more}",), len(rest))


def _finding(finding: Finding) -> tuple[str, ...]:
    """`- path:line ruff F401 message`, the line it is about, and how such a thing is mended. A test says all itself."""
    if finding.rule == finding.context:
        return (f"- {line_of(finding.message, 400)}",)
    where = "" if finding.path is None else line_of(finding.path)
    where += f":{finding.line}" if where and finding.line else ""
    said = f"- {where} {line_of(finding.check, 40)} {line_of(finding.rule, 80)}: {line_of(finding.message, 400)}"
    said = said.replace("-  ", "- ")
    about = f"\n      {line_of(finding.context, 200)}" if finding.context.strip() else ""
    mending = cure(finding.check, finding.rule)
    return ("\n".join(filter(None, (said + about, mending and f"  {mending}"))), said)


def _exit(finding: Finding, report: Report) -> tuple[str, ...]:
    """A program that tells by its exit code alone: what it printed is all there is to go by."""
    return _with_output(f"- {line_of(finding.check, 40)}: {line_of(finding.message, 300)}", report.of(finding.check))


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
