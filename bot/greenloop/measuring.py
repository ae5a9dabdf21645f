"""The numbers of an attempt beside the base's, and what of them speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from greenloop import criteria, partly
from greenloop.checks import benchmark
from greenloop.checks.files import is_test
from greenloop.complexity import worst
from greenloop.domain import CheckResult, Finding, Number, Report, Severity, Tree
from greenloop.ports import Subject, Workspace
from greenloop.setting_values import Criteria
from greenloop.workbench import Baseline, Workbench, measure_again


def measured(
    tree: Tree, judged: Tree, report: Report, *, green: bool, base: Baseline, bench: Workbench
) -> tuple[tuple[Number, ...], tuple[Finding, ...]]:
    """Of `tree`, of which the checks saw `judged` and said `report`. What has to be run for it is run for what is
    `green` otherwise."""
    limits = bench.settings.criteria or Criteria()
    numbers = [*_complexity(tree, base, bench.workspace, limits), *_coverage(report, limits)]
    costs = list(_tests(report, base, limits))
    if green and any(criteria.exceeded(costs, limits)):
        costs = list(_again(judged, report, base, bench, limits))
    numbers += costs
    notes: list[Finding] = []
    if green and limits.benchmark:
        said = _benchmark(tree, base, bench, limits)
        if isinstance(said, str):
            notes.append(Finding(check=criteria.CHECK, rule="benchmark", message=said, severity=Severity.NOTE))
        else:
            numbers += said
    return tuple(numbers), (*notes, *criteria.exceeded(numbers, limits))


def _complexity(tree: Tree, base: Baseline, workspace: Workspace, limits: Criteria) -> Iterator[Number]:
    """The most complex function among those that were changed."""
    found: list[Number] = []
    for change in workspace.diff(base.tree, tree):
        if not change.lines or not change.path.endswith(".py") or is_test(change.path):
            continue
        old, new = workspace.read(base.tree, change.path) or b"", workspace.read(tree, change.path) or b""
        most = worst(old, new, change.lines)
        if most is not None:
            function, before = most
            found.append(criteria.complexity(f"{change.path}::{function.name}", before, function.ways, limits))
    broken = [number for number in found if any(criteria.exceeded([number], limits))]
    yield from broken or sorted(found, key=lambda number: -(number.after or 0.0))[:1]


def _coverage(report: Report, limits: Criteria) -> Iterator[Number]:
    """Where it decides, that it is not known is a number too. A part of the tests tells nothing."""
    for result in report.results if partly.whole(report) else ():
        if result.covered:
            yield criteria.coverage(result.covered, limits)
        elif result.uncovered and limits.coverage is not None:
            yield replace(criteria.coverage((), limits), detail=result.uncovered)


def _tests(report: Report, base: Baseline, limits: Criteria) -> Iterator[Number]:
    for before in base.report.results:
        now = report.of(before.check)
        if before.tests and now is not None and now.tests and not now.reason:  # a part of the tests tells nothing
            yield from criteria.costs(before.check, _cost(before), _cost(now), limits)


def _cost(result: CheckResult) -> tuple[float, float]:
    return result.seconds, result.metrics.get("memory", 0.0)


def _again(judged: Tree, report: Report, base: Baseline, bench: Workbench, limits: Criteria) -> Iterator[Number]:
    """Both sides once more: of two runs the lower number counts, so that a busy machine speaks against nobody."""
    old, new = measure_again(bench, base.tree, base, first=()), measure_again(bench, judged, base, first=())
    for before, again in ((base.report, old), (report, new)):
        if again.of("pytest") is None or before.of("pytest") is None:
            return
    low = [
        tuple(min(pair) for pair in zip(_cost(one), _cost(two), strict=True))
        for side, more in ((base.report, old), (report, new))
        if (one := side.of("pytest")) and (two := more.of("pytest"))
    ]
    yield from criteria.costs("pytest", (low[0][0], low[0][1]), (low[1][0], low[1][1]), limits)


def _benchmark(tree: Tree, base: Baseline, bench: Workbench, limits: Criteria) -> list[Number] | str:
    """On the base and on the attempt, both now: machines differ from hour to hour."""
    costs: list[tuple[float, float]] = []
    for each in (base.tree, tree):
        bench.say("checks", detail="the benchmark")
        with bench.laid(each) as folder:
            subject = Subject(folder=folder, directory=bench.settings.directory, environment=base.environment)
            cost = benchmark.run(subject, bench.sandbox, bench.settings, limits.benchmark)
        if isinstance(cost, str):
            return f"{cost} ({'on the base' if each == base.tree else 'now'})"
        costs.append((cost.seconds, cost.memory))
    return list(criteria.costs("the benchmark", costs[0], costs[1], limits))
