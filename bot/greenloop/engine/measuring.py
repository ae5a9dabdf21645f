"""The numbers of an attempt beside the base's, and what of them speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from greenloop.checks import benchmark
from greenloop.checks.files import is_test
from greenloop.domain import CheckResult, Finding, Number, Report, Severity, Tree
from greenloop.engine import partly
from greenloop.engine.workbench import Baseline, Workbench, measure_again
from greenloop.ports import Subject, Workspace
from greenloop.setting_values import Criteria
from greenloop.source.complexity import worst
from greenloop.verdict import criteria


def measured(
    tree: Tree, judged: Tree, report: Report, *, green: bool, base: Baseline, bench: Workbench
) -> tuple[tuple[Number, ...], tuple[Finding, ...]]:
    """Of `tree`, of which the checks saw `judged` and said `report`. What has to be run for it is run for what is
    `green` otherwise."""
    limits = bench.settings.criteria or Criteria()
    numbers = [*_complexity(tree, base, bench.workspace, limits), *_coverage(report, limits)]
    costs = _tests(report, base)
    told = {check: criteria.costs(check, *both, limits) for check, both in costs.items()}
    over = [check for check, pair in told.items() if any(criteria.exceeded(pair, limits))]
    if green and over:
        low = _again(judged, base, bench, {check: costs[check] for check in over})
        told |= {check: criteria.costs(check, *both, limits) for check, both in low.items()}
    numbers += [number for pair in told.values() for number in pair]
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


Both = tuple[criteria.Cost, criteria.Cost]  # on the base, and now


def _tests(report: Report, base: Baseline) -> dict[str, Both]:
    """What the checks that run tests have cost, by check."""
    return {
        before.check: (_cost(before), _cost(now))
        for before in base.report.results
        if before.tests and (now := report.of(before.check)) is not None and _told(now)
    }


def _told(result: CheckResult) -> bool:
    """A part of the tests tells nothing."""
    return bool(result.tests) and not result.reason


def _cost(result: CheckResult) -> criteria.Cost:
    return result.seconds, result.metrics.get("memory") or None


def _again(judged: Tree, base: Baseline, bench: Workbench, costs: Mapping[str, Both]) -> dict[str, Both]:
    """Both sides of these checks once more: of two runs the lower number counts, so that a busy machine speaks against
    nobody. Where there is no second run, the first stands."""
    old, new = (measure_again(bench, tree, base, first=(), names=tuple(costs)) for tree in (base.tree, judged))
    found = {}
    for check, (before, now) in costs.items():
        one, two = old.of(check), new.of(check)
        if one is not None and two is not None and _told(one) and _told(two):
            found[check] = (_lower(before, _cost(one)), _lower(now, _cost(two)))
    return found


def _lower(one: criteria.Cost, two: criteria.Cost) -> criteria.Cost:
    return min(one[0], two[0]), min((each for each in (one[1], two[1]) if each is not None), default=None)


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
