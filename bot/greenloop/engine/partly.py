"""A slow suite: the tests that reach a change go first, and when they speak against it the others need not run.

What is green has been through all of it. Pure but for `tried`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from greenloop.domain import CheckResult, Report, Status, Tree
from greenloop.engine.workbench import Baseline, Workbench, measure, measure_part
from greenloop.source.imports import reaches
from greenloop.verdict.tally import file_of

CHECK = "pytest"
SLOW = 20.0  # seconds of the suite on the base
SAID = "Of {all} test files the {some} that reach the change were run, and they fail; the others stand as on the base."


def tried(tree: Tree, base: Baseline, bench: Workbench, *, wanted: Collection[str], first: Iterable[str]) -> Report:
    """Every check on `tree`; of a slow suite only as much as it takes to know that it is not green."""
    first = tuple(first)
    files = reaching(tree, base, bench)
    if not files:
        return measure(bench, tree, base, first=first)
    part = measure_part(bench, tree, base, files=files).of(CHECK)
    if part is None or not _against(part, base.report, wanted):
        return measure(bench, tree, base, first=first)
    rest = measure(bench, tree, base, without=(CHECK,))
    return _merged(rest, part, base.report, files)


def whole(report: Report) -> bool:
    """Whether all of the tests were run."""
    result = report.of(CHECK)
    return result is None or not _partly(result)


def _partly(result: CheckResult) -> bool:
    return result.reason.endswith(SAID[-40:])


def reaching(tree: Tree, base: Baseline, bench: Workbench) -> tuple[str, ...]:
    """The files of a slow suite's tests that import something that changed; none where that is no smaller part."""
    result = base.report.of(CHECK)
    if result is None or result.seconds < SLOW or CHECK not in bench.settings.checks:
        return ()
    paths = bench.workspace.entries(tree)
    files = {file_of(test) for test in result.tests} & paths.keys()
    changed = {change.path for change in bench.workspace.diff(base.tree, tree)}
    found = reaches(files, changed, paths.keys(), lambda path: bench.workspace.read(tree, path)) | (files & changed)
    return tuple(sorted(found)) if len(found) < len(files) else ()


def _against(part: CheckResult, base: Report, wanted: Collection[str]) -> bool:
    """Whether what ran is enough to know that it is not green: something that passed on the base fails, or something
    that has to pass does not."""
    before = base.of(CHECK)
    red = {test.id for test in before.tests if test.red} if before else set()
    return part.status is Status.FAILED and any(t.red and (t.id not in red or t.id in wanted) for t in part.tests)


def _merged(rest: Report, part: CheckResult, base: Report, files: Collection[str]) -> Report:
    """With the tests of all other files as they went on the base, which is said."""
    before = base.of(CHECK)
    others = tuple(t for t in before.tests if file_of(t) not in files) if before else ()
    all_ = len({file_of(t) for t in before.tests}) if before else 0
    told = replace(part, tests=(*part.tests, *others), reason=SAID.format(all=all_, some=len(files)))
    order = [result.check for result in base.results]
    results = sorted((*rest.results, told), key=lambda r: order.index(r.check) if r.check in order else -1)
    return replace(rest, results=tuple(results))
